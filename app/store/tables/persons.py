"""Persons who log in, their sessions, and who has to wait before trying again."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String

from app.store.tables.base import table
from app.store.types import Id, Instant, Json

person = table(
    "person",
    "replicated",
    Column("id", Id, primary_key=True),
    Column("login", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("party_id", Id),
    Column("region", String),
    Column("email", String),
    Column("status", String, nullable=False),
    Column("password_hash", String),  # argon2id; null for who logs in at the issuer alone
    Column("must_change", Boolean, nullable=False),
    Column("record_time", Instant, nullable=False),
    Column("oidc_issuer", String),
    Column("oidc_subject", String),
    Column("totp_on", Boolean, nullable=False),
    # The secret is derived from the master: of which person, and the how manyth.
    Column("totp_epoch", Integer, nullable=False),
    Column("totp_step", BigInteger, nullable=False),
    Column("recovery", Json, nullable=False),
    Column("last_login", Instant),
)
Index(None, person.c.record_time, person.c.id)
Index(None, person.c.oidc_subject)
Index(None, person.c.email)

session = table(
    "session",
    "replicated",
    Column("token_hash", LargeBinary, primary_key=True),
    Column("id", Id, nullable=False),
    Column("person_id", Id, nullable=False),
    Column("stage", String, nullable=False),
    Column("browser", String),
    Column("record_time", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    Column("expires", Instant, nullable=False),
    rowid=False,
)
Index(None, session.c.person_id)

# By a hash of what was tried, so that a name that nobody has waits as one that somebody has.
login_delay = table(
    "login_delay",
    "replicated",
    Column("key", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("until", Instant, nullable=False),
    Column("record_time", Instant, nullable=False),
    rowid=False,
)
Index(None, login_delay.c.record_time)
