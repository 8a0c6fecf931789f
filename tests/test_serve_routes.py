"""Every route of the service, over rules instead of a network."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from starlette.testclient import TestClient

import serving
from posner.errors import ModelError
from posner.serve import operation
from posner.serve.app import build_app
from posner.serve.guard import OPEN_PATHS
from posner.serve.logs import JsonLines
from posner.serve.service import Service
from posner.serve.settings import ServeSettings

TEXT = "Ada lived in Oslo."
ADA = {"entity_group": "PER", "score": 0.75, "word": "Ada", "start": 0, "end": 3}
OSLO = {"entity_group": "LOC", "score": 0.25, "word": "Oslo", "start": 13, "end": 17}


def client_of(service: Service) -> TestClient:
    return TestClient(build_app(service), base_url="http://localhost:8000")


def wait(client: TestClient) -> None:
    serving.wait_until(lambda: client.get("/readyz").status_code == 200)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    models = {"rules": "rules", "other": "other"}
    with client_of(serving.service(models, max_chars=1000, max_texts=5)) as made:
        wait(made)
        yield made


def predict(client: TestClient, inputs: Any, **parameters: Any) -> Any:
    return client.post("/predict", json={"inputs": inputs, "parameters": parameters})


def test_a_text_gives_a_list_and_a_list_gives_lists(client: TestClient) -> None:
    answer = predict(client, TEXT)
    assert answer.json() == [ADA, OSLO]
    assert answer.headers["x-posner-model"] == "rules@rules"
    assert predict(client, [TEXT, "", TEXT]).json() == [[ADA, OSLO], [], [ADA, OSLO]]
    assert predict(client, []).json() == []


def test_parameters_choose_what_is_answered(client: TestClient) -> None:
    assert predict(client, TEXT, threshold=0.5).json() == [ADA]
    assert predict(client, TEXT, labels=["LOC"]).json() == [OSLO]
    assert predict(client, TEXT, ignore_labels=["LOC"]).json() == [ADA]
    assert predict(client, TEXT, model="other").headers["x-posner-model"] == "other@other"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "inputs"),
        ({"inputs": 3}, "inputs"),
        ({"inputs": ["a", 3]}, "inputs.1"),
        ({"inputs": "a", "parameters": {"threshold": 2}}, "parameters.threshold"),
        ({"inputs": "a", "parameters": {"threshold": "0.5"}}, "parameters.threshold"),
        ({"inputs": "a", "parameters": {"path": "/etc"}}, "parameters.path"),
        ({"inputs": "a", "parameters": {"model": "../x"}}, "parameters.model"),
        ({"inputs": "a", "parameters": {"labels": ["PER", "NOPE"]}}, "parameters.labels"),
        ({"inputs": "a", "parameters": {"ignore_labels": ["x"]}}, "parameters.ignore_labels"),
        ({"inputs": "a", "parameters": {"labels": ["PER"] * 1001}}, "parameters.labels"),
        ({"inputs": "a", "else": 1}, "else"),
        ([], "body"),
        ("x", "body"),
    ],
)
def test_a_wrong_body_is_told_by_its_field(client: TestClient, body: Any, field: str) -> None:
    answer = client.post("/predict", json=body)
    assert answer.status_code == 422
    told = answer.json()
    assert told["error_type"] == "validation"
    assert told["field"] == field
    assert field in told["error"]


def test_of_many_faults_one_is_told(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    errors = RequestValidationError.errors

    def counted(self: RequestValidationError) -> Any:
        counts.append(len(errors(self)))
        return errors(self)

    monkeypatch.setattr(RequestValidationError, "errors", counted)
    many = {f"unknown{i}": i for i in range(1000)}
    for body, field in (
        ({"inputs": [1] * 5}, "inputs.0"),
        ({"inputs": "a"} | many, "unknown0"),
        ({"inputs": "a", "parameters": many}, "parameters.unknown0"),
        ({"inputs": "a", "parameters": {"labels": [1] * 1000}}, "parameters.labels.0"),
    ):
        answer = client.post("/predict", json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert max(counts) <= 2  # one of each member of a union
    for path, name in (("/predict", "inputs"), ("/analyze", "texts")):
        # They are counted before any of them is looked at.
        answer = client.post(path, json={name: [1] * 6})
        assert (answer.status_code, answer.json()["error_type"]) == (413, "too_large")


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff\xfe",
        b'{"inputs": "\\ud800"}',
        b'{"inputs": "a", "\\ud800": 1}',
        b'{"inputs": "a", "parameters": {"labels": ["\\ud800"]}}',
        b"[" * 60_000,
        b"",
    ],
)
def test_what_is_no_json_is_no_defect(client: TestClient, content: bytes) -> None:
    answer = client.post("/predict", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error_type"] == "validation"


def test_a_body_without_its_type_is_told_so(client: TestClient) -> None:
    answer = client.post("/predict", content=b'{"inputs": "a"}')
    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["error"]


def test_a_model_of_whole_words_has_no_pieces_to_answer_with() -> None:
    with client_of(serving.service({serving.WORDS: serving.WORDS})) as client:
        wait(client)
        assert predict(client, TEXT, aggregation_strategy="first").json() == [ADA, OSLO]
        answer = predict(client, TEXT, aggregation_strategy="none")
        streamed = client.post("/predict/stream?aggregation_strategy=none", content=b'"Ada"')
        for found, field in ((answer, "parameters.aggregation_strategy"), (streamed, None)):
            assert found.status_code == 422
            assert found.json()["field"] == (field or "aggregation_strategy")


def test_too_much_is_413(client: TestClient) -> None:
    for inputs in ("x" * 1001, ["x" * 600] * 2, ["x"] * 6):
        answer = predict(client, inputs)
        assert answer.status_code == 413
        assert answer.json()["error_type"] == "too_large"
    assert client.post("/predict", content=b" " * 80_000).status_code == 413
    chunked = client.post("/predict", content=iter([b" " * 50_000, b" " * 50_000]))
    assert chunked.status_code == 413


def test_lines_are_answered_in_order_and_bad_ones_alone_are_told(client: TestClient) -> None:
    lines = ['"Ada"', '{"inputs": "Oslo"}', "", "{", "3", f'"{"x" * 1001}"', '"Bo"']
    answer = client.post("/predict/stream", content="\n".join(lines))
    assert answer.headers["content-type"] == "application/x-ndjson"
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [[e["word"] for e in f] for f in (found[0], found[1], found[5])] == [
        ["Ada"],
        ["Oslo"],
        ["Bo"],
    ]
    assert [f["line"] for f in found[2:5]] == [4, 5, 6]  # the blank one counts
    assert [f["error_type"] for f in found[2:5]] == ["validation", "validation", "too_large"]


def test_a_stream_has_parameters_and_no_end_that_it_must_hold(client: TestClient) -> None:
    lines = (f'"Ada {i}"\n'.encode() for i in range(500))
    answer = client.post("/predict/stream?threshold=0.5&labels=PER&model=other", content=lines)
    assert [len(json.loads(line)) for line in answer.text.splitlines()] == [1] * 500
    for query, field in (
        ("threshold=7", "threshold"),
        ("treshold=0.5", "treshold"),
        ("labels=PER&labels=NOPE", "labels"),
        ("lexicon=perhaps", "lexicon"),
    ):
        bad = client.post(f"/predict/stream?{query}", content=b"")
        assert (bad.status_code, bad.json()["field"]) == (422, field)
    told = client.post("/predict/stream?treshold=0.5", content=b"").json()["error"]
    assert "threshold" in told.removeprefix("treshold")
    both = client.post("/predict/stream?ignore_labels=LOC&ignore_labels=O", content=b'"Ada Oslo"')
    assert [e["word"] for e in both.json()] == ["Ada"]
    [line] = client.post(
        "/predict/stream", content=b'{"inputs": "Ada", "parameters": {"threshold": 1}}'
    ).text.splitlines()
    assert (json.loads(line)["field"], json.loads(line)["line"]) == ("line", 1)


def test_the_page_gets_words_too(client: TestClient) -> None:
    answer = client.post("/analyze", json={"texts": [TEXT], "model": "other"}).json()
    assert answer["model"] == "other"
    assert answer["documents"][0]["entities"] == [ADA, OSLO]
    words = answer["documents"][0]["words"]
    assert [TEXT[start:end] for start, end, _ in words] == ["Ada", "lived", "in", "Oslo", "."]


def test_operation(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "ok"}
    assert client.get("/health").json()["status"] == "ok"
    info = client.get("/info").json()
    assert [(m["name"], m["default"]) for m in info["models"]] == [
        ("rules", True),
        ("other", False),
    ]
    assert [label["name"] for label in info["models"][0]["labels"]] == list(serving.LABELS)
    assert info["limits"]["max_chars"] == 1000
    predict(client, TEXT)
    figures = client.get("/metrics").text
    assert 'posner_requests_total{route="/predict",status="200"}' in figures
    assert 'posner_entities_total{label="PER",model="rules"}' in figures
    for name in ("words", "queue_texts", "batch_fill", "request_seconds", "entity_score"):
        assert f"posner_{name}" in figures


def test_drift_is_told_by_what_the_model_finds_in_clients_texts() -> None:
    made = serving.service()

    def counted() -> dict[str, float]:
        value = made.metrics.registry.get_sample_value
        names = {label: {"model": "rules", "label": label} for label in serving.LABELS}
        entities = {label: value("posner_entities_total", names[label]) for label in names}
        scores = {label: value("posner_entity_score_count", names[label]) for label in names}
        assert entities == scores
        return {label: found or 0.0 for label, found in entities.items()}

    with client_of(made) as client:
        wait(client)
        predict(client, TEXT, threshold=0.9, labels=["PER"])
        assert counted() == {"PER": 1, "LOC": 1}
        client.post("/predict/stream?ignore_labels=PER", content=b'"Ada"')
        assert counted() == {"PER": 2, "LOC": 1}
        client.post("/analyze", json={"texts": [TEXT]})
        assert counted() == {"PER": 2, "LOC": 1}


def test_the_description_names_the_key_and_shows_bodies_that_are_taken(tmp_path: Path) -> None:
    made = serving.service(annotations=str(tmp_path / "a.sqlite"), api_key="s3cret")
    with client_of(made) as client:
        wait(client)
        told = client.get("/openapi.json").json()
        assert told["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
        for path, methods in told["paths"].items():
            for route in methods.values():
                assert ("security" in route) == (path not in OPEN_PATHS)
        key = {"authorization": "Bearer s3cret"}
        shown = ("/predict", "/annotations", "/annotations/lookup", "/annotations/undo")
        for path in shown:
            body = told["paths"][path]["post"]["requestBody"]["content"]["application/json"]
            name = body["schema"]["$ref"].split("/")[-1]
            [example] = told["components"]["schemas"][name]["examples"]
            assert client.post(path, json=example, headers=key).status_code == 200


def test_who_asks_for_heads_gets_them(client: TestClient) -> None:
    for path in ("/", "/docs", "/livez", "/readyz", "/health"):
        answer = client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")


def test_nothing_is_known_of_other_routes(client: TestClient) -> None:
    assert client.get("/etc/passwd").json()["error_type"] == "not_found"
    assert client.get("/static/../app.py").status_code == 404
    assert client.get("/static/%2e%2e/%2e%2e/app.py").status_code == 404
    assert client.get("/predict").status_code == 405


def test_pages_may_load_nothing_from_elsewhere(client: TestClient) -> None:
    for path in ("/", "/docs"):
        answer = client.get(path)
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "://" not in answer.text
        assert "<script>" not in answer.text
        assert "style=" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_request_has_an_id_and_a_line_in_the_log_without_its_text(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "posner.serve"):
        answer = client.post("/predict", json={"inputs": TEXT}, headers={"x-request-id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    lines = [JsonLines().format(record) for record in caplog.records]
    [line] = [json.loads(line) for line in lines if "mine-1" in line]
    assert (line["texts"], line["words"], line["entities"], line["status"]) == (1, 5, 2, 200)
    assert not any("Ada" in text or "Oslo" in text for text in lines)
    with caplog.at_level(logging.INFO, "posner.serve"):
        client.post("/predict/stream", content=b'"Ada"\n"Bo Oslo"', headers={"x-request-id": "s-1"})
    [line] = [json.loads(t) for t in map(JsonLines().format, caplog.records) if "s-1" in t]
    assert (line["texts"], line["characters"], line["words"], line["entities"]) == (2, 10, 3, 3)
    assert line["model"] == "rules"
    odd = client.get("/livez", headers={"x-request-id": "a b\x7f"})
    assert odd.headers["x-request-id"] != "a b\x7f"


def test_a_defect_is_told_without_the_text(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        body = {"inputs": ["Ada", "DEFECT Secret"]}
        answer = client.post("/predict", json=body, headers={"x-request-id": "odd-1"})
    assert (answer.status_code, answer.json()["error_type"]) == (500, "internal")
    assert "Secret" not in answer.text
    told = [record for record in caplog.records if record.getMessage() == "tagging failed"]
    assert [json.loads(JsonLines().format(record))["requests"] for record in told] == [
        ["odd-1"]
    ] * 2
    assert not any("Secret" in JsonLines().format(record) for record in caplog.records)
    assert predict(client, TEXT).status_code == 200


def test_a_defect_of_a_route_is_told_like_any_error(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(operation, "_model_info", None)
    answer = client.get("/info")
    assert (answer.status_code, answer.json()["error_type"]) == (500, "internal")
    assert answer.headers["x-request-id"]
    assert [r.getMessage() for r in caplog.records if r.exc_info] == ["the service failed"]


def test_a_models_name_may_be_of_any_script() -> None:
    with client_of(serving.service({"新闻 a/b": "rules"})) as client:
        wait(client)
        answer = predict(client, TEXT, model="新闻 a/b")
        assert answer.status_code == 200
        assert answer.headers["x-posner-model"] == "%E6%96%B0%E9%97%BB a/b@rules"


def test_models_are_replaced(client: TestClient) -> None:
    assert client.post("/models/replace").json() == {
        "revisions": {"rules": "rules", "other": "other"}
    }
    assert predict(client, TEXT).json() == [ADA, OSLO]


@pytest.mark.parametrize("failure", [ModelError("damaged", where="/secret"), ValueError("/secret")])
def test_why_models_are_not_replaced_the_log_says_alone(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def load(path: str) -> serving.RuleTagger:
        if fails:
            raise failure
        return serving.RuleTagger(path)

    fails = False
    made = Service({"rules": "rules"}, ServeSettings(), load)
    with client_of(made) as client:
        wait(client)
        fails = True
        answer = client.post("/models/replace")
        assert (answer.status_code, answer.json()["error_type"]) == (409, "not_replaced")
        assert "/secret" not in answer.text
        assert predict(client, TEXT).status_code == 200
    [told] = [r for r in caplog.records if r.getMessage() == "models not replaced"]
    line = json.loads(JsonLines().format(told))
    assert ("/secret" in line.get("error", "")) == isinstance(failure, ModelError)
    assert line.get("exception") == (None if isinstance(failure, ModelError) else "ValueError")


def test_pages_of_other_sites_and_other_names_are_refused(client: TestClient) -> None:
    body = {"inputs": TEXT}
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"host": "evil.example"},
    ):
        answer = client.post("/predict", json=body, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["error_type"] in ("origin", "host")
    own = {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}
    assert client.post("/predict", json=body, headers=own).status_code == 200
    assert client.get("/livez", headers={"host": "127.0.0.1:9"}).status_code == 200
    assert client.get("/livez", headers={"host": "[::1]:9"}).status_code == 200


def test_a_key_is_asked_for_where_there_is_one() -> None:
    with client_of(serving.service(api_key="s3cret")) as client:
        wait(client)
        for header in (None, "Bearer wrong", "Basic s3cret", "Bearer", "Bearer s3cret2"):
            headers = {} if header is None else {"authorization": header}
            answer = client.post("/predict", json={"inputs": TEXT}, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
        for path in ("/info", "/metrics"):
            assert client.get(path).status_code == 401
        for path in ("/", "/livez", "/readyz", "/health", "/docs", "/openapi.json"):
            assert client.get(path).status_code == 200
        known = {"authorization": "Bearer s3cret"}
        assert client.post("/predict", json={"inputs": TEXT}, headers=known).status_code == 200


def test_other_names_can_be_allowed() -> None:
    with client_of(serving.service(allowed_hosts="ner.example")) as client:
        assert client.get("/livez", headers={"host": "ner.example"}).status_code == 200
        assert client.get("/livez", headers={"host": "other.example"}).status_code == 403


def test_behind_a_proxy_the_page_has_a_name_that_is_allowed() -> None:
    with client_of(serving.service(allowed_hosts="ner.example")) as client:
        wait(client)
        for origin, status in (("https://ner.example", 200), ("https://evil.example", 403)):
            headers = {"origin": origin, "host": "127.0.0.1:8000"}
            answer = client.post("/predict", json={"inputs": TEXT}, headers=headers)
            assert answer.status_code == status
    with client_of(serving.service(allowed_hosts="*")) as client:  # any name, but no other's page
        answer = client.post("/predict", json={}, headers={"origin": "https://evil.example"})
        assert answer.status_code == 403


def test_before_the_models_are_loaded_nothing_else_is_said() -> None:
    client = client_of(serving.service())  # not entered: nothing has been loaded
    answer = predict(client, TEXT)
    assert (answer.status_code, answer.json()["error_type"]) == (503, "loading")
    assert answer.headers["retry-after"] == "2"
    assert client.get("/readyz").status_code == 503
    assert client.get("/health").json()["status"] == "loading"
    assert client.get("/livez").status_code == 200
