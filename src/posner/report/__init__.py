"""A run, or several side by side, as one HTML page and as pictures."""
