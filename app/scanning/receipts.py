"""What the code of a sale receipt (R, 追溯小票) answers: the stall, the goods and their way, to whoever holds it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain import codes
from app.domain.ids import event_id
from app.domain.quantities import QuantityError, convert, parse_quantity
from app.domain.rights import Principal
from app.domain.rows import Device, Product, Site
from app.domain.stays import site_of, stays
from app.scanning.answer import Answer, Gap, Line, Reason, Shown, Step
from app.scanning.audience import Audience
from app.scanning.batches import judged, newest, tests_in
from app.scanning.lines import gaps_in, line, merged, once, only, told_once
from app.scanning.names import BEGINNING, Names, goods, local, place
from app.scanning.own import own_view, quantity
from app.scanning.story import Facts, gaps_of, gather, lot_number, papers_of, steps_of
from app.store import deposits, master
from app.store import scan as store
from app.store.engine import Snapshot
from app.store.lookups import Found, Source

# A scale that never counts gives all of its sales one number, and anybody may ask for the page.
OWN: tuple[Source[Any], ...] = (store.RECEIPTS, store.RECEIPT_LINES, store.RECEIPT_CLAIMS)  # by its number
CLAIMS = store.CLAIMS - 1  # shown beside the sale
LINES = 500  # of all of them; a sale has 200 at most


@dataclass(frozen=True, slots=True)
class _Sold:
    """A line of a sale; `claim` counts the sales under one receipt number from 1."""

    custody_id: UUID | None
    product_id: UUID | None
    amount: int | None  # None: as entered, not yet in the product's measure
    value: str
    unit: str
    claim: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a line tells of its goods, in whosever sale: with every state of them, their papers, and when the latest of
    all that was recorded. From `since` on its product has been called as it is now."""

    line: Line
    reasons: list[Reason]
    documents: list[Shown]
    record_time: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class Stall:
    """Who sold, as they are called from `since` on."""

    site: Shown | None
    party: Shown | None
    since: datetime


Goods = tuple[UUID | None, UUID | None]  # custody, product


def goods_told(
    snapshot: Snapshot, site_id: UUID | None, wanted: Sequence[Goods], now: datetime
) -> tuple[Stall | None, list[Told]]:
    """What the public is told of the stall (None: of none) and of goods sold now, in their order."""
    names = Names(snapshot, None)
    roots = [custody_id for custody_id, _ in wanted if custody_id is not None]
    facts = gather(snapshot, names, roots, named=[site_id, *(product_id for _, product_id in wanted)])
    sold = [_Sold(custody_id, product_id, 0, "", "", 1) for custody_id, product_id in wanted]
    told = [_told(facts, each, Audience.PUBLIC, now, now) for each in sold]
    return None if site_id is None else _stall(names, site_id, now), told


def assembled(
    code: str, stall: Stall, told: Sequence[Told], steps: list[Step], others: Sequence[datetime], several: Reason | None
) -> Answer:
    """A receipt of such lines. `steps` are its sales, `others` the times at which something else of it was recorded,
    `several` is said where its number was used for several sales."""
    shown = [each.line for each in told]
    reasons = told_once([reason for each in told for reason in each.reasons], shown)
    return Answer(
        code,
        "receipt",
        reasons if several is None else [*reasons, several],
        product=only([each.product for each in shown]),
        site=stall.site,
        party=stall.party,
        steps=steps,
        gaps=gaps_in(shown) + ([] if several is None else [Gap(None, "two_claims", None)]),
        documents=once(document for each in told for document in each.documents),
        tests=tests_in(merged(each.steps for each in shown)),
        lines=shown,
        record_time=max([BEGINNING, *others, *(each.record_time for each in told)]),
    )


