"""What every answer carries, health, metrics, and the documentation of the interface."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.domain.errors import NotFound
from app.store.errors import StoreUnavailable
from app.web.metrics import Metrics
from app.web.middleware import Edge
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


class TestPlainPaths:
    """What is answered before FastAPI's routing stands under the same edge."""

    def call(self, inner: Any) -> tuple[list[dict[str, Any]], Metrics]:
        metrics = Metrics({})
        sent: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> dict[str, Any]:
            return {"type": "http.disconnect"}

        edge = Edge(inner, metrics, "http://localhost:8000", 30)
        scope = {"type": "http", "method": "GET", "path": "/hot", "headers": [(b"accept", b"*/*")]}
        try:
            asyncio.run(edge(scope, receive, send))
        finally:
            self.metrics = metrics.text()
        return sent, metrics

    def test_a_refusal_or_an_outage_becomes_its_problem(self) -> None:
        for error, status in ((NotFound("not-found", "无 · none"), 404), (StoreUnavailable("gone"), 503)):

            async def inner(scope: Any, _receive: Any, _send: Any, error: Exception = error) -> None:
                scope["onecode.route"] = "/hot"
                raise error

            sent, _ = self.call(inner)
            assert sent[0]["status"] == status
            assert f'route="/hot",status="{status}"' in self.metrics
            assert not any(name == b"strict-transport-security" for name, _ in sent[0]["headers"])

    def test_an_error_is_answered_500(self, caplog: pytest.LogCaptureFixture) -> None:
        async def inner(*_: Any) -> None:
            raise ZeroDivisionError

        sent, _ = self.call(inner)
        assert sent[0]["status"] == 500
        assert len(caplog.records) == 1

    def test_half_an_answer_is_cut_off(self) -> None:
        async def inner(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            self.call(inner)

    def test_headers_that_an_answer_sets_stand(self) -> None:
        async def inner(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"referrer-policy", b"origin")]})
            await send({"type": "http.response.body", "body": b""})

        (start, _), _ = self.call(inner)
        names = [name for name, _ in start["headers"]]
        assert names.count(b"referrer-policy") == 1
        assert b"x-content-type-options" in names

    def test_a_request_that_is_given_up(self) -> None:
        async def inner(*_: Any) -> None:
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            self.call(inner)
        assert 'status="499"' in self.metrics


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
