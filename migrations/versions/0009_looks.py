"""who has looked at personal data

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Ascii, Id, Instant, Json

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_INDEXES = (
    ("record_time", "id"),
    ("region", "record_time"),
    ("subject_region", "record_time"),
    ("subject_id", "record_time"),
    ("reader_id", "record_time"),
)


def upgrade() -> None:
    op.create_table(
        "look",
        sa.Column("id", Id(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("reader_id", Id(), nullable=False),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("party_id", Id(), nullable=True),
        sa.Column("region", Ascii, nullable=True),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("subject_region", Ascii, nullable=True),
        sa.Column("fields", Json, nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_look")),
        info={"distributed_by": "id"},
        sqlite_with_rowid=True,
    )
    for columns in _INDEXES:
        op.create_index(f"ix_look_{'_'.join(columns)}", "look", list(columns))


def downgrade() -> None:
    op.drop_table("look")
