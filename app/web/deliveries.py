"""GET /api/v1/deliveries: what is under way to one's own sites, to be received by one act."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from app.domain.rows import Party, Site
from app.scanning.deliveries import Delivery, Line, find_deliveries, scanned
from app.store.engine import reading
from app.web.auth import PrincipalDep
from app.web.lists import PagingDep
from app.web.paging import Cursor, encode_cursor
from app.web.schemas import Moment, Told
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/deliveries", tags=["events"])


class PlaceTold(Told):
    id: UUID
    code: str
    name: str


class PaperTold(Told):
    type: str = Field(description="desadv (despatch advice), po (order), inv, … as in CBV")
    id: str


class GoodsTold(Told):
    custody_id: UUID
    product_id: UUID
    product: str
    category: str
    gtin: str | None
    lot_number: str
    epc: str | None
    quantity: dict[str, Any]
    remaining: dict[str, Any] = Field(description="still to come; 0 where the sender has not said how much")


class DeliveryTold(Told):
    """Received with `{"kind": "receive", "site_id": …, "slip_code": …}`, judged with `admit`."""

    slip_code: str
    shipped_at: datetime
    captured: bool = Field(description="its sender's own system reported it as EPCIS")
    from_site: PlaceTold | None
    from_party: PlaceTold | None
    reported_by: PlaceTold | None = Field(description="who says so, where that is not the party that sends")
    to_site: PlaceTold
    papers: list[PaperTold]
    units: list[str] = Field(description="the SSCCs that it comes in")
    admission: str | None = Field(description="admitted | refused, as the gate decided")
    items: list[GoodsTold]


class DeliveryPage(Told):
    items: list[DeliveryTold]
    next: str | None


@router.get("", summary="在途到货 · Deliveries under way to your sites, from slips and from senders' EPCIS")
def list_deliveries(
    service: ServiceDep,
    principal: PrincipalDep,
    asked: PagingDep,
    site_id: Annotated[
        UUID | None, Query(description="a site of yours, with all below it; all of yours without")
    ] = None,
    scan: Annotated[
        str | None,
        Query(max_length=300, description="only what brings this: an SSCC, a Digital Link, GTIN and lot, a code"),
    ] = None,
    since: Annotated[Moment | None, Query(alias="from", description="thirty days back if left out")] = None,
) -> DeliveryPage:
    """The latest first, as long as something of them is still to come; a page may be short and have a next one. What
    was scanned is looked for in all that is under way, whenever it was sent."""
    now = datetime.now(UTC)
    with reading(service.engine) as snapshot:
        if scan is not None:
            found = scanned(snapshot, principal, now, scan, site_id=site_id, after=asked.after, limit=asked.limit)
        else:
            found = find_deliveries(
                snapshot, principal, now, site_id=site_id, since=since, after=asked.after, limit=asked.limit
            )
    following = encode_cursor(Cursor(*found.after)) if found.after is not None else None
    return DeliveryPage(items=[_told(one) for one in found.deliveries], next=following)


def _told(one: Delivery) -> DeliveryTold:
    return DeliveryTold(
        slip_code=one.slip.code,
        shipped_at=one.slip.shipped_at,
        captured=one.captured,
        from_site=_place(one.from_site),
        from_party=_place(one.from_party),
        reported_by=_place(one.reported_by),
        to_site=PlaceTold(id=one.to_site.id, code=one.to_site.code, name=one.to_site.name),
        papers=[PaperTold(type=kind, id=key) for kind, key in one.papers],
        units=list(one.units),
        admission=one.slip.admission,
        items=[_goods(line) for line in one.lines],
    )


def _place(row: Site | Party | None) -> PlaceTold | None:
    return None if row is None else PlaceTold(id=row.id, code=row.code, name=row.name)


def _goods(line: Line) -> GoodsTold:
    return GoodsTold(
        custody_id=line.custody_id,
        product_id=line.product.id,
        product=line.product.name,
        category=line.product.category,
        gtin=line.product.gtin,
        lot_number=line.lot_number,
        epc=line.epc,
        quantity=line.quantity,
        remaining=line.remaining,
    )
