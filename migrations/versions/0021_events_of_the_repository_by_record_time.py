"""events of the repository by when they were recorded

Revision ID: 0021
Revises: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_epcis_event_record_time_position", "epcis_event", ["record_time", "position"])


def downgrade() -> None:
    op.drop_index("ix_epcis_event_record_time_position", "epcis_event")
