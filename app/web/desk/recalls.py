"""Recalls: tried out first, then live, widened and narrowed, closed."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.domain.recalls import NOTICE_STATES, STATES
from app.domain.rights import Role
from app.web.desk import scopes
from app.web.desk.asking import Api
from app.web.desk.queues import WORKERS, read_times
from app.web.desk.rendering import page
from app.web.desk.tracing import window
from app.web.desk.visits import Visit, back, fields_of, only
from app.web.pages import HOME as CHINA
from app.web.service import ServiceDep

router = APIRouter()

PAGE = 50
NOTICES = 200
OFFICES = (Role.REGULATOR, Role.ADMIN)
Text = Annotated[str | None, Query(max_length=100)]
Worker = Annotated[Visit, Depends(only(*WORKERS))]
Officer = Annotated[Visit, Depends(only(*OFFICES))]


@router.get("/recalls")
async def recalls(request: Request, visit: Worker, state: Text = None, cursor: Text = None) -> Response:
    listed = await Api(request, visit).get("/recalls", state=state, limit=PAGE, cursor=cursor)
    return page(
        request, "desk_recalls.html", visit, here="recalls", items=[_shown(row) for row in listed["items"]],
        next=listed["next"], state=state, states=STATES, office=visit.principal.role in OFFICES,
    )  # fmt: skip


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    [shown] = read_times([row])
    [shown["deadlines"]] = read_times([row["deadlines"]])
    return shown


@router.get("/recalls/new")
async def draft(request: Request, visit: Officer, code: Text = None) -> Response:
    return page(request, "desk_recall_new.html", visit, here="recalls", code=code or "", ref=str(uuid4()))


@router.post("/recalls/new")
async def try_out(request: Request, visit: Officer) -> Response:
    """A mock: whom it would concern, and how long finding that took."""
    fields = await fields_of(request, visit.token)
    api = Api(request, visit)
    person = {name: fields[name] for name in ("name", "position", "phone") if fields.get(name)}
    body = {
        "ref": fields.get("ref"),
        "mode": "mock",
        **{name: fields.get(name, "") for name in ("grade", "title", "reason", "hazard")},
        "persons": [person] if person.get("name") else [],
        "known_at": _moment(fields.get("known_at")),
        "scope": await _scope(api, fields, {}),
    }
    made = await api.send("POST", "/recalls", body)
    return back(f"/desk/recalls/{made['id']}", "tried")


def _moment(given: str | None) -> str | None:
    """What a field of date and time holds, by China's clock."""
    try:
        return datetime.fromisoformat(given or "").replace(tzinfo=CHINA).isoformat()
    except ValueError:
        return None


async def _scope(api: Api, fields: dict[str, str], kept: dict[str, Any]) -> dict[str, Any]:
    """What stays of a scope, with the codes, the place in a window of time and the exclusion that a form adds."""
    scope: dict[str, Any] = {
        "lots": kept.get("lots", []),
        "custodies": kept.get("custodies", []),
        "sites": kept.get("sites", []),
        "exclusions": kept.get("exclusions", []),
        "codes": [*kept.get("codes", []), *fields.get("codes", "").split()],
    }
    if fields.get("place"):
        named = await api.get(f"/codes/{_code(fields['place'])}")
        days = window(fields.get("since"), fields.get("until"))
        category = [fields["category"]] if fields.get("category") else []
        scope["sites"] = [
            *scope["sites"],
            {
                "site_id": named["subject_id"], "since": days.get("from"), "until": days.get("to"),
                "categories": category,
            },
        ]  # fmt: skip
    if fields.get("spared"):
        named = await api.get(f"/codes/{_code(fields['spared'])}")
        field = "site_id" if named["kind"] == "site" else "custody_id"
        scope["exclusions"] = [
            *scope["exclusions"], {field: named["subject_id"], "reason": fields.get("spared_why", "")}
        ]  # fmt: skip
    return scope


def _code(typed: str) -> str:
    return typed.strip().rstrip("/").rsplit("/", 1)[-1]


@router.get("/recalls/{recall_id}")
async def recall(
    recall_id: UUID, request: Request, service: ServiceDep, visit: Worker, notices: Text = None
) -> Response:
    api = Api(request, visit)
    found = await api.get(f"/recalls/{recall_id}")
    listed: dict[str, Any] = {"items": [], "next": None}
    if found["state"] != "mock":
        listed = await api.get(f"/recalls/{recall_id}/notices", state=notices, limit=NOTICES)
    own = found["scope"] is not None and visit.principal.role in OFFICES
    return page(
        request, "desk_recall.html", visit, here="recalls", recall=_shown(found),
        items=await run_in_threadpool(scopes.items, service, found["scope"]) if found["scope"] else [],
        notices=read_times(listed["items"]), more=listed["next"] is not None, filtered=notices,
        notice_states=NOTICE_STATES, history=read_times(found["history"] or []), own=own,
    )  # fmt: skip


@router.post("/recalls/{recall_id}/start")
async def start(recall_id: UUID, request: Request, visit: Officer) -> Response:
    fields = await fields_of(request, visit.token)
    await Api(request, visit).send("POST", f"/recalls/{recall_id}/start", {"why": fields.get("why") or None})
    return back(f"/desk/recalls/{recall_id}", "started")


@router.post("/recalls/{recall_id}/scope")
async def change(recall_id: UUID, request: Request, service: ServiceDep, visit: Officer) -> Response:
    """Wider by what is added, narrower by what is not ticked any more or is excluded."""
    fields = await fields_of(request, visit.token)
    api = Api(request, visit)
    scope = (await api.get(f"/recalls/{recall_id}"))["scope"] or {}
    kept = await run_in_threadpool(scopes.kept, service, scope, fields)
    body: dict[str, Any] = {"why": fields.get("why", ""), "scope": await _scope(api, fields, kept)}
    if fields.get("version", "").isdecimal():
        body["version"] = int(fields["version"])
    await api.send("PATCH", f"/recalls/{recall_id}", body)
    return back(f"/desk/recalls/{recall_id}", "changed")


@router.post("/recalls/{recall_id}/close")
async def close(recall_id: UUID, request: Request, visit: Officer) -> Response:
    fields = await fields_of(request, visit.token)
    body = {"outcome": fields.get("outcome", ""), "conclusion": fields.get("conclusion", "")}
    await Api(request, visit).send("POST", f"/recalls/{recall_id}/close", body)
    return back(f"/desk/recalls/{recall_id}", "ended")
