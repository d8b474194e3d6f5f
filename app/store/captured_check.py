"""Whether captured events and what they make of the ledger agree, computed from the events again: checked, or put
right. By pages of a table, in the order of its key."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, tuple_

from app.domain.epcis.attributes import attributes_of
from app.domain.epcis.book import CAPTURED
from app.domain.epcis.captured import CapturedEvent, capture, related_epcs
from app.domain.epcis.context import context_of
from app.domain.epcis.documents import master_data_of
from app.domain.epcis.event_hash import hash_uri
from app.domain.epcis.named import Role
from app.store import aliases, captures, tables
from app.store.projections import chunks, pages
from app.store.reprojection import Reprojection


def indexed(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
    """Of rows of `event`: every EPC that a captured one names leads to it."""
    wanted = {(epc, row.id) for row in rows if row.kind.startswith(CAPTURED) for epc in related_epcs(_event(row))}
    index = tables.epc_event.c
    there: set[tuple[str, UUID]] = set()
    for chunk in chunks(epc for epc, _ in wanted):
        there.update(
            tuple(row) for row in snapshot.execute(select(index.epc, index.event_id).where(index.epc.in_(chunk)))
        )
    for epc, event_id in sorted(wanted - there, key=str):
        yield f"event {event_id}: names {epc}, which does not lead to it in epc_event"


def _event(row: Row[Any]) -> CapturedEvent:
    return CapturedEvent(
        row.id, row.epcis_event_id, row.body["type"], row.event_time, hash_uri(row.content_hash), row.body
    )


def complete(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
    """Of rows of `capture`: its events are there, and what is kept of each is what makes its id."""
    for row in rows:
        found = captures.capture(snapshot, row.id)
        assert found is not None, "one snapshot"
        kept = captures.bodies(snapshot, {UUID(one) for one in found.event_ids if isinstance(one, str)})
        for one in found.event_ids:
            named = one if isinstance(one, str) else one.get("id")
            if named is None:
                continue
            body = kept.get(UUID(named)) if isinstance(one, str) else one["body"]
            if body is None:
                yield f"capture {row.id}: its event {named} is not in event"
            elif _name(body, found.envelope) != named:
                yield f"capture {row.id}: what is kept of its event {named} is not what was captured"


def _name(body: dict[str, Any], envelope: dict[str, Any]) -> str | None:
    try:
        return str(capture(body, context_of(envelope or body)).event_id)
    except ValueError:  # not even a time is left of it
        return None


def projected(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
    """Of rows of `epc_event`: the lots, custodies, links, timelines, packings and flags of the goods are what all
    events of them make."""
    yield from Reprojection(snapshot, _begun(snapshot, rows), datetime.now(UTC)).differences()


def _begun(snapshot: Connection, rows: Sequence[Row[Any]]) -> set[str]:
    """The EPCs in a page of the index, save the first where the page before had it already."""
    index, first = tables.epc_event.c, rows[0]
    earlier = tuple_(index.position, index.event_id) < tuple_(first.position, first.event_id)
    before = select(index.event_id).where(index.epc == first.epc, earlier).limit(1)
    epcs = {row.epc for row in rows if row.roles != Role.DESTINATION}
    return epcs - {first.epc} if snapshot.execute(before).first() is not None else epcs


def rebuilt(connection: Connection) -> list[str]:
    """Writes what differs; a sentence for each difference. Joins places to sites of ours that came later, and reads the
    headers of documents for what nobody keeps of them."""
    told = list(_said(connection))
    joined = aliases.join_all(connection, datetime.now(UTC))
    told += [f"place {uri}: is a site of ours" for uri in sorted(joined)]
    for rows in pages(connection, tables.epc_event):
        projection = Reprojection(connection, _begun(connection, rows), datetime.now(UTC), lock=True)
        differences = list(projection.differences())
        if differences:
            projection.write(set())
            told += differences
    aliases.settle(connection, joined)
    return told


def _said(connection: Connection) -> Iterator[str]:
    """What documents say of elements of which nothing is kept that their sender says: they came before it was."""
    column = tables.capture.c
    ours: set[tuple[UUID, str]] = set()
    for key in connection.scalars(select(column.id).order_by(column.record_time, column.id)).all():
        document = captures.capture(connection, key)
        assert document is not None, "one transaction"
        said = attributes_of(master_data_of(document.envelope), context_of(document.envelope))
        who = document.recorder_id
        kept = {uri for by, uri, _ in captures.sayings(connection, said) if by == who and (by, uri) not in ours}
        captures.say(connection, who, {uri: said[uri] for uri in said.keys() - kept})
        yield from (f"vocabulary element {uri}: what {who} says of it" for uri in sorted(said.keys() - kept))
        ours |= {(who, uri) for uri in said.keys() - kept}
