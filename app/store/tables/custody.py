"""The chain of custody: lots, custodies, links, timelines, slips, holds."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, LargeBinary, SmallInteger, String, text

from app.store.tables.base import amount, table
from app.store.types import Id, Instant, Json

lot = table(
    "lot",
    "id",
    Column("id", Id, primary_key=True),
    Column("code", String),
    Column("product_id", Id, nullable=False),
    Column("maker_id", Id),
    Column("lot_number", String, nullable=False),
    Column("produced_on", Date),
    Column("expires_on", Date),
    Column("made_event_id", Id, nullable=False),
    # [{kind, code, name, used_on, withdrawal_until}…] of the harvest
    Column("inputs_used", Json),
    Column("epc", String),
)
Index(None, lot.c.product_id, lot.c.lot_number)
Index(None, lot.c.epc, postgresql_where=lot.c.epc.is_not(None), sqlite_where=lot.c.epc.is_not(None))

custody = table(
    "custody",
    "id",
    Column("id", Id, primary_key=True),
    Column("kind", String, nullable=False),  # custody | gap
    Column("code", String),
    Column("lot_id", Id, nullable=False),
    Column("product_id", Id, nullable=False),
    Column("site_id", Id),
    Column("party_id", Id),
    Column("measure", String, nullable=False),
    Column("arrived_event_id", Id, nullable=False),
    Column("arrived_at", Instant, nullable=False),
    Column("expires_on", Date),
    # The last day of a withdrawal period (安全间隔期) of what was used on the lot.
    Column("withdrawal_until", Date),
    amount("amount_in"),
    amount("sold"),
    amount("shipped"),
    amount("processed"),
    amount("returned"),
    amount("destroyed"),
    amount("unexplained"),
    Column("receipts", Integer, nullable=False, server_default=text("0")),
    Column("admission", String),  # admitted | refused
    Column("gap_reason", String),  # outside | voided | unrecorded
    # What the paper of a gap said: {name, contact, address, document_ids}
    Column("paper", Json),
    Column("reported_by", Id),
    Column("voided_by", Id),
    Column("epc", String),
    # Ids of what it came from, 16 bytes each, as far as that was known when it arrived: what a scan reads ahead. What
    # is so its links say.
    Column("lineage", LargeBinary),
)
Index(None, custody.c.lot_id)
Index(None, custody.c.site_id, custody.c.arrived_at)
Index(None, custody.c.party_id, custody.c.arrived_at)
Index(None, custody.c.epc, postgresql_where=custody.c.epc.is_not(None), sqlite_where=custody.c.epc.is_not(None))

custody_link = table(
    "custody_link",
    "child_id",
    Column("child_id", Id, primary_key=True),
    Column("parent_id", Id, primary_key=True),
    Column("event_id", Id, primary_key=True),
    Column("kind", String, nullable=False),  # move | transform | return | outside | identify
    Column("grams", BigInteger),
    Column("pieces", BigInteger),
    # Only one side says so until the other side confirms: that side's party.
    Column("claimed_by", Id),
    rowid=False,
)
Index("ix_custody_link_parent", custody_link.c.parent_id, custody_link.c.child_id)

timeline = table(
    "timeline",
    "custody_id",
    Column("custody_id", Id, primary_key=True),
    Column("event_id", Id, primary_key=True),
    # in, sold, shipped, processed, returned, destroyed, unexplained change the balance; touched changes nothing.
    Column("entry", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("event_time", Instant, nullable=False),
    Column("amount", BigInteger, nullable=False),
    rowid=False,
)

slip = table(
    "slip",
    "code",
    Column("code", String, primary_key=True),
    Column("event_id", Id, nullable=False),
    Column("site_id", Id, nullable=False),
    Column("party_id", Id),
    Column("to_site_id", Id),
    Column("to_party", Json),
    Column("shipped_at", Instant, nullable=False),
    Column("status", String, nullable=False),  # open | voided
    Column("admission", String),
)
Index(None, slip.c.event_id)
Index(None, slip.c.site_id, slip.c.shipped_at)
Index(None, slip.c.to_site_id, slip.c.shipped_at)

slip_item = table(
    "slip_item",
    "slip_code",
    Column("slip_code", String, primary_key=True),
    Column("custody_id", Id, primary_key=True),
    Column("product_id", Id, nullable=False),
    Column("lot_id", Id, nullable=False),
    Column("position", SmallInteger, nullable=False),
    amount("amount"),
    amount("received"),
    rowid=False,
)

hold = table(
    "hold",
    "id",
    Column("id", Id, primary_key=True),  # the event that placed it, save for one of a recall
    Column("scope", String, nullable=False),  # see app.domain.holds
    Column("custody_id", Id, nullable=False),
    Column("lot_id", Id, nullable=False),
    Column("reason", String, nullable=False),
    Column("authority", SmallInteger, nullable=False),
    Column("placed_by", Id, nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("released_by", Id),  # the event that released it
    Column("recall_id", Id),
    Column("spares", Json),  # ids of custodies and sites that it does not reach
)
# Active holds that reach what comes from the goods; a partial index serves who asks in the same words.
ONWARD = "released_by IS NULL AND scope IN ('downstream', 'lot_downstream')"
Index(None, hold.c.lot_id, postgresql_where=hold.c.released_by.is_(None), sqlite_where=hold.c.released_by.is_(None))
Index(
    "ix_hold_downstream",
    hold.c.id,
    postgresql_where=text(ONWARD),
    sqlite_where=text(ONWARD),
)
Index(
    None, hold.c.recall_id, postgresql_where=hold.c.recall_id.is_not(None), sqlite_where=hold.c.recall_id.is_not(None)
)
Index(None, hold.c.custody_id, postgresql_where=hold.c.released_by.is_(None), sqlite_where=hold.c.released_by.is_(None))

# Which document speaks for which custody or site.
attachment = table(
    "attachment",
    "subject_id",
    Column("subject_id", Id, primary_key=True),
    Column("document_id", Id, primary_key=True),
    Column("event_id", Id, nullable=False),
    rowid=False,
)
Index(None, attachment.c.document_id)
