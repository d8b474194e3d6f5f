"""Files by their content, and the master secret."""

import hashlib
import os
import stat
from pathlib import Path

import pytest

from app.store.errors import StoreUnavailable
from app.store.files import FileStore
from app.store.secret import SecretMissing, load_master


def test_the_same_content_is_one_file(tmp_path: Path) -> None:
    files = FileStore(tmp_path / "files")
    digest = files.put(b"paper")
    assert digest == hashlib.sha256(b"paper").digest()
    assert files.put(b"paper") == digest
    assert files.get(digest) == b"paper"
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == [files.path(digest)]


def test_half_a_file_never_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = FileStore(tmp_path / "files")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StoreUnavailable):
            files.put(b"paper")
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []
    assert files.get(files.put(b"paper")) == b"paper"
    with pytest.raises(StoreUnavailable):
        files.get(hashlib.sha256(b"other").digest())


def test_the_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "onecode.secret"
    made = load_master(path, may_create=True)
    assert len(made) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_master(path, may_create=True) == made
    assert load_master(path, may_create=False) == made
    assert [entry.name for entry in path.parent.iterdir()] == ["onecode.secret"]


def test_a_lost_secret_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(SecretMissing, match="backup"):
        load_master(tmp_path / "onecode.secret", may_create=False)


@pytest.mark.parametrize("text", ["", "zz" * 32, "ab" * 31])
def test_what_is_no_secret(tmp_path: Path, text: str) -> None:
    path = tmp_path / "onecode.secret"
    path.write_text(text)
    with pytest.raises(ValueError, match="64 hexadecimal"):
        load_master(path, may_create=True)


def test_of_two_that_start_at_once_one_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "onecode.secret"
    link = os.link

    def second(source: Path, target: Path) -> None:
        path.write_text("ab" * 32)
        link(source, target)

    monkeypatch.setattr(os, "link", second)
    assert load_master(path, may_create=True) == bytes.fromhex("ab" * 32)
