"""What was sent against what the service holds, to the gram and the fen.

Three books are compared: the sales as the scales made them, the service's ledger of sales, line by line, and what it
says is left of each batch.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.simulator.city import City, Market
from app.simulator.door import Door, SimulationFailed, pause
from app.simulator.ledger import KEPT, REJECTED, UNSENT, Device, Hand, Ledger
from app.simulator.sales import Line, Sale

_TRIES = 8  # at reading the ledger of one market


@dataclass(slots=True)
class Sum:
    """`sales` counts receipts; what they come to in grams, pieces and fen."""

    sales: int = 0
    lines: int = 0
    grams: int = 0
    pieces: int = 0
    fen: int = 0

    def add(self, lines: Iterable[Line]) -> None:
        self.sales += 1
        for _, _, grams, pieces, fen in lines:
            self.lines += 1
            self.grams += grams or 0
            self.pieces += pieces or 0
            self.fen += fen or 0

    def __iadd__(self, other: "Sum") -> "Sum":
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


def total(sums: Iterable[Sum]) -> Sum:
    """All of them in one."""
    added = Sum()
    for each in sums:
        added += each
    return added


@dataclass(slots=True)
class Book:
    """One market: what the scales made of it and what the service holds, by stall and by custody; `claims` are the
    second sales under one number."""

    name: str
    ours: dict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))
    theirs: dict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))
    custodies: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    our_claims: int = 0
    their_claims: int = 0
    differences: list[str] = field(default_factory=list)


async def reconcile(door: Door, key: str, city: City, ledger: Ledger, advance: Callable[[int], None]) -> list[Book]:
    """The books of all markets; what does not agree is in the ledger's differences. `advance` is told of sales."""
    books = []
    for market in city.markets:
        book = await _market(door, key, market, ledger, advance)
        await _stock(door, market, city, book)
        for stall in market.stalls:
            if book.ours[stall] != book.theirs[stall]:
                device = next(device for device in market.devices if device.site_id == stall)
                book.differences.append(f"{device.name}: 合计不符 · sums: {book.ours[stall]} | {book.theirs[stall]}")
        for difference in book.differences:
            ledger.differences.add(difference)
        books.append(book)
    return books


async def _market(door: Door, key: str, market: Market, ledger: Ledger, advance: Callable[[int], None]) -> Book:
    for tries in range(_TRIES):
        try:
            return await _read(door, key, market, ledger, advance)
        except httpx.TransportError as error:
            if tries == _TRIES - 1:
                raise SimulationFailed(f"台账读不到 · the ledger of sales cannot be read: {error!r}") from error
            await asyncio.sleep(pause(tries + 3))
    raise AssertionError("unreachable")


async def _read(door: Door, key: str, market: Market, ledger: Ledger, advance: Callable[[int], None]) -> Book:
    book = Book(market.name)
    reader = _Reader(book, ledger)
    rows, summary = 0, None
    async with door.lines("/sales", key, {"site": market.site_id}) as lines:
        async for line in lines:
            row = json.loads(line)
            if "summary" in row:
                summary = row["summary"]["sales"]
                continue
            rows += 1
            reader.take(row)
            advance(1)
    if summary != rows:
        book.differences.append(f"{market.name}: 台账不全 · the ledger of sales names {summary} and lists {rows}")
    for device in market.devices:
        reader.close(device)
    return book


