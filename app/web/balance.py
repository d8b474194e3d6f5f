"""GET /api/v1/balance: what came and what became of it."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from app.domain.balance import FLOWS, State, Sums
from app.domain.errors import Malformed
from app.store.engine import reading
from app.tracing import balance as verb
from app.tracing.books import Kind
from app.web.auth import PrincipalDep
from app.web.paging import Cursor, decode_cursor, encode_cursor
from app.web.schemas import Day, Moment, Told
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/balance", tags=["oversight"])


class Weighed(Told):
    """Pieces whose weight is known are in both."""

    grams: int
    pieces: int


class Figures(Told):
    """opening + received + made = sold + shipped + processed + returned + destroyed + unexplained + on_hand."""

    opening: Weighed
    received: Weighed = Field(description="from elsewhere: off slips, from outside, back from a receiver")
    made: Weighed = Field(description="harvested, produced, processed here")
    sold: Weighed
    shipped: Weighed
    processed: Weighed
    returned: Weighed
    destroyed: Weighed
    unexplained: Weighed = Field(description="counted less (or, negative, more) than was booked")
    on_hand: Weighed = Field(description="negative: more went out than came in")
    weighed: bool = Field(description="false: some pieces have no known weight and are not in the grams")
    tolerated_loss: Weighed = Field(description="what the category may lose by drying, trimming, weighing")
    state: State


class Group(Figures):
    key: str = Field(description="a category, the id of a custody or site, or a day")
    name: str | None


class BalanceTold(Told):
    """`total`: null on all pages but the first; `hidden`: custodies that are not this reader's to see."""

    by: verb.By
    total: Figures | None
    items: list[Group]
    hidden: int
    next: str | None


@router.get("", summary="The balance of a custody, lot, site or party: received, sold, shipped, … on hand, unexplained")
def get_balance(
    service: ServiceDep,
    principal: PrincipalDep,
    custody: UUID | None = None,
    lot: UUID | None = None,
    site: Annotated[UUID | None, Query(description="a stall, or a market with all of its stalls")] = None,
    party: UUID | None = None,
    by: Annotated[verb.By, Query(description="what a row is of")] = "category",
    day: Annotated[Day | None, Query(description="of the site's own clock")] = None,
    since: Annotated[Moment | None, Query(alias="from", description="inclusive; with `to`: of this time alone")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="exclusive")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="custodies in one answer")] = 500,
    cursor: Annotated[str | None, Query(max_length=100, description="`next` of the answer before")] = None,
) -> BalanceTold:
    """平衡核对 · What moves between two custodies of the set is neither received nor shipped by it, so that no gram is
    counted twice; while it is under way it counts as shipped."""
    given: dict[Kind, UUID | None] = {"custody": custody, "lot": lot, "site": site, "party": party}
    named = [(kind, key) for kind, key in given.items() if key is not None]
    if len(named) != 1:
        raise Malformed(
            "malformed",
            "请给出 custody、lot、site、party 之一 · give one of custody, lot, site and party",
            pointer="?custody",
        )
    if day is not None and (since is not None or until is not None):
        raise Malformed("malformed", "day 与 from/to 只能用一种 · day excludes from and to", pointer="?day")
    [(kind, key)] = named
    place = decode_cursor(cursor) if cursor is not None else None
    with reading(service.engine) as snapshot:
        if day is not None:
            since, until = verb.day_bounds(snapshot, site, day)
        found = verb.balance(
            snapshot, principal, verb.Asked(kind, key, by, since, until), now=datetime.now(UTC), rules=service.rules,
            limit=limit, after=(place.time, place.id) if place is not None else None,
        )  # fmt: skip
    return BalanceTold(
        by=by,
        total=None if found.total is None else Figures.model_validate(_shown(found.total)),
        items=[_group(line) for line in found.lines],
        hidden=found.hidden,
        next=None if found.next is None else encode_cursor(Cursor(*found.next)),
    )


def _group(line: verb.Line) -> Group:
    return Group.model_validate({**_shown(line.sums), "key": line.key, "name": line.name})


def _shown(sums: Sums) -> dict[str, Any]:
    """A row of the answer: each column in grams and pieces."""
    on_hand = sums.on_hand
    columns = {name: _weighed(sums.grams[i], sums.pieces[i]) for i, name in enumerate(FLOWS)}
    return {
        "opening": _weighed(sums.opening_grams, sums.opening_pieces),
        **columns,
        "on_hand": _weighed(*on_hand),
        "weighed": sums.weighed,
        "tolerated_loss": _weighed(sums.loss[0] // 1000, sums.loss[1] // 1000),
        "state": sums.state,
    }


def _weighed(grams: int, pieces: int) -> dict[str, int]:
    return {"grams": grams, "pieces": pieces}
