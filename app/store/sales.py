"""SQL of the scales' hot path: sales come in by the hundred and each costs a few set-based statements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from app.store import bulk, tables
from app.store.tables.custody import ONWARD
from app.store.types import from_micros


@dataclass(slots=True)
class Stock:
    """What a sale has to know of a custody, and what the sales of a batch take of it; amounts in the product's
    measure. `receipts`: how many, `receipt_id`: the last of them; `unfit`: something may stand against its sale."""

    id: UUID
    lot_id: UUID
    product_id: UUID
    site_id: UUID | None
    measure: str
    on_hand: int
    expires_on: date | None
    withdrawal_until: date | None
    refused: bool
    unfit: bool = False
    sold: int = 0
    receipts: int = 0
    receipt_id: int = 0


# One statement a database, written out: it runs for every batch of sales.
_ON_HAND = "amount_in - sold - shipped - processed - returned - destroyed - unexplained"
_STOCK = (
    f"SELECT id, lot_id, product_id, site_id, measure, {_ON_HAND}, expires_on, withdrawal_until, admission "
    "FROM custody WHERE kind = 'custody' AND id"
)


def stock(connection: Connection, custody_ids: Iterable[UUID]) -> dict[UUID, Stock]:
    """The custodies of these ids, locked in key order until the transaction ends."""
    keys = sorted(set(custody_ids), key=lambda key: key.bytes)
    if not keys:
        return {}
    if connection.dialect.name == "postgresql":
        rows = connection.exec_driver_sql(_STOCK + " = ANY(%b) ORDER BY id FOR UPDATE", (keys,))
        return {r[0]: Stock(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8] == "refused") for r in rows}
    found: dict[UUID, Stock] = {}
    for start in range(0, len(keys), 500):
        chunk = keys[start : start + 500]
        marks = ",".join("?" * len(chunk))
        for r in connection.exec_driver_sql(f"{_STOCK} IN ({marks})", tuple(key.bytes for key in chunk)):
            key = UUID(bytes=r[0])
            found[key] = Stock(
                key, UUID(bytes=r[1]), UUID(bytes=r[2]), UUID(bytes=r[3]) if r[3] else None, r[4], r[5],
                date.fromisoformat(r[6]) if r[6] else None, date.fromisoformat(r[7]) if r[7] else None,
                r[8] == "refused",
            )  # fmt: skip
    return found


_HELD = "SELECT lot_id, custody_id, scope FROM hold WHERE released_by IS NULL AND lot_id"
# One row more where any hold at all reaches what comes from the goods it was placed on.
_ABOVE = f"UNION ALL SELECT * FROM (SELECT lot_id, custody_id, 'above' FROM hold WHERE {ONWARD} LIMIT 1) AS above"


def holds(connection: Connection, lot_ids: Iterable[UUID]) -> tuple[list[tuple[UUID, UUID, str]], bool]:
    """(lot, custody, scope) of active holds on the lots, and whether there are any that reach what comes from goods."""
    keys = sorted(set(lot_ids), key=lambda key: key.bytes)
    found: list[tuple[UUID, UUID, str]] = []
    if connection.dialect.name == "postgresql":
        rows = connection.exec_driver_sql(f"{_HELD} = ANY(%b) {_ABOVE}", (keys,)).all() if keys else []
        found = [(row[0], row[1], row[2]) for row in rows]
    else:
        for start in range(0, len(keys), 500):
            chunk = keys[start : start + 500]
            marks = ",".join("?" * len(chunk))
            rows = connection.exec_driver_sql(f"{_HELD} IN ({marks}) {_ABOVE}", tuple(key.bytes for key in chunk)).all()
            found += [(UUID(bytes=row[0]), UUID(bytes=row[1]), row[2]) for row in rows]
    return [row for row in found if row[2] != "above"], any(row[2] == "above" for row in found)


@dataclass(slots=True)
class KnownReceipt:
    """What a sale that is there already was answered."""

    content_hash: bytes
    record_time: datetime
    flags: Sequence[Mapping[str, str]]


_RECEIPT = "SELECT id, content_hash, record_time, flags FROM receipt WHERE id"


def known_receipts(connection: Connection, receipt_ids: Iterable[int]) -> dict[int, KnownReceipt]:
    """The receipts of these ids that are there already."""
    keys = sorted(set(receipt_ids))
    if connection.dialect.name == "postgresql":
        rows = connection.exec_driver_sql(f"{_RECEIPT} = ANY(%b)", (keys,))
        return {row[0]: KnownReceipt(bytes(row[1]), row[2].astimezone(UTC), row[3]) for row in rows}
    decode: Any = tables.receipt.c.flags.type.result_processor(connection.dialect, None)
    found: dict[int, KnownReceipt] = {}
    for start in range(0, len(keys), 500):
        chunk = keys[start : start + 500]
        marks = ",".join("?" * len(chunk))
        for row in connection.exec_driver_sql(f"{_RECEIPT} IN ({marks})", tuple(chunk)):
            found[row[0]] = KnownReceipt(row[1], from_micros(row[2]), decode(row[3]))
    return found


ReceiptRow = tuple[int, UUID, UUID, datetime, int, datetime, bytes, str | None, str | None, Sequence[Mapping[str, str]]]
LineRow = tuple[int, int, UUID | None, UUID | None, int, str, str, int | None, UUID | None]


def add_receipts(connection: Connection, receipts: Sequence[ReceiptRow], lines: Sequence[LineRow]) -> None:
    """New receipts and their lines; IntegrityError where another process has just written one of them."""
    bulk.insert(connection, tables.receipt, receipts)
    bulk.insert(connection, tables.receipt_line, lines)


def take_stock(connection: Connection, stock: Iterable[Stock]) -> None:
    """What was sold and the receipts, added to what stands there. The rows are locked by `stock`."""
    taken = sorted((each for each in stock if each.receipts), key=lambda each: each.id.bytes)
    if not taken:
        return
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "UPDATE custody SET sold = custody.sold + d.amount, receipts = custody.receipts + d.receipts "
            "FROM unnest(%b::uuid[], %b::bigint[], %b::int[]) AS d(id, amount, receipts) WHERE custody.id = d.id",
            ([each.id for each in taken], [each.sold for each in taken], [each.receipts for each in taken]),
        )
        return
    connection.exec_driver_sql(
        "UPDATE custody SET sold = sold + ?, receipts = receipts + ? WHERE id = ?",
        [(each.sold, each.receipts, each.id.bytes) for each in taken],
    )


def add_claims(connection: Connection, claims: Sequence[tuple[int, bytes, Mapping[str, Any], datetime]]) -> None:
    """Sales whose counter had been used with other content."""
    bulk.insert_new(connection, tables.receipt_claim, claims)
