"""Corrections that a corpus can be made of: what `posner check` and a training would refuse."""

from __future__ import annotations

from collections.abc import Sequence

from posner.corpus.annotated import document_of
from posner.corpus.annotation_file import Annotation, Span
from posner.corpus.problem import Problem
from posner.document import sentence_spans
from posner.schemes import OUTSIDE
from posner.serve.errors import ServiceError, wrong_field


def check_spans(text: str, spans: Sequence[Span]) -> None:
    """Refuse spans outside the text or around white space, labelled `O`, or that stand twice.

    Raises:
        ServiceError: there is one; `field` names it by its place.
    """
    seen: set[Span] = set()
    for number, (start, end, label) in enumerate(spans):
        if not start < end <= len(text):
            raise _wrong(number, f"{start} to {end} is no stretch of the text")
        if label == OUTSIDE:
            raise _wrong(number, f"{OUTSIDE} means that there is no entity", "label")
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
