"""Goods are judged: papers, tests, admission to a market, holds and their release."""

from dataclasses import asdict
from uuid import UUID

from app.domain import admission, testing
from app.domain.deciding.draft import Draft, office, own_custody, own_site, today_at
from app.domain.deciding.moving import locked_sender, open_slip, received_off, stands
from app.domain.errors import Conflict, Forbidden
from app.domain.events import Admit, Certify, Hold, Observe, Release, Test
from app.domain.regions import province_of
from app.domain.rights import AUTHORITY, Principal, Role, authority, is_instrument, owns_site
from app.domain.rows import TOUCHED, Correction, Custody, Event, Site, Slip, SlipItem, within
from app.domain.rows import Hold as HoldRow


def certify(draft: Draft, event: Certify) -> None:
    """A document speaks for a custody or a site from now on."""
    ledger = draft.ledger
    document = ledger.document(event.document_id)
    site = own_site(ledger, draft.principal, event.site_id) if event.site_id else None
    custody = own_custody(ledger, draft.principal, event.custody_id) if event.custody_id else None
    sellers = [place.party_id for place in (custody, site) if place is not None]
    if custody is not None:
        draft.attach(custody.id, (document.id,), sellers)
        draft.enter(custody, TOUCHED)
        if site is None:
            draft.locate(None, custody.site_id)
    if site is not None:
        draft.attach(site.id, (document.id,), sellers)
        draft.touched.add(site.id.hex)
    if document.expires_on is not None and document.expires_on < today_at(site, draft.event.event_time):
        draft.flag(
            "document_expired", f"凭证已过期（{document.expires_on}）", f"the document expired on {document.expires_on}"
        )


def observe(draft: Draft, event: Observe) -> None:
    """Readings of goods stand on their page; those of a place are kept as they are."""
    ledger = draft.ledger
    site = own_site(ledger, draft.principal, event.site_id) if event.site_id else None
    if event.custody_id is not None:
        custody = own_custody(ledger, draft.principal, event.custody_id)
        draft.enter(custody, TOUCHED)
        if site is None:
            draft.locate(None, custody.site_id)


def test(draft: Draft, event: Test) -> None:
    """A rapid or laboratory test; a fail holds the lot everywhere, with all that was made of it. A market also tests
    what is on its way to it. What an instrument says, its market has said."""
    custody = _judged(draft, event.custody_id, event.site_id, coming=True)
    if is_instrument(draft.principal):
        draft.ledger.edit(draft.event, party_id=draft.in_whose_name())
    verdict = event.verdict or testing.verdict(event.method, event.value, event.unit, event.limit)
    draft.decision = verdict
    draft.enter(custody, TOUCHED)
    # The boards of where it was tested and of where it lies list the day's tests, also those of goods long sold.
    concerned = (custody.lot_id, draft.event.site_id, custody.site_id)
    draft.touched.update(within(key) for key in concerned if key is not None)
    if verdict == "fail":
        draft.flag("failed_test", f"{event.item} 不合格", f"{event.item}: failed")
        reason = f"{event.item} {event.value or ''}{event.unit or ''} ({event.stage})".replace("  ", " ")
        _place(draft, custody, "lot", reason, automatic=True)


def hold(draft: Draft, event: Hold) -> None:
    """Stops sale (暂停销售) as far as its scope reaches, see app.domain.holds."""
    custody = _judged(draft, event.custody_id, event.site_id)
    _place(draft, custody, event.scope, event.reason, automatic=False)
    draft.enter(custody, TOUCHED)


def release(draft: Draft, event: Release) -> None:
    """Lifts a hold; nobody lifts one of a higher authority, and a market only its own."""
    ledger = draft.ledger
    row = ledger.hold(event.hold_event_id)
    custody = ledger.custody(row.custody_id)
    if row.recall_id is not None:
        raise Conflict(
            "under-recall",
            "货物处于召回之中，请修改或结束该召回 · the goods are under recall: narrow or close the recall instead",
            identity=str(row.recall_id),
        )
    # One's own hold is one's own to lift, wherever the goods are by now.
    _may_judge(draft, custody, event.site_id, also=row.placed_by == draft.principal.recorder_id)
    if row.released_by is not None:
        raise Conflict("already-released", "已经解除 · released already", identity=str(row.id))
    if not may_lift(draft.principal, row):
        raise Forbidden(
            "higher-authority",
            "该暂停由上级或其他机构作出，请联系其解除 · placed by another or higher authority; ask it to release",
            identity=str(row.id),
        )
    ledger.edit(row, released_by=draft.event.id)
    draft.enter(custody, TOUCHED)
    draft.touched.add(custody.lot_id.hex)


