"""What a foreign model's outputs mean: its `id2label` as a scheme, labels and columns.

Names are tags (`B-PER`), or plain labels (`PER`), which are what IOB1 without its B says: one
entity reaches as far as its label does. Which of two schemes with the same prefixes is meant, only
the set of names tells: `I-PER` without a `B-PER` has no meaning in IOB2, and is legal in IOB1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from posner.errors import ModelError
from posner.schemes import OUTSIDE, SCHEMES, Scheme, Tag

_PREFIXED = re.compile(r"([BIESLU])-(.+)", re.DOTALL)
_UNNAMED = re.compile(r"LABEL_\d+")
_TECHNICAL = re.compile(r"\[\w+\]|<\w+>|X|PAD", re.IGNORECASE)
"""Outputs that some trainings gave to special and to later pieces; no word is one of them."""

ONLY_LABEL = "ENT"
"""The label of models whose names are bare prefixes: `B`, `I`, `O`."""


@dataclass(frozen=True)
class ForeignTags:
    """A model's outputs, ordered as Posner orders tags.

    Attributes:
        scheme: makes a path legal.
        labels: such as `PER`, in the order in which the model names them.
        columns: for each of the scheme's tags of these labels the output that scores it; None for
            tags that the model does not have, which are never predicted.
        left_out: names that are no labels of words.
    """

    scheme: Scheme
    labels: tuple[str, ...]
    columns: tuple[int | None, ...]
    left_out: tuple[str, ...]

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that `columns` belongs to."""
        return self.scheme.tags(self.labels)


def read_names(names: Sequence[str], where: object) -> ForeignTags:
    """Tell the scheme and the labels of a model's outputs.

    Args:
        names: of the outputs, in their order, as in `id2label`.
        where: the model, to name in errors.

    Raises:
        ModelError: the names are placeholders, repeat, or are tags of no scheme.
    """
    _refuse_unusable(names, where)
    found = {name: _tag(name) for name in names if name != OUTSIDE}
    tags = _meant(found, where)
    left_out = tuple(name for name in found if name not in tags)
    labels = tuple(dict.fromkeys(tag.label for tag in tags.values()))
    if not labels:
        raise ModelError("no output is a label", where=where, got=", ".join(names)[:80])
    scheme = _scheme({(tag.prefix, tag.label) for tag in tags.values()}, labels, where)
    places = {str(tag): names.index(name) for name, tag in tags.items()}
    if OUTSIDE in names:
        places[OUTSIDE] = names.index(OUTSIDE)
    columns = tuple(places.get(tag) for tag in scheme.tags(labels))
    return ForeignTags(scheme, labels, columns, left_out)


def _refuse_unusable(names: Sequence[str], where: object) -> None:
    repeated = [name for i, name in enumerate(names) if name in names[:i]]
    if repeated:
        raise ModelError("two outputs have the same name", where=where, got=repeated[0])
    if any(_UNNAMED.fullmatch(name) for name in names):
        raise ModelError(
            "its outputs have no names",
            where=where,
            expected="id2label with tags such as O, B-PER, I-PER, or with labels such as O, PER",
            got=", ".join(names)[:80],
            remedy="write the names that it was trained with into config.json",
        )


def _tag(name: str) -> Tag | None:
    """The tag that a name looks like, or None for a plain label."""
    match = _PREFIXED.fullmatch(name)
    return Tag(match[1], match[2]) if match else None


def _meant(found: Mapping[str, Tag | None], where: object) -> dict[str, Tag]:
    """Each name's tag, but for names that are no labels of words."""
    if "B" in found or "I" in found:
        bare = {name: Tag(name, ONLY_LABEL) for name in found if name in (*"BIESLU",)}
        if len(bare) == len(found):
            return bare
    tags = {name: tag for name, tag in found.items() if tag is not None}
    plain = [name for name in found if name not in tags and not _TECHNICAL.fullmatch(name)]
    if tags and not plain:
        return tags
    if {tag.prefix for tag in tags.values()} & {"B", "I"}:
        raise ModelError(
            "some outputs are tags, and some are none",
            where=where,
            expected="all with a prefix such as B-, or none (but O)",
            got=", ".join((*list(tags)[:2], *plain[:2])),
            remedy="write the names that it was trained with into config.json (id2label)",
        )
    # `E-mail` among labels such as `Phone` is no tag. Alone, technical names are labels.
    whole = [*tags, *plain] or list(found)
    return {name: Tag("I", name) for name in found if name in whole}


def _scheme(tags: set[tuple[str, str]], labels: Sequence[str], where: object) -> Scheme:
    """The scheme whose tags these are."""
    prefixes = {prefix for prefix, _ in tags}

    def each(prefix: str) -> bool:
        """Whether every label that goes on (`I`) has this prefix too."""
        return all((prefix, label) in tags for label in labels if ("I", label) in tags)

    if prefixes <= set("BI"):
        return SCHEMES["IOB2" if each("B") else "IOB1"]
    if prefixes <= set("IE"):
        return SCHEMES["IOE2" if each("E") else "IOE1"]
    for name in ("BIOES", "BILOU"):
        if prefixes <= set(SCHEMES[name].prefixes):
            return SCHEMES[name]
    raise ModelError(
        "the prefixes of its tags are those of no scheme",
        where=where,
        expected=" or ".join(f"{s.prefixes} ({s.name})" for s in SCHEMES.values()),
        got="".join(sorted(prefixes)),
    )
