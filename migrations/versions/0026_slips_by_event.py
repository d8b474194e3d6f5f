"""slips are found by the event that made them

Revision ID: 0026
Revises: 0025
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_slip_event_id", "slip", ["event_id"])


def downgrade() -> None:
    op.drop_index("ix_slip_event_id", table_name="slip")
