"""/api/v1/keys: who may speak for whom."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from app.domain.rights import Role
from app.enrolling import keys as enrolling
from app.enrolling.keys import ChangeKey, MakeKey
from app.store.engine import reading
from app.store.keys import ApiKey
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.lists import Page, PagingDep, answer
from app.web.schemas import Given, Name, Told
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/keys", tags=["keys"], route_class=JsonRoute)


class KeyForm(Given):
    """vendor, producer, market and lab speak for a party, a regulator for a region, a device key for a device."""

    role: Role
    party_id: UUID | None = None
    region: str | None = Field(None, max_length=6, examples=["3301"], description="GB/T 2260, 2, 4 or 6 digits")
    device_id: UUID | None = None
    name: Name | None = None


class KeyChange(Given):
    """A key's name is all that can change; what it may do cannot."""

    name: Name | None


class KeyTold(Told):
    """`key` is there once, when it is made."""

    id: UUID
    role: str
    party_id: UUID | None
    region: str | None
    device_id: UUID | None
    name: str | None
    status: str = Field(description="active | revoked")
    record_time: datetime
    last_used: datetime | None
    key: str | None = None


def _told(row: ApiKey, secret: str | None = None) -> KeyTold:
    return KeyTold.model_validate(row).model_copy(update={"key": secret})


@router.post("", status_code=201, summary="Make a key; it is shown once")
async def make_key(form: KeyForm, service: ServiceDep, principal: PrincipalDep, response: Response) -> KeyTold:
    command = MakeKey(principal, form.role, form.party_id, form.region, form.device_id, form.name)
    made = await service.writer.write(enrolling.make_keys, command)
    response.headers["Location"] = f"{router.prefix}/{made.row.id}"
    response.headers["Cache-Control"] = "no-store"
    return _told(made.row, made.secret)


@router.get("", summary="The keys that this key knows of")
def list_keys(service: ServiceDep, principal: PrincipalDep, paging: PagingDep) -> Page[KeyTold]:
    with reading(service.engine) as snapshot:
        rows = enrolling.list_keys(snapshot, principal, paging.after, paging.limit + 1)
    return answer(rows, paging, KeyTold)


@router.get("/{key_id}", summary="A key, without its secret")
def get_key(key_id: UUID, service: ServiceDep, principal: PrincipalDep) -> KeyTold:
    with reading(service.engine) as snapshot:
        return _told(enrolling.find_key(snapshot, principal, key_id))


@router.patch("/{key_id}", summary="Rename a key")
async def change_key(key_id: UUID, body: KeyChange, service: ServiceDep, principal: PrincipalDep) -> KeyTold:
    return _told(await service.writer.write(enrolling.change_keys, ChangeKey(principal, key_id, body.name)))


@router.post("/{key_id}/revoke", summary="Revoke a key for good; it stops working within a second")
async def revoke_key(key_id: UUID, service: ServiceDep, principal: PrincipalDep) -> KeyTold:
    return _told(await service.writer.write(enrolling.change_keys, ChangeKey(principal, key_id, revoke=True)))
