"""slips are found by the event that made them

Revision ID: 0025
Revises: 0024
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_slip_event_id", "slip", ["event_id"])


def downgrade() -> None:
    op.drop_index("ix_slip_event_id", table_name="slip")
