"""Lots change hands: shipping with a slip, receiving, selling, going back, being destroyed, being counted."""

from uuid import UUID

from app.domain import ids
from app.domain.codes import CodeKind, MistypedCode, parse
from app.domain.deciding.draft import Draft, own_custody, own_site
from app.domain.deciding.goods import (
    amount_of,
    arrive,
    as_entered,
    flag_goods,
    flag_missing,
    goods_at,
    grams_and_pieces,
    make_lot,
    stands_at,
    take,
)
from app.domain.epcis.book import CAPTURED
from app.domain.epcis.shipments import remaining
from app.domain.errors import Conflict, Forbidden, Invalid, Malformed
from app.domain.events import Count, Destroy, Receive, Return, Sell, Ship
from app.domain.forms import Entered, Outside, SlipPart
from app.domain.ledger import Ledger
from app.domain.masters import same_product
from app.domain.rows import TOUCHED, Code, Custody, Link, Site, Slip, SlipItem, within


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
        draft.touched.add(within(target.id))


def receive(draft: Draft, event: Receive) -> None:
    """Goods arrive: off a slip, or from outside the system with what their paper says (Food Safety Law §53)."""
    site = own_site(draft.ledger, draft.principal, event.site_id)
    if event.slip_code is not None:
        _receive_slip(draft, event, site, event.slip_code)
    elif event.from_ is not None:
        _receive_outside(draft, event, site, event.from_)


def _receive_slip(draft: Draft, event: Receive, site: Site, text: str) -> None:
    ledger = draft.ledger
    slip = open_slip(draft, text, site)
    wanted = _wanted(ledger, slip, event.parts())
    name = locked_sender(ledger, slip.party_id, slip.site_id)
    if name is not None:
        draft.flag("sender_locked", f"发货方 {name} 已被锁定", f"the sender {name} is locked")
    if slip.admission == "refused":
        draft.flag("refused_goods", "这张单曾被拒绝入场", "this slip was refused entry")
    for item, amount, entered in sorted(wanted, key=lambda w: w[0].position):
        parent = ledger.custody(item.custody_id)
        product = ledger.product(parent.product_id)
        if amount > remaining_of(ledger, slip, item, {}):
            draft.flag(
                "more_than_slip",
                f"{product.name} 收货多于单上剩余",
                f"{product.name}: more received than remains on the slip",
            )
        flag_goods(draft, parent, product, site)
        ledger.edit(item, received=item.received + amount)
        said = as_entered(product, entered, amount) if entered else None
        child = arrive(draft, site, ledger.lot(item.lot_id), product, amount, said)
        if slip.admission:
            ledger.edit(child, admission=slip.admission)
        grams, pieces = grams_and_pieces(product, amount)
        ledger.add(Link(child.id, parent.id, draft.event.id, "move", grams, pieces))
        draft.enter(parent, TOUCHED)
    draft.slip_code = slip.code
    draft.touched.add(slip.code)


def locked_sender(ledger: Ledger, party_id: UUID | None, site_id: UUID | None) -> str | None:
    """The name of who sends from there, where either the party or the site is locked."""
    party = ledger.parties.get(party_id) if party_id is not None else None
    site = ledger.sites.get(site_id) if site_id is not None else None
    return next((row.name for row in (party, site) if row is not None and row.status == "locked"), None)


def _wanted(
    ledger: Ledger, slip: Slip, parts: tuple[SlipPart, ...] | None
) -> list[tuple[SlipItem, int, Entered | None]]:
    """Items of the slip with how much is taken of each: all that remains, or the parts named."""
    items = {item.custody_id: item for item in ledger.items[slip.code]}
    if parts is None:
        remaining = [(item, remaining_of(ledger, slip, item, {})) for item in items.values()]
        wanted = [(item, amount, None) for item, amount in remaining if amount > 0]
        if not wanted:
            raise Conflict("slip-used-up", "单上货物已全部收货 · everything on the slip has been received")
        return list(wanted)
    found: list[tuple[SlipItem, int, Entered | None]] = []
    for i, part in enumerate(parts):
        item = items.get(part.custody_id)
        if item is None:
            raise Invalid("not-on-slip", "单上没有这批货物 · not on the slip", pointer=f"/items/{i}/custody_id")
        product = ledger.product(item.product_id)
        found.append((item, amount_of(product, part.quantity, f"/items/{i}/quantity"), part.quantity))
    return found


