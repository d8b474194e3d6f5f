"""Findings: what the books cannot mean, with what shows it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from app.domain.findings import KINDS
from app.web.desk.asking import Api, named
from app.web.desk.queues import WORKERS, read_times
from app.web.desk.rendering import page
from app.web.desk.tracing import window
from app.web.desk.visits import Visit, only

router = APIRouter()

PAGE = 50
Text = Annotated[str | None, Query(max_length=400)]


@router.get("/findings")
async def findings(
    request: Request,
    visit: Annotated[Visit, Depends(only(*WORKERS))],
    kind: Text = None,
    since: Text = None,
    until: Text = None,
    cursor: Text = None,
) -> Response:
    listed = await Api(request, visit).get(
        "/findings", kind=kind, limit=PAGE, cursor=cursor,
        **{f"{name}_": value for name, value in window(since, until).items()},
    )  # fmt: skip
    return page(
        request, "desk_findings.html", visit, here="findings", items=read_times(listed["items"]), next=listed["next"],
        names=await named(request, listed["items"]), kind=kind, kinds=KINDS, since=since or "", until=until or "",
    )  # fmt: skip
