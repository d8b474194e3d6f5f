"""Native events become EPCIS events in the repository (docs/decisions/0058).

Their own transactions leave ids in `unpublished`. Every process takes ids from there, says what the events are in
EPCIS, and shows them in one transaction, in which it looks again which of them still wait: two processes may read the
same, only one writes it, and one that was killed has left everything as it was. An event that nothing can be made of is
set aside with why, and tried again when a process starts: all others go on.
"""

import logging
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.alerts import Alert, raised
from app.domain.epcis.book import CAPTURED
from app.domain.epcis.captured import CapturedEvent
from app.domain.epcis.context import own_context
from app.domain.epcis.event_hash import hash_uri
from app.domain.epcis.values import printable
from app.domain.epcis.writing import TOLD, event, taken_back
from app.domain.rows import Correction, Event
from app.exchanging.hops import Goods, Moved, corrected, side_of
from app.store import alerts, captures, published
from app.store import events as recorded
from app.store.engine import Database, Snapshot, reading
from app.store.errors import StoreUnavailable
from app.store.published import REPOSITORY, UNPUBLISHED, Shown, shown_of
from app.store.writer import Transaction, Writer

log = logging.getLogger(__name__)

PAGE = 250  # events in one transaction: captures wait for it, and on SQLite everything does
POLL = 1.0  # seconds between two looks where this process has recorded nothing
PAUSE = 10.0  # seconds after a failure that is nobody's fault but ours
LONGEST = 500  # characters of a reason


@dataclass(frozen=True, slots=True)
class Publish:
    """`ids`: what was read as waiting; `shown`: what is to be shown of it, in its order."""

    ids: Collection[UUID]
    shown: Sequence[Shown]


def publish(transaction: Transaction, commands: Sequence[Publish]) -> Sequence[int | Exception]:
    """Job: shows what still waits, and lets go of it; how many events that were."""
    connection = transaction.connection
    captures.serialise(connection)
    done: list[int | Exception] = []
    for command in commands:
        still = published.still_waiting(connection, command.ids)
        shown = [one for one in command.shown if one.row.id in still]
        published.replace_unplaced(connection, [one for one in shown if not one.native])
        published.show(connection, shown)
        published.done(connection, still)
        if shown:
            transaction.touched.add(REPOSITORY)
        done.append(len(still))
    return done


@dataclass(frozen=True, slots=True)
class SetAside:
    """Events that cannot be shown, each with why."""

    reasons: Mapping[UUID, str]


def set_aside(transaction: Transaction, commands: Sequence[SetAside]) -> Sequence[Exception | None]:
    """Job: others no longer wait behind them; an alert of each kind of event and day tells of the first."""
    connection, now = transaction.connection, transaction.now
    captures.serialise(connection)
    for command in commands:
        gone = published.set_aside(connection, command.reasons, now)
        rows = {row.kind: row for row in reversed(recorded.by_id(connection, gone))}
        found = [_alert(row, command.reasons[row.id], len(gone), now) for row in rows.values()]
        known = alerts.known(connection, [alert.id for alert in found])
        transaction.alerts += [alert for alert in found if alert.id not in known]
    return [None] * len(commands)


def _alert(row: Event, reason: str, number: int, now: datetime) -> Alert:
    about = f"{row.kind} {row.id}：{reason}；共 {number} 个", f"{row.kind} {row.id}: {reason}; {number} in all"
    return raised(
        "event_unpublishable", row.kind, now.date(), about, event_time=row.event_time, record_time=now,
        event_id=row.id,
    )  # fmt: skip


def try_again(transaction: Transaction, commands: Sequence[None]) -> Sequence[int | Exception]:
    """Job: what is set aside waits again, for a program that may know better; how many events those are."""
    captures.serialise(transaction.connection)
    return [len(published.try_again(transaction.connection)) for _ in commands]


class BehindAnother(Exception):
    """A correction of an event that is set aside."""


