"""Receipts by the hundred: the one statement that a scan costs, shared by all that are asked for at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Engine

from app.store.held import Held
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
        keys="IN (SELECT value FROM json_each(?1))",
        codes="IN (SELECT value FROM json_each(?2))",
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
    keys="= ANY($1::bigint[])",
    codes="= ANY($2::text[])",
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
    """Reads on one connection that it holds open. Close it."""

    def __init__(self, engine: Engine) -> None:
        self._held = Held(engine)

    async def read(self, asked: Sequence[tuple[int, str]]) -> list[Sold | None]:
        """Of receipts (id, code) those that have come in, in their order. Raises StoreUnavailable."""
        rows = await self._rows([number for number, _ in asked], [code for _, code in asked])
        counts = {row[-1]: (row[0], from_micros(row[3])) for row in rows if row[-1] is not None}
        claimed = {row[0] for row in rows if row[1] is None and row[-1] is None}
        sales = {row[0]: row for row in rows if row[1] is not None}
        found: list[Sold | None] = []
        for number, code in asked:
            row = sales.get(number)
            if row is None:
                found.append(None)
                continue
            _, site, device, event_time, offset, record_time, lines, _ = row
            count, first = counts.get(code, (0, None))
            claims = number in claimed
            found.append(Sold(site, device, event_time, offset, record_time, lines or "", claims, count, first))
        return found

    def most(self) -> int:
        """How many to ask for at once."""
        return self._held.most

    def close(self) -> None:
        """Gives the connection up; the next read opens another."""
        self._held.close()

    async def _rows(self, numbers: Sequence[int], texts: Sequence[str]) -> Sequence[Any]:
        if self._held.postgres:
            return await self._held.rows(_POSTGRES, (numbers, texts))
        ((found,),) = await self._held.rows(_SQLITE, (_json(numbers), _json(texts)))
        rows: Sequence[Any] = msgspec.json.decode(found)
        return rows


def _json(values: Sequence[Any]) -> str:
    return msgspec.json.encode(values).decode()
