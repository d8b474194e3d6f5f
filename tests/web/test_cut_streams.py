"""Streams that are cut in the middle, by whoever reads them: nothing of them stays open here, and what was received is
no whole file."""

import asyncio
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anyio.to_thread
import pytest
from starlette.types import Message, Scope

from app.exchanging import tables
from app.tracing import streaming
from app.web.service import Service
from tests.recalling.conftest import recalled
from tests.recording.conftest import deliver, harvest, paper, until
from tests.support.cast import Cast

NDJSON = "application/x-ndjson"


@dataclass(slots=True)
class Reader:
    """Reads so many parts of an answer, then goes away: told so as uvicorn tells it, by `send` that fails (`abrupt`) or
    by a message."""

    parts: int
    abrupt: bool
    got: list[bytes] = field(default_factory=list)
    status: int = 0
    whole: bool = False
    _gone: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: bool = False

    async def receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        if len(self.got) == self.parts:
            self._gone.set()
            if self.abrupt:
                raise OSError("the connection is closed")
            await asyncio.sleep(0.05)
            return
        if message.get("body"):
            self.got.append(message["body"])
        self.whole = not message.get("more_body", False)


def cut(cast: Cast, path: str, *, parts: int = 1, abrupt: bool = True, accept: str = "*/*", **query: str) -> Reader:
    """What a reader has who goes away."""
    reader = Reader(parts, abrupt)
    headers = {"host": "food.example.cn", "authorization": f"Bearer {cast.regulator.key}", "accept": accept}
    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4" if abrupt else "2.3"}, "http_version": "1.1",
        "method": "GET", "scheme": "https", "path": path, "raw_path": path.encode(), "root_path": "",
        "query_string": urlencode(query).encode(), "client": ("127.0.0.1", 1), "server": ("food.example.cn", 443),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()], "state": {},
    }  # fmt: skip

    async def ask() -> int:
        with suppress(OSError):
            await asyncio.wait_for(cast.client.app(scope, reader.receive, reader.send), 30)  # type: ignore[attr-defined]
        return int(anyio.to_thread.current_default_thread_limiter().borrowed_tokens)

    portal = cast.client.portal  # type: ignore[attr-defined]
    assert portal.call(ask) == 0, "no thread works for it any more"
    assert reader.status == 200
    assert not reader.whole
    return reader


@pytest.fixture
def goods(cast: Cast) -> dict[str, str]:
    """Chains of some length with sales, papers, a recall and a case."""
    lot = harvest(cast, "100")
    for actor in (cast.stall, cast.other_stall):
        batch = deliver(cast, lot, "40", actor)
        scale = cast.scale(actor)
        for number in range(1, 4):
            scale.sell(number, cast.item(batch, "15"))
        cast_paper = paper(actor)
        actor.record("certify", custody_id=batch["custody_id"], document_id=cast_paper)
    recall = recalled(cast.regulator, {"lots": [lot["lot_id"]]})
    start = {"kind": "code", "value": lot["code"]}
    case = cast.regulator.made("/cases", {"ref": "1", "starts": [start], "reason": "x", "to_region": "3302"})
    return {"code": lot["code"], "recall": recall["id"], "case": case["id"]}


@pytest.fixture
def in_small_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Everything is sent in parts of some bytes; temporary files lie in the directory."""
    monkeypatch.setattr(tables, "_AT_ONCE", 10)
    monkeypatch.setattr(tables, "LINES", 1)
    monkeypatch.setattr(streaming.stream, "__kwdefaults__", {**streaming.stream.__kwdefaults__, "size": 1})
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def no_summary(got: bytes) -> bool:
    return all("summary" not in json.loads(line) for line in got.splitlines() if line.endswith(b"}"))


def no_zip(got: bytes) -> bool:
    return not zipfile.is_zipfile(io.BytesIO(got))


def no_end(got: bytes) -> bool:
    return "完" not in got.decode(errors="ignore")


STREAMS: dict[str, tuple[str, dict[str, Any], Callable[[bytes], bool] | None]] = {
    "a trace": ("/api/v1/trace", {"format": "ndjson", "direction": "forward", "code": "{code}"}, no_summary),
    "a table of a trace": ("/api/v1/trace", {"format": "csv", "direction": "forward", "code": "{code}"}, None),
    "a workbook of a trace": ("/api/v1/trace", {"format": "xlsx", "direction": "forward", "code": "{code}"}, no_zip),
    "what is affected": ("/api/v1/recalls/{recall}/affected", {"accept": NDJSON}, no_summary),
    "receipts": ("/api/v1/recalls/{recall}/receipts", {}, no_summary),
    "a table of receipts": ("/api/v1/recalls/{recall}/receipts", {"format": "csv"}, no_end),
    "a report": ("/api/v1/recalls/{recall}/report", {"format": "xlsx"}, no_zip),
    "a case": ("/api/v1/cases/{case}/file", {}, no_zip),
    "findings": ("/api/v1/findings", {"accept": NDJSON}, no_summary),
    "sales": ("/api/v1/sales", {"accept": NDJSON}, no_summary),
    "FSMA 204": ("/api/v1/exports/fsma204", {"code": "{code}", "direction": "forward"}, None),
}


@pytest.mark.parametrize("abrupt", [True, False])
def test_a_stream_that_is_cut_leaves_nothing_open(
    cast: Cast, service: Service, goods: dict[str, str], in_small_parts: Path, abrupt: bool
) -> None:
    directories = list(in_small_parts.glob("*/"))
    at_rest = service.engine.pool.checkedout()  # type: ignore[attr-defined]
    for name, (path, query, not_whole) in STREAMS.items():
        asked = {key: value.format_map(goods) for key, value in query.items()}
        reader = cut(cast, path.format_map(goods), abrupt=abrupt, **asked)
        got = b"".join(reader.got)
        assert got, name
        assert not_whole is None or not_whole(got), name
        # At once, and not when somebody collects it.
        assert list(in_small_parts.glob("*/")) == directories, name
        until(lambda: service.engine.pool.checkedout() <= at_rest)  # type: ignore[attr-defined]
    # Who reads to the end has it all.
    whole = cast.regulator.get(f"/recalls/{goods['recall']}/receipts").text.splitlines()
    assert json.loads(whole[-1]) == {"summary": {"receipts": 6}}
    with zipfile.ZipFile(io.BytesIO(cast.regulator.get(f"/cases/{goods['case']}/file").content)) as archive:
        assert archive.testzip() is None
