"""Online backup into a directory and back: the database as of one moment, the uploaded files, the master secret.

    manifest.json       written last: a directory without it is no backup
    database/           onecode.db, or one file of PostgreSQL's COPY text for each table
    files/              uploaded files as they lie in ONECODE_FILES_DIR
    onecode.secret      mode 0600

Writers are not held up. Files are copied after the database: one that a row names was on disk before the row was.
"""

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, func, inspect, select, table

from app.store import schema
from app.store.engine import reading, translated, writing
from app.store.errors import StoreUnavailable
from app.store.tables import metadata
from app.store.types import Xid

FORMAT = 1
BLOCK = 1 << 20


class BackupUnusable(Exception):
    """The directory cannot be backed up into or restored from; says what to do."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`rows` by table; `columns` by table, in the order of the COPY text; `sha256` by path inside the directory."""

    format: int
    kind: str
    revision: str
    made_at: str
    rows: dict[str, int]
    columns: dict[str, list[str]]
    sha256: dict[str, str]


def backup(engine: Engine, directory: Path, *, files_dir: Path, secret_file: Path) -> Manifest:
    """Writes a backup into a directory that is new or empty.

    Raises BackupUnusable, SchemaOutdated, StoreUnavailable, OSError (a full disk).
    """
    schema.require_head(engine)
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise BackupUnusable(f"{directory} is not empty: name a new directory")
    (directory / "database").mkdir()
    if engine.dialect.name == "postgresql":
        rows = _dump_postgres(engine, directory / "database")
    else:
        rows = _dump_sqlite(engine, directory / "database" / "onecode.db")
    for source in _files(files_dir):
        _copy(source, directory / "files" / source.relative_to(files_dir))
    if secret_file.exists():
        _copy(secret_file, directory / "onecode.secret")
    manifest = Manifest(
        FORMAT,
        engine.dialect.name,
        str(schema.revision(engine)),
        datetime.now(UTC).isoformat(timespec="seconds"),
        rows,
        {each.name: _columns(each.name) for each in metadata.sorted_tables},
        {str(path.relative_to(directory)): _sha256(path) for path in _files(directory)},
    )
    draft = directory / ".manifest.json"
    draft.write_text(json.dumps(asdict(manifest), indent=1) + "\n")
    _sync(draft)
    draft.rename(directory / "manifest.json")
    _sync(directory)
    return manifest


def read_manifest(directory: Path) -> Manifest:
    """What the backup says of itself, every file of it compared with its SHA-256. Raises BackupUnusable."""
    try:
        manifest = Manifest(**json.loads((directory / "manifest.json").read_text()))
    except FileNotFoundError:
        raise BackupUnusable(f"{directory} holds no manifest.json: it is no backup, or one that was cut off") from None
    except (TypeError, ValueError) as error:
        raise BackupUnusable(f"{directory}/manifest.json cannot be read: {error}") from None
    if manifest.format != FORMAT:
        raise BackupUnusable(f"{directory} has format {manifest.format}, this program reads {FORMAT}")
    for name, digest in manifest.sha256.items():
        path = directory / name
        if not path.is_file() or _sha256(path) != digest:
            raise BackupUnusable(f"{path} is missing or damaged: take another backup")
    return manifest


def restore(engine: Engine, directory: Path, *, files_dir: Path, secret_file: Path) -> Manifest:
    """Puts a backup into an empty database of the same kind, and its files and secret in their places.

    What is there already is not overwritten: BackupUnusable. Run `onecode db upgrade` after it where the backup is
    older than the program.
    """
    manifest = read_manifest(directory)
    if manifest.kind != engine.dialect.name:
        raise BackupUnusable(f"a backup of {manifest.kind} does not go into {engine.dialect.name}")
    if not _empty(engine, manifest):
        raise BackupUnusable("the database is not empty: name a new one with ONECODE_DATABASE_URL")
    secret = directory / "onecode.secret"
    if secret.exists() and secret_file.exists() and secret.read_bytes() != secret_file.read_bytes():
        raise BackupUnusable(f"{secret_file} holds another secret: move it away")
    for source in _files(directory / "files"):
        target = files_dir / source.relative_to(directory / "files")
        if not target.exists():
            _copy(source, target)
    if secret.exists() and not secret_file.exists():
        _copy(secret, secret_file)
    if engine.dialect.name == "postgresql":
        _load_postgres(engine, directory / "database", manifest)
    else:
        _load_sqlite(engine, directory / "database" / "onecode.db")
    with reading(engine) as snapshot:
        counted = _count(snapshot, manifest.rows)
    if counted != manifest.rows:
        raise BackupUnusable(f"restored {counted}, the manifest says {manifest.rows}")
    return manifest


