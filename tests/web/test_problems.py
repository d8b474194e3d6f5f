"""Errors: one form of them, for programs and for browsers."""

import ast
import logging
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.store.errors import QueueFull, StoreUnavailable
from app.web.problem_texts import TEXTS
from app.web.service import Service
from tests.support.cast import Cast

REFUSALS = {
    "Malformed",
    "Unauthenticated",
    "Forbidden",
    "NotFound",
    "Conflict",
    "TooLarge",
    "UnsupportedType",
    "Invalid",
}


def slugs() -> set[str]:
    found = set()
    for path in Path("app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = node.func if isinstance(node, ast.Call) else None
            called = name.id if isinstance(name, ast.Name) else name.attr if isinstance(name, ast.Attribute) else ""
            if called in REFUSALS and isinstance(node, ast.Call) and node.args:
                slug = node.args[0]
                if isinstance(slug, ast.Constant) and isinstance(slug.value, str):
                    found.add(slug.value)
    return found


def test_every_problem_that_is_raised_is_explained() -> None:
    assert len(slugs()) > 20
    assert slugs() - TEXTS.keys() == set()


def test_a_problem_is_explained_at_its_type(client: TestClient) -> None:
    missing = client.get("/api/v2/nothing")
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"
    body = missing.json()
    assert body.keys() == {"type", "title", "status", "detail", "instance", "errors"}
    assert (body["type"], body["status"], body["instance"], body["errors"]) == (
        "/problems/not-found", 404, "/api/v2/nothing", [],
    )  # fmt: skip
    explained = client.get(body["type"])
    assert explained.status_code == 200
    assert explained.json()["title"] == body["title"]
    assert client.get("/problems/no-such-thing").status_code == 404


def test_a_browser_gets_a_page(client: TestClient) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    page = client.get("/nowhere<script>", headers=browser)
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "未找到" in page.text
    assert "<script>" not in page.text
    assert "Wait" not in client.get("/problems/mistyped-code", headers=browser).text
    invalid = client.get("/lookup", headers=browser)
    assert invalid.status_code == 400
    assert "<li>" in invalid.text


def test_another_method(client: TestClient) -> None:
    refused = client.delete("/healthz")
    assert refused.status_code == 405
    assert refused.json()["type"] == "/problems/method-not-allowed"
    assert "GET" in refused.headers["allow"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
class TestFaults:
    def test_an_unexpected_error_is_logged_with_the_request_id(
        self, client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail() -> str:
            raise RuntimeError("the roof is leaking")

        monkeypatch.setattr(type(service.metrics), "text", lambda _: fail())
        with caplog.at_level(logging.ERROR):
            answer = client.get("/metrics", headers={"X-Request-ID": "abc-1"})
        assert answer.status_code == 500
        assert answer.headers["x-request-id"] == "abc-1"
        assert answer.headers["content-type"] == "application/problem+json"
        assert "abc-1" in answer.json()["detail"]
        assert "roof" not in answer.text
        assert any("roof" in str(record.exc_info) for record in caplog.records)

    @pytest.mark.parametrize(("error", "slug"), [(StoreUnavailable("gone"), "unavailable"), (QueueFull("x"), "busy")])
    def test_a_lost_database_asks_for_patience(
        self, cast: Cast, service: Service, monkeypatch: pytest.MonkeyPatch, error: Exception, slug: str
    ) -> None:
        async def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr(type(service.writer), "write", fail)
        answer = cast.admin.post("/products", {"name": "葱", "category": "vegetables", "measure": "weight"})
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["type"] == f"/problems/{slug}"
