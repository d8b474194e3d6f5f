"""What every decision shares: the draft of an event, its flags and outputs, and the checks of rights and time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.codes import CodeKind
from app.domain.errors import Conflict, Forbidden, Invalid
from app.domain.ledger import Ledger
from app.domain.rights import Principal, Role, is_instrument, owns_site, records
from app.domain.rows import Attachment, Code, Custody, Event, Flag, Lot, Product, Site, within

FUTURE = timedelta(hours=24)  # further ahead than any wrong clock: refused


@dataclass(slots=True)
class Kept:
    """What a corrected event made. Its replacement takes up again what it says the same of: ids and codes stay."""

    event: Event
    made: list[Custody]
    said: list[tuple[UUID, str | None] | None]  # product and lot number of each output; None once it is taken up
    gaps: dict[UUID, Custody]  # custody → the gap it came out of

    def lot_of(self, site: Site, product: Product, number: str | None) -> UUID | None:
        """The lot that the event made of the product at the site under the same number, or without one again."""
        for i, (custody, said) in enumerate(zip(self.made, self.said, strict=True)):
            if said == (product.id, number) and custody.site_id == site.id:
                self.said[i] = None
                return custody.lot_id
        return None

    def custody_of(self, lot: Lot, site: Site) -> Custody | None:
        """The custody in which the event brought the lot to the site."""
        return next((c for c in self.made if (c.lot_id, c.site_id) == (lot.id, site.id)), None)


@dataclass(slots=True)
class Draft:
    """An event while it is decided. `skew`: ahead of ours by more, its clock is flagged; `kept` is there where it takes
    the place of a corrected one."""

    ledger: Ledger
    principal: Principal
    event: Event
    skew: timedelta
    kept: Kept | None = None
    flags: list[Flag] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    arrived: dict[tuple[UUID, UUID], Custody] = field(default_factory=dict)  # by lot and site
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
            self.touched.add(within(custody.site_id))  # the stall's page lists what is on sale

    def mint(self, kind: CodeKind, subject: UUID) -> str:
        text = self.ledger.mint(kind)
        self.ledger.add(Code(text, kind, subject, "active", None, None, self.ledger.now))
        return text

    def attach(self, subject: UUID, documents: Iterable[UUID], sellers: Iterable[UUID | None] = ()) -> None:
        """Lets documents speak for a custody or site; NotFound, and Forbidden for those of others: the ids of papers
        stand on public pages, and nobody enters a market with somebody else's. A market attaches those of
        `sellers`, whose goods or stall they speak for."""
        for document_id in documents:
            document = self.ledger.document(document_id)
            owners = {self.principal.party_id}
            if self.principal.role is Role.MARKET:
                owners |= set(sellers)
            if document.owner_party_id not in owners and self.principal.role is not Role.ADMIN:
                raise Forbidden(
                    "not-your-document", "凭证不是您上传的 · the document is not yours", identity=str(document_id)
                )
            if self.ledger.find(Attachment, (subject, document_id)) is None:
                self.ledger.add(Attachment(subject, document_id, self.event.id))

    def locate(self, said: UUID | None, goods: UUID | None) -> None:
        """Where an event that needs no site took place: as it says itself, else where the goods are, so that those see
        it who answer for them. Offices go anywhere; others speak for their own sites. NotFound, Forbidden."""
        if said is None:
            self.ledger.edit(self.event, site_id=goods)
        elif office(self.principal):
            self.ledger.site(said)
        else:
            own_site(self.ledger, self.principal, said)

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

    def in_whose_name(self) -> UUID:
        """Whose holds these are: the recorder's own, an instrument's its market's, which releases them."""
        if not is_instrument(self.principal) or self.principal.site_id is None:
            return self.principal.recorder_id
        market = self.ledger.market(self.ledger.site(self.principal.site_id))
        return market.party_id if market is not None else self.principal.recorder_id


# --- rights ---


def may_record(principal: Principal, kind: str) -> None:
    """Raises Forbidden where the role does not record this kind at all."""
    if kind not in records(principal):
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
    if custody.voided_by is not None:
        heir = ledger.standing(custody)
        zh, en = ("", "") if heir is custody else (f"，请用 {heir.code}", f"; use {heir.code}, id {heir.id}")
        raise Conflict("voided-custody", f"该批次已作废{zh} · this batch was voided{en}", identity=str(custody_id))
    if custody.kind == "gap":
        raise Conflict(
            "is-a-gap", "这是来源缺口，不是货物 · this is a gap in the chain, not goods", identity=str(custody_id)
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
    if ahead > draft.skew:
        seconds = int(ahead.total_seconds())
        zh, en = (f"{seconds} 秒", f"{seconds} seconds")
        if seconds >= 120:
            zh, en = (f"{seconds // 60} 分钟", f"{seconds // 60} minutes")
        draft.flag("clock_ahead", f"时钟快 {zh}", f"the clock is {en} ahead")


def today_at(site: Site | None, instant: datetime) -> date:
    """The site's own day."""
    return instant.astimezone(ZoneInfo(site.time_zone if site else "Asia/Shanghai")).date()