def native(snapshot: Snapshot, rows: Sequence[Event], url: str) -> list[Shown]:
    """Native events as the repository shows them, the first recorded first, corrections after what they take back;
    less those that EPCIS has no words for. What a correction takes back is among the rows, or is shown already."""
    told = sorted((row for row in rows if row.kind in TOLD), key=lambda row: (row.record_time, row.id.int))
    bodies = _bodies(snapshot, [row for row in told if row.kind != "correct"], url)
    correcting = [row for row in told if row.kind == "correct"]
    wrong = _corrections(snapshot, correcting)
    bodies |= published.native_bodies(snapshot, [one.event_id for one in wrong.values()])
    shown = [Shown(row, bodies[row.id], bodies[row.id]["eventID"], native=True) for row in told if row.id in bodies]
    for row in correcting:
        correction = wrong.get(row.id)
        if correction is not None and (body := bodies.get(correction.event_id)) is not None:
            declared = taken_back(body, *corrected(correction))
            shown.append(Shown(row, declared, body["eventID"], native=True))
    return shown


def _corrections(snapshot: Snapshot, rows: Iterable[Event]) -> dict[UUID, Correction]:
    """By the event that corrects."""
    targets = {UUID(row.body["event_id"]) for row in rows}
    return {one.correcting_event_id: one for one in recorded.corrections(snapshot, targets)}


def _bodies(snapshot: Snapshot, rows: Sequence[Event], url: str) -> dict[UUID, dict[str, Any]]:
    moved = {row.id: _moved(row) for row in rows}
    goods = Goods.read(snapshot, {custody for listed in moved.values() for _, custody, _ in listed}, url)
    goods.also_at(snapshot, rows)
    found = {}
    for row in rows:
        made = event(goods.hop(row, [one for one in moved[row.id] if one[1] in goods.nodes]))
        if made is not None:
            # The repository says when it was recorded, as of every other event.
            found[row.id] = {name: value for name, value in made.items() if name != "recordTime"}
    return found


def _moved(row: Event) -> list[Moved]:
    """All goods of the event; those to which something happened are not told as touched as well."""
    entries = [(side_of(entry), UUID(hex=custody).bytes, abs(amount)) for custody, entry, amount in row.entries]
    changed = {custody for side, custody, _ in entries if side != "touched"}
    touched = dict.fromkeys(custody for side, custody, _ in entries if custody not in changed)
    moved: list[Moved] = [(side, custody, amount) for side, custody, amount in entries if side != "touched"]
    return moved + [("touched", custody, None) for custody in touched]


def _captured(snapshot: Snapshot, rows: Iterable[Event], context: Any = None) -> list[Shown]:
    """Captured events, as they came."""
    listed = list(rows)
    bodies = captures.bodies(snapshot, [row.id for row in listed])
    return [shown_of(row, _event(row, bodies[row.id]), context or own_context(bodies[row.id])) for row in listed]


def _event(row: Event, body: Mapping[str, Any]) -> CapturedEvent:
    return CapturedEvent(
        row.id, row.epcis_event_id, str(body["type"]), row.event_time, hash_uri(row.content_hash), body
    )


