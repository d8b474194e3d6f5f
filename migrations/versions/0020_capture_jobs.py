"""documents that are captured by and by: jobs, and their bytes until they are done

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Id, Instant, Json

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "capture_job",
        sa.Column("id", Id(), nullable=False),
        sa.Column("recorder_id", Id(), nullable=False),
        sa.Column("key_id", Id(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("party_id", Id(), nullable=True),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("behaviour", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("success", sa.Boolean(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=True),
        sa.Column("handled", sa.Integer(), nullable=False),
        sa.Column("counts", Json, nullable=False),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.Column("errors", Json, nullable=False),
        sa.Column("outcomes", Json, nullable=True),
        sa.Column("capture_id", Id(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capture_job")),
        info={"distributed_by": "id"},
        sqlite_with_rowid=True,
    )
    op.create_index("ix_capture_job_lease_until", "capture_job", ["lease_until"])
    op.create_index("ix_capture_job_finished_at", "capture_job", ["finished_at"])
    op.create_index("ix_capture_job_created_at_id", "capture_job", ["created_at", "id"])
    op.create_index("ix_capture_job_recorder_id_created_at_id", "capture_job", ["recorder_id", "created_at", "id"])
    op.create_table(
        "capture_piece",
        sa.Column("job_id", Id(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_capture_piece")),
        info={"distributed_by": "job_id"},
        sqlite_with_rowid=True,
    )


def downgrade() -> None:
    op.drop_table("capture_piece")
    op.drop_table("capture_job")
