"""How often codes were scanned: sums that several processes add to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.store import bulk, raw, tables
from app.store.engine import Snapshot
from app.store.master import chunks, values
from app.store.types import from_micros

_table = tables.scan_count


@dataclass(frozen=True, slots=True)
class ScanCount:
    """A row of scan_count; what stands after `hour_count` is known of numbered units alone."""

    code: str
    count: int
    first_time: datetime
    last_time: datetime
    hour: int
    hour_count: int
    first_place: str | None = None
    place: str | None = None
    placed_time: datetime | None = None
    doubt: str | None = None
    doubt_time: datetime | None = None


def hour_of(time: datetime) -> int:
    """Hours since 1970."""
    return int(time.timestamp()) // 3600


_ADDED = """
    "count" = "scan_count"."count" + excluded."count",
    "first_time" = CASE WHEN excluded."first_time" < "scan_count"."first_time"
        THEN excluded."first_time" ELSE "scan_count"."first_time" END,
    "last_time" = CASE WHEN excluded."last_time" > "scan_count"."last_time"
        THEN excluded."last_time" ELSE "scan_count"."last_time" END,
    "hour_count" = CASE WHEN excluded."hour" = "scan_count"."hour"
        THEN "scan_count"."hour_count" + excluded."hour_count" ELSE excluded."hour_count" END,
    "hour" = excluded."hour"
"""


def add(connection: Snapshot, rows: Iterable[ScanCount]) -> None:
    """Adds to what there is: counts are summed, times widened. A code may stand in one row alone. The rows are nobody
    else's to change until the transaction ends."""
    bulk.merge(connection, _table, [values(row) for row in rows], _ADDED)


_PLACED = ", ".join(
    f'"{name}" = excluded."{name}"' for name in ("first_place", "place", "placed_time", "doubt", "doubt_time")
)


def place(connection: Snapshot, rows: Iterable[ScanCount]) -> None:
    """Writes where units are and what is doubtful of them, in rows that `add` has just written."""
    bulk.merge(connection, _table, [values(row) for row in rows], _PLACED)


def find(snapshot: Snapshot, codes: Iterable[str]) -> dict[str, ScanCount]:
    """Of codes that were ever scanned."""
    found = {}
    for chunk in chunks(codes):
        for row in snapshot.execute(select(_table).where(_table.c.code.in_(chunk))):
            found[row.code] = ScanCount(*row)
    return found


def counted(snapshot: Snapshot, codes: Iterable[str]) -> dict[str, tuple[int, datetime]]:
    """How often codes were scanned, and when first; asked for by the thousand. Those never scanned are left out."""
    rows = raw.select(snapshot, _table, ("code", "count", "first_time"), "code", list(codes))
    return {code: (count, from_micros(first)) for code, count, first in rows}
