"""`GET /epcis/queries/{name}/events` as a WebSocket: each new event that a named query finds, or what came since the
last run of a schedule (EPCIS 2.0 §12.7).

A socket holds a position and at most one document. One that does not take it in time is dropped, and so is one whose
key is not taken any more, or whose query was deleted.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final, TypeVar
from urllib.parse import quote
from uuid import UUID

from fastapi import WebSocket
from starlette.responses import Response

from app.domain.epcis.exceptions import SubscriptionControlsException
from app.domain.epcis.formats import CompanyPrefixes, EpcFormat
from app.domain.epcis.query import Query
from app.domain.epcis.query_parsing import parse_body
from app.domain.epcis.schedule import FIELDS
from app.domain.epcis.standing import BATCH, NamedQuery
from app.domain.errors import Refusal, TooMany
from app.domain.rights import Principal
from app.exchanging.following import Found, find_next, query_document
from app.exchanging.subscribing import Trigger, find_query, read_trigger, require_standing
from app.store.engine import Database, Snapshot, reading
from app.store.errors import StoreUnavailable
from app.store.published import REPOSITORY, last_position
from app.web.auth import authenticate
from app.web.epcis import ground
from app.web.epcis.controls import read_epc_format, read_flag, read_time
from app.web.epcis.wire import DROP
from app.web.keycache import KeyCache
from app.web.problems import EPCIS_HEADERS, problem, refusal_response, respond, unavailable_response

log = logging.getLogger(__name__)

T = TypeVar("T")

OWN: Final = 20  # sockets of one owner
READERS: Final = 2
GAP: Final = 0.25  # seconds between two looks of one socket
CHECK: Final = 1.0  # seconds after which a key is looked at again
IDLE: Final = 5.0  # seconds after which it looks although nothing was heard
SLOW: Final = 10.0  # seconds in which a document has to be taken

GOING: Final = 1001
ENDED: Final = 1000
NOT_ALLOWED: Final = 1008
FAILED: Final = 1011
TOO_SLOW: Final = 1013


@dataclass(slots=True, eq=False)
class Listener:
    """One socket. `ready` is set where there may be something for it; `check`: its query may be gone."""

    owner: UUID
    query: UUID
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    check: bool = False


class Sockets:
    """The sockets of one process: `hear`, `hear_all` and `close` from any thread, the rest from its event loop."""

    def __init__(self, engine: Database, keys: KeyCache, prefixes: CompanyPrefixes, limit: int) -> None:
        self._engine = engine
        self.keys = keys
        self.prefixes = prefixes
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
                f"同时打开的 WebSocket 已达上限（每个主体 {OWN} 个），请关闭不用的，或改用回调 · As many WebSockets are "
                f"open as are served, {OWN} for one owner: close one, or subscribe with a webhook",
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


# --- one socket ---


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client wants to be told, and how."""

    name: str
    header: str
    trigger: Trigger
    format: EpcFormat


async def listen(websocket: WebSocket, name: str) -> None:
    """Refused before the handshake with the problem that HTTP would have; else served until somebody ends it."""
    sockets: Sockets = websocket.app.state.service.sockets
    path, accept = websocket.url.path, websocket.headers.get("accept")
    try:
        asked = _asked(websocket, name)
        principal = await authenticate(sockets.keys, asked.header)
        query = await sockets.read(lambda snapshot: find_query(snapshot, principal, name))
        parsed = parse_body(query.query)
        require_standing(parsed)
        past = asked.trigger.since is not None and asked.trigger.since <= datetime.now(UTC)
        position = 0 if past else await sockets.read(last_position)
        listener = sockets.open(principal.recorder_id, query.id)
    except TooMany as refusal:
        body = problem(503, refusal.slug, refusal.detail, instance=quote(path))
        await _refuse(websocket, respond(body, accept, {"Retry-After": str(refusal.retry_after)}))
        return
    except Refusal as refusal:
        await _refuse(websocket, refusal_response(refusal, path, accept))
        return
    except StoreUnavailable as error:
        await _refuse(websocket, unavailable_response(error, path, accept))
        return
    try:
        told = [(key.lower().encode(), value.encode()) for key, value in EPCIS_HEADERS.items()]
        await websocket.accept(headers=told)
        await _serve(websocket, sockets, listener, asked, query, parsed, position)
    finally:
        sockets.leave(listener)


async def _refuse(websocket: WebSocket, response: Response) -> None:
    await websocket.send_denial_response(response)


