"""Receipts of scales and their lines."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, SmallInteger, String

from app.store.tables.base import table
from app.store.types import BigId, Id, Instant, Json

receipt = table(
    "receipt",
    "id",
    # (device number, epoch, counter) in 63 bits: the scale's own numbering is the key.
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("device_id", Id, nullable=False),
    Column("site_id", Id, nullable=False),
    Column("event_time", Instant, nullable=False),
    Column("utc_offset", SmallInteger, nullable=False),
    Column("record_time", Instant, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("operator", String),
    Column("payment", String),
    Column("flags", Json, nullable=False),
)
Index(None, receipt.c.site_id, receipt.c.event_time)

receipt_line = table(
    "receipt_line",
    "receipt_id",
    Column("receipt_id", BigInteger, primary_key=True),
    Column("line", SmallInteger, primary_key=True),
    Column("custody_id", Id),
    Column("product_id", Id),
    Column("amount", BigInteger, nullable=False),
    Column("value", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("amount_fen", BigInteger),
    # What the line named, where that is not what it is booked on: unknown, of another stall, or replaced since.
    Column("named_id", Id),
    rowid=False,
)
Index(None, receipt_line.c.custody_id, receipt_line.c.receipt_id)

# Up to which number of a series (device and epoch) sales were archived: none below it is awaited any more.
receipt_archived = table(
    "receipt_archived",
    "replicated",
    Column("series", BigId, primary_key=True, autoincrement=False),
    Column("last_id", BigInteger, nullable=False),
    Column("latest", Instant, nullable=False),  # when the latest of them was
)

# A counter used again with other content: a reset scale or a copied one. Both claims are kept.
receipt_claim = table(
    "receipt_claim",
    "receipt_id",
    Column("receipt_id", BigInteger, primary_key=True),
    Column("content_hash", LargeBinary, primary_key=True),
    Column("body", Json, nullable=False),
    Column("record_time", Instant, nullable=False),
    rowid=False,
)
