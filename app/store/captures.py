"""Captured EPCIS events and the documents they came in: by EPC, by eventID, and as they were written.

JSON is read here with every digit that its numbers have, unlike everywhere else.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Connection, and_, bindparam, select, text, update

from app.domain.epcis.attributes import Attributes, joined
from app.domain.epcis.captured import CapturedEvent, related_epcs
from app.domain.epcis.event_hash import hash_uri
from app.domain.epcis.named import Role
from app.domain.epcis.values import exact_number
from app.domain.rows import Custody
from app.store import bulk, raw, tables
from app.store.engine import Snapshot
from app.store.ledger import fetch
from app.store.master import chunks, values
from app.store.published import NATIVE, Shown, show
from app.store.types import from_micros

CAPTURE = "capture"  # the role of captured events: they are nobody's own, who asserts them is their party
_LOCK = 0x4550434953  # "EPCIS"
_EVENT = ("id", "epcis_event_id", "event_time", "content_hash", "body")

decode = msgspec.json.Decoder(float_hook=exact_number).decode


@dataclass(frozen=True, slots=True)
class Capture:
    """A document less its events. `event_ids` in its order: the id of an event kept as written here, {id, body} of one
    kept as another document wrote it, {body} of one that was refused."""

    id: UUID
    record_time: datetime
    recorder_id: UUID
    envelope: dict[str, Any]
    event_ids: list[str | dict[str, Any]]


@dataclass(frozen=True, slots=True)
class SameId:
    """An event that bears an eventID."""

    id: UUID
    epcis_event_id: str
    event_time: int  # microseconds since 1970 UTC
    content_hash: bytes


class Known(NamedTuple):
    """An event as it is kept, and since when."""

    body: dict[str, Any]
    record_time: datetime


def serialise(connection: Connection) -> None:
    """One transaction at a time captures: what an event makes of the ledger depends on all others of its EPCs."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


class Archive:
    """Captured events by what they name, those of `fresh` among them, which are not written yet. Each is one object."""

    def __init__(self, snapshot: Snapshot, fresh: Iterable[CapturedEvent] = ()) -> None:
        self._snapshot = snapshot
        self._events = {event.event_id: event for event in fresh}
        self._fresh = {event: related_epcs(event) for event in self._events.values()}

    def named(self, ids: Collection[UUID]) -> list[CapturedEvent]:
        """Those of the events that are there, in no order."""
        missing = sorted(key.bytes for key in ids - self._events.keys())
        for row in raw.select(self._snapshot, tables.event, _EVENT, "id", missing):
            event = _captured(row)
            self._events[event.event_id] = event
        return [self._events[key] for key in sorted(ids) if key in self._events]

    def load(self, epcs: Collection[str]) -> list[CapturedEvent]:
        """Every event of which one of the canonical EPCs, units or transformationIDs is in `related_epcs`."""
        captured = f"roles < {NATIVE}"
        index = raw.select(self._snapshot, tables.epc_event, ("event_id",), "epc", sorted(epcs), captured)
        wanted = {UUID(bytes=key) for (key,) in index}
        return self.named(wanted) + [event for event, named in self._fresh.items() if not named.isdisjoint(epcs)]


def _captured(row: raw.Row) -> CapturedEvent:
    key, own_id, time, digest, body = row
    written = decode(body)
    return CapturedEvent(
        event_id=UUID(bytes=key),
        epcis_event_id=own_id,
        kind=written["type"],
        event_time=from_micros(time),
        content_hash=hash_uri(digest),
        body=written,
    )


