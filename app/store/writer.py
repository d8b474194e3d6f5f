"""Group commit: whatever has queued up is decided and written in one transaction, then everybody is told.

Contract. `write` and `submit` return only what is on disk. One thread runs the batches, so commands of a process are
decided one after another and later ones see earlier ones. A batch that fails is halved until the command at fault
stands alone; a conflict with another process is run again. The queue is bounded, beyond it QueueFull, and fair between
origins (see `Turns`): commands of one origin keep their order. Transaction and queue are measured by weight, so that
sales of two hundred lines make nobody wait longer than sales of two.
Load makes batches bigger, so the cost of a command falls as load rises.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from app.domain.alerts import Alert
from app.domain.errors import Refusal
from app.store import alerts, feed
from app.store.engine import conflicting, writing
from app.store.errors import StoreUnavailable
from app.store.turns import Turns

log = logging.getLogger(__name__)

C = TypeVar("C")
R = TypeVar("R")

# Past this weight a transaction takes so long that the next ones wait for nothing (measured).
BATCH = 500
ROWS = 3  # that an ordinary command writes: a sale of two lines
SKEW = timedelta(minutes=5)
RETRIES = 5
PRUNE_EVERY = 100  # entries appended to the feed between two looks at its oldest


@dataclass(slots=True)
class Transaction:
    """What a job writes through: one connection, one `now`; how far ahead of it a recorder's clock may be before it is
    flagged (`skew`); what a page or cache must forget, and the alerts that the same commit brings."""

    connection: Connection
    now: datetime
    skew: timedelta = SKEW
    touched: set[str] = field(default_factory=set)
    alerts: list[Alert] = field(default_factory=list)


def weight_of(rows: int) -> int:
    """What a command weighs that writes so many rows: a transaction holds BATCH of those that write ROWS."""
    return -(-rows // ROWS)


Job = Callable[[Transaction, Sequence[C]], Sequence[R | Exception]]


def decided(commands: Iterable[C], decide: Callable[[C], R]) -> list[R | Exception]:
    """Each command's answer, or the refusal in its place: what a job returns."""
    results: list[R | Exception] = []
    for command in commands:
        try:
            results.append(decide(command))
        except Refusal as refusal:
            results.append(refusal)
    return results


def _tell(ticket: "_Ticket[Any, Any]", result: Any) -> None:
    try:
        ticket.done(ticket.position, result)
    except RuntimeError:
        # Its event loop has closed: what it asked for is on disk, and nobody is left to hear so.
        log.warning("nobody waits for a write any more", exc_info=True)


@dataclass(slots=True, eq=False)
class _Ticket(Generic[C, R]):
    job: Job[C, R]
    command: C
    done: Callable[[int, R | Exception], None]
    position: int = 0  # among the commands that were given together; told to `done`
    weight: int = 1


def _weight(ticket: _Ticket[Any, Any]) -> int:
    return ticket.weight


def _ordinary(_: Any) -> int:
    return 1


