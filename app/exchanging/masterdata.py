"""What a query may ask of master data: which places lie below others, and what is known of what events name."""

from collections.abc import Collection, Iterable, Mapping

from app.domain import ids
from app.domain.digital_link import DigitalLink
from app.domain.epcis.identifiers import canonical_uri, class_parts, gs1_key
from app.domain.epcis.query import Query
from app.domain.epcis.query_fields import Masters
from app.domain.rows import Site
from app.store import captures, master, tables
from app.store.engine import Snapshot

_OURS = "/c/"  # before the code of a site, in its address
_MDA = ("urn:epcglobal:cbv:mda:", "urn:epcglobal:cbv:mda#")


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


def known_of(snapshot: Snapshot, elements: Collection[str], url: str) -> Masters:
    """What CBV calls the attributes of places and classes, of those of the elements (canonical URIs) that are ours."""
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
    return {
        prefix + name: kept
        for name, values in said.items()
        if (kept := sorted(value for value in values if value))
        for prefix in _MDA
    }


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
