"""Training: the loop, its checkpoints, the run folder. Needs `posner[train]`."""
