"""The sender: one thread of a process that empties the outbox. Several processes share the work by leases."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Final
from uuid import UUID

import httpx

from app.domain.webhooks import Answer, Delivery, Pace, Reach, Webhook, secrets_of, signed_headers
from app.notifying import outbox, sending
from app.notifying.looping import Looping
from app.store import webhooks as store
from app.store.engine import Database, reading
from app.store.errors import StoreUnavailable
from app.store.writer import Writer

log = logging.getLogger(__name__)

CONCURRENT: Final = 16  # webhooks that are spoken to at a time, each with one delivery
IDLE: Final = 5.0  # seconds between two looks, however quiet it is: what another process left behind
PRUNE_SECONDS: Final = 3600.0
COUNT_SECONDS: Final = 15.0


class Sender(Looping):
    """Sends each delivery until it is taken, at least once: one that is sent when the process is killed is sent again
    when its lease has ended, under the same `webhook-id`. `told` hear, in the transaction that notes it, what was sent
    or given up; `count` is told how many were sent, have failed and are dead."""

    def __init__(
        self,
        engine: Database,
        writer: Writer,
        master: bytes,
        reach: Reach,
        *,
        pace: Pace | None = None,
        seconds: float = sending.SECONDS,
        resolve: sending.Resolve = sending.resolve,
        told: Sequence[outbox.Told] = (),
        count: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._engine = engine
        self._writer = writer
        self._master = master
        self._reach = reach
        self._pace = pace or Pace()
        self._seconds = seconds
        self._resolve = resolve
        self._count = count
        self._settle = partial(outbox.settle_all, told=told)
        super().__init__("sender")
        self._busy: dict[UUID, asyncio.Task[None]] = {}
        self._pruned = monotonic()
        self._counted = float("-inf")
        self.waiting = 0  # as of the last count

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(CONCURRENT, thread_name_prefix="resolve"))
        with self._lock:
            self._loop = loop
        try:
            with ThreadPoolExecutor(1, thread_name_prefix="outbox") as reader:
                async with sending.http_client() as client:
                    await self._serve(client, reader)
        finally:
            with self._lock:
                self._loop = None

    async def _serve(self, client: httpx.AsyncClient, reader: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while not self._closing:
            self._ready.clear()
            pause = IDLE
            try:
                keys, pause = await loop.run_in_executor(reader, self._look, frozenset(self._busy))
                for leased in await self._writer.settle(outbox.take, keys):
                    self._begin(client, leased)
                if monotonic() - self._pruned > PRUNE_SECONDS:
                    self._pruned = monotonic()
                    await self._writer.write(outbox.prune, None)
            except StoreUnavailable as error:
                log.warning("the outbox cannot be read: %s", error)
            except Exception:
                log.exception("the outbox could not be emptied")  # the others' deliveries must not end with this one
            try:
                await asyncio.wait_for(self._ready.wait(), pause)
            except TimeoutError:
                continue
        for task in self._busy.values():
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)

    def _look(self, busy: frozenset[UUID]) -> tuple[list[tuple[UUID, UUID]], float]:
        """What is due, and in how many seconds to look again."""
        now = datetime.now(UTC)
        with reading(self._engine) as snapshot:
            if monotonic() - self._counted > COUNT_SECONDS:
                self._counted = monotonic()
                self.waiting = store.open_deliveries(snapshot)
            room = CONCURRENT - len(busy)
            keys = store.due(snapshot, now, busy, room) if room else []
            if keys:  # there may be more
                return keys, 0.0
            following = store.next_due(snapshot, now)
        return keys, IDLE if following is None else min((following - now).total_seconds(), IDLE)

    def _begin(self, client: httpx.AsyncClient, leased: tuple[Delivery, Webhook] | Exception | None) -> None:
        if isinstance(leased, Exception):
            raise leased
        if leased is None:
            return
        row, webhook = leased
        task = asyncio.create_task(self._deliver(client, row, webhook))
        self._busy[webhook.id] = task
        task.add_done_callback(lambda _: self._ended(webhook.id))

    def _ended(self, webhook_id: UUID) -> None:
        del self._busy[webhook_id]
        self._ready.set()

    async def _deliver(self, client: httpx.AsyncClient, row: Delivery, webhook: Webhook) -> None:
        answer: Answer | None = None
        try:
            now, body = datetime.now(UTC), row.body.encode()
            headers = signed_headers(secrets_of(self._master, webhook, now), row.id, body, now)
            answer = await sending.send(
                client, webhook.url, headers, body, self._reach,
                attempt=row.attempts, seconds=self._seconds, resolve=self._resolve,
            )  # fmt: skip
        except Exception:
            log.exception("a delivery could not be sent")
            answer = Answer(None, "internal error")
        finally:
            await self._note(outbox.Tried(row, answer, self._pace))

    async def _note(self, tried: outbox.Tried) -> None:
        try:
            row = await self._writer.write(self._settle, tried)
        except StoreUnavailable as error:
            log.warning("what came of a delivery cannot be noted, it will be sent again: %s", error)
            return
        if tried.answer is not None:
            self._count(f"deliveries_{row.state}")
            if row.state == "dead":
                log.warning("delivery %s to %s was given up: %s", row.id, row.webhook_id, row.last_error)
