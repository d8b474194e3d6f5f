"""Boards in memory, and the screens that watch them.

Each place's stand is kept until the change feed names something that it was made from, or its day is over; a board is
put together from stands and kept as bytes as long as none of them is another. A hundred screens of one market cost one
reading of one stall for a change, and one rendering a language.
"""

import asyncio
import gzip
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from uuid import UUID

import msgspec

from app.domain import codes
from app.domain.errors import Refusal
from app.scanning.boards import Board, Plan, compose, plan
from app.scanning.stands import Stand, stand
from app.store.dependencies import depends_on
from app.store.engine import Database, reading
from app.store.errors import StoreUnavailable
from app.web.memo import STALE, Made, Memo, Usage
from app.web.together import Together

log = logging.getLogger(__name__)

CAPACITY = 96_000_000  # bytes of stands: some thirty markets of eighty stalls
_BATCH_BYTES = 3_000  # a batch with its tests, as Python keeps it
KEPT = 200  # boards kept ready
GAP = 0.25  # seconds between two looks at a board that changes all the time
AGAIN = 1.0  # seconds after which a board that could not be read is tried again
BEAT = 15.0  # seconds after which a screen hears that it is still connected


@dataclass(slots=True)
class Packed:
    """A body, plain and compressed."""

    body: bytes
    packed: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.packed = gzip.compress(self.body, 6, mtime=0)


@dataclass(slots=True)
class Ready:
    """A board as it can be sent. `parts`: what it was put together from; `tag` names its content, whichever process
    made it; `pages` by language and variant, as they are asked for; `begun`: when it was last read or found right."""

    parts: tuple[Plan | Stand, ...]
    plan: Plan
    board: Board
    json: Packed
    tag: str
    begun: float
    pages: dict[str, Packed] = field(default_factory=dict)


@dataclass(slots=True)
class Watch:
    """A board that screens look at. `told` is set, and replaced, whenever there is a new `tag`; `blind`: not all of it
    is kept, so that any change may be one of it."""

    loop: asyncio.AbstractEventLoop
    dirty: asyncio.Event
    told: asyncio.Event
    tag: str | None = None
    screens: int = 0
    blind: bool = True
    task: asyncio.Task[None] | None = None


class TooManyScreens(Exception):
    """As many screens are open as this process serves."""


