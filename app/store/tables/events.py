"""Codes and events; events are append-only."""

from sqlalchemy import Column, Index, LargeBinary, SmallInteger, String

from app.store.tables.base import table
from app.store.types import Id, Instant, Json

code = table(
    "code",
    "code",
    Column("code", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("subject_id", Id, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", String),
    Column("replacement", String),
    Column("minted_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    rowid=False,
)

Index(
    None, code.c.replacement, postgresql_where=code.c.replacement.is_not(None),
    sqlite_where=code.c.replacement.is_not(None),
)  # fmt: skip

event = table(
    "event",
    "id",
    Column("id", Id, primary_key=True),
    Column("kind", String, nullable=False),
    Column("event_time", Instant, nullable=False),
    # Minutes east of UTC, as the recorder's clock stood.
    Column("utc_offset", SmallInteger, nullable=False),
    Column("record_time", Instant, nullable=False),
    Column("site_id", Id),
    Column("party_id", Id),
    Column("recorder_id", Id, nullable=False),
    Column("role", String, nullable=False),
    Column("ref", String),
    Column("content_hash", LargeBinary, nullable=False),
    Column("body", Json, nullable=False),
    Column("outcome", Json, nullable=False),
    # [[custody id, entry, amount]…]: what the event did to balances, so that it can be voided and rebuilt.
    Column("entries", Json, nullable=False),
    # The eventID of a captured EPCIS event; documents reuse it, so it is an attribute and no key.
    Column("epcis_event_id", String),
)
Index(None, event.c.site_id, event.c.event_time)
Index(None, event.c.party_id, event.c.event_time)
Index(None, event.c.record_time, event.c.id)
Index(
    None,
    event.c.epcis_event_id,
    postgresql_where=event.c.epcis_event_id.is_not(None),
    sqlite_where=event.c.epcis_event_id.is_not(None),
)

correction = table(
    "correction",
    "event_id",
    Column("event_id", Id, primary_key=True),
    Column("correcting_event_id", Id, primary_key=True),
    Column("reason", String, nullable=False),
    Column("replacement_event_id", Id),
    Column("record_time", Instant, nullable=False),
    rowid=False,
)

Index(
    None,
    correction.c.replacement_event_id,
    postgresql_where=correction.c.replacement_event_id.is_not(None),
    sqlite_where=correction.c.replacement_event_id.is_not(None),
)

flag = table(
    "flag",
    "event_id",
    Column("event_id", Id, primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("slug", String, nullable=False),
    Column("detail", String, nullable=False),
    Column("record_time", Instant, nullable=False),
    rowid=False,
)
Index(None, flag.c.slug, flag.c.record_time)
