"""Lots change hands: shipping with a slip, receiving, selling, going back, being destroyed, being counted."""

from uuid import UUID

from app.domain import ids
from app.domain.codes import CodeKind, MistypedCode, parse
from app.domain.deciding.draft import (
    Draft,
    amount_of,
    arrive,
    as_entered,
    flag_goods,
    grams_and_pieces,
    make_lot,
    own_custody,
    own_site,
    take,
)
from app.domain.errors import Conflict, Forbidden, Invalid, Malformed
from app.domain.events import Count, Destroy, Entered, Identify, Outside, Receive, Return, Sell, Ship
from app.domain.rights import owns_site
from app.domain.rows import TOUCHED, Custody, Link, Product, Site, Slip, SlipItem


def ship(draft: Draft, event: Ship) -> None:
    """Goods leave a site; a slip (溯源单) travels with them. Goods on hold get no slip."""
    ledger = draft.ledger
    site = own_site(ledger, draft.principal, event.site_id)
    target = ledger.site(event.to_site_id) if event.to_site_id else None
    if event.slip:
        held = [i for i in event.items if ledger.holds_on(own_custody(ledger, draft.principal, i.custody_id))]
        if held:
            raise Conflict(
                "goods-on-hold",
                "货物已暂停销售，不能开溯源单；解除后再开，或以 slip: false 记录已发生的发货 · "
                "goods on hold get no slip; have the hold released, or record what has left with slip: false",
                identity=str(held[0].custody_id),
            )
    for document_id in event.to.document_ids if event.to else ():
        ledger.document(document_id)
    code = draft.mint(CodeKind.SLIP, draft.event.id) if event.slip else None
    for i, item in enumerate(event.items):
        custody, product, amount = take(draft, site, item, "shipped", f"/items/{i}/quantity")
        if code is not None:
            ledger.add(SlipItem(code, custody.id, product.id, custody.lot_id, i, amount))
    if code is None:
        draft.flag("no_slip", "发货没有溯源单", "shipped without a slip")
        return
    ledger.add(
        Slip(
            code,
            draft.event.id,
            site.id,
            site.party_id,
            target.id if target else None,
            _outside(event.to) if event.to else None,
            draft.event.event_time,
            "open",
        )
    )
    draft.slip_code = code
    draft.touched.add(code)
    if target:
        draft.touched.add(target.id.hex)


def receive(draft: Draft, event: Receive) -> None:
    """Goods arrive: off a slip, or from outside the system with what their paper says (Food Safety Law §53)."""
    site = own_site(draft.ledger, draft.principal, event.site_id)
    if event.slip_code is not None:
        _receive_slip(draft, event, site, event.slip_code)
    elif event.from_ is not None:
        _receive_outside(draft, event, site, event.from_)


def _receive_slip(draft: Draft, event: Receive, site: Site, text: str) -> None:
    ledger = draft.ledger
    slip = find_slip(draft, text)
    if slip.status != "open":
        raise Conflict(
            "slip-voided", "溯源单已作废，请向发货方索取新单 · the slip was voided; ask the sender for the new one"
        )
    if slip.to_site_id is not None:
        target = ledger.site(slip.to_site_id)
        if not (site.lies_in(target) or target.lies_in(site)):
            raise Forbidden(
                "slip-not-yours", "溯源单不是开给这里的 · the slip is for another receiver", identity=slip.code
            )
    items = {item.custody_id: item for item in ledger.items[slip.code]}
    parts = event.parts()
    wanted: list[tuple[SlipItem, int, Entered | None]]
    if parts is None:
        wanted = [(item, item.amount - item.received, None) for item in items.values() if item.amount > item.received]
        if not wanted:
            raise Conflict("slip-used-up", "单上货物已全部收货 · everything on the slip has been received")
    else:
        wanted = []
        for i, part in enumerate(parts):
            item = items.get(part.custody_id)
            if item is None:
                raise Invalid("not-on-slip", "单上没有这批货物 · not on the slip", pointer=f"/items/{i}/custody_id")
            product = ledger.product(item.product_id)
            wanted.append((item, amount_of(product, part.quantity, f"/items/{i}/quantity"), part.quantity))
    if slip.admission == "refused":
        draft.flag("refused_goods", "这张单曾被拒绝入场", "this slip was refused entry")
    for item, amount, entered in sorted(wanted, key=lambda w: w[0].position):
        parent = ledger.custody(item.custody_id)
        product = ledger.product(item.product_id)
        remaining = item.amount - item.received
        if amount > remaining:
            draft.flag(
                "more_than_slip",
                f"{product.name} 收货多于单上剩余",
                f"{product.name}: more received than remains on the slip",
            )
        flag_goods(draft, parent, product, 0, site)
        ledger.edit(item, received=item.received + amount)
        child = arrive(
            draft, site, ledger.lot(item.lot_id), amount, as_entered(product, entered, amount) if entered else None
        )
        if slip.admission:
            ledger.edit(child, admission=slip.admission)
        grams, pieces = grams_and_pieces(product, amount)
        ledger.add(Link(child.id, parent.id, draft.event.id, "move", grams, pieces))
        draft.enter(parent, TOUCHED)
    draft.slip_code = slip.code
    draft.touched.add(slip.code)


