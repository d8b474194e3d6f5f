"""A connection that is held open and read from within the event loop: no thread, and no way to one and back.

What a page costs that was never asked for before is one statement of some ten microseconds for each who asks; handing
it to a thread and its answer back costs more than that. SQLite answers while it is asked, and is asked for a few rows
by their keys alone; where a slow disk has them, a thread waits for it. PostgreSQL is asked over libpq itself: the loop
watches its socket, as it does everybody's.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from sqlalchemy import Engine

from app.store.engine import reading, translated

_numbers = count(1)  # of statements; a name stands for one and no other
SLOW = 0.02  # seconds that a statement takes whose rows a disk had to be asked for, or whose machine is very busy
APART = 10  # times as long a thread reads then: the loop stands still for a tenth of the time at most
MOST = 32  # rows in one statement: half a millisecond; more in one are no cheaper
Row = tuple[Any, ...]
Listed = Sequence[int] | Sequence[str]


class Held:
    """One statement at a time, each a snapshot of its own. For whatever loop runs; close it."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.perf_counter) -> None:
        self._engine = engine
        self._clock = clock
        self._driver: Any = None  # the driver's own connection
        self._prepared: dict[str, bytes] = {}
        self._apart_until = float("-inf")
        self._tried = 1

    @property
    def most(self) -> int:
        """How many rows to ask for in one statement: SQLite few, until it has shown that it has them in memory."""
        return self._tried if not self.postgres and self._clock() >= self._apart_until else MOST

    @property
    def postgres(self) -> bool:
        return self._engine.dialect.name == "postgresql"

    async def rows(self, statement: str, given: Sequence[Any]) -> list[Row]:
        """What a statement finds. What is given are SQLite's values for `?`, or PostgreSQL's arrays for `$1` and so
        on. Raises StoreUnavailable; SQLite is not waited for where somebody locks the file."""
        try:
            with translated():
                if not self.postgres and self._clock() < self._apart_until:
                    return await asyncio.to_thread(self._apart, statement, given)
                if self._driver is None:
                    self._driver = await asyncio.to_thread(self._open)
                for hear in self._engine.dispatch.before_cursor_execute:
                    hear(None, None, statement, given, None, False)
                if isinstance(self._driver, sqlite3.Connection):
                    return self._here(self._driver, statement, given)
                return await self._asked(self._driver, statement, given)
        except BaseException:
            self.close()  # one who is cancelled leaves an answer behind
            raise

    def close(self) -> None:
        """Gives the connection up; the next read opens another."""
        driver, self._driver = self._driver, None
        self._prepared.clear()
        if driver is not None:
            driver.close()

    def _open(self) -> Any:
        lent = self._engine.raw_connection()
        driver: Any = lent.driver_connection
        lent.detach()  # what is set and prepared on it is nothing for the pool's others
        if isinstance(driver, sqlite3.Connection):
            driver.execute("PRAGMA busy_timeout=0").close()  # the loop has others to serve
        else:
            driver.autocommit = True
            # A list of keys is looked up by the index however long it is: to plan for each takes longer than to read.
            driver.execute("SET plan_cache_mode = force_generic_plan")
        return driver

    def _here(self, driver: sqlite3.Connection, statement: str, given: Sequence[Any]) -> list[Row]:
        began = self._clock()
        found = driver.execute(statement, given).fetchall()
        ended = self._clock()
        if ended - began > SLOW:
            self._apart_until, self._tried = ended + APART * (ended - began), 1
        else:
            self._tried = min(2 * self._tried, MOST)
        return found

    def _apart(self, statement: str, given: Sequence[Any]) -> list[Row]:
        with reading(self._engine) as snapshot:
            return [tuple(row) for row in snapshot.exec_driver_sql(statement, tuple(given))]

    async def _asked(self, driver: psycopg.Connection, statement: str, given: Sequence[Listed]) -> list[Row]:
        name = self._prepared.get(statement)
        if name is None:
            name = b"held_%d" % next(_numbers)
            driver.pgconn.send_prepare(name, statement.encode())
            await _answer(driver.pgconn)
            self._prepared[statement] = name
        driver.pgconn.send_query_prepared(name, [_array(each) for each in given])
        read = Transformer(driver)
        read.set_pgresult(result := await _answer(driver.pgconn))
        return list(read.load_rows(0, result.ntuples, tuple))


async def _answer(connection: PGconn) -> PGresult:
    """The result of what was sent. Raises psycopg.Error."""
    loop, socket = asyncio.get_running_loop(), connection.socket
    results: list[PGresult] = []
    over = loop.create_future()

    def go_on() -> None:
        try:
            if connection.flush():
                loop.add_writer(socket, go_on)
                return
            loop.remove_writer(socket)
            connection.consume_input()
            while not connection.is_busy() and not over.done():
                result = connection.get_result()
                if result is None:
                    over.set_result(None)
                else:
                    results.append(result)
        except psycopg.Error as error:
            if not over.done():
                over.set_exception(error)

    loop.add_reader(socket, go_on)
    try:
        go_on()
        await over
    finally:
        loop.remove_writer(socket)
        loop.remove_reader(socket)
    for result in results:
        if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            raise error_from_result(result)
    return results[-1]


def _array(values: Listed) -> bytes:
    """An array as text: numbers as they are, texts in quotes."""
    return b"{%s}" % ",".join([_quoted(each) if isinstance(each, str) else str(each) for each in values]).encode()


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
