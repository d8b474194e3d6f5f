"""The codes of captured goods, for those who print them."""

from collections.abc import Collection
from typing import Literal
from uuid import UUID

from app.domain.rows import Lot
from app.exchanging.report import IssuedCode
from app.store import codes, master
from app.store.captures import custodies_of
from app.store.engine import Snapshot


def issued_codes(snapshot: Snapshot, epcs: Collection[str], minted: Collection[str]) -> list[IssuedCode]:
    """Every code of the lots and custodies of the EPCs: lots in the order in which they were made, each followed by
    where its goods came. `minted`: those that are new."""
    custodies = custodies_of(snapshot, epcs)
    custodies.sort(key=lambda custody: (custody.arrived_at, custody.id.int))
    lots = codes.lots(snapshot, [custody.lot_id for custody in custodies])
    products = master.products(snapshot, {lot.product_id for lot in lots.values()})
    sites = master.sites(snapshot, {custody.site_id for custody in custodies if custody.site_id is not None})
    found: dict[UUID, list[IssuedCode]] = {}

    def told(code: str, kind: Literal["lot", "custody"], lot: Lot, site_id: UUID | None) -> IssuedCode:
        site = sites.get(site_id) if site_id is not None else None
        name = products[lot.product_id].name
        return IssuedCode(code, kind, lot.epc or "", name, lot.lot_number, site.name if site else None, code in minted)

    for custody in custodies:
        lot = lots[custody.lot_id]
        if custody.voided_by is None:
            its = found.setdefault(lot.id, [told(lot.code, "lot", lot, None)] if lot.code is not None else [])
            its += [told(custody.code, "custody", lot, custody.site_id)] if custody.code is not None else []
    return [code for its in found.values() for code in its]
