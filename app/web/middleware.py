"""The edge, in plain ASGI: request id, security headers, metrics, and the last resort for what nobody handled."""

import asyncio
import logging
import os
import re
import time
from collections.abc import Callable, Iterable
from itertools import count
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.errors import Refusal
from app.logs import REQUEST_ID
from app.store.errors import StoreUnavailable
from app.web.metrics import Metrics
from app.web.patience import Patience
from app.web.problems import failure_response, instance_of, refusal_response, unavailable_response

log = logging.getLogger(__name__)

_GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
Header = tuple[bytes, bytes]

CLIENT_GONE = 499  # in metrics only: nobody reads the answer

CONTENT_POLICY = (
    b"default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; form-action 'self'; "
    b"base-uri 'none'; frame-ancestors 'none'"
)


def completing(public_url: str) -> Callable[[Iterable[Header]], list[Header]]:
    """Adds to an answer's headers those of security that it does not set itself."""
    defaults = [
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"content-security-policy", CONTENT_POLICY),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]
    if urlsplit(public_url).scheme == "https":
        defaults.append((b"strict-transport-security", b"max-age=31536000"))
    names = frozenset(name for name, _ in defaults)

    def complete(headers: Iterable[Header]) -> list[Header]:
        given = list(headers)
        present = {name for name, _ in given}
        return given + (defaults if not names & present else [each for each in defaults if each[0] not in present])

    return complete


class Edge:
    """Wraps everything. An inner path that is no FastAPI route names itself in `scope["onecode.route"]`.

    Headers that an answer sets itself are left alone. A Refusal or StoreUnavailable from a plain ASGI path becomes its
    problem here as well; anything else is logged with the request id and answered 500. A body that stalls for
    `idle` seconds is given up, whoever reads it.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, public_url: str, idle: float) -> None:
        self._app = app
        self._metrics = metrics
        self._idle = idle
        self._prefix = os.urandom(6).hex().encode()
        self._numbers = count(1)
        self.complete = completing(public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given, accept = self._read(scope)
        request_id = self.request_id(given)
        token = REQUEST_ID.set(request_id.decode())
        started = time.perf_counter()
        status = 0
        complete = False
        patience = Patience(receive, self._idle)

        async def sender(message: Message) -> None:
            nonlocal status, complete
            if message["type"] == "http.response.start":
                status = message["status"]
                patience.answering = True
                message["headers"] = [*self.complete(message.get("headers", ())), (b"x-request-id", request_id)]
            await send(message)
            complete = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            await self._app(scope, patience, sender)
        except (ClientDisconnect, asyncio.CancelledError) as gone:
            status = CLIENT_GONE
            if isinstance(gone, asyncio.CancelledError):
                raise
        except Exception as error:
            if isinstance(error, Refusal):
                response = refusal_response(error, instance_of(scope), accept)
            elif isinstance(error, StoreUnavailable):
                response = unavailable_response(error, instance_of(scope), accept)
            else:
                log.exception("%s %s failed", scope["method"], scope["path"])
                response = failure_response(request_id.decode(), instance_of(scope), accept)
            if status and not complete:
                raise  # half an answer is out: the server must cut the connection
            if not status:
                await response(scope, receive, sender)
        finally:
            route = scope.get("onecode.route") or getattr(scope.get("route"), "path", None) or "unmatched"
            self._metrics.request(scope["method"], route, status, time.perf_counter() - started)
            REQUEST_ID.reset(token)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket: counted when it ends, with the status of its handshake."""
        given, _ = self._read(scope)
        request_id = self.request_id(given)
        token = REQUEST_ID.set(request_id.decode())
        started = time.perf_counter()
        status = 403  # what a server says where it is closed before it is accepted

        async def sender(message: Message) -> None:
            nonlocal status
            if message["type"] in ("websocket.accept", "websocket.http.response.start"):
                status = message.get("status", 101)
                own = [(b"x-request-id", request_id)]
                headers = message.get("headers", ())
                message["headers"] = [*(headers if status == 101 else self.complete(headers)), *own]
            await send(message)

        try:
            await self._app(scope, receive, sender)
        finally:
            route = getattr(scope.get("route"), "path", None) or "unmatched"
            self._metrics.request("GET", route, status, time.perf_counter() - started)
            REQUEST_ID.reset(token)

    def request_id(self, given: bytes) -> bytes:
        """What the client gave, where it is one; else a new one."""
        return given if given and _GIVEN.fullmatch(given) else b"%s-%x" % (self._prefix, next(self._numbers))

    @staticmethod
    def _read(scope: Scope) -> tuple[bytes, str | None]:
        given = b""
        accept: str | None = None
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                given = value
            elif name == b"accept":
                accept = value.decode("latin-1")
        return given, accept
