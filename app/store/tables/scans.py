"""How often each code was scanned, when and, of numbered units, where."""

from sqlalchemy import BigInteger, Column, Integer, String

from app.store.tables.base import table
from app.store.types import Instant

scan_count = table(
    "scan_count",
    "code",
    Column("code", String, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("first_time", Instant, nullable=False),
    Column("last_time", Instant, nullable=False),
    # How many of them in the hour of the last one; hours are counted from 1970.
    Column("hour", Integer, nullable=False),
    Column("hour_count", Integer, nullable=False),
    # Of numbered units alone: where (GB/T 2260) the first and the last scan of which that is known came from, and when.
    Column("first_place", String),
    Column("place", String),
    Column("placed_time", Instant),
    # Why the unit may be a copy, and since when.
    Column("doubt", String),
    Column("doubt_time", Instant),
    rowid=False,
)
