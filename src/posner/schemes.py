"""Tag schemes as tables, and the one algorithm that turns tags into spans and back.

A tag is `O` or `<prefix>-<label>`. A scheme is three relations between the prefixes of two
neighbouring words: where a span starts, where it goes on, where it ends. Each relation is written
as `XY=` (prefix X, then Y, with the same label), `XY!` (with another label) or `XY` (with any).
From them follow the spans of a tag sequence, the legal transitions, and the tags of a span.

Three policies say what becomes of ill-formed tags (`Policy`): `legal` refuses them, `strict`
discards the chunk (seqeval's strict mode), `repair` keeps what a reader would see (conlleval's
and seqeval's default mode).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from typing import Literal, NamedTuple

from posner.errors import SchemeError

OUTSIDE = "O"
Policy = Literal["legal", "strict", "repair"]


class Span(NamedTuple):
    """A labelled stretch of words of one sentence; `word_end` is exclusive."""

    word_start: int
    word_end: int
    label: str


class Tag(NamedTuple):
    """A tag taken apart; `O` has the prefix `O` and an empty label."""

    prefix: str
    label: str

    def __str__(self) -> str:
        return f"{self.prefix}-{self.label}" if self.label else self.prefix


@cache
def parse_tag(tag: str) -> Tag:
    """Split `B-PER` into `B` and `PER`. Only the first hyphen separates: labels may hold more.

    Raises:
        SchemeError: neither `O` nor `<prefix>-<label>`.
    """
    if tag == OUTSIDE:
        return Tag(OUTSIDE, "")
    prefix, hyphen, label = tag.partition("-")
    if len(prefix) != 1 or not hyphen or not label:
        raise SchemeError(
            "unknown tag",
            expected="O or a prefix, a hyphen and a label, as in B-PER",
            got=repr(tag),
            remedy="name the column that holds the tags, or correct the tag",
        )
    return Tag(prefix, label)


def _relation(patterns: str) -> frozenset[tuple[str, str, bool]]:
    """`"BI= IO"` as triples (previous prefix, prefix, labels are the same)."""
    triples = set()
    for pattern in patterns.split():
        previous, current, condition = pattern[0], pattern[1], pattern[2:]
        if condition in ("", "="):
            triples.add((previous, current, True))
        if condition in ("", "!"):
            triples.add((previous, current, False))
    return frozenset(triples)


@dataclass(frozen=True)
class Scheme:
    """One tag scheme.

    Attributes:
        name: as users write it.
        prefixes: every prefix but `O`.
        starts: between which neighbours a span starts at the second word.
        inside: between which neighbours a span goes on (always with the same label).
        ends: between which neighbours a span ends after the first word.
        unscored_starts: starts that are legal in the scheme but that seqeval's strict table lacks
            (its own note says that IOE1 is incomplete); the `strict` policy leaves them out too.
    """

    name: str
    prefixes: str
    starts: frozenset[tuple[str, str, bool]]
    inside: frozenset[tuple[str, str, bool]]
    ends: frozenset[tuple[str, str, bool]]
    unscored_starts: frozenset[tuple[str, str, bool]] = frozenset()

    def relation(self, previous: Tag, current: Tag) -> tuple[str, str, bool]:
        """The key of two neighbouring tags in the scheme's tables."""
        return previous.prefix, current.prefix, previous.label == current.label

    def is_legal(self, previous: Tag, current: Tag) -> bool:
        """Whether `current` may follow `previous`; `O` stands for both borders of a sentence."""
        key = self.relation(previous, current)
        if key in self.inside:
            return True
        may_end = previous.prefix == OUTSIDE or key in self.ends
        may_start = current.prefix == OUTSIDE or key in self.starts
        return may_end and may_start

    def is_inside(self, previous: Tag, current: Tag) -> bool:
        """Whether both tags belong to one span."""
        return self.relation(previous, current) in self.inside

    def tags(self, labels: Iterable[str]) -> tuple[str, ...]:
        """All tags of a label set: `O` first, then each label's in the order of the prefixes."""
        return (OUTSIDE, *(f"{p}-{label}" for label in labels for p in self.prefixes))

    @cached_property
    def single_prefix(self) -> str | None:
        """The prefix that only a span of one word carries (`S`, `U`), if there is one."""
        return next((p for p in self.prefixes if p in "SU"), None)


