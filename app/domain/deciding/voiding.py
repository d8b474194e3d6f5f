"""Taking back what a wrong event did. Nothing is edited or deleted: the correcting event enters the opposite, and what
had its ground in the wrong one is let go of, until `correcting` says what becomes of it."""

from dataclasses import dataclass, field
from uuid import UUID

from app.domain.deciding.checking import admit_slip
from app.domain.deciding.draft import Draft, Kept
from app.domain.deciding.identifying import claiming_side
from app.domain.deciding.moving import received_off, standing_slip
from app.domain.rows import (
    TOUCHED,
    Attachment,
    Code,
    Correction,
    Custody,
    Event,
    Hold,
    Link,
    Slip,
    SlipItem,
)


@dataclass(slots=True)
class Voided:
    """What has lost its ground: the custodies made, with the holds that were on them, and what was received off a slip
    that stands no more."""

    kept: Kept
    held: dict[UUID, list[Hold]]
    slip: Slip | None = None
    orphans: list[tuple[SlipItem, Link]] = field(default_factory=list)


def void(draft: Draft, target: Event) -> Voided:
    """Takes back what the target did to balances, slips, holds, papers and gaps."""
    ledger = draft.ledger
    made = [ledger.custody(UUID(output["custody_id"])) for output in target.outcome["outputs"]]
    held = {custody.id: ledger.holds_on(custody) for custody in made}
    _reverse(draft, target)
    slip_code = standing_slip(ledger, target.outcome["slip_code"])
    gaps: dict[UUID, Custody] = {}
    for custody in made:
        for link in [link for link in ledger.links_up[custody.id] if link.event_id == target.id]:
            item = ledger.find(SlipItem, (slip_code, link.parent_id))
            if item is not None:
                ledger.edit(item, received=item.received - amount_on(custody, link))
            if link.kind == "outside":
                gaps[custody.id] = ledger.custody(link.parent_id)
            ledger.remove(link)
    for attachment in [row for row in ledger.rows[Attachment].values() if row.event_id == target.id]:
        ledger.remove(attachment)
        other = _said_again(draft, target, attachment)
        if other is not None:
            ledger.add(Attachment(attachment.subject_id, attachment.document_id, other.id))
        draft.touched.add(attachment.subject_id.hex)
    _void_hold(draft, target)
    voided = Voided(Kept(target, made, _said(target), gaps), held)
    match target.kind:
        case "admit":
            _void_admission(draft, target)
        case "identify":
            _void_identification(draft, target)
        case "ship" if target.outcome["slip_code"]:
            _void_slip(draft, target, voided)
    return voided


def close_gap(draft: Draft, gap: Custody) -> None:
    """Nothing comes out of the gap any more; what was said of its source falls away with it."""
    for identification in _identifications(draft, gap.id):
        _withdraw(draft, identification)
    for link in list(draft.ledger.links_up[gap.id]):
        draft.ledger.remove(link)
    draft.ledger.edit(gap, voided_by=draft.event.id)
    draft.enter(gap, TOUCHED)


def revoke(draft: Draft, text: str | None, reason: str, replacement: str | None) -> None:
    """Ends a code; `replacement` is where it leads from now on."""
    code = draft.ledger.find(Code, text) if text else None
    if code is not None:
        draft.ledger.edit(code, status="revoked", reason=reason, replacement=replacement, revoked_at=draft.ledger.now)
        draft.touched.add(code.code)


def amount_on(custody: Custody, link: Link) -> int:
    """What the link brought, in the custody's measure."""
    return (link.grams if custody.measure == "weight" else link.pieces) or 0


def _said(target: Event) -> list[tuple[UUID, str | None] | None]:
    """How the event named each thing that it made; None for what it did not name but took over."""
    if target.kind in ("produce", "transform"):
        named = target.body["outputs"]
    elif target.kind == "receive" and target.body.get("from"):
        named = target.body["items"]
    else:
        return [None] * len(target.outcome["outputs"])
    return [(UUID(each["product_id"]), (each.get("lot_number") or "").strip() or None) for each in named]


