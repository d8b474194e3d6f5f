"""What every decision shares: the draft of an event, its flags and outputs, and the checks of rights and goods."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain import ids
from app.domain.codes import CodeKind
from app.domain.errors import Conflict, Forbidden, Invalid
from app.domain.events import Counted, Entered, Item, Output, OutsideItem
from app.domain.ledger import Ledger
from app.domain.quantities import QuantityError, convert
from app.domain.rights import RECORDS, Principal, Role, owns_site
from app.domain.rows import (
    Attachment,
    Code,
    Custody,
    Event,
    ExternalCode,
    Flag,
    Lot,
    Product,
    Site,
)

FUTURE = timedelta(hours=24)  # further ahead than any wrong clock: refused
SKEW = timedelta(minutes=5)  # ahead of ours by more: flagged


@dataclass(slots=True)
class Draft:
    """An event while it is decided."""

    ledger: Ledger
    principal: Principal
    event: Event
    flags: list[Flag] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    slip_code: str | None = None
    decision: str | None = None
    reasons: list[dict[str, Any]] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)

    def flag(self, slug: str, zh: str, en: str) -> None:
        """Notes for the regulator what breaks a rule and is recorded all the same."""
        row = Flag(self.event.id, len(self.flags), slug, f"{zh} · {en}", self.ledger.now)
        self.flags.append(row)
        self.ledger.add(row)

    def enter(self, custody: Custody, entry: str, amount: int = 0) -> None:
        before = custody.on_hand
        self.ledger.enter(self.event, custody, entry, amount)
        self.touched.add(custody.id.hex)
        if (before > 0) != (custody.on_hand > 0) and custody.site_id:
            self.touched.add(custody.site_id.hex)  # the stall's page lists what is on sale

    def mint(self, kind: CodeKind, subject: UUID) -> str:
        text = self.ledger.mint(kind)
        self.ledger.add(Code(text, kind, subject, "active", None, None, self.ledger.now))
        return text

    def attach(self, subject: UUID, documents: Iterable[UUID]) -> None:
        """Lets documents speak for a custody or site; NotFound where one is not there."""
        for document_id in documents:
            self.ledger.document(document_id)
            if self.ledger.find(Attachment, (subject, document_id)) is None:
                self.ledger.add(Attachment(subject, document_id, self.event.id))

    def outcome(self) -> dict[str, Any]:
        """The contract's outcome, less the status of this answer."""
        return {
            "ref": self.event.ref,
            "id": str(self.event.id),
            "kind": self.event.kind,
            "record_time": self.event.record_time.isoformat(),
            "flags": [{"slug": flag.slug, "detail": flag.detail} for flag in self.flags],
            "outputs": self.outputs,
            "slip_code": self.slip_code,
            "receipt_code": None,
            "decision": self.decision,
            "reasons": self.reasons,
            "problem": None,
        }


# --- rights ---


def may_record(principal: Principal, kind: str) -> None:
    """Raises Forbidden where the role does not record this kind at all."""
    if kind not in RECORDS[principal.role]:
        raise Forbidden(
            "role-may-not-record",
            f"{principal.role} 无权记录 {kind} · a {principal.role} does not record {kind}; use another key",
        )


def active_party(ledger: Ledger, principal: Principal) -> None:
    """Raises Forbidden where the recording party has not been activated, or is locked."""
    if principal.party_id is None:
        return
    party = ledger.party(principal.party_id)
    if party.status == "pending":
        raise Forbidden(
            "party-pending",
            f"{party.name} 尚未启用，请联系市场或监管部门 · "
            f"{party.name} is not active yet; ask the market or the regulator",
        )
    if party.status == "locked":
        why = party.status_reason or ""
        raise Forbidden("party-locked", f"{party.name} 已被锁定：{why} · {party.name} is locked: {why}")


def own_site(ledger: Ledger, principal: Principal, site_id: UUID) -> Site:
    """The site, where the principal may record at it; NotFound, Forbidden."""
    site = ledger.site(site_id)
    if not owns_site(principal, site, ledger.market(site)):
        raise Forbidden(
            "not-your-site",
            f"{site.name} 不归您管理 · {site.name} is not yours to record at; use a key of its operator",
            identity=str(site_id),
        )
    if site.status != "active":
        raise Forbidden("site-closed", f"{site.name} 已停用 · {site.name} is closed", identity=str(site_id))
    return site