def remaining_of(ledger: Ledger, slip: Slip, item: SlipItem, known: dict[tuple[UUID, UUID], dict[str, int]]) -> int:
    """How much of an item is still to come. `known` takes what was found out about the same goods to the same site."""
    goods = ledger.custody(item.custody_id)
    if goods.epc is None or slip.to_site_id is None:
        return item.amount - item.received
    key = goods.id, slip.to_site_id
    if key not in known:
        known[key] = _remaining(ledger, goods, ledger.site(slip.to_site_id))
    return known[key][slip.code]


def _remaining(ledger: Ledger, goods: Custody, target: Site) -> dict[str, int]:
    """By slip that stands. What the receiver's own documents say has come of a captured shipment, or what it took in
    from outside and has been identified since, came off the earliest of these slips of the goods to it."""
    there = [link for link in ledger.links_down[goods.id] if _arrived(ledger, link, target)]
    came = sum((link.grams if goods.measure == "weight" else link.pieces) or 0 for link in there)
    slips = {item.slip_code: ledger.slip(item.slip_code) for item in ledger.items_of[goods.id]}
    standing = {code for code, slip in slips.items() if slip.status == "open" and slip.to_site_id == target.id}
    items = [item for item in ledger.items_of[goods.id] if item.slip_code in standing]
    items.sort(key=lambda item: (slips[item.slip_code].shipped_at, item.slip_code))
    return remaining([(item.slip_code, item.amount - item.received) for item in items], came)


def _arrived(ledger: Ledger, link: Link, target: Site) -> bool:
    """Whether goods came to the site, or below it, otherwise than off a slip."""
    child = ledger.custody(link.child_id)
    if link.kind == "identify":
        return link.claimed_by is None and child.party_id == target.party_id
    site = ledger.sites.get(child.site_id) if child.site_id is not None else None
    event = ledger.event(link.event_id)
    if link.kind != "move" or not event.kind.startswith(CAPTURED) or site is None or not site.lies_in(target):
        return False
    market = ledger.market(site)
    theirs = {None, child.party_id, target.party_id, market.party_id if market is not None else None}
    return event.party_id in theirs  # by the word of others nothing has come


def _receive_outside(draft: Draft, event: Receive, site: Site, source: Outside) -> None:
    ledger = draft.ledger
    for i, item in enumerate(event.outside_items()):
        product = ledger.product(item.product_id)
        amount = amount_of(product, item.quantity, f"/items/{i}/quantity")
        lot = make_lot(draft, site, item, i, outside=True)
        child = arrive(draft, site, lot, product, amount, as_entered(product, item.quantity, amount))
        draft.attach(child.id, source.document_ids)
        gap = draft.kept.gaps.get(child.id) if draft.kept else None
        gap = gap or make_gap(draft, ids.gap_id(draft.event.id, i), child, "outside")
        ledger.edit(gap, paper=_outside(source), reported_by=site.party_id)
        grams, pieces = grams_and_pieces(product, amount)
        ledger.add(Link(child.id, gap.id, draft.event.id, "outside", grams, pieces))


