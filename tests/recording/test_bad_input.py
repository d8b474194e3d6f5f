"""Input that is none: each gets its clear answer, and none breaks the service."""

import base64
import json
import socket
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
import uvicorn

from app import web
from app.main import close_service, open_service
from app.settings import Settings
from tests.recording.conftest import harvest, until
from tests.support.cast import Cast, quantity
from tests.support.server import free_port, serving
from tests.support.story import day


def send(cast: Cast, content: bytes, media_type: str = "application/json", **headers: str) -> tuple[int, str, Any]:
    """(status, slug, pointer of the first fault) of what the farm posts."""
    headers = {"Content-Type": media_type, **headers}
    answer = cast.farm.request("POST", "/events", content=content, headers=headers)
    body = answer.json()
    if answer.status_code < 400:
        return answer.status_code, body["status"], None
    assert answer.headers["content-type"] == "application/problem+json"
    assert (set(body), body["status"]) == (
        {"type", "title", "status", "detail", "instance", "errors"}, answer.status_code
    )  # fmt: skip
    assert " · " in body["detail"]
    return (
        answer.status_code,
        body["type"].removeprefix("/problems/"),
        next((fault["pointer"] for fault in body["errors"]), None),
    )


def encoded(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def test_bodies_that_are_no_json(cast: Cast) -> None:
    for content in (b"", b"{", b"nan", b"\xff\xfe", b'{"kind":"\xff"}', b"\xef\xbb\xbf{}", b"{'a':1}", b'{"a":1,}'):
        assert send(cast, content)[:2] == (400, "bad-json"), content
    for number in (b"9" * 6_000, b"1e999", b"-1e999"):
        assert send(cast, b'{"kind":"sell","lines":[{"amount_fen":' + number + b"}]}")[:2] == (400, "bad-json")
    for content in (b"[" * 100_000, b'{"a":' * 100_000, b'{"kind":"produce","x":' + b"[" * 40 + b"]" * 40 + b"}"):
        assert send(cast, content)[:2] == (422, "too-deep")
    for content in (b'{"kind":"a\\u0000"}', b'{"\\u0000":1}', b'{"kind":"\\ud800"}', b'{"kind":"\\udc00\\ud800"}'):
        assert send(cast, content)[:2] == (422, "bad-text"), content


def test_bodies_that_are_no_event(cast: Cast) -> None:
    for content in (
        b"[]",
        b"null",
        b"7",
        b'"x"',
        b"{}",
        b'{"kind":["produce"]}',
        b'{"kind":"dance"}',
        b'{"kind":null}',
    ):
        assert send(cast, content) == (422, "unknown-kind", "/kind"), content
    for content, pointer in ((b'{"events":{}}', "/events"), (b'{"events":null}', "/events"),
                             (b'{"events":[],"x":1}', "/events")):  # fmt: skip
        assert send(cast, content) == (422, "invalid", pointer), content
    many = encoded({"events": [{}] * 1_001})
    assert send(cast, many) == (422, "too-long", "/events")


def test_bodies_of_another_kind(cast: Cast) -> None:
    body = encoded(cast.farm.event("produce", outputs=[cast.output(cast.product("葱"), "1")]))
    for media_type in ("text/plain", "application/xml", "", "multipart/form-data", "application/x-www-form-urlencoded"):
        assert send(cast, body, media_type)[:2] == (415, "unsupported-type"), media_type
    assert send(cast, body, **{"Content-Encoding": "gzip"})[:2] == (400, "bad-encoding")
    assert send(cast, body, "application/x-ndjson", **{"Content-Encoding": "br"})[:2] == (415, "unsupported-type")
    assert send(cast, b" " * 8_000_001)[:2] == (413, "too-large")
    assert send(cast, body, "Application/JSON; charset=utf-8")[:2] == (201, "recorded")


def test_fields_that_are_wrong(cast: Cast) -> None:
    product = cast.product("葱")
    good = cast.farm.event("produce", outputs=[cast.output(product, "1")])
    output = good["outputs"][0]

    def faulty(**changes: Any) -> tuple[int, str, Any]:
        return send(cast, encoded(good | changes))

    for said in ("2026-03-01", "2026-03-01T06:30:00+25:00", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "now", True,
                 "1772345678", 1772345678, 1.5, None, [], {}, ""):  # fmt: skip
        assert faulty(event_time=said) == (422, "invalid", "/event_time"), said
    # Of the years that food has records of, with an offset.
    for said in ("2026-03-01T06:30:00", "1999-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"):
        assert faulty(event_time=said) == (422, "invalid", ""), said
    assert faulty(event_time="2100-12-31T23:59:59-12:00")[:2] == (422, "event-time-in-future")

    def odd(**changes: Any) -> tuple[int, str, Any]:
        return faulty(outputs=[output | changes])

    for said in ("20260301", "0", "1772323200", "2026-3-1", "2026-03-01T05:00:00Z", 20260301, None, "tomorrow"):
        assert odd(produced_on=said) == (422, "invalid", "/outputs/0/produced_on"), said
    assert odd(produced_on="2101-01-01") == (422, "invalid", "/outputs/0")
    assert odd(expires_on="1999-01-01") == (422, "invalid", "/outputs/0")
    assert odd(expires_on=day(-2)) == (422, "invalid", "/outputs/0")
    for value, unit in (("-1", "kg"), ("1e5", "kg"), ("NaN", "kg"), ("1", "箱"), ("1", ""), ("１", "kg"), ("0", "kg"),
                        ("999999999999999", "吨"), ("0.0001", "g"), ("1,5", "kg"), (" 1", "kg"),
                        ("+1", "kg")):  # fmt: skip
        assert odd(quantity=quantity(value, unit)) == (422, "invalid", "/outputs/0/quantity"), value
    for said in ("5kg", None, 5, [], quantity("1") | {"x": 1}, {"value": 5, "unit": "kg"}, {"value": "5"}):
        status, slug, pointer = odd(quantity=said)
        assert (status, slug) == (422, "invalid"), said
        assert pointer.startswith("/outputs/0/quantity"), said
    assert odd(product_id="x") == (422, "invalid", "/outputs/0/product_id")
    assert odd(lot_number="x" * 201) == (422, "too-long", "/outputs/0/lot_number")
    assert odd(extra=1) == (422, "invalid", "/outputs/0/extra")

    for said in ("x", "", 5, None, "00000000-0000-0000-0000-00000000000g"):
        assert faulty(site_id=said) == (422, "invalid", "/site_id"), said
    for said in ("", " ", "\u3000"):
        assert faulty(ref=said) == (422, "invalid", ""), said
    for said in (5, None, ["a"]):
        assert faulty(ref=said) == (422, "invalid", "/ref"), said
    assert faulty(ref="x" * 201) == (422, "too-long", "/ref")
    assert faulty(ref="a\u202eb") == (422, "bad-text", "/ref")
    assert faulty(outputs=[output] * 1_001) == (422, "too-long", "/outputs")
    assert faulty(outputs=[]) == (422, "invalid", "")
    assert faulty(outputs={}) == (422, "invalid", "/outputs")
    assert faulty(unheard_of=1) == (422, "invalid", "/unheard_of")
    # An id may be spelled as a UUID may.
    assert faulty(site_id=good["site_id"].upper().replace("-", ""))[:2] == (201, "recorded")


def test_fields_that_exclude_or_need_each_other(cast: Cast) -> None:
    batch = harvest(cast)
    item = cast.item(batch, "1")
    outside = {"product_id": batch["product_id"], "quantity": quantity("1")}
    for kind, fields in (
        ("ship", {"items": [item], "to_site_id": cast.stall.site["id"], "to": {"name": "x"}}),
        ("ship", {"items": [item, item]}),
        ("ship", {"items": [item], "to": {"name": " "}}),
        ("receive", {}),
        ("receive", {"slip_code": "T", "from": {"name": "x"}, "items": [outside]}),
        ("receive", {"from": {"name": "x"}}),
        ("receive", {"from": {"name": "x"}, "items": [item]}),
        ("receive", {"slip_code": "T", "items": [outside]}),
        ("receive", {"slip_code": "T", "items": []}),
        ("sell", {"lines": [{"quantity": quantity("1")}]}),
        ("sell", {"lines": [item | {"amount_fen": 10**12}]}),
        ("return", {"items": [item], "reason": "x", "to_custody_id": batch["custody_id"],
                    "to_site_id": cast.farm.site["id"]}),
        ("produce", {"outputs": [cast.output({"id": batch["product_id"]}, "1")],
                     "inputs_used": [{"kind": "feed", "name": "x", "used_on": day(0), "withdrawal_until": day(-1)}]}),
        ("produce", {"outputs": [cast.output({"id": batch["product_id"]}, "1")],
                     "inputs_used": [{"kind": "feed", "name": "x", "used_on": "2000-01-01",
                                      "withdrawal_until": "2101-01-01"}]}),
    ):  # fmt: skip
        assert cast.farm.refused(kind, 422, **fields)["type"] == "/problems/invalid", fields


def test_a_name_twice_in_one_object_counts_once_the_last(cast: Cast) -> None:
    """RFC 8259 leaves it open; what is recorded, hashed and answered must be one and the same."""
    good = cast.farm.event("produce", outputs=[cast.output(cast.product("葱"), "1")])
    raw = b'{"ref":"other","kind":"sell","outputs":[],' + encoded(good)[1:]
    assert send(cast, raw) == (201, "recorded", None)
    assert send(cast, encoded(good)) == (200, "duplicate", None)


def test_queries_that_are_wrong(cast: Cast) -> None:
    harvest(cast)
    timeless = base64.urlsafe_b64encode(f"2026-03-01T00:00:00/{'0' * 32}".encode()).decode()
    for query in (
        f"cursor={timeless}",
        "kind=%00", "flag=%00", "flag=%F0%90", "kind=", "cursor=%00", "cursor=%E4%B8%AD", "cursor=AAAA", "from=1",
        "from=2026-01-01T00:00:00", "from=0001-01-01T00:00:00%2B14:00", "to=9999-12-31T23:59:59-12:00", "from=nan",
        "limit=0", "limit=x", "limit=1001", "limit=1e2", "site=x", "site=", "lot=1", "party=%00", "custody=-",
    ):  # fmt: skip
        answer = cast.admin.get(f"/events?{query}")
        assert answer.status_code == 400, query
        assert answer.json()["type"] in ("/problems/malformed", "/problems/bad-cursor")
    for name in ("x", "%00", "00000000-0000-0000-0000-000000000000"):
        assert cast.admin.get(f"/events/{name}").status_code == 404


# --- bodies that come in pieces ---


@pytest.fixture
def port(settings: Settings, cast: Cast, unfrozen: None) -> Iterator[int]:
    """A real server beside the cast, in a thread, on the same database."""
    service = open_service(settings)
    config = uvicorn.Config(web.create_app(service), port=free_port(), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield config.port
    server.should_exit = True
    thread.join()
    close_service(service)


def test_a_body_that_is_cut_off_in_the_middle(cast: Cast, port: int) -> None:
    """What had come before may be recorded; posting it again makes it whole and doubles nothing."""
    batch = harvest(cast)
    sales = [cast.farm.event("sell", lines=[cast.item(batch, "0.1")]) for _ in range(700)]
    content = b"".join(encoded(sale) + b"\n" for sale in sales)
    head = (
        f"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {cast.farm.key}\r\n"
        f"Content-Type: {{}}\r\nContent-Length: {len(content)}\r\n\r\n"
    )

    def recorded() -> int:
        return len(cast.admin.get("/events?kind=sell&limit=1000").json()["items"])

    # The half of a list is no list; of NDJSON, whole slices of 500 lines are taken.
    for media_type, body, taken in (
        ("application/json", b'{"events":[' + content, 0),
        ("application/x-ndjson", content, 500),
    ):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(head.format(media_type).encode() + body[: len(content) * 6 // 7])
            until(lambda taken=taken: recorded() == taken)  # type: ignore[misc]
    answer = cast.farm.request("POST", "/events", content=content, headers={"Content-Type": "application/x-ndjson"})
    assert json.loads(answer.text.splitlines()[-1])["summary"] == {
        "recorded": 200, "duplicate": 500, "conflict": 0, "rejected": 0
    }  # fmt: skip
    assert recorded() == 700


def resident(process: int) -> int:
    """Kilobytes that the process keeps in memory now, without the pages of files that the kernel lends it."""
    [line] = [x for x in Path(f"/proc/{process}/status").read_text().splitlines() if x.startswith("RssAnon:")]
    return int(line.split()[1])


@pytest.mark.parametrize(
    ("number", "kilobytes"),
    # SQLite keeps 64 MB of its pages, whatever was posted.
    [(2_000, 12_000), pytest.param(100_000, 64_000 + 20_000, marks=pytest.mark.soak)],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_many_events_in_one_body_take_no_more_memory_than_few(
    cast: Cast, settings: Settings, tmp_path: Path, number: int, kilobytes: int
) -> None:
    batch = harvest(cast)
    event = cast.farm.event("sell", lines=[cast.item(batch, "0.001")])

    def lines(first: int, count: int) -> Iterator[bytes]:
        for i in range(first, first + count):
            yield encoded(event | {"ref": f"sale-{i}"}) + b"\n"

    headers = {"Content-Type": "application/x-ndjson", "Authorization": f"Bearer {cast.farm.key}"}
    with serving(tmp_path, settings.database_url) as server, httpx2.Client(timeout=600, headers=headers) as client:

        def post(first: int, count: int) -> dict[str, int]:
            with client.stream("POST", f"{server.url}/api/v1/events", content=lines(first, count)) as answer:
                [last] = deque(answer.iter_lines(), maxlen=1)
            summary: dict[str, int] = json.loads(last)["summary"]
            return summary

        assert post(0, 1_000)["recorded"] == 1_000
        assert server.process.pid is not None
        before = resident(server.process.pid)
        assert post(1_000, number) == {"recorded": number, "duplicate": 0, "conflict": 0, "rejected": 0}
        # A hundred thousand events are 25 MB of JSON, their outcomes 30 MB, and as objects ten times that.
        assert resident(server.process.pid) - before < kilobytes