def receipt(snapshot: Snapshot, code: codes.Code, found: Found, now: datetime, reader: Principal | None) -> Answer:
    """A sale, `found` with its lines and claims, to whoever holds its receipt; the code's MAC has been checked.

    A receipt is in the shopper's hand before its sale is here: authentic and unknown is `pending`, unless sales that
    its scale made after it were archived."""
    number = codes.receipt_id_of(code)
    names = Names(snapshot, reader)
    sale = found.one(store.RECEIPTS)
    if sale is None:
        return _pending(snapshot, code, names)
    lines = [
        _Sold(row.custody_id, row.product_id, row.amount, row.value, row.unit, 1)
        for row in sorted(found.of(store.RECEIPT_LINES), key=lambda row: row.line)
    ]
    there = sorted(found.of(store.RECEIPT_CLAIMS), key=lambda claim: claim.record_time)
    claims: list[store.Claim] = []
    for claim in there[:CLAIMS]:
        if len(lines) + len(claim.body["lines"]) > LINES:
            break
        claims.append(claim)
        lines += [_claimed(said, 1 + len(claims)) for said in claim.body["lines"]]
    roots = {sold.custody_id for sold in lines if sold.custody_id is not None}
    facts = gather(snapshot, names, roots, named=[sale.site_id, *(sold.product_id for sold in lines)])
    stall = _stall(names, sale.site_id, sale.event_time)
    here = names.site(sale.site_id, sale.event_time)
    audience = names.audience(sale.site_id)
    told = [_told(facts, _at_home(facts, sold, here), audience, now, sale.event_time) for sold in lines]
    name = codes.receipt_name(number)
    sale_id = event_id(sale.device_id, f"{name.epoch}/{name.counter}")  # as the answer to the upload named it
    # One for each claim, in their order: a shopper knows the time of the own purchase.
    sold_at = [
        local(sale.event_time, sale.utc_offset),
        *(datetime.fromisoformat(claim.body["event_time"]) for claim in claims),
    ]
    steps = [sold_step(sale_id, at, stall) for at in sold_at]
    recorded = [sale.record_time, *(claim.record_time for claim in claims)]
    several = _several(1 + len(claims), len(claims) < len(there)) if there else None
    answer = assembled(code.text, stall, told, steps, recorded, several)
    return answer if reader is None else replace(answer, own=own_view([]))


def sold_step(sale_id: UUID, at: datetime, stall: Stall) -> Step:
    return Step(sale_id, "sell", at, stall.site, stall.party, None, None, [], [], None, 0)


def _stall(names: Names, site_id: UUID, at: datetime) -> Stall:
    here = names.site(site_id, at)
    names.load([here.party_id if here else None])
    party = names.party(here.party_id, at) if here else None
    return Stall(place(here), place(party), names.since([site_id, here.party_id if here else None]))


def _several(shown: int, more: bool) -> Reason:
    zh, en = f"{shown} 笔不同的销售，以下全部列出", f"{shown} different sales bear this number: all are shown"
    if more:
        zh = f"{shown} 笔以上不同的销售，以下列出其中 {shown} 笔"
        en = f"More than {shown} different sales bear this number: {shown} of them are shown"
    return Reason("incomplete", f"同一小票号有 {zh} · {en}")


def _pending(snapshot: Snapshot, code: codes.Code, names: Names) -> Answer:
    number = codes.receipt_id_of(code)
    name, past = codes.receipt_name(number), deposits.archived_until(snapshot, number)
    device = store.device_numbered(snapshot, name.device_number)
    site_id = _stood_at(snapshot, device, name) if device else None
    names.load([site_id])
    here = names.site(site_id) if site_id else None
    names.load([here.party_id if here else None])
    return Answer(
        code.text,
        "receipt",
        [_awaited(device, name) if past is None else _archived(past)],
        site=place(here),
        party=place(names.party(here.party_id)) if here else None,
        gaps=[] if past is None else [Gap(None, "archived", None)],
        lines=[],
        own=None,
    )


def _archived(until: datetime) -> Reason:
    day = until.date()
    return Reason(
        "incomplete",
        f"小票是真的，但已过法定保存期：这台秤 {day} 以前的销售已归档，不再在线查询 · The receipt is genuine; its "
        f"record is past its retention: sales of this scale until {day} have been archived and are not online any more",
    )


