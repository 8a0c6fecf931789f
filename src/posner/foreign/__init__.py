"""Token classifiers that transformers saved, read as recognisers; and Posner models written so."""
