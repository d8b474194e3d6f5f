"""persons, their sessions, and waits of those who guess

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from app.store.types import Id, Instant, Json

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("id", Id(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("party_id", Id(), nullable=True),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("oidc_issuer", sa.String(), nullable=True),
        sa.Column("oidc_subject", sa.String(), nullable=True),
        sa.Column("totp_on", sa.Boolean(), nullable=False),
        sa.Column("totp_epoch", sa.Integer(), nullable=False),
        sa.Column("totp_step", sa.BigInteger(), nullable=False),
        sa.Column("recovery", Json, nullable=False),
        sa.Column("last_login", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("login", name=op.f("uq_person_login")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=True,
    )
    op.create_index("ix_person_record_time_id", "person", ["record_time", "id"])
    op.create_index("ix_person_oidc_subject", "person", ["oidc_subject"])
    op.create_index("ix_person_email", "person", ["email"])
    op.create_table(
        "session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("person_id", Id(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("browser", sa.String(), nullable=True),
        sa.Column("record_time", Instant(), nullable=False),
        sa.Column("last_seen", Instant(), nullable=False),
        sa.Column("expires", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_session")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=False,
    )
    op.create_index("ix_session_person_id", "session", ["person_id"])
    op.create_table(
        "login_delay",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.Column("record_time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_delay")),
        info={"distributed_by": "replicated"},
        sqlite_with_rowid=False,
    )
    op.create_index("ix_login_delay_record_time", "login_delay", ["record_time"])


def downgrade() -> None:
    op.drop_table("login_delay")
    op.drop_table("session")
    op.drop_table("person")
