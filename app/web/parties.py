"""/api/v1/parties: 经营主体, from farm to caterer."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BeforeValidator, Field

from app.domain.masters import PartyKind, Status
from app.enrolling import parties as enrolling
from app.enrolling.forms import Change, Enrol
from app.enrolling.looks import at_parties
from app.store.engine import reading
from app.web import batches
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.lists import Page, PagingDep, answer
from app.web.looking import note, noted
from app.web.schemas import Day, ExternalCode, Given, Long, Moment, Name, Short, Told, given, optional, plain
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/parties", tags=["parties"], route_class=JsonRoute)

CreditCode = Annotated[str, BeforeValidator(lambda value: value.strip().upper() if isinstance(value, str) else value)]


class Licence(Given):
    """A permit: SC (production), JY (business) or any other scheme."""

    scheme: Short = Field(examples=["JY"])
    number: Short = Field(examples=["JY13301060000013"])
    expires_on: Day | None = None


class Contact(Given):
    """Whom to call; never shown to the public."""

    name: Short | None = None
    phone: Short | None = Field(None, examples=["0571-00000000"])


class PartyForm(Given):
    """What enrols a party. With a credit code it is one party whoever enrols it."""

    name: Name = Field(examples=["城西蔬菜批发部"])
    kind: PartyKind
    region: str | None = Field(None, examples=["330106"], description="GB/T 2260, six digits")
    credit_code: CreditCode | None = Field(None, examples=["91330106MA27XXXX1A"], description="统一社会信用代码")
    licences: list[Licence] = Field([], max_length=50)
    contact: Contact | None = None
    external_codes: list[ExternalCode] = Field([], max_length=50)
    status: Status | None = Field(None, description="pending where left out")
    status_reason: Long | None = None


class PartyChange(Given):
    """The fields to change; the rest stays."""

    name: Name = optional()
    kind: PartyKind = optional()
    region: str | None = optional()
    credit_code: CreditCode | None = optional()
    licences: list[Licence] = optional(max_length=50)
    contact: Contact | None = optional()
    external_codes: list[ExternalCode] = optional(max_length=50)
    status: Status = optional()
    status_reason: Long | None = optional()
    valid_from: Moment | None = Field(None, description="since when it is so; now where left out")


class ToldLicence(Told):
    scheme: str
    number: str
    expires_on: date | None


class ToldContact(Told):
    name: str | None
    phone: str | None


class ToldExternalCode(Told):
    scheme: str
    value: str


class Warning(Told):
    """What looks wrong with a number that was taken all the same."""

    slug: str
    pointer: str
    detail: str


class PartyTold(Told):
    """A party as its office, its market and itself see it."""

    id: UUID
    code: str = Field(examples=["P0Z9K4T2M8V1QX7RS3"])
    name: str
    kind: str
    region: str | None
    credit_code: str | None
    licences: list[ToldLicence]
    contact: ToldContact | None
    external_codes: list[ToldExternalCode]
    status: str
    status_reason: str | None
    warnings: list[Warning]
    version: int
    valid_from: datetime


def _enrol(form: PartyForm, principal: Any, strict: bool) -> Enrol:
    fields = plain(form)
    return Enrol(principal, fields, fields.pop("status"), fields.pop("status_reason"), strict)


@router.post(
    "",
    status_code=201,
    summary="Enrol a party; the same form again answers 200",
    responses={200: {"model": PartyTold, "description": "it was there already"}},
)
async def enrol_party(
    form: PartyForm, request: Request, service: ServiceDep, principal: PrincipalDep, response: Response
) -> PartyTold:
    command = _enrol(form, principal, service.settings.strict_identifiers)
    enrolled = await service.writer.write(enrolling.enrol_parties, command)
    if not enrolled.created:
        await noted(request, principal, at_parties(principal, [enrolled.row]))
    response.status_code = 201 if enrolled.created else 200
    response.headers["Location"] = f"{router.prefix}/{enrolled.row.id}"
    return PartyTold.model_validate(enrolled.row)


@router.post(
    "/batch",
    summary="Enrol parties in bulk (NDJSON)",
    openapi_extra=batches.OPENAPI,
    responses=batches.RESPONSES,
    response_class=Response,
)
async def enrol_parties(request: Request, service: ServiceDep, principal: PrincipalDep) -> Response:
    strict = service.settings.strict_identifiers
    return await batches.enrol_lines(
        request, service, PartyForm, lambda form: _enrol(form, principal, strict), enrolling.enrol_parties
    )


@router.get("", summary="The parties that this key reads")
def list_parties(request: Request, service: ServiceDep, principal: PrincipalDep, paging: PagingDep) -> Page[PartyTold]:
    with reading(service.engine) as snapshot:
        rows = enrolling.list_parties(snapshot, principal, paging.after, paging.limit + 1)
    note(request, principal, at_parties(principal, rows[: paging.limit]))
    return answer(rows, paging, PartyTold)


@router.get("/{party_id}", summary="A party, as it is or was")
def get_party(
    party_id: UUID,
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    at: Annotated[Moment | None, Query(description="what it was at this time")] = None,
) -> PartyTold:
    with reading(service.engine) as snapshot:
        row = enrolling.find_party(snapshot, principal, party_id, at)
    note(request, principal, at_parties(principal, [row]))
    return PartyTold.model_validate(row)


@router.patch("/{party_id}", summary="Change a party: a new version of it")
async def change_party(
    party_id: UUID, body: PartyChange, request: Request, service: ServiceDep, principal: PrincipalDep
) -> PartyTold:
    changes = given(body)
    changes.pop("valid_from", None)
    command = Change(principal, party_id, changes, body.valid_from, service.settings.strict_identifiers)
    row = await service.writer.write(enrolling.change_parties, command)
    await noted(request, principal, at_parties(principal, [row]))
    return PartyTold.model_validate(row)
