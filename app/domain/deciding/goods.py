"""Goods in hand: how much, in the measure of a custody; what must be flagged; what comes into being."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from app.domain import ids, quantities
from app.domain.codes import CodeKind
from app.domain.deciding.draft import Draft, own_custody, today_at
from app.domain.errors import Conflict, Invalid
from app.domain.forms import Counted, CountItem, Entered, Item, Output, OutsideItem
from app.domain.ledger import Ledger
from app.domain.quantities import MAX_AMOUNT, QuantityError, convert
from app.domain.rows import Custody, ExternalCode, Lot, Product, Site, within

# --- quantities ---


def amount_of(product: Product, entered: Entered | Counted, pointer: str) -> int:
    """Grams or pieces by the product's measure; Invalid with the pointer where the unit does not fit."""
    try:
        amount = convert(entered.quantity(), product.measure, product.grams_per_piece)
    except QuantityError as error:
        raise Invalid(error.slug, f"{error.detail_zh} · {error.detail}", pointer=pointer) from None
    if amount == 0 and isinstance(entered, Entered):
        raise Invalid("invalid-quantity", "数量折算后为零 · the quantity rounds to nothing", pointer=pointer)
    if (grams_and_pieces(product, amount)[0] or 0) > MAX_AMOUNT:
        raise Invalid(
            "absurd-quantity", f"折合超过 {MAX_AMOUNT} 克 · it weighs more than {MAX_AMOUNT} grams", pointer=pointer
        )
    return amount


def grams_and_pieces(product: Product, amount: int) -> tuple[int | None, int | None]:
    """An amount in both measures where the product says how much a piece weighs."""
    if product.measure == "weight":
        return amount, None
    return (amount * product.grams_per_piece if product.grams_per_piece else None), amount


def shown(product: Product, amount: int) -> dict[str, Any]:
    """A quantity as the contract's answers show it."""
    return quantities.shown(amount, product.measure, product.grams_per_piece)


def as_entered(product: Product, entered: Entered, amount: int) -> dict[str, Any]:
    grams, pieces = grams_and_pieces(product, amount)
    return {"value": entered.value, "unit": entered.unit, "grams": grams, "pieces": pieces}


# --- what is there ---


def goods_at(draft: Draft, site: Site, item: Item | CountItem, pointer: str) -> tuple[Custody, Product, int]:
    """The custody that an item names, which must be the principal's and at the site, and how much of it."""
    custody = own_custody(draft.ledger, draft.principal, item.custody_id)
    if not stands_at(draft, custody, site):
        raise Conflict(
            "custody-elsewhere",
            f"这批货物不在 {site.name} · these goods are not at {site.name}; name the site where they are",
            identity=str(item.custody_id),
        )
    product = draft.ledger.product(custody.product_id)
    return custody, product, amount_of(product, item.quantity, pointer)


def stands_at(draft: Draft, custody: Custody, site: Site) -> bool:
    return custody.site_id is not None and draft.ledger.site(custody.site_id).lies_in(site)


def take(draft: Draft, site: Site, item: Item, entry: str, pointer: str) -> tuple[Custody, Product, int]:
    """Takes some of a custody at the site away, flagging what should not have been touched."""
    custody, product, amount = goods_at(draft, site, item, pointer)
    flag_goods(draft, custody, product, site)
    flag_missing(draft, custody, product, amount)
    draft.enter(custody, entry, amount)
    return custody, product, amount


def flag_goods(draft: Draft, custody: Custody, product: Product, site: Site | None) -> None:
    """Flags goods on hold, refused, expired or within a withdrawal period."""
    name = product.name
    holds = draft.ledger.holds_on(custody)
    if any(hold.recall_id is not None for hold in holds):
        draft.flag("recalled_goods", f"{name} 已被召回", f"{name} is under recall")
    if any(hold.recall_id is None for hold in holds):
        draft.flag("held_goods", f"{name} 处于暂停销售", f"{name} is on hold")
    if custody.admission == "refused":
        draft.flag("refused_goods", f"{name} 曾被拒绝入场", f"{name} was refused entry")
    day = today_at(site, draft.event.event_time)
    if custody.expires_on is not None and custody.expires_on < day:
        draft.flag("expired_goods", f"{name} 已过期（{custody.expires_on}）", f"{name} expired on {custody.expires_on}")
    if custody.withdrawal_until is not None and custody.withdrawal_until > day:
        until = custody.withdrawal_until
        draft.flag(
            "withdrawal_period",
            f"{name} 仍在安全间隔期内（至 {until}）",
            f"{name} is within its withdrawal period until {until}",
        )


def flag_missing(draft: Draft, custody: Custody, product: Product, amount: int) -> None:
    """Flags more than there is."""
    if amount > custody.on_hand:
        draft.flag(
            "more_than_there",
            f"{product.name} 超出库存（现有 {shown(product, custody.on_hand)['value']}）",
            f"{product.name}: more than there is ({shown(product, custody.on_hand)['value']} on hand)",
        )


