"""`onecode db rebuild`: computes the projections from the events again, and reports what it had to put right."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Engine, bindparam, delete, select, text, update

from app.domain.rows import ENTRIES
from app.store import captured_check, published_check, tables
from app.store.bulk import upsert
from app.store.engine import writing
from app.store.projections import Timeline, balances, chunks, pages, received, timeline_at, timeline_of

_COLUMNS = (*ENTRIES.values(), "receipts")


def rebuild(engine: Engine) -> list[str]:
    """Puts timelines, balances, what slips have delivered and the index of the repository right, in one transaction; a
    sentence for each difference.

    Other writers wait until it is done. Raises StoreUnavailable.
    """
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            # Keeps out whoever would write what it has read before: SQLite's one writer is kept out already.
            locked = "event, timeline, custody, slip_item, receipt_line, unpublished, unpublishable, epcis_event"
            connection.execute(text(f"LOCK TABLE {locked} IN EXCLUSIVE MODE"))
        return [
            *published_check.rebuilt(connection),
            *captured_check.rebuilt(connection),
            *_timeline(connection),
            *_custodies(connection),
            *_slips(connection),
        ]


def _timeline(connection: Connection) -> Iterator[str]:
    line = tables.timeline.c
    for events in pages(connection, tables.event):
        computed = timeline_of(events)
        kept: Timeline = {}
        for chunk in chunks(custody_id for custody_id, _, _ in computed):
            for row in connection.execute(select(tables.timeline).where(line.custody_id.in_(chunk))):
                kept[row.custody_id, row.event_id, row.entry] = (row.kind, row.event_time, row.amount)
        wrong = {key: value for key, value in computed.items() if kept.get(key) != value}
        upsert(connection, tables.timeline, [(*key, *value) for key, value in wrong.items()])
        for key, value in wrong.items():
            yield f"timeline {_name(key)}: {_value(kept.get(key))} → {_value(value)}"
    for rows in pages(connection, tables.timeline):
        computed = timeline_at(connection, rows)
        for row in rows:
            key = (row.custody_id, row.event_id, row.entry)
            if key not in computed:
                connection.execute(
                    delete(tables.timeline).where(
                        line.custody_id == row.custody_id, line.event_id == row.event_id, line.entry == row.entry
                    )
                )
                yield f"timeline {_name(key)}: {row.amount} → nothing"


def _name(key: tuple[UUID, UUID, str]) -> str:
    return "/".join(map(str, key))


def _value(value: tuple[str, datetime, int] | None) -> str:
    return "nothing" if value is None else f"{value[0]} {value[1].isoformat()} {value[2]}"


def _custodies(connection: Connection) -> Iterator[str]:
    custody = tables.custody.c
    change = (
        update(tables.custody)
        .where(custody.id == bindparam("key"))
        .values({name: bindparam(f"new_{name}") for name in _COLUMNS})
    )
    for rows in pages(connection, tables.custody):
        sums = balances(connection, [row.id for row in rows])
        changes = []
        for row in rows:
            kept = {name: row._mapping[name] for name in _COLUMNS}
            computed = {name: sums[row.id][name] for name in _COLUMNS}
            if kept != computed:
                changes.append({"key": row.id, **{f"new_{name}": value for name, value in computed.items()}})
                yield f"custody {row.id}: " + ", ".join(
                    f"{name} {kept[name]} → {computed[name]}" for name in _COLUMNS if kept[name] != computed[name]
                )
        if changes:
            connection.execute(change, changes)


def _slips(connection: Connection) -> Iterator[str]:
    item = tables.slip_item.c
    change = (
        update(tables.slip_item)
        .where(item.slip_code == bindparam("slip"), item.custody_id == bindparam("custody"))
        .values(received=bindparam("new"))
    )
    for rows in pages(connection, tables.slip_item):
        sums = received(connection, rows)
        changes = []
        for row in rows:
            computed = sums[row.slip_code, row.custody_id]
            if row.received != computed:
                changes.append({"slip": row.slip_code, "custody": row.custody_id, "new": computed})
                yield f"slip_item {row.slip_code}/{row.custody_id}: received {row.received} → {computed}"
        if changes:
            connection.execute(change, changes)
