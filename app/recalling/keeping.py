"""The scope of a live recall stays live: what arrives later and belongs to it is held, counted and told.

Pages, scales and boards follow holds by their own walk and need no keeper. It is there for what that walk cannot know:
goods that come to a named place within its window get a hold of their own, and places and parties that the goods have
come to meanwhile get their rows. Every process has one. All of them write the same rows under the same derived ids, so
that nothing is there twice; one that was killed left whole transactions behind, and the next look does the rest.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.domain.errors import Refusal
from app.domain.recalls import CLOCKS, RECALLS, Notice, Recall, RecallPlace, after_working_days, notice_id
from app.domain.recalls_scope import read_scope
from app.domain.rights import AUTHORITY, Role
from app.recalling.finding import Found, find
from app.recalling.reaching import subjects_of
from app.recalling.recalls import HoldChange, hold_changes
from app.recalling.telling import tell_kept
from app.store import recalls as store
from app.store.engine import Database, Snapshot, reading
from app.store.errors import StoreUnavailable
from app.store.writer import Transaction, Writer

log = logging.getLogger(__name__)

PERIOD = 1.0  # seconds between two looks at the least
REFRESH = 30.0  # seconds after which amounts are summed again: sales do not tell of themselves
NOTHING = frozenset({RECALLS})
WATCHED = 100_000  # names; beyond, every change is one that may concern a recall
SHARE = 25  # a look at all recalls takes one part in so many of the time
LONGEST = 20.0  # seconds that goods may lie at a place that a recall names before they are held, however large it is


@dataclass(frozen=True, slots=True)
class Keep:
    """What was found of a version of a recall."""

    recall: Recall
    found: Found


def resolve(snapshot: Snapshot, recall: Recall, now: datetime) -> Keep:
    """Walks the scope as it is now. Raises NotFound, Conflict as `subjects_of`."""
    scope = read_scope(recall.scope)
    return Keep(recall, find(snapshot, recall.id, recall.region, lambda reader: subjects_of(reader, scope), now))


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be written so that the rows say what was found."""

    holds: HoldChange
    places: list[RecallPlace]
    notices: list[Notice]
    grown: frozenset[UUID]  # parties that more of the goods have come to

    def __bool__(self) -> bool:
        return bool(self.holds.placed or self.places or self.notices)


def plan(snapshot: Snapshot, recall: Recall, found: Found, now: datetime) -> Plan:
    authority = max(AUTHORITY[Role(line["role"])] for line in recall.history)
    places = {place.id: place for place in store.places(snapshot, recall.id)}
    notices = store.notices(snapshot, [recall.id])
    return Plan(
        hold_changes(snapshot, recall, found.subjects, authority, None, now),
        list(_places(places, found.places, now)),
        list(_notices(recall, notices, found.places, now)),
        frozenset(_grown(places, found.places)),
    )


def keep_recalls(transaction: Transaction, commands: Sequence[Keep]) -> Sequence[Recall | Exception]:
    """Job: writes what was found: holds of goods that came since, places, notices of parties that are new. What was
    found of a version that is no more is dropped. Of a mock only the counts are kept."""
    connection, now = transaction.connection, transaction.now
    locked = store.lock(connection, {command.recall.id for command in commands})
    results: list[Recall | Exception] = []
    for command in commands:
        recall, found = locked[command.recall.id], command.found
        if recall.version == command.recall.version:
            recall = replace(recall, counts=found.counts(), resolved_at=now)
            store.save(connection, [recall])
            if recall.state == "live":
                made = plan(connection, recall, found, now)
                made.holds.write(transaction)
                if made:
                    transaction.touched.add(recall.id.hex)
                store.save_places(connection, made.places)
                store.save_notices(connection, made.notices)
                tell_kept(transaction, recall, made.notices, made.grown, found.places)
        results.append(recall)
    return results


def _grown(before: dict[UUID, RecallPlace], found: Iterable[RecallPlace]) -> Iterable[UUID]:
    for place in found:
        old = before.get(place.id)
        if place.party_id is not None and (old is None or old.gone or place.received > old.received):
            yield place.party_id


