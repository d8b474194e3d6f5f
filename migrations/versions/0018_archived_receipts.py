"""up to which receipt of a scale sales were archived; files of papers are found by what is in them

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import BigId, Instant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receipt_archived",
        sa.Column("series", BigId, nullable=False, autoincrement=False),
        sa.Column("last_id", sa.BigInteger, nullable=False),
        sa.Column("latest", Instant, nullable=False),
        sa.PrimaryKeyConstraint("series", name="pk_receipt_archived"),
    )
    op.create_index("ix_document_file_hash", "document", ["file_hash"])
    op.create_index("ix_document_record_time_id", "document", ["record_time", "id"])


def downgrade() -> None:
    op.drop_index("ix_document_record_time_id", "document")
    op.drop_index("ix_document_file_hash", "document")
    op.drop_table("receipt_archived")
