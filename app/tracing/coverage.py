"""Coverage (追溯覆盖率): which share of stalls records, of sales names a batch, of batches has a paper, of chains is
complete back to the source; by category, market or month, each number with the rows behind it."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.errors import Malformed
from app.store import balance, findings, windows
from app.store.engine import Snapshot
from app.store.types import from_micros, micros
from app.store.windows import Place, Spot
from app.tracing.judging import judge
from app.tracing.scope import Scope

By = Literal["category", "market", "month"]
Measure = Literal["stalls_recording", "sales_with_batch", "batches_with_paper", "chains_complete"]
MEASURES: Final[tuple[Measure, ...]] = (
    "stalls_recording", "sales_with_batch", "batches_with_paper", "chains_complete",
)  # fmt: skip
# Who has to record: whoever sells or serves food at a place of its own.
STALLS: Final = frozenset({"stall", "shop", "wholesale", "canteen", "machine"})
UNKNOWN: Final = "unknown"  # of goods that nobody enrolled

Row = dict[str, Any]


@dataclass(slots=True)
class Share:
    """`numerator` of `denominator`."""

    numerator: int = 0
    denominator: int = 0

    def count(self, covered: bool) -> None:
        self.numerator += covered
        self.denominator += 1


def _none() -> dict[Measure, Share]:
    return {measure: Share() for measure in MEASURES}


@dataclass(slots=True)
class Coverage:
    """`groups`: by category, id of a market or month; `names` of markets."""

    total: dict[Measure, Share] = field(default_factory=_none)
    groups: dict[str, dict[Measure, Share]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def count(self, measure: Measure, key: str, covered: bool) -> None:
        self.total[measure].count(covered)
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = _none()
        group[measure].count(covered)


def coverage(snapshot: Snapshot, scope: Scope, by: By) -> Coverage:
    """All four measures at once."""
    reading, found = _Reading(snapshot, scope, by), Coverage()
    recorded: set[tuple[str, UUID]] = set()
    for batch in reading.batches(judged=True):
        found.count("batches_with_paper", batch.key, batch.papered)
        found.count("chains_complete", batch.key, batch.complete)
        recorded.add((batch.key, batch.site_id))
    for sale in reading.sales():
        found.count("sales_with_batch", sale.key, sale.custody is not None)
        recorded.add((sale.key, sale.site_id))
    anywhere = {site for _, site in recorded}
    stalls = reading.stalls
    found.total["stalls_recording"] = Share(len(anywhere & stalls.keys()), len(stalls))
    if by == "market":
        for spot in stalls.values():
            found.groups.setdefault(str(spot.market_id), _none())
    for key, measures in found.groups.items():
        mine = [spot.id for spot in stalls.values() if by != "market" or str(spot.market_id) == key]
        there = sum((key, site) in recorded for site in mine)
        measures["stalls_recording"] = Share(there, len(mine))
    if by == "market":
        found.names = {str(spot.id): spot.name for spot in scope.spots if spot.id == spot.market_id}
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows: of a measure, in a group (`key`; None: in all), covered or not."""

    measure: Measure
    by: By
    key: str | None
    covered: bool


def rows(
    snapshot: Snapshot, scope: Scope, asked: Asked, *, limit: int, after: str | None
) -> tuple[list[Row], str | None]:
    """At most `limit` rows, but for the lines of the last receipt, and the cursor of what follows. Stalls are
    {"site_id","code","name","market_id"}, sales and batches as `_Sale` and `_Batch`. Raises Malformed for a cursor."""
    reading = _Reading(snapshot, scope, asked.by)
    if asked.measure == "stalls_recording":
        return _stalls(reading, asked, limit, after)
    found: list[Row] = []
    place: str | None = None
    walk = _sales(reading, asked, after) if asked.measure == "sales_with_batch" else _batches(reading, asked, after)
    for here, row in walk:
        if len(found) >= limit and here != place:
            return found, place
        place = here
        found.append(row)
    return found, None


