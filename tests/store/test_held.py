"""A connection that the event loop reads from: each answer is that of its question, what is lost is opened again."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import event

from app.store.engine import open_engine
from app.store.errors import StoreUnavailable
from app.store.held import MOST, SLOW, Held
from tests.support.databases import Database

only_postgres = pytest.mark.parametrize("empty_database", ["postgresql"], indirect=True)
only_sqlite = pytest.mark.parametrize("empty_database", ["sqlite"], indirect=True)
ECHO = "SELECT unnest($1::text[])"


@pytest.fixture
def held(empty_database: Database) -> Iterator[Held]:
    engine = open_engine(empty_database.url)
    made = Held(engine)
    yield made
    made.close()
    engine.dispose()


@only_postgres
def test_texts_come_back_as_they_were_given_however_many(held: Held) -> None:
    texts = ['a "quoted" one', "back\\slash", "{1,2}", "", "NULL", "批次", *(f"{n:0100}" for n in range(50_000))]

    async def asked() -> None:
        assert [text for (text,) in await held.rows(ECHO, (texts,))] == texts
        assert await held.rows("SELECT $1::bigint[]", ([1, 2**62],)) == [([1, 2**62],)]

    asyncio.run(asked())


@only_postgres
def test_who_goes_away_leaves_the_next_one_an_answer_of_his_own(held: Held) -> None:
    async def asked() -> None:
        slow = asyncio.create_task(held.rows("SELECT pg_sleep(30), $1::text[]", (["x"],)))
        await asyncio.sleep(0.3)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        assert await held.rows(ECHO, (["next"],)) == [("next",)]

    asyncio.run(asked())


@only_postgres
def test_a_connection_that_is_lost_is_told_of_once(held: Held, empty_database: Database) -> None:
    async def asked() -> None:
        ((pid,),) = await held.rows("SELECT pg_backend_pid() FROM unnest($1::text[])", (["x"],))
        with psycopg.connect(empty_database.url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        with pytest.raises(StoreUnavailable):
            await held.rows(ECHO, (["x"],))
        assert await held.rows(ECHO, (["x"],)) == [("x",)]

    asyncio.run(asked())


def test_a_wrong_statement_is_a_bug_and_not_an_outage(held: Held) -> None:
    async def asked() -> None:
        given: tuple[list[str], ...] = (["x"],) if held.postgres else ()
        with pytest.raises(Exception, match="nowhere") as raised:
            await held.rows("SELECT 1 FROM nowhere", given)
        assert not isinstance(raised.value, StoreUnavailable)

    asyncio.run(asked())


@only_sqlite
def test_a_slow_disk_is_waited_for_by_a_thread(empty_database: Database) -> None:
    """The loop stands still for one statement, then for a tenth of the time at most, and for one row each time."""
    engine = open_engine(empty_database.url)
    now, takes = 0.0, 0.0  # seconds
    threads: list[int] = []

    def fetched() -> int:
        nonlocal now
        now += takes
        threads.append(threading.get_ident())
        return 1

    def with_a_disk(connection: sqlite3.Connection, _record: object) -> None:
        connection.create_function("fetched", 0, fetched)

    event.listen(engine, "connect", with_a_disk)
    held = Held(engine, lambda: now)

    async def by_itself() -> bool:
        assert await held.rows("SELECT fetched()", ()) == [(1,)]
        return threads[-1] == threading.get_ident()

    async def asked() -> None:
        nonlocal now, takes
        tried = []
        while held.most < MOST:
            tried.append(held.most)
            assert await by_itself()
        assert tried == [1, 2, 4, 8, 16], "nothing was known of the disk"
        takes = 50 * SLOW
        assert await by_itself()
        assert [await by_itself() for _ in range(9)] == [False] * 9
        assert held.most == MOST, "a thread may read as many as are asked for"
        now += takes
        assert held.most == 1
        assert [await by_itself() for _ in range(2)] == [True, False], "as slow as before"
        now += 20 * takes
        takes = 0.0
        assert await by_itself()
        assert held.most == 2

    asyncio.run(asked())
    held.close()
    engine.dispose()
