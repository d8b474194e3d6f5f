"""places of the repository's events compared by bytes, and an index of those that delete

Revision ID: 0030
Revises: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

TABLE = "epcis_event"
PLACES = ("read_point", "biz_location")
INDEX = f"ix_{TABLE}_action_event_time_position"


def upgrade() -> None:
    _places('COLLATE "C"')
    where = sa.text("\"action\" = 'DELETE'")
    op.create_index(INDEX, TABLE, ["action", "event_time", "position"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index(INDEX, TABLE)
    _places('COLLATE "default"')


def _places(collation: str) -> None:
    # SQLite compares by bytes as it is. One statement: the rows stay, their indexes are made anew.
    if op.get_bind().dialect.name == "postgresql":
        changes = ", ".join(f'ALTER COLUMN "{name}" TYPE varchar {collation}' for name in PLACES)
        op.execute(f'ALTER TABLE "{TABLE}" {changes}')
