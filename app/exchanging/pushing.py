"""The pusher: one thread of a process that tells subscribers what their queries find, each in order and none left out.

A process takes a subscription by a lease in its row. The row's position moves only after a 2xx, in a transaction of its
own: a process that is killed in between tells the same events again under the same `webhook-id`, whoever comes next.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, Final
from uuid import UUID

import httpx

from app.domain.alerts import raised
from app.domain.epcis.formats import CompanyPrefixes
from app.domain.epcis.query_parsing import parse_body
from app.domain.epcis.standing import NamedQuery, Subscription, delivery_of, veiled
from app.domain.webhooks import GONE, Answer, Pace, Reach, signed_headers
from app.exchanging.following import News, find_next, report
from app.exchanging.subscribing import Trigger, form_of
from app.notifying import sending
from app.notifying.looping import Looping
from app.store import master as masters
from app.store import standing as store
from app.store.engine import Database, Snapshot, reading
from app.store.errors import StoreUnavailable
from app.store.published import last_position
from app.store.writer import Transaction, Writer

log = logging.getLogger(__name__)

CONCURRENT: Final = 16  # subscriptions that are served at a time
READERS: Final = 2
LEASE: Final = timedelta(seconds=60)  # longer than reading and one try
REST: Final = timedelta(seconds=30)  # while nobody may be told, until it is looked at again
GAP: Final = 0.1  # seconds between two looks, however much happens
IDLE: Final = 5.0  # seconds between two looks, however quiet it is
COUNT_SECONDS: Final = 15.0


# --- jobs ---


@dataclass(frozen=True, slots=True)
class Note:
    """What becomes of a leased row."""

    row: Subscription
    changes: Mapping[str, Any]


def take(transaction: Transaction, rows: Sequence[Subscription]) -> Sequence[Subscription | Exception | None]:
    """Job: leases each, so that nobody else tells it meanwhile; None where somebody does."""
    return [store.take(transaction.connection, row, transaction.now, transaction.now + LEASE) for row in rows]


def note(transaction: Transaction, commands: Sequence[Note]) -> Sequence[Subscription | Exception | None]:
    """Job: writes each as long as its lease is ours; None where it is not. One that is paused here is an alert."""
    noted = [store.note(transaction.connection, command.row, command.changes) for command in commands]
    for command, row in zip(commands, noted, strict=True):
        if row is not None and "status" in command.changes:
            now = transaction.now
            about = f"{row.dest}：{row.reason}", f"{row.dest}: {row.reason}"
            alert = raised(
                "subscription_paused", row.id, now.date(), about, event_time=now, record_time=now, party_id=row.party_id
            )
            transaction.alerts.append(alert)
    return noted


# --- what is told ---


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nobody may be told now, and why."""

    reason: str


def gather(snapshot: Snapshot, row: Subscription, url: str) -> tuple[NamedQuery, News] | Waiting | None:
    """What is next for a subscriber who may read it now; None where the query is gone. `url`: what our own codes'
    addresses begin with."""
    query = store.queries(snapshot, [row.query_id]).get(row.query_id)
    if query is None:
        return None
    if row.party_id is not None:
        party = masters.parties(snapshot, [row.party_id])[row.party_id]
        if party.status == "locked":
            return Waiting("party-locked")
    if not store.speaks(snapshot, row):
        return Waiting("key-revoked")
    parsed = parse_body(query.query)
    return query, find_next(snapshot, row.principal, parsed, row.position, row.since, row.batch, url)


