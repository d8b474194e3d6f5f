"""Named EPCIS queries and who is told of what they find."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String

from app.store.tables.base import table
from app.store.types import Id, Instant, Json

epcis_query = table(
    "epcis_query",
    "replicated",
    Column("id", Id, primary_key=True),  # of owner and name
    Column("owner_id", Id, nullable=False),
    Column("name", String, nullable=False),
    Column("query", Json, nullable=False),
    Column("record_time", Instant, nullable=False),
)
Index(None, epcis_query.c.owner_id, epcis_query.c.name)

epcis_subscription = table(
    "epcis_subscription",
    "id",
    Column("id", Id, primary_key=True),
    Column("query_id", Id, nullable=False),
    Column("owner_id", Id, nullable=False),
    # For whom it reads.
    Column("role", String, nullable=False),
    Column("party_id", Id),
    Column("region", String),
    Column("key_id", Id, nullable=False),
    Column("dest", String, nullable=False),
    Column("token", LargeBinary),  # veiled with the master secret
    Column("epc_format", String),
    Column("cbv_xml_format", String),
    Column("media_type", String),
    Column("xml_version", String),
    Column("report_if_empty", Boolean, nullable=False),
    Column("since", Instant),
    Column("schedule", Json),
    Column("status", String, nullable=False),
    Column("reason", String),
    Column("position", BigInteger, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("due", Instant, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("told_at", Instant),
    Column("record_time", Instant, nullable=False),
)
Index(None, epcis_subscription.c.query_id)
Index(None, epcis_subscription.c.owner_id)
Index(None, epcis_subscription.c.status, epcis_subscription.c.due)
