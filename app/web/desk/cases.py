"""Case files: a chain, one step across the border, handed to the next region."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.web.desk.asking import API, Api
from app.web.desk.queues import read_times
from app.web.desk.recalls import Officer
from app.web.desk.rendering import page
from app.web.desk.tracing import start_of
from app.web.desk.visits import back, fields_of

router = APIRouter()

PAGE = 50
Text = Annotated[str | None, Query(max_length=300)]


@router.get("/cases")
async def cases(request: Request, visit: Officer, q: Text = None, cursor: Text = None) -> Response:
    listed = await Api(request, visit).get("/cases", limit=PAGE, cursor=cursor)
    return page(
        request, "desk_cases.html", visit, here="cases", items=read_times(listed["items"]), next=listed["next"],
        q=q or "", ref=str(uuid4()), files=f"{API}/cases",
    )  # fmt: skip


@router.post("/cases")
async def open_case(request: Request, visit: Officer) -> Response:
    fields = await fields_of(request, visit.token)
    [(kind, value)] = start_of(fields.get("start", "")).items()
    body = {
        "ref": fields.get("ref"),
        "starts": [{"kind": kind, "value": value}],
        "reason": fields.get("reason", ""),
        "to_region": fields.get("to_region", ""),
    }
    await Api(request, visit).send("POST", "/cases", body)
    return back("/desk/cases", "case")


@router.post("/cases/{case_id}/close")
async def close_case(case_id: UUID, request: Request, visit: Officer) -> Response:
    await fields_of(request, visit.token)
    await Api(request, visit).send("POST", f"/cases/{case_id}/close", None)
    return back("/desk/cases", "kept")
