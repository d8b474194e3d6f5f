"""Codes that were minted, and what they name."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update

from app.domain.rows import Code, Custody, Lot, Slip
from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import chunks, values


def find(snapshot: Snapshot, texts: Iterable[str]) -> dict[str, Code]:
    return _find(snapshot, select(tables.code), texts)


def lock(connection: Snapshot, texts: Iterable[str]) -> dict[str, Code]:
    """As find; nobody else changes the codes until the transaction ends. Call it once, before anything else is read:
    the rows are locked in the order of their keys."""
    return _find(connection, select(tables.code).order_by(tables.code.c.code).with_for_update(), sorted(texts))


def _find(snapshot: Snapshot, statement: Select[Any], texts: Iterable[str]) -> dict[str, Code]:
    found = {}
    for chunk in chunks(texts):
        for row in snapshot.execute(statement.where(tables.code.c.code.in_(chunk))):
            found[row.code] = Code(*row)
    return found


def add(connection: Snapshot, rows: Iterable[Code]) -> None:
    bulk.insert(connection, tables.code, [values(row) for row in rows])


def save(connection: Snapshot, rows: Iterable[Code]) -> None:
    bulk.upsert(connection, tables.code, [values(row) for row in rows])


def custodies(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Custody]:
    return {row.id: row for row in _rows(snapshot, Custody, tables.custody, ids)}


def lots(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Lot]:
    return {row.id: row for row in _rows(snapshot, Lot, tables.lot, ids)}


def slips(snapshot: Snapshot, texts: Iterable[str]) -> dict[str, Slip]:
    found = {}
    for chunk in chunks(texts):
        for row in snapshot.execute(select(tables.slip).where(tables.slip.c.code.in_(chunk))):
            found[row.code] = Slip(*row)
    return found


def _rows(snapshot: Snapshot, kind: Any, table: Any, ids: Iterable[UUID]) -> list[Any]:
    found = []
    for chunk in chunks(ids):
        found += [kind(*row) for row in snapshot.execute(select(table).where(table.c.id.in_(chunk)))]
    return found


def rename_custody(connection: Snapshot, custody_id: UUID, code: str) -> None:
    connection.execute(update(tables.custody).where(tables.custody.c.id == custody_id).values(code=code))


def rename_lot(connection: Snapshot, lot_id: UUID, code: str) -> None:
    connection.execute(update(tables.lot).where(tables.lot.c.id == lot_id).values(code=code))


def makers(snapshot: Snapshot, lot_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """For each lot, the site at which it was made, where an event of ours made it."""
    made = {lot.id: lot.made_event_id for lot in lots(snapshot, lot_ids).values()}
    places: dict[UUID, UUID] = {}
    event = tables.event
    for chunk in chunks(made.values()):
        statement = select(event.c.id, event.c.site_id).where(event.c.id.in_(chunk), event.c.site_id.is_not(None))
        places |= {row.id: row.site_id for row in snapshot.execute(statement)}
    return {lot: places[event_id] for lot, event_id in made.items() if event_id in places}


def lots_of_products(snapshot: Snapshot, product_ids: Iterable[UUID], limit: int) -> list[Lot]:
    """At most `limit` lots of the products that have a code, the last numbered first."""
    table = tables.lot
    found: list[Lot] = []
    for chunk in chunks(product_ids):
        statement = (
            select(table)
            .where(table.c.product_id.in_(chunk), table.c.code.is_not(None))
            .order_by(table.c.lot_number.desc(), table.c.id)
            .limit(limit)
        )
        found += [Lot(*row) for row in snapshot.execute(statement)]
    return found[:limit]
