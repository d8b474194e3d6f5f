"""The schema's revision: bring it to head, or say that it is not there."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from app.store.engine import Snapshot, translated
from app.store.errors import SchemaOutdated

ROOT = Path(__file__).resolve().parents[2]


def _config() -> Config:
    return Config(ROOT / "alembic.ini")


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Runs every migration up to the revision, in transactions; raises StoreUnavailable."""
    config = _config()
    with translated(), engine.connect().execution_options(onecode_writing=True) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


def downgrade(engine: Engine, revision: str) -> None:
    config = _config()
    with translated(), engine.connect().execution_options(onecode_writing=True) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
        connection.commit()


def revision(engine: Engine) -> str | None:
    """The revision the database is at; None for an empty database."""
    with translated(), engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def answering(snapshot: Snapshot) -> None:
    """Asks the database for nothing but an answer; `reading` raises StoreUnavailable where there is none."""
    snapshot.exec_driver_sql("SELECT 1")


def require_head(engine: Engine) -> None:
    """Raises SchemaOutdated where the schema is not what this program was written for."""
    head, found = _head(), revision(engine)
    if found != head:
        raise SchemaOutdated(
            f"the database is at revision {found}, this program needs {head}: run `onecode db upgrade`"
        )


@cache
def _head() -> str | None:
    # Reading the migrations compiles them all: once a process.
    return ScriptDirectory.from_config(_config()).get_current_head()
