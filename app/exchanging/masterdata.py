"""What a query may ask of master data: which places lie below others, and what is known of what events name."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.domain import ids
from app.domain.digital_link import DigitalLink
from app.domain.epcis.attributes import Attributes
from app.domain.epcis.identifiers import canonical_uri, class_parts, gs1_key
from app.domain.epcis.query import Query
from app.domain.epcis.query_fields import Masters
from app.domain.rights import OPERATORS_OFFICE, Principal, Role
from app.domain.rows import Site
from app.store import captures, master, tables
from app.store.engine import Snapshot

_OURS = "/c/"  # before the code of a site, in its address
_MDA = "urn:epcglobal:cbv:mda:"


def place_uri(site: Site, url: str) -> str:
    """What events name a site by: its URI, else its GLN, else the address of our code; `url`: what that begins with."""
    if site.uri:
        return site.uri
    return f"https://id.gs1.org/414/{site.gln}" if site.gln else f"{url}{_OURS}{site.code}"


def widened(snapshot: Snapshot, query: Query, url: str) -> Query:
    """The query with all that lies below the places that it asks for (WD_readPoint, WD_bizLocation), of our own sites
    and by what documents have said."""
    if not query.roots:
        return query
    found: dict[str, set[str]] = {}
    sites = _sites(snapshot, query.roots, url)
    below = master.sites_below(snapshot, sorted({site.path for listed in sites.values() for site in listed}))
    for root, listed in sites.items():
        found[root] = {_canonical(site, url) for site in below if any(site.lies_in(other) for other in listed)}
    for root in query.roots:
        found.setdefault(root, set()).update(captures.below(snapshot, root))
    return query.widened(found)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of vocabulary elements: `ours` of what is enrolled here, `said` by whom in documents (canonical
    URI, attributes). `reader`: None for who may read everything."""

    ours: Masters
    said: Sequence[tuple[UUID, str, Attributes]]
    reader: UUID | None

    def of(self, asserter: UUID | None) -> Masters:
        """For an event of this party (None: the operator): what is ours, what that party says, and what the reader
        says itself. What others have said is theirs."""
        found: dict[str, dict[str, list[object]]] = {}
        for who, uri, attributes in self.said:
            if self.reader is None or who in (self.reader, asserter or OPERATORS_OFFICE):
                known = found.setdefault(uri, {})
                for name, values in attributes.items():
                    known.setdefault(name, []).extend(values)
        for uri, named in self.ours.items():
            known = found.setdefault(uri, {})
            for name, some in named.items():
                known.setdefault(name, []).extend(some)
        return found


def known_of(snapshot: Snapshot, principal: Principal, elements: Collection[str], url: str) -> Known:
    """Of elements (canonical URIs); what is said of a product is said of its lots."""
    products = {uri: parts.product for uri in elements if (parts := class_parts(uri)) is not None}
    said = captures.sayings(snapshot, {*elements, *products.values()})
    lots = [
        (who, lot, attributes)
        for who, uri, attributes in said
        for lot, product in products.items()
        if uri == product != lot
    ]
    reader = None if principal.role is Role.ADMIN else principal.recorder_id
    return Known(_ours(snapshot, elements, url), [*said, *lots], reader)


def _ours(snapshot: Snapshot, elements: Collection[str], url: str) -> Masters:
    """What CBV calls the attributes of places and classes, of those of the elements that are ours."""
    found: dict[str, Mapping[str, Iterable[str]]] = {}
    for uri, sites in _sites(snapshot, elements, url).items():
        said = [{"name": site.name, "streetAddressOne": site.address, "state": site.region} for site in sites]
        found[uri] = _named({name: {one[name] for one in said} for one in said for name in one})
    gtins = {uri: parts.gtin for uri in elements if (parts := class_parts(uri)) is not None and parts.gtin}
    products = master.products_by_gtin(snapshot, sorted(set(gtins.values())))
    for uri, gtin in gtins.items():
        of = [product for product in products if product.gtin == gtin]
        if of:
            found[uri] = _named({"descriptionShort": {product.name for product in of}})
    return found


def _named(said: Mapping[str, Collection[str | None]]) -> dict[str, list[str]]:
    return {_MDA + name: kept for name, values in said.items() if (kept := sorted(value for value in values if value))}


def _sites(snapshot: Snapshot, uris: Collection[str], url: str) -> dict[str, list[Site]]:
    """Sites by the canonical URIs that they go by."""
    own = f"{url}{_OURS}"
    glns = [link.value for uri in uris if (link := gs1_key(uri)) is not None and _is_gln(link)]
    table = tables.site.c
    rows = list(master.sites(snapshot, [ids.captured_site_id(uri) for uri in uris]).values())
    rows += master.where_in(snapshot, Site, table.gln, glns)
    rows += master.where_in(snapshot, Site, table.code, [uri.removeprefix(own) for uri in uris if uri.startswith(own)])
    found: dict[str, dict[str, Site]] = {}
    for site in rows:
        names = {_canonical(site, url), f"https://id.gs1.org/414/{site.gln}", f"{own}{site.code}"}
        for name in names.intersection(uris):
            found.setdefault(name, {})[site.code] = site
    return {uri: list(sites.values()) for uri, sites in found.items()}


def _is_gln(link: DigitalLink) -> bool:
    return link.key == "414" and not link.qualifiers


def _canonical(site: Site, url: str) -> str:
    return canonical_uri(place_uri(site, url))
