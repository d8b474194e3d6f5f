"""named EPCIS queries and their subscriptions

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Id, Instant, Json

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "epcis_query",
        sa.Column("id", Id(), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", Json, nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_epcis_query")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=True,
    )
    op.create_index("ix_epcis_query_owner_id_name", "epcis_query", ["owner_id", "name"])
    op.create_table(
        "epcis_subscription",
        sa.Column("id", Id(), nullable=False),
        sa.Column("query_id", Id(), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("party_id", Id(), nullable=True),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("key_id", Id(), nullable=False),
        sa.Column("dest", sa.String(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("epc_format", sa.String(), nullable=True),
        sa.Column("cbv_xml_format", sa.String(), nullable=True),
        sa.Column("report_if_empty", sa.Boolean(), nullable=False),
        sa.Column("since", Instant(), nullable=True),
        sa.Column("schedule", Json, nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("due", Instant(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("told_at", Instant(), nullable=True),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_epcis_subscription")),
        info={"distributed_by": "id"},
        sqlite_with_rowid=True,
    )
    op.create_index("ix_epcis_subscription_query_id", "epcis_subscription", ["query_id"])
    op.create_index("ix_epcis_subscription_owner_id", "epcis_subscription", ["owner_id"])
    op.create_index("ix_epcis_subscription_status_due", "epcis_subscription", ["status", "due"])


def downgrade() -> None:
    op.drop_table("epcis_subscription")
    op.drop_table("epcis_query")
