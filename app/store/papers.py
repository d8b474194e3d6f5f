"""What a receipt is printed from: the sale with what only its seller and those above may know."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from app.store import tables
from app.store.engine import Snapshot


@dataclass(frozen=True, slots=True)
class Sale:
    id: int
    device_id: UUID
    site_id: UUID
    event_time: datetime
    operator: str | None
    payment: str | None


@dataclass(frozen=True, slots=True)
class SaleLine:
    """Quantity as entered; the amount in fen, None where the scale told none."""

    product_id: UUID | None
    value: str
    unit: str
    amount_fen: int | None


def sale(snapshot: Snapshot, receipt_id: int) -> Sale | None:
    c = tables.receipt.c
    columns = (c.id, c.device_id, c.site_id, c.event_time, c.operator, c.payment)
    row = snapshot.execute(select(*columns).where(c.id == receipt_id)).one_or_none()
    return Sale(*row) if row else None


def sale_lines(snapshot: Snapshot, receipt_id: int) -> list[SaleLine]:
    """In the order in which they were weighed."""
    c = tables.receipt_line.c
    columns = (c.product_id, c.value, c.unit, c.amount_fen)
    rows = snapshot.execute(select(*columns).where(c.receipt_id == receipt_id).order_by(c.line))
    return [SaleLine(*row) for row in rows]


def other_sales(snapshot: Snapshot, receipt_id: int) -> int:
    """How many other sales bear the same number."""
    c = tables.receipt_claim.c
    statement = select(func.count()).select_from(tables.receipt_claim).where(c.receipt_id == receipt_id)
    return int(snapshot.execute(statement).scalar_one())
