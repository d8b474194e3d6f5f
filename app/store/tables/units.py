"""Numbered units (N): what was ordered, and which of the numbers are in use. Their codes are derived."""

from sqlalchemy import BigInteger, Column, Index, Integer, String

from app.store.tables.base import table
from app.store.types import Id, Instant

code_job = table(
    "code_job",
    "replicated",
    Column("id", Id, primary_key=True),  # of who ordered it and `ref`
    Column("number", BigInteger, nullable=False, unique=True),  # in the codes
    Column("lot_id", Id, nullable=False),
    Column("site_id", Id, nullable=False),  # where the lot is theirs who ordered
    Column("party_id", Id),
    Column("recorder_id", Id, nullable=False),
    Column("ref", String, nullable=False),
    Column("count", Integer, nullable=False),  # units are numbered 1..count
    Column("status", String, nullable=False),  # ready | cancelled
    Column("downloaded", Integer, nullable=False),  # the highest number that was handed out
    Column("record_time", Instant, nullable=False),
    Column("cancelled_at", Instant),
)
Index(None, code_job.c.lot_id)

# Ranges of one job and state do not overlap.
code_range = table(
    "code_range",
    "job_id",
    Column("job_id", Id, primary_key=True),
    Column("state", String, primary_key=True),  # active | revoked
    Column("first", Integer, primary_key=True),
    Column("last", Integer, nullable=False),
    Column("site_id", Id),  # where they go on sale
    Column("reason", String),
    Column("changed_by", Id, nullable=False),
    Column("record_time", Instant, nullable=False),
    rowid=False,
)
