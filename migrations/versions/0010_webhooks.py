"""webhooks, and what is to be delivered to them

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Id, Instant, Json

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", Id(), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("events", Json, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("status_reason", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rotated_at", Instant(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=True,
    )
    op.create_index("ix_webhook_owner_id", "webhook", ["owner_id"])
    op.create_index("ix_webhook_record_time_id", "webhook", ["record_time", "id"])
    op.create_table(
        "delivery",
        sa.Column("webhook_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt", Instant(), nullable=True),
        sa.Column("expires", Instant(), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("webhook_id", "id", name=op.f("pk_delivery")),
        info={"distributed_by": "webhook_id"},
        sqlite_with_rowid=True,
    )
    op.create_index("ix_delivery_next_attempt", "delivery", ["next_attempt"])
    op.create_index("ix_delivery_settled_at", "delivery", ["settled_at"])
    op.create_index("ix_delivery_webhook_id_next_attempt", "delivery", ["webhook_id", "next_attempt"])
    op.create_index("ix_delivery_webhook_id_record_time_id", "delivery", ["webhook_id", "record_time", "id"])


def downgrade() -> None:
    op.drop_table("delivery")
    op.drop_table("webhook")
