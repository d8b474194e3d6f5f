"""links that are published for what GS1 keys name

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Ascii, Id, Instant, Json

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "link",
        sa.Column("anchor", Ascii, nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("link_type", sa.String(), nullable=False),
        sa.Column("href", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("hreflang", Json, nullable=False),
        sa.Column("type", sa.String(), nullable=True),
        sa.Column("context", Json, nullable=False),
        sa.Column("fwqs", sa.Boolean(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("default", sa.Boolean(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("anchor", "id", name=op.f("pk_link")),
        info={"distributed_by": "anchor"},
    )
    op.create_index("ix_link_id", "link", ["id"])
    op.create_index("ix_link_owner_id_record_time_id", "link", ["owner_id", "record_time", "id"])
    op.create_index("ix_link_record_time_id", "link", ["record_time", "id"])


def downgrade() -> None:
    op.drop_table("link")
