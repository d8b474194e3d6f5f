"""While a body is read, everybody else is served: the loop turns between its pieces and slices."""

import asyncio
import gzip

import pytest
from starlette.requests import Request
from starlette.types import Message

from app.web.bodies import SLICE_BYTES, in_slices, ndjson_lines
from app.web.unpacking import BLOCK


async def read(body: bytes, encoding: str = "identity") -> tuple[int, int]:
    """How many lines a body has that is here at once, and how often the loop has turned while it was read."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    request = Request({"type": "http", "headers": [(b"content-encoding", encoding.encode())]}, receive)
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(turn())
    lines = 0
    async for batch in in_slices(ndjson_lines(request), 500):
        lines += len(batch)
    beside.cancel()
    return lines, turns


def test_between_slices_of_many_short_lines() -> None:
    lines, turns = asyncio.run(read(b"{}\n" * 50_000))
    assert lines == 50_000
    assert turns >= 100


def test_between_slices_of_a_few_long_lines() -> None:
    lines, turns = asyncio.run(read((b"x" * (SLICE_BYTES // 4) + b"\n") * 40))
    assert lines == 40
    assert turns >= 10


@pytest.mark.parametrize("body", [gzip.compress(b"\n" * 50 * BLOCK, 0), gzip.compress(b"") * 50])
def test_between_the_pieces_of_what_has_no_line_at_all(body: bytes) -> None:
    lines, turns = asyncio.run(read(body, "gzip"))
    assert lines == 0
    assert turns >= 50
