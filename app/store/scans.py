"""How often codes were scanned: sums that several processes add to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.domain.codes import CodeKind
from app.store import bulk, raw, tables
from app.store.engine import Snapshot, dump_json
from app.store.master import chunks, values
from app.store.types import from_micros, micros

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


_NEW = (
    'INSERT INTO "scan_count" ("code", "count", "first_time", "last_time", "hour", "hour_count") '
    'SELECT {row} ON CONFLICT ("code") DO UPDATE SET' + _ADDED
)
# One row of parameters for all, however many: SQLite lets go of the interpreter for the length of a statement, and has
# to wait for it again after each.
_SQLITE = _NEW.format(row='"key", "value", ?, ?, ?, "value" FROM json_each(?) WHERE true')
_POSTGRES = _NEW.format(row="c, n, %s, %s, %s, n FROM unnest(%s::text[], %s::int[]) AS rows(c, n)")


def add(connection: Snapshot, counts: Mapping[str, int], begun: datetime, ended: datetime) -> None:
    """Adds what was counted of each code between two instants to what there is: counts are summed, times widened. The
    rows are nobody else's to change until the transaction ends."""
    listed = sorted(counts.items())
    if not listed:
        return
    hour = hour_of(ended)
    if connection.dialect.name == "postgresql":
        sent: tuple[Any, ...] = (begun, ended, hour, [code for code, _ in listed], [n for _, n in listed])
        connection.exec_driver_sql(_POSTGRES, sent)
    else:
        connection.exec_driver_sql(_SQLITE, (micros(begun), micros(ended), hour, dump_json(dict(listed))))


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


def counted(snapshot: Snapshot, codes: Iterable[str], where: str = "") -> dict[str, tuple[int, datetime, int]]:
    """How often codes were scanned, when first, and how often in the hour of the last scan; asked for by the thousand.
    `where`: a further condition. Those never scanned are left out."""
    rows = raw.select(snapshot, _table, ("code", "count", "first_time", "hour_count"), "code", list(codes), where)
    return {code: (count, from_micros(first), lately) for code, count, first, lately in rows}


def but_receipts(least: int) -> str:
    """A condition for `counted` that leaves out receipts scanned less often in the hour of their last scan."""
    return f"""("hour_count" >= {least} OR substr("code", 1, 1) <> '{CodeKind.RECEIPT}')"""
