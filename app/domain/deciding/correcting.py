"""Corrections: nothing is edited or deleted. A new event points at the wrong one, amends what identifies nothing, or
voids it and lets a replacement take its place; what hung on the voided custody is re-parented or becomes a gap.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.domain import ids
from app.domain.deciding.draft import Draft, active_party, amount_of, as_entered, grams_and_pieces, withdrawal_until
from app.domain.deciding.making import inputs_used
from app.domain.errors import Conflict, Forbidden, Invalid
from app.domain.events import Correct, Original, Output, OutsideItem, Produce, Receive, SlipPart, Transform
from app.domain.rights import Role
from app.domain.rows import (
    ENTRIES,
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

_OUTFLOWS = [entry for entry in ENTRIES if entry != "in"]


def target_of(draft: Draft, event: Correct) -> Event:
    """The event to correct, where the principal may: its own, an admin any; NotFound, Forbidden, Conflict."""
    target = draft.ledger.event(event.event_id)
    principal = draft.principal
    own = target.recorder_id == principal.recorder_id or (
        principal.party_id is not None and target.party_id == principal.party_id
    )
    if not own and principal.role is not Role.ADMIN:
        raise Forbidden(
            "not-your-event", "只能更正自己的记录 · only your own events can be corrected", identity=str(target.id)
        )
    if target.kind == "correct" or target.kind.startswith("epcis."):
        raise Conflict(
            "not-correctable",
            "更正不能再更正，请更正原记录的替代记录 · correct the replacement instead",
            identity=str(target.id),
        )
    known = draft.ledger.find(Correction, target.id)
    if known is not None and known.correcting_event_id != draft.event.id:
        raise Conflict("already-corrected", "该记录已被更正 · corrected already", identity=str(target.id))
    if event.replacement is not None and event.replacement.kind != target.kind:
        raise Invalid(
            "other-kind",
            f"替代记录必须同为 {target.kind} · a replacement is of the same kind",
            pointer="/replacement/kind",
        )
    active_party(draft.ledger, principal)
    return target


def note(draft: Draft, event: Correct, target: Event, replacement: Event | None) -> None:
    draft.ledger.add(
        Correction(target.id, draft.event.id, event.reason, replacement.id if replacement else None, draft.ledger.now)
    )
    for key in {UUID(hex=hexed) for hexed, _, _ in target.entries}:
        custody = draft.ledger.find(Custody, key)
        if custody is not None:
            draft.enter(custody, TOUCHED)


# --- the same thing, other figures ---


def amends(target: Event, replacement: Original) -> bool:
    """True where the replacement names the same site, lots and partners, so that ids and codes stay."""
    body = target.body
    if str(getattr(replacement, "site_id", None)) != str(body.get("site_id")):
        return False
    outputs = target.outcome["outputs"]
    match replacement:
        case Produce() | Transform():
            same = [
                (str(new.product_id), new.lot_number) == (old["product_id"], said.get("lot_number"))
                for new, old, said in zip(replacement.outputs, outputs, body["outputs"], strict=False)
            ]
            if len(replacement.outputs) != len(outputs) or not all(same):
                return False
            if isinstance(replacement, Transform):
                return [str(i.custody_id) for i in replacement.inputs] == [i["custody_id"] for i in body["inputs"]]
            return True
        case Receive(slip_code=None):
            said = body["items"]
            return len(replacement.items or ()) == len(said) and all(
                isinstance(new, OutsideItem)
                and str(new.product_id) == old["product_id"]
                and new.lot_number == old.get("lot_number")
                for new, old in zip(replacement.items or (), said, strict=True)
            )
        case Receive(items=items, slip_code=slip_code) if items is not None:
            said = body.get("items")
            return (
                slip_code == body.get("slip_code")
                and said is not None
                and [str(i.custody_id) for i in items if isinstance(i, SlipPart)] == [i["custody_id"] for i in said]
                and len({o["lot_id"] for o in outputs}) == len(said)
            )
    return False


def amend(draft: Draft, target: Event, replacement: Original, event: Event) -> None:
    """Sets quantities and days of what the target made right; custody, lot and code stay what they are."""
    ledger = draft.ledger
    pairs: list[tuple[Output | OutsideItem | SlipPart, dict[str, Any]]] = []
    match replacement:
        case Produce(outputs=made) | Transform(outputs=made):
            pairs = list(zip(made, target.outcome["outputs"], strict=True))
        case Receive(items=items):
            outputs = target.outcome["outputs"]
            if replacement.slip_code is not None:
                by_lot = {o["lot_id"]: o for o in outputs}
                parts = [i for i in items or () if isinstance(i, SlipPart)]
                pairs = [(p, by_lot[str(ledger.custody(p.custody_id).lot_id)]) for p in parts]
            else:
                pairs = list(zip(items or (), outputs, strict=True))
    for i, (said, output) in enumerate(pairs):
        custody = ledger.custody(UUID(output["custody_id"]))
        product = ledger.product(custody.product_id)
        amount = amount_of(product, said.quantity, f"/replacement/outputs/{i}/quantity")
        before = _entered(target, custody.id, "in")
        draft.enter(custody, "in", amount - before)
        grams, pieces = grams_and_pieces(product, amount)
        if not isinstance(replacement, Transform):
            for link in [x for x in ledger.links_up[custody.id] if x.event_id == target.id]:
                ledger.edit(link, grams=grams, pieces=pieces)
                _amend_slip(draft, target, link.parent_id, amount - before)
        if not isinstance(said, SlipPart):
            lot = ledger.lot(custody.lot_id)
            ledger.edit(
                lot, produced_on=said.produced_on or lot.produced_on, expires_on=said.expires_on or lot.expires_on
            )
            ledger.edit(custody, expires_on=lot.expires_on)
        draft.outputs.append(output | {"quantity": as_entered(product, said.quantity, amount)})
    if isinstance(replacement, Produce):
        _amend_used(draft, replacement, target)
    if isinstance(replacement, Transform):
        for i, item in enumerate(replacement.inputs):
            custody = ledger.custody(item.custody_id)
            product = ledger.product(custody.product_id)
            amount = amount_of(product, item.quantity, f"/replacement/inputs/{i}/quantity")
            draft.enter(custody, "processed", amount - _entered(target, custody.id, "processed"))
            grams, pieces = grams_and_pieces(product, amount)
            for output in target.outcome["outputs"]:
                for link in ledger.links_up[UUID(output["custody_id"])]:
                    if link.parent_id == custody.id and link.event_id == target.id:
                        ledger.edit(link, grams=grams, pieces=pieces)
    for key in {UUID(hex=hexed) for hexed, _, _ in draft.event.entries}:
        ledger.enter(event, ledger.custody(key), TOUCHED)


def _amend_used(draft: Draft, replacement: Produce, target: Event) -> None:
    used = inputs_used(replacement) or None
    for output in target.outcome["outputs"]:
        draft.ledger.edit(draft.ledger.lot(UUID(output["lot_id"])), inputs_used=used)
        draft.ledger.edit(draft.ledger.custody(UUID(output["custody_id"])), withdrawal_until=withdrawal_until(used))


def _amend_slip(draft: Draft, target: Event, parent_id: UUID, difference: int) -> None:
    item = draft.ledger.find(SlipItem, (_standing_slip(draft, target), parent_id))
    if item is not None:
        draft.ledger.edit(item, received=item.received + difference)


def _standing_slip(draft: Draft, received: Event) -> str | None:
    """The slip that goods were received off, or the one that has taken its place since."""
    text: str | None = received.outcome["slip_code"]
    while text is not None and (code := draft.ledger.find(Code, text)) is not None and code.replacement is not None:
        text = code.replacement
    return text


def _entered(event: Event, custody_id: UUID, entry: str) -> int:
    return sum(amount for hexed, name, amount in event.entries if hexed == custody_id.hex and name == entry)


# --- it did not happen so ---


@dataclass(slots=True)
class Voided:
    """What lost its ground: custodies in the order of the outputs, and what had been received off a voided slip."""

    made: list[Custody]
    slip: Slip | None = None
    orphans: list[tuple[int, Link]] = field(default_factory=list)  # (position on the slip, the receiver's link)


def void(draft: Draft, target: Event) -> Voided:
    """Takes back what the target did; what depended on it waits for `succeed` or `abandon`."""
    ledger = draft.ledger
    made = [ledger.custody(UUID(output["custody_id"])) for output in target.outcome["outputs"]]
    for hexed, entry, amount in list(target.entries):
        if entry != TOUCHED:
            draft.enter(ledger.custody(UUID(hex=hexed)), entry, -amount)
    for custody in made:
        for link in [link for link in ledger.links_up[custody.id] if link.event_id == target.id]:
            item = ledger.find(SlipItem, (_standing_slip(draft, target), link.parent_id))
            if item is not None:
                ledger.edit(item, received=item.received - _amount(custody, link))
            ledger.remove(link)
        _revoke(draft, custody.code, "voided", None)
        ledger.edit(custody, kind="gap", gap_reason="voided", voided_by=draft.event.id)
    _void_hold(draft, target)
    for attachment in [row for row in ledger.rows[Attachment].values() if row.event_id == target.id]:
        ledger.remove(attachment)
        draft.touched.add(attachment.subject_id.hex)
    match target.kind:
        case "admit":
            _void_admission(draft, target)
        case "identify":
            _void_identify(draft, target)
        case "ship" if target.outcome["slip_code"]:
            return _void_slip(draft, target, made)
    return Voided(made)


def abandon(draft: Draft, voided: Voided) -> None:
    """Nothing takes the place of what was voided: whoever had received goods now holds goods of unknown origin."""
    for _, link in voided.orphans:
        _orphan(draft, link)


def succeed(draft: Draft, voided: Voided, replacement: Draft) -> None:
    """The replacement takes over: codes lead to its custodies, and what came out of the old comes out of them."""
    ledger = draft.ledger
    heirs = [ledger.custody(UUID(output["custody_id"])) for output in replacement.outputs]
    for gone, heir in zip(voided.made, heirs, strict=False):
        _revoke(draft, gone.code, "replaced", heir.code)
        for link in list(ledger.links_down[gone.id]):
            _adopt(draft, link, heir)
        for item in [row for row in ledger.rows[SlipItem].values() if row.custody_id == gone.id]:
            ledger.remove(item)
            ledger.add(
                SlipItem(
                    item.slip_code, heir.id, heir.product_id, heir.lot_id, item.position, item.amount, item.received
                )
            )
            draft.touched.add(item.slip_code)
        if gone.measure == heir.measure:
            for entry in _OUTFLOWS:
                amount = getattr(gone, ENTRIES[entry])
                if amount:
                    draft.enter(gone, entry, -amount)
                    draft.enter(heir, entry, amount)
    if voided.slip is not None and replacement.slip_code is not None:
        _revoke(draft, voided.slip.code, "replaced", replacement.slip_code)
        items = {item.position: item for item in ledger.items[replacement.slip_code]}
        for position, link in voided.orphans:
            item = items.get(position)
            if item is None:
                _orphan(draft, link)
                continue
            ledger.edit(item, received=item.received + _amount(ledger.custody(link.child_id), link))
            _adopt(draft, link, ledger.custody(item.custody_id))
    else:
        abandon(draft, voided)


def _adopt(draft: Draft, link: Link, parent: Custody) -> None:
    draft.ledger.remove(link)
    draft.ledger.add(Link(link.child_id, parent.id, link.event_id, link.kind, link.grams, link.pieces, link.claimed_by))
    draft.enter(draft.ledger.custody(link.child_id), TOUCHED)


def _orphan(draft: Draft, link: Link) -> None:
    ledger = draft.ledger
    child = ledger.custody(link.child_id)
    gap = Custody(
        ids.custody_id(link.parent_id, child.id, draft.event.id), "gap", None, child.lot_id, child.product_id,
        None, child.party_id, child.measure, draft.event.id, draft.event.event_time,
        gap_reason="voided", reported_by=child.party_id,
    )  # fmt: skip
    ledger.add(gap)
    draft.enter(gap, TOUCHED)
    ledger.remove(link)
    ledger.add(Link(child.id, gap.id, link.event_id, "outside", link.grams, link.pieces))
    draft.enter(child, TOUCHED)


def _amount(custody: Custody, link: Link) -> int:
    return (link.grams if custody.measure == "weight" else link.pieces) or 0


def _revoke(draft: Draft, text: str | None, reason: str, replacement: str | None) -> None:
    code = draft.ledger.find(Code, text) if text else None
    if code is not None:
        draft.ledger.edit(
            code,
            status="revoked",
            reason=reason,
            replacement=replacement or code.replacement,
            revoked_at=draft.ledger.now,
        )
        draft.touched.add(code.code)


def _void_hold(draft: Draft, target: Event) -> None:
    ledger = draft.ledger
    hold = ledger.find(Hold, target.id)
    if hold is not None and hold.released_by is None:
        ledger.edit(hold, released_by=draft.event.id)
        draft.touched.update((hold.lot_id.hex, hold.custody_id.hex))
    for other in [row for row in ledger.rows[Hold].values() if row.released_by == target.id]:
        ledger.edit(other, released_by=None)
        draft.touched.update((other.lot_id.hex, other.custody_id.hex))


def _void_admission(draft: Draft, target: Event) -> None:
    slip = draft.ledger.find(Slip, target.outcome["slip_code"])
    if slip is not None:
        draft.ledger.edit(slip, admission=None)
        draft.touched.add(slip.code)
        return
    for hexed, _, _ in target.entries:
        draft.ledger.edit(draft.ledger.custody(UUID(hex=hexed)), admission=None)


def _void_identify(draft: Draft, target: Event) -> None:
    """A claim falls away; a confirmation falls back to the claim of the first side."""
    for link in list(draft.ledger.links_up[UUID(target.body["gap_custody_id"])]):
        if link.event_id == target.id:
            draft.ledger.remove(link)
        elif target.outcome["decision"] == "confirmed" and str(link.parent_id) == target.body["parent_custody_id"]:
            draft.ledger.edit(link, claimed_by=draft.ledger.event(link.event_id).party_id)


def _void_slip(draft: Draft, target: Event, made: list[Custody]) -> Voided:
    ledger = draft.ledger
    slip = ledger.slip(target.outcome["slip_code"])
    ledger.edit(slip, status="voided")
    _revoke(draft, slip.code, "voided", None)
    orphans = []
    for item in ledger.items[slip.code]:
        for link in ledger.links_down[item.custody_id]:
            arrival = ledger.find(Event, link.event_id)
            if arrival is not None and arrival.kind == "receive" and arrival.outcome["slip_code"] == slip.code:
                orphans.append((item.position, link))
                ledger.edit(item, received=item.received - _amount(ledger.custody(link.child_id), link))
    return Voided(made, slip, orphans)
