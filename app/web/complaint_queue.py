"""/api/v1/reports: complaints, for the market and the regulator to work on."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from app.domain import codes
from app.domain.codes import MistypedCode
from app.domain.complaints import PHOTOS, State
from app.domain.errors import Invalid, Malformed, NotFound
from app.enrolling.looks import Look
from app.scanning import Shown
from app.scanning import complaints as verb
from app.scanning.looks import at_complaints
from app.scanning.ways import way_back
from app.store.engine import reading
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.lists import Page, PagingDep, answer
from app.web.looking import note, noted
from app.web.schemas import Given, Long, Moment, Told, optional
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/reports", tags=["complaints"], route_class=JsonRoute)


class ComplaintChange(Given):
    """An answer alone answers; `answered` without one is refused. The reporter sees both."""

    state: State | None = optional()
    answer: Long | None = optional(description="shown to whoever has the reference")
    owner: UUID | None = optional(description="a key or person that works on complaints; null for nobody")


class Change(Told):
    """`by`: the id of the key that made it."""

    time: datetime
    state: State
    answer: str | None
    by: UUID
    owner: UUID | None = None


class Place(Told):
    code: str | None
    name: str
    kind: str
    region: str | None


class ComplaintTold(Told):
    """A complaint with the way back: `trace` leads from its code to the sources."""

    id: UUID
    state: State
    text: str
    contact: str | None = Field(description="personal data: for answering this complaint and nothing else")
    photos: list[str] = Field(description="addresses of JPEG files")
    language: str
    code: str
    kind: str
    site: Place | None
    party: Place | None
    site_id: UUID | None
    party_id: UUID | None
    region: str | None
    custody_ids: list[UUID] = Field(description="the batches that the code named as it was filed")
    lot_ids: list[UUID]
    trace: str = Field(description="address of the trace back")
    answer: str | None
    record_time: datetime
    changed_at: datetime
    owner: UUID | None = Field(description="the key or person that works on it")
    history: list[Change]


class Way(Told):
    """Nodes, gaps and tests as a trace has them."""

    batches: list[dict[str, Any]]
    suppliers: list[dict[str, Any]] = Field(description="one step back")
    sources: list[dict[str, Any]] = Field(description="where nothing earlier is on record")
    unknown: list[dict[str, Any]] = Field(description="what papers say of sources outside of the system")
    tests: list[dict[str, Any]]
    truncated: bool


class ComplaintWay(ComplaintTold):
    """A complaint, and the way back from it in the same answer."""

    way: Way


def _canonical(typed: str) -> str:
    try:
        return codes.parse(typed).text
    except MistypedCode as error:
        raise Malformed("mistyped-code", f"{error.reason_zh} · {error.reason}", pointer="?code") from None


def _told(shown: Shown) -> ComplaintTold:
    fields: dict[str, Any] = dict(shown)
    fields["photos"] = [f"{router.prefix}/{shown['id']}/photos/{n}" for n in range(1, len(shown["photos"]) + 1)]
    fields["trace"] = f"/api/v1/trace?code={shown['code']}&direction=back"
    return ComplaintTold.model_validate(fields)


@router.get("", summary="Complaints that this key works on, the latest first")
def list_complaints(
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    paging: PagingDep,
    state: State | None = None,
    owner: Annotated[UUID | None, Query(description="a key or person")] = None,
    code: Annotated[str | None, Query(max_length=40, description="about this code")] = None,
    site: Annotated[UUID | None, Query(description="at this site or below it")] = None,
    since: Annotated[Moment | None, Query(description="record_time, inclusive")] = None,
    personal: Annotated[bool, Query(description="false: contacts are left out, and nobody has looked at them")] = True,
) -> Page[ComplaintTold]:
    """A regulator's region, a market's stalls. What is said of the market itself is the regulator's."""
    if code is not None:
        code = _canonical(code)
    with reading(service.engine) as snapshot:
        rows = verb.find_complaints(
            snapshot, principal, state=state, owner=owner, code=code, site_id=site, since=since,
            after=paging.after, limit=paging.limit + 1,
        )  # fmt: skip
    if not personal:
        rows = [row | {"contact": None} for row in rows]
    note(request, principal, at_complaints(rows[: paging.limit]))
    return answer([_told(row) for row in rows], paging, ComplaintTold)


@router.get("/{complaint_id}", summary="A complaint that this key works on")
def get_complaint(complaint_id: UUID, request: Request, service: ServiceDep, principal: PrincipalDep) -> ComplaintWay:
    """With the batches it is of, who supplied them, where they came from, and the tests on the way."""
    with reading(service.engine) as snapshot:
        row = verb.find_complaint(snapshot, principal, complaint_id)
        way, looks = way_back(
            snapshot, principal, row["custody_ids"], row["lot_ids"], now=datetime.now(UTC), secret=service.master
        )
    note(request, principal, [*at_complaints([row]), *looks])
    return ComplaintWay.model_validate({**_told(row).model_dump(), "way": way})


@router.patch("/{complaint_id}", summary="Take a complaint up, answer it, close it")
async def change_complaint(
    complaint_id: UUID, change: ComplaintChange, request: Request, service: ServiceDep, principal: PrincipalDep
) -> ComplaintTold:
    assigned = "owner" in change.model_fields_set
    if change.state is None and change.answer is None and not assigned:
        raise Invalid("invalid", "请给出 state、answer 或 owner · Give a state, an answer or an owner", pointer="")
    command = verb.ChangeComplaint(principal, complaint_id, change.state, change.answer, change.owner, assigned)
    row = await service.writer.write(verb.change_complaints, command)
    await noted(request, principal, at_complaints([row]))
    return _told(row)


@router.get(
    "/{complaint_id}/photos/{number}",
    summary="A photo of a complaint, as an attachment",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}},
)
def get_photo(
    complaint_id: UUID,
    number: Annotated[int, Path(ge=1, le=PHOTOS)],
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
) -> Response:
    with reading(service.engine) as snapshot:
        found = verb.find_complaint(snapshot, principal, complaint_id)
    photos = found["photos"]
    if number > len(photos):
        raise NotFound("not-found", "没有这张照片 · There is no such photo")
    note(request, principal, [Look("complaint", str(complaint_id), (f"photo {number}",), found["region"])])
    return Response(
        service.files.get(bytes.fromhex(photos[number - 1]["hash"])),
        media_type="image/jpeg",
        headers={
            "Content-Disposition": f'attachment; filename="{complaint_id}-{number}.jpg"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
        },
    )
