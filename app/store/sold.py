"""Reading what scales have sold: the ledger of sales, stall by stall in the order of the sales."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from app.domain.rights import Principal
from app.domain.rows import Device, Site
from app.store import listing, master, tables
from app.store.engine import Snapshot


@dataclass(frozen=True, slots=True)
class Span:
    """What somebody may see of a site: the sales from `since` until before `until`, by the scale's clock."""

    site_id: UUID
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Sold:
    """A sale as it is kept; its lines and claims are read apart."""

    id: int
    device_id: UUID
    site_id: UUID
    event_time: datetime
    utc_offset: int
    record_time: datetime
    operator: str | None
    payment: str | None
    flags: Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class SoldLine:
    """`amount` in the product's measure, `value` and `unit` as entered."""

    receipt_id: int
    line: int
    custody_id: UUID | None
    product_id: UUID | None
    amount: int
    value: str
    unit: str
    amount_fen: int | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """Another sale that was posted under the same number; `body` as the scale sent it."""

    receipt_id: int
    body: Any
    record_time: datetime


def sites(
    snapshot: Snapshot,
    principal: Principal,
    *,
    below: str | None,
    among: Sequence[UUID] | None,
    start: UUID | None,
    limit: int,
) -> list[UUID]:
    """The next of the sites that are the principal's now, by id from `start`; `below` a site's path, `among` these."""
    site = tables.site.c
    conditions = list(listing.own_sites(snapshot, principal))
    if below is not None:
        conditions.append(master.below(below))
    if among is not None:
        conditions.append(site.id.in_(among))
    if start is not None:
        conditions.append(site.id >= start)
    return list(snapshot.scalars(select(site.id).where(*conditions).order_by(site.id).limit(limit)))


def traded_at(snapshot: Snapshot, party_id: UUID) -> list[Site]:
    """Where the party stands, and where it once had goods."""
    custody = tables.custody.c
    once = select(custody.site_id).where(custody.party_id == party_id, custody.site_id.is_not(None)).distinct()
    here = master.sites_of_party(snapshot, party_id)
    return list({site.id: site for site in [*here, *master.sites(snapshot, snapshot.scalars(once)).values()]}.values())


def stood_at(snapshot: Snapshot, device_id: UUID) -> list[UUID]:
    """Every site that the device was ever enrolled at."""
    versions = master.versions(snapshot, [device_id]).get(device_id, [])
    return list(dict.fromkeys(version.site_id for version in versions if isinstance(version, Device)))


def sales(
    snapshot: Snapshot,
    span: Span,
    *,
    device_id: UUID | None,
    after: tuple[datetime, int] | None,
    limit: int,
) -> list[Sold]:
    """The sales of a span, the earliest first; `after` is the place of the last that was read."""
    c = tables.receipt.c
    conditions = [c.site_id == span.site_id]
    if span.since is not None:
        conditions.append(c.event_time >= span.since)
    if span.until is not None:
        conditions.append(c.event_time < span.until)
    if device_id is not None:
        conditions.append(c.device_id == device_id)
    if after is not None:
        time, key = after
        conditions += [c.event_time >= time, or_(c.event_time > time, and_(c.event_time == time, c.id > key))]
    columns = (c.id, c.device_id, c.site_id, c.event_time, c.utc_offset, c.record_time, c.operator, c.payment, c.flags)
    statement = select(*columns).where(*conditions).order_by(c.event_time, c.id).limit(limit)
    return [Sold(*row) for row in snapshot.execute(statement)]


def lines(snapshot: Snapshot, receipt_ids: Sequence[int]) -> dict[int, list[SoldLine]]:
    """The lines of the sales, in their order."""
    c = tables.receipt_line.c
    columns = (c.receipt_id, c.line, c.custody_id, c.product_id, c.amount, c.value, c.unit, c.amount_fen)
    found: dict[int, list[SoldLine]] = defaultdict(list)
    for chunk in master.chunks(receipt_ids):
        statement = select(*columns).where(c.receipt_id.in_(chunk)).order_by(c.receipt_id, c.line)
        for row in snapshot.execute(statement):
            found[row.receipt_id].append(SoldLine(*row))
    return found


def claims(snapshot: Snapshot, receipt_ids: Sequence[int], most: int) -> dict[int, tuple[int, list[Claimed]]]:
    """What else was posted under the numbers of the sales: how many, and the first `most` to come. A number that was
    used once is left out."""
    c = tables.receipt_claim.c
    columns = (
        c.receipt_id,
        c.content_hash,
        func.count().over(partition_by=c.receipt_id).label("number"),
        func.row_number().over(partition_by=c.receipt_id, order_by=(c.record_time, c.content_hash)).label("place"),
    )
    found: dict[int, tuple[int, list[Claimed]]] = {}
    for chunk in master.chunks(receipt_ids):
        # Without the bodies, which are long and may be many.
        ranked = select(*columns).where(c.receipt_id.in_(chunk)).subquery()
        wanted = set()
        for row in snapshot.execute(select(ranked).where(ranked.c.place <= most)):
            found[row.receipt_id] = row.number, []
            wanted.add((row.receipt_id, row.content_hash))
        listed: list[tuple[bytes, Claimed]] = []
        for hashes in master.chunks(content_hash for _, content_hash in wanted):
            statement = select(c.content_hash, c.receipt_id, c.body, c.record_time).where(
                c.receipt_id.in_({key for key, _ in wanted}), c.content_hash.in_(hashes)
            )
            rows = snapshot.execute(statement)
            listed += [(row.content_hash, Claimed(*row[1:])) for row in rows if (row[1], row[0]) in wanted]
        for _, claim in sorted(listed, key=lambda one: (one[1].record_time, one[0])):
            found[claim.receipt_id][1].append(claim)
    return found
