"""A connection that the event loop reads from: each answer is that of its question, what is lost is opened again."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from app.store.engine import open_engine
from app.store.errors import StoreUnavailable
from app.store.held import Held
from tests.support.databases import Database

only_postgres = pytest.mark.parametrize("empty_database", ["postgresql"], indirect=True)
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