def own_custody(ledger: Ledger, principal: Principal, custody_id: UUID) -> Custody:
    """The custody, where it stands at a site of the principal's; NotFound, Forbidden."""
    custody = ledger.custody(custody_id)
    if custody.kind == "gap" and custody.voided_by is None:
        raise Conflict(
            "is-a-gap", "这是来源缺口，不是货物 · this is a gap in the chain, not goods", identity=str(custody_id)
        )
    if custody.voided_by is not None:
        replacement = ledger.find(Code, custody.code) if custody.code else None
        heir = replacement.replacement if replacement else None
        zh, en = (f"，请用 {heir}", f"; use {heir}") if heir else ("", "")
        raise Conflict(
            "voided-custody",
            f"该批次已作废{zh} · this batch was voided{en}",
            identity=str(custody_id),
        )
    if custody.site_id is not None:
        site = ledger.site(custody.site_id)
        if owns_site(principal, site, ledger.market(site)):
            return custody
    raise Forbidden(
        "not-yours",
        "这批货物不在您名下 · these goods are not in your hands; receive them first",
        identity=str(custody_id),
    )


def office(principal: Principal) -> bool:
    """True for those who judge goods in other hands."""
    return principal.role in (Role.LAB, Role.REGULATOR, Role.ADMIN)


# --- time ---


