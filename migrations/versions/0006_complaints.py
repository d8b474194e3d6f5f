"""complaints

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Ascii, Id, Instant, Json

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "complaint",
        sa.Column("id", Id(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("site_id", Id(), nullable=True),
        sa.Column("party_id", Id(), nullable=True),
        sa.Column("region", Ascii, nullable=True),
        sa.Column("custody_ids", Json, nullable=False),
        sa.Column("lot_ids", Json, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("contact", sa.String(), nullable=True),
        sa.Column("photos", Json, nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("history", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint")),
        info={"distributed_by": "id"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("complaint", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_complaint_record_time_id"), ["record_time", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaint_site_id_record_time"), ["site_id", "record_time"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaint_region_record_time"), ["region", "record_time"], unique=False)


def downgrade() -> None:
    op.drop_table("complaint")
