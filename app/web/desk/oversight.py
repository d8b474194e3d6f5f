"""Coverage and statistics: numbers that open into their rows."""

from datetime import datetime, timedelta
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from app.tracing.coverage import By, Measure
from app.tracing.statistics import AdmissionsBy, TestsBy
from app.web.desk import charts
from app.web.desk.asking import Api, named
from app.web.desk.queues import WORKERS, read_times
from app.web.desk.rendering import page
from app.web.desk.tracing import window
from app.web.desk.visits import Visit, only
from app.web.i18n import Words
from app.web.pages import HOME as CHINA

router = APIRouter()

DAYS = 14  # in the chart of tests
DRAWN = 10  # groups in a chart; the table has all
PAGE = 100
KEPT = 300  # seconds that a browser keeps a chart
WEEK = 7  # days that are looked at where nobody says
MEASURES = get_args(Measure)
# How the groups of an answer are called, where the catalogue has words for them.
_FAMILIES = {"category": "category", "reason": "admission"}
Worker = Annotated[Visit, Depends(only(*WORKERS))]
Text = Annotated[str | None, Query(max_length=1000)]


def spans(since: str | None, until: str | None) -> dict[str, str]:
    """A window of days as the API's parameters."""
    return {f"{name}_": value for name, value in window(since, until).items()}


def label(words: Words, by: str, key: str, name: str | None) -> str:
    """A group in words."""
    return words.word(_FAMILIES[by], key) if by in _FAMILIES else name or key


@router.get("/coverage")
async def coverage(
    request: Request, visit: Worker, by: By = "category", since: Text = None, until: Text = None
) -> Response:
    words = Words(visit.language)
    if not since and not until:
        since = (datetime.now(CHINA) - timedelta(days=WEEK - 1)).date().isoformat()
    found = await Api(request, visit).get("/coverage", by=by, **spans(since, until))
    groups = [{**group, "label": label(words, by, group["key"], group["name"])} for group in found["groups"]]
    drawn = groups[:DRAWN]
    [times] = read_times([{"from_time": found["from"], "to_time": found["to"]}])
    series = {words.t(f"measure.{name}"): [percent(group[name]) for group in drawn] for name in MEASURES}
    picture = charts.bars([group["label"] for group in drawn], series, "calm", stacked=False, percent=True)
    return page(
        request, "desk_coverage.html", visit, here="coverage", by=by, groupings=get_args(By), groups=groups,
        total=found["total"], measures=MEASURES, percent=percent, since=since or "", until=until or "", times=times,
        series=series,
        picture=charts.data(picture) if drawn else None,
    )  # fmt: skip


@router.get("/coverage.svg")
async def coverage_chart(request: Request, visit: Worker, measures: Text = None, since: Text = None) -> Response:
    """The chart alone, for a page that does not wait for it: a city's days take seconds to be read."""
    words = Words(visit.language)
    names = [name for name in MEASURES if not measures or name in measures.split(",")]
    found = await Api(request, visit).get("/coverage", by="category", **spans(since, None))
    groups = found["groups"][:DRAWN]
    labels = [label(words, "category", group["key"], group["name"]) for group in groups]
    series = {words.t(f"measure.{name}"): [percent(group[name]) for group in groups] for name in names}
    headers = {
        "Cache-Control": f"private, max-age={KEPT}",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "Vary": "Accept-Language, Cookie",
    }
    drawn = charts.bars(labels, series, "calm", stacked=False, percent=True)
    return Response(drawn, headers=headers, media_type="image/svg+xml")


def percent(share: dict[str, Any]) -> float | None:
    """Of a share, in whole per cent; nothing of nothing. What is not whole is never shown as a hundred."""
    if share["share"] is None:
        return None
    return 99 if 0.99 < share["share"] < 1 else round(100 * share["share"])


@router.get("/coverage/rows")
async def rows(
    request: Request,
    visit: Worker,
    measure: Measure,
    by: By = "category",
    key: Text = None,
    covered: bool = False,
    since: Text = None,
    until: Text = None,
    cursor: Text = None,
) -> Response:
    listed = await Api(request, visit).get(
        "/coverage/rows", measure=measure, by=by, key=key, covered=str(covered).lower(), limit=PAGE, cursor=cursor,
        **spans(since, until),
    )  # fmt: skip
    return page(
        request, "desk_coverage_rows.html", visit, here="coverage", items=read_times(listed["items"]),
        next=listed["next"], names=await named(request, listed["items"]), measure=measure, covered=covered,
    )  # fmt: skip


@router.get("/tests")
async def statistics(
    request: Request,
    visit: Worker,
    by: TestsBy = "item",
    gate: AdmissionsBy = "reason",
    since: Text = None,
    until: Text = None,
) -> Response:
    words, api, days = Words(visit.language), Api(request, visit), spans(since, until)
    tests = await api.get("/statistics/tests", by=by, **days)
    daily = tests if by == "day" else await api.get("/statistics/tests", by="day", **days)
    admissions = await api.get("/statistics/admissions", by=gate, **days)
    known = {group["key"]: group for group in daily["groups"]}
    listed = _days(daily["to"])
    fails = [known[day]["fails"] if day in known else 0 for day in listed]
    tested = [known[day]["tests"] if day in known else 0 for day in listed]
    series = {
        words.t("desk.tests.fails"): fails,
        words.t("desk.tests.passes"): [number - bad for number, bad in zip(tested, fails, strict=True)],
    }
    labels = [f"{int(day[5:7])}/{int(day[8:])}" for day in listed]
    return page(
        request, "desk_tests.html", visit, here="tests", by=by, gate=gate, test_groupings=get_args(TestsBy),
        gate_groupings=get_args(AdmissionsBy), tests=tests, admissions=admissions, since=since or "",
        until=until or "", label=lambda of, group: label(words, of, group["key"], group["name"]), labels=labels,
        series=series, picture=charts.data(charts.bars(labels, series, "alarm")),
    )  # fmt: skip


def _days(until: str) -> list[str]:
    """The last DAYS before this time, in China."""
    last = (datetime.fromisoformat(until) - timedelta(microseconds=1)).astimezone(CHINA).date()
    return [(last - timedelta(days=n)).isoformat() for n in reversed(range(DAYS))]
