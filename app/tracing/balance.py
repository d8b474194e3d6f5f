"""Balances of a custody, lot, site or party, whole or over a span of time, as far as their reader may know them.

Everything goes by blocks of custodies and of receipts, so that a market of years is summed in the memory of a stall.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.balance import FLOWS, Goods, Rules, Sums, tolerance_for
from app.domain.errors import Invalid
from app.domain.rights import Principal
from app.store import balance as store
from app.store import chain, master, windows
from app.store.engine import Snapshot
from app.store.raw import Row
from app.store.types import from_micros
from app.tracing.books import Kind, Subject, sight_of, subject_of
from app.tracing.names import HOME

By = Literal["category", "custody", "site", "day"]

DAYS: Final = 366
SINCE: Final = datetime(2000, 1, 1, tzinfo=UTC)

_FLOW: Final = {name: i for i, name in enumerate(FLOWS)}
_COLUMNS: Final = ("sold", "shipped", "processed", "returned", "destroyed", "unexplained")
_MOVES: Final = ("move", "return", "identify")


@dataclass(frozen=True, slots=True)
class Asked:
    """The balance of what; over a span of time (`since` inclusive, `until` exclusive; neither: of all time), in rows
    by `by`."""

    kind: Kind
    id: UUID
    by: By = "category"
    since: datetime | None = None
    until: datetime | None = None

    @property
    def windowed(self) -> bool:
        return self.since is not None or self.until is not None


@dataclass(frozen=True, slots=True)
class Line:
    """The balance of one group; key: a category, a custody's or site's id, a day."""

    key: str
    name: str | None
    sums: Sums


@dataclass(frozen=True, slots=True)
class Balance:
    """`total` of all, None on the pages that follow the first; `hidden`: custodies that are left out since they are
    none of the reader's business; `next`: where the custodies of the next page begin."""

    total: Sums | None
    lines: list[Line]
    hidden: int
    next: store.Position | None


def balance(
    snapshot: Snapshot,
    reader: Principal,
    asked: Asked,
    *,
    now: datetime,
    rules: Rules = Rules(),
    limit: int = 500,
    after: store.Position | None = None,
) -> Balance:
    """Raises NotFound for what does not exist, Forbidden for the book of a site or party that is not the reader's,
    Invalid for more sites or days than one answer holds."""
    subject = subject_of(snapshot, reader, asked.kind, asked.id)
    ledger = _Ledger(snapshot, reader, asked, subject, now, rules)
    if asked.by != "custody":
        ledger.take_all()
        return Balance(ledger.total, ledger.lines(), ledger.hidden, None)
    page = next(store.pages(snapshot, *subject.keys, after, limit), [])
    ledger.take(page)
    ledger.sell()
    going_on = page[-1] if len(page) == limit else None
    if after is not None:
        return Balance(None, ledger.lines(), ledger.hidden, going_on)
    whole = _Ledger(snapshot, reader, replace(asked, by="category"), subject, now, rules)
    whole.take_all()
    return Balance(whole.total, ledger.lines(), whole.hidden, going_on)


# --- the sums ---