def may_lift(principal: Principal, hold: HoldRow) -> bool:
    """Nobody lifts a hold of a higher authority, and a market only its own."""
    own = principal.role is not Role.MARKET or hold.placed_by == principal.recorder_id
    return own and hold.authority <= AUTHORITY[principal.role]


def _judged(draft: Draft, custody_id: UUID, site_id: UUID | None, *, coming: bool = False) -> Custody:
    """The custody, where it is goods and the principal may judge it; with `coming`, also where it comes to it."""
    custody = draft.ledger.custody(custody_id)
    if custody.kind == "gap":
        raise Conflict(
            "is-a-gap", "这是来源缺口，不是货物 · this is a gap in the chain, not goods", identity=str(custody_id)
        )
    _may_judge(draft, custody, site_id, also=coming and _comes_to_its_market(draft, custody))
    return custody


def _comes_to_its_market(draft: Draft, custody: Custody) -> bool:
    """Whether goods of the custody are still on a slip that names the market or one of its stalls."""
    ledger, principal = draft.ledger, draft.principal
    if principal.role is not Role.MARKET and not is_instrument(principal):
        return False
    for item in ledger.rows[SlipItem].values():
        if item.custody_id == custody.id and item.received < item.amount:
            slip = ledger.slip(item.slip_code)
            target = ledger.site(slip.to_site_id) if slip.to_site_id is not None and stands(ledger, slip) else None
            if target is not None and owns_site(principal, target, ledger.market(target)):
                return True
    return False


def _may_judge(draft: Draft, custody: Custody, said: UUID | None, *, also: bool = False) -> None:
    """Raises Forbidden save for its own hands, its market, its region; a laboratory judges any goods; `also`: there is
    another ground."""
    principal = draft.principal
    site = draft.ledger.site(custody.site_id) if custody.site_id else None
    own = site is not None and owns_site(principal, site, draft.ledger.market(site))
    if not own and not also and principal.role not in (Role.LAB, Role.ADMIN):
        if office(principal):
            raise Forbidden("outside-region", "不在您的辖区 · outside your region", identity=str(custody.id))
        raise Forbidden(
            "not-yours", "这批货物不在您管理的场所 · these goods are at no site of yours", identity=str(custody.id)
        )
    draft.locate(said, custody.site_id)


def _place(draft: Draft, custody: Custody, scope: str, reason: str, *, automatic: bool) -> None:
    draft.ledger.add(
        HoldRow(
            draft.event.id,
            scope,
            custody.id,
            custody.lot_id,
            reason,
            authority(draft.principal),
            draft.in_whose_name(),
            draft.event.event_time,
            automatic,
        )
    )
    draft.touched.update((custody.id.hex, custody.lot_id.hex))


# --- admission ---


def admit(draft: Draft, event: Admit) -> None:
    """The market's decision at its gate (入场查验): admitted, or refused with everything that is missing."""
    ledger = draft.ledger
    site = own_site(ledger, draft.principal, event.site_id)
    slip = open_slip(draft, event.slip_code, site) if event.slip_code is not None else None
    if slip is not None:
        custodies = [ledger.custody(item.custody_id) for item in ledger.items[slip.code]]
    else:
        custodies = [own_custody(ledger, draft.principal, key) for key in dict.fromkeys(event.custody_ids or ())]
    rules = market_rules(draft, site)
    day = today_at(site, draft.event.event_time)
    reasons: dict[str, admission.Reason] = {}
    for custody in custodies:
        for reason in admission.refusals(_goods(draft, custody, site, slip), rules, day):
            reasons[reason.detail] = reason
    draft.decision = "refused" if reasons else "admitted"
    draft.reasons = [asdict(reason) | {"missing": list(reason.missing)} for reason in reasons.values()]
    for custody in custodies:
        draft.enter(custody, TOUCHED)
        if slip is None:
            ledger.edit(custody, admission=draft.decision)
    if slip is not None:
        draft.slip_code = slip.code
        admit_slip(draft, slip, draft.decision)
    draft.touched.add(within(site.id))


