"""The EPCIS repository: every event that it shows, captured or native, in the order in which they came to be shown."""

from sqlalchemy import BigInteger, Column, Index, SmallInteger, String, text

from app.store.tables.base import table
from app.store.types import Ascii, Id, Instant, Json

# Conditions of partial indexes; a statement says them to the letter.
OWN = "\"role\" <> 'capture'"
ASSERTED = '"party_id" <> "recorder_id"'
DELETED = "\"action\" = 'DELETE'"

epcis_event = table(
    "epcis_event",
    "event_id",
    Column("event_id", Id, primary_key=True),
    # Grows in the order of commits: whoever has seen n has seen all below it.
    Column("position", BigInteger, nullable=False),
    # What filters for equality ask for: bare words of CBV or URIs, places canonical; null where the event says none.
    Column("type", String, nullable=False),
    Column("event_time", Instant, nullable=False),
    Column("record_time", Instant, nullable=False),
    Column("action", String),
    Column("biz_step", String),
    Column("disposition", String),
    Column("read_point", Ascii),
    Column("biz_location", Ascii),
    Column("transformation_id", String),
    Column("epcis_event_id", String, nullable=False),
    # Who may read it, as in `event`.
    Column("recorder_id", Id, nullable=False),
    Column("party_id", Id),
    Column("site_id", Id),
    Column("role", String, nullable=False),
    # The @context of its document, where that declares more than the standard's.
    Column("context", Json),
    # A native event as it was published; the body of a captured one is in `event`.
    Column("body", Json),
)
_c = epcis_event.c
Index(None, _c.position)
Index(None, _c.event_time, _c.position)
Index(None, _c.record_time, _c.position)
Index(None, _c.epcis_event_id)
for _column in (_c.type, _c.biz_step, _c.disposition, _c.read_point, _c.biz_location):
    Index(None, _column, _c.event_time, _c.position)
# Of the actions the rare one alone: of the others there is one everywhere.
Index(
    None, _c.action, _c.event_time, _c.position, sqlite_where=text(DELETED), postgresql_where=text(DELETED),
)  # fmt: skip
# What somebody may read who may read little (`app.store.repository_readers`): captured events are their party's.
for _time in (_c.event_time, _c.record_time):
    for _column, _also, _conditions in (
        (_c.recorder_id, (), OWN),
        (_c.party_id, (), ASSERTED),
        (_c.site_id, (_c.role,), '"site_id" IS NOT NULL'),
    ):
        Index(
            None, _column, _time, _c.position, *_also,
            sqlite_where=text(_conditions), postgresql_where=text(_conditions),
        )  # fmt: skip

# What events name. `roles` is a bit mask: domain.epcis.named.Role; 0 for rows that are still to be published.
epc_event = table(
    "epc_event",
    "epc",
    Column("epc", Ascii, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("event_id", Id, primary_key=True),
    Column("roles", SmallInteger, nullable=False),
    rowid=False,
)

# Events that are still to be shown: native ones since their own commit.
unpublished = table("unpublished", "event_id", Column("event_id", Id, primary_key=True), rowid=False)

# Those of which no EPCIS event could be made, and why: they wait until it is tried again.
unpublishable = table(
    "unpublishable",
    "event_id",
    Column("event_id", Id, primary_key=True),
    Column("record_time", Instant, nullable=False),
    Column("reason", String, nullable=False),
    rowid=False,
)
