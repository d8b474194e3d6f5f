"""/api/v1/webhooks: where a party, a regulator or the operator wants to be told."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from app import notifying
from app.domain.webhooks import EVENTS
from app.store.engine import reading
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.lists import Page, PagingDep, answer
from app.web.schemas import Given, Told, optional
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"], route_class=JsonRoute)

Event = Literal["recall"]
Events = Annotated[list[Event], Field(min_length=1, max_length=len(EVENTS), description=" | ".join(EVENTS))]


class WebhookForm(Given):
    """The host must be one that the operator has listed (ONECODE_WEBHOOK_HOSTS)."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=500)] = Field(
        examples=["https://erp.example.cn/onecode"]
    )
    events: Events


class WebhookChange(Given):
    """What waits for a paused webhook goes out when it is active again."""

    events: Events | None = optional()
    status: Literal["active", "paused"] | None = optional()


class WebhookTold(Told):
    """`secret` is there once, when it is made; deliveries are signed with it as Standard Webhooks says."""

    id: UUID
    owner_id: UUID = Field(description="the party, or the office of the regulator or the operator")
    url: str
    events: list[str]
    status: str = Field(description="active | paused")
    status_reason: str | None = Field(description="410: the receiver wants no more")
    failures: int = Field(description="tries in a row that did not reach it")
    record_time: datetime
    secret: str | None = None


class DeliveryTold(Told):
    """What was to be told, and how far it has come."""

    id: UUID = Field(description="the `webhook-id` of each try")
    topic: str
    subject: str = Field(description="what it tells of")
    state: str = Field(description="pending | sent | failed (will be tried again) | dead (given up)")
    attempts: int
    next_attempt: datetime | None
    last_status: int | None = Field(description="HTTP status of the last try")
    last_error: str | None
    record_time: datetime
    settled_at: datetime | None


def _told(service: ServiceDep, made: notifying.MadeWebhook, response: Response) -> WebhookTold:
    told = WebhookTold.model_validate(made.row)
    if not made.fresh:
        return told
    response.headers["Cache-Control"] = "no-store"
    return told.model_copy(update={"secret": notifying.secret(service.master, made.row)})


@router.post("", status_code=201, summary="Register a webhook; its secret is shown once; the same again answers 200")
async def register(form: WebhookForm, service: ServiceDep, principal: PrincipalDep, response: Response) -> WebhookTold:
    command = notifying.RegisterWebhook(principal, form.url, form.events, service.reach)
    made = await service.writer.write(notifying.register_webhooks, command)
    response.status_code = 201 if made.fresh else 200
    response.headers["Location"] = f"{router.prefix}/{made.row.id}"
    return _told(service, made, response)


@router.get("", summary="The webhooks of this key's owner")
def list_webhooks(service: ServiceDep, principal: PrincipalDep, paging: PagingDep) -> Page[WebhookTold]:
    rows = notifying.list_webhooks(service.engine, principal, paging.after, paging.limit + 1)
    return answer(rows, paging, WebhookTold)


@router.get("/{webhook_id}", summary="A webhook, without its secret")
def get_webhook(webhook_id: UUID, service: ServiceDep, principal: PrincipalDep) -> WebhookTold:
    with reading(service.engine) as snapshot:
        return WebhookTold.model_validate(notifying.find_webhook(snapshot, principal, webhook_id))


@router.patch("/{webhook_id}", summary="Pause a webhook, set it active again, or choose other events")
async def change(
    webhook_id: UUID, body: WebhookChange, service: ServiceDep, principal: PrincipalDep, response: Response
) -> WebhookTold:
    command = notifying.ChangeWebhook(principal, webhook_id, body.events, body.status)
    return _told(service, await service.writer.write(notifying.change_webhooks, command), response)


@router.delete("/{webhook_id}", status_code=204, summary="Delete a webhook; what waits for it is given up")
async def delete(webhook_id: UUID, service: ServiceDep, principal: PrincipalDep) -> None:
    await service.writer.write(
        notifying.change_webhooks, notifying.ChangeWebhook(principal, webhook_id, status="deleted")
    )


@router.post("/{webhook_id}/secret", summary="A new secret; for a day deliveries are signed with both")
async def rotate(webhook_id: UUID, service: ServiceDep, principal: PrincipalDep, response: Response) -> WebhookTold:
    command = notifying.ChangeWebhook(principal, webhook_id, rotate=True)
    return _told(service, await service.writer.write(notifying.change_webhooks, command), response)


@router.post("/{webhook_id}/test", status_code=202, summary="Send a word that means nothing; once a minute")
async def test(webhook_id: UUID, service: ServiceDep, principal: PrincipalDep) -> DeliveryTold:
    command = notifying.TestWebhook(principal, webhook_id)
    return DeliveryTold.model_validate(await service.writer.write(notifying.test_webhooks, command))


@router.get("/{webhook_id}/deliveries", summary="What was posted to a webhook in the last 90 days, and what came of it")
def list_deliveries(
    webhook_id: UUID, service: ServiceDep, principal: PrincipalDep, paging: PagingDep
) -> Page[DeliveryTold]:
    rows = notifying.list_deliveries(service.engine, principal, webhook_id, paging.after, paging.limit + 1)
    return answer(rows, paging, DeliveryTold)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/retry", status_code=202, summary="Send a delivery again, under its id"
)
async def retry(webhook_id: UUID, delivery_id: UUID, service: ServiceDep, principal: PrincipalDep) -> DeliveryTold:
    command = notifying.Retry(principal, webhook_id, delivery_id)
    return DeliveryTold.model_validate(await service.writer.write(notifying.retry_deliveries, command))
