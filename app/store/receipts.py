"""Receipts by the hundred: the one statement that a scan costs, shared by all that are asked for at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Engine

from app.store.engine import translated
from app.store.errors import StoreUnavailable
from app.store.types import from_micros

_WANTED = (
    "SELECT {begin}r.id, {site}, {device}, {event_time}, r.utc_offset, {record_time}, {lines}, NULL{end} "
    "FROM receipt AS r WHERE r.id {keys} UNION ALL "
    # Those whose number was used for another sale.
    "SELECT {begin}receipt_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL{end} "
    "FROM receipt_claim WHERE receipt_id {keys} UNION ALL "
    # How often they were scanned, in columns of the same types: the sum for the id, when first for the event time.
    'SELECT {begin}"count", NULL, NULL, {first_time}, NULL, NULL, NULL, "code"{end} '
    'FROM scan_count WHERE "code" {codes}'
)
_INSTANTS = {"event_time": "r.event_time", "record_time": "r.record_time", "first_time": '"first_time"'}
# All in one row: the driver lets go of the interpreter for every row, and has to wait to get it back.
_SQLITE = "SELECT '[' || coalesce(group_concat(told, ','), '') || ']' FROM ({})".format(
    _WANTED.format(
        **_INSTANTS,
        site="hex(r.site_id)",
        device="hex(r.device_id)",
        lines="(SELECT group_concat(hex(custody_id) || ':' || hex(product_id)) FROM "
        "(SELECT custody_id, product_id FROM receipt_line AS l WHERE l.receipt_id = r.id ORDER BY line))",
        begin="json_array(",
        end=") AS told",
        keys="IN ({marks})",
        codes="IN ({marks})",
    )
)
_POSTGRES = _WANTED.format(
    **{name: f"(extract(epoch FROM {column}) * 1000000)::bigint" for name, column in _INSTANTS.items()},
    site="r.site_id::text",
    device="r.device_id::text",
    lines="(SELECT string_agg(concat(custody_id, ':', product_id), ',' ORDER BY line) FROM receipt_line AS l "
    "WHERE l.receipt_id = r.id)",
    begin="",
    end="",
    keys="= ANY(%s)",
    codes="= ANY(%s)",
)


def lines_of(text: str) -> list[str]:
    """The lines of a sale, each a text of its own."""
    return text.split(",") if text else []


def goods_of(line: str) -> tuple[UUID | None, UUID | None]:
    """Custody and product of a line."""
    custody, _, product = line.partition(":")
    return UUID(custody) if custody else None, UUID(product) if product else None


class Sold(NamedTuple):
    """A sale as a receipt shows it to the public; instants in microseconds since 1970 UTC, ids as text that UUID takes;
    `lines` are for `lines_of`. `claimed`: its number was used for another sale as well; `scans`: how often it was
    scanned, as far as that is written."""

    site_id: str
    device_id: str
    event_time: int
    utc_offset: int
    record_time: int
    lines: str
    claimed: bool
    scans: int
    first_scan: datetime | None


class ReceiptReader:
    """Reads on one connection that it holds open; for one thread. Close it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def read(self, asked: Mapping[int, str]) -> dict[int, Sold]:
        """Of the receipts (id → code) those that have come in. Raises StoreUnavailable."""
        try:
            with translated():
                rows = self._rows(sorted(asked.items()))
        except StoreUnavailable:
            self.close()
            raise
        counts = {row[-1]: (row[0], from_micros(row[3])) for row in rows if row[-1] is not None}
        claimed = {row[0] for row in rows if row[1] is None and row[-1] is None}
        found: dict[int, Sold] = {}
        for key, site, device, event_time, offset, record_time, lines, _ in rows:
            if site is not None:
                count, first = counts.get(asked[key], (0, None))
                its = (site, device, event_time, offset, record_time, lines or "", key in claimed)
                found[key] = Sold(*its, count, first)
        return found

    def close(self) -> None:
        """Gives the connection back; the next read opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _rows(self, asked: list[tuple[int, str]]) -> Sequence[Any]:
        postgres = self._engine.dialect.name == "postgresql"
        if self._connection is None:
            options = {"isolation_level": "AUTOCOMMIT"} if postgres else {}
            self._connection = self._engine.connect().execution_options(**options)
        # Few lengths of the list, so that the driver finds the statement prepared; a key twice changes nothing.
        if not postgres:
            asked = [*asked, *asked[-1:] * ((1 << (len(asked) - 1).bit_length()) - len(asked))]
        keys, texts = [key for key, _ in asked], [text for _, text in asked]
        statement = _POSTGRES if postgres else _SQLITE.format(marks=",".join("?" * len(asked)))
        sent = (keys, keys, texts) if postgres else (*keys, *keys, *texts)
        with self._connection.exec_driver_sql(statement, sent) as result:
            rows: Sequence[Any] = result.cursor.fetchall()
        self._connection.rollback()  # what the next read sees is as of then
        return rows if postgres else msgspec.json.decode(rows[0][0])
