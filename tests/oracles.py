"""Brute force: slow and obvious answers that the fast code is tested against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from posner.schemes import Scheme, Span, spans_to_tags


def all_span_sets(length: int, labels: Sequence[str]) -> Iterator[list[Span]]:
    """Every set of spans over `length` words that do not overlap, each span with each label."""

    def from_word(start: int) -> Iterator[list[Span]]:
        if start == length:
            yield []
            return
        yield from from_word(start + 1)
        for end, label in product(range(start + 1, length + 1), labels):
            for rest in from_word(end):
                yield [Span(start, end, label), *rest]

    return from_word(0)


def legal_sequences(length: int, labels: Sequence[str], scheme: Scheme) -> set[tuple[str, ...]]:
    """Every tag sequence that says a set of spans in the scheme."""
    return {tuple(spans_to_tags(spans, length, scheme)) for spans in all_span_sets(length, labels)}
