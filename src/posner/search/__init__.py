"""Searching for settings: a space of them, trials in a study that survives its processes, a winner.

`space` knows neither torch nor Optuna; everything else needs `posner[train,search]`.
"""

from __future__ import annotations
