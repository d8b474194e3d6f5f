"""What somebody should look at."""

from sqlalchemy import BigInteger, Column, Index, String

from app.store.tables.base import table
from app.store.types import Id, Instant

alert = table(
    "alert",
    "id",
    Column("id", Id, primary_key=True),  # of slug, subject and day or event: the same again is one row
    Column("slug", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("site_id", Id),
    Column("party_id", Id),
    Column("device_id", Id),
    Column("event_id", Id),
    Column("receipt_id", BigInteger),
    Column("custody_id", Id),
    Column("detail", String, nullable=False),
    Column("event_time", Instant, nullable=False),
    Column("record_time", Instant, nullable=False),
)
Index(None, alert.c.record_time, alert.c.id)
Index(None, alert.c.party_id, alert.c.record_time)
Index(None, alert.c.site_id, alert.c.record_time)
