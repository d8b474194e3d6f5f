"""A disk that is full, as a database says so, for as long as a block lasts."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event

from app.store.engine import writing


@contextmanager
def full(engine: Engine, table: str) -> Iterator[None]:
    """Nothing more goes into the table; on SQLite into no table at all, once the last pages are used up."""
    with _full_sqlite(engine) if engine.dialect.name == "sqlite" else _full_postgres(engine, table):
        yield


@contextmanager
def _full_sqlite(engine: Engine) -> Iterator[None]:
    """No page more than there is, as on a disk that is full."""

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}").close()

    event.listen(engine, "connect", limit)
    engine.dispose()
    yield
    event.remove(engine, "connect", limit)
    engine.dispose()


@contextmanager
def _full_postgres(engine: Engine, table: str) -> Iterator[None]:
    """What PostgreSQL says when its disk is full: SQLSTATE 53100."""
    with writing(engine) as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER no_space BEFORE INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION no_space()"
        )
    yield
    with writing(engine) as connection:
        connection.exec_driver_sql(f"DROP TRIGGER no_space ON {table}")
        connection.exec_driver_sql("DROP FUNCTION no_space")
