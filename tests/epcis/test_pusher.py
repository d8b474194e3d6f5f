"""The pusher by itself: leases, what is cut off, what fails in us."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select, update

from app.domain.epcis.formats import CompanyPrefixes
from app.domain.rights import Role
from app.domain.webhooks import Pace, reach
from app.enrolling.keys import OPERATOR, MakeKey, make_keys
from app.exchanging import following, pushing, querying, subscribing
from app.exchanging.pushing import Pusher
from app.exchanging.subscribing import MakeQuery, Subscribe, Trigger
from app.store import standing as store
from app.store import tables
from app.store.engine import reading, writing
from app.store.errors import StoreUnavailable
from app.store.writer import Writer
from tests.epcis.listening import arrival, heard, names
from tests.exchanging.world import bring, document
from tests.notifying.conftest import FAST, MASTER, reach_of, until
from tests.notifying.receiver import Receiver, answer, die, in_turn, stall

Start = Callable[..., Pusher]


@pytest.fixture
def start(engine: Engine, writer: Writer, receiver: Receiver) -> Iterator[Start]:
    """Starts a pusher at a test's pace."""
    writer.submit(make_keys, MakeKey(OPERATOR, Role.ADMIN, None, None, None, "operator"))
    with ExitStack() as stack:

        def start(**options: Any) -> Pusher:
            pace = options.pop("pace", FAST)
            pusher = Pusher(
                engine, writer, MASTER, reach_of(receiver), CompanyPrefixes(), "https://e.cn", pace=pace, **options
            )
            pusher.start()
            stack.callback(pusher.close)
            return pusher

        yield start


def subscribed(writer: Writer, receiver: Receiver, name: str = "q", **trigger: Any) -> None:
    writer.submit(subscribing.make_queries, MakeQuery(OPERATOR, name, trigger.pop("query", {})))
    dest = f"{receiver.origin}/{name}"
    when = Trigger(trigger.pop("schedule", None), **trigger)
    writer.submit(subscribing.subscribe, Subscribe(OPERATOR, name, dest, "t", when, reach_of(receiver), MASTER))


def rows(engine: Engine) -> list[Any]:
    with reading(engine) as snapshot:
        return list(snapshot.execute(select(tables.epcis_subscription)).all())


def came(writer: Writer, engine: Engine, *called: str) -> None:
    for name in called:
        assert bring(writer, engine, document(arrival(name))).events


def test_what_is_under_way_when_it_closes_is_given_back(
    engine: Engine, writer: Writer, receiver: Receiver, start: Start
) -> None:
    receiver.behave = stall
    subscribed(writer, receiver)
    pusher = start()
    came(writer, engine, "a")
    pusher.wake()
    receiver.wait(1)
    pusher.close()
    [row] = rows(engine)
    assert (row.position, row.failures, row.turn) == (0, 0, 1)
    receiver.behave = in_turn(204)
    start()  # nobody waits for a lease to end
    until(lambda: heard(receiver.got) == ["a", "a"])
    assert receiver.got[0].id == receiver.got[1].id


