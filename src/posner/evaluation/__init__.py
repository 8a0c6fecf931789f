"""Honest scores: counts that add up, and every ratio derived from them."""
