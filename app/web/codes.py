"""/api/v1/codes and /lookup: what a code names, its end, and finding it."""

from contextlib import suppress
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, Field
from starlette.concurrency import run_in_threadpool

from app import issuing
from app.domain.codes import CodeKind
from app.domain.errors import NotFound
from app.store.engine import reading
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.schemas import Given, Long, Told, scannable
from app.web.service import Service, ServiceDep
from app.web.tries import client_of

router = APIRouter(route_class=JsonRoute, tags=["codes"])


class CodeTold(Told):
    """A code that was issued here."""

    code: str
    kind: str = Field(description="site | party | custody | lot | unit | slip | receipt")
    subject_id: UUID | None = Field(description="id of what it names, of a unit its lot; null for a receipt")
    status: str = Field(description="active | revoked; of a unit that is not in use yet inactive")
    reason: str | None
    replacement: str | None
    minted_at: datetime | None
    revoked_at: datetime | None
    url: str = Field(examples=["https://food.example.cn/c/S0Z9K4T2M8V1QX7RS3"])


class Revocation(Given):
    """Why; and whether the same subject gets a new code, to which the old one leads."""

    reason: Long = Field(examples=["标牌遗失"])
    replace: bool = False


class Match(Told):
    """Something that may be meant."""

    code: str
    url: str
    kind: str
    title: str


class Lookup(Told):
    """All that may be meant by what was typed; empty where nothing is."""

    query: str
    matches: list[Match]


def _told(issued: issuing.Issued, service: Service) -> CodeTold:
    return CodeTold(
        code=issued.code,
        kind=issued.kind,
        subject_id=issued.subject_id,
        status=issued.status,
        reason=issued.reason,
        replacement=issued.replacement,
        minted_at=issued.minted_at,
        revoked_at=issued.revoked_at,
        url=f"{service.settings.public_url}/c/{issued.code}",
    )


@router.get("/api/v1/codes/{code}", summary="What a code names and whether it stands")
def get_code(code: str, service: ServiceDep, _: PrincipalDep) -> CodeTold:
    with reading(service.engine) as snapshot:
        return _told(issuing.find_code(snapshot, code, service.master), service)


@router.post("/api/v1/codes/{code}/revoke", summary="Revoke a code, with or without a replacement")
async def revoke_code(code: str, body: Revocation, service: ServiceDep, principal: PrincipalDep) -> CodeTold:
    read = issuing.read_code(code)
    command = issuing.Revoke(principal, read.text, body.reason, body.replace)
    if read.kind is CodeKind.UNIT:
        return await _revoke_unit(service, command)
    return _told(await service.writer.write(issuing.revoke_codes, command), service)


async def _revoke_unit(service: Service, command: issuing.Revoke) -> CodeTold:
    def understood() -> issuing.ChangeUnits:
        with reading(service.engine) as snapshot:
            return issuing.revoking_unit(snapshot, command, service.master)

    def found() -> issuing.Issued:
        with reading(service.engine) as snapshot:
            return issuing.find_code(snapshot, command.code, service.master)

    await service.writer.write(issuing.change_units, await run_in_threadpool(understood))
    return _told(await run_in_threadpool(found), service)


@router.get("/lookup", summary="Find a code from what is at hand: a code, a receipt's number, a barcode, a pasted URL")
def look_up(
    request: Request,
    service: ServiceDep,
    q: Annotated[str, Query(min_length=1, max_length=500), AfterValidator(scannable)],
) -> Lookup:
    found: list[issuing.Match] = []
    with suppress(NotFound), service.wrong_codes.one(client_of(request)), reading(service.engine) as snapshot:
        found = issuing.look_up(snapshot, q, service.master)
    url = f"{service.settings.public_url}/c/"
    matches = [Match(code=match.code, url=url + match.code, kind=match.kind, title=match.title) for match in found]
    return Lookup(query=q, matches=matches)
