"""A second ledger to compare with."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.store.engine import open_engine
from app.store.writer import Writer
from tests.support.databases import fresh


@pytest.fixture
def other(tmp_path: Path, sqlite_template: Path) -> Iterator[Engine]:
    (tmp_path / "other").mkdir()
    with fresh("sqlite", tmp_path / "other", sqlite_template) as made:
        opened = open_engine(made.url)
        yield opened
        opened.dispose()


@pytest.fixture
def other_writer(other: Engine) -> Iterator[Writer]:
    started = Writer(other)
    yield started
    started.close()
