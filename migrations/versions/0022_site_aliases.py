"""places of captured events that are sites of ours

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Ascii, Id, Instant

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "site_alias",
        sa.Column("uri", Ascii, nullable=False),
        sa.Column("site_id", Id(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("uri", name=op.f("pk_site_alias")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=False,
    )
    present = sa.text("gln IS NOT NULL")
    op.create_index("ix_site_gln", "site", ["gln"], postgresql_where=present, sqlite_where=present)


def downgrade() -> None:
    op.drop_index("ix_site_gln", "site")
    op.drop_table("site_alias")
