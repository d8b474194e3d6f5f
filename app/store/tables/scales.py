"""What scales work with: the price lists of sites, and what a device last said of itself."""

from sqlalchemy import BigInteger, Column, Integer, String, UniqueConstraint

from app.store.tables.base import table
from app.store.types import Id, Instant

# A list holds for the site and everything below it, as far as nothing nearer says otherwise.
price = table(
    "price",
    "replicated",
    Column("site_id", Id, primary_key=True),
    Column("product_id", Id, primary_key=True),
    Column("plu", Integer),  # the number of the key or the digits that a person types on the scale
    Column("price_fen", BigInteger),
    Column("unit", String),
    Column("record_time", Instant, nullable=False),
    UniqueConstraint("site_id", "plu"),
    rowid=False,
)

# Apart from `device`, which is master data with history: this changes with every minute that a scale is on.
device_report = table(
    "device_report",
    "device_id",
    Column("device_id", Id, primary_key=True),
    Column("seen_at", Instant, nullable=False),
    Column("firmware", String),
    Column("clock_skew_seconds", Integer),  # the device's clock less ours
    rowid=False,
)