def _awaited(device: Device | None, name: codes.ReceiptName) -> Reason:
    """What to expect of the sale: a scale that is locked, or has been activated anew, uploads it no more."""
    zh, en = (f"（{device.name}）", f" ({device.name})") if device else ("", "")
    if device is not None and device.status == "locked":
        return Reason(
            "pending",
            f"小票码出自登记的秤{zh}，但该秤已被锁定（可能遗失或被盗），销售记录不会上传，请向市场核实 · "
            f"The code is of a registered scale{en}, which has been locked, perhaps lost or stolen: no sale of it is "
            "taken; ask the market",
        )
    if device is not None and name.epoch < device.epoch:
        return Reason(
            "pending",
            f"小票是真的，但打印它的秤{zh}已重新激活，这笔销售没有上传，也不会再上传，请向市场核实 · "
            f"The receipt is genuine, but its scale{en} has been activated anew since: this sale never arrived and "
            "will not; ask the market",
        )
    return Reason(
        "pending",
        f"小票是真的，由登记的秤{zh}打印，销售记录还没有上传，请过几小时再扫 · "
        f"The receipt is genuine, printed by a registered scale{en}; its sale has not arrived yet: scan it "
        "again in a few hours",
    )


def _stood_at(snapshot: Snapshot, device: Device, name: codes.ReceiptName) -> UUID:
    """The stall that a receipt was printed at, as far as its number tells."""
    history = master.versions(snapshot, [device.id]).get(device.id, ())
    stood = stays([version for version in history if isinstance(version, Device) and version.epoch == name.epoch])
    return site_of(stood, name.counter, None) if stood else device.site_id


def _claimed(said: dict[str, Any], claim: int) -> _Sold:
    """A line as the scale sent it."""
    custody_id, product_id = said.get("custody_id"), said.get("product_id")
    return _Sold(
        UUID(custody_id) if custody_id else None,
        UUID(product_id) if product_id else None,
        None,
        str(said["quantity"]["value"]),
        str(said["quantity"]["unit"]),
        claim,
    )


def _at_home(facts: Facts, sold: _Sold, here: Site | None) -> _Sold:
    """The line; one of a claim, which nobody has judged, without a batch that is not at the stall: another's goods lend
    it no way."""
    custody = facts.chain.custodies.get(sold.custody_id) if sold.custody_id else None
    if sold.claim == 1 or custody is None:
        return sold
    site = facts.names.site(custody.site_id)
    if site is not None and here is not None and site.lies_in(here):
        return sold
    return replace(sold, custody_id=None, product_id=custody.product_id)


def _told(facts: Facts, sold: _Sold, audience: Audience, now: datetime, at: datetime) -> Told:
    names = facts.names
    custody = facts.chain.custodies.get(sold.custody_id) if sold.custody_id else None
    if custody is None:
        product = names.product(sold.product_id, at)
        reasons = [Reason("incomplete", "有商品没有对应的批次 · goods were sold without naming a batch")]
        gaps, steps, number = [Gap(None, "no_batch", None)], [], None
        documents, recorded = [], BEGINNING
    else:
        product = names.product(custody.product_id, at)
        way = facts.chain.way(custody.id)
        reasons, gaps, steps = judged(facts, way, now), gaps_of(facts, way), steps_of(facts, way)
        number = lot_number(facts, custody)
        documents, recorded = papers_of(facts, way), newest(facts, [BEGINNING], [way])
    built = line(
        audience,
        code=custody.code if custody else None,
        product=goods(product),
        amount=_quantity(sold, product),
        steps=steps,
        gaps=gaps,
        lot_number=number,
        reasons=reasons,
        claim=sold.claim,
    )
    since = names.since([custody.product_id if custody else sold.product_id])
    return Told(built, reasons, documents, recorded, since)


def _quantity(sold: _Sold, product: Product | None) -> Shown | None:
    amount = sold.amount
    if amount is None:
        try:
            entered = parse_quantity(sold.value, sold.unit)
            amount = convert(entered, product.measure, product.grams_per_piece) if product else entered.grams
        except QuantityError:
            return None  # a claim is kept as it came, sense or not
    return None if amount is None else quantity(amount, product, sold.value, sold.unit)
