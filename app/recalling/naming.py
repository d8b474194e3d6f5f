"""What GS1 keys name of what can be recalled: lots by EPC, by Digital Link, by GTIN with or without a lot number;
places by GLN."""

import re
from dataclasses import replace
from uuid import UUID

from app.domain import ids
from app.domain.epcis.identifiers import canonical_uri, class_parts, gs1_key
from app.domain.epcis.spelling import Epc, read
from app.domain.errors import Forbidden, Malformed, NotFound
from app.domain.identifiers import check_gtin
from app.domain.recalls_scope import Scope, Window
from app.domain.rights import Principal
from app.domain.rows import Site
from app.recalling.finding import Regions
from app.recalling.reaching import HOLDS, too_wide
from app.store import chain, links, master, tables
from app.store import recalls_reach as store
from app.store.engine import Snapshot
from app.tracing.epcs import goods

_BARE = re.compile(r"(\d{8}|\d{12,14})(?:\s*[+]\s*(.+))?")
_SSCC = re.compile(r"(?:00)?(\d{18})")


def epc_of(text: str, pointer: str) -> Epc | None:
    """What a text names as GS1 writes it: as `spelling.read`, or the bare digits of an SSCC or GTIN, with `+` and a lot
    number behind the latter. None where it may be a code of ours. Raises Malformed."""
    number, bare = _SSCC.fullmatch(text.strip()), _BARE.fullmatch(text.strip())
    if number is not None:
        text = f"(00){number[1]}"
    elif bare is not None and not check_gtin(bare[1]):
        text = f"(01){bare[1].zfill(14)}" + (f"(10){bare[2]}" if bare[2] else "")
    try:
        return read(text)
    except Malformed as error:
        raise Malformed(error.slug, error.detail, pointer=pointer, identity=error.identity) from None


def with_epc(snapshot: Snapshot, principal: Principal, scope: Scope, epc: Epc) -> Scope:
    """The scope with the lots that an EPC names, or that are in a unit; with all that came to a place by its GLN. Of a
    product without a lot number all lots of whoever enrolled it, those that the office has to do with. Raises
    Conflict scope-too-wide rather than leave anything out, Forbidden, Malformed, NotFound."""
    link = gs1_key(epc.uri)
    if link is not None and link.key == "414":
        return replace(scope, windows=(*scope.windows, *(Window(site_id=key) for key in _places(snapshot, epc))))
    parts = class_parts(epc.uri)
    if parts is not None and parts.lot is None and parts.serial is None:
        return replace(scope, lots=(*scope.lots, *_of_product(snapshot, principal, epc, parts.product, parts.gtin)))
    found = goods(snapshot, epc, "forward", None)
    if found.cut:
        raise too_wide()
    lots = {row[1] for row in store.by_id(snapshot, found.keys)}
    return replace(scope, lots=(*scope.lots, *(UUID(bytes=key) for key in sorted(lots))))


def _of_product(snapshot: Snapshot, principal: Principal, epc: Epc, product: str, gtin: str | None) -> list[UUID]:
    same = links.products(snapshot, [gtin] if gtin is not None else []).get(gtin or "", [])
    products = {ids.captured_product_id(product), *(row.id for row in same)}
    lots = chain.lots_of_products(snapshot, products, HOLDS + 1)
    if not lots:
        raise _unknown(epc)
    if len(lots) > HOLDS:
        raise too_wide()
    rows = [(row[0], row[1], row[2]) for row in store.of_lots(snapshot, lots)]
    reached = Regions(snapshot, principal.region).within_reach(rows)
    if not reached:
        raise Forbidden(
            "outside-region",
            "该商品的货物都不在您的辖区，也不在一步之内，请移交当地监管部门 · "
            "no goods of this product are in your region or one step from it: hand them over to their own office",
            identity=epc.text[:200],
        )
    return [UUID(bytes=key) for key in sorted(reached)]


def _places(snapshot: Snapshot, epc: Epc) -> list[UUID]:
    """The site of captured events at the place, and those that are enrolled with its GLN."""
    link = gs1_key(epc.uri)
    assert link is not None, "asked for by it"
    named = master.where_in(snapshot, Site, tables.site.c.gln, [link.value]) if not link.qualifiers else []
    found = {site.id for site in named} | set(master.sites(snapshot, [ids.captured_site_id(canonical_uri(epc.uri))]))
    if not found:
        raise _unknown(epc)
    return sorted(found)


def _unknown(epc: Epc) -> NotFound:
    return NotFound(
        "unknown-epc",
        f"没有它的货物或场所：{epc.text[:200]}，请核对 · nothing is known by {epc.text[:200]}: check it",
        identity=epc.text[:200],
    )
