"""POST /api/v1/sales: the scales' hot path, answered in plain ASGI before FastAPI's routing.

The body is parsed once into typed structs; a body with a fault is parsed again sale by sale, so that one bad sale
never blocks its neighbours.
"""

import json
from asyncio import sleep
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache, partial
from hashlib import blake2b
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain import codes
from app.domain.errors import Forbidden, Invalid, Malformed, Refusal
from app.domain.forms import EARLIEST, LATEST
from app.domain.ids import event_text
from app.domain.quantities import QuantityError, parse_quantity
from app.domain.rights import Principal, Role, records
from app.domain.stays import site_of
from app.recording import Sale, SaleLine, SaleOutcome, record_sales
from app.store.writer import Job, weight_of
from app.web.auth import authenticate
from app.web.bodies import Line, is_ndjson, parse_json, read_body, require_json
from app.web.events import rejected
from app.web.outcomes import ndjson_answer, summed
from app.web.service import Service

PATH = "/api/v1/sales"
SALES = 1_000
LINES = 200
PAUSE = 100  # sales read, or answered, before others get a turn: a scan waits for no backlog
COUNTERS = 2**30

_Short = Annotated[str, msgspec.Meta(max_length=200)]


class _Quantity(msgspec.Struct, forbid_unknown_fields=True):
    value: _Short
    unit: _Short


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    quantity: _Quantity
    custody_id: UUID | None = None
    product_id: UUID | None = None
    amount_fen: Annotated[int, msgspec.Meta(ge=-(10**11), le=10**11)] | None = None


class _Sale(msgspec.Struct, forbid_unknown_fields=True):
    counter: Annotated[int, msgspec.Meta(ge=0, lt=COUNTERS)]
    event_time: Annotated[datetime, msgspec.Meta(tz=True)]
    lines: Annotated[list[_Line], msgspec.Meta(min_length=1, max_length=LINES)]
    operator: _Short | None = None
    payment: _Short | None = None


class _Counter(msgspec.Struct):
    counter: Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)] | None = None


class _Sales(msgspec.Struct, forbid_unknown_fields=True):
    sales: Annotated[list[_Sale], msgspec.Meta(max_length=SALES)]


class _RawSales(msgspec.Struct, forbid_unknown_fields=True):
    sales: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=SALES)]


_decode_sales = msgspec.json.Decoder(_Sales).decode
_decode_raw = msgspec.json.Decoder(_RawSales).decode
_decode_sale = msgspec.json.Decoder(_Sale).decode
_decode_counter = msgspec.json.Decoder(_Counter).decode
_encode = msgspec.json.Encoder().encode

_JSON_HEADERS = [(b"content-type", b"application/json")]


