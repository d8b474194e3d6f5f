"""/api/v1/cases: case files that one region's regulator hands to the next."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field, field_validator

from app.domain.errors import Invalid
from app.domain.identifiers import check_region
from app.domain.rights import region_prefix
from app.domain.rows import Document
from app.enrolling.looks import at_file
from app.exchanging.cases import ChangeCase, Handing, OpenCase, change_cases, find_case, find_cases, open_cases, scope
from app.store.writer import weight_of
from app.tracing import Start
from app.tracing.looks import at_gaps
from app.web.auth import PrincipalDep
from app.web.handing import attached
from app.web.lists import Page, PagingDep, answer
from app.web.looking import note
from app.web.schemas import Given, Long, Name, Told
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/cases", tags=["cases"])


class StartGiven(Given):
    """What the chain is followed from, in both directions."""

    kind: Literal["code", "custody", "lot", "epc", "site", "party", "document"]
    value: Annotated[str, Field(max_length=300)]


class CaseGiven(Given):
    """The same `ref` with the same content is the same case."""

    ref: Name
    starts: Annotated[list[StartGiven], Field(min_length=1, max_length=20)]
    reason: Long
    to_region: Annotated[str, Field(description="GB/T 2260, whole or a prefix", examples=["3302"])]

    @field_validator("to_region")
    @classmethod
    def _exists(cls, region: str) -> str:
        for finding in check_region(region, prefix=True):
            raise ValueError(f"{finding.detail_zh} · {finding.detail_en}")
        return region_prefix(region)


class StartTold(Told):
    kind: str
    value: str


class CaseTold(Told):
    id: UUID
    record_time: datetime
    person: str | None
    region: str | None = Field(description="whose it is; null for the operator's")
    to_region: str
    starts: list[StartTold]
    reason: str
    custodies: int
    state: Literal["open", "closed"]
    closed_at: datetime | None
    handed_at: datetime | None
    manifest_sha256: str | None = Field(description="of the file as it was last sent to its end")


@router.post(
    "",
    status_code=201,
    summary="建立案卷 · Open a case file for the next region",
    responses={200: {"description": "The same again"}},
)
def open_case(given: CaseGiven, service: ServiceDep, principal: PrincipalDep, response: Response) -> CaseTold:
    """In it lie the goods that the starts name and what lies up and down the chain, in the regulator's region and one
    step across its border."""
    starts = [Start(start.kind, start.value) for start in given.starts]
    if principal.region is not None and given.to_region == principal.region:
        raise Invalid(
            "invalid", "移交给另一地区，不是本地区 · Hand it to another region than your own", pointer="/to_region"
        )
    custodies = scope(service.engine, principal, starts, service.master)
    command = OpenCase(principal, given.ref, starts, given.reason, given.to_region, custodies)
    opened = service.writer.submit(open_cases, command, weight_of(len(custodies)))
    response.headers["Location"] = f"{router.prefix}/{opened.case.id}"
    if not opened.created:
        response.status_code = 200
    return CaseTold.model_validate(opened.case)


@router.get("", summary="案卷 · The case files of the region, the latest first")
def list_cases(service: ServiceDep, principal: PrincipalDep, paging: PagingDep) -> Page[CaseTold]:
    return answer(find_cases(service.engine, principal, paging.after, paging.limit + 1), paging, CaseTold)


@router.get("/{case_id}", summary="一个案卷 · One case file")
def get_case(case_id: UUID, service: ServiceDep, principal: PrincipalDep) -> CaseTold:
    return CaseTold.model_validate(find_case(service.engine, principal, case_id))


@router.post("/{case_id}/close", summary="结案 · Close it")
def close_case(case_id: UUID, service: ServiceDep, principal: PrincipalDep) -> CaseTold:
    return CaseTold.model_validate(service.writer.submit(change_cases, ChangeCase(principal, case_id)))


@router.get(
    "/{case_id}/file",
    summary="移交文件 · Its file, to hand over",
    response_class=Response,
    responses={200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}},
)
def get_file(case_id: UUID, request: Request, service: ServiceDep, principal: PrincipalDep) -> Response:
    """EPCIS 2.0 JSON-LD of the events of its goods, the chain as tables and pictures, the papers that speak for it, and
    a manifest with the SHA-256 of each. Sent as it is made; the manifest's own hash is kept with the case."""
    case = find_case(service.engine, principal, case_id)

    def papers(found: Sequence[Document]) -> None:
        note(request, principal, [look for paper in found for look in at_file(principal, paper)])

    def done(manifest: bytes) -> None:
        service.writer.submit(change_cases, ChangeCase(principal, case_id, manifest))

    handing = Handing(
        service.engine, service.files, principal, case, service.settings.public_url, service.master, datetime.now(UTC),
        looked=lambda found: note(request, principal, at_gaps(found)), papers=papers, done=done,
    )  # fmt: skip
    return attached(handing.parts(), "application/zip", f"case-{case.id}.zip")