class Publisher:
    """Publishes of its own accord: what this process recorded at once, and what others did that are no more."""

    def __init__(self, engine: Database, writer: Writer, url: str, *, poll: float = POLL) -> None:
        """`url`: what the addresses of our own codes begin with."""
        self._engine = engine
        self._writer = writer
        self._url = url
        self._poll = poll
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._at_work = threading.Lock()
        self._documents_read = False
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends after the page that it is at."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def hear(self, touched: Collection[str]) -> None:
        """What this process has committed."""
        if UNPUBLISHED in touched:
            self._wake.set()

    def catch_up(self) -> int:
        """Publishes all that waits; how many events that were. Raises StoreUnavailable."""
        total = 0
        with self._at_work:
            while not self._stop.is_set():
                with reading(self._engine) as snapshot:
                    ids = published.waiting(snapshot, PAGE)
                total += self._show(ids)
                if len(ids) < PAGE:
                    break
        return total

    def _documents(self) -> int:
        """Captured events from before there was a repository, with the contexts of the documents that brought them."""
        total, after = 0, None
        while not self._stop.is_set():
            with reading(self._engine) as snapshot:
                documents = captures.listed(snapshot, after, 1)
            if not documents:
                self._documents_read = True
                break
            (document,) = documents
            after = document.id
            ids = [UUID(one) for one in document.event_ids if isinstance(one, str)]
            for start in range(0, len(ids), PAGE):
                with reading(self._engine) as snapshot:
                    still = published.still_waiting(snapshot, ids[start : start + PAGE])
                total += self._show(sorted(still), document.envelope)
        return total

    def _show(self, ids: Sequence[UUID], envelope: Mapping[str, Any] | None = None) -> int:
        """Publishes these, of the document with this envelope, and sets aside what nothing can be made of; how many
        were published."""
        reasons: dict[UUID, str] = {}
        shown = self._halves(ids, envelope, reasons) if ids else 0
        if reasons:
            self._writer.apart(set_aside, SetAside(reasons))
        return shown

    def _halves(self, ids: Sequence[UUID], envelope: Mapping[str, Any] | None, reasons: dict[UUID, str]) -> int:
        """All at once; where that fails, half by half, until it is known of which event it does."""
        total = 0
        try:
            command, captured = self._told(ids, envelope)
            if captured and envelope is None and not self._documents_read:
                total = self._documents()
            return total + self._writer.apart(publish, command)
        except (StoreUnavailable, MemoryError):
            raise
        except Exception as error:
            if len(ids) == 1:
                log.warning("event %s cannot be published", ids[0], exc_info=error)
                reasons[ids[0]] = printable(f"{type(error).__name__}: {error}")[:LONGEST]
                return total
        middle = len(ids) // 2
        return sum((total, *(self._halves(half, envelope, reasons) for half in (ids[:middle], ids[middle:]))))

    def _told(self, ids: Sequence[UUID], envelope: Mapping[str, Any] | None) -> tuple[Publish, bool]:
        """And whether captured events are among them. Raises BehindAnother, and whatever keeps an event from being
        told."""
        with reading(self._engine) as snapshot:
            rows = recorded.by_id(snapshot, ids)
            page = [row for row in rows if not row.kind.startswith(CAPTURED)]
            # What a correction takes back may wait beyond the page.
            targets = {UUID(row.body["event_id"]) for row in page if row.kind == "correct"} - set(ids)
            if targets and (aside := published.aside(snapshot, targets)):
                raise BehindAnother(f"what it takes back is set aside: {min(aside)}")
            page += recorded.by_id(snapshot, published.still_waiting(snapshot, targets))
            before = [row for row in rows if row.kind.startswith(CAPTURED)]
            shown = native(snapshot, page, self._url) + _captured(snapshot, before, own_context(envelope or {}))
        return Publish({*ids, *(row.id for row in page)}, shown), bool(before)

    def _again(self) -> None:
        """Another program than the one that set something aside may know what to make of it."""
        with reading(self._engine) as snapshot:
            aside = published.any_aside(snapshot)
        if aside:
            log.info("%d events that were set aside are tried again", self._writer.apart(try_again, None))

    def _run(self) -> None:
        begun = False
        while True:
            self._wake.wait(self._poll)
            self._wake.clear()
            if self._stop.is_set():
                return
            try:
                if not begun:
                    self._again()
                    begun = True
                self.catch_up()
            except StoreUnavailable as error:
                log.warning("events cannot be published: %s", error)
                self._stop.wait(self._poll)
            except Exception:
                log.exception("events could not be published")
                self._stop.wait(PAUSE)
