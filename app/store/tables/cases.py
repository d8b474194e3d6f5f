"""Case files: what an office hands to the next one, and which goods lie in them."""

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Text

from app.store.tables.base import table
from app.store.types import Ascii, Id, Instant, Json

case_file = table(
    "case_file",
    "replicated",
    Column("id", Id, primary_key=True),
    Column("record_time", Instant, nullable=False),
    Column("opened_by", Id, nullable=False),  # the recorder
    Column("person", String),  # login name, None for a key
    Column("region", Ascii),  # whose it is; None for the operator's
    Column("to_region", Ascii, nullable=False),
    Column("starts", Json, nullable=False),  # [{kind, value}…]
    Column("reason", Text, nullable=False),
    Column("custodies", Integer, nullable=False),
    Column("state", String, nullable=False),  # open | closed
    Column("closed_at", Instant),
    Column("handed_at", Instant),  # when its file was last sent to the end
    Column("manifest_hash", LargeBinary),  # SHA-256 of that file's manifest
)
Index(None, case_file.c.record_time, case_file.c.id)

case_custody = table(
    "case_custody",
    "custody_id",
    Column("custody_id", Id, primary_key=True),
    Column("case_id", Id, primary_key=True),
    rowid=False,
)
Index(None, case_custody.c.case_id)