class Writer:
    """The one door for writes of this process. Start it once, close it to drain."""

    def __init__(
        self,
        engine: Engine,
        *,
        limit: int = 20_000,
        skew: timedelta = SKEW,
        clock: Callable[[], datetime] | None = None,
        on_commit: Callable[[set[str]], None] = lambda touched: None,
    ) -> None:
        """`on_commit` hears what a transaction touched before anybody is told of its success: a process sees its own
        writes at once, others when their feed has them."""
        self._engine = engine
        self._skew = skew
        self._clock = clock or (lambda: datetime.now(UTC))
        self._queue: Turns[_Ticket[Any, Any]] = Turns(limit, _weight)
        self._ready = threading.Condition()
        self._closing = False
        self._appended = 0
        # SQLite's one writer: within a process nobody has to ask again and again whether it is free.
        self._alone: AbstractContextManager[Any] = (
            threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()
        )
        self._on_commit = on_commit
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def write(
        self, job: Job[C, R], command: C, origin: Hashable = None, weigh: Callable[[C], int] = _ordinary
    ) -> R:
        """Runs the job on the command in one of the next batches; returns its result or raises its exception."""
        (result,) = await self.settle(job, (command,), origin, weigh)
        if isinstance(result, Exception):
            raise result
        return result

    async def settle(
        self,
        job: Job[C, R],
        commands: Sequence[C],
        origin: Hashable = None,
        weigh: Callable[[C], int] = _ordinary,
    ) -> list[R | Exception]:
        """As write, for several commands that are decided in their order: what came of each. `origin`: whose they are,
        a device or a party; `weigh`: what a command costs, 1 for one of a few rows, as `weight_of` says. Raises
        QueueFull."""
        loop = asyncio.get_running_loop()
        results: list[Any] = [None] * len(commands)
        left = len(commands)
        future: asyncio.Future[None] = loop.create_future()
        if not commands:
            return results

        def finish() -> None:
            if not future.done():
                future.set_result(None)

        def done(position: int, result: R | Exception) -> None:
            nonlocal left
            results[position] = result
            left -= 1
            if left == 0:
                loop.call_soon_threadsafe(finish)

        self._enqueue([_Ticket(job, command, done, i, weigh(command)) for i, command in enumerate(commands)], origin)
        await future
        return results

    def submit(self, job: Job[C, R], command: C, weight: int = 1) -> R:
        """As write, for a caller without an event loop; `weight`: what the command costs."""
        future: Future[R] = Future()

        def done(_: int, result: R | Exception) -> None:
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

        self._enqueue([_Ticket(job, command, done, weight=weight)])
        return future.result()

    def offer(self, job: Job[C, R], command: C, done: Callable[[R | Exception], None], origin: Hashable = None) -> None:
        """The bare door: `done` is called on the writer's thread after the commit. Raises QueueFull."""
        self._enqueue([_Ticket(job, command, lambda _, result: done(result))], origin)

    def apart(self, job: Job[C, R], command: C) -> R:
        """Runs the job on the command in a transaction of its own, in the thread that asks: for what waits for a lock
        of all processes, which commands of the queue should not wait for. The job locks nothing that they lock."""
        ticket: _Ticket[C, R] = _Ticket(job, command, lambda *_: None)
        attempt = 0
        while True:
            try:
                (result,) = self._commit([ticket])
            except DBAPIError as error:
                attempt += 1
                if not conflicting(error) or attempt > RETRIES:
                    raise
                continue
            if isinstance(result, Exception):
                raise result
            return cast(R, result)

    def close(self) -> None:
        """Drains the queue, then stops."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        self._thread.join()

    def _enqueue(self, tickets: Sequence[_Ticket[Any, Any]], origin: Hashable = None) -> None:
        with self._ready:
            if self._closing:
                raise StoreUnavailable("the service is shutting down")
            self._queue.put(origin, tickets)
            self._ready.notify()

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._queue and not self._closing:
                    self._ready.wait()
                if not self._queue:
                    return
                batch = self._queue.take(BATCH)
            self._settle(batch)

    def _settle(self, batch: list[_Ticket[Any, Any]]) -> None:
        """Runs the batch, again where another process was in the way, by halves where one command spoils it."""
        results: Sequence[Any]
        for attempt in range(RETRIES + 1):
            try:
                results = self._commit(batch)
            except StoreUnavailable as error:
                results = [error] * len(batch)
            except Exception as error:
                if isinstance(error, DBAPIError) and conflicting(error) and attempt < RETRIES:
                    continue
                if len(batch) > 1:
                    break
                log.exception("a write failed: %s", getattr(batch[0].job, "__qualname__", batch[0].job))
                results = [error]
            for ticket, result in zip(batch, results, strict=True):
                _tell(ticket, result)
            return
        middle = len(batch) // 2
        self._settle(batch[:middle])
        self._settle(batch[middle:])

    def _commit(self, batch: list[_Ticket[Any, Any]]) -> list[Any]:
        groups: dict[Any, list[int]] = {}
        for i, ticket in enumerate(batch):
            groups.setdefault(ticket.job, []).append(i)
        results: list[Any] = [None] * len(batch)
        with self._alone, writing(self._engine) as connection:
            transaction = Transaction(connection, self._clock(), self._skew)
            for job, members in groups.items():
                answers = job(transaction, [batch[i].command for i in members])
                for i, answer in zip(members, answers, strict=True):
                    results[i] = answer
            if transaction.alerts:
                alerts.add(connection, transaction.alerts)
            if transaction.touched:
                feed.append(connection, transaction.now, transaction.touched)
                self._appended += 1
                if self._appended % PRUNE_EVERY == 0:
                    feed.prune(connection, transaction.now)
        if transaction.touched:
            self._on_commit(transaction.touched)
        return results