def _asked(websocket: WebSocket, name: str) -> Asked:
    """Raises SubscriptionControlsException, QueryParameterException."""
    given = websocket.query_params
    unknown = next((key for key in given if key not in _PARAMETERS), None)
    if unknown is not None or len(given.multi_items()) > len(given):
        raise SubscriptionControlsException(
            f"参数须各出现一次，且为 {'、'.join(sorted(_PARAMETERS))} 之一 · Parameters stand once each and are of "
            f"{', '.join(sorted(_PARAMETERS))}"
        )
    schedule = {key: given[key] for key in FIELDS if key in given} or None
    stream = {"true": True, "false": False, None: None}.get(given.get("stream"), given.get("stream"))
    empty = read_flag("reportIfEmpty", given.get("reportIfEmpty"))
    since = read_time("initialRecordTime", given.get("initialRecordTime"))
    trigger = read_trigger(stream, schedule, since, empty)
    wanted = given.get("epcFormat") or websocket.headers.get("gs1-epc-format")
    return Asked(name, websocket.headers.get("authorization", ""), trigger, read_epc_format(wanted) or EpcFormat.DIGITAL_LINK)


_PARAMETERS: Final = frozenset({*FIELDS, "stream", "reportIfEmpty", "initialRecordTime", "epcFormat"})


async def _serve(
    websocket: WebSocket,
    sockets: Sockets,
    listener: Listener,
    asked: Asked,
    query: NamedQuery,
    parsed: Query,
    position: int,
) -> None:
    gone = asyncio.create_task(_until_gone(websocket))
    schedule = asked.trigger.schedule is not None
    due = asked.trigger.next_run(datetime.now(UTC))
    looked, told = float("-inf"), False
    try:
        while not gone.done():
            if sockets.closed:
                return await _close(websocket, GOING, "the service stops")
            principal = await authenticate(sockets.keys, asked.header)
            if listener.check:
                listener.check = False
                if not await sockets.read(lambda snapshot: _still(snapshot, principal, query)):
                    return await _close(websocket, ENDED, "the query was deleted")
            now = datetime.now(UTC)
            woken = listener.ready.is_set() or monotonic() - looked > IDLE
            if now >= due if schedule else woken:
                listener.ready.clear()
                looked = monotonic()
                found = await sockets.read(_next(principal, parsed, position, asked.trigger))
                empty = schedule and asked.trigger.report_if_empty and found.ended and not told
                if found.events or empty:
                    document = query_document(found, query.name, None, now, asked.format, sockets.prefixes)
                    await asyncio.wait_for(websocket.send_text(document.decode()), sockets.slow)
                position, told = found.position, not found.ended and (told or bool(found.events))
                if not found.ended:
                    continue
                due = asked.trigger.next_run(now)
            await asyncio.sleep(GAP)
            left = min(CHECK, (due - datetime.now(UTC)).total_seconds()) if schedule else CHECK
            await _first(gone, listener.ready, max(left, 0.0), ready=not schedule)
    except Refusal as refusal:
        await _close(websocket, NOT_ALLOWED, refusal.slug)
    except TimeoutError:
        _drop(websocket, TOO_SLOW, "too slow")
    except StoreUnavailable as error:
        log.warning("a socket cannot be served: %s", error)
        await _close(websocket, FAILED, "unavailable")
    except Exception:
        if not gone.done():
            log.exception("a socket could not be served")
            await _close(websocket, FAILED, "internal")
    finally:
        gone.cancel()
    return None


def _next(principal: Principal, query: Query, after: int, trigger: Trigger) -> Callable[[Snapshot], Found]:
    return lambda snapshot: find_next(snapshot, principal, query, after, trigger.since, BATCH)


def _still(snapshot: Snapshot, principal: Principal, query: NamedQuery) -> bool:
    """Whether it is the query that it was: one of its name that was made since is another."""
    try:
        return find_query(snapshot, principal, query.name).record_time == query.record_time
    except Refusal:
        return False


async def _first(gone: "asyncio.Task[None]", event: asyncio.Event, seconds: float, *, ready: bool) -> None:
    """Until the client is gone, the event is set (where `ready`), or the time is over."""
    waiting: list[asyncio.Task[Any]] = [gone]
    heard = asyncio.create_task(event.wait())
    await asyncio.wait([*waiting, heard] if ready else waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    heard.cancel()


async def _until_gone(websocket: WebSocket) -> None:
    """A client has nothing to say."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    try:
        await asyncio.wait_for(websocket.close(code, reason), SLOW)
    except TimeoutError:
        _drop(websocket, code, reason)
    except RuntimeError:
        log.debug("the socket was closed already")


def _drop(websocket: WebSocket, code: int, reason: str) -> None:
    """Where the client does not even take that it is to go."""
    drop = websocket.scope.get("state", {}).get(DROP)
    if drop is not None:
        drop(code, reason)


routes = ground.router()
routes.add_api_websocket_route("/queries/{name}/events", listen)
