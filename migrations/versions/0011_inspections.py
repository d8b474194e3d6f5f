"""records of authorities about places and parties

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Ascii, Id, Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inspection",
        sa.Column("id", Id(), nullable=False),
        sa.Column("site_id", Id(), nullable=True),
        sa.Column("party_id", Id(), nullable=False),
        sa.Column("region", Ascii, nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("inspected_on", sa.Date(), nullable=False),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("grade", sa.String(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("replaces", Id(), nullable=True),
        sa.Column("recorder_id", Id(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("inspection", schema=None) as batch_op:
        for columns in (
            ["site_id", "record_time"],
            ["party_id", "record_time"],
            ["region", "record_time"],
            ["record_time", "id"],
            ["replaces"],
        ):
            batch_op.create_index(batch_op.f(f"ix_inspection_{'_'.join(columns)}"), columns, unique=False)


def downgrade() -> None:
    op.drop_table("inspection")