def bodies(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """Events as they are kept, of those of the ids that are there."""
    return {key: known.body for key, known in there(snapshot, ids).items()}


def there(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Known]:
    """Those of the ids that are there."""
    columns = ("id", "body", "record_time")
    rows = raw.select(snapshot, tables.event, columns, "id", sorted(key.bytes for key in ids))
    return {UUID(bytes=key): Known(decode(body), from_micros(time)) for key, body, time in rows}


def bearers(snapshot: Snapshot, own_ids: Collection[str]) -> list[SameId]:
    """Every event that has one of the eventIDs."""
    columns = ("id", "epcis_event_id", "event_time", "content_hash")
    rows = raw.select(snapshot, tables.event, columns, "epcis_event_id", sorted(own_ids))
    return [SameId(UUID(bytes=key), own_id, time, digest) for key, own_id, time, digest in rows]


def leading(snapshot: Snapshot, epcs: Collection[str]) -> dict[UUID, set[str]]:
    """The captured events that the index has for some EPCs, each with those of them that lead to it."""
    found: dict[UUID, set[str]] = defaultdict(set)
    columns, captured = ("event_id", "epc"), f"roles < {NATIVE}"
    for key, epc in raw.select(snapshot, tables.epc_event, columns, "epc", sorted(epcs), captured):
        found[UUID(bytes=key)].add(epc)
    return found


def large(snapshot: Snapshot, ids: Iterable[UUID]) -> list[UUID]:
    """Those of the events that are there and LARGE."""
    keys = sorted(key.bytes for key in ids)
    return [
        UUID(bytes=key)
        for (key,) in raw.select(snapshot, tables.event, ("id",), "id", keys, raw.large(snapshot, "body"))
    ]


def entries(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, list[list[Any]]]:
    """What events did to balances: [[custody id in hex, entry, amount]…]."""
    rows = raw.select(snapshot, tables.event, ("id", "entries"), "id", sorted(key.bytes for key in ids))
    return {UUID(bytes=key): decode(listed) for key, listed in rows}


def asserters(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, UUID | None]:
    """The party that brought each event, None for the operator."""
    rows = raw.select(snapshot, tables.event, ("id", "party_id"), "id", sorted(key.bytes for key in ids))
    return {UUID(bytes=key): None if party is None else UUID(bytes=party) for key, party in rows}


def goods_at(snapshot: Snapshot, sites: Iterable[UUID]) -> list[str]:
    """The EPCs of captured goods that are or were at one of the sites."""
    keys = sorted(site.bytes for site in sites)
    rows = raw.select(snapshot, tables.custody, ("epc",), "site_id", keys, "epc IS NOT NULL")
    return sorted({epc for (epc,) in rows})


def sent_to(snapshot: Snapshot, places: Collection[str], limit: int | None = None) -> list[UUID]:
    """Events that ship goods to one of the places (canonical URIs)."""
    index = tables.epc_event.c
    found: list[UUID] = []
    for chunk in chunks(places):
        sending = (index.epc.in_(chunk), index.roles < NATIVE, index.roles >= int(Role.DESTINATION))
        found += snapshot.scalars(select(index.event_id).where(*sending).limit(limit))
    return found


def destinations(snapshot: Snapshot) -> set[str]:
    """Wherever goods were ever sent to: looks at the whole index."""
    index = tables.epc_event.c
    sending = (index.roles < NATIVE, index.roles >= int(Role.DESTINATION))
    return set(snapshot.scalars(select(index.epc).where(*sending).distinct()))


def seen_at(snapshot: Snapshot, places: Collection[str]) -> list[UUID]:
    """Events after which goods are at one of the places (canonical URIs)."""
    shown = tables.epcis_event.c
    found: list[UUID] = []
    for chunk in chunks(places):
        for there in (shown.biz_location.in_(chunk), and_(shown.biz_location.is_(None), shown.read_point.in_(chunk))):
            found += snapshot.scalars(select(shown.event_id).where(there, shown.role == CAPTURE))
    return found


def told_of(snapshot: Snapshot, places: Collection[str]) -> set[str]:
    """What events name that happened at one of the places (canonical URIs), or send goods there."""
    found: set[str] = set()
    for some in chunks({*seen_at(snapshot, places), *sent_to(snapshot, places)}):
        rows = raw.select(snapshot, tables.event, _EVENT, "id", [key.bytes for key in some])
        found.update(*(related_epcs(_captured(row)) for row in rows))
    return found


def custodies_of(snapshot: Snapshot, epcs: Collection[str]) -> list[Custody]:
    return fetch(snapshot, Custody, "epc", epcs)


def instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def listed(snapshot: Snapshot, after: UUID | None, limit: int) -> list[Capture]:
    """Documents in the order of their ids."""
    key = tables.capture.c.id
    later = [] if after is None else [key > after]
    keys = snapshot.scalars(select(key).where(*later).order_by(key).limit(limit))
    return [found for one in keys.all() if (found := capture(snapshot, one)) is not None]


DEEPEST, WIDEST = 20, 10_000  # levels and places that are looked at below one


def below(snapshot: Snapshot, place: str) -> set[str]:
    """Everything that documents say lies below a place, directly or not, as canonical URIs."""
    found: set[str] = set()
    level = {place}
    for _ in range(DEEPEST):
        rows = raw.select(snapshot, tables.place_child, ("child",), "parent", sorted(level))
        level = {child for (child,) in rows} - found - {place}
        found |= level
        if not level or len(found) > WIDEST:
            break
    return found


def sayings(snapshot: Snapshot, elements: Collection[str]) -> list[tuple[UUID, str, Attributes]]:
    """What is said of vocabulary elements (canonical URIs), each by whom."""
    rows = raw.select(
        snapshot, tables.vocabulary_attribute, ("said_by", "element", "said"), "element", sorted(elements)
    )
    return [(UUID(bytes=who), uri, decode(said)) for who, uri, said in rows]


# --- writing ---


def add_events(connection: Connection, events: Sequence[Shown]) -> None:
    """New events; the repository shows them at once."""
    bulk.insert(connection, tables.event, [values(one.row) for one in events])
    show(connection, events)


def rewrite_entries(connection: Connection, changed: dict[UUID, list[list[Any]]]) -> None:
    """`entries` is a projection like the timeline; nothing else of an event is ever written again."""
    if changed:
        event = tables.event.c
        statement = update(tables.event).where(event.id == bindparam("key")).values(entries=bindparam("new"))
        connection.execute(statement, [{"key": key, "new": changed[key]} for key in sorted(changed)])


def add_children(connection: Connection, pairs: Iterable[tuple[str, str]]) -> None:
    """What documents say lies below a place: (place, what is below)."""
    bulk.insert_new(connection, tables.place_child, set(pairs))


def say(connection: Connection, who: UUID, said: Mapping[str, Attributes]) -> None:
    """What somebody says of vocabulary elements. The caller has `serialise`d the connection."""
    if not said:
        return
    before = {uri: attributes for by, uri, attributes in sayings(connection, said) if by == who}
    rows = [(uri, who, joined(before.get(uri, {}), attributes)) for uri, attributes in said.items()]
    bulk.upsert(connection, tables.vocabulary_attribute, rows)


def add_capture(connection: Connection, row: Capture) -> None:
    """A document that is there already stays as it is."""
    bulk.insert_new(connection, tables.capture, [values(row)])


def capture(snapshot: Snapshot, capture_id: UUID) -> Capture | None:
    columns = ("id", "record_time", "recorder_id", "envelope", "event_ids")
    for key, time, recorder, envelope, event_ids in raw.select(
        snapshot, tables.capture, columns, "id", [capture_id.bytes]
    ):
        return Capture(UUID(bytes=key), from_micros(time), UUID(bytes=recorder), decode(envelope), decode(event_ids))
    return None
