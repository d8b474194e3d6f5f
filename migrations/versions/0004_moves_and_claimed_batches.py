"""from which counter a device stands at its site; the batch that a line of a sale named

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Id, Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("device", sa.Column("first_counter", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("device", sa.Column("first_time", Instant(), nullable=True))
    op.add_column("receipt_line", sa.Column("named_id", Id(), nullable=True))


def downgrade() -> None:
    op.drop_column("receipt_line", "named_id")
    op.drop_column("device", "first_time")
    op.drop_column("device", "first_counter")
