"""A receiver of webhooks on a loopback port, good or bad as a test tells it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE = 30


@dataclass(frozen=True, slots=True)
class Received:
    """Header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes
    time: float

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass(slots=True)
class Receiver:
    """`behave(handler)` answers; the default is 204. `got` is what has come, `written` the bytes of its answers."""

    port: int
    got: list[Received] = field(default_factory=list)
    behave: Callable[[Any], None] = field(default=lambda handler: answer(handler, 204))
    written: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait(self, number: int) -> list[Received]:
        """As soon as so many have come."""
        with self.arrived:
            came = self.arrived.wait_for(lambda: len(self.got) >= number, PATIENCE)
            assert came, f"{len(self.got)} of {number} have come"
            return list(self.got)


def answer(handler: BaseHTTPRequestHandler, status: int, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def in_turn(*statuses: int) -> Callable[[Any], None]:
    """These, one after another; the last again and again."""
    left = list(statuses)
    return lambda handler: answer(handler, left.pop(0) if len(left) > 1 else left[0])


def stall(handler: Any) -> None:
    """Says nothing until the test is over."""
    handler.server.receiver.over.wait(PATIENCE)


def drip(handler: Any) -> None:
    """A header line now and then, for ever."""
    handler.send_response(200)
    handler.flush_headers()
    while not handler.server.receiver.over.wait(0.02):
        handler.wfile.write(b"X-More: x\r\n")


def die(handler: Any) -> None:
    """The connection is reset."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    handler.connection.shutdown(socket.SHUT_RDWR)


def flood(handler: Any) -> None:
    """A body of a gigabyte."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(1_000_000_000))
    handler.end_headers()
    piece = b"x" * 100_000
    for _ in range(10_000):
        handler.wfile.write(piece)
        handler.server.receiver.written += len(piece)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        receiver: Receiver = self.server.receiver  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with receiver.arrived:
            receiver.got.append(Received(self.path, headers, body, time.monotonic()))
            receiver.arrived.notify_all()
        try:
            receiver.behave(self)
        except OSError:
            self.close_connection = True  # the sender has hung up

    def do_GET(self) -> None:
        raise AssertionError("a redirect was followed")

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def receiving(behave: Callable[[Any], None] | None = None) -> Iterator[Receiver]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    receiver = Receiver(server.server_address[1])
    if behave is not None:
        receiver.behave = behave
    server.receiver = receiver  # type: ignore[attr-defined]
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
