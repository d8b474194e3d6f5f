"""what a batch came from, as far as it was known when it arrived; sites by their codes

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("custody", sa.Column("lineage", sa.LargeBinary(), nullable=True))
    op.create_index("ix_site_code", "site", ["code"])


def downgrade() -> None:
    op.drop_index("ix_site_code", "site")
    op.drop_column("custody", "lineage")
