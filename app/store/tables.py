"""Every table, with the column it is distributed by on a sharded database.

`info["distributed_by"]` names that column; "replicated" marks small master data, copied to every shard; "local" marks
what one coordinator keeps. A distributed table has no foreign key, no sequence, and its distribution column is part of
its primary key and of every unique constraint.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    text,
)

from app.store.types import Ascii, BigId, Id, Instant, Json, Xid

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _table(name: str, distributed_by: str, *items: Any, rowid: bool = True, **options: Any) -> Table:
    return Table(name, metadata, *items, info={"distributed_by": distributed_by}, sqlite_with_rowid=rowid, **options)


def _amount(name: str) -> Column[int]:
    """Grams or pieces, by the measure of the product."""
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


# --- master data: small, replicated, with history ---

party = _table(
    "party",
    "replicated",
    Column("id", Id, primary_key=True),
    Column("code", String, nullable=False),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("region", String),
    Column("credit_code", String, unique=True),
    Column("licences", Json, nullable=False),
    Column("contact", Json),
    Column("external_codes", Json, nullable=False),
    Column("status", String, nullable=False),
    Column("status_reason", String),
    Column("warnings", Json, nullable=False),
    Column("enrolled_by", Id),
    Column("version", Integer, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("record_time", Instant, nullable=False),
)
Index(None, party.c.record_time, party.c.id)

site = _table(
    "site",
    "replicated",
    Column("id", Id, primary_key=True),
    Column("code", String, nullable=False),
    Column("party_id", Id, nullable=False),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("parent_site_id", Id),
    # Hex ids from the root down to the site itself, each followed by "/": descendants are one prefix query.
    Column("path", Ascii, nullable=False),
    Column("region", String),
    Column("address", String),
    Column("gln", String),
    Column("time_zone", String, nullable=False),
    Column("external_codes", Json, nullable=False),
    Column("admission_rules", Json),
    Column("status", String, nullable=False),
    Column("status_reason", String),
    Column("uri", String),
    Column("version", Integer, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("record_time", Instant, nullable=False),
)
Index(None, site.c.party_id)
Index(None, site.c.path)
Index(None, site.c.record_time, site.c.id)

product = _table(
    "product",
    "replicated",
    Column("id", Id, primary_key=True),
    Column("name", String, nullable=False),
    Column("category", String, nullable=False),
    Column("gtin", String),
    Column("measure", String, nullable=False),
    Column("grams_per_piece", Integer),
    Column("shelf_life_days", Integer),
    Column("external_codes", Json, nullable=False),
    Column("enrolled_by", Id),
    Column("version", Integer, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("record_time", Instant, nullable=False),
)
Index(None, product.c.gtin)
Index(None, product.c.record_time, product.c.id)

device = _table(
    "device",
    "replicated",
    Column("id", Id, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("site_id", Id, nullable=False),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("serial", String),
    Column("status", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("activation_hash", LargeBinary),
    Column("activation_expires", Instant),
    Column("activation_tries", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("record_time", Instant, nullable=False),
)
Index(None, device.c.site_id)
Index(None, device.c.activation_hash)
Index(None, device.c.record_time, device.c.id)

api_key = _table(
    "api_key",
    "replicated",
    Column("id", Id, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("role", String, nullable=False),
    Column("name", String),
    Column("party_id", Id),
    Column("region", String),
    Column("device_id", Id),
    Column("status", String, nullable=False),
    Column("record_time", Instant, nullable=False),
    Column("last_used", Instant),
)
Index(None, api_key.c.record_time, api_key.c.id)

# What a party, site, product or device was, from when: last month's receipt shows last month's operator.
master_version = _table(
    "master_version",
    "replicated",
    Column("subject_id", Id, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("record_time", Instant, nullable=False),
    Column("changed_by", Id),
    Column("body", Json, nullable=False),
    rowid=False,
)

external_code = _table(
    "external_code",
    "replicated",
    Column("value", String, primary_key=True),
    Column("scheme", String, primary_key=True),
    Column("subject_id", Id, primary_key=True),
    Column("kind", String, nullable=False),
    rowid=False,
)

document = _table(
    "document",
    "replicated",
    Column("id", Id, primary_key=True),
    Column("type", String, nullable=False),
    Column("number", String),
    Column("issuer", String),
    Column("issued_on", Date),
    Column("expires_on", Date),
    Column("class", String),
    Column("covers", Json),
    Column("owner_party_id", Id),
    Column("file_hash", LargeBinary, nullable=False),
    Column("file_name", String),
    Column("media_type", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("record_time", Instant, nullable=False),
)

# --- codes ---

code = _table(
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

# --- events: append-only ---

event = _table(
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

correction = _table(
    "correction",
    "event_id",
    Column("event_id", Id, primary_key=True),
    Column("correcting_event_id", Id, primary_key=True),
    Column("reason", String, nullable=False),
    Column("replacement_event_id", Id),
    Column("record_time", Instant, nullable=False),
    rowid=False,
)

flag = _table(
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

# --- the chain of custody ---

lot = _table(
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

custody = _table(
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
    _amount("amount_in"),
    _amount("sold"),
    _amount("shipped"),
    _amount("processed"),
    _amount("returned"),
    _amount("destroyed"),
    _amount("unexplained"),
    Column("receipts", Integer, nullable=False, server_default=text("0")),
    Column("admission", String),  # admitted | refused
    Column("gap_reason", String),  # outside | voided
    # What the paper of a gap said: {name, contact, address, document_ids}
    Column("paper", Json),
    Column("reported_by", Id),
    Column("voided_by", Id),
    Column("epc", String),
)
Index(None, custody.c.lot_id)
Index(None, custody.c.site_id, custody.c.arrived_at)
Index(None, custody.c.party_id, custody.c.arrived_at)
Index(None, custody.c.epc, postgresql_where=custody.c.epc.is_not(None), sqlite_where=custody.c.epc.is_not(None))

custody_link = _table(
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

timeline = _table(
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

slip = _table(
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
Index(None, slip.c.site_id, slip.c.shipped_at)
Index(None, slip.c.to_site_id, slip.c.shipped_at)

slip_item = _table(
    "slip_item",
    "slip_code",
    Column("slip_code", String, primary_key=True),
    Column("custody_id", Id, primary_key=True),
    Column("product_id", Id, nullable=False),
    Column("lot_id", Id, nullable=False),
    Column("position", SmallInteger, nullable=False),
    _amount("amount"),
    _amount("received"),
    rowid=False,
)

hold = _table(
    "hold",
    "id",
    Column("id", Id, primary_key=True),  # the event that placed it
    Column("scope", String, nullable=False),  # custody | downstream | lot
    Column("custody_id", Id, nullable=False),
    Column("lot_id", Id, nullable=False),
    Column("reason", String, nullable=False),
    Column("authority", SmallInteger, nullable=False),
    Column("placed_by", Id, nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("released_by", Id),  # the event that released it
)
Index(None, hold.c.lot_id, postgresql_where=hold.c.released_by.is_(None), sqlite_where=hold.c.released_by.is_(None))
Index(
    "ix_hold_downstream",
    hold.c.id,
    postgresql_where=(hold.c.released_by.is_(None)) & (hold.c.scope == "downstream"),
    sqlite_where=(hold.c.released_by.is_(None)) & (hold.c.scope == "downstream"),
)
Index(None, hold.c.custody_id, postgresql_where=hold.c.released_by.is_(None), sqlite_where=hold.c.released_by.is_(None))

# Which document speaks for which custody or site.
attachment = _table(
    "attachment",
    "subject_id",
    Column("subject_id", Id, primary_key=True),
    Column("document_id", Id, primary_key=True),
    Column("event_id", Id, nullable=False),
    rowid=False,
)
Index(None, attachment.c.document_id)

# --- sales ---

receipt = _table(
    "receipt",
    "id",
    # (device number, epoch, counter) in 63 bits: the scale's own numbering is the key.
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("device_id", Id, nullable=False),
    Column("site_id", Id, nullable=False),
    Column("event_time", Instant, nullable=False),
    Column("utc_offset", SmallInteger, nullable=False),
    Column("record_time", Instant, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("operator", String),
    Column("payment", String),
    Column("flags", Json, nullable=False),
)
Index(None, receipt.c.site_id, receipt.c.event_time)

receipt_line = _table(
    "receipt_line",
    "receipt_id",
    Column("receipt_id", BigInteger, primary_key=True),
    Column("line", SmallInteger, primary_key=True),
    Column("custody_id", Id),
    Column("product_id", Id),
    Column("amount", BigInteger, nullable=False),
    Column("value", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("amount_fen", BigInteger),
    rowid=False,
)
Index(None, receipt_line.c.custody_id, receipt_line.c.receipt_id)

# A counter used again with other content: a reset scale or a copied one. Both claims are kept.
receipt_claim = _table(
    "receipt_claim",
    "receipt_id",
    Column("receipt_id", BigInteger, primary_key=True),
    Column("content_hash", LargeBinary, primary_key=True),
    Column("body", Json, nullable=False),
    Column("record_time", Instant, nullable=False),
    rowid=False,
)

# --- captured EPCIS ---

epc_event = _table(
    "epc_event",
    "epc",
    Column("epc", String, primary_key=True),
    Column("event_id", Id, primary_key=True),
    rowid=False,
)

packing = _table(
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

# A document as it came, less its events: context, header and everything else, so that it goes out as it came in.
capture = _table(
    "capture",
    "id",
    Column("id", Id, primary_key=True),
    Column("record_time", Instant, nullable=False),
    Column("envelope", Json, nullable=False),
    Column("event_ids", Json, nullable=False),
)

# --- the change feed ---

feed = _table(
    "feed",
    "local",
    Column("seq", BigId, primary_key=True, autoincrement=True),
    Column("xid", Xid, index=True),
    Column("record_time", Instant, nullable=False),
    # Ids (hex) and codes that changed in a way a page or a cached key shows.
    Column("touched", Json, nullable=False),
    sqlite_autoincrement=True,
)
