"""what documents say of the elements of vocabularies

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Ascii, Id, Json

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vocabulary_attribute",
        sa.Column("element", Ascii, nullable=False),
        sa.Column("said_by", Id(), nullable=False),
        sa.Column("said", Json, nullable=False),
        sa.PrimaryKeyConstraint("element", "said_by", name=op.f("pk_vocabulary_attribute")),
        info={"distributed_by": "element"},
        sqlite_with_rowid=True,
    )


def downgrade() -> None:
    op.drop_table("vocabulary_attribute")
