"""Processes that are killed, and several at once: subscribers miss nothing, and what comes again is told as such."""

import itertools
import threading
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select, update

from app.store import tables
from app.store.engine import open_engine, writing
from app.store.writer import Writer
from tests.epcis.listening import arrival, bring, heard, named, subscribed, taken
from tests.notifying.conftest import until
from tests.notifying.receiver import in_turn, receiving, stall
from tests.support.cast import Actor, operator_key
from tests.support.databases import Database
from tests.support.server import serving


def key_of(database: Database) -> str:
    engine = open_engine(database.url)
    writer = Writer(engine)
    key = operator_key(writer)
    writer.close()
    engine.dispose()
    return key


def test_a_killed_process_loses_nothing_and_repeats_what_was_not_noted(database: Database, tmp_path: Path) -> None:
    key = key_of(database)
    engine = open_engine(database.url)
    row = tables.epcis_subscription
    with receiving() as receiver:
        reach = {"ONECODE_WEBHOOK_HOSTS": receiver.origin, "ONECODE_WEBHOOK_NETWORKS": "127.0.0.0/8"}
        with serving(tmp_path, database.url, **reach) as server, httpx2.Client(base_url=server.url) as client:
            admin = Actor(client, key)
            subscribed(admin, named(admin), receiver.origin)
            bring(admin, "a")
            until(lambda: heard(receiver.got) == ["a"])
            receiver.behave = stall  # it has what it was sent, and we do not know
            bring(admin, "b")
            receiver.wait(2)
            bring(admin, "c")
            server.kill()
        with writing(engine) as connection:
            assert connection.execute(select(row.c.status, row.c.told_at.is_not(None))).all() == [("active", True)]
            connection.execute(update(row).values(due=row.c.record_time))  # the lease ends
        receiver.behave = in_turn(204)
        with serving(tmp_path, database.url, **reach):
            until(lambda: heard(receiver.got)[-1] == "c")
    got = receiver.got
    assert heard(got) in (["a", "b", "b", "c"], ["a", "b", "b", "b", "c"])
    # The same events under the same id, more events under another.
    assert len({each.id for each in got}) == len({tuple(heard([each])) for each in got})
    engine.dispose()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_two_processes_that_capture_tell_every_event_once_in_one_order(database: Database, tmp_path: Path) -> None:
    """Both capture at once, and both serve subscriptions."""
    key = key_of(database)
    numbers = itertools.count()
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    brought: list[str] = []
    with receiving() as receiver:
        reach = {"ONECODE_WEBHOOK_HOSTS": receiver.origin, "ONECODE_WEBHOOK_NETWORKS": "127.0.0.0/8"}
        secret = {"ONECODE_SECRET_FILE": str(tmp_path / "onecode.secret")}
        with (
            serving(one, database.url, **reach, **secret) as first,
            serving(two, database.url, **reach, **secret) as second,
            httpx2.Client(base_url=first.url, timeout=60) as client,
            httpx2.Client(base_url=second.url, timeout=60) as another,
        ):
            here, there = Actor(client, key), Actor(another, key)
            subscribed(here, named(here), receiver.origin)

            def load(actor: Actor) -> None:
                for _ in range(15):
                    events = [f"e{next(numbers)}" for _ in range(3)]
                    taken(actor, *(arrival(name) for name in events))
                    brought.extend(events)

            threads = [threading.Thread(target=load, args=(actor,)) for actor in (here, there)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(brought) == 90
            until(lambda: len(heard(receiver.got)) >= 90)
            told = list(receiver.got)
    assert heard(told) == _by_position(database)
    assert sorted(heard(told)) == sorted(brought)


def _by_position(database: Database) -> list[str]:
    """The names of all events, in the order of the repository."""
    engine = open_engine(database.url)
    event = tables.epcis_event.c
    with writing(engine) as connection:
        ids = connection.scalars(select(event.epcis_event_id).order_by(event.position)).all()
    engine.dispose()
    return [_name(key) for key in ids]


def _name(event_id: str) -> str:
    return bytes.fromhex(event_id.removeprefix("urn:uuid:").replace("-", "")).strip(b"\0").decode()
