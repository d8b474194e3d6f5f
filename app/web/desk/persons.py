"""Who may log in: enrolled, changed, locked and given new passwords by the operator."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.domain.rights import Role
from app.store import chain
from app.store.engine import reading
from app.web import service
from app.web.desk.asking import Api, named
from app.web.desk.queues import read_times
from app.web.desk.rendering import page
from app.web.desk.visits import Visit, back, fields_of, only

router = APIRouter()

PAGE = 50
HERE = "/desk/persons"
ROLES = [str(role) for role in Role if role is not Role.DEVICE]
Operator = Annotated[Visit, Depends(only(Role.ADMIN))]
Text = Annotated[str | None, Query(max_length=300)]


@router.get("/persons")
async def persons(request: Request, visit: Operator, cursor: Text = None) -> Response:
    listed = await Api(request, visit).get("/persons", limit=PAGE, cursor=cursor)
    return page(
        request, "desk_persons.html", visit, here="persons", items=read_times(listed["items"]), next=listed["next"],
        names=await named(request, listed["items"]), roles=ROLES,
    )  # fmt: skip


@router.post("/persons")
async def enrol(request: Request, visit: Operator) -> Response:
    """The page of the new person, with the password, which is told once."""
    fields = await fields_of(request, visit.token)
    body = {name: fields.get(name) for name in ("login", "name", "role")} | await _limits(request, fields)
    return await _page(request, visit, await Api(request, visit).send("POST", "/persons", body))


@router.get("/persons/{person_id}")
async def person(person_id: UUID, request: Request, visit: Operator) -> Response:
    return await _page(request, visit, await Api(request, visit).get(f"/persons/{person_id}"))


@router.post("/persons/{person_id}")
async def change(person_id: UUID, request: Request, visit: Operator) -> Response:
    """Name, role and limits together; or the status; or a new password; or one-time codes off."""
    fields = await fields_of(request, visit.token)
    if "role" in fields:
        body: dict[str, Any] = {name: fields.get(name) for name in ("name", "role")} | await _limits(request, fields)
    elif "status" in fields:
        body = {"status": fields["status"]}
    else:
        body = {name: True for name in ("new_password", "forget_codes") if fields.get(name)}
    changed = await Api(request, visit).send("PATCH", f"/persons/{person_id}", body)
    if changed["password"] is not None:
        return await _page(request, visit, changed)
    return back(f"{HERE}/{person_id}", "kept")


async def _page(request: Request, visit: Visit, found: dict[str, Any]) -> Response:
    [shown] = read_times([found])
    return page(
        request, "desk_person.html", visit, here="persons", person=shown, password=found["password"],
        names=await named(request, [found]), roles=ROLES, me=str(visit.person.id),
    )  # fmt: skip


async def _limits(request: Request, fields: dict[str, str]) -> dict[str, Any]:
    """Region, party and address: an empty field is none. A party is named by its id or its code."""
    party = fields.get("party") or None
    if party is not None:
        party = await run_in_threadpool(_party, request, party)
    return {"region": fields.get("region") or None, "party_id": party, "email": fields.get("email") or None}


def _party(request: Request, text: str) -> str:
    with reading(service.of(request).engine) as snapshot:
        found = chain.code_of(snapshot, "".join(text.split()).upper())
    return str(found[1]) if found is not None and found[0] == "P" else text
