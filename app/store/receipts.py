"""Receipts by the hundred: the one statement that a scan costs, shared by all that are asked for at once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine

from app.store.engine import translated
from app.store.errors import StoreUnavailable
from app.store.types import from_micros

Line = tuple[str | None, str | None]  # the ids of custody and product, as text that UUID takes

_WANTED = (
    "SELECT {begin}r.id, {site}, {device}, {event_time}, r.utc_offset, {record_time}, l.line, {custody}, {product}, "
    "EXISTS (SELECT 1 FROM receipt_claim AS c WHERE c.receipt_id = r.id AND c.receipt_id = l.receipt_id), NULL{end} "
    "FROM receipt AS r JOIN receipt_line AS l ON l.receipt_id = r.id WHERE r.id {keys} UNION ALL "
    # How often they were scanned, in columns of the same types: the sum for the id, when first for the event time.
    'SELECT {begin}"count", NULL, NULL, {first_time}, NULL, NULL, NULL, NULL, NULL, NULL, "code"{end} '
    'FROM scan_count WHERE "code" {codes}'
)
_INSTANTS = {"event_time": "r.event_time", "record_time": "r.record_time", "first_time": '"first_time"'}
_IDS = {"site": "r.site_id", "device": "r.device_id", "custody": "l.custody_id", "product": "l.product_id"}
# All in one row: the driver lets go of the interpreter for every row, and has to wait to get it back.
_SQLITE = "SELECT '[' || coalesce(group_concat(told, ','), '') || ']' FROM ({})".format(
    _WANTED.format(
        **_INSTANTS,
        **{name: f"nullif(hex({column}), '')" for name, column in _IDS.items()},
        begin="json_array(",
        end=") AS told",
        keys="IN ({marks})",
        codes="IN ({marks})",
    )
)
_POSTGRES = _WANTED.format(
    **{name: f"(extract(epoch FROM {column}) * 1000000)::bigint" for name, column in _INSTANTS.items()},
    **{name: f"{column}::text" for name, column in _IDS.items()},
    begin="",
    end="",
    keys="= ANY(%s)",
    codes="= ANY(%s)",
)


class Sold(NamedTuple):
    """A sale as a receipt shows it to the public; instants in microseconds since 1970 UTC. `claimed`: its number was
    used for another sale as well; `scans`: how often it was scanned, as far as that is written."""

    site_id: str
    device_id: str
    event_time: int
    utc_offset: int
    record_time: int
    lines: Sequence[Line]
    claimed: bool
    scans: int = 0
    first_scan: datetime | None = None


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
        found: dict[int, Sold] = {}
        lines: dict[int, list[tuple[int, Line]]] = defaultdict(list)
        counts: dict[str, tuple[int, datetime]] = {}
        for key, site, device, event_time, offset, record_time, number, custody, product, claimed, code in rows:
            if code is not None:
                counts[code] = key, from_micros(event_time)
                continue
            found[key] = Sold(site, device, event_time, offset, record_time, (), bool(claimed))
            lines[key].append((number, (custody, product)))
        for key, sold in found.items():
            count, first = counts.get(asked[key], (0, None))
            its = tuple(of for _, of in sorted(lines[key]))
            found[key] = sold._replace(lines=its, scans=count, first_scan=first)
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
        sent = (keys, texts) if postgres else (*keys, *texts)
        with self._connection.exec_driver_sql(statement, sent) as result:
            rows: Sequence[Any] = result.cursor.fetchall()
        self._connection.rollback()  # what the next read sees is as of then
        return rows if postgres else msgspec.json.decode(rows[0][0])