# `ends` and `starts` with O cover sentence borders, since a border counts as O.
SCHEMES: dict[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        Scheme(
            "IOB2",
            "BI",
            starts=_relation("OB BB IB"),
            inside=_relation("BI= II="),
            ends=_relation("IO II! IB BO BI! BB"),
        ),
        Scheme(
            "IOB1",
            "BI",
            starts=_relation("OI II! BI IB= BB="),
            inside=_relation("BI= II="),
            ends=_relation("II! IO IB BO BI! BB="),
        ),
        Scheme(
            "IOE1",
            "IE",
            starts=_relation("OI OE II! IE! EI EE="),
            inside=_relation("II= IE="),
            ends=_relation("II! IO IE! EI= EE="),
            unscored_starts=_relation("OE IE!"),
        ),
        Scheme(
            "IOE2",
            "IE",
            starts=_relation("OI OE EI EE II! IE!"),
            inside=_relation("IE= II="),
            ends=_relation("EO EI EE"),
        ),
        Scheme(
            "BIOES",
            "BIES",
            starts=_relation("OB BB IB EB SB OS BS IS ES SS"),
            inside=_relation("BI= BE= II= IE="),
            ends=_relation("SO SB SI SE SS EO EB EI EE ES"),
        ),
        Scheme(
            "BILOU",
            "BILU",
            starts=_relation("OB BB IB LB UB OU BU IU LU UU"),
            inside=_relation("BI= BL= II= IL="),
            ends=_relation("UO UB UI UL UU LO LB LI LL LU"),
        ),
    )
}

# Repairing ignores the scheme: a chunk ends or starts wherever conlleval would see it do so.
# BILOU's L and U are read as E and S, which conlleval does not know.
_REPAIR_PREFIX = {"L": "E", "U": "S"}
_REPAIR_STARTS = frozenset(("OI", "OE", "EI", "EE", "SI", "SE"))
_REPAIR_ENDS = frozenset(("BB", "BS", "BO", "IB", "IS", "IO"))


_OTHER_NAMES = {
    "BIO": "IOB2",
    "BIOLU": "BILOU",
    "BILUO": "BILOU",
    "IOB": "IOB1",
    "IOBES": "BIOES",
}


def scheme_named(name: str) -> Scheme:
    """The scheme of that name, in any letter case; other orders of the prefixes are known too.

    Raises:
        SchemeError: no such scheme.
    """
    key = name.upper()
    scheme = SCHEMES.get(_OTHER_NAMES.get(key, key))
    if scheme is None:
        raise SchemeError("unknown scheme", expected=f"one of {', '.join(SCHEMES)}", got=name)
    return scheme


def illegal_positions(tags: Sequence[str], scheme: Scheme) -> list[int]:
    """Indices at which a tag may not follow the one before it (`len(tags)`: the end is illegal).

    Raises:
        SchemeError: a tag that is no tag at all.
    """
    return [
        index
        for index, (previous, current) in enumerate(_pairs(tags))
        if not _known(current, scheme) or not scheme.is_legal(previous, current)
    ]


def tags_to_spans(tags: Sequence[str], scheme: Scheme, policy: Policy = "legal") -> list[Span]:
    """The spans of one sentence's tags, in order.

    Raises:
        SchemeError: a tag that is no tag; under `legal` also a tag that the scheme forbids there.
    """
    if policy == "repair":
        return _repaired_spans(tags)
    if policy == "strict":
        return _strict_spans(tags, scheme)
    bad = illegal_positions(tags, scheme)
    if bad:
        index = bad[0]
        before = tags[index - 1] if index else "the start of the sentence"
        raise SchemeError(
            f"ill-formed {scheme.name} tags at word {index + 1}",
            got=f"{tags[index] if index < len(tags) else 'the end of the sentence'} after {before}",
            remedy="correct the tag, or name the scheme",
        )
    return _legal_spans(tags, scheme)


def spans_to_tags(spans: Iterable[Span], length: int, scheme: Scheme) -> list[str]:
    """The tags of a sentence of `length` words.

    Raises:
        SchemeError: spans that overlap, are empty, or leave the sentence: no scheme holds them.
    """
    ordered = sorted(spans)
    tags = [OUTSIDE] * length
    covered_to = 0
    previous: Span | None = None
    for span in ordered:
        if not 0 <= span.word_start < span.word_end <= length:
            raise SchemeError(
                "span outside its sentence",
                expected=f"words 0 to {length}",
                got=f"{span.word_start} to {span.word_end}",
            )
        if span.word_start < covered_to:
            assert previous is not None
            raise SchemeError(
                f"overlapping entities cannot be written as {scheme.name} tags",
                got=f"{span.label} at words {span.word_start}-{span.word_end} over "
                f"{previous.label} at words {previous.word_start}-{previous.word_end}",
                remedy="write JSON Lines or standoff, which hold overlapping entities",
            )
        _write_span(tags, span, scheme)
        previous, covered_to = span, span.word_end
    if scheme.name in ("IOB1", "IOE1"):
        _part_neighbours(tags, ordered, scheme)
    return tags


@dataclass(frozen=True)
class Detection:
    """What `detect_scheme` found: the scheme, and how many transitions are illegal in it."""

    scheme: Scheme
    illegal: int


