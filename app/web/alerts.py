"""/api/v1/alerts: what somebody should look at."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from app.domain import codes
from app.domain.alerts import ALERTS, Alert, Severity
from app.recording import find_alerts
from app.web.auth import PrincipalDep
from app.web.lists import Page, PagingDep, answer
from app.web.schemas import Moment, Told
from app.web.service import Service, ServiceDep

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

_SLUG = f"^({'|'.join(ALERTS)})$"


class AlertTold(Told):
    """What happened and where to look: the event or receipt, the batch, the device, the stall and whose it was then."""

    id: UUID
    slug: str = Field(description=" | ".join(ALERTS))
    severity: Severity = Field(description="grave: people may be harmed; warning: the books are wrong; notice")
    detail: str
    site_id: UUID | None
    party_id: UUID | None
    device_id: UUID | None
    event_id: UUID | None
    receipt_code: str | None
    custody_id: UUID | None
    event_time: datetime
    record_time: datetime


def _told(service: Service, row: Alert) -> AlertTold:
    code = None
    if row.receipt_id is not None:
        name = codes.receipt_name(row.receipt_id)
        secret = codes.receipt_secret(service.master, name.device_number, name.epoch)
        code = codes.receipt_code(secret, row.receipt_id)
    fields = {name: getattr(row, name) for name in AlertTold.model_fields if name != "receipt_code"}
    return AlertTold(**fields, receipt_code=code)


@router.get("", summary="Alerts that this key reads, the latest first")
def list_alerts(
    service: ServiceDep,
    principal: PrincipalDep,
    paging: PagingDep,
    slug: Annotated[str | None, Query(pattern=_SLUG, description="only of this kind")] = None,
    site: Annotated[UUID | None, Query(description="at this site or below it")] = None,
    since: Annotated[Moment | None, Query(description="record_time, inclusive")] = None,
) -> Page[AlertTold]:
    rows = find_alerts(
        service.engine, principal, slug=slug, site_id=site, since=since, limit=paging.limit + 1, after=paging.after
    )
    return answer([_told(service, row) for row in rows], paging, AlertTold)
