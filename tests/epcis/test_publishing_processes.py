"""Real processes that publish: killed in the middle, and several at once. Every event is shown, and shown once."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, insert, select

from app.store import tables
from app.store.engine import reading, writing
from app.store.secret import load_master
from tests.notifying.conftest import until
from tests.support import ledger
from tests.support.databases import Database
from tests.support.server import serving

EVENTS = 4_000  # sixteen pages of the publisher


@pytest.fixture
def keys(engine: Engine, tmp_path: Path) -> set[UUID]:
    """The events of a ledger that has many, none of which is published."""
    load_master(tmp_path / "onecode.secret", may_create=True)
    refs = [f"certified {number}" for number in range(EVENTS)]
    made = [ledger.event_key(ref) for ref in refs]
    with writing(engine) as connection:
        ledger.make(connection)
        one = connection.execute(select(tables.event).where(tables.event.c.id == ledger.MADE)).one()._asdict()
        entry = {"custody_id": ledger.AT_FARM, "entry": "touched", "amount": 0}
        one |= {"kind": "certify", "entries": [[entry["custody_id"].hex, entry["entry"], entry["amount"]]]}
        keyed = list(zip(made, refs, strict=True))
        connection.execute(insert(tables.event), [{**one, "id": key, "ref": ref} for key, ref in keyed])
        happened = {"kind": "certify", "event_time": ledger.NOW}
        connection.execute(insert(tables.timeline), [{**entry, **happened, "event_id": key} for key in made])
        connection.execute(insert(tables.unpublished), [{"event_id": key} for key in made])
        return set(connection.scalars(select(tables.unpublished.c.event_id)))


def shown(engine: Engine) -> int:
    with reading(engine) as snapshot:
        return snapshot.scalar(select(func.count()).select_from(tables.epcis_event)) or 0


def assert_each_once(engine: Engine, keys: set[UUID]) -> None:
    with reading(engine) as snapshot:
        rows = snapshot.execute(select(tables.epcis_event.c.event_id, tables.epcis_event.c.position)).all()
        named = snapshot.execute(select(tables.epc_event.c.event_id, tables.epc_event.c.position)).all()
        assert snapshot.scalars(select(tables.unpublished.c.event_id)).all() == []
        assert snapshot.scalars(select(tables.unpublishable.c.event_id)).all() == []
    assert len(rows) == len(keys)
    assert {row.event_id for row in rows} == keys
    assert sorted(row.position for row in rows) == list(range(1, len(keys) + 1))
    # One class of goods each, at the place where the event is shown.
    assert sorted(named) == sorted(rows)


def test_a_process_that_is_killed_while_it_publishes(
    database: Database, engine: Engine, keys: set[UUID], tmp_path: Path
) -> None:
    cut = []
    for _ in range(2):
        before = shown(engine)
        with serving(tmp_path, database.url) as server:
            until(lambda: shown(engine) > before)  # noqa: B023 - asked at once
            server.kill()
        cut.append(shown(engine))
    assert cut[0] < len(keys), "it was not killed in the middle"
    with serving(tmp_path, database.url):
        until(lambda: shown(engine) == len(keys))
    assert_each_once(engine, keys)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_two_processes_publish_at_the_same_time(
    database: Database, engine: Engine, keys: set[UUID], tmp_path: Path
) -> None:
    secret = {"ONECODE_SECRET_FILE": str(tmp_path / "onecode.secret")}
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    with serving(one, database.url, **secret), serving(two, database.url, **secret):
        until(lambda: shown(engine) == len(keys))
    assert_each_once(engine, keys)
