"""The server's protocols, HTTP and WebSocket, with ways to let go of a client that sends no end, or does not read."""

import asyncio
from http import HTTPStatus
from typing import Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

DROP: Final = "onecode.drop"  # in the scope: drop(code, reason)
GRACE: Final = 3.0  # seconds that a client may still take to read why

LARGEST: Final = 65_536  # bytes of a message of a client on a WebSocket, which has nothing to say
HEAD: Final = 65_536  # bytes of a request before its body that are waited for; what comes at once is taken
HEAD_SECONDS: Final = 10.0  # that one may take


class HttpProtocol(HttpToolsProtocol):
    """A head that is too long (431) or does not come to its end (408) is answered and closed: the server alone would
    hold as much of it as anybody sends, for as long as they like. A connection that sends nothing is closed."""

    _head = 0  # bytes, of one that has not ended
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._late = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_time()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.scope is not None and "method" in self.scope:  # the head is whole
            if self._late is not None:
                self._in_time()
        elif not self.transport.is_closing():
            if not self._head:
                self._in_time()
                self._late = self.loop.call_later(HEAD_SECONDS, self._refuse, HTTPStatus.REQUEST_TIMEOUT)
            self._head += len(data)
            if self._head > HEAD:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _in_time(self) -> None:
        self._head = 0
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: HTTPStatus) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:  # no answer is under way
            body = msgspec.json.encode({"type": "about:blank", "title": status.phrase, "status": status.value})
            self.transport.write(
                f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/problem+json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
                + body
            )
        self.transport.close()


class SocketProtocol(WebSocketsSansIOProtocol):
    """Closing waits until the client has read everything, which it may never do: `drop` waits for GRACE. A handshake
    that cannot be read (a line of more than 8 kB, too many headers) is answered and closed: the server does neither,
    and whoever sent it kept the connection, with or without a key."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.transport.is_closing():
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["state"][DROP] = self.drop

    def drop(self, code: int, reason: str) -> None:
        if not self.close_sent and not self.transport.is_closing():
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self.loop.call_later(GRACE, self.transport.abort)
