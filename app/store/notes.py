"""Flags of captured events that depend on other events: loops, goods without a lot, eventIDs that are used again, error
declarations of what others have reported.

A flag of an EPC stands with the earliest event that names it; a reused eventID with all of its events but the earliest
and those of equal content.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from app.domain.epcis.book import NOTES, UNHEEDED, Book, earliest, note
from app.domain.epcis.captured import CapturedEvent, related_epcs
from app.domain.epcis.faults import shown
from app.domain.epcis.loops import in_loops
from app.domain.graph import Bounds
from app.domain.rows import Flag
from app.store import bulk, captures, chain, raw, tables
from app.store.ledger import fetch
from app.store.master import values

REUSED = "reused_event_id"
_COMPUTED = frozenset((REUSED, UNHEEDED[0], *NOTES))
# A loop that leads through more is not looked for.
_BOUNDS = Bounds(depth=50, nodes=20_000)

Said = tuple[str, str]  # slug, detail


class Notes:
    """The computed flags of `affected` EPCs and of the `events` that concern them."""

    def __init__(
        self,
        connection: Connection,
        archive: captures.Archive,
        affected: Set[str],
        events: Mapping[UUID, CapturedEvent],
        book: Book,
        joined: Set[UUID],
    ) -> None:
        """Before anything is written; `joined` as in `changes`."""
        self._connection = connection
        self._archive = archive
        self._affected = affected
        self._events = events
        self._book = book
        # Where a loop is taken apart, goods that are not affected lose their flag.
        looped = joined and any(flag.slug == "loop" for flag in fetch(connection, Flag, "event_id", events))
        self._loops_before = self._loops(joined) if looped else set()

    def changes(self, joined: Set[UUID]) -> dict[UUID, tuple[set[Said], set[Said]]]:
        """Event → its computed flags as they are and as they should be, where these differ. `joined`: custodies of the
        affected EPCs at the ends of links of transformations, which are written."""
        loops = self._loops(joined)
        others = (loops | self._loops_before) - self._affected
        further = {event.event_id: event for event in self._archive.load(others)} if others else {}
        named = {**further, **self._events}
        wanted: dict[UUID, set[Said]] = defaultdict(set)
        for event_id, said in self._book.notes.items():
            wanted[event_id] |= said
        for epc, event_id in earliest(named.values(), loops).items():
            wanted[event_id].add(("loop", note("loop", epc)))
        ours = {(slug, note(slug, epc)) for slug in NOTES for epc in self._affected}
        ours |= {("loop", note("loop", epc)) for epc in others}
        reused = self._reused({event.epcis_event_id for event in named.values()})
        for event_id, said_of_it in reused.items():
            if said_of_it is not None:
                wanted[event_id].add(said_of_it)
        had: dict[UUID, set[Said]] = defaultdict(set)
        for flag in fetch(self._connection, Flag, "event_id", named.keys() | reused.keys()):
            if flag.slug in _COMPUTED:
                had[flag.event_id].add((flag.slug, flag.detail))
        found = {}
        for event_id in had.keys() | wanted.keys():
            # Those that other goods have it for, or the eventIDs of others, are not ours to judge here.
            theirs = {(slug, note(slug, epc)) for slug in NOTES for epc in _epcs(named.get(event_id))} - ours
            theirs |= set() if event_id in self._events else {UNHEEDED}
            kept = {
                said
                for said in had[event_id]
                if (event_id not in reused if said[0] == REUSED else said in theirs or event_id not in named)
            }
            if had[event_id] != kept | wanted[event_id]:
                found[event_id] = had[event_id], kept | wanted[event_id]
        return found

    def write(self, joined: Set[UUID], fresh: Mapping[UUID, Sequence[Said]], now: datetime) -> None:
        """`fresh`: what is wrong with new events by themselves; it stands before what is computed."""
        changed = self.changes(joined)
        stood: dict[UUID, list[Flag]] = defaultdict(list)
        for flag in fetch(self._connection, Flag, "event_id", changed.keys()):
            stood[flag.event_id].append(flag)
        gone, rows = [], []
        for event_id in changed.keys() | {key for key, said in fresh.items() if said}:
            old = sorted(stood[event_id], key=lambda flag: flag.position)
            told = [(flag.slug, flag.detail) for flag in old if flag.slug not in _COMPUTED]
            told += fresh.get(event_id, ())
            told += sorted(changed[event_id][1]) if event_id in changed else []
            since = {(flag.slug, flag.detail): flag.record_time for flag in old}
            rows += [Flag(event_id, i, *said, since.get(said, now)) for i, said in enumerate(told)]
            gone += [(event_id, flag.position) for flag in old[len(told) :]]
        bulk.delete(self._connection, tables.flag, gone)
        bulk.upsert(self._connection, tables.flag, [values(row) for row in rows])

    def _loops(self, joined: Set[UUID]) -> set[str]:
        """EPCs of goods that come from themselves, as the links in the database have it."""
        if not joined:
            return set()
        way = chain.follow(self._connection, sorted(key.bytes for key in joined), "back", _BOUNDS)
        circle = in_loops((link[0], link[1]) for link in way.links)
        return {epc for (epc,) in raw.select(self._connection, tables.custody, ("epc",), "id", sorted(circle)) if epc}

    def _reused(self, own_ids: Set[str | None]) -> dict[UUID, Said | None]:
        """Every event that bears one of the eventIDs, and its flag."""
        groups: dict[str, list[captures.SameId]] = defaultdict(list)
        for bearer in captures.bearers(self._connection, {own_id for own_id in own_ids if own_id is not None}):
            groups[bearer.epcis_event_id].append(bearer)
        found: dict[UUID, Said | None] = {}
        for own_id, group in groups.items():
            first = min(group, key=lambda bearer: (bearer.event_time, bearer.content_hash)).content_hash
            for bearer in group:
                found[bearer.id] = None if bearer.content_hash == first else _reuse(own_id)
        return found


def _epcs(event: CapturedEvent | None) -> Set[str]:
    return frozenset() if event is None else related_epcs(event)


def _reuse(own_id: str) -> Said:
    name = shown(own_id)
    return REUSED, f"eventID 已用于内容不同的事件：{name} · another event of other content has this eventID: {name}"