class Pusher(Looping):
    """Serves the subscriptions of all processes together with its like. `url`: what our own codes' addresses begin
    with; `count` is told what came of each delivery."""

    def __init__(
        self,
        engine: Database,
        writer: Writer,
        secret: bytes,
        reach: Reach,
        prefixes: CompanyPrefixes,
        url: str,
        *,
        pace: Pace | None = None,
        seconds: float = sending.SECONDS,
        resolve: sending.Resolve = sending.resolve,
        count: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._engine = engine
        self._writer = writer
        self._secret = secret
        self._reach = reach
        self._prefixes = prefixes
        self._url = url
        self._pace = pace or Pace()
        self._post = partial(sending.send, reach=reach, seconds=seconds, resolve=resolve)
        self._count = count
        super().__init__("subscriptions")
        self._busy: dict[UUID, asyncio.Task[None]] = {}
        self._counted = float("-inf")
        self.active = self.paused = self.lag = 0  # as of the last count

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(CONCURRENT, thread_name_prefix="resolve"))
        with self._lock:
            self._loop = loop
        try:
            with ThreadPoolExecutor(READERS, thread_name_prefix="standing") as readers:
                async with sending.http_client() as client:
                    await self._serve(client, readers)
        finally:
            with self._lock:
                self._loop = None

    async def _serve(self, client: httpx.AsyncClient, readers: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while not self._closing:
            self._ready.clear()
            pause = IDLE
            try:
                rows, pause = await loop.run_in_executor(readers, self._look, frozenset(self._busy))
                for leased in await self._writer.settle(take, rows):
                    self._begin(client, readers, leased)
            except StoreUnavailable as error:
                log.warning("subscriptions cannot be served: %s", error)
            except Exception:
                log.exception("subscriptions could not be served")
            await asyncio.sleep(GAP)
            try:
                await asyncio.wait_for(self._ready.wait(), pause)
            except TimeoutError:
                continue
        for task in self._busy.values():
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)

    def _look(self, busy: frozenset[UUID]) -> tuple[list[Subscription], float]:
        """Who is to be served, and in how many seconds to look again."""
        now = datetime.now(UTC)
        with reading(self._engine) as snapshot:
            last = last_position(snapshot)
            if monotonic() - self._counted > COUNT_SECONDS:
                self._counted = monotonic()
                found = store.standing(snapshot)
                self.active, self.paused = found.active, found.paused
                self.lag = 0 if found.behind is None else last - found.behind
            room = CONCURRENT - len(busy)
            rows = store.due(snapshot, now, last, busy, room) if room else []
            following = None if rows else store.next_due(snapshot, now)
        if rows:
            return rows, 0.0
        return rows, IDLE if following is None else min((following - now).total_seconds(), IDLE)

    def _begin(
        self, client: httpx.AsyncClient, readers: ThreadPoolExecutor, leased: Subscription | Exception | None
    ) -> None:
        if isinstance(leased, Exception):
            raise leased
        if leased is None:
            return
        task = asyncio.create_task(self._serve_one(client, readers, leased))
        self._busy[leased.id] = task
        task.add_done_callback(lambda _: self._ended(leased.id))

    def _ended(self, key: UUID) -> None:
        del self._busy[key]
        self._ready.set()

    async def _serve_one(self, client: httpx.AsyncClient, readers: ThreadPoolExecutor, row: Subscription) -> None:
        try:
            await self._tell(client, readers, row)
        except asyncio.CancelledError:
            await self._note(row, due=datetime.now(UTC))
            raise
        except StoreUnavailable as error:
            log.warning("subscription %s is served when its lease has ended: %s", row.id, error)
        except Exception:
            log.exception("subscription %s could not be served", row.id)
            await self._failed(row, Answer(None, "internal error"))

    async def _tell(self, client: httpx.AsyncClient, readers: ThreadPoolExecutor, taken: Subscription) -> None:
        """Delivery by delivery, until all is told or one fails."""
        row: Subscription | None = taken
        told = False
        while row is not None and row.status == "active":
            gathered = await asyncio.get_running_loop().run_in_executor(readers, self._gather, row)
            now = datetime.now(UTC)
            if gathered is None:
                return
            if isinstance(gathered, Waiting):
                await self._note(row, due=now + REST, reason=gathered.reason)
                return
            query, found = gathered
            empty = row.report_if_empty and row.schedule is not None and found.ended and not told
            changes: dict[str, Any] = {"position": found.position, "due": self._due(row, found, now), "reason": None}
            if found.events or empty:
                answer = await self._send(client, row, query, found, now)
                if answer.status == 413 and len(found.events) > 1:
                    row = await self._note(row, batch=len(found.events) // 2, due=now + LEASE)
                    continue
                if not answer.good:
                    await self._failed(row, answer)
                    return
                told = True
                self._count("subscription_deliveries_sent")
                changes |= {"told_at": datetime.now(UTC), "failures": 0}
            row = await self._note(row, **changes)
            if found.ended:
                return

    def _due(self, row: Subscription, found: News, now: datetime) -> datetime:
        """When to go on; while there is more, our lease is prolonged."""
        return Trigger(row.schedule).next_run(now) if found.ended else now + LEASE

    def _gather(self, row: Subscription) -> tuple[NamedQuery, News] | Waiting | None:
        with reading(self._engine) as snapshot:
            return gather(snapshot, row, self._url)

    async def _send(
        self, client: httpx.AsyncClient, row: Subscription, query: NamedQuery, found: News, now: datetime
    ) -> Answer:
        form = form_of(row)
        body = report(found, query.name, row.id, now, form, self._prefixes)
        key = delivery_of(row.id, [event.line.id for event in found.events], found.position)
        secrets = [] if row.token is None else [veiled(self._secret, row.id, row.token)]
        headers = {"Content-Type": form.media_type, **signed_headers(secrets, key, body, now)}
        if secrets:
            headers["GS1-Signature"] = headers["webhook-signature"]
        return await self._post(client, row.dest, headers, body, attempt=row.failures + 1)

    async def _failed(self, row: Subscription, answer: Answer) -> None:
        """Tried again later; after as many tries as a webhook has, or where the receiver wants no more, paused."""
        now, failures = datetime.now(UTC), row.failures + 1
        wait = self._pace.wait(failures, random.random())
        if answer.retry_after is not None:
            wait = max(wait, timedelta(seconds=min(answer.retry_after, self._pace.longest)))
        changes: dict[str, Any] = {"failures": failures, "due": now + wait, "reason": answer.error}
        if answer.status == GONE or failures >= self._pace.attempts:
            changes["status"] = "paused"
            log.warning("subscription %s is paused: %s", row.id, answer.error)
        self._count("subscription_deliveries_failed")
        await self._note(row, **changes)

    async def _note(self, row: Subscription, **changes: Any) -> Subscription | None:
        return await self._writer.write(note, Note(row, changes))
