"""Who has looked at personal data, for the auditor."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from app.domain.rights import Role
from app.web.desk.asking import Api
from app.web.desk.queues import read_times
from app.web.desk.rendering import page
from app.web.desk.tracing import window
from app.web.desk.visits import Visit, only

router = APIRouter()

PAGE = 100
KINDS = ("party", "complaint", "gap", "supplier", "event", "document", "recall", "audit")
READERS = (Role.AUDITOR, Role.ADMIN)
Text = Annotated[str | None, Query(max_length=100)]


@router.get("/audit")
async def audit(
    request: Request,
    visit: Annotated[Visit, Depends(only(*READERS))],
    role: Text = None,
    kind: Text = None,
    subject: Text = None,
    reader: Text = None,
    since: Text = None,
    until: Text = None,
    cursor: Text = None,
) -> Response:
    days = window(since, until)
    listed = await Api(request, visit).get(
        "/audit", role=role, kind=kind, subject=subject, reader=reader, since=days.get("from"), until=days.get("to"),
        limit=PAGE, cursor=cursor,
    )  # fmt: skip
    return page(
        request, "desk_audit.html", visit, here="audit", items=read_times(listed["items"]), next=listed["next"],
        role=role, kind=kind, subject=subject or "", since=since or "", until=until or "", kinds=KINDS,
        roles=list(map(str, Role)),
    )  # fmt: skip
