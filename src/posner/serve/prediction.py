"""The routes that tag: `/predict` for programs, `/analyze` for the page."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer

from posner.serve.bodies import (
    AnalyzeAnswer,
    AnalyzeBody,
    Answer,
    ErrorAnswer,
    PredictBody,
)
from posner.serve.service import Service
from posner.serve.work import Found, Task, Wanted

PLAIN = string.punctuation.replace("%", "") + " "
"""What else of a model's name stands in a header as it is; the rest is percent-encoded UTF-8."""

Responses = dict[int | str, dict[str, Any]]

ERRORS: Responses = {
    status: {"model": ErrorAnswer, "description": description}
    for status, description in {
        401: "The API key is missing or wrong",
        403: "A page of another site has asked, or by another name",
        408: "The body did not come in time",
        413: "More than the limits allow",
        422: "A field is wrong; `field` names it",
        429: "Too many requests; `Retry-After` says when to come again",
        500: "A defect of the program",
        503: "Not ready; `Retry-After` says when to come again",
        504: "No answer in time",
    }.items()
}

OK: Responses = {200: {"model": Answer | list[Answer]}}


def needs_key(service: Service) -> Sequence[Any]:
    """What tells in the description of a route that it needs a key; `Guard` asks for it."""
    if not service.api_key:
        return ()
    return (Depends(HTTPBearer(auto_error=False, description="The service's API key")),)


def prediction_routes(service: Service) -> APIRouter:
    """`POST /predict` and `POST /analyze`."""
    router = APIRouter(
        tags=["tagging"], dependencies=[*needs_key(service), Depends(service.check_count)]
    )

    @router.post(
        "/predict",
        summary="Find entities",
        responses=OK | ERRORS,
    )
    async def predict(request: Request, body: PredictBody) -> JSONResponse:
        """A list of entities for a text, a list of lists for a list of texts."""
        name, facts = service.facts(body.parameters.model)
        wanted = body.parameters.wanted(facts, "parameters.")
        texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
        found = await _find(service, request, name, [Task(text, wanted) for text in texts])
        service.metrics.answered(name, found)
        answers = [result.entities for result in found]
        revisions = {result.revision for result in found} or {facts.revision}
        headers = {"x-posner-model": f"{quote(name, safe=PLAIN)}@{'+'.join(sorted(revisions))}"}
        return JSONResponse(answers[0] if isinstance(body.inputs, str) else answers, 200, headers)

    @router.post(
        "/analyze",
        summary="Find entities and words",
        response_model=AnalyzeAnswer,
        responses=ERRORS,
    )
    async def analyze(request: Request, body: AnalyzeBody) -> JSONResponse:
        """Entities of every score, and each text's words: what the page shows."""
        name, _ = service.facts(body.model, "model")
        wanted = Wanted(words=True, threshold=0.0)
        found = await _find(service, request, name, [Task(text, wanted) for text in body.texts])
        documents = [{"entities": f.entities, "words": f.words} for f in found]
        return JSONResponse({"model": name, "documents": documents})

    return router


async def _find(
    service: Service, request: Request, name: str, tasks: Sequence[Task]
) -> list[Found]:
    """Answer a request's tasks, and put on record how much it was."""
    facts = request.scope.setdefault("posner.facts", {})
    facts |= {
        "model": name,
        "texts": len(tasks),
        "characters": sum(len(task.text) for task in tasks),
    }
    with service.accepted():
        found = await service.find(request, name, tasks)
    facts |= {
        "words": sum(result.word_count for result in found),
        "entities": sum(len(result.entities) for result in found),
    }
    return found