def _columns(name: str) -> list[str]:
    # A transaction number means nothing on another server; the default gives each row one of the restoring transaction.
    return [column.name for column in metadata.tables[name].columns if column.type is not Xid]


def _count(snapshot: Connection, names: Any) -> dict[str, int]:
    return {name: snapshot.scalar(select(func.count()).select_from(table(name))) or 0 for name in names}


def _empty(engine: Engine, manifest: Manifest) -> bool:
    """No table at all, or the tables of that revision without a row, as a restore leaves them that did not end."""
    with translated():
        there = set(inspect(engine).get_table_names())
    if not there:
        return True
    if schema.revision(engine) != manifest.revision or not set(manifest.rows) <= there:
        return False
    with reading(engine) as snapshot:
        return not any(_count(snapshot, manifest.rows).values())


# --- SQLite ---


def _dump_sqlite(engine: Engine, path: Path) -> dict[str, int]:
    raw = engine.raw_connection()
    target = sqlite3.connect(path)
    try:
        cast(sqlite3.Connection, raw.driver_connection).backup(target)
        target.execute("PRAGMA journal_mode=DELETE").close()  # one file, complete without a log beside it
        (verdict,) = target.execute("PRAGMA integrity_check").fetchone()
        if verdict != "ok":
            raise BackupUnusable(f"SQLite's integrity check of the copy says: {verdict}")
        return {name: target.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in metadata.tables}
    finally:
        target.close()
        raw.close()
        if path.exists():
            _sync(path)


def _load_sqlite(engine: Engine, path: Path) -> None:
    raw = engine.raw_connection()
    source = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        source.backup(cast(sqlite3.Connection, raw.driver_connection))
    finally:
        source.close()
        raw.close()


# --- PostgreSQL ---


def _copy_sql(name: str, columns: list[str], direction: str) -> sql.Composed:
    return sql.SQL("COPY {} ({}) " + direction).format(
        sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


@contextmanager
def _copying() -> Iterator[None]:
    """COPY speaks to the driver past SQLAlchemy: a lost connection becomes StoreUnavailable here."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error


def _dump_postgres(engine: Engine, directory: Path) -> dict[str, int]:
    rows = {}
    with reading(engine) as snapshot, _copying():
        for each in metadata.sorted_tables:
            cursor = _driver(snapshot).cursor()
            with (directory / f"{each.name}.copy").open("wb") as file:
                with cursor.copy(_copy_sql(each.name, _columns(each.name), "TO STDOUT")) as stream:
                    for block in stream:
                        file.write(block)
                file.flush()
                os.fsync(file.fileno())
            rows[each.name] = cursor.rowcount
    return rows


def _load_postgres(engine: Engine, directory: Path, manifest: Manifest) -> None:
    schema.upgrade(engine, manifest.revision)
    with writing(engine) as connection, _copying():
        for name, columns in manifest.columns.items():
            cursor = _driver(connection).cursor()
            with (
                (directory / f"{name}.copy").open("rb") as file,
                cursor.copy(_copy_sql(name, columns, "FROM STDIN")) as stream,
            ):
                while block := file.read(BLOCK):
                    stream.write(block)
        connection.exec_driver_sql(
            "SELECT setval(pg_get_serial_sequence('feed', 'seq'), coalesce(max(seq), 0) + 1, false) FROM feed"
        )


# --- files ---


def _files(directory: Path) -> Iterator[Path]:
    """Every file below the directory, in the order of names; drafts of files that are being written are left out."""
    if directory.is_dir():
        yield from (path for path in sorted(directory.rglob("*")) if path.is_file() and not path.name.startswith("."))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.draft")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))  # nobody else reads a secret meanwhile
    shutil.copy2(source, draft)  # with its mode: the secret stays 0600
    _sync(draft)
    draft.rename(target)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
