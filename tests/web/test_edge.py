"""What every answer carries, health, metrics, and the documentation of the interface."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.store.errors import StoreUnavailable
from app.web.metrics import Metrics
from app.web.service import Service
from tests.support.databases import Database, fresh


@pytest.fixture
def database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """One kind is enough for what the database has no part in."""
    with fresh("sqlite", tmp_path, sqlite_template) as made:
        yield made


def test_every_answer_has_an_id_and_is_fenced_in(client: TestClient) -> None:
    first, second = client.get("/healthz"), client.get("/nowhere")
    for answer in (first, second):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["strict-transport-security"]
        assert "set-cookie" not in answer.headers
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def test_a_request_id_of_the_proxy_is_kept_where_it_is_harmless(client: TestClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "edge-7.b_2"}).headers["x-request-id"] == "edge-7.b_2"
    for bad in ("a b", "x" * 65, '"', "a,b"):
        assert client.get("/healthz", headers={"X-Request-ID": bad}).headers["x-request-id"] != bad


def test_ready_says_what_is_not(client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/readyz").json() == {"status": "ready"}

    def gone(_: object) -> None:
        raise StoreUnavailable("no such server")

    monkeypatch.setattr("app.web.operations.answering", gone)
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200


def test_a_full_queue_is_not_ready(client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(service.writer), "waiting", service.settings.queue_limit)
    assert client.get("/readyz").status_code == 503


def test_metrics_count_by_route(client: TestClient) -> None:
    client.get("/problems/busy")
    client.get("/problems/invalid")
    client.get("/nowhere/1")
    client.request("BREW", "/healthz")
    text = client.get("/metrics").text
    assert 'onecode_requests_total{method="GET",route="/problems/{slug}",status="200"} 2' in text
    assert 'onecode_requests_total{method="GET",route="unmatched",status="404"} 1' in text
    assert 'method="OTHER"' in text
    assert "onecode_events_recorded_total" in text
    assert re.search(r"^onecode_writes_waiting 0$", text, re.MULTILINE)


def test_labels_are_quoted() -> None:
    metrics = Metrics({})
    metrics.request("GET", 'a"b\\c\nd', 200, 0.5)
    metrics.count("sales", 3)
    assert r'route="a\"b\\c\nd"' in metrics.text()
    assert "onecode_sales_total 3" in metrics.text()


def test_the_documentation_loads_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert "/api/v1/parties" in page.text
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page.text)
    assert "<script" not in page.text


def test_the_document_has_one_form_of_error(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            refused = operation["responses"]["4XX"]["content"]
            assert list(refused) == ["application/problem+json"], (method, path)
            assert operation["summary"], (method, path)


def test_no_body_type_may_hold_unknown_fields(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                name = content["schema"].get("$ref", "").rpartition("/")[2]
                if name and schemas[name].get("type") == "object":
                    assert schemas[name]["additionalProperties"] is False, (path, name)
