"""What may go: custodies whose records are past their time, of which nothing that stays has need.

A page of custodies is taken with all that links join to it, as far as it is old. What is young, held, under recall, in
an open case or complained of stays, and with it all that it came from and where its own lot went on. Blocks of more
than NODES custodies are left alone and counted: they are looked at again when more of them is old.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.graph import Bounds, downstream
from app.domain.retention import CAPTURED, Rule, earlier, families, keep_until, kept_with, later, of_goods, shortest
from app.store import chain
from app.store import retention as store
from app.store.engine import Snapshot
from app.store.entwined import Entwined, TooLarge
from app.store.raw import Row
from app.store.types import from_micros, micros

NODES: Final = 100_000
HANDS: Final = 50  # no food passes through more
FAMILY: Final = 500  # custodies in one transaction, or one family
HOME: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Plan:
    """`groups` may go, each in one piece; `fingerprint` of each is what it looked like. `entangled`: custodies of the
    page that were not looked at, since too much hangs together."""

    groups: list[tuple[list[UUID], int]]
    entangled: int


def before(rules: Sequence[Rule], now: datetime) -> datetime:
    """What arrived since then stays, whatever it is."""
    return before_months(shortest(of_goods(rules)), now)


def before_months(months: int, now: datetime) -> datetime:
    """The beginning of the last day from which so many months are over."""
    day = earlier(now.astimezone(HOME).date(), months)
    return datetime(day.year, day.month, day.day, tzinfo=HOME)


def plan(
    snapshot: Snapshot, page: Collection[UUID], rules: Sequence[Rule], guard: store.Guarded, now: datetime
) -> Plan:
    """What of a page, and of all that hangs on it, may go now."""
    cut = micros(before(rules, now))
    rows: dict[bytes, Row] = {}
    links: set[store.Edge] = set()
    entwined = Entwined(snapshot, guard.recalled)
    ahead = {key.bytes for key in page}
    while ahead:
        found = store.nodes(snapshot, ahead)
        rows |= {row[0]: row for row in found}
        if len(rows) > NODES:
            return Plan([], len(page))
        # What stays anyway is as far as it need be known.
        old = [row for row in found if row[5] < cut]
        try:
            edges = store.edges(snapshot, [row[0] for row in old]) | entwined.edges(old, lot=3, epc=15)
        except TooLarge:
            return Plan([], len(page))
        links |= edges
        ahead = {end for parent, child, _ in edges for end in (parent, child)} - rows.keys()
    # Goods that a hold or recall reaches are those that were made of its lot, too.
    onward = store.onward(snapshot, guard)
    reached = downstream({key for key, row in rows.items() if row[3] in onward}, links)
    stay = kept_with(reached | _kept(snapshot, rows, rules, guard, now, cut, entwined), links, rows)
    going = rows.keys() - stay
    groups = [(keys, _fingerprint(rows, keys)) for keys in _packed(families(going, links))]
    return Plan([([UUID(bytes=key) for key in keys], mark) for keys, mark in groups], 0)


def still(
    snapshot: Snapshot, keys: Collection[UUID], mark: int, rules: Sequence[Rule], guard: store.Guarded, now: datetime
) -> bool:
    """Whether a group is as it was planned, and may go; asked when nobody changes it any more."""
    wanted = {key.bytes for key in keys}
    rows = {row[0]: row for row in store.nodes(snapshot, wanted)}
    if rows.keys() != wanted or _fingerprint(rows, sorted(wanted)) != mark:
        return False
    entwined = Entwined(snapshot, guard.recalled)
    try:
        beside = entwined.edges(list(rows.values()), lot=3, epc=15)
    except TooLarge:
        return False
    if _kept(snapshot, rows, rules, guard, now, micros(before(rules, now)), entwined):
        return False
    if onward := store.onward(snapshot, guard):
        way = chain.follow(snapshot, sorted(wanted), "back", Bounds(HANDS, NODES))
        if way.next is not None or any(row[3] in onward for row in store.nodes(snapshot, way.depth)):
            return False
    # Nothing outside may come from it, nor may its own lot come from outside to stay.
    for parent, child, kind in store.edges(snapshot, wanted) | beside:
        if parent in wanted and child not in wanted:
            return False
        if kind != "transform" and child in wanted and parent not in wanted:
            return False
    return True


def _kept(
    snapshot: Snapshot,
    rows: dict[bytes, Row],
    rules: Sequence[Rule],
    guard: store.Guarded,
    now: datetime,
    cut: int,
    entwined: Entwined,
) -> set[bytes]:
    """What stays by itself: young goods, and what `store.held` says."""
    old = {key: row for key, row in rows.items() if row[5] < cut}
    today = now.astimezone(HOME).date()
    last = store.last_days(snapshot, old)
    categories = store.categories(snapshot, {row[4] for row in old.values()})
    kept = set(rows) - old.keys()
    for key, row in old.items():
        day = max(last.get(key, from_micros(row[5])), from_micros(row[5])).astimezone(HOME).date()
        expires = date.fromisoformat(row[6]) if row[6] is not None else None
        until = keep_until(categories.get(row[4], "*"), day, expires, rules)
        captured = entwined.pieces.get(row[15])
        fresh = captured is not None and later(captured.latest.astimezone(HOME).date(), CAPTURED) >= today
        if until is None or until >= today or fresh:
            kept.add(key)
    return kept | store.held(snapshot, list(old.values()), guard)


def _fingerprint(rows: dict[bytes, Row], keys: Collection[bytes]) -> int:
    return hash(tuple(rows[key] for key in sorted(keys)))


def _packed(groups: list[list[bytes]]) -> list[list[bytes]]:
    """Families together as far as FAMILY custodies go."""
    packed: list[list[bytes]] = []
    for family in groups:
        if packed and len(packed[-1]) + len(family) <= FAMILY:
            packed[-1] = packed[-1] + family
        else:
            packed.append(family)
    return packed
