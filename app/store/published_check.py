"""Whether the repository shows every event that it should, and its index of EPCs says what the events say: checked, or
put right. By pages of a table, in the order of its key."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, tuple_

from app.domain.epcis.book import CAPTURED
from app.domain.epcis.named import named_epcs
from app.domain.epcis.writing import TOLD
from app.store import bulk, captures, tables
from app.store.projections import chunks, found, pages
from app.store.published import index_of, note, try_again

Key = tuple[str, int, UUID]  # of the index
_shown, _waiting, _aside, _index = (
    each.c for each in (tables.epcis_event, tables.unpublished, tables.unpublishable, tables.epc_event)
)


def shown(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
    """Of rows of `event`: each that EPCIS has words for is shown, or waits to be."""
    for key in _missing(snapshot, rows):
        yield f"event {key}: is neither in epcis_event nor in unpublished"


def _missing(snapshot: Connection, rows: Sequence[Row[Any]]) -> list[UUID]:
    concerned = [row for row in rows if row.kind.startswith(CAPTURED) or _told(row)]
    there = _there(snapshot, [row.id for row in concerned])
    missing = [row for row in concerned if row.id not in there]
    # A correction is shown where what it takes back is.
    targets = _there(snapshot, [UUID(row.body["event_id"]) for row in missing if row.kind == "correct"])
    return [row.id for row in missing if row.kind != "correct" or UUID(row.body["event_id"]) in targets]


def _told(row: Row[Any]) -> bool:
    """Whether the event is of goods, or a sensor's report of a place; of anything else EPCIS says nothing."""
    return row.kind in TOLD and (bool(row.entries) or (row.kind == "observe" and row.site_id is not None))


def _there(snapshot: Connection, keys: Iterable[UUID]) -> set[UUID]:
    listed = list(keys)
    return set().union(*(found(snapshot, each.event_id, listed) for each in (_shown, _waiting, _aside)))


def aside(_: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
    """Of rows of `unpublishable`: each is one."""
    for row in rows:
        yield f"event {row.event_id}: no EPCIS event could be made of it, it waits for the next start: {row.reason}"


def named(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
    """Of rows of `epcis_event`: the index leads to them from all that they name, in the roles in which they do."""
    for (epc, position, key), (is_, should) in sorted(_wrong(snapshot, rows).items(), key=str):
        yield f"event {key}: names {epc} as {should}; epc_event at position {position} says {is_}"


def _wrong(snapshot: Connection, rows: Sequence[Row[Any]]) -> dict[Key, tuple[int | None, int]]:
    """(roles in the index, as they should be) of what is not right."""
    bodies = captures.bodies(snapshot, [row.event_id for row in rows if row.body is None])
    should: dict[Key, int] = {}
    for row in rows:
        body = row.body if row.body is not None else bodies.get(row.event_id)
        for epc, roles in index_of(body or {}, native=row.body is not None).items():
            should[epc, row.position, row.event_id] = int(roles)
    there = {}
    for chunk in chunks(should):
        key = tuple_(_index.epc, _index.position, _index.event_id)
        for row in snapshot.execute(select(tables.epc_event).where(key.in_(chunk))):
            there[row.epc, row.position, row.event_id] = row.roles
    return {key: (there.get(key), roles) for key, roles in should.items() if there.get(key) != roles}


def placed(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
    """Of rows of `epc_event`: they lead to where their event is shown; without a position to one that waits."""
    for row in _astray(snapshot, rows):
        yield f"epc_event {row.epc}/{row.position}/{row.event_id}: its event is not shown there"


def _astray(snapshot: Connection, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    positions = {
        key: row.position
        for key, row in found(snapshot, _shown.event_id, [row.event_id for row in rows], _shown.position).items()
    }
    unplaced = [row.event_id for row in rows if row.position == 0]
    waiting = found(snapshot, _waiting.event_id, unplaced).keys() | found(snapshot, _aside.event_id, unplaced).keys()
    return [
        row
        for row in rows
        if not (row.event_id in waiting if row.position == 0 else positions.get(row.event_id) == row.position)
    ]


def rebuilt(connection: Connection) -> list[str]:
    """Lets what is missing wait to be shown, and writes the index as the events say; a sentence for each difference."""
    told = [f"event {key}: set aside → waits to be shown" for key in try_again(connection)]
    for rows in pages(connection, tables.event):
        missing = _missing(connection, rows)
        note(connection, missing)
        told += [f"event {key}: neither shown nor waiting → waits to be shown" for key in missing]
        _unplace(connection, [row for row in rows if row.id in set(missing) and row.kind.startswith(CAPTURED)])
    for rows in pages(connection, tables.epc_event):
        astray = _astray(connection, rows)
        bulk.delete(connection, tables.epc_event, [(row.epc, row.position, row.event_id) for row in astray])
        told += [f"epc_event {row.epc}/{row.position}/{row.event_id} → nothing" for row in astray]
    for rows in pages(connection, tables.epcis_event):
        wrong = _wrong(connection, rows)
        bulk.upsert(connection, tables.epc_event, [(*key, roles) for key, (_, roles) in wrong.items()])
        told += [
            f"epc_event {epc}/{position}/{key}: {is_} → {roles}" for (epc, position, key), (is_, roles) in wrong.items()
        ]
    return told


def _unplace(connection: Connection, rows: Collection[Row[Any]]) -> None:
    """What captured events name leads to them, shown or not: the projection of their goods asks."""
    bodies = captures.bodies(connection, [row.id for row in rows])
    named_ = [(epc, 0, key, 0) for key, body in bodies.items() for epc in named_epcs(body)]
    bulk.insert_new(connection, tables.epc_event, named_)
