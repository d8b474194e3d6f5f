"""recalls, whom they concern and what was answered; holds that reach a lot and all that was made of it

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Ascii, Id, Instant, Json

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ONWARD = "released_by IS NULL AND scope IN ('downstream', 'lot_downstream')"
_DOWNSTREAM = "released_by IS NULL AND scope = 'downstream'"
_AMOUNTS = ("received", "sold", "shipped", "processed", "returned", "destroyed", "unexplained")


def upgrade() -> None:
    op.add_column("hold", sa.Column("recall_id", Id(), nullable=True))
    op.add_column("hold", sa.Column("spares", Json, nullable=True))
    _index("ix_hold_recall_id", "hold", ["recall_id"], "recall_id IS NOT NULL")
    op.drop_index("ix_hold_downstream", "hold")
    _index("ix_hold_downstream", "hold", ["id"], _ONWARD)
    op.create_table(
        "recall",
        sa.Column("id", Id(), primary_key=True),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("grade", sa.String(), nullable=False),
        sa.Column("region", Ascii, nullable=True),
        sa.Column("recorder_id", Id(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("hazard", sa.Text(), nullable=False),
        sa.Column("advice", Json, nullable=False),
        sa.Column("persons", Json, nullable=False),
        sa.Column("scope", Json, nullable=False),
        sa.Column("known_at", Instant(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("conclusion", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("history", Json, nullable=False),
        sa.Column("counts", Json, nullable=True),
        sa.Column("resolved_at", Instant(), nullable=True),
    )
    op.create_index("ix_recall_state_record_time", "recall", ["state", "record_time"])
    op.create_index("ix_recall_number", "recall", ["number"])
    op.create_table(
        "recall_place",
        sa.Column("id", Id(), primary_key=True),
        sa.Column("recall_id", Id(), nullable=False),
        sa.Column("site_id", Id(), nullable=True),
        sa.Column("party_id", Id(), nullable=True),
        sa.Column("product_id", Id(), nullable=False),
        sa.Column("region", Ascii, nullable=True),
        sa.Column("beyond", sa.Boolean(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("custodies", sa.Integer(), nullable=False),
        sa.Column("receipts", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0")) for name in _AMOUNTS),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
    )
    op.create_index("ix_recall_place_recall_id_party_id", "recall_place", ["recall_id", "party_id"])
    op.create_index("ix_recall_place_site_id", "recall_place", ["site_id"])
    op.create_index("ix_recall_place_party_id", "recall_place", ["party_id"])
    op.create_table(
        "recall_notice",
        sa.Column("id", Id(), primary_key=True),
        sa.Column("recall_id", Id(), nullable=False),
        sa.Column("party_id", Id(), nullable=False),
        sa.Column("region", Ascii, nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("notify_due", Instant(), nullable=False),
        sa.Column("notified_at", Instant(), nullable=True),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("acknowledged_at", Instant(), nullable=True),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("answer_due", Instant(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("history", Json, nullable=False),
    )
    op.create_index("ix_recall_notice_recall_id_record_time", "recall_notice", ["recall_id", "record_time"])
    op.create_index("ix_recall_notice_party_id", "recall_notice", ["party_id"])
    op.create_table(
        "recall_answer",
        sa.Column("id", Id(), primary_key=True),
        sa.Column("recall_id", Id(), nullable=False),
        sa.Column("notice_id", Id(), nullable=False),
        sa.Column("party_id", Id(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("recorder_id", Id(), nullable=False),
        sa.Column("key_id", Id(), nullable=False),
        sa.Column("lines", Json, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("evidence", Json, nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
    )
    op.create_index("ix_recall_answer_recall_id_record_time", "recall_answer", ["recall_id", "record_time"])


def downgrade() -> None:
    for name in ("recall_answer", "recall_notice", "recall_place", "recall"):
        op.drop_table(name)
    op.execute("UPDATE hold SET scope = 'lot' WHERE scope = 'lot_downstream'")
    op.drop_index("ix_hold_downstream", "hold")
    _index("ix_hold_downstream", "hold", ["id"], _DOWNSTREAM)
    op.drop_index("ix_hold_recall_id", "hold")
    op.drop_column("hold", "spares")
    op.drop_column("hold", "recall_id")


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))
