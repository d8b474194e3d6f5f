"""The EPCIS repository's rows: what is shown, in which order, and what is still to be."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Connection, func, select

from app.domain.epcis.captured import CapturedEvent
from app.domain.epcis.context import Context, context_of
from app.domain.epcis.named import Role, leading, named_epcs, scalar_columns, sent_to
from app.domain.rows import Event
from app.store import bulk, raw, tables
from app.store.engine import Snapshot
from app.store.types import from_micros

# Names in the change feed: the repository has grown, and native events wait to be shown in it.
REPOSITORY: Final = "epcis"
UNPUBLISHED: Final = "unpublished"

NATIVE: Final = 1 << 14
"""Beside the bits of Role: the event is one of ours, and of no concern to the projection of captured goods."""
_STANDARD = Context()


@dataclass(frozen=True, slots=True)
class Shown:
    """An event as the repository shows it: the row that it is recorded in, its EPCIS body with the eventID that it goes
    by, and the `@context` of its document where that declares more than the standard's. `native`: the body is ours and
    kept with it."""

    row: Event
    body: Mapping[str, Any]
    event_id: str
    context: Any = None
    native: bool = False
    leads: Mapping[str, Role] | None = None  # what the index finds it by, where that is known already


def shown_of(row: Event, event: CapturedEvent, context: Any) -> Shown:
    """A captured event; one without an eventID goes by the hash of its content (CBV 2.0 §8.9)."""
    leads = sent_to(event.roles, event.destination)
    return Shown(row, event.body, event.epcis_event_id or event.content_hash, context, leads=leads)


def last_position(snapshot: Snapshot) -> int:
    """That of the event which came last; 0 where there is none."""
    return snapshot.scalar(select(func.max(tables.epcis_event.c.position))) or 0


def record_times(snapshot: Snapshot, positions: Iterable[int]) -> dict[int, datetime]:
    """When the events at these positions were recorded, as far as they are there."""
    rows = raw.select(snapshot, tables.epcis_event, ("position", "record_time"), "position", sorted(positions))
    return {position: from_micros(time) for position, time in rows}


def show(connection: Connection, events: Sequence[Shown]) -> None:
    """Gives events the next positions, in their order. The caller has `captures.serialise`d the connection."""
    if not events:
        return
    first = last_position(connection) + 1
    bulk.insert(connection, tables.epcis_event, [shown_row(one, first + i) for i, one in enumerate(events)])
    bulk.insert(connection, tables.epc_event, index_rows(events, first))


def shown_row(one: Shown, position: int) -> tuple[Any, ...]:
    """Its row of epcis_event."""
    row = one.row
    found_by = scalar_columns(one.body, context_of({"@context": one.context}) if one.context else _STANDARD)
    return (
        row.id, position, found_by["type"], row.event_time, row.record_time, found_by["action"], found_by["biz_step"],
        found_by["disposition"], found_by["read_point"], found_by["biz_location"], found_by["transformation_id"],
        one.event_id, row.recorder_id, row.party_id, row.site_id, row.role, one.context,
        dict(one.body) if one.native else None,
    )  # fmt: skip


def index_rows(events: Iterable[Shown], first: int) -> list[tuple[Any, ...]]:
    """Their rows of epc_event; the first event has the position `first`."""
    rows = []
    for position, one in enumerate(events, first):
        leads: Mapping[str, int] = index_of(one.body, native=one.native) if one.leads is None else one.leads
        rows += [(epc, position, one.row.id, int(role)) for epc, role in leads.items()]
    return rows


def index_of(body: Mapping[str, Any], *, native: bool) -> dict[str, int]:
    """What leads to an event, with the roles that the index has of it."""
    return {epc: role | NATIVE for epc, role in named_epcs(body).items()} if native else dict(leading(body))


# --- what is still to be shown ---


def note(connection: Connection, events: Iterable[UUID]) -> None:
    """Native events that were recorded in this transaction."""
    bulk.insert_new(connection, tables.unpublished, [(key,) for key in events])


def waiting(snapshot: Snapshot, limit: int) -> list[UUID]:
    return list(snapshot.scalars(select(tables.unpublished.c.event_id).limit(limit)))


def still_waiting(snapshot: Snapshot, events: Iterable[UUID]) -> set[UUID]:
    """Those of the events that are still to be shown."""
    rows = raw.select(snapshot, tables.unpublished, ("event_id",), "event_id", sorted(key.bytes for key in events))
    return {UUID(bytes=key) for (key,) in rows}


def native_bodies(snapshot: Snapshot, events: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """Native events as they were published, of those that were."""
    keys = sorted(key.bytes for key in events)
    rows = raw.select(snapshot, tables.epcis_event, ("event_id", "body"), "event_id", keys, "body IS NOT NULL")
    return {UUID(bytes=key): msgspec.json.decode(body) for key, body in rows}


class Bearer(NamedTuple):
    """A native event by the eventID that it goes by, as it was published."""

    own_id: str
    id: UUID
    body: dict[str, Any]
    context: Any


def native_bearers(snapshot: Snapshot, own_ids: Iterable[str]) -> list[Bearer]:
    """Native events that go by one of the eventIDs."""
    columns = ("epcis_event_id", "event_id", "body", "context")
    rows = raw.select(snapshot, tables.epcis_event, columns, "epcis_event_id", sorted(own_ids), "body IS NOT NULL")
    decode = msgspec.json.decode
    return [
        Bearer(own_id, UUID(bytes=key), decode(body), context and decode(context))
        for own_id, key, body, context in rows
    ]


def replace_unplaced(connection: Connection, events: Iterable[Shown]) -> None:
    """Takes away what the index says of captured events without a position: they are about to get one."""
    named = [(epc, one.row.id) for one in events for epc in (one.leads or named_epcs(one.body))]
    bulk.delete(connection, tables.epc_event, [(epc, 0, key) for epc, key in named])


def set_aside(connection: Connection, reasons: Mapping[UUID, str], now: datetime) -> set[UUID]:
    """Events that wait and cannot be shown wait for another try instead, each with why; which those were. The caller
    has `captures.serialise`d the connection."""
    still = still_waiting(connection, reasons)
    bulk.upsert(connection, tables.unpublishable, [(key, now, reasons[key]) for key in still])
    done(connection, still)
    return still


def aside(snapshot: Snapshot, events: Iterable[UUID]) -> set[UUID]:
    """Those of the events that are set aside."""
    rows = raw.select(snapshot, tables.unpublishable, ("event_id",), "event_id", sorted(key.bytes for key in events))
    return {UUID(bytes=key) for (key,) in rows}


def any_aside(snapshot: Snapshot) -> bool:
    return snapshot.scalar(select(tables.unpublishable.c.event_id).limit(1)) is not None


def try_again(connection: Connection) -> list[UUID]:
    """What is set aside waits to be shown again; which events those are. The caller keeps others from setting aside."""
    keys = sorted(connection.scalars(select(tables.unpublishable.c.event_id)))
    note(connection, keys)
    bulk.delete(connection, tables.unpublishable, [(key,) for key in keys])
    return keys


def done(connection: Connection, events: Collection[UUID]) -> None:
    bulk.delete(connection, tables.unpublished, [(key,) for key in events])
