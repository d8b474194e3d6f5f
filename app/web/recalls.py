"""/api/v1/recalls: 召回, tried out, started, widened and narrowed, closed."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from app import recalling
from app.domain.recalls import Recall, State
from app.domain.rights import Principal
from app.enrolling.looks import Look
from app.recalling import ChangeRecall, NewRecall
from app.store.engine import reading
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.lists import Page, PagingDep, answer
from app.web.looking import note
from app.web.recalls_forms import CloseForm, RecallChange, RecallForm, RecallTold, StartForm
from app.web.schemas import given
from app.web.service import Service, ServiceDep

router = APIRouter(prefix="/api/v1/recalls", tags=["recalls"], route_class=JsonRoute)


@router.post(
    "", status_code=201, summary="Try out or start a recall (召回)", responses={200: {"description": "The same again"}}
)
async def create_recall(
    form: RecallForm, response: Response, service: ServiceDep, principal: PrincipalDep
) -> RecallTold:
    """`mock` says whom it would concern and how long finding that took, and shows nothing to anybody. `live` holds all
    of it at once: pages, scales and boards say so within a second."""
    command = await run_in_threadpool(_drafted, service, principal, form)
    made = await service.writer.write(recalling.create_recalls, command, principal.recorder_id)
    recall = made.recall
    if made.created:
        recall = await _kept(service, recall)
    else:
        response.status_code = 200
    response.headers["Location"] = f"{router.prefix}/{recall.id}"
    return await run_in_threadpool(_told, service, principal, recall)


@router.get("", summary="Recalls that this key sees, the latest first")
def list_recalls(
    service: ServiceDep,
    principal: PrincipalDep,
    paging: PagingDep,
    state: State | None = None,
    number: Annotated[str | None, Query(max_length=40)] = None,
) -> Page[RecallTold]:
    """An office's own and those that reach into its region; for others those that concern their goods."""
    now = datetime.now(UTC)
    with reading(service.engine) as snapshot:
        rows = recalling.find_recalls(
            snapshot, principal, state=state, number=number, after=paging.after, limit=paging.limit + 1
        )
        told = [RecallTold.model_validate(recalling.told(snapshot, principal, row, now)) for row in rows]
    return answer(told, paging, RecallTold)


@router.get("/{recall_id}", summary="A recall with its progress")
def get_recall(recall_id: UUID, request: Request, service: ServiceDep, principal: PrincipalDep) -> RecallTold:
    """An office learns here, and from the report, who is responsible; that it looked is in the log of looks."""
    with reading(service.engine) as snapshot:
        recall = recalling.find_recall(snapshot, principal, recall_id)
        told = recalling.told(snapshot, principal, recall, datetime.now(UTC), persons=True)
    if told["persons"]:
        note(request, principal, [Look("recall", str(recall.id), ("persons",), recall.region)])
    return RecallTold.model_validate(told)


@router.patch("/{recall_id}", summary="Widen, narrow or reword a recall; every version stays in its history")
async def change_recall(
    recall_id: UUID, change: RecallChange, service: ServiceDep, principal: PrincipalDep
) -> RecallTold:
    command = await run_in_threadpool(_changed, service, principal, recall_id, change)
    return await _change(service, principal, command)


@router.post("/{recall_id}/start", summary="Make a mock recall live")
async def start_recall(recall_id: UUID, form: StartForm, service: ServiceDep, principal: PrincipalDep) -> RecallTold:
    await run_in_threadpool(_seen, service, principal, recall_id)
    return await _change(service, principal, ChangeRecall(principal, recall_id, "start", form.why))


@router.post("/{recall_id}/close", summary="Close a recall with its conclusion")
async def close_recall(recall_id: UUID, form: CloseForm, service: ServiceDep, principal: PrincipalDep) -> RecallTold:
    await run_in_threadpool(_seen, service, principal, recall_id)
    command = ChangeRecall(principal, recall_id, "close", form.conclusion, outcome=form.outcome)
    return await _change(service, principal, command)


# --- in threads ---


def _drafted(service: Service, principal: Principal, form: RecallForm) -> NewRecall:
    with reading(service.engine) as snapshot:
        scope, subjects = recalling.draft(snapshot, principal, form.scope.scope(), service.master)
        advice = form.advice.model_dump() if form.advice else recalling.advice_for(snapshot, subjects)
    fields: dict[str, Any] = {
        "grade": form.grade,
        "title": form.title,
        "reason": form.reason,
        "hazard": form.hazard,
        "advice": advice,
        "persons": [person.model_dump(mode="json") for person in form.persons],
        "known_at": form.known_at or datetime.now(UTC),
    }
    return NewRecall(principal, form.ref, form.model_dump(mode="json"), form.mode, fields, scope, subjects)


def _changed(service: Service, principal: Principal, recall_id: UUID, change: RecallChange) -> ChangeRecall:
    scope = subjects = None
    with reading(service.engine) as snapshot:
        recalling.may_change(principal, recalling.find_recall(snapshot, principal, recall_id))
        if change.scope is not None:
            scope, subjects = recalling.draft(snapshot, principal, change.scope.scope(), service.master)
    fields = {name: value for name, value in given(change).items() if value is not None}
    for name in ("why", "version", "scope"):
        fields.pop(name, None)
    return ChangeRecall(
        principal, recall_id, "change", change.why, change.version, fields, scope=scope, subjects=subjects
    )


def _seen(service: Service, principal: Principal, recall_id: UUID) -> None:
    """Raises NotFound for what the principal may not know of, Forbidden for what it may not change."""
    with reading(service.engine) as snapshot:
        recalling.may_change(principal, recalling.find_recall(snapshot, principal, recall_id))


async def _change(service: Service, principal: Principal, command: ChangeRecall) -> RecallTold:
    recall = await service.writer.write(recalling.change_recalls, command, principal.recorder_id)
    if recall.state != "closed":
        recall = await _kept(service, recall)
    return await run_in_threadpool(_told, service, principal, recall)


async def _kept(service: Service, recall: Recall) -> Recall:
    """With whom it concerns, found and written."""
    found = await run_in_threadpool(_resolved, service, recall)
    return await service.writer.write(recalling.keep_recalls, found, recall.recorder_id)


def _resolved(service: Service, recall: Recall) -> recalling.Keep:
    with reading(service.engine) as snapshot:
        return recalling.resolve(snapshot, recall, datetime.now(UTC))


def _told(service: Service, principal: Principal, recall: Recall) -> RecallTold:
    with reading(service.engine) as snapshot:
        return RecallTold.model_validate(recalling.told(snapshot, principal, recall, datetime.now(UTC)))