def detect_scheme(sentences: Iterable[Sequence[str]]) -> Detection:
    """The scheme with the fewest illegal transitions; between equals the earlier in `SCHEMES`.

    Where the tags leave it open (no entity, or spans that never touch), the choice changes no span.

    Raises:
        SchemeError: a tag that is no tag at all.
    """
    transitions: dict[tuple[str, str], int] = {}
    for tags in sentences:
        for pair in zip((OUTSIDE, *tags), (*tags, OUTSIDE), strict=True):
            transitions[pair] = transitions.get(pair, 0) + 1
    best: Detection | None = None
    for scheme in SCHEMES.values():
        illegal = sum(
            count
            for (previous, current), count in transitions.items()
            if not _legal_pair(parse_tag(previous), parse_tag(current), scheme)
        )
        if best is None or illegal < best.illegal:
            best = Detection(scheme, illegal)
    assert best is not None
    return best


def _known(tag: Tag, scheme: Scheme) -> bool:
    return tag.prefix == OUTSIDE or tag.prefix in scheme.prefixes


def _legal_pair(previous: Tag, current: Tag, scheme: Scheme) -> bool:
    return _known(current, scheme) and scheme.is_legal(previous, current)


def _pairs(tags: Sequence[str]) -> Iterable[tuple[Tag, Tag]]:
    parsed = [parse_tag(tag) for tag in tags]
    border = Tag(OUTSIDE, "")
    return zip((border, *parsed), (*parsed, border), strict=True)


def _legal_spans(tags: Sequence[str], scheme: Scheme) -> list[Span]:
    spans: list[Span] = []
    start: int | None = None
    for index, (previous, current) in enumerate(_pairs(tags)):
        if scheme.is_inside(previous, current):
            continue
        if start is not None:
            spans.append(Span(start, index, previous.label))
        start = None if current.prefix == OUTSIDE else index
    return spans


def _strict_spans(tags: Sequence[str], scheme: Scheme) -> list[Span]:
    """Chunks that start, go on and end as the scheme's tables say; others are discarded."""
    parsed = [parse_tag(tag) for tag in tags]
    for tag in parsed:
        if not _known(tag, scheme):
            raise SchemeError(f"not a tag of {scheme.name}", got=str(tag))
    parsed.append(Tag(OUTSIDE, ""))
    starts = scheme.starts - scheme.unscored_starts
    spans: list[Span] = []
    previous = Tag(OUTSIDE, "")
    index = 0
    while index < len(parsed):
        current = parsed[index]
        if scheme.relation(previous, current) not in starts:
            previous = current
            index += 1
            continue
        start = index
        index += 1
        while index < len(parsed) and scheme.is_inside(parsed[index - 1], parsed[index]):
            index += 1
        previous = parsed[index - 1]
        if scheme.relation(previous, parsed[index]) in scheme.ends:
            spans.append(Span(start, index, current.label))
    return spans


def _repaired_spans(tags: Sequence[str]) -> list[Span]:
    spans: list[Span] = []
    start = 0
    for index, (previous, current) in enumerate(_pairs(tags)):
        before = _REPAIR_PREFIX.get(previous.prefix, previous.prefix)
        here = _REPAIR_PREFIX.get(current.prefix, current.prefix)
        differs = previous.label != current.label
        if before != OUTSIDE and (before in "ES" or before + here in _REPAIR_ENDS or differs):
            spans.append(Span(start, index, previous.label))
        if here != OUTSIDE and (here in "BS" or before + here in _REPAIR_STARTS or differs):
            start = index
    return spans


def _write_span(tags: list[str], span: Span, scheme: Scheme) -> None:
    """Write one span; IOB1 and IOE1 get their I here and their B or E in `_part_neighbours`."""
    start, end, label = span
    first, last = {
        "IOB2": ("B", "I"),
        "IOE2": ("I", "E"),
        "BIOES": ("B", "E"),
        "BILOU": ("B", "L"),
    }.get(scheme.name, ("I", "I"))
    tags[start:end] = [f"I-{label}"] * (end - start)
    if end - start == 1:
        single = scheme.single_prefix or ("E" if scheme.name == "IOE2" else first)
        tags[start] = f"{single}-{label}"
        return
    tags[start] = f"{first}-{label}"
    tags[end - 1] = f"{last}-{label}"


def _part_neighbours(tags: list[str], ordered: Sequence[Span], scheme: Scheme) -> None:
    """Mark the border between two touching spans of one label, as IOB1 (B) and IOE1 (E) do."""
    for left, right in pairwise(ordered):
        if left.word_end == right.word_start and left.label == right.label:
            if scheme.name == "IOB1":
                tags[right.word_start] = f"B-{right.label}"
            else:
                tags[left.word_end - 1] = f"E-{left.label}"
