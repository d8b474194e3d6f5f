"""GET /api/v1/sales: the ledger of sales (销售台账), in pages or as one stream."""

import base64
import binascii
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.domain.errors import Malformed
from app.recording import Place, SalesAsked, find_sales
from app.store.types import from_micros, micros
from app.web.auth import PrincipalDep
from app.web.bodies import NDJSON
from app.web.handing import Streamed
from app.web.negotiation import preferred
from app.web.schemas import Moment
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/sales", tags=["sales"])

AT_ONCE = 500  # sales read together where all of them are sent

EXAMPLE: dict[str, Any] = {
    "items": [
        {
            "id": "5b2c1c9e-5d8f-5a35-9a27-6c9d6f6f5a10", "receipt_code": "R000000G0080000CGT7PTXW2YB",
            "site_id": "018f3a4e-0000-7000-8000-000000000001", "device_id": "018f3a4e-0000-7000-8000-000000000002",
            "epoch": 1, "counter": 1, "event_time": "2026-03-01T09:15:00+08:00",
            "record_time": "2026-03-01T01:15:01.250000Z", "operator": "01", "payment": "cash", "flags": [],
            "lines": [
                {
                    "custody_id": "018f3a4e-0000-7000-8000-000000000003",
                    "product_id": "018f3a4e-0000-7000-8000-000000000004",
                    "quantity": {"value": "1.5", "unit": "斤", "grams": 750, "pieces": None}, "amount_fen": 900,
                }
            ],
            "claim_count": 0, "claims": [],
        }
    ],
    "next": None,
}  # fmt: skip


@router.get(
    "",
    response_class=Response,
    responses={
        200: {
            "description": "The sales by site and the scale's clock; as NDJSON all of them and a summary",
            "content": {
                "application/json": {"schema": {"type": "object"}, "example": EXAMPLE},
                NDJSON: {"schema": {"type": "string"}},
            },
        }
    },
)
def list_sales(
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    site: Annotated[UUID | None, Query(description="a stall, or a market with all of its stalls")] = None,
    device: UUID | None = None,
    since: Annotated[Moment | None, Query(alias="from", description="event_time, inclusive")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="event_time, exclusive")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="at most so many in one answer")] = 100,
    cursor: Annotated[str | None, Query(max_length=200, description="`next` of the answer before")] = None,
) -> Response:
    """销售台账 · What scales have sold, as far as the key may see it: quantities in whole grams or pieces, amounts in
    fen, flags, how many other sales came under its number and the first ten of them. By site, then by the scale's
    clock.

    A page may hold fewer than `limit` and not be the last: go on while there is a `next`. With
    `Accept: application/x-ndjson` all sales from the cursor on, one a line, then `{"summary":{"sales":…}}`.
    """
    asked = SalesAsked(site, device, since, until)
    after = None if cursor is None else _place(cursor)

    def page(limit: int, after: Place | None) -> tuple[list[dict[str, Any]], Place | None]:
        return find_sales(service.engine, principal, service.master, asked, limit=limit, after=after)

    items, place = page(limit, after) if not _streamed(request) else page(AT_ONCE, after)
    if not _streamed(request):
        body = {"items": items, "next": None if place is None else _cursor(place)}
        return Response(msgspec.json.encode(body), media_type="application/json")

    def told() -> Iterator[bytes]:
        sales, ahead, number = items, place, 0
        while True:
            number += len(sales)
            yield b"".join(msgspec.json.encode(sale) + b"\n" for sale in sales)
            if ahead is None:
                break
            sales, ahead = page(AT_ONCE, ahead)
        yield msgspec.json.encode({"summary": {"sales": number}}) + b"\n"

    return Streamed(told(), media_type=NDJSON)


def _streamed(request: Request) -> bool:
    return preferred(request.headers.get("accept"), ("application/json", NDJSON)) == NDJSON


def _cursor(place: Place) -> str:
    text = f"{place.site_id.hex}/{micros(place.event_time)}/{place.receipt_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(text: str) -> Place:
    """Raises Malformed for anything that `next` never was."""
    try:
        site, time, number = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split("/")
        event_time: datetime = from_micros(int(time))
        receipt_id = int(number)
        if not 0 <= receipt_id < 2**63:
            raise ValueError("a receipt's number has 63 bits")
        return Place(UUID(hex=site), event_time, receipt_id)
    except (ValueError, OverflowError, binascii.Error):
        raise Malformed(
            "bad-cursor",
            "cursor 无效，请从第一页重新开始 · not a cursor of ours: begin with the first page",
            pointer="?cursor",
        ) from None
