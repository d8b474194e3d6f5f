"""What happened at sites in a span of time: rows of one big table, site by site, in blocks of bounded size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Row, Table, and_, or_, select

from app.domain.rights import Principal
from app.store import listing, master, tables
from app.store.engine import Snapshot

BLOCK: Final = 2_000  # rows

Found = Row[Any]  # (site_id, time, id, …), by name


@dataclass(frozen=True, slots=True)
class Spot:
    """A site as a count of many needs it."""

    id: UUID
    path: str
    party_id: UUID
    name: str
    kind: str
    region: str | None
    status: str
    time_zone: str
    code: str

    @property
    def market_id(self) -> UUID:
        """The topmost site above it, itself for a root."""
        return UUID(hex=self.path[:32])


_SPOT = [tables.site.c[name] for name in Spot.__dataclass_fields__]


def spots(
    snapshot: Snapshot, principal: Principal, *, region: str | None = None, below: str | None = None
) -> list[Spot]:
    """The sites that are the principal's, in the order of their paths: a market's stalls stand together."""
    site = tables.site.c
    conditions = list(listing.own_sites(snapshot, principal))
    if region is not None:
        conditions.append(site.region.startswith(region, autoescape=True))
    if below is not None:
        conditions.append(master.below(below))
    return [Spot(*row) for row in snapshot.execute(select(*_SPOT).where(*conditions).order_by(site.path))]


@dataclass(frozen=True, slots=True)
class Place:
    """After the row of this time and id at this site."""

    site_id: UUID
    time: datetime
    key: Any


def blocks(
    snapshot: Snapshot,
    table: Table,
    names: tuple[str, ...],
    time: str,
    sites: Sequence[UUID],
    since: datetime,
    until: datetime,
    *where: ColumnElement[bool],
    after: Place | None = None,
) -> Iterator[list[Found]]:
    """Rows of (site_id, `time`, id, *names) with since ≤ `time` < until, in the order of `sites`, then of time and id;
    about BLOCK of them at once."""
    key: Column[Any] = table.c.id
    at = table.c[time]
    query = select(table.c.site_id, at, key, *(table.c[name] for name in names)).where(*where, at < until)
    query = query.order_by(at, key).limit(BLOCK)
    begin = sites.index(after.site_id) if after is not None and after.site_id in sites else 0
    waiting: list[Found] = []
    ahead = sites[begin:]
    busy: set[UUID] = set()
    for chunk in master.chunks(ahead):
        there = select(table.c.site_id).where(table.c.site_id.in_(chunk), *where, at >= since, at < until).distinct()
        busy |= set(snapshot.scalars(there))
    for number, site in enumerate(ahead):
        if site not in busy:
            continue
        last = (after.time, after.key) if after is not None and number == 0 and after.site_id == site else None
        while True:
            beyond = at >= since if last is None else and_(at >= last[0], or_(at > last[0], key > last[1]))
            rows = snapshot.execute(query.where(table.c.site_id == site, beyond)).all()
            waiting += rows
            if len(waiting) >= BLOCK:
                yield waiting
                waiting = []
            if len(rows) < BLOCK:
                break
            last = (rows[-1][1], rows[-1][2])
    if waiting:
        yield waiting


def arrivals(
    snapshot: Snapshot, sites: Sequence[UUID], since: datetime, until: datetime, after: Place | None = None
) -> Iterator[list[Found]]:
    """Custodies that came to the sites: (…, code, lot_id, product_id, party_id)."""
    c = tables.custody.c
    names = ("code", "lot_id", "product_id", "party_id")
    return blocks(snapshot, tables.custody, names, "arrived_at", sites, since, until, c.kind == "custody", after=after)


def restricted(snapshot: Snapshot, sites: Sequence[UUID], since: datetime, until: datetime) -> Iterator[list[Found]]:
    """Custodies with a withdrawal period of which something was sold: (…, withdrawal_until)."""
    c = tables.custody.c
    where = (c.withdrawal_until.is_not(None), c.sold > 0, c.kind == "custody")
    return blocks(snapshot, tables.custody, ("withdrawal_until",), "arrived_at", sites, since, until, *where)


def receipts(
    snapshot: Snapshot, sites: Sequence[UUID], since: datetime, until: datetime, after: Place | None = None
) -> Iterator[list[Found]]:
    """Sales of scales."""
    return blocks(snapshot, tables.receipt, (), "event_time", sites, since, until, after=after)


def events(
    snapshot: Snapshot,
    kind: str,
    names: tuple[str, ...],
    sites: Sequence[UUID],
    since: datetime,
    until: datetime,
    after: Place | None = None,
) -> Iterator[list[Found]]:
    """Events of a kind, those that were corrected since as well."""
    where = tables.event.c.kind == kind
    return blocks(snapshot, tables.event, names, "event_time", sites, since, until, where, after=after)
