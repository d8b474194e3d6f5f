"""Scans are counted in memory and written in batches, a second apart: a crash loses a second of counts at most.

One event loop counts; what is shown is what is written, as far as this process has heard of it within a minute, and
what it has counted since.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool

from app.domain.codes import CodeKind
from app.domain.copies import Seen
from app.scanning.copies import Forged, note_forged
from app.scanning.counting import NEVER, NoteScans, Scans, note_scans, read_scans
from app.store.engine import Database, reading
from app.store.errors import StoreUnavailable
from app.store.writer import Writer
from app.web.quota import Quota

log = logging.getLogger(__name__)

PERIOD = 1.0  # seconds between two batches
FRESH = 60.0  # seconds for which a count is shown as it is
FORGED = 5  # forged codes a minute that are told of
CODES = 20_000  # in one batch, and waiting for one; beyond them a batch goes out early, or codes are not counted


class ScanCounts:
    """The scans of one process. Where nothing is said of threads, a method is for the event loop's alone."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        lost: Callable[[int], None],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`lost` hears how many scans were not counted, because what waits to be written has no room for more."""
        self._database = database
        self._writer = writer
        self._lost = lost
        self._clock = clock
        self._pending: dict[str, int] = {}
        self._waiting: dict[str, int] = {}
        self._sent: Mapping[str, int] = {}
        self._begun = self._sent_begun = datetime.now(UTC)
        self._timer: asyncio.TimerHandle | None = None
        # What was heard lately: two generations, of which the older is forgotten.
        self._heard: dict[str, tuple[float, Scans]] = {}
        self._heard_before: dict[str, tuple[float, Scans]] = {}
        self._turned = clock()
        self._seen: list[Seen] = []
        self._sent_seen: Sequence[Seen] = ()
        self._forged = Quota(FORGED, FRESH, clock)
        self._wanted: set[str] = set()
        self._reading: asyncio.Task[None] | None = None

    def count(self, code: str) -> int:
        """One more scan of a code that there is; how many it has had within a second."""
        pending = self._pending
        n = pending[code] = pending.get(code, 0) + 1
        if n == 1 and (self._timer is None or len(pending) >= CODES):
            self._start()
        return n

    def note(self, seen: Seen) -> None:
        """As count, of a scan whose place and doubts are held against the others of the same unit."""
        self.count(seen.code)
        if seen.code[0] == CodeKind.UNIT and len(self._seen) < CODES:
            self._seen.append(seen)

    def lately(self, code: str) -> int:
        """How many scans it has had within a second."""
        return self._pending.get(code, 0)

    def forged(self, shown: Forged) -> None:
        """A code that is not ours was shown; some in a minute are told of."""
        if self._forged.take("") == 0:
            try:
                self._writer.offer(note_forged, shown, _told)
            except StoreUnavailable as error:
                _told(error)

    def heard(self, code: str) -> Scans | None:
        """How often it was scanned, this process's latest included, where what is written was heard of within a minute.
        From any thread."""
        known = self._heard.get(code) or self._heard_before.get(code)
        if known is None or self._clock() - known[0] >= FRESH:
            return None
        return self._with_latest(code, known[1])

    def with_one_more(self, code: str, written: Scans, now: datetime) -> Scans:
        """How often it was scanned with the scan that is being answered, which is still to be counted. From any
        thread; `written` as just read, in which what is on its way may stand already."""
        known = self.heard(code)
        if known is None:
            # Whoever scans it again while this scan is on its way hears of it.
            self._heard[code] = self._clock(), written
            known = NEVER
        latest = self._waiting.get(code, 0) + self._pending.get(code, 0)
        return Scans(max(known.count, written.count + latest) + 1, written.first_time or known.first_time or now)

    def learn(self, code: str, written: Scans) -> None:
        """What was just read."""
        if self.heard(code) is None:
            self._hear({code: written})

    async def read(self, code: str) -> Scans:
        """How often it was scanned; one statement for all who ask at once. Raises StoreUnavailable."""
        while (known := self.heard(code)) is None:
            self._wanted.add(code)
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
                self._reading.add_done_callback(lambda done: done.cancelled() or done.exception())
            await asyncio.shield(self._reading)
        return known

    def close(self) -> None:
        """Writes what is left. Blocks; the writer must still run."""
        self._gather()
        if self._waiting:
            try:
                self._writer.submit(note_scans, NoteScans(self._waiting, self._begun, datetime.now(UTC), self._seen))
            except StoreUnavailable as error:
                log.warning("the last scans are not counted: %s", error)

    def _with_latest(self, code: str, written: Scans) -> Scans:
        latest = self._sent.get(code, 0) + self._waiting.get(code, 0) + self._pending.get(code, 0)
        return Scans(written.count + latest, written.first_time or (self._begun if latest else None))

    def _start(self) -> None:
        """The first code of a batch, or the last that there is room for."""
        if self._timer is not None:
            self._send()
            return
        if not self._waiting:
            self._begun = datetime.now(UTC)
        self._timer = asyncio.get_running_loop().call_later(PERIOD, self._send)

    def _gather(self) -> None:
        """Lets what was counted wait to be written, as far as there is room."""
        pending, self._pending = self._pending, {}
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            self._wait_for_room(pending)
        else:
            self._waiting = pending

    def _wait_for_room(self, counted: Mapping[str, int]) -> None:
        lost = 0
        for code, n in counted.items():
            if code in self._waiting or len(self._waiting) < CODES:
                self._waiting[code] = self._waiting.get(code, 0) + n
            else:
                lost += n
        if lost:
            self._lost(lost)

    def _send(self) -> None:
        self._gather()
        if self._sent or not self._waiting:
            return  # the batch before is still on its way; its end sends the next
        loop = asyncio.get_running_loop()
        command = NoteScans(self._waiting, self._begun, datetime.now(UTC), self._seen)
        self._sent, self._sent_begun, self._waiting = self._waiting, self._begun, {}
        self._sent_seen, self._seen = self._seen, []

        def done(result: Mapping[str, Scans] | Exception) -> None:
            loop.call_soon_threadsafe(self._noted, result)

        try:
            self._writer.offer(note_scans, command, done)
        except StoreUnavailable as error:
            self._noted(error)

    def _noted(self, result: Mapping[str, Scans] | Exception) -> None:
        sent, self._sent = self._sent, {}
        if isinstance(result, Exception):
            log.info("scans are not counted yet: %s", result)
            self._begun = self._sent_begun
            self._seen = [*self._sent_seen, *self._seen][:CODES]
            newer, self._waiting = self._waiting, dict(sent)
            self._wait_for_room(newer)
            self._timer = self._timer or asyncio.get_running_loop().call_later(PERIOD, self._send)
            return
        self._hear(result)
        if self._waiting:
            self._send()

    def _hear(self, written: Mapping[str, Scans]) -> None:
        now = self._clock()
        if now - self._turned >= FRESH or len(self._heard) >= CODES:
            self._heard_before, self._heard, self._turned = self._heard, {}, now
        for code, scans in written.items():
            self._heard[code] = now, scans

    async def _read(self) -> None:
        await asyncio.sleep(0)  # whoever asks in this turn of the loop is served as well
        wanted, self._wanted, self._reading = self._wanted, set(), None
        self._hear(await run_in_threadpool(self._look, wanted))

    def _look(self, wanted: set[str]) -> Mapping[str, Scans]:
        with reading(self._database) as snapshot:
            return read_scans(snapshot, sorted(wanted))


def _told(result: Exception | None) -> None:
    if isinstance(result, Exception):
        log.info("a forged code is not told of: %s", result)
