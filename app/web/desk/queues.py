"""The queues: alerts and complaints, to take up, answer and close."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from app.domain.alerts import ALERTS, STATES, Severity
from app.domain.complaints import STATES as COMPLAINT_STATES
from app.domain.rights import Role
from app.web.desk.asking import Api, named
from app.web.desk.rendering import page
from app.web.desk.visits import Visit, back, fields_of, only

router = APIRouter()

PAGE = 50
WORKERS = (Role.REGULATOR, Role.MARKET, Role.ADMIN)
Worker = Annotated[Visit, Depends(only(*WORKERS))]
Text = Annotated[str | None, Query(max_length=100)]


@router.get("/alerts")
async def alerts(
    request: Request,
    visit: Worker,
    state: Text = None,
    severity: Text = None,
    slug: Text = None,
    mine: Text = None,
    cursor: Text = None,
) -> Response:
    api = Api(request, visit)
    owner = str(visit.person.id) if mine else None
    asked = {"severity": severity, "slug": slug, "owner": owner}
    counts = await api.get("/alerts/counts", **asked)
    listed = await api.get("/alerts", state=state, limit=PAGE, cursor=cursor, **asked)
    return page(
        request, "desk_alerts.html", visit, here="alerts", items=read_times(listed["items"]), next=listed["next"],
        counts=counts, names=await named(request, listed["items"]), state=state, severity=severity, slug=slug,
        mine=mine, states=STATES, severities=list(map(str, Severity)), slugs=list(ALERTS), me=str(visit.person.id),
    )  # fmt: skip


def read_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with times as times."""
    return [
        {
            name: _time(value) if name.endswith(("_time", "_at", "_due", "time", "_login")) else value
            for name, value in row.items()
        }
        for row in rows
    ]


def _time(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


@router.get("/alerts/{alert_id}")
async def alert(alert_id: UUID, request: Request, visit: Worker) -> Response:
    api = Api(request, visit)
    found, colleagues = await api.get(f"/alerts/{alert_id}"), await api.get("/colleagues")
    [shown] = read_times([found])
    return page(
        request, "desk_alert.html", visit, here="alerts", alert=shown, history=read_times(found["history"]),
        names=await named(request, [found]), states=STATES, me=str(visit.person.id), colleagues=colleagues,
        people={one["id"]: one["name"] for one in colleagues},
    )  # fmt: skip


@router.post("/alerts/{alert_id}")
async def change_alert(alert_id: UUID, request: Request, visit: Worker) -> Response:
    fields = await fields_of(request, visit.token)
    change = {name: fields[name] for name in ("state", "note") if fields.get(name)} | _given(fields)
    await Api(request, visit).send("PATCH", f"/alerts/{alert_id}", change)
    return back(f"/desk/alerts/{alert_id}", "kept")


def _given(fields: dict[str, str]) -> dict[str, Any]:
    """Whose it is to be, where the form says another than it was: an empty field says nobody."""
    owner = fields.get("owner")
    return {} if owner is None or owner == fields.get("owned", "") else {"owner": owner or None}


@router.get("/complaints")
async def complaints(
    request: Request, visit: Worker, state: Text = "open", mine: Text = None, cursor: Text = None
) -> Response:
    listed = await Api(request, visit).get(
        "/reports",
        state=state,
        limit=PAGE,
        cursor=cursor,
        owner=str(visit.person.id) if mine else None,
        personal=False,
    )
    return page(
        request, "desk_complaints.html", visit, here="complaints", items=read_times(listed["items"]),
        next=listed["next"], state=state, mine=mine, states=COMPLAINT_STATES,
    )  # fmt: skip


@router.get("/complaints/{complaint_id}")
async def complaint(complaint_id: UUID, request: Request, visit: Worker) -> Response:
    api = Api(request, visit)
    found, colleagues = await api.get(f"/reports/{complaint_id}"), await api.get("/colleagues")
    [shown] = read_times([found])
    return page(
        request, "desk_complaint.html", visit, here="complaints", complaint=shown,
        history=read_times(found["history"]), way=found["way"], states=COMPLAINT_STATES,
        me=str(visit.person.id), colleagues=colleagues, people={one["id"]: one["name"] for one in colleagues},
    )  # fmt: skip


@router.post("/complaints/{complaint_id}")
async def change_complaint(complaint_id: UUID, request: Request, visit: Worker) -> Response:
    fields = await fields_of(request, visit.token)
    change = {name: fields[name] for name in ("state", "answer") if fields.get(name)} | _given(fields)
    await Api(request, visit).send("PATCH", f"/reports/{complaint_id}", change)
    return back(f"/desk/complaints/{complaint_id}", "kept")
