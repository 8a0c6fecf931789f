"""Several systems, trained and scored on the same words, in one table."""
