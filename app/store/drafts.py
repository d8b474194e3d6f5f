"""Rows of captured events of which nobody knows any of the goods yet: drafted beforehand, by another process, and
written where that has turned out to be so.

A draft holds what the events alone decide, by columns and as the driver takes it. When it is recorded, at which
positions and by whom, and who runs the places, is filled in as it is written. `Reprojection` would make the same rows;
it is for goods that are known, for events that take others back, and for places that are sites of ours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table

from app.domain import ids
from app.domain.epcis.book import Book, book_of, kind_of
from app.domain.epcis.captured import CapturedEvent, related_epcs
from app.domain.epcis.event_hash import hash_digest
from app.domain.epcis.loops import in_loops
from app.domain.epcis.projection import project
from app.domain.rows import Event, Flag, Measure, within
from app.store import bulk, captures, master, raw, tables
from app.store.published import NATIVE, REPOSITORY, index_rows, last_position, shown_of, shown_row
from app.store.types import from_micros, micros

Said = tuple[str, str]  # slug, detail

MAX_FLAGS = 100
_LATE = ("clock_ahead", "事件时间晚于接收时间 · the event time is after it was received")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is answered to who records an event: its id and kind, when it happened (microseconds since 1970 UTC), what
    is wrong with it by itself (`said`), and what the projection says of it besides (`notes`)."""

    key: str
    kind: str
    time: int
    said: Sequence[Said]
    notes: Sequence[Said]


@dataclass(frozen=True, slots=True)
class Draft:
    """`keys`: of its events, 16 bytes each; `named`: everything that they name; `goods`: of these, what has custodies,
    with their lots; `own_ids`: their eventIDs; `places`: where they are, `sent_to`:
    where they are shipped, canonical URIs; `products`: measure by class URI.

    `columns`: by table, sorted by its key. `positions`: of its rows of epcis_event and of epc_event, from 0 on;
    `outcomes`: of its rows of event; `stays`: (site, since when), `kept_by`: for each custody the one of `stays` that
    says who has it, `made_in`: for each lot the custody in which it was made. `touched`: for the change feed."""

    keys: list[bytes]
    named: list[str]
    goods: list[str]
    lots: list[bytes]
    own_ids: list[str]
    places: list[str]
    sent_to: list[str]
    products: dict[str, Measure]
    columns: dict[str, list[bulk.Values]]
    positions: tuple[list[int], list[int]]
    outcomes: list[Outcome]
    stays: list[tuple[bytes, int]]
    kept_by: list[int | None]
    made_in: list[int]
    touched: list[str]


# --- drafting: a pure function ---


def draft(events: Sequence[tuple[CapturedEvent, Sequence[Said]]], context: Any, postgres: bool) -> Draft | None:
    """The rows of events that are alone in the world, with (slug, detail) of what is wrong with each; None where that
    is not for a draft. `context`: what their document declares beside the standard's."""
    only = [event for event, _ in events]
    own_ids = [event.epcis_event_id for event in only if event.epcis_event_id is not None]
    repeated = len(set(own_ids)) < len(own_ids) or len(set(only)) < len(only)
    if repeated or any(event.is_error_declaration for event in only):
        return None
    named = frozenset[str]().union(*map(related_epcs, only))
    projection = project(only, only=named)
    # The way from place to place alone leads nowhere back.
    ends = [(link.parent, link.child) for link in projection.links]
    if any(link.kind == "transform" for link in projection.links) and in_loops(ends):
        return None
    book = book_of(projection, only)
    return _draft(events, context, book, named, own_ids, postgres)


def _draft(
    events: Sequence[tuple[CapturedEvent, Sequence[Said]]],
    context: Any,
    book: Book,
    named: Iterable[str],
    own_ids: list[str],
    postgres: bool,
) -> Draft:
    shown, outcomes = [], []
    for event, flags in events:
        site_id = None if event.site is None else ids.captured_site_id(event.site)
        row = row_of(event, None, site_id, _UNKNOWN)
        row.entries = sorted([[key.hex, name, amount] for key, name, amount in book.entries.get(row.id, ())])
        shown.append(shown_of(row, event, context))
        notes = sorted(book.notes[row.id]) if row.id in book.notes else []
        outcomes.append(Outcome(str(row.id), row.kind, micros(row.event_time), _first(flags), notes))
    custodies, lots = list(book.custodies.values()), list(book.lots.values())
    index = index_rows(shown, 0)
    packings = [(*key, packing.from_time, packing.to_event, packing.to_time) for key, packing in book.packings.items()]
    rows: dict[Table, Sequence[bulk.Row]] = {
        tables.event: [master.values(one.row) for one in shown],
        tables.epcis_event: [shown_row(one, i) for i, one in enumerate(shown)],
        tables.epc_event: index,
        tables.lot: [master.values(lot) for lot in lots],
        tables.custody: [master.values(custody) for custody in custodies],
        tables.custody_link: [master.values(link) for link in book.links.values()],
        tables.timeline: [master.values(line) for line in book.lines.values()],
        tables.packing: packings,
    }
    columns, order = {}, {}
    for table in rows:
        columns[table.name], order[table.name] = bulk.packed(table, rows[table], postgres)
    came = {parent: child for child, parent, _ in book.links}
    place: dict[UUID, int] = {}
    stays: dict[tuple[UUID, datetime], int] = {}
    kept_by = []
    for i in order["custody"]:
        goods = custody = custodies[i]
        place[custody.id] = len(place)
        if custody.kind == "gap":
            goods = book.custodies[came[custody.id]]
        at = None if goods.site_id is None else (goods.site_id, goods.arrived_at)
        kept_by.append(None if at is None else stays.setdefault(at, len(stays)))
    touched = {REPOSITORY, *(lot.id.hex for lot in lots), *(custody.id.hex for custody in custodies)}
    touched |= {within(site_id) for site_id in {custody.site_id for custody in custodies} if site_id is not None}
    return Draft(
        keys=[event.event_id.bytes for event, _ in events],
        named=sorted(named),
        goods=sorted(lot.epc for lot in lots if lot.epc is not None),
        lots=sorted(lot.id.bytes for lot in lots),
        own_ids=sorted(own_ids),
        places=sorted({event.site for event, _ in events if event.site is not None}),
        sent_to=sorted({event.destination for event, _ in events if event.destination is not None}),
        products=book.products,
        columns=columns,
        positions=(order["epcis_event"], [index[i][1] for i in order["epc_event"]]),
        outcomes=[outcomes[i] for i in order["event"]],
        stays=[(site.bytes, micros(since)) for site, since in stays],
        kept_by=kept_by,
        made_in=[place[book.made_at[lots[i].id]] for i in order["lot"]],
        touched=sorted(touched),
    )