def _reverse(draft: Draft, event: Event) -> None:
    for hexed, entry, amount in list(event.entries):
        if entry != TOUCHED:
            custody = draft.ledger.custody(UUID(hex=hexed))
            heir = draft.ledger.standing(custody)
            draft.enter(heir if heir.measure == custody.measure else custody, entry, -amount)


def _said_again(draft: Draft, target: Event, attachment: Attachment) -> Event | None:
    """Another event that lets the document speak for the same goods."""
    ledger = draft.ledger
    for entry in ledger.timeline[attachment.subject_id]:
        if entry.kind in ("certify", "receive") and entry.event_id != target.id:
            event = ledger.event(entry.event_id)
            named = [event.body.get("document_id"), *(event.body.get("from") or {}).get("document_ids", ())]
            says = attachment.document_id in {UUID(text) for text in named if text}
            if says and ledger.find(Correction, event.id) is None:
                return event
    return None


def _withdraw(draft: Draft, event: Event) -> None:
    """Another's event that says nothing any more, now that what it answered is gone."""
    _reverse(draft, event)
    reason = str(draft.event.body["reason"])
    draft.ledger.add(Correction(event.id, draft.event.id, reason, None, draft.ledger.now))


def _void_hold(draft: Draft, target: Event) -> None:
    ledger = draft.ledger
    hold = ledger.find(Hold, target.id)
    if hold is not None:
        # Whoever may have released it has nothing to take back any more.
        ledger.edit(hold, released_by=draft.event.id)
        draft.touched.update((hold.lot_id.hex, hold.custody_id.hex))
    for other in [row for row in ledger.rows[Hold].values() if row.released_by == target.id]:
        ledger.edit(other, released_by=None)
        draft.touched.update((other.lot_id.hex, other.custody_id.hex))


# --- admission ---


def _void_admission(draft: Draft, target: Event) -> None:
    """The decision before it counts again, where there was one."""
    ledger = draft.ledger
    slip_code = standing_slip(ledger, target.outcome["slip_code"])
    judged = [ledger.custody(UUID(hex=hexed)) for hexed, _, _ in target.entries]
    if slip_code is not None:
        admit_slip(draft, ledger.slip(slip_code), _decision_before(draft, target, judged[0], slip_code))
        return
    for custody in judged:
        ledger.edit(custody, admission=_decision_before(draft, target, custody, None))


def _decision_before(draft: Draft, target: Event, custody: Custody, slip_code: str | None) -> str | None:
    ledger = draft.ledger
    others = [
        event
        for entry in ledger.timeline[custody.id]
        if entry.kind == "admit" and entry.event_id != target.id and ledger.find(Correction, entry.event_id) is None
        if standing_slip(ledger, (event := ledger.event(entry.event_id)).outcome["slip_code"]) == slip_code
    ]
    latest = max(others, key=lambda event: event.record_time, default=None)
    return latest.outcome["decision"] if latest else None


# --- identification ---


def _identifications(draft: Draft, gap_id: UUID) -> list[Event]:
    """Events that name the source of a gap and stand."""
    ledger = draft.ledger
    return [
        ledger.event(entry.event_id)
        for entry in ledger.timeline[gap_id]
        if entry.kind == "identify" and ledger.find(Correction, entry.event_id) is None
    ]


def _void_identification(draft: Draft, target: Event) -> None:
    """A claim takes with it whoever agreed; without an agreement the claim stands alone again."""
    ledger = draft.ledger
    gap_id = UUID(target.body["gap_custody_id"])
    for link in list(ledger.links_up[gap_id]):
        if link.event_id == target.id:
            ledger.remove(link)
            for other in _identifications(draft, gap_id):
                if other.id != target.id and other.outcome["decision"] == "confirmed":
                    _withdraw(draft, other)
        elif target.outcome["decision"] == "confirmed":
            ledger.edit(link, claimed_by=claiming_side(draft, link))


def _void_slip(draft: Draft, target: Event, voided: Voided) -> None:
    ledger = draft.ledger
    slip = ledger.slip(target.outcome["slip_code"])
    voided.slip, voided.orphans = slip, received_off(ledger, slip)
    for item, link in voided.orphans:
        ledger.edit(item, received=item.received - amount_on(ledger.custody(link.child_id), link))
    ledger.edit(slip, status="voided")
    revoke(draft, slip.code, "voided", None)
