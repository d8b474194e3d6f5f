"""numbered units: what was ordered, and which numbers are in use

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Id, Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "code_job",
        sa.Column("id", Id(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", Id(), nullable=False),
        sa.Column("site_id", Id(), nullable=False),
        sa.Column("party_id", Id(), nullable=True),
        sa.Column("recorder_id", Id(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("downloaded", sa.Integer(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("cancelled_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_job")),
        sa.UniqueConstraint("number", name=op.f("uq_code_job_number")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("code_job", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_code_job_lot_id"), ["lot_id"], unique=False)
    op.create_table(
        "code_range",
        sa.Column("job_id", Id(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("site_id", Id(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("changed_by", Id(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "state", "first", name=op.f("pk_code_range")),
        info={"distributed_by": "job_id"},
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("code_range")
    op.drop_table("code_job")