class SalesDoor:
    """Answers POST /api/v1/sales; everything else goes on to the application behind it."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        retention = timedelta(days=service.settings.sales_retention_days)
        # One job, made once: the writer decides together what has the same job.
        self._job: Job[Sale, SaleOutcome] = partial(record_sales, retention=retention)
        self._signers: dict[tuple[int, int], codes.ReceiptSigner] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["onecode.route"] = PATH
        authorization = ""
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value.decode("latin-1")
                break
        principal = await authenticate(self._service.keys, authorization)
        if principal.role is not Role.DEVICE or principal.device_id is None or "sell" not in records(principal):
            raise Forbidden(
                "role-may-not-record",
                "只有设备密钥可以上传销售，请激活设备 · only a device's key posts sales: activate the device",
            )
        request = Request(scope, receive)
        if is_ndjson(request):

            async def take(lines: list[Line]) -> list[dict[str, Any]]:
                return await self._record(principal, [line.raw for line in lines])

            response: Response = await ndjson_answer(request, take)
            await response(scope, receive, send)
            return
        require_json(request)
        raw = await read_body(request, self._service.settings.max_body_bytes)
        body = _encode(await self._answer(principal, raw))
        await send({"type": "http.response.start", "status": 200, "headers": [
            *_JSON_HEADERS, (b"content-length", str(len(body)).encode())
        ]})  # fmt: skip
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, principal: Principal, raw: bytes) -> dict[str, Any]:
        items: Sequence[_Sale | bytes]
        try:
            items = _one_by_one(raw) if b"\\u0000" in raw else _decode_sales(raw).sales
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            items = _one_by_one(raw)
        outcomes = await self._record(principal, items)
        return {"results": outcomes, **summed(outcomes)}

    async def _record(self, principal: Principal, items: Sequence[_Sale | bytes | None]) -> list[dict[str, Any]]:
        answers: list[dict[str, Any] | None] = []
        sales: list[Sale] = []
        counters: list[int] = []
        for i, item in enumerate(items, 1):
            if i % PAUSE == 0:
                await sleep(0)
            try:
                parsed = item if isinstance(item, _Sale) else _parse(item)
                sales.append(_sale(principal, parsed))
            except Refusal as refusal:
                answers.append(rejected(refusal, None, "sell", PATH) | {"counter": _counter_of(item)})
                continue
            counters.append(parsed.counter)
            answers.append(None)
        results = await self._service.writer.settle(self._job, sales, principal.device_id, _weight)
        settled = zip(sales, counters, results, strict=True)
        outcomes = []
        for i, answer in enumerate(answers, 1):
            if i % PAUSE == 0:
                await sleep(0)
            if answer is not None:
                outcomes.append(answer)
                continue
            sale, counter, result = next(settled)
            if isinstance(result, Refusal):
                outcomes.append(rejected(result, None, "sell", PATH) | {"counter": counter})
            elif isinstance(result, Exception):
                raise result
            else:
                outcomes.append(self._outcome(principal, sale, counter, result))
        return outcomes

    def _outcome(self, principal: Principal, sale: Sale, counter: int, result: SaleOutcome) -> dict[str, Any]:
        return {
            "ref": None,
            "id": event_text(sale.device_id, f"{principal.epoch}/{counter}"),
            "kind": "sell",
            "status": result.status,
            "record_time": result.record_time,
            "flags": result.flags,
            "outputs": [],
            "slip_code": None,
            "receipt_code": self._signer(principal).code(sale.receipt_id),
            "decision": None,
            "reasons": [],
            "problem": None,
            "counter": counter,
        }

    def _signer(self, principal: Principal) -> codes.ReceiptSigner:
        """Of the device's epoch; derived once, kept for as many devices as a city has."""
        key = (principal.device_number or 0, principal.epoch or 0)
        signer = self._signers.get(key)
        if signer is None:
            if len(self._signers) >= 50_000:
                self._signers.clear()
            signer = self._signers[key] = codes.ReceiptSigner(codes.receipt_secret(self._service.master, *key))
        return signer


