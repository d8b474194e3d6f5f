"""Links that are published for what GS1 keys name."""

from sqlalchemy import Boolean, Column, Index, String

from app.store.tables.base import table
from app.store.types import Ascii, Id, Instant, Json

link = table(
    "link",
    "anchor",
    Column("anchor", Ascii, primary_key=True),  # the path of a Digital Link
    Column("id", Id, primary_key=True),  # of what tells it from the others of its anchor
    Column("owner_id", Id, nullable=False),  # the recorder who published it
    Column("link_type", String, nullable=False),
    Column("href", String, nullable=False),
    Column("title", String, nullable=False),
    Column("hreflang", Json, nullable=False),
    Column("type", String),
    Column("context", Json, nullable=False),
    Column("fwqs", Boolean, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("default", Boolean, nullable=False),
    Column("record_time", Instant, nullable=False),
)
Index(None, link.c.id)
Index(None, link.c.owner_id, link.c.record_time, link.c.id)
Index(None, link.c.record_time, link.c.id)
