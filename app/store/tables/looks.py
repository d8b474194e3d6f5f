"""Who has looked at whose personal data. Rows are added and never changed."""

from sqlalchemy import Column, Index, String

from app.store.tables.base import table
from app.store.types import Ascii, Id, Instant, Json

look = table(
    "look",
    "id",
    Column("id", Id, primary_key=True),
    Column("record_time", Instant, nullable=False),
    Column("reader_id", Id, nullable=False),  # of the key or person
    Column("person", String),  # the login name of a person, as it was
    Column("role", String, nullable=False),
    Column("party_id", Id),
    Column("region", Ascii),  # the reader's
    Column("subject_kind", String, nullable=False),
    Column("subject_id", String, nullable=False),
    Column("subject_region", Ascii),
    Column("fields", Json, nullable=False),
    Column("request", String, nullable=False),
    Column("request_id", String),
)
Index(None, look.c.record_time, look.c.id)
Index(None, look.c.region, look.c.record_time)
Index(None, look.c.subject_region, look.c.record_time)
Index(None, look.c.subject_id, look.c.record_time)
Index(None, look.c.reader_id, look.c.record_time)
