"""The sessions of one process: who is logged in, kept while the change feed says that nothing of it has changed."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool

from app.enrolling.sessions import Known, find_session, note_seen, token_hash
from app.store.engine import Database, Snapshot
from app.store.errors import StoreUnavailable
from app.store.writer import Writer
from app.web.believed import Believed

log = logging.getLogger(__name__)

SEEN_PERIOD = 60.0  # seconds between two notes of a session's use
TOKEN = 100  # characters at most


class SessionCache(Believed[bytes, Known]):
    """Sessions by the hash of their tokens."""

    def __init__(
        self,
        engine: Database,
        writer: Writer,
        feed_age: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(engine, feed_age, clock)
        self._writer = writer
        self._seen: dict[bytes, float] = {}

    def find(self, snapshot: Snapshot, key: bytes) -> Known | None:
        return find_session(snapshot, key)

    async def admit(self, token: str) -> Known | None:
        """The session of a token where it stands now, or None."""
        if len(token) > TOKEN:
            return None
        key, now = token_hash(token), datetime.now(UTC)
        known = self.cached(key)
        if known is None or not known.lasts(now):
            # What is kept does not know of uses at other processes.
            known = await run_in_threadpool(self.load, key)
        if known is None or not known.lasts(now):
            return None
        if self.due(self._seen, key, SEEN_PERIOD):
            try:
                self._writer.offer(note_seen, key, _noted)
            except StoreUnavailable as error:
                log.info("the use of a session is not noted: %s", error)
        return known


def _noted(result: Exception | None) -> None:
    if isinstance(result, Exception):
        log.info("the use of a session is not noted: %s", result)
