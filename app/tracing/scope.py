"""Whose books a question of oversight is of: the sites of a region, a market or a stall that are the reader's."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.domain.errors import Forbidden, Invalid, NotFound
from app.domain.rights import Principal, Role, region_prefix
from app.store import master, windows
from app.store.engine import Snapshot
from app.store.windows import Spot

LONGEST: Final = timedelta(days=400)
USUAL: Final = timedelta(days=30)

OVERSEES: Final = frozenset({Role.MARKET, Role.REGULATOR, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Scope:
    """Sites in the order of their paths, and a span of time: `since` inclusive, `until` exclusive."""

    spots: list[Spot]
    since: datetime
    until: datetime


def span(since: datetime | None, until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """The last thirty days where nothing is said. Raises Invalid for more than LONGEST, or none."""
    end = until or now
    begin = since or end - USUAL
    if not timedelta(0) < end - begin <= LONGEST:
        raise Invalid(
            "invalid",
            f"时段应在 {LONGEST.days} 天以内，且 from 早于 to · at most {LONGEST.days} days, from before to",
            pointer="?from",
        )
    return begin, end


def require_oversight(reader: Principal) -> None:
    """Raises Forbidden for who oversees nobody."""
    if reader.role not in OVERSEES:
        raise Forbidden(
            "forbidden",
            "由市场和监管部门查询 · This is for the market and the regulator to read",
        )


def scope(
    snapshot: Snapshot,
    reader: Principal,
    *,
    region: str | None = None,
    site: UUID | None = None,
    since: datetime | None,
    until: datetime | None,
    now: datetime,
) -> Scope:
    """`site`: a market or stall, with all below it. Raises Forbidden, NotFound, Invalid."""
    require_oversight(reader)
    begin, end = span(since, until, now)
    below = None
    if site is not None:
        there = master.sites(snapshot, [site]).get(site)
        if there is None:
            raise NotFound("unknown-site", f"没有这个场所：{site} · no site {site}; check it", identity=str(site))
        below = there.path
    prefix = region_prefix(region) if region is not None else None
    own = reader.region if reader.role is Role.REGULATOR else None
    if prefix is not None and own is not None and not (prefix.startswith(own) or own.startswith(prefix)):
        raise Forbidden("outside-region", "不在您的辖区 · outside your region", identity=region)
    return Scope(windows.spots(snapshot, reader, region=prefix, below=below), begin, end)
