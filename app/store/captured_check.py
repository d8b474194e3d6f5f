"""Whether captured events and what they make of the ledger agree, computed from the events again: checked, or put
right. By pages of a table, in the order of its key."""

from collections.abc import Iterator, Sequence, Set
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


class Walk:
    """Through the pages of `epc_event` in their order: which EPCs are to be projected together.

    All that a large event names is, once, at the first page that leads to it: page by page it would be read and
    projected as often as it fills pages. Of those there are few, and only their ids are remembered.
    """

    def __init__(self) -> None:
        self._done: set[UUID] = set()

    def projected(self, snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
        """Of rows of `epc_event`: the lots, custodies, links, timelines, packings and flags of the goods are what all
        events of them make."""
        for seeds in self.together(snapshot, rows):
            yield from Reprojection(snapshot, seeds, datetime.now(UTC)).differences()

    def together(self, snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[Set[str]]:
        """Of rows of `epc_event`: the EPCs that have not come yet, with others of their large events."""
        rest = _begun(snapshot, rows)
        led = captures.leading(snapshot, rest)
        rest.difference_update(*(led[key] for key in led.keys() & self._done))
        for key in sorted(captures.large(snapshot, (key for key, epcs in led.items() if not rest.isdisjoint(epcs)))):
            if not rest.isdisjoint(led[key]):
                (event,) = captures.Archive(snapshot).named({key})
                self._done.add(key)
                yield related_epcs(event) | led[key]
                rest -= related_epcs(event) | led[key]
        if rest:
            yield rest


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
    walk = Walk()
    for seeds in (some for rows in pages(connection, tables.epc_event) for some in walk.together(connection, rows)):
        projection = Reprojection(connection, seeds, datetime.now(UTC), lock=True)
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
