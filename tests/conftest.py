"""Fixtures: both databases, the real application, its cast of actors, and the check of the ledger after every test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.settings import Settings
from app.store.check import verify
from app.store.engine import open_engine
from app.store.writer import Writer
from tests.support import databases, postgres
from tests.support.databases import Database
from tests.support.statements import Statements, recorded

# A laptop's own settings are none of the tests' business.
for _name in [n for n in os.environ if n.startswith("ONECODE_") and n not in ("ONECODE_VECTORS", postgres.PLACE)]:
    del os.environ[_name]


def _starts_the_run(config: pytest.Config) -> bool:
    return not hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    if _starts_the_run(config):
        postgres.choose_place()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _starts_the_run(config):
        postgres.stop_server()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return databases.migrate_sqlite(tmp_path_factory.mktemp("template") / "onecode.db")


@pytest.fixture(params=databases.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """A migrated database of the test's own; the ledger in it is verified when the test is over."""
    with databases.fresh(request.param, tmp_path, sqlite_template) as made:
        yield made
        if not made.damaged:
            checked = open_engine(made.url)
            findings = verify(checked)
            checked.dispose()
            assert findings == []


@pytest.fixture(params=databases.KINDS)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    with databases.fresh(request.param, tmp_path, None) as made:
        yield made


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    opened = open_engine(database.url)
    yield opened
    opened.dispose()


@pytest.fixture
def writer(engine: Engine) -> Iterator[Writer]:
    started = Writer(engine)
    yield started
    started.close()


@pytest.fixture
def statements(engine: Engine) -> Iterator[Statements]:
    """What the `engine` fixture runs; for the application's own engine use `service_statements`."""
    with recorded(engine) as noted:
        yield noted


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    return Settings(
        database_url=database.url,
        public_url="https://food.example.cn",
        secret_file=tmp_path / "onecode.secret",
        files_dir=tmp_path / "files",
    )


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Third-party test data beside the project; without them the tests that need them skip and say so."""
    place = Path(os.environ.get("ONECODE_VECTORS", "../shared/vectors"))
    if not place.is_dir():
        pytest.skip(f"no test vectors at {place}: set ONECODE_VECTORS")
    return place.resolve()
