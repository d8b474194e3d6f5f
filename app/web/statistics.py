"""GET /api/v1/statistics: entry refusals, tests and what was destroyed of what failed."""

from datetime import datetime
from urllib.parse import urlencode

from fastapi import APIRouter
from pydantic import Field

from app.store.engine import reading
from app.store.windows import Spot
from app.tracing import statistics as verb
from app.web.auth import PrincipalDep
from app.web.coverage import WhereDep
from app.web.schemas import Told
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/statistics", tags=["oversight"])


class AdmissionsTold(Told):
    admitted: int
    refused: int
    reasons: dict[str, int] = Field(description="refusals by reason, of which one may have several")


class AdmissionsGroup(AdmissionsTold):
    key: str
    name: str
    rows: str | None = Field(description="address of the decisions, of a market")


class AdmissionsAnswer(Told):
    by: verb.AdmissionsBy
    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    total: AdmissionsTold
    groups: list[AdmissionsGroup]


class TestsTold(Told):
    """`destroyed`: of the lots that failed, all that was destroyed since at these sites."""

    tests: int
    fails: int
    failed_lots: int
    destroyed_grams: int
    destroyed_pieces: int


class TestsGroup(TestsTold):
    key: str
    name: str
    rows: str | None = Field(description="address of the tests, of a market")


class TestsAnswer(Told):
    by: verb.TestsBy
    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    total: TestsTold
    groups: list[TestsGroup]


@router.get("/admissions", summary="What gates let in and refused, by market, reason or day")
def get_admissions(
    service: ServiceDep, principal: PrincipalDep, asked: WhereDep, by: verb.AdmissionsBy = "market"
) -> AdmissionsAnswer:
    """入场查验统计 · Decisions that were corrected do not count; a refusal is in the group of each of its reasons."""
    with reading(service.engine) as snapshot:
        scope = asked.scope(snapshot, principal)
        total, groups = verb.admissions(snapshot, scope, by)
    names = _names(scope.spots)
    return AdmissionsAnswer(
        by=by, since=scope.since, until=scope.until, total=AdmissionsTold.model_validate(total),
        groups=[
            AdmissionsGroup(
                admitted=one.admitted, refused=one.refused, reasons=dict(one.reasons), key=key,
                name=names.get(key, key),
                rows=_rows("admit", key, scope.since, scope.until) if by == "market" else None,
            )
            for key, one in sorted(groups.items())
        ],
    )  # fmt: skip


@router.get("/tests", summary="Tests, fails and what was destroyed, by item, method, category, market or day")
def get_tests(service: ServiceDep, principal: PrincipalDep, asked: WhereDep, by: verb.TestsBy = "item") -> TestsAnswer:
    """检测统计 · Tests that were corrected do not count; what was destroyed of a lot counts where it failed first."""
    with reading(service.engine) as snapshot:
        scope = asked.scope(snapshot, principal)
        total, groups = verb.tests(snapshot, scope, by)
    names = _names(scope.spots)
    return TestsAnswer(
        by=by, since=scope.since, until=scope.until, total=TestsTold.model_validate(total),
        groups=[
            TestsGroup(
                tests=one.tests, fails=one.fails, failed_lots=one.failed_lots, destroyed_grams=one.destroyed_grams,
                destroyed_pieces=one.destroyed_pieces, key=key, name=names.get(key, key),
                rows=_rows("test", key, scope.since, scope.until) if by == "market" else None,
            )
            for key, one in sorted(groups.items())
        ],
    )  # fmt: skip


def _names(spots: list[Spot]) -> dict[str, str]:
    return {str(spot.id): spot.name for spot in spots}


def _rows(kind: str, market: str, since: datetime, until: datetime) -> str:
    span = {"from": since.isoformat(), "to": until.isoformat()}
    return f"/api/v1/events?{urlencode({'kind': kind, 'site': market, **span})}"
