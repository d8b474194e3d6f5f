"""Fixtures: both databases, the real application, its cast of actors, and the check of the ledger after every test."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import pytest
from sqlalchemy import Connection, Engine, event

from app.settings import Settings
from app.store.engine import open_engine
from app.store.writer import Writer
from tests.support import databases, postgres
from tests.support.compiled import compiled_once
from tests.support.databases import Database
from tests.support.distribution import fault
from tests.support.statements import Statements, recorded

if TYPE_CHECKING:  # tests of the pure rules do without the application, and without the second that loading it takes
    from starlette.testclient import TestClient

    from app.web.service import Service
    from tests.support.cast import Cast
    from tests.support.enrolled import Enrolled
    from tests.support.story import Story


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    with compiled_once():
        yield


@pytest.fixture(scope="session")
def _new_faults() -> Iterator[list[str]]:
    """What is wrong with the statements that ran for the first time since somebody looked."""
    seen: set[str] = set()
    faults: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        if statement not in seen:
            seen.add(statement)
            if (found := fault(statement)) is not None:
                faults.append(f"{found}: {statement}")

    event.listen(Engine, "before_cursor_execute", note)
    yield faults
    event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture(autouse=True)
def _distributable(_new_faults: list[str]) -> Iterator[None]:
    """Every statement of every test keeps to the rules of a sharded database."""
    yield
    found = list(_new_faults)
    _new_faults.clear()
    assert found == []


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return databases.migrate_sqlite(tmp_path_factory.mktemp("template") / "onecode.db")


@pytest.fixture(scope="session")
def templates(sqlite_template: Path) -> dict[str, Path | str]:
    """What an empty database of each kind is copied from."""
    return {"sqlite": sqlite_template, "postgresql": postgres.TEMPLATE}


@pytest.fixture(scope="session")
def enrolled(
    tmp_path_factory: pytest.TempPathFactory, templates: dict[str, Path | str]
) -> "Iterator[Callable[[str], Enrolled]]":
    """The database of a kind in which the cast is enrolled already."""
    with ExitStack() as stack:

        @cache
        def enrolled(kind: str) -> "Enrolled":
            from tests.support.enrolled import enrol

            place = tmp_path_factory.mktemp("enrolled")
            return enrol(stack.enter_context(databases.fresh(kind, place, templates[kind])), place)

        yield enrolled


@pytest.fixture(params=databases.KINDS)
def database(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    templates: dict[str, Path | str],
    enrolled: "Callable[[str], Enrolled]",
) -> Iterator[Database]:
    """A migrated database of the test's own, the cast enrolled in it where the test begins with them; the ledger in
    it is verified when the test is over."""
    begun = enrolled(request.param) if "cast" in request.fixturenames else None
    with databases.fresh(request.param, tmp_path, begun.template if begun else templates[request.param]) as made:
        made.enrolled = begun
        yield made
        if not made.damaged and _verified(request.param, request.node.nodeid):
            assert databases.findings(made) == []


def _verified(kind: str, name: str) -> bool:
    """Every ledger on SQLite, and of those on PostgreSQL a third: what both databases hold is decided by the same
    code, and what PostgreSQL's statements write is seen in every sort of test."""
    return kind == "sqlite" or crc32(name.encode()) % 3 == 0


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
    from tests.support.enrolled import settings_of

    made = settings_of(database, tmp_path)
    if database.enrolled is not None:
        database.enrolled.give_secret(made)
    return made


@pytest.fixture
def service(settings: Settings, database: Database) -> "Iterator[Service]":
    """The doors of one process, as `onecode serve` opens them."""
    from app.main import close_service, open_service
    from tests.support.freshness import stale_answers, stale_stands

    opened = open_service(settings)
    yield opened
    stale = [] if database.damaged else stale_answers(opened) + stale_stands(opened)
    close_service(opened)
    assert stale == []


@pytest.fixture
def unfrozen() -> Iterator[None]:
    from tests.support import enrolled

    with enrolled.unfrozen():
        yield


@pytest.fixture
def client(service: "Service") -> "Iterator[TestClient]":
    from tests.support.enrolled import speaking

    with speaking(service) as opened:
        yield opened


@pytest.fixture
def cast(client: "TestClient", service: "Service", database: Database) -> "Cast":
    from tests.support.cast import Cast, first_key

    return database.enrolled.speaking(client) if database.enrolled is not None else Cast(client, first_key(service))


@pytest.fixture
def story(client: "TestClient", service: "Service") -> "Story":
    """The stage of every story."""
    from tests.support.cast import first_key
    from tests.support.story import Story

    return Story(client, first_key(service))


@pytest.fixture
def service_statements(service: "Service") -> Iterator[Statements]:
    """What the application runs. Until its feed has been looked at once it believes nothing that it keeps of keys."""
    from tests.support.freshness import settled

    settled(service)
    with recorded(service.engine) as noted:
        yield noted


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Third-party test data beside the project; without them the tests that need them skip and say so."""
    place = Path(os.environ.get("ONECODE_VECTORS", "../shared/vectors"))
    if not place.is_dir():
        pytest.skip(f"no test vectors at {place}: set ONECODE_VECTORS")
    return place.resolve()
