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
    bind = op.get_bind()
    aside, waiting = (sa.table(name, sa.column("event_id", Id())) for name in ("unpublishable", "unpublished"))
    keys = bind.scalars(sa.select(aside.c.event_id)).all()
    if keys:
        bind.execute(waiting.insert(), [{"event_id": key} for key in keys])
    op.drop_table("unpublishable")
