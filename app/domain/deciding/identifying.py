"""Gaps: goods whose origin only a paper tells, until one side names the source and the other agrees."""

from uuid import UUID

from app.domain.deciding.draft import Draft
from app.domain.deciding.goods import flag_goods, flag_missing, grams_and_pieces
from app.domain.epcis.book import CAPTURED
from app.domain.errors import Conflict, Forbidden
from app.domain.events import Identify
from app.domain.masters import same_product
from app.domain.rights import owns_site
from app.domain.rows import TOUCHED, Correction, Custody, Link, Slip, TimelineEntry


def identify(draft: Draft, event: Identify) -> None:
    """Names the source of a gap from either side: `claimed` until the other side says the same, then `confirmed`.

    What the receiver says takes the place of what somebody else claims; anybody may claim to have been the source.
    """
    ledger, principal = draft.ledger, draft.principal
    gap, parent = ledger.custody(event.gap_custody_id), ledger.custody(event.parent_custody_id)
    below = [ledger.custody(link.child_id) for link in ledger.links_down[gap.id]]
    if gap.kind != "gap" or not below:
        raise Conflict("not-a-gap", "这不是来源缺口 · this is no gap, or none any more", identity=str(gap.id))
    if parent.kind != "custody" or parent.site_id is None:
        raise Conflict(
            "is-a-gap", "来源必须是系统内的批次 · the source must be goods in the system", identity=str(parent.id)
        )
    receivers = [ledger.site(custody.site_id) for custody in below if custody.site_id]
    giver = ledger.site(parent.site_id)
    own = [site for site in receivers if owns_site(principal, site, ledger.market(site))]
    gives = owns_site(principal, giver, ledger.market(giver))
    if not (own or gives):
        raise Forbidden("not-yours", "缺口两端都不是您的 · neither side of the gap is yours", identity=str(gap.id))
    draft.locate(event.site_id, own[0].id if own else giver.id)
    if gap.id in {custody.id for custody in ledger.ancestors(parent.id)}:
        raise Conflict("would-loop", "来源不能是自己的下游 · goods cannot come from their own descendants")
    if not same_product(ledger.product(parent.product_id), ledger.product(gap.product_id)):
        draft.flag("product_differs", "两端产品不同", "the products of the two sides differ")
    receiver = below[0].party_id
    side = receiver if own else giver.party_id
    agreed = _claimed_before(draft, gap, parent, receiver if own else None)
    if agreed is not None and not (own and gives) and agreed.claimed_by == side:
        raise Conflict(
            "already-claimed",
            "已登记，等待对方确认 · claimed already; the other side has to confirm",
            identity=str(gap.id),
        )
    closed = agreed is not None or bool(own and gives)
    if agreed is not None:
        ledger.edit(agreed, claimed_by=None)
    else:
        grams, pieces = grams_and_pieces(ledger.product(gap.product_id), _amount(draft, gap))
        said_by = None if closed else side
        ledger.add(Link(gap.id, parent.id, draft.event.id, "identify", grams, pieces, said_by))
    draft.decision = "confirmed" if closed else "claimed"
    draft.enter(gap, TOUCHED)
    if closed:
        _account(draft, gap, parent)
    else:
        draft.enter(parent, TOUCHED)


def _claimed_before(draft: Draft, gap: Custody, parent: Custody, receiver: UUID | None) -> Link | None:
    """The claim of the same source, if there is one; one of another source gives way to the receiver's word."""
    for link in list(draft.ledger.links_up[gap.id]):
        if link.claimed_by is None:
            raise Conflict("already-identified", "缺口已经闭合 · the gap is closed already", identity=str(gap.id))
        if link.parent_id == parent.id:
            return link
        if receiver is None or link.claimed_by == receiver:
            raise Conflict(
                "already-claimed",
                "缺口已被指认为另一来源，请先更正 · another source is claimed; correct that first",
                identity=str(gap.id),
            )
        draft.ledger.remove(link)
    return None


def claiming_side(draft: Draft, link: Link) -> UUID | None:
    """The party that claimed the link before the other side agreed."""
    ledger = draft.ledger
    said_by = ledger.event(link.event_id).party_id
    source = ledger.custody(link.parent_id).site_id
    # A late record of the making may have left nothing below the gap.
    below = [ledger.custody(other.child_id) for other in ledger.links_down[link.child_id]]
    receiver = (below or [ledger.custody(link.child_id)])[0].party_id
    giver = ledger.site(source) if source else None
    market = ledger.market(giver) if giver else None
    gave = {site.party_id for site in (giver, market) if site is not None} - {receiver}
    return giver.party_id if giver and said_by in gave else receiver


def _amount(draft: Draft, gap: Custody) -> int:
    return sum(
        (link.grams if gap.measure == "weight" else link.pieces) or 0 for link in draft.ledger.links_down[gap.id]
    )


def _account(draft: Draft, gap: Custody, parent: Custody) -> None:
    """Both sides agree: what came through the gap has left the source. What the source had booked as gone without a
    slip is that, and is not taken a second time."""
    product = draft.ledger.product(parent.product_id)
    amount = _amount(draft, gap) if parent.measure == gap.measure else 0
    left = max(0, amount - _gone_without_slip(draft, parent, gap))
    flag_goods(draft, parent, product, None)
    flag_missing(draft, parent, product, left)
    draft.enter(parent, "shipped", left)


def _gone_without_slip(draft: Draft, parent: Custody, gap: Custody) -> int:
    """What has left the source without a slip, less what is known to have come in elsewhere: through other gaps that
    are closed, or by events of a captured document."""
    ledger = draft.ledger
    gone = sum(
        entry.amount
        for entry in ledger.timeline[parent.id]
        if entry.entry == "shipped" and _unaccompanied(draft, entry)
    )
    known = sum(
        (link.grams if parent.measure == "weight" else link.pieces) or 0
        for link in ledger.links_down[parent.id]
        if link.child_id != gap.id and (link.pieces is None) == (parent.measure == "weight")
        if (link.kind == "identify" and link.claimed_by is None) or (link.kind == "move" and _by_paper(draft, link))
    )
    return max(0, gone - known)


def _by_paper(draft: Draft, link: Link) -> bool:
    """Whether goods moved by a captured document, or off the slip of a captured shipment."""
    ledger = draft.ledger
    event = ledger.event(link.event_id)
    slip = ledger.find(Slip, event.outcome["slip_code"]) if event.kind == "receive" else None
    sent = next((line for line in ledger.timeline[link.parent_id] if slip and line.event_id == slip.event_id), None)
    return event.kind.startswith(CAPTURED) or (sent is not None and sent.kind.startswith(CAPTURED))


def _unaccompanied(draft: Draft, entry: TimelineEntry) -> bool:
    """Whether the goods left without a slip of ours."""
    if draft.ledger.find(Correction, entry.event_id) is not None:
        return False
    if entry.kind == "ship":
        return draft.ledger.event(entry.event_id).outcome["slip_code"] is None
    return entry.kind == "identify" or entry.kind.startswith(CAPTURED)
