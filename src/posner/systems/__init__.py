"""Other systems than the network: CRF, BiLSTM, a plain transformer; spaCy and foreign models.

Those that learn are `System`s: fit, predict, save, load, evaluate. All are `Tagger`s, so that every
command which takes a model takes them.
"""

from posner.systems.opening import check_model, is_foreign_model, load
from posner.systems.recipes import MAIN, system_names, system_recipe, system_summary

__all__ = [
    "MAIN",
    "check_model",
    "is_foreign_model",
    "load",
    "system_names",
    "system_recipe",
    "system_summary",
]
