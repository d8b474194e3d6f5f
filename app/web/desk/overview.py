"""The first page: what needs somebody tonight."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from app.domain.alerts import CLOSED, Severity
from app.domain.rights import Role
from app.web.desk import charts
from app.web.desk.asking import Api, named
from app.web.desk.queues import WORKERS, read_times
from app.web.desk.rendering import page
from app.web.desk.visits import VisitDep
from app.web.i18n import Words
from app.web.pages import HOME as CHINA

router = APIRouter()

DAYS = 14
MOST = 500
LATEST = 8
TOLD = ("batches_with_paper", "chains_complete")  # measures of coverage on the first page


@router.get("")
async def overview(request: Request, visit: VisitDep) -> Response:
    role = visit.principal.role
    if role not in WORKERS:
        to = "/desk/audit" if role is Role.AUDITOR else "/desk/trace"
        return RedirectResponse(to, 303, {"Cache-Control": "no-store"})
    api, words = Api(request, visit), Words(visit.language)
    today = datetime.now(UTC).astimezone(CHINA).date()
    since = datetime(today.year, today.month, today.day, tzinfo=CHINA) - timedelta(days=DAYS - 1)
    counts, silent, failed, recent, grave, complaints, recalls = await asyncio.gather(
        api.get("/alerts/counts"),
        api.get("/alerts/counts", slug="silent_device"),
        api.get("/alerts/counts", slug="failed_test"),
        api.get("/alerts", since=since.isoformat(), limit=MOST),
        api.get("/alerts", severity="grave", limit=50),
        api.get("/reports", state="open", limit=100, personal=False),
        api.get("/recalls", state="live", limit=100),
    )
    pressing = [row for row in grave["items"] if row["state"] not in CLOSED][:LATEST]
    days = [since.date() + timedelta(days=n) for n in range(DAYS)]
    per_day = Counter(
        (datetime.fromisoformat(row["record_time"]).astimezone(CHINA).date(), row["severity"])
        for row in recent["items"]
    )
    alerts = {
        words.word("severity", severity): [per_day[day, severity] for day in days] for severity in map(str, Severity)
    }
    return page(
        request,
        "desk_overview.html",
        visit,
        here="overview",
        grave=counts["open_grave"],
        complaints=len(complaints["items"]),
        more_complaints=complaints["next"] is not None,
        recalls=len(recalls["items"]),
        silent=_open(silent),
        failed=_open(failed),
        pressing=read_times(pressing),
        waiting=read_times(complaints["items"][:LATEST]),
        names=await named(request, pressing),
        days=[f"{day.month}/{day.day}" for day in days],
        alerts=alerts,
        drawn=charts.data(charts.bars([f"{day.month}/{day.day}" for day in days], alerts, "alarm")),
        coverage=f"/desk/coverage.svg?since={today - timedelta(days=1)}&measures={','.join(TOLD)}",
        names_of=[words.t(f"measure.{name}") for name in TOLD],
        today=words.day(today),
    )


def _open(counts: dict[str, Any]) -> int:
    return sum(number for state, number in counts["state"].items() if state not in CLOSED)
