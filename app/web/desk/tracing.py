"""The trace: from a code, lot, EPC, or a place in a window of time, drawn, listed and to download."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.web.desk.asking import API, Api
from app.web.desk.queues import read_times
from app.web.desk.rendering import page
from app.web.desk.visits import VisitDep
from app.web.pages import HOME as CHINA

router = APIRouter()

SHOWN = 200  # rows of each list; the spreadsheet has all
Text = Annotated[str | None, Query(max_length=1_000)]


@router.get("/trace")
async def trace(
    request: Request,
    visit: VisitDep,
    q: Text = None,
    direction: Annotated[str, Query(pattern="^(back|forward)$")] = "back",
    since: Text = None,
    until: Text = None,
    category: Text = None,
    time: Text = None,
) -> Response:
    """`q`: a code or its address, an EPC or Digital Link, or the id of a lot; with days those goods of a place (S) or
    party (P) that came then; with a `time` in China what was in a unit then."""
    asked: dict[str, str] = {}
    found: dict[str, Any] | None = None
    if q:
        asked = start_of(q) | window(since, until) | ({"category": category} if category else {})
        asked |= at(time)
        asked["direction"] = direction
        found = await Api(request, visit).get("/trace", limit=2_000, **{_own(k): v for k, v in asked.items()})
    query = urlencode(asked)
    return page(
        request, "desk_trace.html", visit, here="trace", q=q or "", direction=direction, since=since or "",
        until=until or "", category=category or "", time=time or "", found=found, shown=SHOWN,
        opened=_opened(found),
        events=read_times(found["events"][:SHOWN]) if found else [], parties=_parties(found),
        drawing=f"{API}/trace?{query}&format=svg&lang={'zh' if visit.language == 'zh' else 'en'}",
        downloads=[(kind, f"{API}/trace?{query}&format={kind}") for kind in ("xlsx", "csv", "ndjson")],
        fsma=f"{API}/exports/fsma204?{query}&format=xlsx",
    )  # fmt: skip


def _parties(found: dict[str, Any] | None) -> dict[str, list[dict[str, Any]]]:
    """Whom each event names."""
    named: dict[str, list[dict[str, Any]]] = {}
    for one in found["parties"] if found else ():
        named.setdefault(one["event_id"], []).append(one)
    return named


def _opened(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """What was in a unit, with times as times."""
    start = found and found["start"]
    opened: dict[str, Any] | None = start and start["opened"]
    if not opened:
        return None
    packings = [
        {name: datetime.fromisoformat(value) if name in ("since", "until") and value else value
         for name, value in one.items()}
        for one in opened["packings"][:SHOWN]
    ]  # fmt: skip
    return opened | {"packings": packings, "at": datetime.fromisoformat(opened["at"]) if opened["at"] else None}


def _own(name: str) -> str:
    return f"{name}_" if name == "from" else name


def start_of(typed: str) -> dict[str, str]:
    """What somebody typed, as the trace's query names it."""
    text = typed.strip()
    kind, _, key = text.partition(":")
    if kind in ("lot", "custody"):
        return {kind: key.strip()}
    try:
        return {"lot": str(UUID(text))}
    except ValueError:
        pass
    return {"code": text}


def at(time: str | None) -> dict[str, str]:
    """A moment in China, as a form gives it."""
    try:
        return {"time": datetime.fromisoformat(time or "").replace(tzinfo=CHINA).isoformat()}
    except ValueError:
        return {}


def window(since: str | None, until: str | None) -> dict[str, str]:
    """Days in China, the last one included."""
    found = {}
    for name, given, days in (("from", since, 0), ("to", until, 1)):
        try:
            day = date.fromisoformat(given or "")
        except ValueError:
            continue
        found[name] = (datetime(day.year, day.month, day.day, tzinfo=CHINA) + timedelta(days=days)).isoformat()
    return found