def _receive_outside(draft: Draft, event: Receive, site: Site, source: Outside) -> None:
    ledger = draft.ledger
    for i, item in enumerate(event.outside_items()):
        product = ledger.product(item.product_id)
        amount = amount_of(product, item.quantity, f"/items/{i}/quantity")
        lot = make_lot(draft, site, item, i, outside=True)
        child = arrive(draft, site, lot, amount, as_entered(product, item.quantity, amount))
        draft.attach(child.id, source.document_ids)
        gap = _gap(draft, ids.gap_id(draft.event.id, i), child, "outside")
        ledger.edit(gap, paper=_outside(source), reported_by=site.party_id)
        grams, pieces = grams_and_pieces(product, amount)
        ledger.add(Link(child.id, gap.id, draft.event.id, "outside", grams, pieces))


def _gap(draft: Draft, key: UUID, child: Custody, reason: str) -> Custody:
    """The unknown place that goods came from."""
    gap = Custody(
        key, "gap", None, child.lot_id, child.product_id, None, child.party_id, child.measure, draft.event.id,
        draft.event.event_time, gap_reason=reason,
    )  # fmt: skip
    draft.ledger.add(gap)
    draft.enter(gap, TOUCHED)
    return gap


def _outside(party: Outside) -> dict[str, object]:
    return {
        "name": party.name,
        "contact": party.contact,
        "address": party.address,
        "document_ids": [str(document_id) for document_id in party.document_ids],
    }


def find_slip(draft: Draft, text: str) -> Slip:
    """The slip of a code as typed or scanned; Malformed for a mistyped one, NotFound for an unknown one."""
    try:
        code = parse(text.rsplit("/", 1)[-1])
    except MistypedCode as error:
        raise Malformed(
            "mistyped-code", f"{error.reason_zh} · {error.reason}", pointer="/slip_code", identity=text[:80]
        ) from None
    if code.kind is not CodeKind.SLIP:
        raise Invalid("not-a-slip", "这不是溯源单的编码 · this is not the code of a slip", pointer="/slip_code")
    return draft.ledger.slip(code.text)


def sell(draft: Draft, event: Sell) -> None:
    """A sale without a scale's receipt; what has been sold is recorded even where it should not have been."""
    ledger = draft.ledger
    site = own_site(ledger, draft.principal, event.site_id)
    for i, line in enumerate(event.lines):
        pointer = f"/lines/{i}/quantity"
        if line.custody_id is None:
            if line.product_id is not None:
                amount_of(ledger.product(line.product_id), line.quantity, pointer)
            draft.flag("sold_without_batch", "销售未指明批次", "a line names no batch")
            continue
        custody = own_custody(ledger, draft.principal, line.custody_id)
        product = ledger.product(custody.product_id)
        if line.product_id is not None and line.product_id != product.id:
            draft.flag("product_differs", "行上的产品与批次不符", "the line's product is not the batch's")
        amount = amount_of(product, line.quantity, pointer)
        flag_goods(draft, custody, product, amount, site)
        draft.enter(custody, "sold", amount)


def give_back(draft: Draft, event: Return) -> None:
    """A return: up the chain it is a new custody at the old site; from a buyer it comes back into the custody."""
    ledger = draft.ledger
    site = own_site(ledger, draft.principal, event.site_id)
    for document_id in event.evidence:
        ledger.document(document_id)
    if event.to_custody_id is None and event.to_site_id is None:
        for i, item in enumerate(event.items):
            custody = own_custody(ledger, draft.principal, item.custody_id)
            product = ledger.product(custody.product_id)
            amount = amount_of(product, item.quantity, f"/items/{i}/quantity")
            if amount > custody.sold:
                draft.flag(
                    "returned_more_than_sold", f"{product.name} 退货多于销售", f"{product.name}: more than was sold"
                )
            draft.enter(custody, "sold", -amount)
        return
    if event.to_custody_id is not None:
        old = ledger.custody(event.to_custody_id)
        if old.site_id is None:
            raise Conflict(
                "is-a-gap", "来源在系统之外，无法退回 · the source is outside the system; destroy or ship instead"
            )
        target = ledger.site(old.site_id)
    else:
        assert event.to_site_id is not None
        target = ledger.site(event.to_site_id)
    for i, item in enumerate(event.items):
        custody, product, amount = take(draft, site, item, "returned", f"/items/{i}/quantity")
        grams, pieces = grams_and_pieces(product, amount)
        child = arrive(draft, target, ledger.lot(custody.lot_id), amount)
        ledger.add(Link(child.id, custody.id, draft.event.id, "return", grams, pieces))


