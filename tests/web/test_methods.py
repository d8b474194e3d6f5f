"""Every path tells all that it takes, and takes HEAD and OPTIONS wherever there is something to read."""

import asyncio
import re
from http.client import HTTPConnection
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from starlette.types import Message

from app import web
from app.web.methods import Methods, Paths
from tests.support.cast import Cast
from tests.support.databases import Database
from tests.support.server import serving


def _concrete() -> dict[str, set[str]]:
    """An address of each path that nothing else answers, with the methods of all routes there."""
    found: dict[str, set[str]] = {}
    for route in iter_route_contexts(web._routes().routes):
        if route.methods and route.path is not None:
            found.setdefault(re.sub(r"\{[^}]*\}", "0-0", str(route.path_format)), set()).update(route.methods)
    return {**found, "/openapi.json": {"GET"}}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
class TestEverywhere:
    def test_405_names_all_methods_of_the_resource(self, client: TestClient) -> None:
        addresses = _concrete()
        assert len(addresses) > 150
        for address, methods in addresses.items():
            answer = client.request("TRACE", address)
            assert answer.status_code == 405, address
            told = answer.headers["allow"].split(", ")
            assert set(told) == methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set()), address
            assert len(set(told)) == len(told)

    def test_options_say_the_same(self, client: TestClient, cast: Cast) -> None:
        for address, methods in _concrete().items():
            answer = cast.admin.request("OPTIONS", address) if address.startswith("/epcis") else client.options(address)
            assert (answer.status_code, answer.content) == (204, b""), f"{address}: {answer.text}"
            assert methods <= set(answer.headers["allow"].split(", ")), address
            assert "x-request-id" in answer.headers
        assert client.options("/nowhere").status_code == 404
        assert 'method="OPTIONS",route="/epcis' in client.get("/metrics").text

    def test_head_is_get_without_its_body(self, client: TestClient, cast: Cast) -> None:
        cast.admin.post("/epcis/queries", {"name": "all", "query": {}})
        for path in (
            "/epcis", "/epcis/", "/epcis/events", "/epcis/capture", "/epcis/queries", "/epcis/queries/all",
            "/epcis/queries/all/events", "/epcis/queries/all/subscriptions", "/epcis/bizSteps", "/epcis/events/none",
            "/epcis/capture/none", "/api/v1/parties", "/api/v1/sites/none", "/healthz", "/docs", "/openapi.json",
            "/.well-known/gs1resolver", "/recalls", "/problems/mistyped-code", "/nowhere", "/lookup",
        ):  # fmt: skip
            for headers in ({}, {"Accept": "application/xml"}):
                known = {"Authorization": f"Bearer {cast.admin.key}", **headers}
                got, head = (client.request(method, path, headers=known) for method in ("GET", "HEAD"))
                assert (head.status_code, head.headers["content-type"]) == (
                    got.status_code, got.headers["content-type"]
                ), path  # fmt: skip
                assert head.content == b"" or head.status_code == 404, path
                changing = {"x-request-id", "content-length", "gs1-next-page-token-expires", "date", "etag"}
                assert head.headers.keys() == got.headers.keys(), path
                assert {k: v for k, v in head.headers.items() if k not in changing} == {
                    k: v for k, v in got.headers.items() if k not in changing
                }, path
        assert client.head("/api/v1/events/batch-of-none").status_code == 401
        assert (answer := client.head("/api/v1/labels")).status_code == 405
        assert answer.headers["allow"] == "OPTIONS, POST"

    def test_head_of_a_stream_ends(self, client: TestClient, cast: Cast) -> None:
        assert cast.stall.site is not None
        answer = client.head(f"/boards/{cast.stall.site['code']}/events")
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_connection_is_good_for_more_after_head(database: Database, tmp_path: Path) -> None:
    """A server counts the bytes of a body that it was promised."""
    with serving(tmp_path, database.url) as server:
        connection = HTTPConnection(server.url.removeprefix("http://"), timeout=30)
        connection.connect()
        connection.auto_open = 0  # it is not opened anew
        asked = ["/openapi.json", "/healthz", "/nowhere"]
        for method, path in (*(("HEAD", path) for path in asked), ("GET", "/healthz")):
            connection.request(method, path)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == (404 if path == "/nowhere" else 200)
            assert int(answer.headers["content-length"]) > 0
            assert (body == b"") == (method == "HEAD")
        connection.close()


def test_what_fails_before_it_answers_fails() -> None:
    async def failing(scope: object, receive: object, send: object) -> None:
        raise OSError("the disk is full")

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    paths = Paths(iter_route_contexts(web._routes().routes))
    scope = {"type": "http", "method": "HEAD", "path": "/healthz"}
    with pytest.raises(OSError, match="the disk is full"):
        asyncio.run(Methods(failing, paths)(scope, receive, send))
    assert scope["method"] == "HEAD"
