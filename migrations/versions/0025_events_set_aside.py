"""events of which no EPCIS event could be made

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Id, Instant

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unpublishable",
        sa.Column("event_id", Id(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_unpublishable")),
        info={"distributed_by": "event_id"},
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    bind, key = op.get_bind(), sa.column("event_id", Id())
    keys = bind.scalars(sa.select(key).select_from(sa.table("unpublishable", key))).all()
    if keys:
        bind.execute(sa.table("unpublished", key).insert(), [{"event_id": each} for each in keys])
    op.drop_table("unpublishable")
