"""A backup taken while others write is one moment; it goes back whole, into an empty database only."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, insert, select

from app.store import schema, tables
from app.store.backup import BackupUnusable, Manifest, backup, restore
from app.store.check import verify
from app.store.engine import open_engine, reading, writing
from app.store.errors import SchemaOutdated
from app.store.feed import append
from tests.support import databases, ledger
from tests.support.databases import Database
from tests.support.ledger import NOW


@pytest.fixture
def kept(engine: Engine) -> Engine:
    with writing(engine) as connection:
        ledger.make(connection)
        append(connection, NOW, {"a", "b"})
    return engine


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with files and a secret, as a service leaves them."""
    stored = tmp_path / "files" / "ab" / "cd" / "abcd"
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"%PDF-1.7 certificate")
    (tmp_path / "files" / "ab" / ".draft-1").write_bytes(b"half")
    secret = tmp_path / "onecode.secret"
    secret.write_text("ab" * 32)
    secret.chmod(0o600)
    return tmp_path


def taken(engine: Engine, place: Path) -> Manifest:
    return backup(engine, place / "backup", files_dir=place / "files", secret_file=place / "onecode.secret")


def put_back(engine: Engine, place: Path) -> Manifest:
    new = place / "new"
    return restore(engine, place / "backup", files_dir=new / "files", secret_file=new / "onecode.secret")


@pytest.fixture
def target(database: Database, tmp_path: Path) -> Iterator[Engine]:
    (tmp_path / "target").mkdir()
    with databases.fresh(database.kind, tmp_path / "target", None) as fresh:
        opened = open_engine(fresh.url)
        yield opened
        opened.dispose()


def everything(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with reading(engine) as snapshot:
        return {
            table.name: [
                tuple(row)
                for row in snapshot.execute(
                    select(*(column for column in table.columns if column.name != "xid")).order_by(*table.primary_key)
                )
            ]
            for table in tables.metadata.sorted_tables
        }


def test_what_comes_back_is_what_was_there(kept: Engine, target: Engine, place: Path) -> None:
    manifest = taken(kept, place)
    assert manifest.rows["custody"] == 2
    assert put_back(target, place) == manifest
    assert everything(target) == everything(kept)
    assert verify(target) == []
    schema.require_head(target)
    new = place / "new"
    assert (new / "files" / "ab" / "cd" / "abcd").read_bytes() == b"%PDF-1.7 certificate"
    assert sorted(path.name for path in new.rglob("*") if path.is_file()) == ["abcd", "onecode.secret"]
    assert (new / "onecode.secret").stat().st_mode & 0o777 == 0o600


def test_the_restored_feed_goes_on(kept: Engine, target: Engine, place: Path) -> None:
    taken(kept, place)
    put_back(target, place)
    with writing(target) as connection:
        append(connection, NOW, {"c"})
    with reading(target) as snapshot:
        sequence = [row.touched for row in snapshot.execute(select(tables.feed).order_by(tables.feed.c.seq))]
    assert sequence == [["a", "b"], ["c"]]


def test_a_backup_is_one_moment(kept: Engine, target: Engine, place: Path) -> None:
    """What another transaction writes meanwhile, and has not committed, is in none of its tables."""
    with writing(kept) as other:
        later = {"value": "later", "scheme": "theirs", "subject_id": ledger.LOT, "kind": "lot"}
        other.execute(insert(tables.external_code), later)
        manifest = taken(kept, place)
    assert manifest.rows["external_code"] == 0
    assert put_back(target, place) == manifest


def test_only_an_empty_database_is_restored_into(kept: Engine, place: Path) -> None:
    taken(kept, place)
    with pytest.raises(BackupUnusable, match="not empty"):
        put_back(kept, place)


def test_a_migrated_database_without_rows_is_empty(kept: Engine, target: Engine, place: Path) -> None:
    taken(kept, place)
    schema.upgrade(target)
    put_back(target, place)
    assert verify(target) == []


def test_a_backup_goes_into_a_new_directory(kept: Engine, place: Path) -> None:
    taken(kept, place)
    with pytest.raises(BackupUnusable, match="not empty"):
        taken(kept, place)


def test_a_schema_that_is_not_at_head_is_not_backed_up(target: Engine, place: Path) -> None:
    with pytest.raises(SchemaOutdated, match="onecode db upgrade"):
        taken(target, place)


def test_another_secret_is_not_overwritten(kept: Engine, target: Engine, place: Path) -> None:
    taken(kept, place)
    (place / "new").mkdir()
    (place / "new" / "onecode.secret").write_text("cd" * 32)
    with pytest.raises(BackupUnusable, match="another secret"):
        put_back(target, place)


def test_a_damaged_file_is_named(kept: Engine, target: Engine, place: Path) -> None:
    taken(kept, place)
    (place / "backup" / "files" / "ab" / "cd" / "abcd").write_bytes(b"else")
    with pytest.raises(BackupUnusable, match="abcd is missing or damaged"):
        put_back(target, place)


def test_a_backup_that_was_cut_off_is_none(kept: Engine, target: Engine, place: Path) -> None:
    taken(kept, place)
    (place / "backup" / "manifest.json").unlink()
    with pytest.raises(BackupUnusable, match=r"no manifest\.json"):
        put_back(target, place)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 9}, "has format 9"),
        ({"kind": "oracle"}, "a backup of oracle does not go into"),
        ({"surprise": 1}, "cannot be read"),
        ({"rows": {"custody": 3}}, "the manifest says"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    kept: Engine, target: Engine, place: Path, change: dict[str, object], reason: str
) -> None:
    taken(kept, place)
    path = place / "backup" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BackupUnusable, match=reason):
        put_back(target, place)


def test_a_restore_that_broke_off_can_be_run_again(kept: Engine, target: Engine, place: Path) -> None:
    taken(kept, place)
    shutil.copytree(place / "backup" / "files", place / "new" / "files")
    schema.upgrade(target)
    put_back(target, place)
    with reading(target) as snapshot:
        assert snapshot.scalar(select(func.count()).select_from(tables.event)) == 3
