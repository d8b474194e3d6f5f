"""Tracing over HTTP: the chain of a code, custody, lot or EPC, back to its sources or forward to its buyers."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from app import tracing
from app.exchanging.sheets import Name
from app.store.engine import reading
from app.tracing import Limits
from app.tracing.looks import at_gaps
from app.tracing.streaming import stream
from app.tracing.svg import draw
from app.web.auth import PrincipalDep
from app.web.bodies import NDJSON
from app.web.handing import CSV, PRIVATE, XLSX, begun, handed_out
from app.web.looking import note
from app.web.negotiation import spoken as negotiated
from app.web.service import ServiceDep
from app.web.starts import StartDep

router = APIRouter(prefix="/api/v1/trace", tags=["trace"])

SVG = "image/svg+xml"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-top-navigation-by-user-activation"
Group = Annotated[str, Field(pattern="^[0-9a-f]{12}$")]

_SCHEMA, COMPONENTS = tracing.json_schema()
_FARM, _STALL = "018f3a4e-0000-5000-8000-000000000001", "018f3a4e-0000-5000-8000-000000000002"
_LOT, _MADE, _CAME, _PAPER, _TESTED, _SOLD = (f"018f3a4e-0000-5000-8000-00000000000{n}" for n in range(3, 9))
_PRODUCT = {"code": None, "name": "小白菜", "kind": "vegetables", "region": None}


def _place(code: str, name: str, kind: str, region: str) -> dict[str, str]:
    return {"code": code, "name": name, "kind": kind, "region": region}


def _weight(kilograms: str, grams: int) -> dict[str, Any]:
    return {"value": kilograms, "unit": "kg", "grams": grams, "pieces": None}


_CLOSED = {"state": "closed", "claimed": None, "unexplained": None}
EXAMPLE: dict[str, Any] = {
    "nodes": [
        {
            "id": _STALL, "kind": "custody", "code": "B0123456789ABCDEFX", "lot_id": _LOT, "lot_number": "260301-1A2B",
            "product": _PRODUCT, "site": _place("S0123456789ABCDEFX", "一号摊", "stall", "330106"),
            "party": _place("P0123456789ABCDEFX", "一号摊经营户", "vendor", "330106"), "status": "ok", "depth": 0,
            "in": _weight("60", 60_000), "out": _weight("45.5", 45_500), "on_hand": _weight("14.5", 14_500),
            "confidence": _CLOSED,
        },
        {
            "id": _FARM, "kind": "custody", "code": "B123456789ABCDEFGY", "lot_id": _LOT, "lot_number": "260301-1A2B",
            "product": _PRODUCT, "site": _place("S123456789ABCDEFGY", "河东菜地", "farm", "330122"),
            "party": _place("P123456789ABCDEFGY", "河东蔬菜合作社", "producer", "330122"), "status": "ok", "depth": 1,
            "in": _weight("120", 120_000), "out": _weight("120", 120_000), "on_hand": _weight("0", 0),
            "confidence": _CLOSED,
        },
    ],
    "links": [
        {
            "parent_id": _FARM, "child_id": _STALL, "event_id": _CAME, "kind": "move",
            "quantity": _weight("60", 60_000),
        }
    ],
    "events": [
        {
            "id": event, "epcis_event_id": None, "kind": kind, "event_time": at, "record_time": recorded,
            "site_id": None, "flags": [], "corrected_by": None,
        }
        for event, kind, at, recorded in (
            (_MADE, "produce", "2026-03-01T06:30:00+08:00", "2026-02-28T22:30:02Z"),
            (_CAME, "receive", "2026-03-01T10:00:00+08:00", "2026-03-01T02:00:01Z"),
        )
    ],
    "gaps": [],
    "totals": {"nodes": 2, "links": 1, "events": 2, "gaps": 0, "receipts": 31, "grams": 60_000, "pieces": 0},
    "truncated": False,
    "next": None,
    "documents": [
        {
            "id": _PAPER, "type": "conformity_certificate", "number": "浙A-0301", "issuer": "河东蔬菜合作社",
            "issued_on": "2026-03-01", "expires_on": None, "class": "A", "node_ids": [_FARM],
        }
    ],
    "tests": [
        {
            "event_id": _TESTED, "node_id": _STALL, "stage": "rapid", "item": "有机磷和氨基甲酸酯类农药",
            "method": "GB/T 5009.199-2003", "value": "12.4", "unit": "%", "limit": None, "verdict": "pass",
            "sample_number": "K-0301-07", "tester": "快检室",
        }
    ],
    "recipients": [
        {
            "node_id": _STALL, "event_id": _SOLD, "kind": "sell", "event_time": "2026-03-01T11:00:00+08:00",
            "name": "实验小学食堂", "contact": "13800000000", "address": None, "quantity": _weight("5", 5_000),
        }
    ],
    "shares": [
        {
            "node_id": _FARM, "start_id": _STALL, "at_least": _weight("60", 60_000), "at_most": _weight("60", 60_000),
        }
    ],
    "start": None,
    "parties": [],
}  # fmt: skip


@router.get(
    "",
    response_class=Response,
    responses={
        200: {
            "description": "The chain",
            "content": {
                "application/json": {"schema": _SCHEMA, "example": EXAMPLE},
                **{kind: {"schema": {"type": "string"}} for kind in (SVG, NDJSON, CSV, XLSX)},
            },
        }
    },
)
def get_trace(
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    start: StartDep,
    direction: Annotated[Literal["back", "forward"], Query(description="to sources, or to buyers")] = "back",
    depth: Annotated[int, Query(ge=1, le=1000, description="generations in one answer")] = 100,
    limit: Annotated[
        int, Query(ge=1, le=10_000_000, description="nodes in one answer, within our own limit; of a stream, none")
    ] = 10_000,
    cursor: Annotated[str | None, Query(max_length=100, description="`next` of the answer before")] = None,
    format: Annotated[
        Literal["json", "svg", "ndjson", "csv", "xlsx"],
        Query(description="the last three are the whole chain, as a stream"),
    ] = "json",
    sheet: Annotated[Name, Query(description="which table, as CSV")] = "nodes",
    unfold: Annotated[list[Group] | None, Query(max_length=20, description="groups that the drawing opens")] = None,
    lang: Annotated[Literal["zh", "en"] | None, Query(description="of the drawing")] = None,
) -> Response:
    """来可溯、去可追 · Where goods came from and where they went, generation by generation.

    At most one of code, custody, lot, epc, site, party and document, narrowed by from, to, product and category; from
    and to alone start from everything that came to the key's own sites. An epc is any EPC URN, EPC class URN or GS1
    Digital Link; of a unit that holds things (SSCC, GRAI …) what is in it, at `time` or now, is traced: `start` says
    what was opened. Nodes run from the start outward, events from source
    to table. Amounts, contacts and flags are null beyond the key's own goods and one step around them. `shares` says
    how much of the start each source accounts for, at least and at most. `truncated` says that there is more, `next`
    goes on with it: ask the same again with `cursor`. `format=svg` draws it, more than 200 nodes folded; ndjson, csv
    and xlsx are the whole chain with the receipts of its goods, sent as it is read.
    """
    now = datetime.now(UTC)
    if format in ("ndjson", "csv", "xlsx"):
        pieces = stream(
            service.engine, principal, start, direction, now=now, secret=service.master, depth=depth, cursor=cursor,
            looked=lambda found: note(request, principal, at_gaps(found)),
        )  # fmt: skip
        return handed_out(format, begun(pieces), sheet)
    limits = Limits(depth, min(limit, service.settings.trace_limit))
    with reading(service.engine) as snapshot:
        found = tracing.trace(
            snapshot, principal, start, direction, now=now, secret=service.master, limits=limits, cursor=cursor
        )
        markets = tracing.markets(snapshot, found) if format == "svg" else {}
    note(request, principal, at_gaps(found))
    if format == "svg":
        spoken = lang or ("en" if negotiated(request.headers.get("accept-language"), ("zh", "en")) == "en" else "zh")
        drawn = draw(
            found, direction, spoken, unfold=unfold or (), markets=markets, page=lambda code: f"/c/{code}",
            unfolded=lambda group: f"?{request.url.include_query_params().query}&unfold={group}",
        )  # fmt: skip
        return Response(drawn, media_type=SVG, headers={**PRIVATE, "Content-Security-Policy": POLICY})
    return Response(tracing.to_json(found), media_type="application/json", headers=PRIVATE)
