"""What somebody should look at."""

from sqlalchemy import BigInteger, Column, Index, SmallInteger, String, text

from app.store.tables.base import table
from app.store.types import Id, Instant, Json

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
    Column("state", String, nullable=False, server_default=text("'open'")),
    Column("owner", Id),  # a key or a person
    Column("authority", SmallInteger, nullable=False, server_default=text("1")),
    Column("changed_at", Instant),
    Column("history", Json),
)
Index(None, alert.c.state, alert.c.record_time, alert.c.id)
for _column in (alert.c.custody_id, alert.c.event_id, alert.c.receipt_id):  # for what goes with them
    Index(None, _column, postgresql_where=_column.is_not(None), sqlite_where=_column.is_not(None))
Index(None, alert.c.record_time, alert.c.id)
Index(None, alert.c.party_id, alert.c.record_time)
Index(None, alert.c.site_id, alert.c.record_time)
