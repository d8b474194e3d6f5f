"""Statistics: what gates let in and refused and why; what was tested, what failed, what was destroyed of it."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from app.store import balance, findings, windows
from app.store.engine import Snapshot
from app.store.raw import Row
from app.tracing.scope import Scope

AdmissionsBy = Literal["market", "reason", "day"]
TestsBy = Literal["item", "method", "category", "market", "day"]


@dataclass(slots=True)
class Admissions:
    """Decisions at gates; `reasons`: refusals by the slug of their reasons, of which one may have several."""

    admitted: int = 0
    refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Tests:
    """`destroyed_grams`, `destroyed_pieces`: of the lots that failed, all that was destroyed at the sites asked for;
    each lot counts where it failed first."""

    tests: int = 0
    fails: int = 0
    failed_lots: int = 0
    destroyed_grams: int = 0
    destroyed_pieces: int = 0


def admissions(snapshot: Snapshot, scope: Scope, by: AdmissionsBy) -> tuple[Admissions, dict[str, Admissions]]:
    """(of all, by group): events of entry checks (入场查验) that stand; a refusal is in the group of each reason."""
    total, groups = Admissions(), dict[str, Admissions]()
    where = _Where(scope)
    for block in windows.events(snapshot, "admit", ("outcome",), where.sites, scope.since, scope.until):
        void = findings.corrected(snapshot, [row.id.bytes for row in block])
        for row in block:
            if row.id.bytes in void:
                continue
            refused = row.outcome["decision"] == "refused"
            slugs = list(dict.fromkeys(reason["slug"] for reason in row.outcome["reasons"]))
            keys = slugs if by == "reason" else [where.key(by, row.site_id, row.event_time)]
            for one in (total, *(groups.setdefault(key, Admissions()) for key in keys)):
                one.admitted += not refused
                one.refused += refused
                one.reasons.update(slugs)
    return total, groups


def tests(snapshot: Snapshot, scope: Scope, by: TestsBy) -> tuple[Tests, dict[str, Tests]]:
    """(of all, by group): tests that stand."""
    total, groups = Tests(), dict[str, Tests]()
    where = _Where(scope)
    failed: dict[bytes, tuple[datetime, str]] = {}
    categories: dict[bytes, str] = {}
    for block in windows.events(snapshot, "test", ("body", "outcome"), where.sites, scope.since, scope.until):
        void = findings.corrected(snapshot, [row.id.bytes for row in block])
        standing = [row for row in block if row.id.bytes not in void]
        custodies = {UUID(row.body["custody_id"]).bytes for row in standing}
        goods = {row[0]: row for row in balance.hands(snapshot, list(custodies))}
        if by == "category":
            categories |= _categories(snapshot, {row[3] for row in goods.values()} - categories.keys())
        for row in standing:
            hands = goods[UUID(row.body["custody_id"]).bytes]
            match by:
                case "item":
                    key = row.body["item"]
                case "method":
                    key = row.body.get("method") or "–"
                case "category":
                    key = categories[hands[3]]
                case _:
                    key = where.key(by, row.site_id, row.event_time)
            fail = row.outcome["decision"] == "fail"
            for one in (total, groups.setdefault(key, Tests())):
                one.tests += 1
                one.fails += fail
            if fail and (hands[2] not in failed or row.event_time < failed[hands[2]][0]):
                failed[hands[2]] = row.event_time, key
    for lot, grams, pieces in _destroyed(snapshot, set(failed), {site.bytes for site in where.sites}):
        for one in (total, groups[failed[lot][1]]):
            one.destroyed_grams += grams
            one.destroyed_pieces += pieces
    for _, key in failed.values():
        total.failed_lots += 1
        groups[key].failed_lots += 1
    return total, groups


def _categories(snapshot: Snapshot, products: Collection[bytes]) -> dict[bytes, str]:
    return {row[0]: row[1].partition(".")[0] for row in balance.products(snapshot, products)}


def _destroyed(snapshot: Snapshot, lots: Collection[bytes], sites: Collection[bytes]) -> list[tuple[bytes, int, int]]:
    """(lot, grams, pieces) of what was destroyed at the sites; what a piece weighs is in the grams."""
    rows: list[Row] = [row for row in findings.destroyed(snapshot, lots) if row[2] in sites]
    each = {row[0]: row[3] for row in balance.products(snapshot, {row[1] for row in rows})}
    return [
        (lot, amount, 0) if measure == "weight" else (lot, amount * (each[product] or 0), amount)
        for lot, product, _, measure, amount in rows
    ]


class _Where:
    """Sites and their days."""

    def __init__(self, scope: Scope) -> None:
        self.sites = [spot.id for spot in scope.spots]
        self._markets = {spot.id: str(spot.market_id) for spot in scope.spots}
        self._zones = {spot.id: ZoneInfo(spot.time_zone) for spot in scope.spots}

    def key(self, by: str, site: UUID, at: datetime) -> str:
        return self._markets[site] if by == "market" else at.astimezone(self._zones[site]).date().isoformat()