def _one_by_one(raw: bytes) -> list[bytes]:
    """The sales of a list that has a fault somewhere. Raises Malformed and Invalid where it is the list that has it."""
    try:
        return [bytes(item) for item in _decode_raw(raw).sales]
    except msgspec.ValidationError as error:
        raise _no_list(str(error), _at(error)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        try:
            parse_json(raw)
        except Invalid as invalid:
            if invalid.slug != "bad-text":
                raise
    # Half a pair of surrogates in some sale's text, which msgspec does not even skip.
    body = json.loads(raw)
    if not isinstance(body, dict) or body.keys() != {"sales"} or not isinstance(body["sales"], list):
        raise _no_list("`sales`", "")
    if len(body["sales"]) > SALES:
        raise _no_list(f"{len(body['sales'])}", "/sales")
    return [json.dumps(item).encode() for item in body["sales"]]


def _no_list(error: str, pointer: str) -> Invalid:
    return Invalid(
        "invalid", f"需要 sales 列表，至多 {SALES} 笔 · a list `sales` of at most {SALES}: {error}", pointer=pointer
    )


def _parse(raw: bytes | None) -> _Sale:
    if raw is None:
        raise Malformed("too-large", "这一行过长 · this line is too long")
    if b"\\u0000" in raw:
        parse_json(raw)
    try:
        return _decode_sale(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        parse_json(raw)
        raise Invalid("invalid", f"销售内容有误 · {error}", pointer=_at(error)) from None


def _counter_of(item: _Sale | bytes | None) -> int | None:
    """What a sale that is none says of itself, for the scale to know it by."""
    try:
        return item.counter if isinstance(item, _Sale) else _decode_counter(item or b"").counter
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _at(error: Exception) -> str:
    """The JSON pointer in msgspec's "… - at `$.lines[0].quantity`"."""
    _, _, path = str(error).partition("`$")
    return path.rstrip("`").replace("[", "/").replace("]", "").replace(".", "/")


def _weight(sale: Sale) -> int:
    return weight_of(1 + len(sale.lines))


# A stall's weights come again and again.
_measured = lru_cache(maxsize=10_000)(parse_quantity)


def _sale(principal: Principal, parsed: _Sale) -> Sale:
    if not EARLIEST <= parsed.event_time.year <= LATEST:
        raise Invalid("invalid", f"年份须在 {EARLIEST}–{LATEST} · years {EARLIEST} to {LATEST}", pointer="/event_time")
    assert principal.device_id is not None
    assert principal.site_id is not None
    lines = []
    for i, line in enumerate(parsed.lines):
        if line.custody_id is None and line.product_id is None:
            raise Invalid(
                "invalid", "每行需要 custody_id 或 product_id · custody_id or product_id", pointer=f"/lines/{i}"
            )
        try:
            quantity = _measured(line.quantity.value, line.quantity.unit)
        except QuantityError as error:
            raise Invalid(error.slug, f"{error.detail_zh} · {error.detail}", pointer=f"/lines/{i}/quantity") from None
        lines.append(
            SaleLine(
                line.custody_id, line.product_id, quantity.value, quantity.unit, quantity.grams, quantity.pieces,
                line.amount_fen,
            )
        )  # fmt: skip
    offset = parsed.event_time.utcoffset()
    encoded = _encode(parsed)
    return Sale(
        codes.receipt_id(principal.device_number or 0, principal.epoch or 0, parsed.counter),
        principal.device_id,
        site_of(principal.stays, parsed.counter, parsed.event_time) if principal.stays else principal.site_id,
        parsed.event_time,
        int(offset.total_seconds()) // 60 if offset else 0,
        tuple(lines),
        parsed.operator,
        parsed.payment,
        blake2b(encoded, digest_size=16).digest(),
        encoded,
    )


# --- what the OpenAPI document says of it ---

router = APIRouter(tags=["sales"])

EXAMPLE = {
    "sales": [
        {
            "counter": 1,
            "event_time": "2026-03-01T09:15:00+08:00",
            "lines": [
                {
                    "custody_id": "018f3a4e-0000-7000-8000-000000000003",
                    "product_id": None,
                    "quantity": {"value": "1.5", "unit": "斤"},
                    "amount_fen": 900,
                }
            ],
            "operator": "01",
            "payment": "cash",
        }
    ]
}
_SCHEMAS, COMPONENTS = msgspec.json.schema_components([_Sales, _Sale], ref_template="#/components/schemas/{name}")


@router.post(
    PATH,
    openapi_extra={
        "security": [{"HTTPBearer": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": _SCHEMAS[0], "example": EXAMPLE},
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        },
    },
)
async def post_sales() -> dict[str, Any]:
    """上传销售（设备密钥） · Sales of a scale: `{"sales": [at most 1,000]}` or NDJSON, an outcome each with its counter
    and the receipt's code. Any order, any delay; the same again is a duplicate, a counter used again with other
    content a conflict that is kept all the same."""
    raise AssertionError("answered before routing, by SalesDoor")