class Boards:
    """The boards of one process. `forget` and `forget_all` may be called from any thread, the rest from the event
    loop."""

    def __init__(self, engine: Database, feed_age: Callable[[], float], limit: int) -> None:
        """`limit`: screens that may watch at a time."""
        self._engine = engine
        self._feed_age = feed_age
        self.limit = limit
        self._plans: Memo[str, Plan] = Memo(feed_age, CAPACITY)
        self._stands: Memo[UUID, Stand] = Memo(feed_age, CAPACITY)
        self._ready: dict[str, Ready] = {}
        self._together: Together[str, Ready] = Together()
        self._watches: dict[str, Watch] = {}
        self.screens = 0
        self.closed = False

    # --- what a board is ---

    async def ready(self, code: codes.Code) -> Ready:
        """The board as it is now. Raises as `app.scanning.boards.plan`, StoreUnavailable."""
        found = self._ready.get(code.text)
        if found is not None and self._right(found, code):
            return found
        ready = await self._together.get(code.text, lambda: self._make(code))
        self._ready.pop(code.text, None)
        self._ready[code.text] = ready
        if len(self._ready) > KEPT:
            del self._ready[next(iter(self._ready))]
        return ready

    def _right(self, ready: Ready, code: codes.Code) -> bool:
        """Whether it is still made of what is kept; where the feed cannot be read, whether it is young enough."""
        if self._feed_age() >= STALE:
            return time.monotonic() - ready.begun < STALE
        now = datetime.now(UTC)
        own, *stands = ready.parts
        return self._plans.get(code.text, now) is own and all(
            self._stands.get(key, now) is kept for key, kept in zip(ready.plan.sites, stands, strict=True)
        )

    def _make(self, code: codes.Code) -> Ready:
        begun, now = time.monotonic(), datetime.now(UTC)
        made = self._plans.get(code.text, now) or self._plans.make(code.text, lambda: self._plan(code, now))
        stands = [
            self._stands.get(key, now) or self._stands.make(key, partial(self._stand, key, now)) for key in made.sites
        ]
        before = self._ready.get(code.text)
        board = compose(made, stands)
        encoded = msgspec.json.encode(board.json())
        tag = blake2b(encoded, digest_size=12).hexdigest()
        if before is not None and before.tag == tag:
            return Ready((made, *stands), made, before.board, before.json, tag, begun, before.pages)
        return Ready((made, *stands), made, board, Packed(encoded), tag, begun)

    def _plan(self, code: codes.Code, now: datetime) -> Made[Plan]:
        with reading(self._engine) as snapshot, depends_on(snapshot) as names:
            made = plan(snapshot, code, now)
        return Made(made, frozenset(names), 200 * len(made.sites), made.until, now)

    def _stand(self, key: UUID, now: datetime) -> Made[Stand]:
        with reading(self._engine) as snapshot, depends_on(snapshot) as names:
            made = stand(snapshot, key, now)
        return Made(made, frozenset(names), _BATCH_BYTES * (1 + len(made.batches)), made.until, now)

    def kept(self) -> list[tuple[UUID, Made[Stand]]]:
        """The stands that are kept now, and what each was made from."""
        return self._stands.kept()

    @property
    def usage(self) -> Sequence[Usage]:
        """How the plans and the stands have served; a board asks for each of its own."""
        return self._plans.usage, self._stands.usage

    # --- what the feed calls ---

    def forget(self, touched: Iterable[str]) -> None:
        """What the feed calls for every change."""
        names = frozenset(touched)
        plans, stands = self._plans.forget(names), self._stands.forget(names)
        self._wake(concerned=plans or stands)

    def forget_all(self) -> None:
        """What the feed calls where it was lost."""
        self._plans.forget_all()
        self._stands.forget_all()
        self._wake(concerned=True)

    def _wake(self, *, concerned: bool) -> None:
        for watch in list(self._watches.values()):
            if (concerned or watch.blind) and not watch.dirty.is_set() and not watch.loop.is_closed():
                watch.loop.call_soon_threadsafe(watch.dirty.set)

    # --- who watches ---

    def watch(self, code: codes.Code) -> Watch:
        """Another screen looks at the board; it must `leave` in the end. Raises TooManyScreens."""
        if self.screens >= self.limit:
            raise TooManyScreens
        watch = self._watches.get(code.text)
        if watch is None:
            watch = Watch(asyncio.get_running_loop(), asyncio.Event(), asyncio.Event())
            watch.task = asyncio.create_task(self._look(code, watch))
            self._watches[code.text] = watch
        watch.screens += 1
        self.screens += 1
        return watch

    def leave(self, code: codes.Code, watch: Watch) -> None:
        watch.screens -= 1
        self.screens -= 1
        if watch.screens == 0:
            del self._watches[code.text]
            if watch.task is not None:
                watch.task.cancel()

    def close(self) -> None:
        """Tells every screen that the service stops; from any thread, and from a signal's handler."""
        self.closed = True
        for watch in list(self._watches.values()):
            if not watch.loop.is_closed():
                watch.loop.call_soon_threadsafe(watch.told.set)

    async def _look(self, code: codes.Code, watch: Watch) -> None:
        """Looks at the board whenever something may have changed, and every so often: its day may be over."""
        while True:
            watch.dirty.clear()
            watch.blind = True
            pause = AGAIN
            try:
                ready = await self.ready(code)
                watch.blind, pause = not self._right(ready, code), BEAT
                if ready.tag != watch.tag:
                    watch.tag = ready.tag
                    watch.told.set()
                    watch.told = asyncio.Event()
            except (Refusal, StoreUnavailable) as error:
                log.warning("the board %s cannot be read: %s", code.text, error)
            except Exception:
                log.exception("the board %s cannot be shown", code.text)
            await asyncio.sleep(GAP)
            try:
                await asyncio.wait_for(watch.dirty.wait(), pause)
            except TimeoutError:
                continue
