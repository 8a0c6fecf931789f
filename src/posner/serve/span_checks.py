"""Corrections that a corpus can be made of: what `posner check` would call wrong is refused.

Entities may share words, though a training refuses those: a corpus may hold them. The page and
`posner check` say so. Where a model has words of its own, their borders are not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

from posner.corpus.annotated import document_of
from posner.corpus.annotation_file import Annotation, Span
from posner.corpus.problem import Problem
from posner.document import sentence_spans
from posner.schemes import OUTSIDE
from posner.serve.errors import ServiceError, wrong_field

TAGGED = ("B-", "I-")
"""What tags have before the label. The rarer prefixes may begin a label: `E-MAIL`."""


def check_spans(text: str, spans: Sequence[Span]) -> None:
    """Refuse spans outside the text or around white space, labelled by tags, or that stand twice.

    Raises:
        ServiceError: there is one; `field` names it by its place.
    """
    seen: set[Span] = set()
    for number, (start, end, label) in enumerate(spans):
        if not start < end <= len(text):
            raise _wrong(number, f"{start} to {end} is no stretch of the text")
        if label == OUTSIDE:
            raise _wrong(number, f"{OUTSIDE} means that there is no entity", "label")
        if label.startswith(TAGGED):
            raise _wrong(number, f"{label} is a tag, expected the label alone", "label")
        if text[start:end] != text[start:end].strip():
            raise _wrong(number, f"{start} to {end} begins or ends with white space")
        if (start, end, label) in seen:
            raise _wrong(number, f"{label} at {start} to {end} stands there twice")
        seen.add((start, end, label))


def check_words(annotation: Annotation) -> None:
    """Refuse spans that are not spans of words of the file, else of segmentation.

    Raises:
        ServiceError: there is one; `field` names it by its place.
    """
    problems: list[Problem] = []
    document = document_of(annotation, "", problems)
    if problems:
        entity = sentence_spans(document).misaligned[0]
        number = document.entities.index(entity)
        raise _wrong(number, problems[0].reason)


def _wrong(number: int, message: str, *below: str) -> ServiceError:
    return wrong_field(".".join(("entities", str(number), *below)), message)
