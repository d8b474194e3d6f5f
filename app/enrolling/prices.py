"""Price lists (价目) of stalls and markets: what a scale's keys stand for, and what they cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.domain.prices import Price, PriceTable, check_list, in_force
from app.domain.rights import Principal, Role, owns_site
from app.domain.rows import Site
from app.enrolling.forms import forbidden, unknown
from app.enrolling.sites import find_site
from app.store import master, prices
from app.store.engine import Snapshot
from app.store.writer import Transaction, decided

_SETS = frozenset({Role.VENDOR, Role.PRODUCER, Role.MARKET, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class SetPrices:
    """A whole list: each item {product_id, plu, price_fen, unit}; it takes the place of the one before."""

    principal: Principal
    site_id: UUID
    items: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class PriceList:
    """`own` is what the site's own list says; `inherited` what holds there besides, from the lists above it."""

    site_id: UUID
    own: Sequence[Price]
    inherited: Sequence[Price]


def set_prices(transaction: Transaction, commands: Sequence[SetPrices]) -> Sequence[PriceList | Exception]:
    """Job: writes each list. A site's operator sets its own, a market those of all of its stalls."""
    connection = transaction.connection
    sites = master.sites(connection, [command.site_id for command in commands])
    markets = master.markets(connection, sites.values())
    products = master.products(connection, [item["product_id"] for command in commands for item in command.items])

    def decide(command: SetPrices) -> PriceList:
        site = sites.get(command.site_id)
        if site is None or not owns_site(command.principal, site, markets[site.id]):
            raise unknown("场所", "site")
        if command.principal.role not in _SETS:
            raise forbidden(
                "价目由摊主、市场或管理员设定 · A price list is set by the stall, its market or the operator"
            )
        rows = [Price(site.id, **item, record_time=transaction.now) for item in command.items]
        check_list(rows, products)
        prices.write(connection, site.id, rows)
        transaction.touched.add(prices_name(site.id))
        return _list(connection, site)

    return decided(commands, decide)


def prices_name(site_id: UUID) -> str:
    """What the change feed calls the price list of a site."""
    return f"prices:{site_id.hex}"


def find_prices(snapshot: Snapshot, principal: Principal, site_id: UUID) -> PriceList:
    """Raises NotFound for a site that is not the reader's."""
    return _list(snapshot, find_site(snapshot, principal, site_id))


def _list(snapshot: Snapshot, site: Site) -> PriceList:
    above = [UUID(hex=part) for part in reversed(site.path.strip("/").split("/"))]
    lists = prices.of_sites(snapshot, above)
    own = lists.get(site.id, [])
    listed = {row.product_id: row for key in reversed(above) for row in lists.get(key, ())}
    tables = [PriceTable(map(_row, lists.get(key, ()))) for key in above]
    held = in_force(tables, listed)
    mine = {row.product_id: _row(row) for row in own}
    inherited = [
        Price(*row, record_time=listed[product].record_time)
        for product, row in held.items()
        if mine.get(product) != row
    ]
    return PriceList(site.id, own, sorted(inherited, key=lambda row: (row.plu is None, row.plu or 0, row.product_id)))


def _row(price: Price) -> tuple[UUID, UUID, int | None, int | None, str | None]:
    return price.site_id, price.product_id, price.plu, price.price_fen, price.unit