def admit_slip(draft: Draft, slip: Slip, decision: str | None) -> None:
    """A decision on a slip is one on everything that came, or will come, off it."""
    draft.ledger.edit(slip, admission=decision)
    draft.touched.add(slip.code)
    for _, link in received_off(draft.ledger, slip):
        child = draft.ledger.custody(link.child_id)
        draft.ledger.edit(child, admission=decision)
        draft.touched.add(child.id.hex)


def market_rules(draft: Draft, site: Site) -> list[admission.Rule]:
    """The rules of the nearest site upward that has its own."""
    parts = site.path.strip("/").split("/")
    for key in reversed(parts):
        above = draft.ledger.sites.get(UUID(hex=key))
        if above is not None and above.admission_rules is not None:
            return admission.parse_rules(above.admission_rules)
    return []


def _goods(draft: Draft, custody: Custody, site: Site, slip: Slip | None) -> admission.Goods:
    ledger = draft.ledger
    product = ledger.product(custody.product_id)
    ancestors = ledger.ancestors(custody.id)
    same_lot = [c for c in ancestors if c.lot_id == custody.lot_id]
    subjects = [c.id for c in same_lot] + [c.site_id for c in ancestors if c.site_id]
    papers = [
        admission.Paper(document.type, document.class_, document.expires_on)
        for subject in dict.fromkeys(subjects)
        for attachment in ledger.attached[subject]
        if (document := ledger.documents.get(attachment.document_id)) is not None
    ]
    holds = ledger.holds_on(custody)
    arrival = ledger.find(Event, custody.arrived_event_id)
    day = today_at(site, draft.event.event_time)
    return admission.Goods(
        name=product.name,
        category=product.category,
        papers=papers,
        passed_test=any(_passed(draft, c) for c in same_lot),
        failed_test=any(h.automatic for h in holds),
        held=any(not h.automatic for h in holds),
        expired=custody.expires_on is not None and custody.expires_on < day,
        chain_complete=not any(_open_gap(draft, c) for c in ancestors),
        has_slip=slip is not None or bool(arrival and arrival.outcome.get("slip_code")),
        outside_province=_outside_province(draft, custody, site, slip),
        locked_sender=_locked_sender(draft, custody, slip),
    )


def _passed(draft: Draft, custody: Custody) -> bool:
    for entry in draft.ledger.timeline[custody.id]:
        if entry.kind == "test" and draft.ledger.find(Correction, entry.event_id) is None:
            event = draft.ledger.find(Event, entry.event_id)
            if event is not None and event.outcome.get("decision") == "pass":
                return True
    return False


def _open_gap(draft: Draft, custody: Custody) -> bool:
    """A gap that nobody, or only one side, has closed."""
    return custody.kind == "gap" and not any(link.claimed_by is None for link in draft.ledger.links_up[custody.id])


def _outside_province(draft: Draft, custody: Custody, site: Site, slip: Slip | None) -> bool:
    """Goods whose last hop began in another province, or outside the system at an address that is not of this one."""
    if slip is not None:
        sources = [draft.ledger.site(slip.site_id)]
    else:
        parents = [draft.ledger.find(Custody, link.parent_id) for link in draft.ledger.links_up[custody.id]]
        gaps = [parent for parent in parents if parent is not None and parent.kind == "gap"]
        if any(province_of((gap.paper or {}).get("address")) != (site.region or "")[:2] for gap in gaps):
            return True
        sources = [draft.ledger.site(p.site_id) for p in parents if p is not None and p.site_id]
    return any((source.region or "")[:2] != (site.region or "")[:2] for source in sources)


def _locked_sender(draft: Draft, custody: Custody, slip: Slip | None) -> str | None:
    """Who sent the goods on their last hop and is locked."""
    ledger = draft.ledger
    senders: list[Slip | Custody | None] = [slip]
    if slip is None:
        senders = [ledger.find(Custody, link.parent_id) for link in ledger.links_up[custody.id] if link.kind == "move"]
    names = (locked_sender(ledger, sender.party_id, sender.site_id) for sender in senders if sender is not None)
    return next((name for name in names if name is not None), None)
