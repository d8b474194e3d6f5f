"""Master data: small, replicated, with history."""

from sqlalchemy import BigInteger, Column, Date, Index, Integer, LargeBinary, String, text

from app.store.tables.base import table
from app.store.types import Ascii, Id, Instant, Json

party = table(
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

site = table(
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
Index(None, site.c.code)
Index(None, site.c.party_id)
Index(None, site.c.path)
Index(None, site.c.gln, postgresql_where=site.c.gln.is_not(None), sqlite_where=site.c.gln.is_not(None))
Index(None, site.c.record_time, site.c.id)

product = table(
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

device = table(
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
    # Sales from this counter on, and where it was not read off the device from this time on, are of this site.
    Column("first_counter", Integer, nullable=False, server_default=text("0")),
    Column("first_time", Instant),
)
Index(None, device.c.site_id)
Index(None, device.c.activation_hash)
Index(None, device.c.record_time, device.c.id)

api_key = table(
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
Index(None, api_key.c.device_id)

# What a party, site, product or device was, from when: last month's receipt shows last month's operator.
master_version = table(
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

external_code = table(
    "external_code",
    "replicated",
    Column("value", String, primary_key=True),
    Column("scheme", String, primary_key=True),
    Column("subject_id", Id, primary_key=True),
    Column("kind", String, nullable=False),
    rowid=False,
)

document = table(
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
Index(None, document.c.file_hash)
Index(None, document.c.record_time, document.c.id)
