"""/api/v1/devices: 追溯秤 and other instruments."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from app.domain import codes
from app.domain.errors import TooMany
from app.domain.masters import DeviceKind
from app.domain.rows import Device
from app.enrolling import devices as enrolling
from app.enrolling.devices import Activate, Reactivate
from app.enrolling.forms import Change, Enrol
from app.enrolling.own import last_reports
from app.store.engine import reading
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.lists import Page, PagingDep, answer
from app.web.schemas import Given, Moment, Name, Short, Told, given, optional, plain
from app.web.service import Service, ServiceDep
from app.web.tries import client_of

router = APIRouter(prefix="/api/v1/devices", tags=["devices"], route_class=JsonRoute)


class DeviceForm(Given):
    """What enrols a device; two alike at one site are told apart by `serial` or `name`."""

    site_id: UUID
    name: Name = Field(examples=["12 号摊电子秤"])
    kind: DeviceKind
    serial: Short | None = None


class DeviceChange(Given):
    """The fields to change; the rest stays."""

    site_id: UUID = optional()
    name: Name = optional()
    kind: DeviceKind = optional()
    serial: Short | None = optional()
    status: Literal["active", "locked"] = optional()
    next_counter: int = optional(
        ge=0,
        lt=codes.COUNTERS,
        description="of the next receipt, read off the device: those below are of the site before",
    )
    valid_from: Moment | None = Field(None, description="since when it is so; now where left out")


class DeviceTold(Told):
    """A device; `activation_code` once, when it is made: it works for 15 minutes and five tries."""

    id: UUID
    number: int = Field(description="in its receipts' codes")
    site_id: UUID
    name: str
    kind: str
    serial: str | None
    status: str = Field(description="enrolled | active | locked")
    epoch: int
    activation_code: str | None = None
    activation_expires: datetime | None
    last_seen: datetime | None = Field(None, description="its last call, to the minute")
    firmware: str | None = Field(None, description="as it said itself")
    clock_skew_seconds: int | None = Field(None, description="its clock less ours, when it last said its time")
    first_counter: int = Field(description="from which its sales are of this site; those below are of the site before")
    first_time: datetime | None = Field(description="and since when, where the counter was not read off the device")
    version: int
    valid_from: datetime


class Activation(Given):
    """What a person types into the device."""

    activation_code: str = Field(max_length=40, examples=["17-K7QX-9M2P"])


class ActivationTold(Told):
    """All that a device needs to print receipts offline; key and secret are shown here only."""

    device_id: UUID
    device_number: int
    key: str
    receipt_secret: str = Field(description="32 bytes in hexadecimal digits")
    epoch: int
    next_counter: int


def _told(service: Service, rows: Sequence[Device], code: str | None = None) -> list[DeviceTold]:
    """The devices with what they last said of themselves. Blocks."""
    with reading(service.engine) as snapshot:
        reports = last_reports(snapshot, [row.id for row in rows])
    told = []
    for row in rows:
        report = reports.get(row.id)
        said: dict[str, Any] = {"activation_code": code}
        if report is not None:
            said |= {
                "last_seen": report.seen_at,
                "firmware": report.firmware,
                "clock_skew_seconds": report.clock_skew_seconds,
            }
        told.append(DeviceTold.model_validate(row).model_copy(update=said))
    return told


async def _one(service: Service, row: Device, code: str | None = None) -> DeviceTold:
    (told,) = await run_in_threadpool(_told, service, [row], code)
    return told


@router.post(
    "",
    status_code=201,
    summary="Enrol a device; the same form again answers 200 without a code",
    responses={200: {"model": DeviceTold, "description": "it was there already"}},
)
async def enrol_device(
    form: DeviceForm, service: ServiceDep, principal: PrincipalDep, response: Response
) -> DeviceTold:
    enrolled = await service.writer.write(enrolling.enrol_devices, Enrol(principal, plain(form)))
    response.status_code = 201 if enrolled.created else 200
    response.headers["Location"] = f"{router.prefix}/{enrolled.row.id}"
    response.headers["Cache-Control"] = "no-store"
    return await _one(service, enrolled.row, enrolled.activation_code)


@router.post("/activate", summary="A device trades its activation code for its key and receipt secret")
async def activate_device(
    body: Activation, request: Request, service: ServiceDep, response: Response
) -> ActivationTold:
    client = client_of(request)
    command = Activate(body.activation_code, service.master)
    try:
        with service.tries.one(client):
            done = await service.writer.write(enrolling.activate_devices, command, client)
    except TooMany as waiting:
        done = await service.writer.write(enrolling.activate_devices, replace(command, waiting=waiting), client)
    response.headers["Cache-Control"] = "no-store"
    return ActivationTold(
        device_id=done.device_id,
        device_number=done.device_number,
        key=done.key,
        receipt_secret=done.receipt_secret.hex(),
        epoch=done.epoch,
        next_counter=done.next_counter,
    )


@router.get("", summary="The devices that this key reads")
def list_devices(service: ServiceDep, principal: PrincipalDep, paging: PagingDep) -> Page[DeviceTold]:
    with reading(service.engine) as snapshot:
        rows = enrolling.list_devices(snapshot, principal, paging.after, paging.limit + 1)
    page = answer(rows, paging, DeviceTold)
    return Page(items=_told(service, rows[: paging.limit]), next=page.next)


@router.get("/{device_id}", summary="A device, as it is or was")
def get_device(
    device_id: UUID,
    service: ServiceDep,
    principal: PrincipalDep,
    at: Annotated[Moment | None, Query(description="what it was at this time")] = None,
) -> DeviceTold:
    with reading(service.engine) as snapshot:
        row = enrolling.find_device(snapshot, principal, device_id, at)
    return _told(service, [row])[0]


@router.patch("/{device_id}", summary="Change, move, lock or unlock a device")
async def change_device(
    device_id: UUID, body: DeviceChange, service: ServiceDep, principal: PrincipalDep
) -> DeviceTold:
    changes = given(body)
    changes.pop("valid_from", None)
    command = Change(principal, device_id, changes, body.valid_from)
    return await _one(service, await service.writer.write(enrolling.change_devices, command))


@router.post("/{device_id}/activation", summary="A new activation code: for a device that was reset or replaced")
async def reactivate_device(
    device_id: UUID, service: ServiceDep, principal: PrincipalDep, response: Response
) -> DeviceTold:
    done = await service.writer.write(enrolling.reactivate_devices, Reactivate(principal, device_id))
    response.headers["Cache-Control"] = "no-store"
    return await _one(service, done.row, done.activation_code)
