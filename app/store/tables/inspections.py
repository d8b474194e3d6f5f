"""What authorities recorded about places and parties: small, replicated, never changed."""

from sqlalchemy import Boolean, Column, Date, Index, Integer, String, Text

from app.store.tables.base import table
from app.store.types import Ascii, Id, Instant

inspection = table(
    "inspection",
    "replicated",
    Column("id", Id, primary_key=True),
    Column("site_id", Id),
    Column("party_id", Id, nullable=False),
    Column("region", Ascii),
    Column("kind", String, nullable=False),
    Column("inspected_on", Date, nullable=False),
    Column("result", String),
    Column("grade", String),
    Column("score", Integer),
    Column("text", Text, nullable=False),
    Column("number", String),
    Column("authority", String, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("note", Text),
    Column("replaces", Id),
    Column("recorder_id", Id, nullable=False),
    Column("record_time", Instant, nullable=False),
)
Index(None, inspection.c.site_id, inspection.c.record_time)
Index(None, inspection.c.party_id, inspection.c.record_time)
Index(None, inspection.c.region, inspection.c.record_time)
Index(None, inspection.c.record_time, inspection.c.id)
Index(None, inspection.c.replaces)
