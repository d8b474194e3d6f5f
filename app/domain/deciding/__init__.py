"""Decisions: the state of the chain, an event and a clock reading in; an outcome, or a Refusal, out.

What has happened is recorded even where it breaks a rule, and flagged. Only what the service itself decides refuses:
admission to a market, a slip for goods on hold; and what is nobody's right, or names things that do not exist.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.domain import ids
from app.domain.deciding import checking, correcting, identifying, making, moving, voiding
from app.domain.deciding.draft import Draft, active_party, check_time, may_record
from app.domain.errors import Conflict
from app.domain.events import AnyEvent, Correct
from app.domain.ledger import Ledger
from app.domain.rights import Principal, Role
from app.domain.rows import Event

_DECIDERS: dict[str, Callable[[Draft, Any], None]] = {
    "produce": making.produce,
    "transform": making.transform,
    "ship": moving.ship,
    "receive": moving.receive,
    "sell": moving.sell,
    "return": moving.give_back,
    "destroy": moving.destroy,
    "count": moving.count,
    "identify": identifying.identify,
    "certify": checking.certify,
    "observe": checking.observe,
    "test": checking.test,
    "admit": checking.admit,
    "hold": checking.hold,
    "release": checking.release,
}


@dataclass(frozen=True, slots=True)
class Record:
    """An event to record: who says it, what it says, and its JSON as it was posted."""

    principal: Principal
    event: AnyEvent
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Decision:
    """status: recorded, or duplicate for one that had been recorded with the same content."""

    status: str
    outcome: dict[str, Any]
    touched: frozenset[str] = frozenset()


def content_hash(body: dict[str, Any]) -> bytes:
    """SHA-256 of the event as posted, whatever the order of its fields."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


def decide(ledger: Ledger, command: Record, skew: timedelta = timedelta(minutes=5)) -> Decision:
    """Decides one event; raises a Refusal and leaves the ledger as it was where it cannot be recorded. `skew`: how far
    ahead its clock may be before that is flagged."""
    key = ids.event_id(command.principal.recorder_id, command.event.ref)
    digest = content_hash(command.body)
    known = ledger.find(Event, key)
    if known is not None:
        if known.content_hash == digest:
            return Decision("duplicate", known.outcome)
        raise Conflict(
            "ref-reused",
            f"ref {command.event.ref} 已用于另一内容，请换一个 · the ref was used with other content; use a new one",
            identity=str(key),
        )
    try:
        draft = _open(ledger, command.principal, command.event, command.body, digest, skew)
        if isinstance(command.event, Correct):
            _correct(draft, command.event)
        else:
            _DECIDERS[command.event.kind](draft, command.event)
        outcome = _close(draft)
    except Exception:
        ledger.rollback()
        raise
    ledger.commit()
    return Decision("recorded", outcome, frozenset(draft.touched))


def _open(
    ledger: Ledger, principal: Principal, event: AnyEvent, body: dict[str, Any], digest: bytes, skew: timedelta
) -> Draft:
    may_record(principal, event.kind)
    active_party(ledger, principal)
    offset = event.event_time.utcoffset()
    row = Event(
        id=ids.event_id(principal.recorder_id, event.ref),
        kind=event.kind,
        event_time=event.event_time,
        utc_offset=int(offset.total_seconds() // 60) if offset is not None else 0,
        record_time=ledger.now,
        site_id=event.site_id,
        party_id=principal.party_id or _seller(ledger, principal, event),
        recorder_id=principal.recorder_id,
        role=principal.role.value,
        ref=event.ref,
        content_hash=digest,
        body=body,
        outcome={},
        entries=[],
    )
    ledger.add(row)
    draft = Draft(ledger, principal, row, skew)
    check_time(draft)
    return draft


def _seller(ledger: Ledger, principal: Principal, event: AnyEvent) -> UUID | None:
    """Who trades at the stall that a device works for: what it records is that party's, to correct as well."""
    place = event.site_id or principal.site_id
    site = ledger.sites.get(place) if principal.role is Role.DEVICE and place is not None else None
    return site.party_id if site is not None else None


def _close(draft: Draft) -> dict[str, Any]:
    outcome = draft.outcome()
    draft.ledger.edit(draft.event, outcome=outcome)
    return outcome


def _correct(draft: Draft, event: Correct) -> None:
    target = correcting.target_of(draft, event)
    if event.replacement is None:
        correcting.settle(draft, voiding.void(draft, target), None)
        correcting.note(draft, event, target, None)
        return
    body = draft.event.body["replacement"]
    if draft.ledger.find(Event, ids.event_id(draft.principal.recorder_id, event.replacement.ref)) is not None:
        raise Conflict(
            "ref-reused", "替代记录需要新的 ref · the replacement needs a new ref", pointer="/replacement/ref"
        )
    replacement = _open(draft.ledger, draft.principal, event.replacement, body, content_hash(body), draft.skew)
    voided = voiding.void(draft, target)
    replacement.kept = voided.kept
    _DECIDERS[event.replacement.kind](replacement, event.replacement)
    correcting.settle(draft, voided, replacement)
    correcting.note(draft, event, target, replacement.event)
    draft.flags += replacement.flags
    draft.outputs, draft.slip_code = replacement.outputs, replacement.slip_code
    draft.decision, draft.reasons = replacement.decision, replacement.reasons
    draft.touched |= replacement.touched
    _close(replacement)
