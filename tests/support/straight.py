"""The whole application behind a synchronous client: an answer takes one call of its event loop, not one for each part
of it, which costs more than what most requests ask for.
"""

import asyncio
from typing import Any
from urllib.parse import unquote

import httpx2
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message

PORTS = {"http": 80, "https": 443}


class StraightClient(TestClient):
    """Starlette's test client but for how it asks over HTTP: an answer is whole before anything of it is seen. An error
    that is not answered is raised here."""

    def __init__(self, app: ASGIApp, base_url: str) -> None:
        super().__init__(app, base_url=base_url, follow_redirects=False, backend_options={"use_uvloop": True})
        self._transport = _Straight(self, self._transport)


class _Straight(httpx2.BaseTransport):
    def __init__(self, client: TestClient, other: httpx2.BaseTransport) -> None:
        """`other` opens WebSockets, and asks where no event loop waits for requests."""
        self._client = client
        self._other = other

    def close(self) -> None:
        self._other.close()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        portal, scheme = self._client.portal, request.url.scheme
        if portal is None or scheme not in PORTS:
            return self._other.handle_request(request)
        scope: dict[str, Any] = {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "path": unquote(request.url.path),
            "raw_path": request.url.raw_path.split(b"?", 1)[0],
            "root_path": "",
            "scheme": scheme,
            "query_string": request.url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("testclient", 50000),
            "server": [request.url.raw_host.decode("ascii"), request.url.port or PORTS[scheme]],
            "extensions": {},
            "state": self._client.app_state.copy(),
        }
        started, body = portal.call(_answered, self._client.app, scope, request.read())
        headers = [(name.decode(), value.decode()) for name, value in started.get("headers", ())]
        shown = b"" if request.method == "HEAD" else body
        return httpx2.Response(started["status"], headers=headers, stream=httpx2.ByteStream(shown), request=request)


async def _answered(app: ASGIApp, scope: dict[str, Any], content: bytes) -> tuple[Message, bytes]:
    """The message that the answer starts with, and its body."""
    told: list[Message] = []
    parts: list[bytes] = []
    asked = False
    complete = asyncio.Event()

    async def receive() -> Message:
        nonlocal asked
        if asked:
            await complete.wait()
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": content}

    async def send(message: Message) -> None:
        assert not complete.is_set(), f"{message['type']} after the end of the answer"
        assert (message["type"] == "http.response.start") is not bool(told), f"{message['type']} out of its turn"
        if message["type"] == "http.response.start":
            told.append(message)
            return
        assert message["type"] == "http.response.body", message["type"]
        parts.append(bytes(message.get("body", b"")))
        if not message.get("more_body", False):
            complete.set()

    await app(scope, receive, send)
    assert complete.is_set(), "there was no answer, or no end of it"
    return told[0], b"".join(parts)
