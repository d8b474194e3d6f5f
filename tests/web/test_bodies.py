"""Bodies: bounded, strict, and only what can be stored."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.domain.errors import Invalid, Malformed
from app.web import bodies
from app.web.bodies import MAX_DEPTH, MAX_LINE, parse_json
from tests.support.cast import Actor, Cast
from tests.support.databases import Database, fresh


@pytest.fixture
def database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """One kind is enough for what the database has no part in."""
    with fresh("sqlite", tmp_path, sqlite_template) as made:
        yield made


JSON = {"Content-Type": "application/json"}
PRODUCT = {"name": "葱", "category": "vegetables", "measure": "weight"}


@pytest.fixture
def admin(cast: Cast) -> Actor:
    return cast.admin


def post(admin: Actor, content: bytes, **headers: str) -> tuple[int, str]:
    answer = admin.request("POST", "/products", content=content, headers={**JSON, **headers})
    return answer.status_code, answer.json().get("type", "")


@pytest.mark.parametrize(
    "content",
    [b"{", b'{"name":', b"\xff\xfe", b'{"a":NaN}', b'{"a":1e999}', b'"\xed\xa0\x80"', b"\xef\xbb\xbf{}", b"[" * 10],
)
def test_broken_json_is_malformed(admin: Actor, content: bytes) -> None:
    assert post(admin, content) == (400, "/problems/bad-json")


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "a\\udc00b", "\\ud83d\\u0041"])
def test_text_that_cannot_be_stored(admin: Actor, text: str) -> None:
    content = json.dumps(PRODUCT).replace(json.dumps("葱"), f'"{text}"').encode()
    assert post(admin, content) == (422, "/problems/bad-text")


def test_a_lone_surrogate_at_the_very_end() -> None:
    with pytest.raises(Invalid):
        parse_json(b'"\\ud800"')
    with pytest.raises(Malformed):
        parse_json(b'["\\ud800"')


def test_a_backslash_and_a_pair_of_surrogates_are_text(admin: Actor) -> None:
    assert parse_json(b'"\\\\u0000 \\ud83d\\ude00"') == "\\u0000 😀"
    assert parse_json(b'{"\\\\u0000": ["x"]}') == {"\\u0000": ["x"]}


def test_depth_is_bounded(admin: Actor) -> None:
    deep = b"[" * 100 + b"]" * 100
    assert post(admin, deep) == (422, "/problems/too-deep")
    assert post(admin, b"[" * 100_000 + b"]" * 100_000) == (422, "/problems/too-deep")
    nested: object = 1
    for _ in range(MAX_DEPTH):
        nested = [nested]
    assert parse_json(json.dumps([nested, *[[]] * MAX_DEPTH][:1]).encode()[1:-1]) == nested
    wide = json.dumps([{} for _ in range(1000)]).encode()
    assert len(parse_json(wide)) == 1000


def test_faults_are_named_by_pointer(admin: Actor) -> None:
    answer = admin.post("/parties", {"name": "", "kind": "vendor", "licences": [{"scheme": "JY"}], "a/b~": 1})
    assert answer.status_code == 422
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers == {"/name", "/licences/0/number", "/a~1b~0"}
    assert all(" · " in error["detail"] for error in answer.json()["errors"])


def test_a_missing_body(admin: Actor) -> None:
    assert post(admin, b"")[0] == 422


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "", "multipart/form-data; boundary=x"])
def test_only_json(admin: Actor, media_type: str) -> None:
    assert post(admin, b"{}", **{"Content-Type": media_type}) == (415, "/problems/unsupported-type")


def test_json_with_a_suffix_or_charset(admin: Actor) -> None:
    content = json.dumps(PRODUCT).encode()
    assert post(admin, content, **{"Content-Type": "application/merge-patch+json; charset=utf-8"})[0] == 201


def test_size_is_bounded_by_what_comes_and_by_what_is_said(admin: Actor, client: TestClient) -> None:
    limit = 8_000_000
    assert post(admin, b" " * (limit + 1)) == (413, "/problems/too-large")


class Wire:
    """Speaks to the application as a server does, message by message."""

    def __init__(self, client: TestClient, admin: Actor, path: str, *messages: dict[str, Any]) -> None:
        self._app = client.app
        self._messages = iter(messages)
        self.asked = 0
        self.sent: list[dict[str, Any]] = []
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", b"food.example.cn"),
                (b"authorization", f"Bearer {admin.key}".encode()),
                (b"content-length", b"10"),
                (b"content-type", b"application/x-ndjson" if path.endswith("batch") else b"application/json"),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }

    def run(self) -> "Wire":
        async def receive() -> dict[str, Any]:
            self.asked += 1
            return next(self._messages)

        async def send(message: dict[str, Any]) -> None:
            self.sent.append(message)

        asyncio.run(self._app(self._scope, receive, send))
        return self


def piece(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


CUT = {"type": "http.disconnect"}


def test_a_length_that_lies_does_not_help(client: TestClient, admin: Actor) -> None:
    wire = Wire(client, admin, "/api/v1/products", *[piece(b" " * 1_000_000)] * 100).run()
    assert wire.sent[0]["status"] == 413
    assert wire.asked == 9  # it stopped reading


@pytest.mark.parametrize("path", ["/api/v1/products", "/api/v1/products/batch"])
def test_a_body_that_is_cut_off_is_no_error_of_ours(
    client: TestClient, admin: Actor, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    whole = json.dumps(PRODUCT).encode() + b"\n"
    Wire(client, admin, path, piece(whole), piece(whole[:9]), CUT).run()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert 'status="499"' in client.get("/metrics").text
    # What was not acknowledged may have been recorded or not; it can be sent again.
    assert admin.post("/products", PRODUCT).status_code in (200, 201)


def cut(*chunks: bytes) -> list[bodies.Line]:
    cutter = bodies._Cutter()
    return [line for chunk in (*chunks, b"\n") for line in cutter.feed(chunk)]


def test_lines_are_cut_wherever_chunks_end() -> None:
    text = b'{"a":1}\n\n  \r\n{"b":2}\r\n{"c":3}'
    whole = cut(text)
    assert [(line.number, line.raw) for line in whole] == [(1, b'{"a":1}'), (4, b'{"b":2}'), (5, b'{"c":3}')]
    assert cut(*(text[i : i + 1] for i in range(len(text)))) == whole


def test_slices_are_bounded_by_lines_and_by_bytes() -> None:
    async def sliced(*raw: bytes) -> list[int]:
        async def lines() -> AsyncIterator[bodies.Line]:
            for number, content in enumerate(raw, 1):
                yield bodies.Line(number, content)

        return [len(batch) async for batch in bodies.in_slices(lines(), 3)]

    assert asyncio.run(sliced(*[b"x"] * 7)) == [3, 3, 1]
    assert asyncio.run(sliced(*[b"x" * (bodies.SLICE_BYTES // 2)] * 5)) == [2, 2, 1]
    assert asyncio.run(sliced()) == []


def test_a_line_that_is_too_long_is_not_kept() -> None:
    lines = cut(b"x" * MAX_LINE, b"x", b"y" * 10, b"\nshort\n", b"z" * MAX_LINE + b"\n")
    assert [(line.number, line.raw is None) for line in lines] == [(1, True), (2, False), (3, False)]
