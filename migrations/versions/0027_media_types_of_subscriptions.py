"""the media type in which subscribers are told

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("epcis_subscription", sa.Column("media_type", sa.String(), nullable=True))
    op.add_column("epcis_subscription", sa.Column("xml_version", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("epcis_subscription", "xml_version")
    op.drop_column("epcis_subscription", "media_type")
