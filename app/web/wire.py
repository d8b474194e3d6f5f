"""The server's WebSocket protocol, with a way to let go of a client that does not read."""

from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

DROP: Final = "onecode.drop"  # in the scope: drop(code, reason)
GRACE: Final = 3.0  # seconds that a client may still take to read why

LARGEST: Final = 65_536  # bytes of a message of a client, which has nothing to say


class Protocol(WebSocketsSansIOProtocol):
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
