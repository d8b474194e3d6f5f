"""case files

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Ascii, Id, Instant, Json

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_file",
        sa.Column("id", Id(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("opened_by", Id(), nullable=False),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("region", Ascii, nullable=True),
        sa.Column("to_region", Ascii, nullable=False),
        sa.Column("starts", Json, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("custodies", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("handed_at", Instant(), nullable=True),
        sa.Column("manifest_hash", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_file")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("case_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_file_record_time_id"), ["record_time", "id"], unique=False)
    op.create_table(
        "case_custody",
        sa.Column("custody_id", Id(), nullable=False),
        sa.Column("case_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("custody_id", "case_id", name=op.f("pk_case_custody")),
        info={"distributed_by": "custody_id"},
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("case_custody", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_custody_case_id"), ["case_id"], unique=False)


def downgrade() -> None:
    op.drop_table("case_custody")
    op.drop_table("case_file")
