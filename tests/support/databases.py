"""A database of its own for every test, on both kinds, copied from one that the migrations made."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event, make_url

from app.store import schema
from app.store.check import verify
from app.store.engine import open_engine
from tests.support import postgres

if TYPE_CHECKING:
    from tests.support.enrolled import Enrolled

KINDS = ("sqlite", "postgresql")


@dataclass(slots=True)
class Database:
    """`kind` is sqlite or postgresql. A test that damages the ledger on purpose says so with `damaged = True`.
    `enrolled` is the cast that is in it from the start."""

    kind: str
    url: str
    damaged: bool = False
    enrolled: "Enrolled | None" = None


def migrate_sqlite(path: Path) -> Path:
    """A migrated SQLite file with nothing in it, complete without its write-ahead log."""
    engine = open_engine(f"sqlite:///{path}")
    schema.upgrade(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@contextmanager
def fresh(kind: str, directory: Path, template: Path | str | None) -> Iterator[Database]:
    """A database copied from a file of SQLite or a database of PostgreSQL; without a template it has no table yet."""
    if kind == "postgresql":
        with postgres.database(str(template or "template0")) as url:
            yield Database(kind, url)
        return
    path = directory / "onecode.db"
    if template is not None:
        shutil.copyfile(template, path)
    yield Database(kind, f"sqlite:///{path}")


def findings(database: Database) -> list[str]:
    """What `onecode db check` finds. One engine a kind for the whole run: its statements are compiled once."""
    engine, aim = _checker(database.kind)
    aim.url = database.url
    try:
        return verify(engine)
    finally:
        engine.dispose()


@dataclass(slots=True)
class _Aim:
    url: str


@cache
def _checker(kind: str) -> tuple[Engine, _Aim]:
    aim = _Aim("")
    engine = open_engine("postgresql:///postgres" if kind == "postgresql" else "sqlite:///none.db")

    @event.listens_for(engine, "do_connect", insert=True)
    def connect(_dialect: Any, _record: Any, cargs: list[Any], cparams: dict[str, Any]) -> None:
        url = make_url(aim.url)
        if kind == "postgresql":
            cparams.update(host=url.query["host"], user=url.username, dbname=url.database)
        else:
            cargs[0] = url.database

    return engine, aim
