"""/api/v1/devices/me: what a device asks for itself, by its key: who it is, and what it may sell now."""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from app.domain import codes
from app.enrolling.own import OwnDevice, find_own, require_device
from app.recording import Batch, LeftOut
from app.store.engine import reading
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.negotiation import unchanged
from app.web.reports import DeviceFirmware, DeviceTime
from app.web.schemas import Told
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/devices/me", tags=["devices"], route_class=JsonRoute)


class _Quantity(msgspec.Struct):
    """As the contract's: value and unit to read, grams or pieces to reckon with."""

    value: str
    unit: str
    grams: int | None
    pieces: int | None


@dataclass(slots=True)
class StockItem(Batch):
    """A batch that may be sold, and how much is left of it."""

    quantity: _Quantity


class OwnStock(msgspec.Struct):
    """What a device may sell now, the newest first, and what it must not."""

    site_id: UUID
    items: list[StockItem]
    left_out: list[LeftOut]
    truncated: bool


_SCHEMA, COMPONENTS = msgspec.json.schema_components([OwnStock], ref_template="#/components/schemas/{name}")
_OPENAPI: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "What may be sold, and what may not and why",
        "content": {"application/json": {"schema": _SCHEMA[0]}},
        "headers": {"ETag": {"schema": {"type": "string"}, "description": "to be sent back as If-None-Match"}},
    },
    304: {"description": "Nothing has changed since the answer with this ETag"},
}


class SiteTold(Told):
    """A place as it stands on a receipt."""

    id: UUID
    code: str
    name: str
    kind: str
    address: str | None
    time_zone: str


class OwnDeviceTold(Told):
    """Who a device is, where it stands, what it prints above every receipt, and where its numbering goes on."""

    id: UUID
    number: int = Field(description="in its receipts' codes")
    name: str
    kind: str
    serial: str | None
    status: str
    epoch: int
    next_counter: int = Field(description="one above the highest that has come in under this epoch")
    site: SiteTold = Field(description="the stall")
    market: SiteTold = Field(description="the topmost site above the stall; the same for a shop that stands alone")
    party_name: str = Field(description="who runs the stall")
    party_code: str
    receipt_url: str = Field(description="what a receipt's code is put behind, in its QR symbol")
    time: datetime = Field(description="our clock")


def _told(own: OwnDevice, public_url: str, now: datetime) -> OwnDeviceTold:
    device = own.device
    return OwnDeviceTold(
        id=device.id,
        number=device.number,
        name=device.name,
        kind=device.kind,
        serial=device.serial,
        status=device.status,
        epoch=device.epoch,
        next_counter=own.next_counter,
        site=SiteTold.model_validate(own.site),
        market=SiteTold.model_validate(own.market),
        party_name=own.party.name,
        party_code=own.party.code,
        receipt_url=codes.qr_url(public_url, ""),
        time=now,
    )


@router.get("", summary="A device asks who it is: its stall, its receipts' header, its next counter")
def get_own_device(
    service: ServiceDep,
    principal: PrincipalDep,
    response: Response,
    device_time: DeviceTime = None,
    firmware: DeviceFirmware = None,
) -> OwnDeviceTold:
    with reading(service.engine) as snapshot:
        own = find_own(snapshot, principal)
    service.reports.note(principal, firmware, device_time)
    response.headers["Cache-Control"] = "private, no-store"
    return _told(own, service.settings.public_url, datetime.now(UTC))


@router.get(
    "/stock",
    summary="What this device may sell now, and what not and why; ETag and 304",
    response_class=Response,
    responses=_OPENAPI,
)
async def get_stock(
    service: ServiceDep,
    principal: PrincipalDep,
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
    device_time: DeviceTime = None,
    firmware: DeviceFirmware = None,
) -> Response:
    require_device(principal)
    service.reports.note(principal, firmware, device_time)
    assert principal.site_id is not None
    body = await run_in_threadpool(service.shelves.stock, principal.site_id, datetime.now(UTC))
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if unchanged(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")
