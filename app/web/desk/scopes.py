"""The scope of a recall as a form: what it names, each with a tick that keeps it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.rows import Site
from app.store import codes as store
from app.store import master
from app.store.engine import reading
from app.web.pages import HOME as CHINA
from app.web.service import Service

Scope = Mapping[str, Any]  # as a recall tells it


@dataclass(frozen=True, slots=True)
class Item:
    """`field`: what its tick is called; kind: lot, custody, site, party or exclusion; `days`: from and until, in China;
    `reason`: of an exclusion."""

    field: str
    kind: str
    name: str
    code: str | None = None
    number: str | None = None
    at: str | None = None
    days: tuple[datetime | None, datetime | None] = (None, None)
    categories: tuple[str, ...] = ()
    reason: str | None = None


def items(service: Service, scope: Scope) -> list[Item]:
    """Everything that the scope names. Blocks."""
    windows, exclusions = scope["sites"], scope["exclusions"]
    with reading(service.engine) as snapshot:
        held = store.custodies(snapshot, [*_ids(scope["custodies"]), *_ids(each["custody_id"] for each in exclusions)])
        lots = store.lots(snapshot, [*_ids(scope["lots"]), *(custody.lot_id for custody in held.values())])
        named = [each["site_id"] for each in (*windows, *exclusions)]
        sites = master.sites(snapshot, [*_ids(named), *(c.site_id for c in held.values() if c.site_id is not None)])
        parties = master.parties(snapshot, _ids(each["party_id"] for each in windows))
        products = master.products(snapshot, [lot.product_id for lot in lots.values()])

    def lot(field: str, kind: str, key: UUID, code: str | None, at: Site | None, reason: str | None = None) -> Item:
        found = lots[key]
        at_name = at.name if at else None
        return Item(field, kind, products[found.product_id].name, code, found.lot_number, at_name, reason=reason)

    def custody(field: str, kind: str, text: str, reason: str | None = None) -> Item:
        found = held[UUID(text)]
        at = sites.get(found.site_id) if found.site_id is not None else None
        return lot(field, kind, found.lot_id, found.code, at, reason)

    told = [lot(f"lot-{key}", "lot", UUID(key), lots[UUID(key)].code, None) for key in scope["lots"]]
    told += [custody(f"custody-{key}", "custody", key) for key in scope["custodies"]]
    for n, each in enumerate(windows):
        place = sites[UUID(each["site_id"])] if each["site_id"] else parties[UUID(each["party_id"])]
        kind = "site" if each["site_id"] else "party"
        days = (_day(each["since"]), _day(each["until"]))
        told.append(Item(f"site-{n}", kind, place.name, place.code, days=days, categories=tuple(each["categories"])))
    for n, each in enumerate(exclusions):
        if each["site_id"]:
            site = sites[UUID(each["site_id"])]
            told.append(Item(f"exclusion-{n}", "exclusion", site.name, site.code, reason=each["reason"]))
        else:
            told.append(custody(f"exclusion-{n}", "exclusion", each["custody_id"], each["reason"]))
    return told


def kept(service: Service, scope: Scope, ticked: Mapping[str, str]) -> dict[str, Any]:
    """What of the scope is ticked, as a change takes it; a party is named by its code. Blocks."""
    windows = [each for n, each in enumerate(scope["sites"]) if f"site-{n}" in ticked]
    with reading(service.engine) as snapshot:
        parties = master.parties(snapshot, _ids(each["party_id"] for each in windows))
    return {
        "lots": [key for key in scope["lots"] if f"lot-{key}" in ticked],
        "custodies": [key for key in scope["custodies"] if f"custody-{key}" in ticked],
        "sites": [
            {name: value for name, value in each.items() if name != "party_id"} for each in windows if each["site_id"]
        ],
        "exclusions": [each for n, each in enumerate(scope["exclusions"]) if f"exclusion-{n}" in ticked],
        "codes": [party.code for party in parties.values()],
    }


def _ids(texts: Iterable[str | None]) -> list[UUID]:
    return [UUID(text) for text in texts if text]


def _day(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(CHINA) if text else None
