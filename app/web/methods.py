"""What each path takes: told by `Allow` on 405 and by OPTIONS, and HEAD wherever GET is taken (RFC 9110 §9.3.2, §9.3.7,
§10.2.1, §15.5.6)."""

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final, NamedTuple

from fastapi.routing import RouteContext
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ORDER: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_NAMED = re.compile(r"\{[^}]*\}")


class _Path(NamedTuple):
    shape: re.Pattern[str]
    format: str
    methods: frozenset[str]  # those that routes take themselves


class Paths:
    """The paths of all routes, in the order in which they are looked at. One path in several routes, whatever they call
    its parts, is one; the first that fits an address is what it is the address of."""

    def __init__(self, routes: Iterable[RouteContext]) -> None:
        """`routes` are looked at when somebody asks for the first time."""
        self._routes = routes

    @cached_property
    def _paths(self) -> tuple[_Path, ...]:
        found: dict[str, _Path] = {}
        for route in self._routes:
            if not route.methods or route.path is None:
                continue  # a WebSocket
            same = _NAMED.sub("{}", str(route.path_format))
            before = found.get(same)
            methods = frozenset(route.methods)
            found[same] = (
                _Path(route.path_regex, route.path, methods)
                if before is None
                else before._replace(methods=before.methods | methods)
            )
        return tuple(found.values())

    def at(self, path: str) -> _Path | None:
        """What an address is of, if of anything."""
        return next((one for one in self._paths if one.shape.match(path)), None)

    def allow(self, path: str) -> str:
        """The value of `Allow`; empty where there is nothing."""
        found = self.at(path)
        if found is None:
            return ""
        taken = {*found.methods, "OPTIONS", *(("HEAD",) if "GET" in found.methods else ())}
        return ", ".join(method for method in _ORDER if method in taken)


class Methods:
    """Answers OPTIONS, and HEAD as GET is answered without its body, where no route does so itself; everything else
    goes on to the application behind it."""

    def __init__(self, app: ASGIApp, paths: Paths) -> None:
        self._app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        found = self._paths.at(path)
        if found is None or method in found.methods or (method == "HEAD" and "GET" not in found.methods):
            await self._app(scope, receive, send)
        elif method == "HEAD":
            await self._head(scope, receive, send)
        else:
            scope["onecode.route"] = found.format
            headers = [(b"allow", self._paths.allow(path).encode()), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Asks for it by GET and lets the headers through. What would go on after the first piece is ended as if its
        reader had gone: a stream of events has no end of its own."""
        ended = False

        async def headers_only(message: Message) -> None:
            nonlocal ended
            scope["method"] = "HEAD"  # whoever sends it looks: a server counts what it owes of a body
            if message["type"] != "http.response.body":
                await send(message)
            elif not ended:
                ended = True
                await send({"type": "http.response.body", "body": b""})
            if ended and message.get("more_body", False):
                raise _Gone

        scope["method"] = "GET"
        try:
            await self._app(scope, receive, headers_only)
        except (_Gone, ClientDisconnect):
            if not ended:
                raise
        finally:
            scope["method"] = "HEAD"


class _Gone(OSError):
    """What a server's `send` raises whose client has gone."""
