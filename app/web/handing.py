"""Files handed out as they are made: the first part is there before the answer begins, so that a refusal is one."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Final, Literal, TypeVar

from anyio import CancelScope
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.exchanging.sheets import Name
from app.exchanging.tables import chain_csv, chain_lines, chain_workbook
from app.tracing.streaming import Piece
from app.web.bodies import NDJSON

CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PRIVATE: Final = {"Cache-Control": "private, no-store"}

T = TypeVar("T")


class Streamed(StreamingResponse):
    """An answer that is sent as it is made, by a generator that is closed when its reader has all of it, or has gone
    away: whatever it holds is let go then, and not when somebody collects it."""

    def __init__(self, parts: Iterable[bytes], *, media_type: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(parts, media_type=media_type, headers=headers)
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            if isinstance(self._parts, Generator):
                with CancelScope(shield=True):
                    await run_in_threadpool(self._parts.close)


def begun(parts: Iterator[T]) -> Iterator[T]:
    """The same, its first part made by now: raises what that raises."""
    first = next(parts, None)
    return iter(()) if first is None else _going_on(first, parts)


def _going_on(first: T, parts: Iterator[T]) -> Iterator[T]:
    try:
        yield first
        yield from parts
    finally:
        if isinstance(parts, Generator):
            parts.close()


def attached(parts: Iterable[bytes], media_type: str, name: str) -> Response:
    """A download that is sent as it is made. Whoever goes away ends it."""
    return Streamed(
        parts, media_type=media_type, headers={**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'}
    )


def handed_out(format: Literal["ndjson", "csv", "xlsx"], pieces: Iterator[Piece], sheet: Name) -> Response:
    """A chain; CSV is one sheet of it."""
    if format == "ndjson":
        return Streamed(chain_lines(pieces), media_type=NDJSON, headers=PRIVATE)
    if format == "csv":
        return attached(chain_csv(pieces, sheet), CSV, f"trace-{sheet}.csv")
    return attached(chain_workbook(pieces), XLSX, "trace.xlsx")
