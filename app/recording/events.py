"""Events: appended, decided in batches, and read back.

`record_events` is the job that the writer runs for a batch; its result for each command is a Decision or the Refusal
that kept the event out. What the decisions touch goes to the change feed with the same commit.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from app.domain import codes
from app.domain.deciding import Decision, Record, decide
from app.domain.errors import NotFound, Refusal
from app.domain.holds import ONWARD
from app.domain.rights import Principal
from app.domain.rows import Event, Flag, Hold
from app.domain.selling import HOLDS_ONWARD
from app.recording.alerts import raise_for_event
from app.store import events as store_events
from app.store.engine import Database, Snapshot, reading
from app.store.holds import any_onward
from app.store.ledger import write
from app.store.loading import load
from app.store.writer import Transaction

# Filters by lot, custody or flag look at this many of the latest; a narrower time range finds older ones.
LATEST = 10_000


def record_events(transaction: Transaction, commands: Sequence[Record]) -> Sequence[Decision | Exception]:
    """Decides the commands in their order, later ones seeing earlier ones, and writes the result."""
    ledger = load(transaction, commands, codes.mint)
    results: list[Decision | Exception] = []
    for command in commands:
        try:
            decision = decide(ledger, command, transaction.skew)
        except Refusal as refusal:
            results.append(refusal)
            continue
        transaction.touched |= decision.touched
        raise_for_event(transaction, ledger, command, decision)
        results.append(decision)
    placed = any(hold.scope in ONWARD and hold.released_by is None for hold in ledger.changed[Hold].values())
    if placed and not any_onward(transaction.connection):
        transaction.touched.add(HOLDS_ONWARD)
    write(transaction, ledger)
    return results


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with what is said of it: its flags, and the event that corrected it."""

    event: Event
    flags: list[Flag]
    corrected_by: UUID | None

    def shown(self) -> dict[str, Any]:
        """As the contract's event list shows it; event_time in the recorder's own offset."""
        event = self.event
        offset = timezone(timedelta(minutes=event.utc_offset))
        return {
            "id": str(event.id),
            "kind": event.kind,
            "event_time": event.event_time.astimezone(offset).isoformat(),
            "record_time": event.record_time.isoformat(),
            "site_id": str(event.site_id) if event.site_id else None,
            "party_id": str(event.party_id) if event.party_id else None,
            "role": event.role,
            "ref": event.ref,
            "body": event.body,
            "outcome": event.outcome,
            "flags": [{"slug": flag.slug, "detail": flag.detail} for flag in self.flags],
            "corrected_by": str(self.corrected_by) if self.corrected_by else None,
            "epcis_event_id": event.epcis_event_id,
        }


def find_events(
    database: Database,
    principal: Principal,
    *,
    kind: str | None = None,
    site_id: UUID | None = None,
    lot_id: UUID | None = None,
    custody_id: UUID | None = None,
    party_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    flag: str | None = None,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
) -> list[Recorded]:
    """At most `limit` events that the principal may see, latest recorded first."""
    with reading(database) as snapshot:
        only: set[UUID] | None = None
        if lot_id is not None or custody_id is not None:
            custodies = [custody_id] if custody_id else []
            if lot_id is not None:
                custodies += store_events.custodies_of_lot(snapshot, lot_id, LATEST)
            only = set(store_events.events_of_custodies(snapshot, custodies, LATEST))
        if flag is not None:
            named = set(store_events.flagged(snapshot, flag, LATEST))
            only = named if only is None else only & named
        if only is not None and not only:
            return []
        found = store_events.search(
            snapshot, principal, kind=kind, site_id=site_id, party_id=party_id, since=since, until=until,
            only=only, limit=limit, after=after,
        )  # fmt: skip
        return _with_notes(snapshot, found)


def find_event(database: Database, principal: Principal, event_id: UUID) -> Recorded:
    """One event; NotFound where there is none, or none that the principal may see."""
    with reading(database) as snapshot:
        found = _with_notes(snapshot, store_events.search(snapshot, principal, only=[event_id], limit=1))
    if not found:
        raise NotFound("unknown-event", f"没有这个记录：{event_id} · no event {event_id} that you may see")
    return found[0]


def _with_notes(snapshot: Snapshot, events: Sequence[Event]) -> list[Recorded]:
    keys = [event.id for event in events]
    flags: dict[UUID, list[Flag]] = defaultdict(list)
    for flag in store_events.flags(snapshot, keys):
        flags[flag.event_id].append(flag)
    corrected = {row.event_id: row.correcting_event_id for row in store_events.corrections(snapshot, keys)}
    return [Recorded(event, flags[event.id], corrected.get(event.id)) for event in events]