def _stalls(reading: "_Reading", asked: Asked, limit: int, after: str | None) -> tuple[list[Row], str | None]:
    def fits(key: str) -> bool:
        return asked.key is None or asked.key == key

    recorded = {batch.site_id for batch in reading.batches(judged=False) if fits(batch.key)}
    recorded |= {sale.site_id for sale in reading.sales() if fits(sale.key)}
    listed = [
        spot
        for spot in reading.stalls.values()
        if (spot.id in recorded) == asked.covered and (asked.by != "market" or fits(str(spot.market_id)))
    ]
    begin = 0 if after is None else _begin(listed, after)
    page = listed[begin : begin + limit]
    shown = [
        {"site_id": str(spot.id), "code": spot.code, "name": spot.name, "market_id": str(spot.market_id)}
        for spot in page
    ]
    return shown, page[-1].path if begin + limit < len(listed) else None


def _begin(spots: list[Spot], after: str) -> int:
    return sum(spot.path <= after for spot in spots)


def _batches(reading: "_Reading", asked: Asked, after: str | None) -> Iterator[tuple[str, Row]]:
    place = _place(after, "b")[1] if after is not None else None
    for batch in reading.batches(judged=True, after=place):
        covered = batch.papered if asked.measure == "batches_with_paper" else batch.complete
        if covered == asked.covered and asked.key in (None, batch.key):
            yield _cursor("b", batch.site_id, batch.arrived_at, batch.id.hex), batch.shown()


def _sales(reading: "_Reading", asked: Asked, after: str | None) -> Iterator[tuple[str, Row]]:
    stream, place = _place(after, "re") if after is not None else ("r", None)
    for sale in reading.sales(stream, place):
        if (sale.custody is not None) == asked.covered and asked.key in (None, sale.key):
            mark = str(sale.receipt_id) if sale.event_id is None else sale.event_id.hex
            yield _cursor("r" if sale.event_id is None else "e", sale.site_id, sale.event_time, mark), sale.shown()


def _cursor(stream: str, site: UUID, at: datetime, key: str) -> str:
    return base64.urlsafe_b64encode(f"{stream} {site.hex} {micros(at)} {key}".encode()).decode().rstrip("=")


def _place(text: str, streams: str) -> tuple[str, Place]:
    try:
        stream, site, at, key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(" ")
        if stream not in streams:
            raise ValueError("no such stream")
        mark = int(key) if stream == "r" else UUID(hex=key)
        return stream, Place(UUID(hex=site), from_micros(int(at)), mark)
    except (ValueError, OverflowError, binascii.Error):
        raise Malformed(
            "bad-cursor",
            "cursor 无效，请从第一页重新开始 · not a cursor of ours: begin with the first page",
            pointer="?cursor",
        ) from None


# --- what is read ---


@dataclass(frozen=True, slots=True)
class _Batch:
    """A custody that arrived; `key`: its group."""

    key: str
    id: UUID
    site_id: UUID
    arrived_at: datetime
    code: str | None
    lot_id: UUID
    product_id: UUID
    complete: bool
    papered: bool

    def shown(self) -> Row:
        return {
            "custody_id": str(self.id), "code": self.code, "lot_id": str(self.lot_id), "site_id": str(self.site_id),
            "product_id": str(self.product_id), "arrived_at": self.arrived_at.isoformat(),
            "trace": f"/api/v1/trace?custody={self.id}&direction=back",
        }  # fmt: skip


class _Sale(NamedTuple):
    """A line that was sold, by a scale or by an event; there may be millions."""

    key: str
    site_id: UUID
    event_time: datetime
    receipt_id: int | None
    event_id: UUID | None
    line: int
    custody: bytes | None
    product: bytes | None

    def shown(self) -> Row:
        """`receipt_id` is the web's to turn into a code."""
        return {
            "receipt_id": self.receipt_id, "event_id": str(self.event_id) if self.event_id else None, "line": self.line,
            "site_id": str(self.site_id), "event_time": self.event_time.isoformat(),
            "product_id": str(UUID(bytes=self.product)) if self.product else None,
            "custody_id": str(UUID(bytes=self.custody)) if self.custody else None,
        }  # fmt: skip


