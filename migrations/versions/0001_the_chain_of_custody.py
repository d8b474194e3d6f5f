"""the chain of custody

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import BigId, Id, Instant, Json, Xid

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", Id(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("party_id", Id(), nullable=True),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("device_id", Id(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("last_used", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_key_record_time_id"), ["record_time", "id"], unique=False)

    op.create_table(
        "attachment",
        sa.Column("subject_id", Id(), nullable=False),
        sa.Column("document_id", Id(), nullable=False),
        sa.Column("event_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", "document_id", name=op.f("pk_attachment")),
        info={"distributed_by": "subject_id"},
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attachment_document_id"), ["document_id"], unique=False)

    op.create_table(
        "capture",
        sa.Column("id", Id(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("recorder_id", Id(), nullable=False),
        sa.Column("envelope", Json, nullable=False),
        sa.Column("event_ids", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capture")),
        info={"distributed_by": "id"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "code",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", Id(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("replacement", sa.String(), nullable=True),
        sa.Column("minted_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_code")),
        info={"distributed_by": "code"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "correction",
        sa.Column("event_id", Id(), nullable=False),
        sa.Column("correcting_event_id", Id(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("replacement_event_id", Id(), nullable=True),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "correcting_event_id", name=op.f("pk_correction")),
        info={"distributed_by": "event_id"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "custody",
        sa.Column("id", Id(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("lot_id", Id(), nullable=False),
        sa.Column("product_id", Id(), nullable=False),
        sa.Column("site_id", Id(), nullable=True),
        sa.Column("party_id", Id(), nullable=True),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("arrived_event_id", Id(), nullable=False),
        sa.Column("arrived_at", Instant(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("withdrawal_until", sa.Date(), nullable=True),
        sa.Column("amount_in", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("sold", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("shipped", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("processed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("returned", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("destroyed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("unexplained", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("receipts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("admission", sa.String(), nullable=True),
        sa.Column("gap_reason", sa.String(), nullable=True),
        sa.Column("paper", Json, nullable=True),
        sa.Column("reported_by", Id(), nullable=True),
        sa.Column("voided_by", Id(), nullable=True),
        sa.Column("epc", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custody")),
        info={"distributed_by": "id"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("custody", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_custody_epc"),
            ["epc"],
            unique=False,
            postgresql_where=sa.text("epc IS NOT NULL"),
            sqlite_where=sa.text("epc IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_custody_lot_id"), ["lot_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_custody_party_id_arrived_at"), ["party_id", "arrived_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_custody_site_id_arrived_at"), ["site_id", "arrived_at"], unique=False)

    op.create_table(
        "custody_link",
        sa.Column("child_id", Id(), nullable=False),
        sa.Column("parent_id", Id(), nullable=False),
        sa.Column("event_id", Id(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=True),
        sa.Column("pieces", sa.BigInteger(), nullable=True),
        sa.Column("claimed_by", Id(), nullable=True),
        sa.PrimaryKeyConstraint("child_id", "parent_id", "event_id", name=op.f("pk_custody_link")),
        info={"distributed_by": "child_id"},
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("custody_link", schema=None) as batch_op:
        batch_op.create_index("ix_custody_link_parent", ["parent_id", "child_id"], unique=False)

    op.create_table(
        "device",
        sa.Column("id", Id(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("site_id", Id(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("serial", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("activation_hash", sa.LargeBinary(), nullable=True),
        sa.Column("activation_expires", Instant(), nullable=True),
        sa.Column("activation_tries", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("number", name=op.f("uq_device_number")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_activation_hash"), ["activation_hash"], unique=False)
        batch_op.create_index(batch_op.f("ix_device_record_time_id"), ["record_time", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_device_site_id"), ["site_id"], unique=False)

    op.create_table(
        "document",
        sa.Column("id", Id(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("issuer", sa.String(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("class", sa.String(), nullable=True),
        sa.Column("covers", Json, nullable=True),
        sa.Column("owner_party_id", Id(), nullable=True),
        sa.Column("file_hash", sa.LargeBinary(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=True),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "epc_event",
        sa.Column("epc", sa.String(), nullable=False),
        sa.Column("event_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("epc", "event_id", name=op.f("pk_epc_event")),
        info={"distributed_by": "epc"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event",
        sa.Column("id", Id(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("event_time", Instant(), nullable=False),
        sa.Column("utc_offset", sa.SmallInteger(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("site_id", Id(), nullable=True),
        sa.Column("party_id", Id(), nullable=True),
        sa.Column("recorder_id", Id(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("body", Json, nullable=False),
        sa.Column("outcome", Json, nullable=False),
        sa.Column("entries", Json, nullable=False),
        sa.Column("epcis_event_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        info={"distributed_by": "id"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_event_epcis_event_id"),
            ["epcis_event_id"],
            unique=False,
            postgresql_where=sa.text("epcis_event_id IS NOT NULL"),
            sqlite_where=sa.text("epcis_event_id IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_event_party_id_event_time"), ["party_id", "event_time"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_record_time_id"), ["record_time", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_site_id_event_time"), ["site_id", "event_time"], unique=False)

    op.create_table(
        "external_code",
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("scheme", sa.String(), nullable=False),
        sa.Column("subject_id", Id(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("value", "scheme", "subject_id", name=op.f("pk_external_code")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feed",
        sa.Column("seq", BigId, autoincrement=True, nullable=False),
        sa.Column("xid", Xid, nullable=True),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("touched", Json, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_feed")),
        info={"distributed_by": "local"},
        sqlite_autoincrement=True,
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_feed_xid"), ["xid"], unique=False)

    op.create_table(
        "flag",
        sa.Column("event_id", Id(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "position", name=op.f("pk_flag")),
        info={"distributed_by": "event_id"},
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("flag", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_flag_slug_record_time"), ["slug", "record_time"], unique=False)

    op.create_table(
        "hold",
        sa.Column("id", Id(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("custody_id", Id(), nullable=False),
        sa.Column("lot_id", Id(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("authority", sa.SmallInteger(), nullable=False),
        sa.Column("placed_by", Id(), nullable=False),
        sa.Column("placed_at", Instant(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("released_by", Id(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
        info={"distributed_by": "id"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("hold", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_hold_custody_id"),
            ["custody_id"],
            unique=False,
            postgresql_where=sa.text("released_by IS NULL"),
            sqlite_where=sa.text("released_by IS NULL"),
        )
        batch_op.create_index(
            "ix_hold_downstream",
            ["id"],
            unique=False,
            postgresql_where=sa.text("released_by IS NULL AND scope = 'downstream'"),
            sqlite_where=sa.text("released_by IS NULL AND scope = 'downstream'"),
        )
        batch_op.create_index(
            batch_op.f("ix_hold_lot_id"),
            ["lot_id"],
            unique=False,
            postgresql_where=sa.text("released_by IS NULL"),
            sqlite_where=sa.text("released_by IS NULL"),
        )

    op.create_table(
        "lot",
        sa.Column("id", Id(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("product_id", Id(), nullable=False),
        sa.Column("maker_id", Id(), nullable=True),
        sa.Column("lot_number", sa.String(), nullable=False),
        sa.Column("produced_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("made_event_id", Id(), nullable=False),
        sa.Column("inputs_used", Json, nullable=True),
        sa.Column("epc", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot")),
        info={"distributed_by": "id"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("lot", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_lot_epc"),
            ["epc"],
            unique=False,
            postgresql_where=sa.text("epc IS NOT NULL"),
            sqlite_where=sa.text("epc IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_lot_product_id_lot_number"), ["product_id", "lot_number"], unique=False)

    op.create_table(
        "master_version",
        sa.Column("subject_id", Id(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("changed_by", Id(), nullable=True),
        sa.Column("body", Json, nullable=False),
        sa.PrimaryKeyConstraint("subject_id", "version", name=op.f("pk_master_version")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "packing",
        sa.Column("unit_epc", sa.String(), nullable=False),
        sa.Column("content_epc", sa.String(), nullable=False),
        sa.Column("from_event_id", Id(), nullable=False),
        sa.Column("from_time", Instant(), nullable=False),
        sa.Column("to_event_id", Id(), nullable=True),
        sa.Column("to_time", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("unit_epc", "content_epc", "from_event_id", name=op.f("pk_packing")),
        info={"distributed_by": "unit_epc"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "party",
        sa.Column("id", Id(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("credit_code", sa.String(), nullable=True),
        sa.Column("licences", Json, nullable=False),
        sa.Column("contact", Json, nullable=True),
        sa.Column("external_codes", Json, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("status_reason", sa.String(), nullable=True),
        sa.Column("warnings", Json, nullable=False),
        sa.Column("enrolled_by", Id(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party")),
        sa.UniqueConstraint("credit_code", name=op.f("uq_party_credit_code")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("party", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_party_record_time_id"), ["record_time", "id"], unique=False)

    op.create_table(
        "product",
        sa.Column("id", Id(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("gtin", sa.String(), nullable=True),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("grams_per_piece", sa.Integer(), nullable=True),
        sa.Column("shelf_life_days", sa.Integer(), nullable=True),
        sa.Column("external_codes", Json, nullable=False),
        sa.Column("enrolled_by", Id(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_product_gtin"), ["gtin"], unique=False)
        batch_op.create_index(batch_op.f("ix_product_record_time_id"), ["record_time", "id"], unique=False)

    op.create_table(
        "receipt",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("device_id", Id(), nullable=False),
        sa.Column("site_id", Id(), nullable=False),
        sa.Column("event_time", Instant(), nullable=False),
        sa.Column("utc_offset", sa.SmallInteger(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("operator", sa.String(), nullable=True),
        sa.Column("payment", sa.String(), nullable=True),
        sa.Column("flags", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        info={"distributed_by": "id"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_receipt_site_id_event_time"), ["site_id", "event_time"], unique=False)

    op.create_table(
        "receipt_claim",
        sa.Column("receipt_id", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("body", Json, nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("receipt_id", "content_hash", name=op.f("pk_receipt_claim")),
        info={"distributed_by": "receipt_id"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "receipt_line",
        sa.Column("receipt_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.SmallInteger(), nullable=False),
        sa.Column("custody_id", Id(), nullable=True),
        sa.Column("product_id", Id(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("receipt_id", "line", name=op.f("pk_receipt_line")),
        info={"distributed_by": "receipt_id"},
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("receipt_line", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_receipt_line_custody_id_receipt_id"), ["custody_id", "receipt_id"], unique=False
        )

    op.create_table(
        "site",
        sa.Column("id", Id(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("party_id", Id(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("parent_site_id", Id(), nullable=True),
        sa.Column("path", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("gln", sa.String(), nullable=True),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("external_codes", Json, nullable=False),
        sa.Column("admission_rules", Json, nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("status_reason", sa.String(), nullable=True),
        sa.Column("uri", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_site_party_id"), ["party_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_site_path"), ["path"], unique=False)
        batch_op.create_index(batch_op.f("ix_site_record_time_id"), ["record_time", "id"], unique=False)

    op.create_table(
        "slip",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("event_id", Id(), nullable=False),
        sa.Column("site_id", Id(), nullable=False),
        sa.Column("party_id", Id(), nullable=True),
        sa.Column("to_site_id", Id(), nullable=True),
        sa.Column("to_party", Json, nullable=True),
        sa.Column("shipped_at", Instant(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("admission", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_slip")),
        info={"distributed_by": "code"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("slip", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_slip_site_id_shipped_at"), ["site_id", "shipped_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_slip_to_site_id_shipped_at"), ["to_site_id", "shipped_at"], unique=False)

    op.create_table(
        "slip_item",
        sa.Column("slip_code", sa.String(), nullable=False),
        sa.Column("custody_id", Id(), nullable=False),
        sa.Column("product_id", Id(), nullable=False),
        sa.Column("lot_id", Id(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("received", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("slip_code", "custody_id", name=op.f("pk_slip_item")),
        info={"distributed_by": "slip_code"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "timeline",
        sa.Column("custody_id", Id(), nullable=False),
        sa.Column("event_id", Id(), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("event_time", Instant(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("custody_id", "event_id", "entry", name=op.f("pk_timeline")),
        info={"distributed_by": "custody_id"},
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE feed ALTER COLUMN xid SET DEFAULT pg_current_xact_id()")


def downgrade() -> None:
    op.drop_table("timeline")
    op.drop_table("slip_item")
    with op.batch_alter_table("slip", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_slip_to_site_id_shipped_at"))
        batch_op.drop_index(batch_op.f("ix_slip_site_id_shipped_at"))

    op.drop_table("slip")
    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_site_record_time_id"))
        batch_op.drop_index(batch_op.f("ix_site_path"))
        batch_op.drop_index(batch_op.f("ix_site_party_id"))

    op.drop_table("site")
    with op.batch_alter_table("receipt_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_receipt_line_custody_id_receipt_id"))

    op.drop_table("receipt_line")
    op.drop_table("receipt_claim")
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_receipt_site_id_event_time"))

    op.drop_table("receipt")
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_product_record_time_id"))
        batch_op.drop_index(batch_op.f("ix_product_gtin"))

    op.drop_table("product")
    with op.batch_alter_table("party", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_party_record_time_id"))

    op.drop_table("party")
    op.drop_table("packing")
    op.drop_table("master_version")
    with op.batch_alter_table("lot", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lot_product_id_lot_number"))
        batch_op.drop_index(
            batch_op.f("ix_lot_epc"),
            postgresql_where=sa.text("epc IS NOT NULL"),
            sqlite_where=sa.text("epc IS NOT NULL"),
        )

    op.drop_table("lot")
    with op.batch_alter_table("hold", schema=None) as batch_op:
        batch_op.drop_index(
            batch_op.f("ix_hold_lot_id"),
            postgresql_where=sa.text("released_by IS NULL"),
            sqlite_where=sa.text("released_by IS NULL"),
        )
        batch_op.drop_index(
            "ix_hold_downstream",
            postgresql_where=sa.text("released_by IS NULL AND scope = 'downstream'"),
            sqlite_where=sa.text("released_by IS NULL AND scope = 'downstream'"),
        )
        batch_op.drop_index(
            batch_op.f("ix_hold_custody_id"),
            postgresql_where=sa.text("released_by IS NULL"),
            sqlite_where=sa.text("released_by IS NULL"),
        )

    op.drop_table("hold")
    with op.batch_alter_table("flag", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_flag_slug_record_time"))

    op.drop_table("flag")
    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_feed_xid"))

    op.drop_table("feed")
    op.drop_table("external_code")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_site_id_event_time"))
        batch_op.drop_index(batch_op.f("ix_event_record_time_id"))
        batch_op.drop_index(batch_op.f("ix_event_party_id_event_time"))
        batch_op.drop_index(
            batch_op.f("ix_event_epcis_event_id"),
            postgresql_where=sa.text("epcis_event_id IS NOT NULL"),
            sqlite_where=sa.text("epcis_event_id IS NOT NULL"),
        )

    op.drop_table("event")
    op.drop_table("epc_event")
    op.drop_table("document")
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_site_id"))
        batch_op.drop_index(batch_op.f("ix_device_record_time_id"))
        batch_op.drop_index(batch_op.f("ix_device_activation_hash"))

    op.drop_table("device")
    with op.batch_alter_table("custody_link", schema=None) as batch_op:
        batch_op.drop_index("ix_custody_link_parent")

    op.drop_table("custody_link")
    with op.batch_alter_table("custody", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_custody_site_id_arrived_at"))
        batch_op.drop_index(batch_op.f("ix_custody_party_id_arrived_at"))
        batch_op.drop_index(batch_op.f("ix_custody_lot_id"))
        batch_op.drop_index(
            batch_op.f("ix_custody_epc"),
            postgresql_where=sa.text("epc IS NOT NULL"),
            sqlite_where=sa.text("epc IS NOT NULL"),
        )

    op.drop_table("custody")
    op.drop_table("correction")
    op.drop_table("code")
    op.drop_table("capture")
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attachment_document_id"))

    op.drop_table("attachment")
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_key_record_time_id"))

    op.drop_table("api_key")