_UNKNOWN = from_micros(0)  # until it is written


def row_of(event: CapturedEvent, party_id: UUID | None, site_id: UUID | None, now: datetime) -> Event:
    """An event's row, without what came of it."""
    return Event(
        id=event.event_id,
        kind=kind_of(event),
        event_time=event.event_time,
        utc_offset=_minutes(str(event.body["eventTimeZoneOffset"])),
        record_time=now,
        site_id=site_id,
        party_id=party_id,
        recorder_id=ids.EPCIS,
        role=captures.CAPTURE,
        ref=None,
        content_hash=hash_digest(event.content_hash),
        body=dict(event.body),
        outcome={},
        entries=[],
        epcis_event_id=event.epcis_event_id,
    )


def _minutes(offset: str) -> int:
    """Minutes east of UTC of `+08:00`."""
    minutes = int(offset[1:3]) * 60 + int(offset[4:6])
    return -minutes if offset[0] == "-" else minutes


def _first(flags: Sequence[Said]) -> list[Said]:
    return list(dict.fromkeys(flags))[:MAX_FLAGS]


def flags_of(said: Sequence[Said], foreign: bool, ahead: bool) -> list[Said]:
    """What is wrong with an event by itself. `foreign`: its site is another's of ours; `ahead`: it is yet to happen."""
    flags = _first(said)
    if foreign:
        flags.append(("reported_by_others", "由他人报告，场所未确认 · reported by others, not confirmed by the place"))
    return [*flags, _LATE] if ahead else flags


def outcome_of(key: str, kind: str, flags: Sequence[Said], now: datetime) -> dict[str, Any]:
    """What is answered to who records an event."""
    return {
        "ref": None,
        "id": key,
        "kind": kind,
        "record_time": now.isoformat(),
        "flags": [{"slug": slug, "detail": detail} for slug, detail in flags],
        "outputs": [],
        "slip_code": None,
        "receipt_code": None,
        "decision": None,
        "reasons": [],
        "problem": None,
    }


# --- writing ---


def fits(connection: Connection, draft: Draft) -> bool:
    """Whether nobody knows any of its events, goods or eventIDs."""
    captured = f"roles < {NATIVE}"
    return not (
        raw.select(connection, tables.event, ("id",), "id", draft.keys)
        or raw.select(connection, tables.epc_event, ("epc",), "epc", draft.named, captured)
        or raw.select(connection, tables.custody, ("id",), "epc", draft.goods)
        or raw.select(connection, tables.lot, ("id",), "id", draft.lots)
        or captures.bearers(connection, draft.own_ids)
    )


def write(connection: Connection, draft: Draft, party_id: UUID | None, now: datetime, skew: timedelta) -> None:
    """Writes its rows. It `fits`, and its places and products are there."""
    first = last_position(connection) + 1
    events, index = ([first + at for at in positions] for positions in draft.positions)
    latest = micros(now + skew)
    flags = [flags_of(one.said, False, one.time > latest) for one in draft.outcomes]
    outcomes = [outcome_of(one.key, one.kind, said, now) for one, said in zip(draft.outcomes, flags, strict=True)]
    stays = [(UUID(bytes=site), from_micros(since)) for site, since in draft.stays]
    ran = master.ran_at(connection, stays)
    kept_by = [None if at is None else ran.get(stays[at]) for at in draft.kept_by]
    filled: dict[Table, dict[str, list[Any]]] = {
        tables.event: {
            "record_time": [now] * len(events), "party_id": [party_id] * len(events), "outcome": outcomes,
        },
        tables.epcis_event: {
            "position": events, "record_time": [now] * len(events), "party_id": [party_id] * len(events),
        },
        tables.epc_event: {"position": index},
        tables.lot: {"maker_id": [kept_by[at] for at in draft.made_in]},
        tables.custody: {"party_id": kept_by},
        tables.custody_link: {},
        tables.timeline: {},
        tables.packing: {},
    }  # fmt: skip
    for table, known in filled.items():
        bulk.insert_packed(connection, table, draft.columns[table.name], known)
    told = [
        Flag(UUID(one.key), i, *each, now)
        for one, said in zip(draft.outcomes, flags, strict=True)
        for i, each in enumerate((*said, *one.notes))
    ]
    bulk.insert(connection, tables.flag, [master.values(flag) for flag in told])
