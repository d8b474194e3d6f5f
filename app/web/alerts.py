"""/api/v1/alerts: what somebody should look at, and what becomes of it."""

from collections import Counter
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from app.domain import codes
from app.domain.alerts import ALERTS, CLOSED, STATES, Alert, Severity, State
from app.domain.errors import Invalid
from app.domain.rights import region_prefix
from app.recording import ChangeAlert, change_alerts, count_alerts, find_alert, find_alerts
from app.store.alerts import Asked
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.lists import Page, PagingDep, answer
from app.web.schemas import Given, Long, Moment, Told, optional
from app.web.service import Service, ServiceDep

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"], route_class=JsonRoute)

_SLUG = f"^({'|'.join(ALERTS)})$"


class AlertStep(Told):
    """`by`: the key or person that made the change."""

    time: datetime
    by: UUID
    state: State
    owner: UUID | None
    note: str | None


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
    state: State
    owner: UUID | None = Field(description="the key or person that works on it")
    changed_at: datetime | None
    history: list[AlertStep]


def _told(service: Service, row: Alert) -> AlertTold:
    code = None
    if row.receipt_id is not None:
        name = codes.receipt_name(row.receipt_id)
        secret = codes.receipt_secret(service.master, name.device_number, name.epoch)
        code = codes.receipt_code(secret, row.receipt_id)
    fields = {name: getattr(row, name) for name in AlertTold.model_fields if name != "receipt_code"}
    return AlertTold.model_validate({**fields, "receipt_code": code, "history": row.history or []})


class Counts(Told):
    """How many alerts there are of each state, severity and kind."""

    state: dict[str, int]
    severity: dict[str, int]
    slug: dict[str, int]
    open_grave: int = Field(description="grave and not yet resolved or dismissed")


class AlertChange(Given):
    """Whoever takes an alert up owns it; `owner` gives it to another key or person, null to nobody."""

    state: State | None = optional()
    owner: UUID | None = optional(description="a key or person that works on alerts")
    note: Long | None = optional()


def _asked(
    slug: Annotated[str | None, Query(pattern=_SLUG, description="only of this kind")] = None,
    severity: Severity | None = None,
    state: State | None = None,
    owner: Annotated[UUID | None, Query(description="a key or person")] = None,
    site: Annotated[UUID | None, Query(description="at this site or below it")] = None,
    region: Annotated[str | None, Query(pattern=r"^\d{2,6}$", description="GB/T 2260 prefix of the place")] = None,
    since: Annotated[Moment | None, Query(description="record_time, inclusive")] = None,
) -> Asked:
    prefix = region_prefix(region) if region is not None else None
    return Asked(None, slug, severity, state, owner, site, prefix, since)


AskedDep = Annotated[Asked, Depends(_asked)]


@router.get("", summary="Alerts that this key reads, the latest first")
def list_alerts(service: ServiceDep, principal: PrincipalDep, paging: PagingDep, asked: AskedDep) -> Page[AlertTold]:
    rows = find_alerts(service.engine, principal, asked, limit=paging.limit + 1, after=paging.after)
    return answer([_told(service, row) for row in rows], paging, AlertTold)


@router.get("/counts", summary="How many alerts there are, by state, severity and kind")
def count(service: ServiceDep, principal: PrincipalDep, asked: AskedDep) -> Counts:
    rows = count_alerts(service.engine, principal, asked)
    sums: tuple[Counter[str], Counter[str], Counter[str]] = (
        Counter(dict.fromkeys(STATES, 0)), Counter(dict.fromkeys(map(str, Severity), 0)), Counter(),
    )  # fmt: skip
    for *keys, number in rows:
        for counter, key in zip(sums, keys, strict=True):
            counter[str(key)] += number
    grave = sum(n for state, severity, _, n in rows if severity == Severity.GRAVE and state not in CLOSED)
    return Counts(state=sums[0], severity=sums[1], slug=sums[2], open_grave=grave)


@router.get("/{alert_id}", summary="An alert, with what was done about it")
def get_alert(alert_id: UUID, service: ServiceDep, principal: PrincipalDep) -> AlertTold:
    return _told(service, find_alert(service.engine, principal, alert_id))


@router.patch("/{alert_id}", summary="Take an alert up, give it to somebody, note something, close it")
async def change_alert(alert_id: UUID, change: AlertChange, service: ServiceDep, principal: PrincipalDep) -> AlertTold:
    given = change.model_fields_set
    if not given:
        raise Invalid("invalid", "请给出 state、owner 或 note · Give a state, an owner or a note", pointer="")
    command = ChangeAlert(principal, alert_id, change.state, change.owner, "owner" in given, change.note)
    return _told(service, await service.writer.write(change_alerts, command))
