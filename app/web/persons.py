"""/api/v1/persons: who may log in to the desk; the operator's to enrol, change and lock."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, field_validator

from app.domain.persons import Person
from app.domain.rights import Role
from app.enrolling import passwords
from app.enrolling import persons as enrolling
from app.enrolling.persons import ChangePerson, EnrolPerson
from app.store.engine import reading
from app.web import hashing
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.lists import Page, PagingDep, answer
from app.web.schemas import Given, Name, Short, Told, optional
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/persons", tags=["persons"], route_class=JsonRoute)


class PersonForm(Given):
    """Role, party and region are as a key's; the password comes with the answer and is changed at the first login."""

    login: Short = Field(examples=["insp.wang"])
    name: Name
    role: Role
    party_id: UUID | None = None
    region: str | None = Field(None, max_length=6, examples=["3301"], description="GB/T 2260, 2, 4 or 6 digits")
    email: Short | None = Field(None, description="by which an issuer of OpenID Connect may name them, once verified")


class PersonChange(Given):
    """The fields to change; it takes effect within a second, in every session."""

    name: Name = optional()
    role: Role = optional()
    party_id: UUID | None = optional()
    region: str | None = optional(max_length=6)
    email: Short | None = optional()
    status: Literal["active", "locked"] = optional()
    new_password: bool = Field(False, description="a new one comes with the answer; all sessions end")
    forget_codes: bool = Field(False, description="turns one-time codes off: the telephone is lost")

    @field_validator("name", "role", "status")
    @classmethod
    def _given(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("不能为空 · must not be null")
        return value


class PersonTold(Told):
    """`password` is there once, when it is made."""

    id: UUID
    login: str
    name: str
    role: str
    party_id: UUID | None
    region: str | None
    email: str | None
    status: str = Field(description="active | locked")
    must_change: bool = Field(description="the password, at the next login")
    one_time_codes: bool
    issuer: str | None = Field(description="of OpenID Connect, to which they are bound")
    record_time: datetime
    last_login: datetime | None
    password: str | None = None


class ColleagueTold(Told):
    """Somebody to whom an alert or a complaint can be given."""

    id: UUID
    name: str
    role: str
    region: str | None


colleagues = APIRouter(prefix="/api/v1/colleagues", tags=["persons"])


@colleagues.get("", summary="Persons to whom an alert or a complaint can be given")
def list_colleagues(service: ServiceDep, principal: PrincipalDep) -> list[ColleagueTold]:
    """Who works on the queues where the reader does: its own market's; of a region, those above and below it, and
    the markets' in it."""
    with reading(service.engine) as snapshot:
        rows = enrolling.colleagues(snapshot, principal)
    return [ColleagueTold(id=row.id, name=row.name, role=row.role, region=row.region) for row in rows]


def told(person: Person, password: str | None = None) -> PersonTold:
    own = {name: getattr(person, name, None) for name in PersonTold.model_fields}
    own |= {"one_time_codes": person.totp_on, "issuer": person.oidc_issuer, "password": password}
    return PersonTold(**own)


@router.post("", status_code=201, summary="Enrol a person; the password is shown once")
async def enrol_person(
    form: PersonForm, service: ServiceDep, principal: PrincipalDep, response: Response
) -> PersonTold:
    password = passwords.temporary_password()
    command = EnrolPerson(
        principal, form.login, form.name, form.role, form.party_id, form.region, form.email,
        await hashing.work(passwords.hashed, password),
    )  # fmt: skip
    person = await service.writer.write(enrolling.enrol_persons, command)
    response.headers["Location"] = f"{router.prefix}/{person.id}"
    response.headers["Cache-Control"] = "no-store"
    return told(person, password)


@router.get("", summary="The persons who may log in")
def list_persons(service: ServiceDep, principal: PrincipalDep, paging: PagingDep) -> Page[PersonTold]:
    with reading(service.engine) as snapshot:
        rows = enrolling.list_persons(snapshot, principal, paging.after, paging.limit + 1)
    return answer([told(row) for row in rows], paging, PersonTold)


@router.get("/{person_id}", summary="A person, without secrets")
def get_person(person_id: UUID, service: ServiceDep, principal: PrincipalDep) -> PersonTold:
    with reading(service.engine) as snapshot:
        return told(enrolling.find_person(snapshot, principal, person_id))


@router.patch("/{person_id}", summary="Change, lock or unlock a person, or give a new password")
async def change_person(
    person_id: UUID, body: PersonChange, service: ServiceDep, principal: PrincipalDep, response: Response
) -> PersonTold:
    given = body.model_fields_set - {"new_password", "forget_codes"}
    password = passwords.temporary_password() if body.new_password else None
    kept = await hashing.work(passwords.hashed, password) if password else None
    changes = {name: getattr(body, name) for name in given}
    person = await service.writer.write(
        enrolling.change_persons, ChangePerson(principal, person_id, changes, kept, body.forget_codes)
    )
    response.headers["Cache-Control"] = "no-store"
    return told(person, password)
