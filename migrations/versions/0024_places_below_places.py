"""what documents say lies below a place

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Ascii

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "place_child",
        sa.Column("parent", Ascii, nullable=False),
        sa.Column("child", Ascii, nullable=False),
        sa.PrimaryKeyConstraint("parent", "child", name=op.f("pk_place_child")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("place_child")
