"""The thread that sweeps: every so many minutes, in the process whose turn it is."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from app.domain.balance import Rules
from app.overseeing.sweeps import sweep
from app.overseeing.watching import Watch
from app.store.engine import Database
from app.store.errors import StoreUnavailable
from app.store.writer import Writer

log = logging.getLogger(__name__)


class Sweeper:
    """Sweeps `every` so long, never while `every` is nothing. `count` hears of alerts and of sweeps that ended."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        every: timedelta,
        rules: Rules,
        watch: Watch,
        count: Callable[[str, int], None],
    ) -> None:
        self._database = database
        self._writer = writer
        self._every = every
        self._rules = rules
        self._watch = watch
        self._count = count
        self._stop = threading.Event()
        self._ended = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    @property
    def age(self) -> float:
        """Seconds since a sweep of this process ended, or since it began."""
        return time.monotonic() - self._ended

    def start(self) -> None:
        if self._every:
            self._thread.start()

    def close(self) -> None:
        """Ends the sweep that is on; another process, or the next start, goes on with it."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        # Two looks in a period: another process may have been cut off since.
        while not self._stop.wait(self._every.total_seconds() / 2):
            try:
                done = sweep(
                    self._database, self._writer, clock=lambda: datetime.now(UTC), rules=self._rules,
                    watch=self._watch, every=self._every, stop=self._stop.is_set,
                    told=lambda _, number: self._count("sweep_alerts", number),
                )  # fmt: skip
            except StoreUnavailable as error:
                log.warning("the sweep is put off: %s", error)
                continue
            if done is not None and done.whole:
                self._ended = time.monotonic()
                self._count("sweeps", 1)