def test_what_another_process_took_first_is_left_to_it(
    engine: Engine, writer: Writer, receiver: Receiver, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.behave = in_turn(204)
    subscribed(writer, receiver)
    looked = threading.Event()
    look = Pusher._look

    def late(self: Pusher, busy: frozenset[UUID]) -> tuple[list[Any], float]:
        found, _ = look(self, busy)
        if found and not looked.is_set():
            looked.set()
            with writing(engine) as connection:
                taken = {"turn": found[0].turn + 1, "due": datetime.now(UTC) + timedelta(hours=1)}
                connection.execute(update(tables.epcis_subscription).values(**taken))
        return found, 0.01

    monkeypatch.setattr(Pusher, "_look", late)
    pusher = start()
    came(writer, engine, "a")
    pusher.wake()
    assert looked.wait(10)
    pusher.close()
    assert (receiver.got, rows(engine)[0].position) == ([], 0)


def test_one_at_a_time_of_all_processes(engine: Engine, writer: Writer, receiver: Receiver, start: Start) -> None:
    """Three pushers, and a receiver that counts who speaks at once."""
    speaking, most = 0, 0
    lock = threading.Lock()

    def count(handler: Any) -> None:
        nonlocal speaking, most
        with lock:
            speaking += 1
            most = max(most, speaking)
        receiver.over.wait(0.05)
        with lock:
            speaking -= 1
        in_turn(204)(handler)

    receiver.behave = count
    subscribed(writer, receiver)
    pushers = [start() for _ in range(3)]
    for number in range(8):
        came(writer, engine, f"e{number}")
        for pusher in pushers:
            pusher.wake()
    until(lambda: len(heard(receiver.got)) == 8)
    assert heard(receiver.got) == [f"e{number}" for number in range(8)]
    assert most == 1


def test_a_lease_that_has_ended_is_anothers(engine: Engine, writer: Writer, receiver: Receiver, start: Start) -> None:
    """Whoever was away for so long writes nothing over what the other one did."""
    subscribed(writer, receiver)
    came(writer, engine, "a")
    with reading(engine) as snapshot:
        [first] = store.subscriptions(snapshot, [rows(engine)[0].id]).values()
    leased = writer.submit(pushing.take, first)
    assert leased is not None
    assert writer.submit(pushing.take, first) is None  # it is taken
    with writing(engine) as connection:
        connection.execute(update(tables.epcis_subscription).values(due=first.due, turn=leased.turn + 1))
    assert writer.submit(pushing.note, pushing.Note(leased, {"position": 99})) is None
    start()
    until(lambda: rows(engine)[0].position == 1)
    assert heard(receiver.got) == ["a"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_fault_of_ours_is_a_failed_try(
    engine: Engine, writer: Writer, receiver: Receiver, start: Start, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    def broken(*_: object) -> bytes:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(pushing, "report", broken)
    subscribed(writer, receiver)
    came(writer, engine, "a")
    start(pace=Pace(first=0.01, factor=1, longest=0.01, attempts=3))
    until(lambda: rows(engine)[0].status == "paused")
    assert (rows(engine)[0].reason, rows(engine)[0].failures) == ("internal error", 3)
    assert "a fault of ours" in caplog.text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_database_that_is_away_is_waited_for(
    engine: Engine, writer: Writer, receiver: Receiver, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each of its steps."""
    monkeypatch.setattr(pushing, "IDLE", 0.05)
    monkeypatch.setattr(pushing, "LEASE", pushing.LEASE / 300)
    subscribed(writer, receiver)
    came(writer, engine, "a")
    for name in ("due", "queries", "note", "standing", "take"):
        troubles = iter([StoreUnavailable("no database"), RuntimeError("a fault of ours")])
        original = getattr(store, name)

        def troubled(*arguments: Any, troubles: Any = troubles, original: Any = original) -> Any:
            trouble = next(troubles, None)
            if trouble is not None:
                raise trouble
            return original(*arguments)

        monkeypatch.setattr(store, name, troubled)
    start()
    until(lambda: bool(rows(engine)[0].position))
    assert "a" in heard(receiver.got)


def test_a_query_that_goes_while_it_is_served(
    engine: Engine, writer: Writer, receiver: Receiver, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = pushing.gather
    gone = threading.Event()

    def late(*arguments: Any) -> Any:
        if not gone.is_set():
            writer.submit(subscribing.delete_queries, subscribing.DeleteQuery(OPERATOR, "q"))
            gone.set()
        return original(*arguments)

    monkeypatch.setattr(pushing, "gather", late)
    subscribed(writer, receiver)
    came(writer, engine, "a")
    start()
    until(gone.is_set)
    subscribed(writer, receiver, "other", since=None)
    came(writer, engine, "b")
    until(lambda: heard(receiver.got) == ["b"])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_document_has_a_bounded_size(
    engine: Engine, writer: Writer, receiver: Receiver, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "BYTES", 1_000)
    subscribed(writer, receiver)
    came(writer, engine, *"abcde")
    start()
    until(lambda: len(heard(receiver.got)) == 5)
    assert heard(receiver.got) == list("abcde")
    assert max(len(names(json.loads(got.body))) for got in receiver.got) <= 2


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_many_events_come_in_batches(engine: Engine, writer: Writer, receiver: Receiver, start: Start) -> None:
    """A history that is longer than one look."""
    called = [f"n{number}" for number in range(230)]
    bring(writer, engine, document(*(arrival(name) for name in called)))
    subscribed(writer, receiver)
    with writing(engine) as connection:
        connection.execute(update(tables.epcis_subscription).values(position=0))
    start()
    until(lambda: len(heard(receiver.got)) == 230)
    assert sorted(heard(receiver.got)) == sorted(called)
    assert [len(names(json.loads(got.body))) for got in receiver.got] == [100, 100, 30]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_rare_is_found_in_several_looks(
    engine: Engine, writer: Writer, receiver: Receiver, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(querying, "LOOKED", 4)
    monkeypatch.setattr(querying, "READ", 4)
    bring(writer, engine, document(*(arrival(f"n{number}", step=None) for number in range(30))))
    came(writer, engine, "rare")
    bring(writer, engine, document(*(arrival(f"m{number}", step=None) for number in range(30))))
    subscribed(writer, receiver, since=datetime(2026, 1, 1, tzinfo=UTC), query={"EXISTS_errorDeclaration": None})
    subscribed(writer, receiver, "rare", since=datetime(2026, 1, 1, tzinfo=UTC), query={"MATCH_anyEPCClass": [RARE]})
    start()
    until(lambda: [row.position for row in rows(engine)] == [61, 61])
    assert [names(json.loads(got.body)) for got in receiver.got if got.path == "/rare"] == [["rare"]]


RARE = "urn:epc:idpat:lgtin:4012345.012345.rare"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_whatever_a_receiver_answers_the_order_is_kept(
    engine: Engine, writer: Writer, receiver: Receiver, start: Start
) -> None:
    """Each delivery until its 2xx, whichever; the next only then. The same events go under the same id."""
    answers = [*map(in_turn, (301, 500)), stall, die, *map(in_turn, (200, 404, 202, 429, 204))]
    receiver.behave = lambda handler: (answers.pop(0) if answers else in_turn(204))(handler)
    subscribed(writer, receiver)
    with writing(engine) as connection:
        connection.execute(update(tables.epcis_subscription).values(batch=1))
    came(writer, engine, "a", "b", "c")
    start(seconds=2.0, pace=replace(FAST, attempts=20))
    until(lambda: not answers and heard(receiver.got)[-1] == "c" and rows(engine)[0].position == 3)
    told = heard(receiver.got)
    assert [name for name, _ in groupby(told)] == ["a", "b", "c"]
    assert (told.count("a") >= 5, told.count("b") >= 2) == (True, True)
    assert len({(got.id, *heard([got])) for got in receiver.got}) == 3


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_retry_after_is_heeded(engine: Engine, writer: Writer, receiver: Receiver, start: Start) -> None:
    receiver.behave = lambda handler: answer(handler, 503, Retry_After="3600")
    subscribed(writer, receiver)
    came(writer, engine, "a")
    start(pace=Pace())
    until(lambda: rows(engine)[0].failures == 1)
    row = rows(engine)[0]
    assert (row.due - row.record_time).total_seconds() > 3_000


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["169.254.169.254"], ["::1"], ["127.0.0.1"]])
def test_a_name_that_leads_inside_is_not_followed(
    engine: Engine, writer: Writer, receiver: Receiver, start: Start, addresses: list[str]
) -> None:
    """Whatever it was when it was subscribed to: the address is looked at when it is connected to."""

    async def resolve(host: str, port: int) -> list[str]:
        return addresses

    listed = reach([f"http://erp.example.cn:{receiver.port}"], ())
    writer.submit(subscribing.make_queries, MakeQuery(OPERATOR, "q", {}))
    dest = f"http://erp.example.cn:{receiver.port}/"
    writer.submit(subscribing.subscribe, Subscribe(OPERATOR, "q", dest, None, Trigger(None), listed, MASTER))
    came(writer, engine, "a")
    pusher = Pusher(engine, writer, MASTER, listed, CompanyPrefixes(), "https://e.cn", pace=FAST, resolve=resolve)
    writer.submit(make_keys, MakeKey(OPERATOR, Role.ADMIN, None, None, None, str(uuid4())))
    pusher.start()
    try:
        until(lambda: rows(engine)[0].status == "paused")
    finally:
        pusher.close()
    assert rows(engine)[0].reason == "address not allowed"
    assert receiver.got == []
