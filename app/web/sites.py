"""/api/v1/sites: 场所, from field to stall; a site's S-code is minted when it is enrolled (一摊一码)."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from app import exchanging
from app.domain.admission import parse_rules
from app.domain.masters import SiteKind
from app.domain.rights import Principal
from app.enrolling import sites as enrolling
from app.enrolling.forms import Change, Enrol
from app.store.engine import reading
from app.web import batches
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.lists import Page, PagingDep, answer
from app.web.parties import ToldExternalCode
from app.web.schemas import ExternalCode, Given, Long, Moment, Name, Short, Told, given, optional, plain
from app.web.service import Service, ServiceDep

router = APIRouter(prefix="/api/v1/sites", tags=["sites"], route_class=JsonRoute)

SiteStatus = Literal["active", "locked"]


class SiteForm(Given):
    """What enrols a site. Region and time zone are its parent's where left out."""

    party_id: UUID
    name: Name = Field(examples=["城西农贸市场 12 号摊"])
    kind: SiteKind
    parent_site_id: UUID | None = Field(None, description="the market of a stall")
    region: str | None = Field(None, examples=["330106"], description="GB/T 2260, six digits")
    address: Long | None = None
    gln: str | None = Field(None, max_length=20, description="GS1 Global Location Number, 13 digits")
    time_zone: Short | None = Field(None, examples=["Asia/Shanghai"])
    external_codes: list[ExternalCode] = Field([], max_length=50)


class SiteChange(Given):
    """The fields to change; the rest stays. A stall changes hands by its `party_id`."""

    party_id: UUID = optional()
    name: Name = optional()
    kind: SiteKind = optional()
    parent_site_id: UUID | None = optional()
    region: str | None = optional()
    address: Long | None = optional()
    gln: str | None = optional(max_length=20)
    time_zone: Short = optional()
    external_codes: list[ExternalCode] = optional(max_length=50)
    status: SiteStatus = optional()
    status_reason: Long | None = optional()
    valid_from: Moment | None = Field(None, description="since when it is so; now where left out")


class SiteTold(Told):
    """A site in full."""

    id: UUID
    code: str = Field(examples=["S0Z9K4T2M8V1QX7RS3"])
    party_id: UUID
    name: str
    kind: str
    parent_site_id: UUID | None
    region: str | None
    address: str | None
    gln: str | None
    time_zone: str
    external_codes: list[ToldExternalCode]
    status: str
    status_reason: str | None
    version: int
    valid_from: datetime


def _enrol(form: SiteForm, principal: Principal) -> Enrol:
    return Enrol(principal, plain(form))


@router.post(
    "",
    status_code=201,
    summary="Enrol a site; the same form again answers 200",
    responses={200: {"model": SiteTold, "description": "it was there already"}},
)
async def enrol_site(form: SiteForm, service: ServiceDep, principal: PrincipalDep, response: Response) -> SiteTold:
    enrolled = await service.writer.write(enrolling.enrol_sites, _enrol(form, principal))
    if form.gln is not None:
        await _rejoin(service, enrolled.row.id)
    response.status_code = 201 if enrolled.created else 200
    response.headers["Location"] = f"{router.prefix}/{enrolled.row.id}"
    return SiteTold.model_validate(enrolled.row)


@router.post(
    "/batch",
    summary="Enrol sites in bulk (NDJSON)",
    openapi_extra=batches.OPENAPI,
    responses=batches.RESPONSES,
    response_class=Response,
)
async def enrol_sites(request: Request, service: ServiceDep, principal: PrincipalDep) -> Response:
    return await batches.enrol_lines(
        request, service, SiteForm, lambda form: _enrol(form, principal), enrolling.enrol_sites
    )


@router.get("", summary="The sites that this key reads")
def list_sites(service: ServiceDep, principal: PrincipalDep, paging: PagingDep) -> Page[SiteTold]:
    with reading(service.engine) as snapshot:
        rows = enrolling.list_sites(snapshot, principal, paging.after, paging.limit + 1)
    return answer(rows, paging, SiteTold)


@router.get("/{site_id}", summary="A site, as it is or was")
def get_site(
    site_id: UUID,
    service: ServiceDep,
    principal: PrincipalDep,
    at: Annotated[Moment | None, Query(description="what it was at this time")] = None,
) -> SiteTold:
    with reading(service.engine) as snapshot:
        return SiteTold.model_validate(enrolling.find_site(snapshot, principal, site_id, at))


@router.patch("/{site_id}", summary="Change a site: a new version of it")
async def change_site(site_id: UUID, body: SiteChange, service: ServiceDep, principal: PrincipalDep) -> SiteTold:
    changes = given(body)
    changes.pop("valid_from", None)
    command = Change(principal, site_id, changes, body.valid_from)
    changed = await service.writer.write(enrolling.change_sites, command)
    if changes.keys() & {"gln", "external_codes"}:
        await _rejoin(service, site_id)
    return SiteTold.model_validate(changed)


async def _rejoin(service: Service, site_id: UUID) -> None:
    """What others reported at the GLN is of the site from now on, or no more."""
    await run_in_threadpool(exchanging.rejoin, service.writer, service.engine, site_id)


_RULE = {"category": "pork", "requires": [["quarantine_certificate"], ["meat_quality_certificate"]]}


@router.get("/{site_id}/admission-rules", summary="A market's own admission rules; none: the defaults hold")
def get_rules(site_id: UUID, service: ServiceDep, principal: PrincipalDep) -> list[dict[str, Any]]:
    with reading(service.engine) as snapshot:
        return enrolling.find_site(snapshot, principal, site_id).admission_rules or []


@router.put("/{site_id}/admission-rules", summary="Set a market's own admission rules (入场查验); [] for the defaults")
async def set_rules(
    site_id: UUID,
    rules: Annotated[list[dict[str, Any]], Body(max_length=200, examples=[[_RULE]])],
    service: ServiceDep,
    principal: PrincipalDep,
) -> list[dict[str, Any]]:
    parse_rules(rules)
    command = Change(principal, site_id, {"admission_rules": rules or None})
    return (await service.writer.write(enrolling.change_sites, command)).admission_rules or []