class _Reading:
    """The batches and sales of a scope, block by block, each with its group."""

    def __init__(self, snapshot: Snapshot, scope: Scope, by: By) -> None:
        self._snapshot = snapshot
        self._scope = scope
        self._by = by
        self._sites = [spot.id for spot in scope.spots]
        self._markets = {spot.id: str(spot.market_id) for spot in scope.spots}
        self._zones = {spot.id: ZoneInfo(spot.time_zone) for spot in scope.spots}
        self._categories: dict[bytes, str] = {}
        self.stalls = {spot.id: spot for spot in scope.spots if spot.kind in STALLS and spot.status == "active"}

    def batches(self, *, judged: bool, after: Place | None = None) -> Iterator[_Batch]:
        """What came to the sites; unjudged, neither complete nor papered."""
        scope = self._scope
        for block in windows.arrivals(self._snapshot, self._sites, scope.since, scope.until, after):
            self._know(row.product_id.bytes for row in block)
            verdict = judge(self._snapshot, [row.id.bytes for row in block]) if judged else None
            for row in block:
                key = self._key(row.site_id, row.arrived_at, row.product_id.bytes)
                complete = verdict is not None and row.id.bytes in verdict.complete
                papered = verdict is not None and row.id.bytes in verdict.papered
                yield _Batch(
                    key, row.id, row.site_id, row.arrived_at, row.code, row.lot_id, row.product_id, complete, papered
                )

    def sales(self, stream: str = "r", after: Place | None = None) -> Iterator[_Sale]:
        """What scales have sold (stream r), then what was sold by events (stream e), from a place of a stream on."""
        scope, snapshot = self._scope, self._snapshot
        if stream == "r":
            for block in windows.receipts(snapshot, self._sites, scope.since, scope.until, after):
                sold = {row.id: row for row in block}
                lines = balance.lines_of(snapshot, sold)
                self._know(line[3] for line in lines if line[3] is not None)
                lines.sort(key=lambda line: (line[0], line[1]))
                by_receipt: dict[int, list[Any]] = {}
                for line in lines:
                    by_receipt.setdefault(line[0], []).append(line)
                for row in block:
                    for _, number, custody, product, _ in by_receipt.get(row.id, ()):
                        key = self._key(row.site_id, row.event_time, product)
                        yield _Sale(key, row.site_id, row.event_time, row.id, None, number, custody, product)
            after = None
        for events in windows.events(snapshot, "sell", ("body",), self._sites, scope.since, scope.until, after):
            void = findings.corrected(snapshot, [row.id.bytes for row in events])
            standing = [row for row in events if row.id.bytes not in void]
            yield from self._sold(standing)

    def _sold(self, events: list[windows.Found]) -> Iterator[_Sale]:
        named = {line["custody_id"] for row in events for line in row.body["lines"] if line.get("custody_id")}
        keys = [UUID(key).bytes for key in named]
        goods_of = {row[0]: row[3] for row in balance.hands(self._snapshot, keys)}
        said = {line["product_id"] for row in events for line in row.body["lines"] if line.get("product_id")}
        self._know([*goods_of.values(), *(UUID(key).bytes for key in said)])
        for row in events:
            for number, line in enumerate(row.body["lines"]):
                batch = UUID(line["custody_id"]).bytes if line.get("custody_id") else None
                product = UUID(line["product_id"]).bytes if line.get("product_id") else None
                if batch is not None and batch in goods_of:
                    product = goods_of[batch]
                key = self._key(row.site_id, row.event_time, product)
                yield _Sale(key, row.site_id, row.event_time, None, row.id, number, batch, product)

    def _know(self, products: Any) -> None:
        fresh = {key for key in products if key not in self._categories}
        for row in balance.products(self._snapshot, fresh):
            self._categories[row[0]] = row[1].partition(".")[0]

    def _key(self, site: UUID, at: datetime, product: bytes | None) -> str:
        match self._by:
            case "category":
                return self._categories.get(product, UNKNOWN) if product is not None else UNKNOWN
            case "market":
                return self._markets[site]
            case _:
                return f"{at.astimezone(self._zones[site]):%Y-%m}"
