"""Files handed out as they are made: the first part is there before the answer begins, so that a refusal is one."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, Literal, TypeVar

from starlette.responses import Response, StreamingResponse

from app.exchanging.sheets import Name
from app.exchanging.tables import chain_csv, chain_lines, chain_workbook
from app.tracing.streaming import Piece
from app.web.bodies import NDJSON

CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PRIVATE: Final = {"Cache-Control": "private, no-store"}

T = TypeVar("T")


def begun(parts: Iterator[T]) -> Iterator[T]:
    """The same, its first part made by now: raises what that raises."""
    first = next(parts, None)
    return iter(()) if first is None else chain([first], parts)


def attached(parts: Iterable[bytes], media_type: str, name: str) -> Response:
    """A download that is sent as it is made. Whoever goes away ends it."""
    return StreamingResponse(
        parts, media_type=media_type, headers={**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'}
    )


def handed_out(format: Literal["ndjson", "csv", "xlsx"], pieces: Iterator[Piece], sheet: Name) -> Response:
    """A chain; CSV is one sheet of it."""
    if format == "ndjson":
        return StreamingResponse(chain_lines(pieces), media_type=NDJSON, headers=PRIVATE)
    if format == "csv":
        return attached(chain_csv(pieces, sheet), CSV, f"trace-{sheet}.csv")
    return attached(chain_workbook(pieces), XLSX, "trace.xlsx")
