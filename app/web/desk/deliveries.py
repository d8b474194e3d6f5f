"""Deliveries: what is under way to one's own sites, judged at the gate and received by a tap."""

from datetime import datetime
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from app.domain.rights import Role, records
from app.web.desk.asking import Api
from app.web.desk.queues import read_times
from app.web.desk.rendering import page
from app.web.desk.visits import Visit, back, fields_of, only
from app.web.pages import HOME as CHINA

router = APIRouter()

PAGE = 50
SHOWN = 20  # goods, papers and units of each; the API has all
RECEIVERS = (Role.MARKET, Role.VENDOR, Role.PRODUCER)
Receiver = Annotated[Visit, Depends(only(*RECEIVERS))]
Text = Annotated[str | None, Query(max_length=300)]


@router.get("/deliveries")
async def deliveries(request: Request, visit: Receiver, scan: Text = None, cursor: Text = None) -> Response:
    listed = await Api(request, visit).get("/deliveries", scan=scan, cursor=cursor, limit=PAGE)
    return page(
        request, "desk_deliveries.html", visit, here="deliveries", items=read_times(listed["items"]),
        next=listed["next"], scan=scan or "", refs=[uuid4().hex for _ in listed["items"]],
        gate="admit" in records(visit.principal), shown=SHOWN,
    )  # fmt: skip


@router.post("/deliveries/{slip_code}")
async def act(slip_code: str, request: Request, visit: Receiver) -> Response:
    """Receives all that is still to come off a slip, or judges it at the gate. A form sent twice is one act."""
    fields = await fields_of(request, visit.token)
    kind = "admit" if fields.get("act") == "admit" else "receive"
    outcome = await Api(request, visit).send(
        "POST",
        "/events",
        {
            "kind": kind,
            "event_time": datetime.now(CHINA).isoformat(),
            "ref": f"desk {kind} {fields.get('ref', '')}",
            "site_id": fields.get("site_id"),
            "slip_code": slip_code,
        },
    )
    return back("/desk/deliveries", outcome["decision"] or "received")
