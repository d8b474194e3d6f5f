"""Price lists of stalls and markets: PLU, price and unit of a product, and what a stall without its own goes by."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from app.domain.errors import Invalid
from app.domain.quantities import QuantityError, convert, parse_quantity
from app.domain.rows import Product

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Price:
    """A row of price. `plu` 1..999999 is what a person types on the scale; `price_fen` is for one `unit`."""

    site_id: UUID
    product_id: UUID
    plu: int | None
    price_fen: int | None
    unit: str | None
    record_time: datetime


def check_list(rows: Sequence[Price], products: Mapping[UUID, Product]) -> None:
    """Raises Invalid with every fault: an unknown product, one product or one PLU twice, a price without its unit, a
    unit that the product is not measured in."""
    faults: list[tuple[str, str, str]] = []
    seen: set[UUID] = set()
    plus: set[int] = set()
    for i, row in enumerate(rows):
        at = f"/items/{i}"
        product = products.get(row.product_id)
        if product is None:
            faults.append(
                (
                    "unknown-product",
                    f"{at}/product_id",
                    "没有这个商品，请先登记 · There is no such product: enrol it first",
                )
            )
        if row.product_id in seen:
            faults.append(
                ("product-twice", f"{at}/product_id", "同一商品出现两次，请合并 · A product stands here twice: merge")
            )
        if row.plu in plus:
            faults.append(
                (
                    "plu-twice",
                    f"{at}/plu",
                    f"PLU {row.plu} 已给另一商品，请换一个 · PLU {row.plu} is another product's: choose another",
                )
            )
        if (row.price_fen is None) != (row.unit is None):
            faults.append(("invalid", f"{at}/unit", "price_fen 与 unit 须同时给出 · price_fen and unit come together"))
        elif row.unit is not None and product is not None:
            try:
                convert(parse_quantity("1", row.unit), product.measure, product.grams_per_piece)
            except QuantityError as error:
                faults.append((error.slug, f"{at}/unit", f"{error.detail_zh} · {error.detail}"))
        seen.add(row.product_id)
        plus |= {row.plu} if row.plu is not None else set()
    if faults:
        raise Invalid(faults[0][0], faults[0][2], errors=[(pointer, detail) for _, pointer, detail in faults])


Row = tuple[K, K, int | None, int | None, str | None]
"""site, product, PLU, price in fen, unit; ids as whoever reads them has them."""


class PriceTable(Generic[K]):
    """One list, to look products and PLUs up in."""

    def __init__(self, rows: Iterable[Row[K]]) -> None:
        self.by_product = {row[1]: row for row in rows}
        self.by_plu = {row[2]: row[1] for row in self.by_product.values() if row[2] is not None}


def in_force(lists: Sequence[PriceTable[K]], products: Iterable[K]) -> dict[K, Row[K]]:
    """What holds of the products at a site: `lists` are its own and those above it, the nearest first.

    PLU and price are each the nearest that is given, so that a market numbers its goods once and every stall sets its
    prices. A PLU that a nearer list has given to another product falls away. The site is where the price comes from,
    or the PLU where there is no price; products on no list are left out.
    """
    found: dict[K, Row[K]] = {}
    for product in products:
        plu: int | None = None
        numbered: Row[K] | None = None
        priced: Row[K] | None = None
        for depth, table in enumerate(lists):
            row = table.by_product.get(product)
            if row is None:
                continue
            numbered = numbered or row
            if plu is None and row[2] is not None:
                plu = row[2] if all(near.by_plu.get(row[2], product) == product for near in lists[:depth]) else None
            if priced is None and row[3] is not None:
                priced = row
        if numbered is not None:
            site, _, _, price, unit = priced or numbered
            found[product] = (site, product, plu, price, unit)
    return found
