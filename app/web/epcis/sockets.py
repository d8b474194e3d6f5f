"""`GET /epcis/queries/{name}/events` as a WebSocket: each new event that a named query finds, or what came since the
last run of a schedule (EPCIS 2.0 §12.7).

A socket holds a position and at most one document. One that does not take it in time is dropped, and so is one whose
key is not taken any more, or whose query was deleted.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Any, Final

from fastapi import WebSocket
from starlette.responses import Response

from app.domain.epcis.exceptions import SubscriptionControlsException
from app.domain.epcis.query import Query
from app.domain.epcis.query_parsing import parse_body
from app.domain.epcis.schedule import FIELDS, ZONE
from app.domain.epcis.standing import BATCH, NamedQuery
from app.domain.errors import Refusal, TooMany
from app.domain.rights import Principal
from app.exchanging.answers import Form
from app.exchanging.following import News, find_next, report
from app.exchanging.subscribing import Trigger, find_query, read_trigger, require_standing
from app.store.engine import Snapshot
from app.store.errors import StoreUnavailable
from app.store.published import last_position
from app.web.auth import authenticate
from app.web.epcis import ground
from app.web.epcis.controls import CONTROLS, STANDING, read_flag, read_form, read_time
from app.web.problems import EPCIS_HEADERS, instance_of, problem, refusal_response, respond, unavailable_response
from app.web.sockets import SLOW, Listener, Sockets
from app.web.wire import DROP

log = logging.getLogger(__name__)

GAP: Final = 0.25  # seconds between two looks of one socket
CHECK: Final = 1.0  # seconds after which a key is looked at again
IDLE: Final = 5.0  # seconds after which it looks although nothing was heard

GOING: Final = 1001
ENDED: Final = 1000
NOT_ALLOWED: Final = 1008
FAILED: Final = 1011
TOO_SLOW: Final = 1013


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client wants to be told, and how."""

    header: str
    trigger: Trigger
    form: Form


async def listen(websocket: WebSocket, query: str) -> None:
    """Refused before the handshake with the problem that HTTP would have; else served until somebody ends it."""
    sockets: Sockets = websocket.app.state.service.sockets
    path, accept = instance_of(websocket.scope), websocket.headers.get("accept")
    try:
        asked = _asked(websocket)
        principal = await authenticate(sockets.keys, asked.header)
        named = await sockets.read(lambda snapshot: find_query(snapshot, principal, query))
        parsed = parse_body(named.query)
        require_standing(parsed)
        past = asked.trigger.since is not None and asked.trigger.since <= datetime.now(UTC)
        position = 0 if past else await sockets.read(last_position)
        listener = sockets.open(principal.recorder_id, named.id)
    except TooMany as refusal:
        body = problem(503, refusal.slug, refusal.detail, instance=path)
        await _refuse(websocket, respond(body, accept, {"Retry-After": str(refusal.retry_after)}))
        return
    except Refusal as refusal:
        await _refuse(websocket, refusal_response(refusal, path, accept))
        return
    except StoreUnavailable as error:
        await _refuse(websocket, unavailable_response(error, path, accept))
        return
    try:
        least = asked.trigger.since or datetime.now(UTC)
        headers = {**EPCIS_HEADERS, "GS1-Query-Min-Record-Time": least.isoformat()}
        await websocket.accept(headers=[(key.lower().encode(), value.encode()) for key, value in headers.items()])
        await _serve(websocket, sockets, listener, asked, named, parsed, position)
    finally:
        sockets.leave(listener)


async def _refuse(websocket: WebSocket, response: Response) -> None:
    await websocket.send_denial_response(response)


def _asked(websocket: WebSocket) -> Asked:
    """Raises SubscriptionControlsException, QueryParameterException."""
    given = websocket.query_params
    unknown = next((key for key in given if key not in _PARAMETERS), None)
    if unknown is not None or len(given.multi_items()) > len(given):
        raise SubscriptionControlsException(
            f"参数须各出现一次，且为 {'、'.join(sorted(_PARAMETERS))} 之一 · Parameters stand once each and are of "
            f"{', '.join(sorted(_PARAMETERS))}"
        )
    schedule = {key: given[key] for key in (*FIELDS, ZONE) if key in given} or None
    stream = {"true": True, "false": False, None: None}.get(given.get("stream"), given.get("stream"))
    empty = read_flag("reportIfEmpty", given.get("reportIfEmpty"))
    since = read_time("initialRecordTime", given.get("initialRecordTime"))
    trigger = read_trigger(stream, schedule, since, empty)
    return Asked(websocket.headers.get("authorization", ""), trigger, read_form(given, websocket))


_PARAMETERS: Final = frozenset({*STANDING, *CONTROLS})


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
                if not await sockets.read(partial(_still, principal, query)):
                    return await _close(websocket, ENDED, "the query was deleted")
            now = datetime.now(UTC)
            woken = listener.ready.is_set() or monotonic() - looked > IDLE
            if now >= due if schedule else woken:
                listener.ready.clear()
                looked = monotonic()
                found = await sockets.read(_next(principal, parsed, position, asked.trigger, sockets.url))
                empty = schedule and asked.trigger.report_if_empty and found.ended and not told
                if found.events or empty:
                    document = report(found, query.name, None, now, asked.form, sockets.prefixes)
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


def _next(principal: Principal, query: Query, after: int, trigger: Trigger, url: str) -> Callable[[Snapshot], News]:
    return lambda snapshot: find_next(snapshot, principal, query, after, trigger.since, BATCH, url)


def _still(principal: Principal, query: NamedQuery, snapshot: Snapshot) -> bool:
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
routes.add_api_websocket_route("/queries/{query}/events", listen)
