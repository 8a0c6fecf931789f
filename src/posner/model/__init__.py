"""The network (torch): encoder, word features, positional attention, heads, CRF, losses."""
