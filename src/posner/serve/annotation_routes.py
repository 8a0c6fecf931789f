"""The routes by which texts are corrected; they exist only with `--annotations`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from posner.corpus.annotation_file import Annotation, NothingToUndoError, StaleError
from posner.serve.bodies import Body, ErrorAnswer, Text
from posner.serve.corrections import Corrections
from posner.serve.errors import ServiceError, wrong_field
from posner.serve.prediction import ERRORS, Responses, needs_key
from posner.serve.span_checks import check_spans

# What may be an entity's label or a person's name: no controls, nothing that columns cannot hold.
Label = Annotated[Text, Field(min_length=1, max_length=100, pattern=r"^[^\s\x00-\x1f\x7f]+$")]
Who = Annotated[Text, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
NUMBER = 2**62
"""No text and no change has a number beyond this."""

Number = Annotated[int, Field(ge=0, le=NUMBER)]


class Span(Body):
    """A labelled stretch of characters; `end` is exclusive."""

    start: int = Field(ge=0)
    end: int = Field(ge=1)
    label: Label


_EXAMPLE = "Ada Lovelace lived in London."


def _example(**fields: Any) -> ConfigDict:
    """A body's configuration with an example of it for the description."""
    extra: JsonDict = {"examples": [{"text": _EXAMPLE} | fields]}
    return ConfigDict(extra="forbid", strict=True, json_schema_extra=extra)


class LookupBody(Body):
    """A text of which one wants to know what holds."""

    text: Text

    model_config = _example()


class SaveBody(Body):
    """A corrected text."""

    text: Text = Field(min_length=1)
    entities: list[Span] = Field(max_length=100_000, fail_fast=True)
    who: Who
    revision: Number = Field(
        default=0, description="The text's last change that one has seen; 0: none."
    )

    model_config = _example(entities=[{"start": 0, "end": 12, "label": "PER"}], who="Ann")


class UndoBody(Body):
    """A text whose last correction is to be undone."""

    text: Text
    who: Who
    revision: Number

    model_config = _example(who="Ann", revision=1)


class AnnotationAnswer(BaseModel):
    """What holds for a text; `entities` is null while nobody has corrected it."""

    id: int | None
    name: str | None
    text: str
    revision: int
    who: str | None
    at: str | None
    uncertainty: float | None
    entities: list[Span] | None

    @classmethod
    def of(cls, annotation: Annotation) -> AnnotationAnswer:
        """The answer for a text of the file."""
        entities = annotation.entities
        return cls(
            id=annotation.id,
            name=annotation.name,
            text=annotation.text,
            revision=annotation.revision,
            who=annotation.who,
            at=annotation.at,
            uncertainty=annotation.uncertainty,
            entities=None
            if entities is None
            else [Span(start=start, end=end, label=label) for start, end, label in entities],
        )


_STALE: Responses = {
    409: {"model": ErrorAnswer, "description": "Someone else has changed the text meanwhile"}
}


def annotation_routes(corrections: Corrections) -> APIRouter:
    """`GET` and `POST /annotations`, `/annotations/lookup`, `/annotations/undo`, `GET /queue`."""
    router = APIRouter(tags=["correcting"], dependencies=needs_key(corrections.service))
    _add_reading(router, corrections)
    _add_changing(router, corrections)
    return router


def _add_reading(router: APIRouter, corrections: Corrections) -> None:
    """The routes that tell what was corrected, and what is to be."""
    in_thread = corrections.service.in_thread

    @router.get("/annotations", summary="Corrected texts", responses=ERRORS)
    async def corrected(
        after: Annotated[int, Query(ge=0, le=NUMBER)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[AnnotationAnswer]:
        """In the order of their numbers, those that come after `after`."""
        found = await in_thread(corrections.file.corrected, after, limit)
        return [AnnotationAnswer.of(annotation) for annotation in found]

    @router.post("/annotations/lookup", summary="What holds for a text", responses=ERRORS)
    async def lookup(body: LookupBody) -> AnnotationAnswer:
        """With revision 0 where the text was never corrected."""
        corrections.service.check_size([body.text])
        found = await in_thread(corrections.file.find, body.text)
        if found is None:
            found = Annotation(0, None, body.text, None, None, 0, None, None, None)
        return AnnotationAnswer.of(found)

    @router.get("/queue", summary="Texts to correct next", responses=ERRORS)
    async def queue(
        who: Annotated[str, Query(min_length=1, max_length=100)] = "someone",
        limit: Annotated[int, Query(ge=1, le=100)] = 10,
        skip: Annotated[list[Number], Query(max_length=1000)] = [],  # noqa: B006 - FastAPI copies it
    ) -> list[AnnotationAnswer]:
        """Those of which the model is least certain; for ten minutes they are nobody else's.

        `skip` names, by their `id`, texts that one does not want now.
        """
        found = await in_thread(corrections.queue, who, limit, frozenset(skip))
        return [AnnotationAnswer.of(annotation) for annotation in found]


def _add_changing(router: APIRouter, corrections: Corrections) -> None:
    """The routes that correct a text and undo that."""
    limits, in_thread = corrections.service.check_size, corrections.service.in_thread

    @router.post("/annotations", summary="Correct a text", responses=ERRORS | _STALE)
    async def save(body: SaveBody) -> AnnotationAnswer:
        """All of the text's entities; what held before stays on record, and can come back."""
        limits([body.text])
        spans = [(span.start, span.end, span.label) for span in body.entities]
        check_spans(body.text, spans)
        try:
            saved = await in_thread(corrections.save, body.text, spans, body.who, body.revision)
        except StaleError as error:
            raise ServiceError(409, "stale", error.line()) from error
        return AnnotationAnswer.of(saved)

    @router.post("/annotations/undo", summary="Undo a correction", responses=ERRORS | _STALE)
    async def undo(body: UndoBody) -> AnnotationAnswer:
        """Go back to what held before the text's last correction."""
        limits([body.text])
        try:
            undone = await in_thread(corrections.file.undo, body.text, body.who, body.revision)
        except StaleError as error:
            raise ServiceError(409, "stale", error.line()) from error
        except NothingToUndoError as error:
            raise wrong_field("text", error.line()) from error
        return AnnotationAnswer.of(undone)
