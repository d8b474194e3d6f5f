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
from app.web.desk.oversight import DRAWN, percent
from app.web.desk.queues import WORKERS, read_times
from app.web.desk.rendering import page
from app.web.desk.visits import VisitDep
from app.web.i18n import Words
from app.web.pages import HOME as CHINA

router = APIRouter()

DAYS = 14
MOST = 500
LATEST = 8


@router.get("")
async def overview(request: Request, visit: VisitDep) -> Response:
    role = visit.principal.role
    if role not in WORKERS:
        to = "/desk/audit" if role is Role.AUDITOR else "/desk/trace"
        return RedirectResponse(to, 303, {"Cache-Control": "no-store"})
    api, words = Api(request, visit), Words(visit.language)
    today = datetime.now(UTC).astimezone(CHINA).date()
    since = datetime(today.year, today.month, today.day, tzinfo=CHINA) - timedelta(days=DAYS - 1)
    counts, silent, failed, recent, grave, complaints, recalls, coverage = await asyncio.gather(
        api.get("/alerts/counts"),
        api.get("/alerts/counts", slug="silent_device"),
        api.get("/alerts/counts", slug="failed_test"),
        api.get("/alerts", since=since.isoformat(), limit=MOST),
        api.get("/alerts", severity="grave", limit=50),
        api.get("/reports", state="open", limit=100, personal=False),
        api.get("/recalls", state="live", limit=100),
        api.get("/coverage", by="category"),
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
    groups = coverage["groups"][:DRAWN]
    labels = [words.word("category", group["key"]) for group in groups]
    shares = {
        words.t(f"measure.{name}"): [percent(group[name]) for group in groups]
        for name in ("batches_with_paper", "chains_complete")
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
        chains=percent(coverage["total"]["chains_complete"]),
        covered=charts.bars(labels, shares, "calm", stacked=False, percent=True) if labels else None,
        categories=labels,
        shares=shares,
        failed=_open(failed),
        pressing=read_times(pressing),
        waiting=read_times(complaints["items"][:LATEST]),
        names=await named(request, pressing),
        days=[f"{day.month}/{day.day}" for day in days],
        alerts=alerts,
        drawn=charts.bars([f"{day.month}/{day.day}" for day in days], alerts, "alarm"),
        today=words.day(today),
    )


def _open(counts: dict[str, Any]) -> int:
    return sum(number for state, number in counts["state"].items() if state not in CLOSED)
