"""Answers to what was posted in numbers: one outcome an item, in order, and the sums."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import Any

import msgspec
from fastapi import Request
from starlette.responses import StreamingResponse

from app.domain.errors import TooLarge
from app.web.bodies import NDJSON, Line, in_slices, ndjson_lines, require_ndjson

STATUSES = ("recorded", "duplicate", "conflict", "rejected")
SLICE = 500  # lines decided together
IN_MEMORY = 1_000_000  # bytes of outcomes kept in memory; more goes to a temporary file
# Bytes of outcomes of one body: some 100,000 lines. Two bytes that are no sale make seven hundred of an outcome.
ANSWER = 64_000_000


def summed(outcomes: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How many of each status."""
    counted = Counter(outcome["status"] for outcome in outcomes)
    return {status: counted[status] for status in STATUSES}


async def ndjson_answer(
    request: Request, take: Callable[[list[Line]], Awaitable[list[dict[str, Any]]]]
) -> StreamingResponse:
    """Reads NDJSON to its end in bounded memory, hands it on in slices, and answers one outcome a line and a summary.
    Raises TooLarge where the outcomes are more than ANSWER: as for a body that is cut off, the lines before are done.

    Nothing is sent before the body has been read: a client that writes all before it reads would lock up with us.
    """
    require_ndjson(request)
    spool = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by the response
    total: Counter[str] = Counter()
    try:
        async for lines in in_slices(ndjson_lines(request), SLICE):
            outcomes = await take(lines)
            total.update(summed(outcomes))
            for outcome in outcomes:
                spool.write(msgspec.json.encode(outcome) + b"\n")
            if spool.tell() > ANSWER:
                raise TooLarge(
                    "too-large",
                    f"一次最多答复约 {ANSWER} 字节，已处理 {total.total()} 行；请把全部内容分成更小的几份重新发送 · "
                    f"The answer would be larger than {ANSWER} bytes; {total.total()} lines are dealt with: send all "
                    "of it again in smaller pieces",
                )
        summary = {"summary": {status: total[status] for status in STATUSES}}
        spool.write(msgspec.json.encode(summary) + b"\n")
        length = spool.tell()
        spool.seek(0)
    except BaseException:
        spool.close()
        raise

    async def sent() -> AsyncIterator[bytes]:
        with spool:
            for chunk in _chunks(spool):
                yield chunk

    return StreamingResponse(sent(), media_type=NDJSON, headers={"Content-Length": str(length)})


def _chunks(spool: "SpooledTemporaryFile[bytes]") -> Iterator[bytes]:
    while chunk := spool.read(65_536):
        yield chunk
