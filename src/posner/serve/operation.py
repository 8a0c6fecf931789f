"""The routes for those who run the service: health, facts, figures, replacing the models."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from posner import __version__
from posner.meanings import meaning
from posner.render.marks import colour_of
from posner.serve.bodies import ErrorAnswer, HealthAnswer, InfoAnswer, LabelInfo, ModelInfo
from posner.serve.errors import ServiceError
from posner.serve.prediction import ERRORS, Responses, needs_key
from posner.serve.service import Service

_KEYED: Responses = {status: ERRORS[status] for status in (401, 403, 500)}


def health_routes(service: Service) -> APIRouter:
    """`/livez`, `/readyz` and `/health`, which need no key."""
    router = APIRouter(tags=["operation"])

    @router.head("/livez", include_in_schema=False)
    @router.get("/livez", summary="Whether the process answers")
    async def livez() -> dict[str, Literal["ok"]]:
        return {"status": "ok"}

    @router.head("/readyz", include_in_schema=False)
    @router.get(
        "/readyz", summary="Whether texts can be answered", responses={503: {"model": ErrorAnswer}}
    )
    async def readyz() -> dict[str, Literal["ok"]]:
        if service.is_loaded and service.supervisor.ready:
            return {"status": "ok"}
        raise ServiceError(503, "loading", "no engine is ready", retry_after=2)

    @router.head("/health", include_in_schema=False)
    @router.get("/health", summary="How the service is", responses={503: {"model": HealthAnswer}})
    async def health(response: Response) -> HealthAnswer:
        ready = service.supervisor.ready
        response.status_code = 200 if ready else 503
        status: Literal["ok", "loading", "degraded"] = "ok" if ready else "degraded"
        return HealthAnswer(
            status=status if service.is_loaded else "loading",
            engines=service.settings.workers,
            engines_ready=ready,
            texts_waiting=service.queue.depth,
        )

    return router


def operation_routes(service: Service) -> APIRouter:
    """`/info`, `/metrics` and `POST /models/replace`, for those who have the key."""
    router = APIRouter(tags=["operation"], dependencies=needs_key(service))

    @router.get(
        "/info",
        summary="Models, labels, limits, versions",
        responses=_KEYED | {503: ERRORS[503]},
    )
    async def info() -> InfoAnswer:
        return _info(service)

    @router.get(
        "/metrics",
        summary="Figures for Prometheus",
        response_class=Response,
        responses=_KEYED | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        return Response(
            service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    @router.post(
        "/models/replace",
        summary="Load the models anew from their folders, while the old ones answer",
        responses=_KEYED
        | {409: {"model": ErrorAnswer, "description": "One cannot be loaded; the old ones go on"}}
        | {503: ERRORS[503]},
    )
    async def replace() -> JSONResponse:
        await service.replace()
        revisions = {name: facts.revision for name, facts in service.supervisor.facts.items()}
        return JSONResponse({"revisions": revisions})

    return router


def _info(service: Service) -> InfoAnswer:
    settings = service.settings
    return InfoAnswer(
        version=__version__,
        models=[_model_info(service, name) for name in service.models],
        limits={
            "max_chars": settings.max_chars,
            "max_texts": settings.max_texts,
            "max_seconds": settings.max_seconds,
            "max_concurrent": settings.max_concurrent,
        },
        annotations=bool(settings.annotations),
    )


def _model_info(service: Service, name: str) -> ModelInfo:
    _, facts = service.facts(name)
    return ModelInfo(
        name=name,
        default=name == service.default,
        labels=[
            LabelInfo(name=label, meaning=meaning(label), colour=colour_of(label))
            for label in facts.labels
        ],
        scheme=facts.scheme,
        pos_tags=list(facts.pos_tags),
        posner_version=facts.version,
        revision=facts.revision,
        threshold=facts.threshold,
        thresholds=dict(facts.thresholds),
        lexicon=facts.lexicon,
        calibration=facts.calibration,
        dev_f1=facts.dev_f1,
    )
