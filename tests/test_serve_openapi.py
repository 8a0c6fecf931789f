"""The OpenAPI description is true: whatever is sent, the answers are those that it lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks

import serving


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    file = tmp_path_factory.mktemp("openapi") / "a.sqlite"
    with serving.running(serving.service(annotations=str(file), allowed_hosts="*")) as made:
        yield schemathesis.openapi.from_url(f"{made.url}/openapi.json")


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(max_examples=10, suppress_health_check=list(HealthCheck))
def test_answers_are_those_that_are_described(case: schemathesis.Case) -> None:
    case.call_and_validate(
        checks=[
            checks.not_a_server_error,
            *checks.CHECKS.get_by_names(
                [
                    "status_code_conformance",
                    "content_type_conformance",
                    "response_schema_conformance",
                    "negative_data_rejection",
                ]
            ),
        ]
    )