class _Reader:
    """Compares the rows of a market's ledger with what its scales made, and notes what it has seen."""

    def __init__(self, book: Book, ledger: Ledger) -> None:
        self._book = book
        self._devices = ledger.devices
        # By device: for each of its hands, which of its sales were seen as the receipt (1) or as another claim (2).
        self._seen: dict[str, list[bytearray]] = {}

    def take(self, row: Mapping[str, Any]) -> None:
        device = self._devices.get(row["device_id"])
        if device is None or row["epoch"] != device.epoch or row["counter"] >= device.hands[0].book.total:
            self._wrong(f"{row['device_id']} #{row['counter']}", "没有卖过 · nobody sold this", row)
            return
        counter = row["counter"]
        where = f"{device.name} #{counter}"
        seen = self._seen.setdefault(device.id, [bytearray(hand.book.total) for hand in device.hands])
        lines = tuple(_line(line) for line in row["lines"])
        self._book.theirs[device.site_id].add(lines)
        for custody_id, _, grams, pieces, _ in lines:
            if custody_id is not None:
                self._book.custodies[custody_id] += grams or pieces or 0
        made = [hand.book.sale(counter) for hand in device.hands]
        if any(hand[counter] for hand in seen):
            self._wrong(where, "列了两次 · listed twice", row)
            return
        for i, sale in enumerate(made):
            if sale.lines == lines and sale.event_time == row["event_time"]:
                seen[i][counter] = 1
                break
        else:
            self._wrong(where, "与秤上的不符 · not what the scale has sold", row)
            return
        if row["receipt_code"] != device.receipt_code(counter):
            self._wrong(where, "小票码不符 · not the code that the scale has printed", row)
        if row["site_id"] != device.site_id:
            self._wrong(where, "不在此摊位 · at another stall", row)
        for claim in row["claims"]:
            self._book.their_claims += 1
            for i, sale in enumerate(made):
                if not seen[i][counter] and _claims(claim, sale):
                    seen[i][counter] = 2
                    break
            else:
                self._wrong(where, "没有这笔重号销售 · a claim that nobody made", claim)

    def close(self, device: Device) -> None:
        """When all rows have been read: what should be there and is not, and the other way round."""
        seen = self._seen.get(device.id, [bytearray(hand.book.total) for hand in device.hands])
        for counter in range(device.hands[0].book.total):
            marks = [hand[counter] for hand in seen]
            states = [hand.states[counter] for hand in device.hands]
            if not any(marks) and not any(states):
                continue
            for hand, mark, state in zip(device.hands, marks, states, strict=True):
                self._sale(hand, counter, mark, state, alone=1 not in marks)

    def _sale(self, hand: Hand, counter: int, mark: int, state: int, *, alone: bool) -> None:
        where = f"{hand.device.name} #{counter}"
        if state == KEPT and not mark:
            self._book.differences.append(f"{where}: 已确认而丢失 · acknowledged and lost")
        elif mark and state in (UNSENT, REJECTED):
            self._book.differences.append(f"{where}: 不该有 · there, though it was never sent or was rejected")
        if mark == 2 or (state == KEPT and not mark and not alone):
            self._book.our_claims += 1
        elif mark == 1 or state == KEPT:
            self._book.ours[hand.device.site_id].add(hand.book.sale(counter).lines)
        # What was sent without an answer and never came is nobody's loss but the scale's, which will send it again.

    def _wrong(self, where: str, why: str, what: Mapping[str, Any]) -> None:
        self._book.differences.append(f"{where}: {why}: {json.dumps(what, ensure_ascii=False)[:400]}")


def _line(line: Mapping[str, Any]) -> Line:
    quantity = line["quantity"]
    return (line["custody_id"], line["product_id"], quantity["grams"], quantity["pieces"], line["amount_fen"])


def _claims(claim: Mapping[str, Any], sale: Sale) -> bool:
    """Whether the claim is this sale, as it was sent."""
    return bool(claim["event_time"] == sale.event_time and claim["lines"] == sale.body["lines"])


async def _stock(door: Door, market: Market, city: City, book: Book) -> None:
    """What the scales pull as left of each batch is what came less what the ledger says was sold of it."""
    for device in market.devices:
        stock = await door.ask("GET", "/devices/me/stock", device.key)
        left = {item["custody_id"]: item["quantity"] for item in stock["items"]}
        for custody_id in {goods.custody_id for day in device.hands[0].book.goods for goods in day}:
            quantity = left.get(custody_id)
            told = None if quantity is None else quantity["grams"] or quantity["pieces"]
            expected = city.delivered[custody_id] - book.custodies[custody_id]
            if told != expected:
                book.differences.append(
                    f"{device.name}: 批次 {custody_id} 余量不符 · {expected} should be left of the batch, not {told}"
                )
