"""Corrections: a new event points at the wrong one, takes back what it did, and lets a replacement take its place. What
the replacement says the same of keeps its ids and codes; the rest is voided, and what hung on it is re-parented to what
has taken its place, or comes out of a gap.
"""

from uuid import UUID

from app.domain import ids
from app.domain.deciding.checking import may_lift
from app.domain.deciding.draft import Draft
from app.domain.deciding.moving import make_gap
from app.domain.deciding.voiding import Voided, amount_on, close_gap, revoke
from app.domain.errors import Conflict, Forbidden, Invalid
from app.domain.events import Correct
from app.domain.ledger import Ledger
from app.domain.rights import Role
from app.domain.rows import ENTRIES, TOUCHED, Correction, Custody, Event, Link, SlipItem

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
    if target.kind == "recall":
        raise Conflict(
            "not-correctable",
            "召回不能更正，请修改或结束该召回 · a recall is not corrected: narrow or close it",
            identity=str(target.id),
        )
    if target.kind == "correct" or target.kind.startswith("epcis."):
        raise Conflict(
            "not-correctable",
            "更正不能再更正，请更正原记录的替代记录 · correct the replacement instead",
            identity=str(target.id),
        )
    if draft.ledger.find(Correction, target.id) is not None:
        raise Conflict("already-corrected", "该记录已被更正 · corrected already", identity=str(target.id))
    if event.replacement is not None and event.replacement.kind != target.kind:
        raise Invalid(
            "other-kind",
            f"替代记录必须同为 {target.kind} · a replacement is of the same kind",
            pointer="/replacement/kind",
        )
    draft.locate(event.site_id, target.site_id)
    return target


def note(draft: Draft, event: Correct, target: Event, replacement: Event | None) -> None:
    """Points from the target to the correction and its replacement, also on the timelines."""
    draft.ledger.add(
        Correction(target.id, draft.event.id, event.reason, replacement.id if replacement else None, draft.ledger.now)
    )
    for key in {UUID(hex=hexed) for hexed, _, _ in target.entries}:
        draft.enter(draft.ledger.custody(key), TOUCHED)


def settle(draft: Draft, voided: Voided, replacement: Draft | None) -> None:
    """What becomes of what was voided: taken up again by the replacement, succeeded by something that it made, or
    unknown. Forbidden where that would lift another's hold, Conflict where goods would come from themselves."""
    ledger = draft.ledger
    made = [ledger.custody(UUID(output["custody_id"])) for output in replacement.outputs] if replacement else []
    stays, before = {custody.id for custody in made}, {custody.id for custody in voided.kept.made}
    gone = [custody for custody in voided.kept.made if custody.id not in stays]
    heirs = _heirs(gone, [custody for custody in made if custody.id not in before])
    moved = list(stays)
    for custody in gone:
        heir = heirs.get(custody.id)
        _end(draft, custody, voided, heir)
        if heir is not None:
            moved += _inherit(draft, custody, heir)
    for gap in voided.kept.gaps.values():
        if not ledger.links_down[gap.id]:
            close_gap(draft, gap)
    moved += _settle_slip(draft, voided, replacement.slip_code if replacement else None)
    for key in moved:
        _refuse_loop(ledger, key)


def _heirs(gone: list[Custody], made: list[Custody]) -> dict[UUID, Custody]:
    """Who takes whose place: the same lot, else the same product, else the next in order where the numbers agree."""
    heirs: dict[UUID, Custody] = {}
    left = list(made)
    for same in ("lot_id", "product_id"):
        for custody in gone:
            fitting = [other for other in left if getattr(other, same) == getattr(custody, same)]
            if custody.id not in heirs and fitting:
                heirs[custody.id] = fitting[0]
                left.remove(fitting[0])
    alone = [custody for custody in gone if custody.id not in heirs]
    if len(alone) == len(left):
        heirs |= {custody.id: heir for custody, heir in zip(alone, left, strict=True)}
    return heirs


def _end(draft: Draft, custody: Custody, voided: Voided, heir: Custody | None) -> None:
    for hold in voided.held[custody.id]:
        if hold.released_by is None and not may_lift(draft.principal, hold):
            raise Forbidden(
                "higher-authority",
                "货物被上级或其他机构暂停销售，解除后才能更正其来历 · these goods are on hold by another or higher "
                "authority; ask it to release them before their origin is corrected",
                identity=str(hold.id),
            )
    revoke(draft, custody.code, "replaced" if heir else "voided", heir.code if heir else None)
    draft.ledger.edit(custody, kind="gap", gap_reason="voided", voided_by=draft.event.id)


def _inherit(draft: Draft, gone: Custody, heir: Custody) -> list[UUID]:
    """What came out of the old comes out of the new; returns the custodies that have another parent now."""
    ledger = draft.ledger
    children = list(ledger.links_down[gone.id])
    for link in children:
        _adopt(draft, link, heir)
    for item in [row for row in ledger.rows[SlipItem].values() if row.custody_id == gone.id]:
        ledger.remove(item)
        ledger.add(
            SlipItem(item.slip_code, heir.id, heir.product_id, heir.lot_id, item.position, item.amount, item.received)
        )
        draft.touched.add(item.slip_code)
    if gone.measure == heir.measure:
        for entry in _OUTFLOWS:
            amount = getattr(gone, ENTRIES[entry])
            if amount:
                draft.enter(gone, entry, -amount)
                draft.enter(heir, entry, amount)
    return [link.child_id for link in children]


def _settle_slip(draft: Draft, voided: Voided, code: str | None) -> list[UUID]:
    """Goods that were received off a voided slip came off the new one, where it names them or what stood in their
    place; else nobody knows whence they came."""
    ledger = draft.ledger
    if voided.slip is None:
        return []
    before = {item.custody_id for item in ledger.items[voided.slip.code]}
    items = ledger.items[code] if code is not None else []
    if code is not None:
        revoke(draft, voided.slip.code, "replaced", code)
        if before == {item.custody_id for item in items}:
            ledger.edit(ledger.slip(code), admission=voided.slip.admission)
    same = {item.custody_id: item for item in items}
    other = {item.position: item for item in items if item.custody_id not in before}
    for old, link in voided.orphans:
        item = same.get(old.custody_id) or other.get(old.position)
        if item is None:
            _orphan(draft, link)
        else:
            ledger.edit(item, received=item.received + amount_on(ledger.custody(link.child_id), link))
            _adopt(draft, link, ledger.custody(item.custody_id))
    return [link.child_id for _, link in voided.orphans]


def _adopt(draft: Draft, link: Link, parent: Custody) -> None:
    draft.ledger.remove(link)
    draft.ledger.add(Link(link.child_id, parent.id, link.event_id, link.kind, link.grams, link.pieces, link.claimed_by))
    draft.enter(draft.ledger.custody(link.child_id), TOUCHED)


def _orphan(draft: Draft, link: Link) -> None:
    child = draft.ledger.custody(link.child_id)
    gap = make_gap(draft, ids.custody_id(link.parent_id, child.id, draft.event.id), child, "voided")
    draft.ledger.remove(link)
    draft.ledger.add(Link(child.id, gap.id, link.event_id, "outside", link.grams, link.pieces))
    draft.enter(child, TOUCHED)


def _refuse_loop(ledger: Ledger, key: UUID) -> None:
    above = {link.parent_id for custody in ledger.ancestors(key) for link in ledger.links_up[custody.id]}
    if key in above:
        raise Conflict(
            "would-loop", "货物不能来自自己的下游 · goods cannot come from their own descendants", identity=str(key)
        )