def destroy(draft: Draft, event: Destroy) -> None:
    """Goods are destroyed (销毁); evidence is documents."""
    site = own_site(draft.ledger, draft.principal, event.site_id)
    for document_id in event.evidence:
        draft.ledger.document(document_id)
    for i, item in enumerate(event.items):
        take(draft, site, item, "destroyed", f"/items/{i}/quantity")


def count(draft: Draft, event: Count) -> None:
    """What is there in truth: the difference to the books becomes `unexplained`."""
    site = own_site(draft.ledger, draft.principal, event.site_id)
    for i, item in enumerate(event.items):
        custody = own_custody(draft.ledger, draft.principal, item.custody_id)
        product = draft.ledger.product(custody.product_id)
        counted = amount_of(product, item.quantity, f"/items/{i}/quantity")
        difference = custody.on_hand - counted
        if difference < 0:
            draft.flag(
                "more_than_there",
                f"{product.name} 盘点多于账面",
                f"{product.name}: more counted at {site.name} than booked",
            )
        draft.enter(custody, "unexplained", difference)


def identify(draft: Draft, event: Identify) -> None:
    """Closes a gap from either side: `claimed` until the other side says the same."""
    ledger, principal = draft.ledger, draft.principal
    gap, parent = ledger.custody(event.gap_custody_id), ledger.custody(event.parent_custody_id)
    if gap.kind != "gap":
        raise Conflict("not-a-gap", "这不是来源缺口 · this is no gap", identity=str(gap.id))
    if parent.kind != "custody" or parent.site_id is None:
        raise Conflict(
            "is-a-gap", "来源必须是系统内的批次 · the source must be goods in the system", identity=str(parent.id)
        )
    below = [link.child_id for link in ledger.links_down[gap.id]]
    receivers = [ledger.site(c.site_id) for c in map(ledger.custody, below) if c.site_id]
    giver = ledger.site(parent.site_id)
    receives = any(owns_site(principal, site, ledger.market(site)) for site in receivers)
    gives = owns_site(principal, giver, ledger.market(giver))
    if not (receives or gives):
        raise Forbidden("not-yours", "缺口两端都不是您的 · neither side of the gap is yours", identity=str(gap.id))
    if gap.id in {custody.id for custody in ledger.ancestors(parent.id)}:
        raise Conflict("would-loop", "来源不能是自己的下游 · goods cannot come from their own descendants")
    if parent.product_id != gap.product_id:
        draft.flag("product_differs", "两端产品不同", "the products of the two sides differ")
    known = [link for link in ledger.links_up[gap.id] if link.parent_id == parent.id]
    side = giver.party_id if gives and not receives else gap.party_id
    draft.enter(gap, TOUCHED)
    if known:
        draft.enter(parent, TOUCHED)
        if known[0].claimed_by is None:
            raise Conflict("already-identified", "缺口已经闭合 · the gap is closed already", identity=str(gap.id))
        if known[0].claimed_by == side and not (gives and receives):
            raise Conflict(
                "already-claimed",
                "已登记，等待对方确认 · claimed already; the other side has to confirm",
                identity=str(gap.id),
            )
        ledger.edit(known[0], claimed_by=None)
        draft.decision = "confirmed"
        _account(draft, gap, parent)
        return
    if ledger.links_up[gap.id]:
        raise Conflict(
            "already-claimed",
            "缺口已被指认，请先更正 · another source is claimed; correct that first",
            identity=str(gap.id),
        )
    both = gives and receives
    draft.decision = "confirmed" if both else "claimed"
    product = ledger.product(gap.product_id)
    grams, pieces = grams_and_pieces(product, _gap_amount(draft, gap))
    ledger.add(Link(gap.id, parent.id, draft.event.id, "identify", grams, pieces, None if both else side))
    if both:
        _account(draft, gap, parent)
    else:
        draft.enter(parent, TOUCHED)


def _gap_amount(draft: Draft, gap: Custody) -> int:
    return sum(
        (link.grams if gap.measure == "weight" else link.pieces) or 0 for link in draft.ledger.links_down[gap.id]
    )


def _account(draft: Draft, gap: Custody, parent: Custody) -> None:
    """Both sides agree: what came through the gap has left the source."""
    product: Product = draft.ledger.product(parent.product_id)
    amount = _gap_amount(draft, gap) if parent.measure == gap.measure else 0
    flag_goods(draft, parent, product, amount, None)
    draft.enter(parent, "shipped", amount)