# --- what comes into being ---


def make_lot(draft: Draft, site: Site, output: Output | OutsideItem, index: int, *, outside: bool = False) -> Lot:
    """The lot an output names: known already by maker, product and number, or new with a G code."""
    ledger, event = draft.ledger, draft.event
    product = ledger.product(output.product_id)
    number = (output.lot_number or "").strip() or None
    produced, expires = output.produced_on, output.expires_on
    if produced and produced > today_at(site, event.event_time) + timedelta(days=1):
        raise Invalid(
            "produced-in-future",
            "produced_on 晚于记录日期 · produced_on lies after the event",
            pointer=f"/{'items' if outside else 'outputs'}/{index}/produced_on",
        )
    if expires is None and produced and product.shelf_life_days is not None:
        expires = produced + timedelta(days=product.shelf_life_days)
    again = draft.kept.lot_of(site, product, number) if draft.kept else None
    if again is not None:
        lot = ledger.lot(again)
        _amend_lot(draft, lot, produced, expires)
    else:
        if number and not outside:
            key = ids.lot_id(site.party_id, product.id, number)
        else:
            key = ids.unnumbered_lot_id(event.id, index)
        known = ledger.find(Lot, key)
        if known is not None:
            if (known.produced_on, known.expires_on) != (produced, expires):
                draft.flag(
                    "lot_differs", f"批次 {number} 的日期与已登记的不同", f"lot {number} is known by other dates"
                )
            return known
        lot = Lot(
            key, None, product.id, None if outside else site.party_id,
            number or ids.display_lot_number(event.id, event.event_time, index), produced, expires, event.id,
        )  # fmt: skip
        lot.code = draft.mint(CodeKind.LOT, key)
        ledger.add(lot)
    for external in output.external_codes if isinstance(output, Output) else ():
        if ledger.find(ExternalCode, (external.value, external.scheme, lot.id)) is None:
            ledger.add(ExternalCode(external.value, external.scheme, lot.id, "lot"))
    return lot


def _amend_lot(draft: Draft, lot: Lot, produced: date | None, expires: date | None) -> None:
    """Its days were said wrongly: they are put right wherever the lot has got to."""
    ledger = draft.ledger
    ledger.edit(lot, produced_on=produced, expires_on=expires)
    if draft.kept and lot.made_event_id == draft.kept.event.id:
        ledger.edit(lot, made_event_id=draft.event.id)
    draft.touched.add(lot.id.hex)
    for custody in of_lot(ledger, lot):
        ledger.edit(custody, expires_on=expires)


def of_lot(ledger: Ledger, lot: Lot) -> list[Custody]:
    """The lot's custodies, as far as they are loaded: all of them where it is corrected."""
    return [custody for custody in ledger.rows[Custody].values() if custody.lot_id == lot.id]


def withdrawal_until(inputs_used: Sequence[Mapping[str, Any]] | None) -> date | None:
    """The last day on which anything used on a lot forbids its sale."""
    days = [used["withdrawal_until"] for used in inputs_used or () if used["withdrawal_until"]]
    return date.fromisoformat(max(days)) if days else None


def arrive(
    draft: Draft, site: Site, lot: Lot, product: Product, amount: int, entered: dict[str, Any] | None = None
) -> Custody:
    """The lot comes to the site (is made or received there): a new custody with a B code, and an output. What came in
    two ways with one event is one custody."""
    ledger, event = draft.ledger, draft.event
    custody = draft.arrived.get((lot.id, site.id))
    if custody is None:
        custody = draft.kept.custody_of(lot, site) if draft.kept else None
        if custody is not None:
            ledger.edit(custody, arrived_event_id=event.id, arrived_at=event.event_time, expires_on=lot.expires_on)
        else:
            key = ids.custody_id(lot.id, site.id, event.id)
            custody = Custody(
                key, "custody", None, lot.id, product.id, site.id, site.party_id, product.measure, event.id,
                event.event_time, lot.expires_on, withdrawal_until(lot.inputs_used),
            )  # fmt: skip
            custody.code = draft.mint(CodeKind.CUSTODY, key)
            ledger.add(custody)
        draft.arrived[lot.id, site.id] = custody
        draft.outputs.append(
            {
                "custody_id": str(custody.id),
                "code": custody.code,
                "lot_id": str(lot.id),
                "lot_code": lot.code,
                "lot_number": lot.lot_number,
                "product_id": str(product.id),
                "site_id": str(site.id),
                "quantity": entered or shown(product, amount),
            }
        )
        draft.touched.add(within(site.id))
    else:
        for output in draft.outputs:
            if output["custody_id"] == str(custody.id):
                output["quantity"] = shown(product, custody.amount_in + amount)
    draft.enter(custody, "in", amount)
    return custody