def _places(before: dict[UUID, RecallPlace], found: Iterable[RecallPlace], now: datetime) -> Iterable[RecallPlace]:
    """Rows that are new or other than they were."""
    seen = set()
    for place in found:
        seen.add(place.id)
        old = before.get(place.id)
        if old is None:
            yield replace(place, record_time=now, changed_at=now)
        elif replace(place, record_time=old.record_time, changed_at=old.changed_at) != old:
            yield replace(place, record_time=old.record_time, changed_at=now)
    for old in before.values():
        if old.id not in seen and not old.gone:
            yield replace(old, gone=True, changed_at=now)


def _notices(
    recall: Recall, before: Iterable[Notice], places: Iterable[RecallPlace], now: datetime
) -> Iterable[Notice]:
    """A notice for every party with goods that are not to be handed over; one that has none any more is withdrawn, and
    stands again as it was where goods of its come back into the scope."""
    known = {notice.party_id: notice for notice in before}
    concerned = {place.party_id: place.region for place in places if place.party_id is not None and not place.beyond}
    clock = CLOCKS[recall.grade]
    for party, region in concerned.items():
        assert party is not None
        old = known.get(party)
        if old is None:
            told_by = max(recall.notify_due, now + timedelta(hours=clock.notify_hours))  # who comes late has as long
            yield Notice(
                notice_id(recall.id, party), recall.id, party, region, "pending", told_by, None, None, None, None,
                after_working_days(now, clock.working_days), now, now, [_step(now, "concerned")],
            )  # fmt: skip
        elif old.state == "withdrawn":
            yield replace(old, state=_state(old), changed_at=now, history=[*old.history, _step(now, "concerned")])
    for party, old in known.items():
        if party not in concerned and old.state != "withdrawn":
            yield replace(old, state="withdrawn", changed_at=now, history=[*old.history, _step(now, "withdrawn")])


def _state(notice: Notice) -> Any:
    if notice.answered_at is not None:
        return "answered"
    if notice.acknowledged_at is not None:
        return "acknowledged"
    return "pending" if notice.notified_at is None else "notified"


def _step(now: datetime, what: str) -> dict[str, Any]:
    return {"time": now.isoformat(), "what": what, "by": None}


class Keeper:
    """Looks at the live recalls of its own accord, and at once where goods come to a place that one of them names."""

    def __init__(
        self,
        engine: Database,
        writer: Writer,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        period: float = PERIOD,
    ) -> None:
        self._engine = engine
        self._writer = writer
        self._clock = clock
        self._period = period
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._watched: frozenset[str] | None = None
        self._thread = threading.Thread(target=self._run, name="recalls", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends after the look that it is at."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def hear(self, touched: frozenset[str]) -> None:
        """What the feed calls for every change."""
        if self._watched is None or not self._watched.isdisjoint(touched):
            self._wake.set()

    def hear_all(self) -> None:
        """What the feed calls where it was lost."""
        self._wake.set()

    def look(self) -> float:
        """Brings every live recall up to date; the seconds that it took. Raises StoreUnavailable."""
        began = time.monotonic()
        with reading(self._engine) as snapshot:
            listed = store.live(snapshot)
        names = {RECALLS}
        for recall in listed:
            if self._stop.is_set():
                break
            try:
                with reading(self._engine) as snapshot:
                    kept = resolve(snapshot, recall, self._clock())
                    late = plan(snapshot, recall, kept.found, self._clock())
            except Refusal:
                log.exception("the scope of recall %s cannot be resolved any more", recall.number)
                continue
            names |= kept.found.names()
            if late:
                self._writer.submit(keep_recalls, kept)
        self._watched = frozenset(names) if len(names) <= WATCHED else None
        return time.monotonic() - began

    def _run(self) -> None:
        pause = 0.0
        while True:
            self._wake.clear()  # before it asks whether to stop: who stops it wakes it after saying so
            if self._stop.wait(pause):
                return
            try:
                pause = min(max(self._period, SHARE * self.look()), LONGEST)
            except StoreUnavailable as error:
                log.warning("recalls cannot be kept up to date: %s", error)
                pause = self._period
            except Exception:
                log.exception("a recall could not be kept up to date")
                pause = self._period
            # As long as nothing is recalled there is nothing to keep, and the first to be is heard of.
            self._wake.wait(None if self._watched == NOTHING else REFRESH)
