"""What is about to lapse at the places of a board: licences, papers and goods, for who answers for them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from app.domain.rights import Principal
from app.domain.rows import Custody, Party, Site
from app.scanning.answer import Shown
from app.scanning.audience import Audience, redact
from app.scanning.names import Names, goods, in_zone, place
from app.scanning.places import GOODS, ON_SALE
from app.store import codes, master, scan
from app.store.engine import Snapshot
from app.store.lookups import look_up

PAPERS = 30  # days before its end that a licence or paper is told of
FRESH = 3  # days for goods, or a tenth of their shelf life where that is longer


@dataclass(frozen=True, slots=True)
class _Places:
    """The places that the reader has a say in, as they are now."""

    names: Names
    sites: dict[UUID, Site]
    days: dict[UUID, date]  # the day at each
    audience: dict[UUID, Audience]

    def told(self, site: Site, fields: dict[str, Any]) -> Shown:
        party = self.names.party(site.party_id)
        empty = dict.fromkeys(("kind", "type", "number", "code", "product", "lot_number"))
        days = (fields["expires_on"] - self.days[site.id]).days
        where = {"site": place(site), "party": place(party), "days": days}
        return redact("expiring", self.audience[site.id], empty | where | fields)


def expiring(snapshot: Snapshot, site_ids: list[UUID], now: datetime, reader: Principal) -> list[Shown] | None:
    """The nearest first, what has lapsed before that; None for who has no say in any of the places."""
    names = Names(snapshot, reader).load(site_ids)
    audience = {key: names.audience(key) for key in site_ids}
    sites = {key: site for key in site_ids if audience[key] > Audience.PUBLIC and (site := names.site(key)) is not None}
    if not sites:
        return None
    names.load(site.party_id for site in sites.values())
    places = _Places(names, sites, {key: in_zone(now, site).date() for key, site in sites.items()}, audience)
    found = [*_licences(places), *_papers(snapshot, places), *_goods(snapshot, places, now)]
    return sorted(found, key=lambda each: (each["expires_on"], str(each["number"] or each["lot_number"])))


def _licences(places: _Places) -> Iterator[Shown]:
    """A party's licences, once each, however many places it has."""
    first: dict[UUID, Site] = {}
    for site in places.sites.values():
        first.setdefault(site.party_id, site)
    for key, site in first.items():
        party: Party | None = places.names.party(key)
        for licence in party.licences if party else ():
            if licence.get("expires_on"):
                ends = date.fromisoformat(str(licence["expires_on"]))
                if (ends - places.days[site.id]).days <= PAPERS:
                    said = {"kind": "licence", "type": licence.get("scheme"), "number": licence.get("number")}
                    yield places.told(site, said | {"expires_on": ends})


def _papers(snapshot: Snapshot, places: _Places) -> Iterator[Shown]:
    """Documents that speak for a place."""
    attached = look_up(snapshot, {scan.ATTACHMENTS: sorted(places.sites)}).of(scan.ATTACHMENTS)
    found = look_up(snapshot, {scan.DOCUMENTS: sorted(row.document_id for row in attached)})
    documents = {row.id: row for row in found.of(scan.DOCUMENTS)}
    for row in attached:
        document, site = documents.get(row.document_id), places.sites[row.subject_id]
        if document is None or document.expires_on is None:
            continue
        if (document.expires_on - places.days[site.id]).days <= PAPERS:
            said = {"kind": "document", "type": document.type, "number": document.number}
            yield places.told(site, said | {"expires_on": document.expires_on})


def _goods(snapshot: Snapshot, places: _Places, now: datetime) -> Iterator[Shown]:
    there: list[Custody] = []
    for chunk in master.chunks(places.sites):
        there += scan.there(snapshot, chunk, now - ON_SALE, now + timedelta(days=1), GOODS)
    lots = codes.lots(snapshot, {custody.lot_id for custody in there})
    places.names.load({custody.product_id for custody in there})
    for custody in there:
        lot, product = lots.get(custody.lot_id), places.names.product(custody.product_id)
        ends = custody.expires_on or (lot.expires_on if lot else None)
        if ends is None or custody.site_id is None:
            continue
        site = places.sites[custody.site_id]
        warned = max(FRESH, ((product.shelf_life_days or 0) if product else 0) // 10)
        if (ends - places.days[site.id]).days <= warned:
            said = {"kind": "batch", "code": custody.code, "product": goods(product)}
            yield places.told(site, said | {"lot_number": lot.lot_number if lot else None, "expires_on": ends})
