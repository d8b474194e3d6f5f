"""Documents that were posted to be captured: the jobs, and their bytes until they are done."""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String

from app.store.tables.base import table
from app.store.types import Id, Instant, Json

capture_job = table(
    "capture_job",
    "id",
    Column("id", Id, primary_key=True),
    # Whose it is, and under which key: it is recorded as if they were there.
    Column("recorder_id", Id, nullable=False),
    Column("key_id", Id, nullable=False),
    Column("role", String, nullable=False),
    Column("party_id", Id),
    Column("region", String),
    Column("media_type", String, nullable=False),
    Column("behaviour", String, nullable=False),  # rollback | proceed
    Column("state", String, nullable=False),  # receiving | waiting | running | done
    Column("success", Boolean, nullable=False),
    Column("size", Integer, nullable=False),  # bytes
    Column("events", Integer),  # of the document, when it has been looked at
    Column("handled", Integer, nullable=False),  # of these, so far
    Column("counts", Json, nullable=False),  # recorded, duplicate, refused, flagged
    Column("faults", Integer, nullable=False),
    Column("errors", Json, nullable=False),  # the first of them
    Column("outcomes", Json),  # of the first events, when it is done
    Column("capture_id", Id),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    # Nobody else works at it until then; null where there is nothing to be done.
    Column("lease_until", Instant),
    Column("attempts", Integer, nullable=False),
)
_c = capture_job.c
Index(None, _c.lease_until)
Index(None, _c.finished_at)
Index(None, _c.created_at, _c.id)
Index(None, _c.recorder_id, _c.created_at, _c.id)

capture_piece = table(
    "capture_piece",
    "job_id",
    Column("job_id", Id, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),  # zlib
)
