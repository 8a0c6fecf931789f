"""What a client is told when something is wrong: `{"error", "error_type"}` and a status."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from posner.errors import PosnerError

log = logging.getLogger("posner.serve")

UNKNOWN_KEY = "unknown_key"
"""The kind of a validation error about a key; its context holds the key."""


class ServiceError(Exception):
    """An answer that is no success.

    Args:
        status: of the answer.
        kind: `error_type`, for programs.
        message: `error`, for people.
        retry_after: seconds after which another try makes sense.
        field: the field of the body or query that is wrong.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        retry_after: int | None = None,
        field: str | None = None,
    ) -> None:
        self.status = status
        self.kind = kind
        self.message = message
        self.retry_after = retry_after
        self.field = field
        super().__init__(message)

    def body(self) -> dict[str, str]:
        """The answer's body."""
        body = {"error": self.message, "error_type": self.kind}
        return body if self.field is None else body | {"field": self.field}

    def response(self) -> JSONResponse:
        """The whole answer."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(self.body(), self.status, headers)


def too_much(message: str) -> ServiceError:
    """413: more than a limit allows."""
    return ServiceError(413, "too_large", message)


def wrong_field(field: str, message: str) -> ServiceError:
    """422: a field of the request is wrong."""
    return ServiceError(422, "validation", f"{field}: {message}", field=field)


def given_up(seconds: float) -> ServiceError:
    """504: the time of a request is over."""
    return ServiceError(504, "timeout", f"no answer within {seconds:g} seconds", retry_after=1)


def stopping() -> ServiceError:
    """503: nothing is begun any more."""
    return ServiceError(503, "stopping", "the service is being stopped", retry_after=5)


def failed() -> ServiceError:
    """500: a defect."""
    return ServiceError(500, "internal", "the service failed; its log says where")


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error in the same way."""

    @app.exception_handler(ServiceError)
    async def service_error(_request: Request, error: ServiceError) -> JSONResponse:
        return error.response()

    @app.exception_handler(PosnerError)
    async def own_file(_request: Request, error: PosnerError) -> JSONResponse:
        # Clients name no files: it is one of the service's own, and only its log may name it.
        log.error("a file cannot be used", extra={"facts": {"error": error.line()}})
        message = "the service cannot use a file of its own; its log says why"
        return ServiceError(503, "unavailable", message, retry_after=5).response()

    @app.exception_handler(Exception)
    async def defect(_request: Request, _error: Exception) -> JSONResponse:
        return failed().response()

    @app.exception_handler(RequestValidationError)
    async def validation(request: Request, error: RequestValidationError) -> JSONResponse:
        # Of a union's members the one that got furthest is what the client meant.
        first: dict[str, Any] = dict(max(error.errors(), key=lambda found: len(found["loc"])))
        if first.get("type") == "json_invalid":
            return ServiceError(422, "validation", "the body is no JSON", field="body").response()
        if first["loc"] == ("body",) and "json" not in request.headers.get("content-type", ""):
            return wrong_field(
                "body", "expected JSON, and Content-Type: application/json"
            ).response()
        below = (first["ctx"]["key"],) if first["type"] == UNKNOWN_KEY else ()
        return wrong_field(_field((*first["loc"], *below)), str(first["msg"])).response()

    @app.exception_handler(HTTPException)
    async def plain(_request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:  # FastAPI's, of JSON that is nested too deeply
            return wrong_field("body", "no JSON that can be read").response()
        kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        response = ServiceError(error.status_code, kind, str(error.detail)).response()
        for name, value in (error.headers or {}).items():
            response.headers[name] = value
        return response


def _field(location: tuple[str | int, ...]) -> str:
    """`parameters.threshold` of `("body", "parameters", "threshold")`."""
    if location and location[0] == "path":
        return ".".join(str(part) for part in location[1:])
    parts = [str(part) for part in location if part not in ("body", "query", "header")]
    # Which member of a union was tried is nothing that a client wrote.
    parts = [part for part in parts if part != "str" and "[" not in part]
    return ".".join(parts) or "body"
