"""what goes with goods whose records are kept no longer is found by them

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

INDEXES = (
    ("alert", "custody_id"),
    ("alert", "event_id"),
    ("alert", "receipt_id"),
    ("code", "replacement"),
    ("correction", "replacement_event_id"),
)


def upgrade() -> None:
    for table, column in INDEXES:
        there = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_{table}_{column}", table, [column], postgresql_where=there, sqlite_where=there)


def downgrade() -> None:
    for table, column in INDEXES:
        op.drop_index(f"ix_{table}_{column}", table)
