"""The WebSockets of one process that are told of events: how many there are, and when each should look again."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar
from uuid import UUID

from app.domain.epcis.formats import CompanyPrefixes
from app.domain.errors import TooMany
from app.store.engine import Database, Snapshot, reading
from app.store.published import REPOSITORY
from app.web.keycache import KeyCache

T = TypeVar("T")

OWN: Final = 20  # sockets of one owner
READERS: Final = 2
SLOW: Final = 10.0  # seconds in which a document has to be taken


@dataclass(slots=True, eq=False)
class Listener:
    """One socket. `ready` is set where there may be something for it; `check`: its query may be gone."""

    owner: UUID
    query: UUID
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    check: bool = False


class Sockets:
    """The sockets of one process: `hear`, `hear_all` and `close` from any thread, the rest from its event loop."""

    def __init__(self, engine: Database, keys: KeyCache, prefixes: CompanyPrefixes, url: str, limit: int) -> None:
        self._engine = engine
        self.keys = keys
        self.prefixes = prefixes
        self.url = url
        self._limit = limit
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: set[Listener] = set()
        self._owners: Counter[UUID] = Counter()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sockets")
        self.slow = SLOW
        self.closed = False

    def __len__(self) -> int:
        return len(self._listeners)

    def open(self, owner: UUID, query: UUID) -> Listener:
        """It must `leave` in the end. Raises TooMany."""
        if self.closed or len(self._listeners) >= self._limit or self._owners[owner] >= OWN:
            raise TooMany(
                "too-many-sockets",
                f"同时打开的 WebSocket 已达上限（每个主体 {OWN} 个），请关闭不用的，或改用回调 · As many WebSockets "
                f"are open as are served, {OWN} for one owner: close one, or subscribe with a webhook",
                retry_after=30,
            )
        self._loop = asyncio.get_running_loop()
        listener = Listener(owner, query)
        self._listeners.add(listener)
        self._owners[owner] += 1
        return listener

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        self._owners[listener.owner] -= 1
        if not self._owners[listener.owner]:
            del self._owners[listener.owner]

    async def read(self, what: Callable[[Snapshot], T]) -> T:
        """From one snapshot, in a thread of our own: sockets must not take those that answer requests."""

        def look() -> T:
            with reading(self._engine) as snapshot:
                return what(snapshot)

        return await asyncio.get_running_loop().run_in_executor(self._readers, look)

    def hear(self, touched: Iterable[str]) -> None:
        """What the feed calls for every change."""
        names = frozenset(touched)
        gone = [listener for listener in list(self._listeners) if listener.query.hex in names]
        for listener in gone:
            listener.check = True
        if gone or REPOSITORY in names:
            self._call(self._wake)

    def hear_all(self) -> None:
        """What the feed calls where it was lost."""
        for listener in list(self._listeners):
            listener.check = True
        self._call(self._wake)

    def close(self) -> None:
        """Tells every socket that the service stops."""
        self.closed = True
        self._call(self._wake)

    def shut(self) -> None:
        """When the server has stopped."""
        self.close()
        self._readers.shutdown(cancel_futures=True)

    def _call(self, what: Callable[[], None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what)

    def _wake(self) -> None:
        for listener in self._listeners:
            listener.ready.set()
