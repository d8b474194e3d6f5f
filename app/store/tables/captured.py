"""Captured EPCIS: packings, documents as they came."""

from sqlalchemy import Boolean, Column, String

from app.store.tables.base import table
from app.store.types import Ascii, Id, Instant, Json

packing = table(
    "packing",
    "unit_epc",
    Column("unit_epc", String, primary_key=True),
    Column("content_epc", String, primary_key=True),
    Column("from_event_id", Id, primary_key=True),
    Column("from_time", Instant, nullable=False),
    Column("to_event_id", Id),
    Column("to_time", Instant),
    rowid=False,
)

# Places of captured events that are sites of ours: decided once, and kept; and others whose goods are to be computed
# again.
site_alias = table(
    "site_alias",
    "replicated",
    Column("uri", Ascii, primary_key=True),
    Column("site_id", Id, nullable=False),
    Column("record_time", Instant, nullable=False),
    # Whether the goods that had been there before were computed again.
    Column("settled", Boolean, nullable=False),
    rowid=False,
)

# What documents say lies below a place: canonical URIs.
place_child = table(
    "place_child",
    "replicated",
    Column("parent", Ascii, primary_key=True),
    Column("child", Ascii, primary_key=True),
    rowid=False,
)

# What documents say of the elements of vocabularies: {full name of an attribute: [values]}.
vocabulary_attribute = table(
    "vocabulary_attribute",
    "element",
    Column("element", Ascii, primary_key=True),  # canonical URI
    Column("said_by", Id, primary_key=True),
    Column("said", Json, nullable=False),
)

# A document as it came, less its events: context, header and everything else, so that it goes out as it came in.
capture = table(
    "capture",
    "id",
    Column("id", Id, primary_key=True),
    Column("record_time", Instant, nullable=False),
    Column("recorder_id", Id, nullable=False),  # who brought it
    Column("envelope", Json, nullable=False),
    # In its order: an event's id, {"id", "body"} where it is kept as another document wrote it, {"body"} of one that
    # was refused.
    Column("event_ids", Json, nullable=False),
)
