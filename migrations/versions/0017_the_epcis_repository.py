"""the EPCIS repository: every event that it shows, and the index of what events name

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Ascii, Id, Instant, Json

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

PAGE = 5_000
BY_POSITION = ("type", "biz_step", "disposition", "read_point", "biz_location")


def upgrade() -> None:
    op.create_table(
        "epcis_event",
        sa.Column("event_id", Id(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("event_time", Instant(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("action", sa.String(), nullable=True),
        sa.Column("biz_step", sa.String(), nullable=True),
        sa.Column("disposition", sa.String(), nullable=True),
        sa.Column("read_point", sa.String(), nullable=True),
        sa.Column("biz_location", sa.String(), nullable=True),
        sa.Column("transformation_id", sa.String(), nullable=True),
        sa.Column("epcis_event_id", sa.String(), nullable=False),
        sa.Column("recorder_id", Id(), nullable=False),
        sa.Column("party_id", Id(), nullable=True),
        sa.Column("site_id", Id(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("context", Json, nullable=True),
        sa.Column("body", Json, nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_epcis_event")),
        info={"distributed_by": "event_id"},
        sqlite_with_rowid=True,
    )
    op.create_index("ix_epcis_event_position", "epcis_event", ["position"])
    op.create_index("ix_epcis_event_event_time_position", "epcis_event", ["event_time", "position"])
    op.create_index("ix_epcis_event_epcis_event_id", "epcis_event", ["epcis_event_id"])
    for column in BY_POSITION:
        op.create_index(f"ix_epcis_event_{column}_position", "epcis_event", [column, "position"])
    op.create_table(
        "unpublished",
        sa.Column("event_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_unpublished")),
        info={"distributed_by": "event_id"},
        sqlite_with_rowid=False,
    )
    _note_all()
    op.rename_table("epc_event", "epc_event_before")
    if _postgres():
        op.execute("ALTER INDEX pk_epc_event RENAME TO pk_epc_event_before")
    op.create_table(
        "epc_event",
        sa.Column("epc", Ascii, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("event_id", Id(), nullable=False),
        sa.Column("roles", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("epc", "position", "event_id", name=op.f("pk_epc_event")),
        info={"distributed_by": "epc"},
        sqlite_with_rowid=False,
    )
    # Position and roles are known when the event is published, from its body.
    op.execute(
        "INSERT INTO epc_event (epc, position, event_id, roles) SELECT epc, 0, event_id, 0 FROM epc_event_before"
    )
    op.drop_table("epc_event_before")


def downgrade() -> None:
    op.rename_table("epc_event", "epc_event_after")
    if _postgres():
        op.execute("ALTER INDEX pk_epc_event RENAME TO pk_epc_event_after")
    op.create_table(
        "epc_event",
        sa.Column("epc", sa.String(), nullable=False),
        sa.Column("event_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("epc", "event_id", name=op.f("pk_epc_event")),
        info={"distributed_by": "epc"},
        sqlite_with_rowid=False,
    )
    # Of captured events alone: a native one bears 1 << 14.
    op.execute(
        "INSERT INTO epc_event (epc, event_id) SELECT DISTINCT epc, event_id FROM epc_event_after WHERE roles < 16384"
    )
    op.drop_table("epc_event_after")
    op.drop_table("unpublished")
    op.drop_table("epcis_event")


def _note_all() -> None:
    """Every event that there is waits to be shown."""
    event, unpublished = sa.table("event", sa.column("id", Id())), sa.table("unpublished", sa.column("event_id", Id()))
    bind = op.get_bind()
    page = sa.select(event.c.id).order_by(event.c.id).limit(PAGE)
    keys = bind.scalars(page).all()
    while keys:
        bind.execute(unpublished.insert(), [{"event_id": key} for key in keys])
        keys = bind.scalars(page.where(event.c.id > keys[-1])).all()


def _postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"
