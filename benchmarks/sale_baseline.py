"""The usual way to write it: a FastAPI sync endpoint, one transaction a request in the thread pool, the same rows,
checks and duties as ours (device key, receipt MAC, stock, holds, idempotency).
"""

import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import blake2b, sha256
from typing import Annotated, Any
from uuid import UUID, uuid5

import anyio.to_thread
from fastapi import FastAPI, Header, HTTPException
from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import insert, select, update

from app.domain import codes
from app.domain.quantities import parse_quantity
from app.store import tables
from app.store.engine import open_engine, writing

engine = open_engine(os.environ["ONECODE_DATABASE_URL"], pool_size=8)
master = bytes.fromhex(os.environ["BENCHMARK_MASTER"])
KEYS: dict[UUID, tuple[bytes, UUID, int, int, UUID]] = {}


class Quantity(BaseModel):
    model_config = ConfigDict(extra="forbid")
    value: str
    unit: str


class SaleLine(BaseModel):
    model_config = ConfigDict(extra="forbid")
    custody_id: UUID
    product_id: UUID | None = None
    quantity: Quantity
    amount_fen: int | None = None


class Sale(BaseModel):
    model_config = ConfigDict(extra="forbid")
    counter: int
    event_time: AwareDatetime
    lines: list[SaleLine]
    operator: str | None = None
    payment: str | None = None


class Sales(BaseModel):
    model_config = ConfigDict(extra="forbid")
    sales: list[Sale]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = 8
    key, device = tables.api_key.c, tables.device.c
    with writing(engine) as connection:
        for row in connection.execute(
            select(key.id, key.secret_hash, device.id, device.number, device.epoch, device.site_id).join(
                tables.device, device.id == key.device_id
            )
        ):
            KEYS[row[0]] = (bytes(row[1]), row[2], row[3], row[4], row[5])
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/api/v1/sales")
def sales(body: Sales, authorization: Annotated[str, Header()]) -> dict[str, Any]:
    _, key_id, secret = authorization.removeprefix("Bearer ").split("_")
    known = KEYS.get(UUID(key_id))
    if known is None or not hmac.compare_digest(known[0], sha256(secret.encode()).digest()):
        raise HTTPException(401)
    _, device_id, number, epoch, site_id = known
    receipt, line, custody, hold = tables.receipt, tables.receipt_line, tables.custody, tables.hold
    results: list[dict[str, Any]] = []
    for sale in body.sales:
        now = datetime.now(UTC)
        receipt_id = codes.receipt_id(number, epoch, sale.counter)
        digest = blake2b(sale.model_dump_json().encode(), digest_size=16).digest()
        status = "recorded"
        with writing(engine) as connection:
            before = connection.execute(select(receipt.c.content_hash).where(receipt.c.id == receipt_id)).first()
            if before is not None:
                status = "duplicate" if bytes(before[0]) == digest else "conflict"
            else:
                wanted = sorted({each.custody_id for each in sale.lines})
                stock = {
                    row.id: row
                    for row in connection.execute(
                        select(custody).where(custody.c.id.in_(wanted)).order_by(custody.c.id).with_for_update()
                    )
                }
                lots = {row.lot_id for row in stock.values()}
                held = connection.execute(
                    select(hold.c.lot_id).where(hold.c.lot_id.in_(lots), hold.c.released_by.is_(None))
                ).all()
                connection.execute(
                    select(hold.c.id).where(hold.c.scope == "downstream", hold.c.released_by.is_(None)).limit(1)
                ).first()
                flags = [{"slug": "held_goods", "detail": ""}] if held else []
                offset = sale.event_time.utcoffset()
                connection.execute(
                    insert(receipt),
                    {
                        "id": receipt_id, "device_id": device_id, "site_id": site_id, "event_time": sale.event_time,
                        "utc_offset": int(offset.total_seconds()) // 60 if offset else 0, "record_time": now,
                        "content_hash": digest, "operator": sale.operator, "payment": sale.payment, "flags": flags,
                    },
                )  # fmt: skip
                rows = []
                for i, each in enumerate(sale.lines):
                    amount = parse_quantity(each.quantity.value, each.quantity.unit).grams or 0
                    if stock[each.custody_id].site_id != site_id:
                        raise HTTPException(403)
                    rows.append(
                        {
                            "receipt_id": receipt_id, "line": i, "custody_id": each.custody_id,
                            "product_id": stock[each.custody_id].product_id, "amount": amount,
                            "value": each.quantity.value, "unit": each.quantity.unit, "amount_fen": each.amount_fen,
                        }
                    )  # fmt: skip
                connection.execute(insert(line), rows)
                for key in wanted:
                    amount = sum(row["amount"] for row in rows if row["custody_id"] == key)
                    connection.execute(
                        update(custody)
                        .where(custody.c.id == key)
                        .values(sold=custody.c.sold + amount, receipts=custody.c.receipts + 1)
                    )
        secret_key = codes.receipt_secret(master, number, epoch)
        results.append(
            {
                "ref": None, "id": uuid5(device_id, f"{epoch}/{sale.counter}"), "kind": "sell", "status": status,
                "record_time": now, "flags": [], "outputs": [], "slip_code": None,
                "receipt_code": codes.receipt_code(secret_key, receipt_id), "decision": None, "reasons": [],
                "problem": None, "counter": sale.counter,
            }
        )  # fmt: skip
    return {"results": results, "recorded": len(results), "duplicate": 0, "conflict": 0, "rejected": 0}
