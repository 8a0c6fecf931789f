"""What a lexicon may do to entities."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from posner.errors import UsageError
from posner.postprocess.matcher import Case
from posner.postprocess.near import MOST_EDITS

RULES = ("correct", "relabel", "veto", "add")
"""The rules that can be switched on by name; the first is on by default."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a lexicon may do.

    Attributes:
        correct: an entity that is a known name of its label, or near one, gains the name's right
            spelling (`corrected`) and `id`; its text, offsets, label and score stay.
        relabel: an entity that is a known name, or near one, but only of one other label, takes
            that label, and the name's score, unless that is lower than the entity's own.
        veto: an entity that is a name with the label `O` goes.
        add: a known name of one label that touches no entity becomes one, with the name's score;
            the longest and first of those that overlap. Where it is known which words are out of
            vocabulary, names near runs with such words are added too.
        closed: labels of which the lexicon knows all names: other entities with them go.
        least: names with a lower score are neither added nor used to relabel.
        edits: how far a misspelling may be from its name; 0: names as they are spelt. Only strange
            words are taken for misspelt: those that stand in no name, hold no digit, and are out of
            the model's vocabulary, where that is known.
        case: how names may be written.
    """

    correct: bool = True
    relabel: bool = False
    veto: bool = False
    add: bool = False
    closed: frozenset[str] = frozenset()
    least: float = 0.0
    edits: int = MOST_EDITS
    case: Case = "headline"

    @classmethod
    def named(cls, names: Collection[str]) -> Rules:
        """The rules of these names (`RULES`) switched on, and no others."""
        return cls(
            correct="correct" in names,
            relabel="relabel" in names,
            veto="veto" in names,
            add="add" in names,
        )


def rule_names(text: str) -> frozenset[str]:
    """The names of rules in a text, separated by commas.

    Raises:
        UsageError: there is no such rule.
    """
    names = frozenset(part.strip() for part in text.split(",")) - {""}
    for name in sorted(names - set(RULES)):
        raise UsageError(
            "no such rule", where="--lexicon-rules", expected=",".join(RULES), got=name
        )
    return names
