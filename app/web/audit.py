"""/api/v1/audit: who has looked at personal data, for the auditor."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field

from app.domain.rights import Role
from app.enrolling.looks import Look, find_looks
from app.store.engine import reading
from app.web.auth import PrincipalDep
from app.web.lists import Page, PagingDep, answer
from app.web.looking import note
from app.web.schemas import Moment, Told
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])


class LookTold(Told):
    """One look: who saw which fields of what, when, and by which request."""

    id: UUID
    record_time: datetime
    reader_id: UUID = Field(description="of the key or person")
    person: str | None = Field(description="login name; null for a key")
    role: str
    party_id: UUID | None
    region: str | None = Field(description="the reader's")
    subject_kind: str = Field(description="party | complaint | gap | supplier | event | document | audit | …")
    subject_id: str
    subject_region: str | None
    fields: list[str]
    request: str
    request_id: str | None


@router.get("", summary="Who has looked at personal data, the latest first")
def list_looks(
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    paging: PagingDep,
    reader: Annotated[UUID | None, Query(description="looks of this key or person")] = None,
    subject: Annotated[str | None, Query(max_length=80, description="looks at this id or code")] = None,
    kind: Annotated[str | None, Query(pattern="^[a-z_]{1,30}$")] = None,
    role: Role | None = None,
    since: Annotated[Moment | None, Query(description="inclusive")] = None,
    until: Annotated[Moment | None, Query(description="exclusive")] = None,
) -> Page[LookTold]:
    """Looks by readers of the auditor's region, and at what lies in it. Who reads this log stands in it, too."""
    with reading(service.engine) as snapshot:
        rows = find_looks(
            snapshot, principal, reader_id=reader, subject_id=subject, kind=kind, role=role, since=since, until=until,
            after=paging.after, limit=paging.limit + 1,
        )  # fmt: skip
    note(request, principal, [Look("audit", principal.region or "-", ("looks",), principal.region)])
    return answer(rows, paging, LookTold)
