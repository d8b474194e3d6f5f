"""/epcis/queries/{query}/subscriptions: who is told of what a named query finds, by a POST to an address of its own."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Body, Depends, Header, Request, Response
from starlette.concurrency import run_in_threadpool

from app.domain.epcis.exceptions import (
    NoSuchNameException,
    NoSuchResourceException,
    SubscriptionControlsException,
    ValidationException,
)
from app.domain.epcis.standing import Subscription
from app.domain.rights import Principal
from app.exchanging.subscribing import (
    ChangeSubscription,
    Subscribe,
    change_subscriptions,
    find_subscription,
    form_of,
    least_record_times,
    list_subscriptions,
    read_trigger,
    subscribe,
)
from app.web.auth import PrincipalDep, principal
from app.web.bodies import require_json
from app.web.epcis import ground
from app.web.epcis.controls import read_flag, read_form, read_time
from app.web.epcis.queries import json_answer, path_of
from app.web.schemas import Given
from app.web.service import Service, ServiceDep

router = ground.router()

_FIELDS = frozenset({
    "dest", "signatureToken", "secret", "stream", "schedule", "reportIfEmpty", "initialRecordTime", "epcFormat",
    "cbvXmlFormat", "mediaType",
})  # fmt: skip
_LONGEST = 500  # characters of an address

Form = Annotated[
    dict[str, Any],
    Body(
        description="`dest`: a URL on a host that the operator has listed; `signatureToken`: what deliveries are "
        "signed with; `stream`: true, or `schedule`, whose times are UTC or of its `timeZone`; `initialRecordTime`, "
        "`reportIfEmpty`, `epcFormat`, `cbvXmlFormat`; `mediaType`: application/xml for XML (else what `Accept` "
        "says), of EPCIS 1.2 where `GS1-EPCIS-Max` is 1.2",
        examples=[
            {
                "dest": "https://erp.example.cn/epcis",
                "signatureToken": "13df38d8275b13f05704629e5f1cf3d4",
                "stream": True,
            }
        ],
    ),
]
EpcFormatHeader = Annotated[str | None, Header(alias="GS1-EPC-Format")]
CbvFormatHeader = Annotated[str | None, Header(alias="GS1-CBV-XML-Format")]


class StatusForm(Given):
    """A paused subscription keeps its place: active again, it goes on from there."""

    status: Literal["active", "paused"]


def told(query: str, row: Subscription, least: datetime) -> dict[str, Any]:
    """As the standard has it, without the token; and how it fares. `least`: minRecordTime."""
    form = form_of(row)
    xml = form.media_type.endswith("/xml")
    listed = {
        "subscriptionID": str(row.id),
        "queryName": query,
        "dest": row.dest,
        "createdAt": row.record_time,
        "lastNotifiedAt": row.told_at,
        "initialRecordTime": row.since,
        "minRecordTime": least,
        "reportIfEmpty": row.report_if_empty if row.schedule is not None else None,
        "schedule": row.schedule,
        "stream": True if row.schedule is None else None,
        "epcFormat": form.epcs,
        "mediaType": form.media_type,
        "cbvXmlFormat": form.words if xml else None,
        "onecode:xmlVersion": form.version if xml else None,
        "onecode:status": row.status,
        "onecode:statusReason": row.reason,
        "onecode:failures": row.failures,
    }
    return {key: value for key, value in listed.items() if value is not None}


@router.get("/queries/{query}/subscriptions", summary="The subscriptions to a query", response_class=Response)
def get_subscriptions(query: str, service: ServiceDep, principal: PrincipalDep) -> Response:
    """In the order in which they were made; an owner has few, and all are here."""
    rows = list_subscriptions(service.engine, principal, query)
    least = least_record_times(service.engine, rows)
    return json_answer([told(query, row, least[row.id]) for row in rows])


@router.post(
    "/queries/{query}/subscriptions",
    status_code=201,
    summary="Be told of what a query finds",
    response_class=Response,
    dependencies=[Depends(principal), Depends(require_json)],
)
async def post_subscription(
    query: str,
    body: Form,
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    epc_format: EpcFormatHeader = None,
    cbv_format: CbvFormatHeader = None,
) -> Response:
    """Told of every event once and in order, from now on or from `initialRecordTime`: at once (`stream`), or by a
    schedule, in UTC or its `timeZone`."""
    unknown = next((key for key in body if key not in _FIELDS), None)
    if unknown is not None:
        raise ValidationException(
            f"不认识的字段，可用 {'、'.join(sorted(_FIELDS))} · Not a field of a subscription: these are "
            f"{', '.join(sorted(_FIELDS))}",
            pointer=f"/{unknown[:40]}",
        )
    since = read_time("initialRecordTime", body.get("initialRecordTime"))
    empty = read_flag("reportIfEmpty", body.get("reportIfEmpty"))
    # The standard's interface requires the one, and describes the other.
    token = _text(body, "signatureToken", 256) or _text(body, "secret", 256)
    command = Subscribe(
        principal, query, _text(body, "dest", _LONGEST) or "", token,
        read_trigger(body.get("stream"), body.get("schedule"), since, empty), service.reach, service.master,
        read_form(body, request),
    )  # fmt: skip
    row = await service.writer.write(subscribe, command)
    least = row.since or row.record_time
    return json_answer(told(query, row, least), 201, {"Location": f"{path_of(query)}/subscriptions/{row.id}"})


def _text(body: dict[str, Any], field: str, most: int) -> str | None:
    value = body.get(field)
    if value is not None and (not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable()):
        raise SubscriptionControlsException(
            f"{field} 须为 1 至 {most} 个可见字符 · `{field}` is a text of 1 to {most} visible characters",
            pointer=f"/{field}",
        )
    return value


@router.get(
    "/queries/{query}/subscriptions/{subscription_id}",
    summary="A subscription, and how it fares",
    response_class=Response,
)
def get_subscription(query: str, subscription_id: UUID, service: ServiceDep, principal: PrincipalDep) -> Response:
    row = find_subscription(service.engine, principal, query, subscription_id)
    return json_answer(told(query, row, _least(service, row)))


def _least(service: Service, row: Subscription) -> datetime:
    return least_record_times(service.engine, [row])[row.id]


@router.patch(
    "/queries/{query}/subscriptions/{subscription_id}",
    summary="Pause a subscription, or let it go on from where it was",
    response_class=Response,
)
async def patch_subscription(
    query: str, subscription_id: UUID, body: StatusForm, service: ServiceDep, principal: PrincipalDep
) -> Response:
    command = ChangeSubscription(principal, query, subscription_id, body.status)
    row = await service.writer.write(change_subscriptions, command)
    return json_answer(told(query, row, await run_in_threadpool(_least, service, row)))


@router.delete("/queries/{query}/subscriptions/{subscription_id}", status_code=204, summary="End a subscription")
async def delete_subscription(query: str, subscription_id: UUID, service: ServiceDep, principal: PrincipalDep) -> None:
    command = ChangeSubscription(principal, query, subscription_id, "deleted")
    await service.writer.write(change_subscriptions, command)


ground.discover(router, "/queries/{query}/subscriptions")


def _reached(request: Request, service: Service, principal: Principal) -> dict[str, str]:
    """How far one's own has been told; of what is none OPTIONS says the rest."""
    try:
        given = request.path_params
        row = find_subscription(service.engine, principal, given["query"], UUID(given["subscription_id"]))
    except (ValueError, NoSuchNameException, NoSuchResourceException):
        return {}
    return {"GS1-Query-Min-Record-Time": _least(service, row).isoformat()}


ground.discover(router, "/queries/{query}/subscriptions/{subscription_id}", abilities=_reached)
