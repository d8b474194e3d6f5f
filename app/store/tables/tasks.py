"""Long tasks of which one process at a time does a piece."""

from sqlalchemy import Column, String

from app.store.tables.base import table
from app.store.types import Id, Instant, Json

task = table(
    "task",
    "replicated",
    Column("name", String, primary_key=True),
    Column("holder", Id),  # the process that has it, until then
    Column("lease_until", Instant),
    Column("state", String, nullable=False),  # idle | running | cancelled
    Column("place", Json),  # where to go on; null at the beginning
    Column("counts", Json, nullable=False),  # of the run that is on, or was last
    Column("started_at", Instant),
    Column("finished_at", Instant),
    rowid=False,
)
