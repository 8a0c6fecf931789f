"""The whole service as one ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp

from posner import __version__
from posner.serve.annotation_routes import annotation_routes
from posner.serve.connection import STOPPING
from posner.serve.corrections import Corrections
from posner.serve.errors import add_error_handlers
from posner.serve.guard import Guard
from posner.serve.intake import Intake
from posner.serve.operation import health_routes, operation_routes
from posner.serve.prediction import prediction_routes
from posner.serve.request_log import RequestLog
from posner.serve.service import Service
from posner.serve.streaming import streaming_routes

PAGE = Path(__file__).parent / "page"

_DESCRIPTION = (
    "Finds entities in texts. Offsets count characters (Unicode code points), and ends are "
    "exclusive: `text[start:end]` is the entity. A score is the probability of exactly this span "
    "with this label."
)


def build_app(service: Service, *, failed: Callable[[], None] = lambda: None) -> ASGIApp:
    """The service with everything around it.

    Args:
        service: answers.
        failed: is called when the models cannot be loaded; `service.failure` says why.

    Raises:
        DataError: the annotation file, or the texts to correct, cannot be used.
    """
    settings = service.settings
    corrections = None
    if settings.annotations:
        corrections = Corrections(service, settings.annotations, settings.texts)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, asyncio.Event]]:
        tasks = [asyncio.create_task(_load(service, failed))]
        if corrections is not None:
            tasks.append(asyncio.create_task(corrections.rate()))
        try:
            yield {STOPPING: service.stopping}
        finally:  # also when nobody waits for a good end
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await service.stop()

    app = FastAPI(
        title="Posner",
        description=_DESCRIPTION,
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    add_error_handlers(app)
    for routes in (prediction_routes, streaming_routes, health_routes, operation_routes):
        app.include_router(routes(service))
    if corrections is not None:
        app.include_router(annotation_routes(corrections))
    _add_page(app)
    inner = Intake(app, settings.max_bytes, settings.max_seconds)
    guarded = Guard(inner, settings, service.api_key)
    return RequestLog(guarded, service.metrics)


async def _load(service: Service, failed: Callable[[], None]) -> None:
    await service.load()
    if service.failure is not None:
        failed()


def _add_page(app: FastAPI) -> None:
    """The page and the description of the routes: files of the package, from nowhere else."""
    unchanged = {"cache-control": "no-cache"}

    @app.head("/", include_in_schema=False)
    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html", headers=unchanged)

    @app.head("/docs", include_in_schema=False)
    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(PAGE / "docs.html", headers=unchanged)

    app.mount("/static", StaticFiles(directory=PAGE / "static"), name="static")
