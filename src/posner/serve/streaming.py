"""`/predict/stream`: a text a line in, its entities a line out, however many there are."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from posner.serve.bodies import Asked
from posner.serve.errors import ServiceError, stopping, too_much, wrong_field
from posner.serve.prediction import ERRORS, Responses, needs_key
from posner.serve.service import Service, hang_up, request_id
from posner.serve.work import Found, Task, Wanted

Find = Callable[[str], Awaitable[Found]]

MEDIA_TYPE = "application/x-ndjson"
AHEAD = 64
"""Lines that are read before the first of them is answered."""

_OK: Responses = {200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "A JSON string, or an object with `inputs`, a line.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}


def streaming_routes(service: Service) -> APIRouter:
    """`POST /predict/stream`."""
    router = APIRouter(tags=["tagging"], dependencies=needs_key(service))

    @router.post(
        "/predict/stream",
        summary="Find entities in a stream of texts",
        response_class=Response,
        responses=_OK | ERRORS,
        openapi_extra=_BODY,
    )
    async def predict_stream(request: Request, asked: Annotated[Asked, Query()]) -> LineResponse:
        """A list of entities for each line, in order; for a bad line an object with `error`."""
        name, facts = service.facts(asked.model, "model")
        wanted = asked.wanted(facts)
        request.scope.setdefault("posner.facts", {})["model"] = name
        place = contextlib.ExitStack()
        place.enter_context(service.accepted())
        lines = _answers(service, request, name, wanted, place)
        return LineResponse(lines)

    return router


class LineResponse(StreamingResponse):
    """Sends lines while the request's body is still being read.

    Starlette's own response would read it, too, to see whether the client has gone.
    """

    media_type = MEDIA_TYPE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the lines."""
        del scope, receive
        try:
            await self.stream_response(send)
        finally:
            await cast(AsyncGenerator[str], self.body_iterator).aclose()


async def _answers(
    service: Service, request: Request, model: str, wanted: Wanted, place: contextlib.ExitStack
) -> AsyncGenerator[str]:
    """A line for each line of the body; reading goes on while answers are computed."""
    waiting: asyncio.Queue[asyncio.Task[str] | None] = asyncio.Queue(AHEAD)
    gone = asyncio.get_running_loop().create_future()

    async def find(text: str) -> Found:
        service.check_size([text])
        tasks = [Task(text, wanted)]
        [found] = await service.answer(model, tasks, gone, request_id(request))
        service.metrics.answered(model, [found])
        _put_on_record(request, text, found)
        return found

    async def read() -> None:
        try:
            async with contextlib.aclosing(_lines(request, service)) as lines:
                async for number, line in lines:
                    await waiting.put(asyncio.create_task(_answer_line(find, line, number)))
        finally:
            await waiting.put(None)

    async def watch() -> None:
        await asyncio.wait((reader,))
        if not isinstance(reader.exception(), ClientDisconnect):
            await hang_up(request)
        if not gone.done():
            gone.set_result(None)

    with place:
        reader = asyncio.create_task(read())
        watcher = asyncio.create_task(watch())
        try:
            while (answer := await waiting.get()) is not None:
                yield await answer
            await reader
        except ServiceError as error:  # the body itself is at fault: nothing after it is read
            yield _dump(error.body())
        except ClientDisconnect:
            pass
        finally:
            watcher.cancel()
            reader.cancel()
            while not waiting.empty():
                left = waiting.get_nowait()
                if left is not None:
                    left.cancel()


async def _lines(request: Request, service: Service) -> AsyncGenerator[tuple[int, bytes]]:
    """The body's lines that hold something, and their numbers among all, from 1.

    Raises:
        ServiceError: one is too long, the next part of the body does not come, or the service ends.
    """
    limit, number, rest = service.settings.max_bytes, 0, b""
    async with contextlib.aclosing(_parts(request, service)) as parts:
        async for part in parts:
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                number += 1
                if line.strip():
                    yield number, line
            if len(rest) > limit:
                raise too_much(f"a line of more than {limit:,} bytes")
    if rest.strip():
        yield number + 1, rest


async def _parts(request: Request, service: Service) -> AsyncGenerator[bytes]:
    """The body's parts; when the service ends, none but those that have come already."""
    parts = aiter(request.stream())
    ending = asyncio.create_task(service.stopping.wait())
    seconds = service.settings.max_seconds
    coming: asyncio.Future[bytes | None] | None = None
    try:
        while True:
            is_over = ending.done()
            coming = asyncio.ensure_future(anext(parts, None))
            await asyncio.wait(
                (coming, ending), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if not coming.done():
                late = ServiceError(408, "timeout", "the body did not go on")
                raise stopping() if ending.done() else late
            if (part := coming.result()) is None:
                return
            if part and is_over:
                raise stopping()
            yield part
    finally:
        ending.cancel()
        if coming is not None:
            coming.cancel()


async def _answer_line(find: Find, line: bytes, number: int) -> str:
    """One line's answer; an error concerns that line alone."""
    try:
        found = await find(_text(line))
    except ServiceError as error:
        return _dump(error.body() | {"line": number})
    return _dump(found.entities)


def _put_on_record(request: Request, text: str, found: Found) -> None:
    """Add a line's counts to those of the request."""
    facts = request.scope.setdefault("posner.facts", {})
    counts = {"texts": 1, "characters": len(text), "words": found.word_count}
    for name, count in (counts | {"entities": len(found.entities)}).items():
        facts[name] = facts.get(name, 0) + count


def _text(line: bytes) -> str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise wrong_field("line", "no JSON") from None
    if isinstance(value, dict):
        if set(value) - {"inputs"}:
            message = "a line holds inputs alone; parameters stand in the query, for all lines"
            raise wrong_field("line", message)
        value = value.get("inputs")
    if not isinstance(value, str):
        raise wrong_field("inputs", "expected a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise wrong_field("inputs", "half of a surrogate pair") from None
    return value


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
