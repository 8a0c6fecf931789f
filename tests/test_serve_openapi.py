"""The OpenAPI description is true: whatever is sent, the answers are those that it lists."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks
from starlette.testclient import TestClient

import serving
from posner.document import Document, Entity
from posner.render.records import to_dict
from posner.serve.app import build_app
from posner.serve.bodies import EntityAnswer
from posner.serve.guard import OPEN_PATHS


@schemathesis.serializer("application/x-ndjson")
def lines(_context: schemathesis.SerializationContext, value: object) -> bytes:
    """Whatever is drawn for a body of lines, as it stands."""
    return str(value).encode("utf-8", "replace")


def _description() -> dict[str, Any]:
    """What the service says of itself, corrections included."""
    with tempfile.TemporaryDirectory() as folder:
        app = build_app(serving.service(annotations=str(Path(folder) / "a.sqlite")))
        found = TestClient(app, base_url="http://localhost").get("/openapi.json")
    return dict(found.json())


schema = schemathesis.openapi.from_dict(_description())


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    file = tmp_path_factory.mktemp("openapi") / "a.sqlite"
    with serving.running(serving.service(annotations=str(file), allowed_hosts="*")) as made:
        yield made.url


@pytest.fixture(scope="module")
def keyed_url() -> Iterator[str]:
    with serving.running(serving.service(api_key="s3cret", allowed_hosts="*")) as made:
        yield made.url


@schema.parametrize()
@settings(max_examples=3, suppress_health_check=list(HealthCheck))
def test_without_the_key_no_route_says_more(case: schemathesis.Case[Any], keyed_url: str) -> None:
    answer = case.call(base_url=keyed_url)
    assert case.path in OPEN_PATHS or answer.status_code in (401, 405, 413)


@schema.parametrize()
@settings(max_examples=10, suppress_health_check=list(HealthCheck))
def test_answers_are_those_that_are_described(case: schemathesis.Case[Any], url: str) -> None:
    names = ["status_code_conformance", "content_type_conformance", "response_schema_conformance"]
    if case.path != "/predict/stream":  # a bad line is told in its own place, under status 200
        names.append("negative_data_rejection")
    named: list[Any] = checks.CHECKS.get_by_names(names)
    case.call_and_validate(base_url=url, checks=[checks.not_a_server_error, *named])


def test_what_post_processing_adds_is_described() -> None:
    entity = Entity(0, 7, "LOC", "Canadaa", 0.9, {}, "Canada", "CA", ("respelt",), 0.86)
    (record,) = to_dict(Document("Canadaa", entities=(entity,)))["entities"]
    assert set(record) == set(EntityAnswer.model_fields)
