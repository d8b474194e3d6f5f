"""What somebody found wrong with what a code names."""

from sqlalchemy import Column, Index, String, Text

from app.store.tables.base import table
from app.store.types import Ascii, Id, Instant, Json

complaint = table(
    "complaint",
    "id",
    Column("id", Id, primary_key=True),  # of the reference, which is not kept
    Column("code", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("site_id", Id),
    Column("party_id", Id),
    Column("region", Ascii),
    Column("custody_ids", Json, nullable=False),
    Column("lot_ids", Json, nullable=False),
    Column("text", Text, nullable=False),
    Column("contact", String),
    Column("photos", Json, nullable=False),
    Column("language", String, nullable=False),
    Column("state", String, nullable=False),
    Column("answer", Text),
    Column("record_time", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("history", Json, nullable=False),
    Column("owner", Id),  # a key or a person
)
Index(None, complaint.c.record_time, complaint.c.id)
Index(None, complaint.c.site_id, complaint.c.record_time)
Index(None, complaint.c.region, complaint.c.record_time)
