"""alerts and complaints are worked on by somebody; tasks that processes take in turns

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Id, Instant, Json

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state", sa.String(), nullable=False, server_default=sa.text("'open'")))
        batch_op.add_column(sa.Column("owner", Id(), nullable=True))
        batch_op.add_column(sa.Column("authority", sa.SmallInteger(), nullable=False, server_default=sa.text("1")))
        batch_op.add_column(sa.Column("changed_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("history", Json, nullable=True))
        batch_op.create_index(batch_op.f("ix_alert_state_record_time_id"), ["state", "record_time", "id"], unique=False)
    with op.batch_alter_table("complaint", schema=None) as batch_op:
        batch_op.add_column(sa.Column("owner", Id(), nullable=True))
    op.create_table(
        "task",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", Id(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("place", Json, nullable=True),
        sa.Column("counts", Json, nullable=False),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_task")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("task")
    with op.batch_alter_table("complaint", schema=None) as batch_op:
        batch_op.drop_column("owner")
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alert_state_record_time_id"))
        for name in ("history", "changed_at", "authority", "owner", "state"):
            batch_op.drop_column(name)
