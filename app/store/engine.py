"""Connections: the one file that knows how SQLite and PostgreSQL differ in opening, locking and failing."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, PendingRollbackError, TimeoutError

from app.store.errors import StoreUnavailable

# What a verb reads from: it passes it on to the store and looks no further.
Snapshot = Connection
# What everything above the store holds: only `reading` and the writer open it.
Database = Engine

# A captured document may hold numbers with more digits than a float has.
_dumps = msgspec.json.Encoder(decimal_format="number").encode


def dump_json(value: Any) -> str:
    return _dumps(value).decode()


def open_engine(url: str, *, pool_size: int = 8) -> Engine:
    """An engine for reading and writing; `sqlite:///file` and `postgresql://…` are the two kinds there are.

    Raises ValueError for any other database.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=5,
            json_serializer=dump_json,
            json_deserializer=msgspec.json.decode,
            connect_args={"connect_timeout": 5, "prepare_threshold": 3},
        )
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise ValueError(f"database must be a SQLite file or PostgreSQL, not {parsed.render_as_string()!r}")
    engine = create_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=5,
        json_serializer=dump_json,
        json_deserializer=msgspec.json.decode,
        connect_args={"check_same_thread": False, "timeout": 5},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver's own would be deferred
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-65536",
        "mmap_size=1073741824",
        "temp_store=MEMORY",
        # Pages. A large transaction writes as many as the 1,000 that are usual: each would be copied right away.
        "wal_autocheckpoint=4000",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that later writes loses to "database is locked"; an immediate one waits its turn.
    writing = connection.get_execution_options().get("onecode_writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def holding(engine: Engine) -> Iterator[Connection]:
    """A connection to read from again and again: each `with connection.begin()` is one consistent snapshot. Raises
    StoreUnavailable where the database cannot be reached, or no longer."""
    options: dict[str, Any] = (
        {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        if engine.dialect.name == "postgresql"
        else {}
    )
    with translated(), engine.connect().execution_options(**options) as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent snapshot to read from; raises StoreUnavailable where the database cannot be reached."""
    with holding(engine) as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction, committed at the end of the block; raises StoreUnavailable."""
    with (
        translated(),
        engine.connect().execution_options(onecode_writing=True) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def translated() -> Iterator[None]:
    """Operational failures become StoreUnavailable; everything else is a bug and surfaces as it is."""
    try:
        yield
    except DBAPIError as error:
        if unavailable(error):
            raise StoreUnavailable(str(error.orig)) from error
        raise
    except (sqlite3.Error, psycopg.Error) as error:  # of a connection that SQLAlchemy does not stand before
        if _at_fault(error):
            raise StoreUnavailable(str(error)) from error
        raise
    except (TimeoutError, PendingRollbackError) as error:
        raise StoreUnavailable(str(error)) from error


_SQLITE_UNAVAILABLE = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOMEM,
}
# Connection lost (08), out of resources (53: disk full, too many connections), shut down (57), I/O error (58).
_POSTGRES_UNAVAILABLE = ("08", "53", "57", "58")


def unavailable(error: DBAPIError) -> bool:
    """True where the database itself is at fault, not the statement."""
    return error.connection_invalidated or _at_fault(error.orig)


def _at_fault(cause: BaseException | None) -> bool:
    if isinstance(cause, sqlite3.Error):
        return (getattr(cause, "sqlite_errorcode", 0) & 0xFF) in _SQLITE_UNAVAILABLE
    if isinstance(cause, psycopg.Error):
        if cause.sqlstate is None:
            return isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
        return cause.sqlstate.startswith(_POSTGRES_UNAVAILABLE)
    return False


def conflicting(error: DBAPIError) -> bool:
    """True where another transaction was in the way (deadlock, serialization, the same key): worth running again."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0)
        return code in (
            sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
            sqlite3.SQLITE_CONSTRAINT_UNIQUE,
            sqlite3.SQLITE_CONSTRAINT_ROWID,
        )
    return isinstance(cause, psycopg.Error) and cause.sqlstate in ("40001", "40P01", "23505")
