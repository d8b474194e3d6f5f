"""price lists, what devices report of themselves, and their keys by device

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Id, Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "price",
        sa.Column("site_id", Id(), nullable=False),
        sa.Column("product_id", Id(), nullable=False),
        sa.Column("plu", sa.Integer(), nullable=True),
        sa.Column("price_fen", sa.BigInteger(), nullable=True),
        sa.Column("unit", sa.String(), nullable=True),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "product_id", name=op.f("pk_price")),
        sa.UniqueConstraint("site_id", "plu", name=op.f("uq_price_site_id_plu")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "device_report",
        sa.Column("device_id", Id(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("firmware", sa.String(), nullable=True),
        sa.Column("clock_skew_seconds", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_report")),
        info={"distributed_by": "device_id"},
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_key_device_id"), ["device_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_key_device_id"))
    op.drop_table("device_report")
    op.drop_table("price")
