"""alerts

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Id, Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert",
        sa.Column("id", Id(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("site_id", Id(), nullable=True),
        sa.Column("party_id", Id(), nullable=True),
        sa.Column("device_id", Id(), nullable=True),
        sa.Column("event_id", Id(), nullable=True),
        sa.Column("receipt_id", sa.BigInteger(), nullable=True),
        sa.Column("custody_id", Id(), nullable=True),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("event_time", Instant(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        info={"distributed_by": "id"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alert_record_time_id"), ["record_time", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_alert_party_id_record_time"), ["party_id", "record_time"], unique=False)
        batch_op.create_index(batch_op.f("ix_alert_site_id_record_time"), ["site_id", "record_time"], unique=False)


def downgrade() -> None:
    op.drop_table("alert")