def check_time(draft: Draft) -> None:
    """Refuses an event of tomorrow, flags a clock that is ahead."""
    ahead = draft.event.event_time - draft.ledger.now
    if ahead > FUTURE:
        raise Invalid(
            "event-time-in-future",
            "event_time 在未来，请检查设备时钟 · event_time lies in the future; check the clock",
            pointer="/event_time",
        )
    if ahead > SKEW:
        minutes = int(ahead.total_seconds() // 60)
        draft.flag("clock_ahead", f"时钟快 {minutes} 分钟", f"the clock is {minutes} minutes ahead")


def today_at(site: Site | None, instant: datetime) -> date:
    """The site's own day."""
    return instant.astimezone(ZoneInfo(site.time_zone if site else "Asia/Shanghai")).date()


# --- quantities ---


def amount_of(product: Product, entered: Entered | Counted, pointer: str) -> int:
    """Grams or pieces by the product's measure; Invalid with the pointer where the unit does not fit."""
    try:
        amount = convert(entered.quantity(), product.measure, product.grams_per_piece)
    except QuantityError as error:
        raise Invalid(error.slug, f"{error.detail_zh} · {error.detail}", pointer=pointer) from None
    if amount == 0 and isinstance(entered, Entered):
        raise Invalid("invalid-quantity", "数量折算后为零 · the quantity rounds to nothing", pointer=pointer)
    return amount


def grams_and_pieces(product: Product, amount: int) -> tuple[int | None, int | None]:
    """An amount in both measures where the product says how much a piece weighs."""
    if product.measure == "weight":
        return amount, None
    return (amount * product.grams_per_piece if product.grams_per_piece else None), amount


def shown(product: Product, amount: int) -> dict[str, Any]:
    """A quantity as the contract's answers show it."""
    grams, pieces = grams_and_pieces(product, amount)
    if product.measure == "weight":
        return {"value": f"{amount / 1000:f}".rstrip("0").rstrip("."), "unit": "kg", "grams": grams, "pieces": None}
    return {"value": str(amount), "unit": "pcs", "grams": grams, "pieces": pieces}


def as_entered(product: Product, entered: Entered, amount: int) -> dict[str, Any]:
    grams, pieces = grams_and_pieces(product, amount)
    return {"value": entered.value, "unit": entered.unit, "grams": grams, "pieces": pieces}


# --- goods ---


def take(draft: Draft, site: Site, item: Item, entry: str, pointer: str) -> tuple[Custody, Product, int]:
    """Takes some of a custody at the site away, flagging what should not have been touched."""
    custody = own_custody(draft.ledger, draft.principal, item.custody_id)
    if custody.site_id is None or not draft.ledger.site(custody.site_id).lies_in(site):
        raise Conflict(
            "custody-elsewhere",
            f"这批货物不在 {site.name} · these goods are not at {site.name}; name the site where they are",
            identity=str(item.custody_id),
        )
    product = draft.ledger.product(custody.product_id)
    amount = amount_of(product, item.quantity, pointer)
    flag_goods(draft, custody, product, amount, site)
    draft.enter(custody, entry, amount)
    return custody, product, amount


def flag_goods(draft: Draft, custody: Custody, product: Product, amount: int, site: Site | None) -> None:
    """Flags goods on hold, refused, expired, within a withdrawal period, or more than there are."""
    name = product.name
    for _ in draft.ledger.holds_on(custody)[:1]:
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
    if amount > custody.on_hand:
        draft.flag(
            "more_than_there",
            f"{name} 超出库存（现有 {shown(product, custody.on_hand)['value']}）",
            f"{name}: more than there is ({shown(product, custody.on_hand)['value']} on hand)",
        )


def make_lot(draft: Draft, site: Site, output: Output | OutsideItem, index: int, *, outside: bool = False) -> Lot:
    """The lot an output names: known already by maker, product and number, or new with a G code."""
    ledger, event = draft.ledger, draft.event
    product = ledger.product(output.product_id)
    number = output.lot_number.strip() if output.lot_number else None
    if number and not outside:
        key = ids.lot_id(site.party_id, product.id, number)
    else:
        key = ids.unnumbered_lot_id(event.id, index)
    known = ledger.find(Lot, key)
    if known is not None:
        return known
    expires = output.expires_on
    if expires is None and output.produced_on and product.shelf_life_days is not None:
        expires = output.produced_on + timedelta(days=product.shelf_life_days)
    if output.produced_on and output.produced_on > today_at(site, event.event_time) + timedelta(days=1):
        raise Invalid(
            "produced-in-future",
            "produced_on 晚于记录日期 · produced_on lies after the event",
            pointer=f"/{'items' if outside else 'outputs'}/{index}/produced_on",
        )
    lot = Lot(
        key,
        None,
        product.id,
        None if outside else site.party_id,
        number or ids.display_lot_number(event.id, event.event_time, index),
        output.produced_on,
        expires,
        event.id,
    )
    lot.code = draft.mint(CodeKind.LOT, key)
    ledger.add(lot)
    for external in output.external_codes if isinstance(output, Output) else ():
        ledger.add(ExternalCode(external.value, external.scheme, key, "lot"))
    return lot


def withdrawal_until(inputs_used: Sequence[Mapping[str, Any]] | None) -> date | None:
    """The last day on which anything used on a lot forbids its sale."""
    days = [used["withdrawal_until"] for used in inputs_used or () if used["withdrawal_until"]]
    return date.fromisoformat(max(days)) if days else None


def arrive(draft: Draft, site: Site, lot: Lot, amount: int, entered: dict[str, Any] | None = None) -> Custody:
    """The lot comes to the site (is made or received there): a new custody with a B code, and an output."""
    ledger, event = draft.ledger, draft.event
    product = ledger.product(lot.product_id)
    key = ids.custody_id(lot.id, site.id, event.id)
    custody = ledger.find(Custody, key)
    if custody is None:
        custody = Custody(
            key, "custody", None, lot.id, product.id, site.id, site.party_id, product.measure, event.id,
            event.event_time, lot.expires_on, withdrawal_until(lot.inputs_used),
        )  # fmt: skip
        custody.code = draft.mint(CodeKind.CUSTODY, key)
        ledger.add(custody)
        draft.outputs.append(
            {
                "custody_id": str(key),
                "code": custody.code,
                "lot_id": str(lot.id),
                "lot_code": lot.code,
                "lot_number": lot.lot_number,
                "product_id": str(product.id),
                "site_id": str(site.id),
                "quantity": entered or shown(product, amount),
            }
        )
        draft.touched.add(site.id.hex)
    else:
        for output in draft.outputs:
            if output["custody_id"] == str(key):
                output["quantity"] = shown(product, custody.amount_in + amount)
    draft.enter(custody, "in", amount)
    return custody
