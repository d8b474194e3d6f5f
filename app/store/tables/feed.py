"""The change feed."""

from sqlalchemy import Column

from app.store.tables.base import table
from app.store.types import BigId, Instant, Json, Xid

feed = table(
    "feed",
    "local",
    Column("seq", BigId, primary_key=True, autoincrement=True),
    Column("xid", Xid, index=True),
    Column("record_time", Instant, nullable=False),
    # Ids (hex) and codes that changed in a way a page or a cached key shows.
    Column("touched", Json, nullable=False),
    sqlite_autoincrement=True,
)
