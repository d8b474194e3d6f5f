"""Sales from scales: the heaviest writers there are.

A sale is named by (device, epoch, counter), which is its receipt's number and key. What has been sold is recorded even
where it should not have been, and flagged; a counter used again with other content is kept as a second claim.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.errors import Invalid
from app.domain.masters import same_product
from app.domain.quantities import QuantityError, convert, parse_quantity
from app.domain.rows import Product, Site, within
from app.recording.alerts import Cause, raise_for_sales
from app.store import holds
from app.store import sales as store
from app.store.ledger import Loader
from app.store.master import products as load_products
from app.store.master import sites as load_sites
from app.store.raw import Row
from app.store.writer import Transaction


class SaleLine(NamedTuple):
    """quantity as entered, and as grams or pieces."""

    custody_id: UUID | None
    product_id: UUID | None
    value: str
    unit: str
    grams: int | None
    pieces: int | None
    amount_fen: int | None


class Sale(NamedTuple):
    """One sale as a scale posts it. `receipt_id` packs (device number, epoch, counter), see domain.codes."""

    receipt_id: int
    device_id: UUID
    site_id: UUID
    event_time: datetime
    utc_offset: int
    lines: tuple[SaleLine, ...]
    operator: str | None
    payment: str | None
    content_hash: bytes
    body: bytes  # JSON, kept where the counter had been used


class SaleOutcome(NamedTuple):
    """status: recorded, duplicate, or conflict for a second claim on the counter."""

    status: str
    record_time: datetime
    flags: Sequence[Mapping[str, str]]


def record_sales(
    transaction: Transaction, sales: Sequence[Sale], retention: timedelta = timedelta(days=180)
) -> Sequence[SaleOutcome | Exception]:
    """Job: records the sales; those of one batch see each other's effect on the stock. One that comes later than
    `retention` allows and is not here yet is a Refusal; one that is here is a duplicate, however old."""
    connection, now = transaction.connection, transaction.now
    oldest = now - retention
    known = store.known_receipts(connection, [sale.receipt_id for sale in sales])
    outcomes: list[SaleOutcome | Exception] = []
    fresh: list[tuple[Sale, list[Mapping[str, str]]]] = []
    claims: list[tuple[int, bytes, Any, datetime]] = []
    causes: dict[tuple[str, UUID, date], Cause] = {}
    for sale in sales:
        before = known.get(sale.receipt_id)
        if before is not None and before.content_hash == sale.content_hash:
            outcomes.append(SaleOutcome("duplicate", before.record_time, before.flags))
        elif sale.event_time < oldest:
            outcomes.append(_too_old(sale, retention))
        elif before is None:
            # Filled further down, also for who posts it twice in this batch.
            flags: list[Mapping[str, str]] = []
            known[sale.receipt_id] = store.KnownReceipt(sale.content_hash, now, flags)
            fresh.append((sale, flags))
            outcomes.append(SaleOutcome("recorded", now, flags))
        else:
            claims.append((sale.receipt_id, sale.content_hash, json.loads(sale.body), now))
            causes.setdefault(("counter_reused", sale.device_id, _told_on(sale, now)), _cause(sale, None))
            outcomes.append(SaleOutcome("conflict", now, [_CONFLICT]))
    if fresh:
        goods = _Goods(transaction, [sale for sale, _ in fresh], causes)
        receipts: list[store.ReceiptRow] = []
        lines: list[store.LineRow] = []
        for sale, flags in fresh:
            flags += goods.sell(sale, lines)
            receipts.append(
                (sale.receipt_id, sale.device_id, sale.site_id, sale.event_time, sale.utc_offset, now,
                 sale.content_hash, sale.operator, sale.payment, flags)
            )  # fmt: skip
        store.add_receipts(connection, receipts, lines)
        store.take_stock(connection, goods.taken())
    if claims:
        store.add_claims(connection, claims)
    raise_for_sales(transaction, causes)
    return outcomes


def _told_on(sale: Sale, now: datetime) -> date:
    """The day of an alert about a sale: the scale's, but for one that has not come yet. A clock that jumps ahead would
    else raise one for every day that it names."""
    return min(sale.event_time, now).astimezone(sale.event_time.tzinfo).date()


def _cause(sale: Sale, custody_id: UUID | None) -> Cause:
    return Cause(sale.site_id, sale.device_id, sale.receipt_id, custody_id, sale.event_time)


def _too_old(sale: Sale, retention: timedelta) -> Invalid:
    return Invalid(
        "too_old",
        f"销售时间 {sale.event_time:%Y-%m-%d} 早于 {retention.days} 天，不再接收；设备时钟有误请校正后重发 · "
        f"Sold on {sale.event_time:%Y-%m-%d}, longer than {retention.days} days ago: it is not taken any more; "
        "where the device's clock was wrong, set it and send the sale again with its right time",
        pointer="/event_time",
    )


_CONFLICT = {
    "slug": "counter_reused",
    "detail": "序号已用于另一笔销售，两笔均已保存 · the counter was used for another sale; both are kept",
}
_FLAGS = {
    "recalled_goods": "货物已召回 · goods under recall",
    "held_goods": "货物处于暂停销售 · goods on hold",
    "refused_goods": "货物曾被拒绝入场 · goods that were refused entry",
    "expired_goods": "货物已过期 · goods past their date",
    "withdrawal_period": "货物仍在安全间隔期内 · goods within their withdrawal period",
    "more_than_there": "超出库存 · more than there is",
    "unknown_batch": "没有这个批次 · no such batch",
    "batch_elsewhere": "批次不在此摊位 · the batch is not at this stall",
    "sold_without_batch": "未指明批次 · a line names no batch",
    "product_differs": "产品与批次不符 · the product is not the batch's",
    "unknown_product": "没有这个产品 · no such product",
    "wrong_measure": "单位与产品不符 · the unit does not fit the product",
    "clock_ahead": "设备时钟偏快 · the device's clock is ahead",
}


class _Goods:
    """The stock that a batch of sales draws on, what it has drawn, and what of it gives alarm."""

    def __init__(
        self,
        transaction: Transaction,
        sales: Sequence[Sale],
        causes: dict[tuple[str, UUID, date], Cause],
    ) -> None:
        connection = transaction.connection
        self._latest = transaction.now + transaction.skew
        self._causes = causes
        self._transaction = transaction
        # By the number of an id: a UUID is hashed and compared in Python, an int is not.
        named = {line.custody_id.int: line.custody_id for sale in sales for line in sale.lines if line.custody_id}
        found = store.stock(connection, named.values())
        missing = {key for key in named.values() if key not in found} if len(found) < len(named) else set()
        # A scale that was offline sells what has been corrected since: it is booked on what took its place.
        heirs = Loader.alone(transaction).heirs_of(missing) if missing else {}
        found |= store.stock(connection, set(heirs.values()) - found.keys())
        stock = self._stock = {key.int: each for key, each in found.items()}
        stock |= {key.int: found[heir] for key, heir in heirs.items() if heir in found}
        self._found, self._replaced = found, bool(heirs)
        homes = {sale.site_id.int: sale.site_id for sale in sales}
        for each in found.values():
            if each.site_id is not None:
                each.site_id = homes.get(each.site_id.int, each.site_id)
        wanted: set[UUID] = set()
        apart: set[UUID] = set()
        for sale in sales:
            for line in sale.lines:
                held = stock.get(line.custody_id.int) if line.custody_id else None
                if held is None:
                    wanted |= {line.product_id} if line.product_id else set()
                    continue
                # A product's weight a piece matters only where the unit is not the measure that the stock is kept in.
                if (line.grams is None) == (held.measure == "weight"):
                    wanted.add(held.product_id)
                if line.product_id is not None and line.product_id != held.product_id:
                    wanted |= {line.product_id, held.product_id}
                if held.site_id is not sale.site_id and held.site_id is not None and held.site_id != sale.site_id:
                    apart |= {held.site_id, sale.site_id}
        self._products: dict[UUID, Product] = load_products(connection, wanted) if wanted else {}
        self._sites: dict[UUID, Site] = load_sites(connection, apart) if apart else {}
        self._zones: dict[UUID, ZoneInfo] = {}
        if any(each.expires_on or each.withdrawal_until for each in found.values()):
            self._sites |= load_sites(connection, {sale.site_id for sale in sales} - self._sites.keys())
        self._held = _held(transaction, found)
        for each in found.values():
            each.unfit = each.refused or bool(each.expires_on or each.withdrawal_until) or each.id in self._held

    def taken(self) -> Iterable[store.Stock]:
        """The stock, with what has been sold of it."""
        return self._found.values()

    def sell(self, sale: Sale, rows: list[store.LineRow]) -> list[dict[str, str]]:
        """Draws the lines of one sale from the stock, adds their rows, and returns the flags."""
        slugs: dict[str, None] = {}
        if sale.event_time > self._latest:
            slugs["clock_ahead"] = None
            day = self._transaction.now.astimezone(sale.event_time.tzinfo).date()
            self._causes.setdefault(("clock_ahead", sale.device_id, day), _cause(sale, None))
        receipt_id = sale.receipt_id
        for number, line in enumerate(sale.lines):
            held = self._stock.get(line.custody_id.int) if line.custody_id else None
            if held is None:
                product_id, amount = self._unnamed(line, slugs)
                rows.append(
                    (receipt_id, number, None, product_id, amount, line.value, line.unit, line.amount_fen,
                     line.custody_id)
                )  # fmt: skip
                continue
            amount = line.grams if line.grams is not None else line.pieces or 0
            if (line.grams is None) == (held.measure == "weight"):
                amount = self._amount(line, self._products[held.product_id], slugs)
            custody_id = named = None
            if self._booked(sale, line, held, amount, slugs):
                custody_id = held.id
            if custody_id is None or (self._replaced and custody_id != line.custody_id):
                named = line.custody_id
            rows.append(
                (receipt_id, number, custody_id, held.product_id, amount, line.value, line.unit, line.amount_fen, named)
            )
        return [{"slug": slug, "detail": _FLAGS[slug]} for slug in slugs]

    def _unnamed(self, line: SaleLine, slugs: dict[str, None]) -> tuple[UUID | None, int]:
        """The product and amount of a line that names no batch of ours."""
        slugs["sold_without_batch" if line.custody_id is None else "unknown_batch"] = None
        product = self._products.get(line.product_id) if line.product_id else None
        if product is not None:
            return product.id, self._amount(line, product, slugs)
        if line.product_id is not None:
            slugs["unknown_product"] = None
        return None, line.grams if line.grams is not None else line.pieces or 0

    def _same(self, said: UUID, held: UUID) -> bool:
        one, other = (self._products.get(key) for key in (said, held))
        return said == held or (one is not None and other is not None and same_product(one, other))

    def _booked(self, sale: Sale, line: SaleLine, held: store.Stock, amount: int, slugs: dict[str, None]) -> bool:
        """Takes the amount off the batch; False where the batch is not here."""
        if held.site_id is not sale.site_id and not self._here(sale.site_id, held.site_id):
            slugs["batch_elsewhere"] = None
            return False
        if line.product_id is not None and not self._same(line.product_id, held.product_id):
            slugs["product_differs"] = None
        if held.unfit or amount > held.on_hand:
            for slug in self._wrong(sale, held, amount):
                slugs[slug] = None
                day = _told_on(sale, self._transaction.now)
                self._causes.setdefault((slug, held.id, day), _cause(sale, held.id))
        left = held.on_hand - amount
        if (held.on_hand > 0) != (left > 0):  # the stall's page lists what is on sale
            self._transaction.touched.update((held.id.hex, within(sale.site_id)))
        held.on_hand = left
        held.sold += amount
        if held.receipt_id != sale.receipt_id:
            held.receipt_id = sale.receipt_id
            held.receipts += 1
        return True

    def _wrong(self, sale: Sale, held: store.Stock, amount: int) -> list[str]:
        """Why these goods should not have been sold, as flags that are alerts, too."""
        wrong: list[str] = []
        wrong += self._held.get(held.id, ())
        if held.refused:
            wrong.append("refused_goods")
        if held.expires_on or held.withdrawal_until:
            day = self._day(sale)
            if held.expires_on and held.expires_on < day:
                wrong.append("expired_goods")
            if held.withdrawal_until and held.withdrawal_until > day:
                wrong.append("withdrawal_period")
        if amount > held.on_hand:
            wrong.append("more_than_there")
        return wrong

    def _amount(self, line: SaleLine, product: Product, slugs: dict[str, None]) -> int:
        try:
            return convert(parse_quantity(line.value, line.unit), product.measure, product.grams_per_piece)
        except QuantityError:
            slugs["wrong_measure"] = None
            return 0

    def _here(self, device_site: UUID, custody_site: UUID | None) -> bool:
        if custody_site == device_site:
            return True
        return custody_site is not None and self._sites[custody_site].lies_in(self._sites[device_site])

    def _day(self, sale: Sale) -> date:
        zone = self._zones.get(sale.site_id)
        if zone is None:
            zone = self._zones[sale.site_id] = ZoneInfo(self._sites[sale.site_id].time_zone)
        return sale.event_time.astimezone(zone).date()


def _held(transaction: Transaction, stock: Mapping[UUID, store.Stock]) -> dict[UUID, list[str]]:
    """Custodies in the stock that an active hold covers, each with what its sale is flagged as."""
    found, above = store.holds(transaction.connection, [s.lot_id for s in stock.values()])
    if not above:  # all of them stand on the goods themselves, and none is of a recall
        lots = {lot for lot, _, scope in found if scope == "lot"}
        custodies = {custody for _, custody, _ in found}
        return {s.id: ["held_goods"] for s in stock.values() if s.lot_id in lots or s.id in custodies}
    goods = {s.id.bytes: (s.lot_id.bytes, s.site_id.bytes if s.site_id else None) for s in stock.values()}
    stopped = holds.on(transaction.connection, goods, back=True).holds
    return {UUID(bytes=key): [*_slugs(rows)] for key, rows in stopped.items()}


def _slugs(rows: Iterable[Row]) -> Iterator[str]:
    recalls = {row[4] is not None for row in rows}
    if True in recalls:
        yield "recalled_goods"
    if False in recalls:
        yield "held_goods"
