"""What a printed symbol carries: the Digital Link of goods and places that have GS1 keys, our own code of all others.

A Digital Link is printed only where it leads to the same page as the code does: of a lot whose GTIN and number no other
lot has, of a place that its GLN means. A batch in somebody's hands keeps its own code: no GS1 key tells two stalls
apart.
"""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from app.domain import codes
from app.domain.application_identifiers import IDENTIFIERS
from app.domain.codes import CodeKind
from app.domain.digital_link import DigitalLink
from app.domain.identifiers import check_gtin
from app.domain.rows import Lot, Product, Site
from app.store import codes as code_store
from app.store import links as store
from app.store import master
from app.store.engine import Snapshot


def symbols(snapshot: Snapshot, texts: Iterable[str], root: str) -> dict[str, str]:
    """For each code the URL that its symbol carries; codes that were issued, in their canonical spelling."""
    wanted = {text: codes.parse(text).kind for text in texts}
    rows = code_store.find(snapshot, [text for text, kind in wanted.items() if kind in (CodeKind.LOT, CodeKind.SITE)])
    active = {text: row.subject_id for text, row in rows.items() if row.status == "active"}
    found = _of_lots(snapshot, {key for text, key in active.items() if wanted[text] is CodeKind.LOT})
    found |= _of_sites(snapshot, {key for text, key in active.items() if wanted[text] is CodeKind.SITE})
    links = {text: found[key].uri(root) for text, key in active.items() if key in found}
    return {text: links.get(text) or codes.qr_url(root, text) for text in wanted}


def _of_lots(snapshot: Snapshot, ids: set[UUID]) -> dict[UUID, DigitalLink]:
    lots = code_store.lots(snapshot, ids)
    named = master.products(snapshot, {lot.product_id for lot in lots.values()})
    gtins = {key: gtin for key, product in named.items() if (gtin := _gtin(product)) is not None}
    numbered = {key: lot for key, lot in lots.items() if lot.product_id in gtins and _link(gtins[lot.product_id], lot)}
    same = store.products(snapshot, {gtins[lot.product_id] for lot in numbered.values()})
    of_gtin = {product.id: gtin for gtin, listed in same.items() for product in listed}
    times: dict[tuple[str, str], int] = {}
    for product_id, number in store.numbered(snapshot, of_gtin, {lot.lot_number for lot in numbered.values()}):
        label = of_gtin[product_id], number
        times[label] = times.get(label, 0) + 1
    return {
        key: link
        for key, lot in numbered.items()
        if (link := _link(gtins[lot.product_id], lot)) and times.get((link.value, lot.lot_number)) == 1
    }


def _gtin(product: Product) -> str | None:
    """A GTIN-14; None for a number that means something in one shop alone."""
    return None if product.gtin is None or check_gtin(product.gtin) else product.gtin.zfill(14)


def _link(gtin: str, lot: Lot) -> DigitalLink | None:
    if IDENTIFIERS["10"].fault(lot.lot_number) is not None:
        return None
    days: tuple[tuple[str, date | None], ...] = ("11", lot.produced_on), ("17", lot.expires_on)
    said = tuple((ai, f"{day:%y%m%d}") for ai, day in days if day is not None)
    return DigitalLink("01", gtin, (("10", lot.lot_number),), said)


def _of_sites(snapshot: Snapshot, ids: set[UUID]) -> dict[UUID, DigitalLink]:
    found = {}
    for key, site in master.sites(snapshot, ids).items():
        for link in _links(site):
            meant = store.sites(snapshot, link.value, link.qualifier("254"))
            if meant and meant[0].id == key:
                found[key] = link
                break
    return found


def _links(site: Site) -> list[DigitalLink]:
    """With its extension first, where it has one."""
    if site.gln is None:
        return []
    said = [each for each in store.extensions(site) if IDENTIFIERS["254"].fault(each) is None]
    return [DigitalLink("414", site.gln, tuple(("254", each) for each in said[:1]))]
