"""how often each code was scanned

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scan_count",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_time", Instant(), nullable=False),
        sa.Column("last_time", Instant(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("hour_count", sa.Integer(), nullable=False),
        sa.Column("first_place", sa.String(), nullable=True),
        sa.Column("place", sa.String(), nullable=True),
        sa.Column("placed_time", Instant(), nullable=True),
        sa.Column("doubt", sa.String(), nullable=True),
        sa.Column("doubt_time", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_scan_count")),
        info={"distributed_by": "code"},
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("scan_count")
