"""Deliveries (在途到货): what is under way to a site, and is received off its slip by one act, whether the slip was
made out here or stands for a shipment that its sender's own system reported (docs/decisions/0072)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.domain.codes import CodeKind
from app.domain.deciding.moving import remaining_of
from app.domain.epcis.book import CAPTURED
from app.domain.epcis.captured import is_sscc, papers_of
from app.domain.epcis.identifiers import canonical_uri
from app.domain.epcis.spelling import read
from app.domain.errors import Forbidden, Invalid, NotFound
from app.domain.ledger import Ledger
from app.domain.rights import Principal, Role, owns_site
from app.domain.rows import Party, Product, Site, Slip, SlipItem
from app.issuing import read_code
from app.scanning.answer import Shown
from app.scanning.own import quantity
from app.store import chain, deliveries, master
from app.store.codes import slips as slips_by_code
from app.store.deliveries import Place
from app.store.engine import Snapshot
from app.tracing.epcs import goods

KEPT: Final = timedelta(days=30)
"""What was sent earlier is listed when asked for."""
_SSCC = re.compile(r"(?:00)?(\d{18})")
_Known = dict[tuple[UUID, UUID], dict[str, int]]  # goods, site → by slip, what is still to come


@dataclass(frozen=True, slots=True)
class Line:
    """Goods on a slip; `remaining` of `quantity` is still to come."""

    custody_id: UUID
    product: Product
    lot_number: str
    epc: str | None
    quantity: Shown
    remaining: Shown


@dataclass(frozen=True, slots=True)
class Delivery:
    """`reported_by`: who says so, where that is not the party that sends. `papers`: (type, identifier) of the sender's
    documents, such as desadv; `units`: the logistic units (SSCC) that it comes in."""

    slip: Slip
    captured: bool
    from_site: Site | None
    from_party: Party | None
    reported_by: Party | None
    to_site: Site
    papers: Sequence[tuple[str, str]]
    units: Sequence[str]
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Found:
    """`after`: where the next page begins; None where there is none."""

    deliveries: list[Delivery]
    after: Place | None = None


def find_deliveries(
    snapshot: Snapshot, reader: Principal, now: datetime, *, site_id: UUID | None, since: datetime | None,
    after: Place | None, limit: int,
) -> Found:  # fmt: skip
    """Of which something is still to come to the site, and all below it; to the reader's own sites without one. Raises
    Forbidden, Invalid, NotFound."""
    sites = _sites(snapshot, reader, site_id)
    slips = deliveries.under_way(snapshot, sites, since or now - KEPT, after, limit + 1)
    return _page(snapshot, slips, limit, now)


def scanned(
    snapshot: Snapshot, reader: Principal, now: datetime, text: str, *, site_id: UUID | None, after: Place | None,
    limit: int,
) -> Found:  # fmt: skip
    """As find_deliveries, those that bring what was scanned: an SSCC, a Digital Link, an EPC, GTIN and lot number, or a
    code of ours. Raises Malformed, NotFound as well."""
    sites = _sites(snapshot, reader, site_id)
    number = _SSCC.fullmatch(text.strip())
    epc = read(f"(00){number[1]}" if number is not None else text)
    if epc is not None:
        slips = deliveries.carrying(snapshot, goods(snapshot, epc, None, None).keys)
    else:
        slips = _by_code(snapshot, text)
    slips = [slip for slip in slips if slip.to_site_id in sites and (after is None or deliveries.place(slip) < after)]
    return _page(snapshot, slips, limit, now)


def _by_code(snapshot: Snapshot, text: str) -> list[Slip]:
    code = read_code(text.rsplit("/", 1)[-1])
    if code.kind is CodeKind.SLIP:
        return [slip for slip in slips_by_code(snapshot, [code.text]).values() if slip.status == "open"]
    issued = chain.code_of(snapshot, code.text)
    if issued is None:
        raise NotFound("unknown-code", f"没有这个编码：{code.text} · no such code: {code.text}", identity=code.text)
    if code.kind is CodeKind.LOT:
        return deliveries.carrying(snapshot, chain.of_lots(snapshot, [issued[1].bytes]))
    return deliveries.carrying(snapshot, [issued[1].bytes])


def _sites(snapshot: Snapshot, reader: Principal, site_id: UUID | None) -> set[UUID]:
    if reader.role in (Role.LAB, Role.AUDITOR):
        raise Forbidden(
            "role-may-not-read", f"{reader.role} 不收货 · a {reader.role} receives no goods; use another key"
        )
    if site_id is not None:
        site = master.sites(snapshot, [site_id]).get(site_id)
        if site is None or not owns_site(reader, site, master.markets(snapshot, [site])[site.id]):
            raise NotFound("unknown-site", f"没有您管理的这个场所：{site_id} · no site {site_id} of yours")
        own = [site]
    elif reader.party_id is not None and reader.role is not Role.DEVICE:
        own = master.sites_of_party(snapshot, reader.party_id)
    elif reader.site_id is not None:
        own = list(master.sites(snapshot, [reader.site_id]).values())
    else:
        raise Invalid("site-needed", "请指明收货场所 site_id · name the receiving site: site_id", pointer="?site_id")
    below = master.sites_below(snapshot, sorted({site.path for site in own}))
    markets = master.markets(snapshot, below)
    return {site.id for site in below if owns_site(reader, site, markets[site.id])}


def _page(snapshot: Snapshot, slips: Sequence[Slip], limit: int, now: datetime) -> Found:
    """`slips`: the latest first."""
    page = slips[:limit]
    ledger = deliveries.contents(snapshot, [slip.code for slip in page], now)
    known: _Known = {}
    told = [_delivery(ledger, slip, known) for slip in page]
    return Found([one for one in told if one.lines], deliveries.place(page[-1]) if len(slips) > limit else None)


def _delivery(ledger: Ledger, slip: Slip, known: _Known) -> Delivery:
    event = ledger.event(slip.event_id)
    captured = event.kind.startswith(CAPTURED)
    assert slip.to_site_id is not None, "asked for by it"
    body = event.body if captured else {}
    units = [canonical_uri(epc) for epc in body.get("epcList", ())]
    by = ledger.parties.get(event.party_id) if event.party_id is not None else None
    items = sorted(ledger.items[slip.code], key=lambda item: (item.position, item.custody_id))
    return Delivery(
        slip,
        captured,
        ledger.sites.get(slip.site_id),
        ledger.parties.get(slip.party_id) if slip.party_id is not None else None,
        by if by is not None and by.id != slip.party_id else None,
        ledger.site(slip.to_site_id),
        papers_of(body),
        sorted({unit for unit in units if is_sscc(unit)}),
        [line for item in items if (line := _line(ledger, slip, item, known)) is not None],
    )


def _line(ledger: Ledger, slip: Slip, item: SlipItem, known: _Known) -> Line | None:
    """None where nothing is to come any more; of goods of unknown amount until some came."""
    left = remaining_of(ledger, slip, item, known)
    if left <= 0 and (item.amount or item.received):
        return None
    product, lot = ledger.product(item.product_id), ledger.lot(item.lot_id)
    return Line(
        item.custody_id, product, lot.lot_number, lot.epc, quantity(item.amount, product), quantity(left, product)
    )
