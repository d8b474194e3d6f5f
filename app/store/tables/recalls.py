"""Recalls: what was decided, whom it concerns with which goods, what each was told and has answered."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Text

from app.store.tables.base import amount, table
from app.store.types import Ascii, Id, Instant, Json

recall = table(
    "recall",
    "id",
    Column("id", Id, primary_key=True),
    Column("number", String, nullable=False),
    Column("ref", String, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("state", String, nullable=False),  # mock | live | closed
    Column("grade", String, nullable=False),
    Column("region", Ascii),
    Column("recorder_id", Id, nullable=False),
    Column("title", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("hazard", Text, nullable=False),
    Column("advice", Json, nullable=False),
    Column("persons", Json, nullable=False),
    Column("scope", Json, nullable=False),
    Column("known_at", Instant, nullable=False),
    Column("record_time", Instant, nullable=False),
    Column("started_at", Instant),
    Column("closed_at", Instant),
    Column("outcome", String),
    Column("conclusion", Text),
    Column("version", Integer, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("history", Json, nullable=False),
    Column("counts", Json),
    Column("resolved_at", Instant),
)
Index(None, recall.c.state, recall.c.record_time)
Index(None, recall.c.number)

recall_place = table(
    "recall_place",
    "id",
    Column("id", Id, primary_key=True),  # of recall, site, party and product
    Column("recall_id", Id, nullable=False),
    Column("site_id", Id),
    Column("party_id", Id),
    Column("product_id", Id, nullable=False),
    Column("region", Ascii),
    Column("beyond", Boolean, nullable=False),
    Column("gone", Boolean, nullable=False),
    Column("measure", String, nullable=False),
    Column("custodies", Integer, nullable=False),
    Column("receipts", BigInteger, nullable=False),
    amount("received"),
    amount("sold"),
    amount("shipped"),
    amount("processed"),
    amount("returned"),
    amount("destroyed"),
    amount("unexplained"),
    Column("record_time", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
)
Index(None, recall_place.c.recall_id, recall_place.c.party_id)
Index(None, recall_place.c.site_id)
Index(None, recall_place.c.party_id)

recall_notice = table(
    "recall_notice",
    "id",
    Column("id", Id, primary_key=True),  # of recall and party
    Column("recall_id", Id, nullable=False),
    Column("party_id", Id, nullable=False),
    Column("region", Ascii),
    Column("state", String, nullable=False),  # pending | notified | acknowledged | answered | withdrawn
    Column("notify_due", Instant, nullable=False),
    Column("notified_at", Instant),
    Column("channel", String),
    Column("acknowledged_at", Instant),
    Column("answered_at", Instant),
    Column("answer_due", Instant, nullable=False),
    Column("record_time", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("history", Json, nullable=False),
)
Index(None, recall_notice.c.recall_id, recall_notice.c.record_time)
Index(None, recall_notice.c.party_id)

# Append-only.
recall_answer = table(
    "recall_answer",
    "id",
    Column("id", Id, primary_key=True),  # of notice and ref
    Column("recall_id", Id, nullable=False),
    Column("notice_id", Id, nullable=False),
    Column("party_id", Id, nullable=False),
    Column("ref", String, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("recorder_id", Id, nullable=False),
    Column("key_id", Id, nullable=False),
    Column("lines", Json, nullable=False),
    Column("note", Text),
    Column("evidence", Json, nullable=False),
    Column("record_time", Instant, nullable=False),
)
Index(None, recall_answer.c.recall_id, recall_answer.c.record_time)
