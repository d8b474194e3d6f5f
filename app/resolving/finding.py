"""From a key with its qualifiers to what is known of it, level by level.

What the public may see and no more: our links lead to pages that redact for themselves. A level that nobody knows is
left out, so that an unknown lot or serial number leads to its product.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, TypeVar
from uuid import UUID

from app.domain.digital_link import DigitalLink
from app.domain.epcis.identifiers import constrained
from app.domain.ids import captured_party_id, captured_site_id
from app.domain.links import GS1, PublishedLink, feed_name
from app.domain.linksets import Level, Link, Resolution
from app.domain.rows import Custody, Lot, Party, Product, Site
from app.store import codes as code_store
from app.store import links as store
from app.store import master, packings
from app.store.engine import Snapshot

P = TypeVar("P", Site, Party)

LATEST = 10  # lots on the page of a product

_PAGE = ("zh", "en")
_TRACE = f"{GS1}traceability", "追溯信息 · Traceability"
_PRODUCT = f"{GS1}pip", "商品信息 · Product information"
_RECALLS = f"{GS1}recallStatus", "召回情况 · Recall status"
# The page of a lot begins with it: safe, held, recalled, expired; and tells its tests.
_SAFETY = f"{GS1}safetyInfo", "安全状况与检测结果 · Safety status and tests"
_PAPERS = f"{GS1}certificationInfo", "合格证明与检测 · Certificates and tests"
_PLACE = f"{GS1}locationInfo", "场所信息 · About this place"
_PARTY = f"{GS1}registryEntry", "主体信息 · About this business"


class Named(NamedTuple):
    """A lot with a code of ours."""

    code: str
    number: str
    id: UUID


@dataclass(frozen=True, slots=True)
class Family:
    """A GTIN: its products, the one that was enrolled first in front, and its own level, None where nobody knows it.
    `names`: what the change feed calls all that it was made from."""

    gtin: str
    products: tuple[UUID, ...]
    name: str
    level: Level | None
    names: frozenset[str]


def resolve(
    snapshot: Snapshot,
    link: DigitalLink,
    root: str,
    instead: Mapping[str, Sequence[PublishedLink]] = MappingProxyType({}),
) -> Resolution | None:
    """What is known of the key, at every level; None where nothing is. `root`: the public address of the service;
    `instead`: links of anchors, in the place of what is published for them."""
    levels = link.levels
    published = {**store.of_anchors(snapshot, [level.path for level in levels]), **instead}
    products = store.products(snapshot, [_gtin(link)]).get(_gtin(link), []) if _gtin(link) else []
    found = []
    for level in levels:
        own, description = _own(snapshot, level, products, root)
        made = _level(level, published.get(level.path, []), own, description)
        if made is not None:
            found.append(made)
    return Resolution(link, tuple(found)) if found else None


def family(snapshot: Snapshot, gtin: str, root: str) -> Family:
    """The level of a GTIN-14, and the products that it leads to lots by."""
    key = DigitalLink("01", gtin)
    products = store.products(snapshot, [gtin]).get(gtin, [])
    links, description = _own(snapshot, key, products, root)
    level = _level(key, store.of_anchors(snapshot, [key.path]).get(key.path, []), links, description)
    names = {feed_name(key.path), f"gtin:{gtin}", *(row.id.hex for row in products)}
    name = products[0].name if products else f"GTIN {gtin}"
    return Family(gtin, tuple(row.id for row in products), name, level, frozenset(names))


def latest_lots(snapshot: Snapshot, link: DigitalLink) -> list[Lot]:
    """Of a product alone its latest lots that have a code, as far as a page has room for them."""
    if link.key != "01" or link.qualifiers:
        return []
    products = store.products(snapshot, [link.value]).get(link.value, [])
    return code_store.lots_of_products(snapshot, [row.id for row in products], LATEST)


def level_of_lot(link: DigitalLink, lot: Named, name: str, root: str) -> Level:
    """The level of a lot that has no published links, and of whose papers nothing was asked."""
    return Level(link, _described(name, lot.number), tuple(_of_lot(lot, root)))


def _level(
    link: DigitalLink, published: Sequence[PublishedLink], own: Sequence[Link], description: str
) -> Level | None:
    told = [shown(row) for row in published if row.public]
    if not told and not own:
        return None
    # Of a product we have no more than the list of its links: what its maker has published tells more.
    first = any(row.default for row in told) or (link.key == "01" and not link.qualifiers)
    return Level(link, description, (*told, *own) if first else (*own, *told))


def shown(row: PublishedLink) -> Link:
    """As it is told."""
    return Link(
        row.link_type, row.href, row.title, tuple(row.hreflang), row.type, tuple(row.context), row.fwqs, row.default
    )


def _own(snapshot: Snapshot, link: DigitalLink, products: Sequence[Product], root: str) -> tuple[list[Link], str]:
    """Our links of a level, and what it is."""
    last = link.qualifiers[-1][0] if link.qualifiers else None
    match link.key, last:
        case "01", None:
            return _of_product(link, products, root), products[0].name if products else f"GTIN {link.value}"
        case "01", "10":
            name = products[0].name if products else f"GTIN {link.value}"
            number = link.qualifier("10") or ""
            lots = store.lots(snapshot, [row.id for row in products], number)
            return _of_lots(snapshot, lots, root), _described(name, number)
        case ("01", "21" | "235") | ("8003" | "8006" | "8010" | "8004" | "8017" | "8018" | "253" | "255", _):
            hands = store.custodies(snapshot, [constrained(link)])
            return _of_custodies(hands, root), _said(link, products)
        case "00", _:
            uri = constrained(link)
            unit = packings.open_unit(snapshot, uri, None, store.FOUND)
            hands = store.custodies(snapshot, [uri, *(unit.contents if unit is not None else ())])
            return _of_custodies(hands, root), f"SSCC {link.value}"
        case "414", _:
            sites = store.sites(snapshot, link.value, link.qualifier("254"))
            sites += _captured(master.sites(snapshot, [captured_site_id(constrained(link))]), sites)
            return [_page(_PLACE, row, root) for row in sites], sites[0].name if sites else _said(link, products)
        case "417", None:
            parties = store.parties(snapshot, link.value)
            parties += _captured(master.parties(snapshot, [captured_party_id(constrained(link))]), parties)
            return [_page(_PARTY, row, root) for row in parties], parties[0].name if parties else _said(link, products)
        case _:
            return [], _said(link, products)


def _of_product(link: DigitalLink, products: Sequence[Product], root: str) -> list[Link]:
    """The page of its links tells what it is."""
    if not products:
        return []
    return [Link(*_at(_PRODUCT, f"{root}{link.path}?linkType=all"), _PAGE, "text/html", own=True)]


def _of_lots(snapshot: Snapshot, lots: Sequence[Lot], root: str) -> list[Link]:
    papers = store.papers_of(snapshot, [lot.id for lot in lots])
    found = []
    for lot in lots:
        found += _of_lot(Named(str(lot.code), lot.lot_number, lot.id), root)
        if lot.id in papers:
            found.append(Link(*_at(_PAPERS, f"{root}/c/{lot.code}"), _PAGE, "text/html", own=True))
    return found


def _of_lot(lot: Named, root: str) -> list[Link]:
    return [
        Link(*_at(_TRACE, f"{root}/c/{lot.code}"), _PAGE, "text/html", own=True),
        Link(*_at(_RECALLS, f"{root}/recalls?code={lot.code}"), _PAGE, "text/html", own=True),
        Link(*_at(_SAFETY, f"{root}/c/{lot.code}"), _PAGE, "text/html", own=True),
    ]


def _of_custodies(hands: Iterable[Custody], root: str) -> list[Link]:
    return [Link(*_at(_TRACE, f"{root}/c/{row.code}"), _PAGE, "text/html", own=True) for row in hands]


def _page(kind: tuple[str, str], row: Site | Party, root: str) -> Link:
    return Link(*_at(kind, f"{root}/c/{row.code}"), _PAGE, "text/html", own=True)


def _at(kind: tuple[str, str], href: str) -> tuple[str, str, str]:
    return kind[0], href, kind[1]


def _captured(found: Mapping[UUID, P], known: Sequence[P]) -> list[P]:
    """What a document of EPCIS named by the key, where that is not known already."""
    return [row for row in found.values() if all(row.id != other.id for other in known)]


def _gtin(link: DigitalLink) -> str:
    return link.value[:14] if link.key in ("01", "8006") else ""


def _described(name: str, number: str) -> str:
    return f"{name}，批次 {number} · {name}, lot {number}"


def _said(link: DigitalLink, products: Sequence[Product]) -> str:
    told = " ".join(f"({ai}) {value}" for ai, value in link.pairs)
    return f"{products[0].name} {told}" if products else told