@dataclass(slots=True)
class _Ledger:
    snapshot: Snapshot
    reader: Principal
    asked: Asked
    subject: Subject
    now: datetime
    rules: Rules
    total: Sums = field(default_factory=Sums)
    hidden: int = 0
    _groups: dict[str, Sums] = field(default_factory=dict)
    _goods: dict[bytes, Goods] = field(default_factory=dict)
    _sold: list[bytes] = field(default_factory=list)

    def take_all(self) -> None:
        for block in store.pages(self.snapshot, *self.subject.keys):
            self.take(block)
        self.sell()

    def take(self, block: list[store.Position]) -> None:
        """The custodies of a block."""
        rows = self._visible(store.custodies(self.snapshot, [key.bytes for _, key in block]))
        if not rows:
            return
        self._know(row[4] for row in rows)
        links = store.links_up(self.snapshot, [row[0] for row in rows])
        arrived = {link[0]: "received" for link in links if link[3] != "transform"}
        if self.asked.windowed:
            self._flows(rows, arrived, links)
        else:
            for row in rows:
                goods = self._goods[row[4]]
                self._add(row, _FLOW[arrived.get(row[0], "made")], row[9], goods, None)
                for name, amount in zip(_COLUMNS, row[10:16], strict=True):
                    self._add(row, _FLOW[name], amount, goods, None)
            self._net(rows, links, {})

    def sell(self) -> None:
        """What scales have sold in the span of time; otherwise it is in the custodies' own sums."""
        if not self.asked.windowed:
            return
        if self.subject.sites is None or self.asked.by == "custody":
            for start in range(0, len(self._sold), store.BLOCK):
                for sold in store.sold_of(self.snapshot, self._sold[start : start + store.BLOCK], self._since):
                    self._scales(sold)
            return
        for block in windows.receipts(self.snapshot, self.subject.sites, self._since, _LATEST):
            times = {row.id: row.event_time for row in block}
            lines = store.lines_of(self.snapshot, times)
            self._scales([(line[2], times[line[0]], line[4], line[0]) for line in lines if line[2] is not None])

    def lines(self) -> list[Line]:
        """The rows, days and sites with what was there before."""
        names = self._names()
        if self.asked.by == "day" and self.asked.windowed:
            self._carry()
        return [Line(key, names.get(key), self._groups[key]) for key in sorted(self._groups)]

    # --- inner ---

    @property
    def _since(self) -> datetime:
        return self.asked.since or SINCE

    def _visible(self, rows: list[Row]) -> list[Row]:
        if self.subject.owned:
            kept = [row for row in rows if self.subject.inside((row[0], row[1], row[3], row[4], row[5], row[6]))]
        else:
            full = sight_of(self.snapshot, self.reader, rows).full
            kept = [row for row in rows if row[0] in full]
        self.hidden += len(rows) - len(kept)
        return kept

    def _know(self, products: Iterable[bytes]) -> None:
        fresh = {key for key in products if key not in self._goods}
        for key, category, measure, each, _ in store.products(self.snapshot, fresh):
            self._goods[key] = Goods(
                category, measure != "weight", each, tolerance_for(category, self.rules.tolerances)
            )

    def _key(self, row: Row, at: datetime | None) -> str:
        """The group of a custody (as CUSTODY), or of what happened to it then."""
        match self.asked.by:
            case "custody":
                return str(UUID(bytes=row[0]))
            case "site":
                return str(UUID(bytes=row[5])) if row[5] is not None else ""
            case "day":
                return (at or from_micros(row[8])).astimezone(self.subject.zone).date().isoformat()
            case _:
                return self._goods[row[4]].category

    def _add(self, row: Row, flow: int, amount: int, goods: Goods, at: datetime | None) -> None:
        if not amount:
            return
        self.total.add(flow, amount, goods)
        self._group(self._key(row, at)).add(flow, amount, goods)

    def _group(self, key: str) -> Sums:
        if key not in self._groups:
            if self.asked.by == "day" and len(self._groups) > DAYS:
                raise Invalid(
                    "invalid", f"超过 {DAYS} 天，请缩短时段 · more than {DAYS} days: ask for a shorter time",
                    pointer="?from",
                )  # fmt: skip
            self._groups[key] = Sums()
        return self._groups[key]

    def _flows(self, rows: list[Row], arrived: Mapping[bytes, str], links: list[Row]) -> None:
        """What changed the custodies since the beginning: within the span it is a flow, after it a step on the way back
        from what is there now to what was there before."""
        until = self.asked.until or self.now
        held = {row[0]: row for row in rows}
        before = {row[0]: row[9] - sum(row[10:16]) for row in rows}
        entered: dict[tuple[bytes, bytes], datetime] = {}
        for custody, event, entry, time, amount in store.changes(self.snapshot, list(held), self._since):
            at, row = from_micros(time), held[custody]
            inwards = entry == "in"
            before[custody] += -amount if inwards else amount
            if inwards:
                entered[custody, event] = at
            if at < until:
                flow = _FLOW[arrived.get(custody, "made")] if inwards else _FLOW[entry]
                self._add(row, flow, amount, self._goods[row[4]], at)
        for row in rows:
            # Scales' sales are taken off when they are read.
            self._open(row, before[row[0]])
            if row[10]:
                self._sold.append(row[0])
        self._net(rows, links, entered)

    def _open(self, row: Row, amount: int) -> None:
        if not amount:
            return
        goods = self._goods[row[4]]
        self.total.open(amount, goods)
        key = "" if self.asked.by == "day" else self._key(row, None)
        self._group(key).open(amount, goods)

    def _scales(self, sold: Collection[store.Sold]) -> None:
        until = self.asked.until or self.now
        keys = {one[0] for one in sold}
        held = {row[0]: row for row in store.custodies(self.snapshot, keys)}
        if self.subject.owned:
            held = {
                key: row
                for key, row in held.items()
                if self.subject.inside((row[0], row[1], row[3], row[4], row[5], row[6]))
            }
        self._know(row[4] for row in held.values())
        for custody, at, amount, _ in sold:
            row = held.get(custody)
            if row is None:
                continue
            self._open(row, amount)
            if at < until:
                self._add(row, _FLOW["sold"], amount, self._goods[row[4]], at)

    def _net(self, rows: list[Row], links: list[Row], entered: Mapping[tuple[bytes, bytes], datetime]) -> None:
        """What moved between two custodies of one set is neither received nor shipped by it."""
        if self.asked.by == "custody":
            return
        moves = [link for link in links if link[3] in _MOVES]
        parents = {row[0]: row for row in store.hands(self.snapshot, {link[1] for link in moves})}
        held = {row[0]: row for row in rows}
        for child, parent, event, kind, grams, pieces in moves:
            from_, row = parents.get(parent), held[child]
            if from_ is None or from_[1] == "gap" or not self.subject.inside(from_):
                continue
            if self.asked.windowed and (child, event) not in entered:
                continue
            at = entered.get((child, event))
            if at is not None and at >= (self.asked.until or self.now):
                continue
            goods = self._goods[row[4]]
            amount = pieces if goods.counted else grams
            out = _FLOW["returned" if kind == "return" else "shipped"]
            for flow in (_FLOW["received"], out):
                self.total.add(flow, -(amount or 0), goods)
                if self.asked.by != "site" or from_[4] == row[5]:
                    self._group(self._key(row, at)).add(flow, -(amount or 0), goods)

    def _carry(self) -> None:
        """Each day begins with what the day before ended with."""
        opening = self._groups.pop("", Sums())
        grams, pieces, weighed = opening.opening_grams, opening.opening_pieces, opening.weighed
        loss, excess = opening.loss, opening.excess
        for key in sorted(self._groups):
            sums = self._groups[key]
            sums.opening_grams, sums.opening_pieces = grams, pieces
            sums.weighed = sums.weighed and weighed
            sums.loss = [own + more for own, more in zip(sums.loss, loss, strict=True)]
            sums.excess = [own + more for own, more in zip(sums.excess, excess, strict=True)]
            grams, pieces = sums.on_hand

    def _names(self) -> dict[str, str | None]:
        if self.asked.by == "site":
            keys = [UUID(key).bytes for key in self._groups if key]
            return {str(UUID(bytes=row[0])): row[2] for row in chain.sites(self.snapshot, keys)}
        if self.asked.by == "custody":
            rows = store.custodies(self.snapshot, [UUID(key).bytes for key in self._groups])
            names = {row[0]: row[4] for row in store.products(self.snapshot, {row[4] for row in rows})}
            return {str(UUID(bytes=row[0])): names.get(row[4]) for row in rows}
        return dict.fromkeys(self._groups)


_LATEST: Final = datetime(2101, 1, 1, tzinfo=UTC)


def day_bounds(snapshot: Snapshot, site: UUID | None, day: date) -> tuple[datetime, datetime]:
    """The day of a site, or of China, as a span of time."""
    found = master.sites(snapshot, [site]).get(site) if site is not None else None
    zone = ZoneInfo(found.time_zone) if found is not None else HOME
    begin = datetime(day.year, day.month, day.day, tzinfo=zone)
    following = date.fromordinal(day.toordinal() + 1)
    return begin, datetime(following.year, following.month, following.day, tzinfo=zone)