def make_gap(draft: Draft, key: UUID, child: Custody, reason: str) -> Custody:
    """The unknown place that goods came from; `reason`: outside or voided."""
    gap = Custody(
        key, "gap", None, child.lot_id, child.product_id, None, child.party_id, child.measure, draft.event.id,
        draft.event.event_time, gap_reason=reason, reported_by=child.party_id,
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


def stands(ledger: Ledger, slip: Slip) -> bool:
    """Whether the slip was neither voided nor its code revoked."""
    code = ledger.find(Code, slip.code)
    return slip.status == "open" and (code is None or code.status != "revoked")


def open_slip(draft: Draft, text: str, site: Site) -> Slip:
    """The slip, where it stands and is for the site: it names nobody, the site, one below it or one that the site is
    below. Malformed, NotFound, Conflict, Forbidden."""
    slip = find_slip(draft, text)
    if not stands(draft.ledger, slip):
        code = draft.ledger.find(Code, slip.code)
        heir = code.replacement if code else None
        zh, en = (f"，新单为 {heir}", f": the new one is {heir}") if heir else ("", "; ask the sender for a new one")
        raise Conflict("slip-voided", f"溯源单已作废{zh} · the slip was voided{en}", identity=slip.code)
    if slip.to_site_id is not None:
        target = draft.ledger.site(slip.to_site_id)
        if not (site.lies_in(target) or target.lies_in(site)):
            raise Forbidden(
                "slip-not-yours", "溯源单不是开给这里的 · the slip is for another receiver", identity=slip.code
            )
    return slip


def standing_slip(ledger: Ledger, text: str | None) -> str | None:
    """The slip of the code, or the one that has taken its place since."""
    while text is not None and (code := ledger.find(Code, text)) is not None and code.replacement is not None:
        text = code.replacement
    return text


def received_off(ledger: Ledger, slip: Slip) -> list[tuple[SlipItem, Link]]:
    """What was received off the slip, or off one that it has taken the place of."""
    found = []
    for item in ledger.items[slip.code]:
        for link in ledger.links_down[item.custody_id]:
            arrival = ledger.event(link.event_id)
            if arrival.kind == "receive" and standing_slip(ledger, arrival.outcome["slip_code"]) == slip.code:
                found.append((item, link))
    return found


def sell(draft: Draft, event: Sell) -> None:
    """A sale without a scale's receipt; what has been sold is recorded even where it should not have been."""
    ledger = draft.ledger
    site = own_site(ledger, draft.principal, event.site_id)
    for document_id in event.buyer.document_ids if event.buyer else ():
        ledger.document(document_id)
    for i, line in enumerate(event.lines):
        pointer = f"/lines/{i}/quantity"
        if line.product_id is not None:
            said = ledger.product(line.product_id)
            if line.custody_id is None:
                amount_of(said, line.quantity, pointer)
        if line.custody_id is None:
            draft.flag("sold_without_batch", "销售未指明批次", "a line names no batch")
            continue
        custody = own_custody(ledger, draft.principal, line.custody_id)
        product = ledger.product(custody.product_id)
        if line.product_id is not None and not same_product(ledger.product(line.product_id), product):
            draft.flag("product_differs", "行上的产品与批次不符", "the line's product is not the batch's")
        if not stands_at(draft, custody, site):
            draft.flag("batch_elsewhere", "批次不在此场所", "the batch is not at this site")
        amount = amount_of(product, line.quantity, pointer)
        flag_goods(draft, custody, product, site)
        flag_missing(draft, custody, product, amount)
        draft.enter(custody, "sold", amount)


def give_back(draft: Draft, event: Return) -> None:
    """A return: up the chain it is a new custody at the old site; from a buyer it comes back into the custody."""
    ledger = draft.ledger
    site = own_site(ledger, draft.principal, event.site_id)
    for document_id in event.evidence:
        ledger.document(document_id)
    target = _goes_back_to(draft, event)
    for i, item in enumerate(event.items):
        pointer = f"/items/{i}/quantity"
        if target is None:
            custody, product, amount = goods_at(draft, site, item, pointer)
            if amount > custody.sold:
                draft.flag(
                    "returned_more_than_sold", f"{product.name} 退货多于销售", f"{product.name}: more than was sold"
                )
            draft.enter(custody, "sold", -amount)
            continue
        custody, product, amount = take(draft, site, item, "returned", pointer)
        if target.id not in {source.site_id for source in ledger.ancestors(custody.id)[1:]}:
            draft.flag(
                "returned_elsewhere",
                f"{product.name} 不来自 {target.name}",
                f"{product.name} did not come from {target.name}",
            )
        child = arrive(draft, target, ledger.lot(custody.lot_id), product, amount)
        grams, pieces = grams_and_pieces(product, amount)
        ledger.add(Link(child.id, custody.id, draft.event.id, "return", grams, pieces))


def _goes_back_to(draft: Draft, event: Return) -> Site | None:
    """The site that goods go back to; None where a buyer brings them."""
    if event.to_custody_id is None:
        return draft.ledger.site(event.to_site_id) if event.to_site_id else None
    old = draft.ledger.custody(event.to_custody_id)
    if old.site_id is None:
        raise Conflict(
            "is-a-gap", "来源在系统之外，无法退回 · the source is outside the system; destroy or ship instead"
        )
    return draft.ledger.site(old.site_id)


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
        custody, product, counted = goods_at(draft, site, item, f"/items/{i}/quantity")
        difference = custody.on_hand - counted
        if difference < 0:
            draft.flag(
                "more_than_there",
                f"{product.name} 盘点多于账面",
                f"{product.name}: more counted at {site.name} than booked",
            )
        draft.enter(custody, "unexplained", difference)
