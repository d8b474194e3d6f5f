"""GET /api/v1/coverage: which share of what is recorded, and the rows behind each number."""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from app.domain import codes
from app.store.engine import Snapshot, reading
from app.tracing import coverage as verb
from app.tracing import scope as scopes
from app.web.auth import PrincipalDep
from app.web.schemas import Moment, Told
from app.web.service import Service, ServiceDep

router = APIRouter(prefix="/api/v1/coverage", tags=["oversight"])


class ShareTold(Told):
    numerator: int
    denominator: int
    share: float | None = Field(description="null of nothing")
    rows: str = Field(description="address of the rows that are not covered")


class Measures(Told):
    stalls_recording: ShareTold = Field(description="active stalls and shops that recorded an arrival or a sale")
    sales_with_batch: ShareTold = Field(description="lines of sales that name a batch")
    batches_with_paper: ShareTold = Field(description="batches that came in and that a document speaks for")
    chains_complete: ShareTold = Field(description="batches that came in and whose way back has no gap")


class Group(Measures):
    key: str = Field(description="a category, the id of a market, or a month")
    name: str | None


class CoverageTold(Told):
    by: verb.By
    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    total: Measures
    groups: list[Group]


class Rows(Told):
    """Stalls (`site_id`, `code`, `name`, `market_id`), lines of sales or batches."""

    items: list[dict[str, Any]]
    next: str | None


class Where(Told):
    """What is asked for, in every question of oversight."""

    region: str | None
    site: UUID | None
    since: datetime | None
    until: datetime | None

    def scope(self, snapshot: Snapshot, principal: PrincipalDep) -> scopes.Scope:
        """Raises Forbidden, NotFound, Invalid."""
        return scopes.scope(
            snapshot, principal, region=self.region, site=self.site, since=self.since, until=self.until,
            now=datetime.now(UTC),
        )  # fmt: skip


def where(
    region: Annotated[str | None, Query(pattern=r"^\d{2,6}$", description="GB/T 2260 prefix")] = None,
    market: Annotated[UUID | None, Query(description="a market with all of its stalls")] = None,
    site: UUID | None = None,
    since: Annotated[Moment | None, Query(alias="from", description="inclusive; thirty days back if left out")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="exclusive; now if left out")] = None,
) -> Where:
    return Where(region=region, site=site or market, since=since, until=until)


WhereDep = Annotated[Where, Depends(where)]


@router.get("", summary="Coverage by category, market or month: each number with its numerator and its rows")
def get_coverage(
    service: ServiceDep, principal: PrincipalDep, asked: WhereDep, by: verb.By = "category"
) -> CoverageTold:
    """追溯覆盖率 · Shares of stalls that record, of sales that name a batch, of batches with a paper, of chains
    that are complete back to the source. A batch counts where and when it arrived, a sale where and when made."""
    with reading(service.engine) as snapshot:
        scope = asked.scope(snapshot, principal)
        found = verb.coverage(snapshot, scope, by)

    def told(measures: dict[verb.Measure, verb.Share], key: str | None) -> dict[str, Any]:
        return {measure: _share(share, measure, by, key, asked, scope) for measure, share in measures.items()}

    return CoverageTold(
        by=by,
        since=scope.since,
        until=scope.until,
        total=Measures.model_validate(told(found.total, None)),
        groups=[
            Group.model_validate({**told(measures, key), "key": key, "name": found.names.get(key, key)})
            for key, measures in sorted(found.groups.items())
        ],
    )


def _share(
    share: verb.Share, measure: str, by: str, key: str | None, asked: Where, scope: scopes.Scope
) -> dict[str, Any]:
    query = {
        "measure": measure, "by": by, "key": key, "region": asked.region, "site": asked.site,
        "from": scope.since.isoformat(), "to": scope.until.isoformat(),
    }  # fmt: skip
    return {
        "numerator": share.numerator,
        "denominator": share.denominator,
        "share": share.numerator / share.denominator if share.denominator else None,
        "rows": f"{router.prefix}/rows?" + urlencode({name: value for name, value in query.items() if value}),
    }


@router.get("/rows", summary="The rows behind a number of coverage: those that are not covered, or those that are")
def list_rows(
    service: ServiceDep,
    principal: PrincipalDep,
    asked: WhereDep,
    measure: verb.Measure,
    by: verb.By = "category",
    key: Annotated[str | None, Query(max_length=200, description="of this group alone")] = None,
    covered: bool = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=1000, description="`next` of the answer before")] = None,
) -> Rows:
    """A page may hold a few more than `limit`: the lines of one sale stay together."""
    with reading(service.engine) as snapshot:
        scope = asked.scope(snapshot, principal)
        items, place = verb.rows(
            snapshot, scope, verb.Asked(measure, by, key, covered), limit=limit, after=cursor
        )  # fmt: skip
    return Rows(items=[_row(service, item) for item in items], next=place)


def _row(service: Service, item: dict[str, Any]) -> dict[str, Any]:
    if "receipt_id" not in item:
        return item
    number, code = item["receipt_id"], None
    if number is not None:
        name = codes.receipt_name(number)
        code = codes.receipt_code(codes.receipt_secret(service.master, name.device_number, name.epoch), number)
    return {"receipt_code": code, **{name: value for name, value in item.items() if name != "receipt_id"}}
