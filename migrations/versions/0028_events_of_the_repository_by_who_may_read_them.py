"""events of the repository by who may read them, and by their values and times together

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

VALUES = ("type", "biz_step", "disposition", "read_point", "biz_location")
READERS = (
    ("recorder_id", (), "\"role\" <> 'capture'"),
    ("party_id", (), '"party_id" <> "recorder_id"'),
    ("site_id", ("role",), '"site_id" IS NOT NULL'),
)
TABLE = "epcis_event"


def upgrade() -> None:
    for column in VALUES:
        op.create_index(f"ix_{TABLE}_{column}_event_time_position", TABLE, [column, "event_time", "position"])
        op.drop_index(f"ix_{TABLE}_{column}_position", TABLE)
    for time in ("event_time", "record_time"):
        for column, also, condition in READERS:
            columns, where = [column, time, "position", *also], sa.text(condition)
            op.create_index(
                f"ix_{TABLE}_{'_'.join(columns)}", TABLE, columns, sqlite_where=where, postgresql_where=where
            )


def downgrade() -> None:
    for time in ("event_time", "record_time"):
        for column, also, _ in READERS:
            op.drop_index(f"ix_{TABLE}_{'_'.join([column, time, 'position', *also])}", TABLE)
    for column in VALUES:
        op.create_index(f"ix_{TABLE}_{column}_position", TABLE, [column, "position"])
        op.drop_index(f"ix_{TABLE}_{column}_event_time_position", TABLE)
