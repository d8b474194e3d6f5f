"""/api/v1/inspections: 监管记录, what an authority found at a place or of a party."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from app.domain.inspections import Kind, Result
from app.recording.inspections import RecordInspection, record_inspections
from app.scanning import inspections as told
from app.store.engine import reading
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.lists import Page, PagingDep, answer
from app.web.schemas import Day, Given, Long, Moment, Name, Short, Told
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/inspections", tags=["inspections"], route_class=JsonRoute)

_Grade = Annotated[Short, Field(max_length=8, examples=["A"], description="shown as large as a letter can be")]


class InspectionForm(Given):
    """`site_id` or `party_id`; `result` of inspections and samplings; `grade` and `score` of inspections and credit
    ratings."""

    ref: Short = Field(description="the authority's own: the same again is answered the same")
    kind: Kind
    site_id: UUID | None = None
    party_id: UUID | None = Field(None, description="of a party as a whole, not of one of its places")
    inspected_on: Day
    result: Result | None = None
    grade: _Grade | None = None
    score: Annotated[int, Field(ge=0, le=100)] | None = None
    text: Long = Field(description="what was found, as 中文 · English or in one language")
    number: Short | None = Field(None, description="of the official document")
    authority: Name
    public: bool = Field(False, description="for everybody; else for the authority, the market and whom it is about")
    note: Long | None = Field(None, description="for the authority alone")
    replaces: UUID | None = Field(None, description="a record of one's own that this one takes the place of")


class Place(Told):
    code: str | None
    name: str
    kind: str
    region: str | None


class InspectionTold(Told):
    """A record as its reader may see it; `replaced_by` where a later one has taken its place."""

    id: UUID
    kind: Kind
    inspected_on: date
    result: Result | None
    grade: str | None
    score: int | None
    text: str
    number: str | None
    authority: str
    site: Place | None
    party: Place | None
    public: bool
    note: str | None
    replaces: UUID | None
    replaced_by: UUID | None
    record_time: datetime


@router.post(
    "",
    status_code=201,
    summary="监管记录 · record an inspection, sampling, penalty or credit rating; the same again answers 200",
    responses={200: {"model": InspectionTold, "description": "it was there already"}},
)
async def post_inspection(
    form: InspectionForm, service: ServiceDep, principal: PrincipalDep, response: Response
) -> InspectionTold:
    fields: dict[str, Any] = {name: getattr(form, name) for name in InspectionForm.model_fields if name != "ref"}
    recorded = await service.writer.write(record_inspections, RecordInspection(principal, form.ref, fields))
    response.status_code = 201 if recorded.created else 200
    response.headers["Location"] = f"{router.prefix}/{recorded.row.id}"
    return get_inspection(recorded.row.id, service, principal)


@router.get("", summary="监管记录 · the records that this key may see, the latest first")
def list_inspections(
    service: ServiceDep,
    principal: PrincipalDep,
    paging: PagingDep,
    site: Annotated[UUID | None, Query(description="about this site")] = None,
    party: Annotated[UUID | None, Query(description="about this party or one of its places")] = None,
    kind: Kind | None = None,
    since: Annotated[Moment | None, Query(description="record_time, inclusive")] = None,
) -> Page[InspectionTold]:
    """A regulator's region; a market's stalls and itself; one's own."""
    with reading(service.engine) as snapshot:
        rows = told.find_inspections(
            snapshot, principal, site_id=site, party_id=party, kind=kind, since=since,
            after=paging.after, limit=paging.limit + 1,
        )  # fmt: skip
    return answer([InspectionTold.model_validate(row) for row in rows], paging, InspectionTold)


@router.get("/{inspection_id}", summary="监管记录 · one record")
def get_inspection(inspection_id: UUID, service: ServiceDep, principal: PrincipalDep) -> InspectionTold:
    with reading(service.engine) as snapshot:
        return InspectionTold.model_validate(told.find_inspection(snapshot, principal, inspection_id))
