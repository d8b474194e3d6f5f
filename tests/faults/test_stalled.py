"""A client that never ends its head or its body is given up, at whichever door; a slow one that goes on is not."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.faults.test_serve import admin_key
from tests.support.cast import Cast
from tests.support.databases import Database, fresh
from tests.support.server import Server, serving

IDLE = 3.0
FORM = "multipart/form-data; boundary=x"


@pytest.fixture
def database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """One kind is enough for what the database has no part in."""
    with fresh("sqlite", tmp_path, sqlite_template) as made:
        yield made


class Sending:
    """A connection with the head of a POST and the first bytes of its body."""

    def __init__(self, server: Server, path: str, key: str | None, media_type: str, size: int = 10_000) -> None:
        start = b"--x\r\n" if media_type == FORM else b'{"events":['
        self.left = size - len(start)
        address = urlsplit(server.url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=60)
        keyed = f"Authorization: Bearer {key}\r\n" if key else ""
        self.socket.sendall(
            f"POST {path} HTTP/1.1\r\nHost: x\r\n{keyed}Content-Type: {media_type}\r\n"
            f"Content-Length: {size}\r\n\r\n".encode()
            + start
        )

    def answer(self) -> tuple[int, dict[str, object]]:
        """Status and problem, once the server has closed the connection."""
        received = bytearray()
        with self.socket:
            while piece := self.socket.recv(65_536):
                received += piece
        head, _, body = bytes(received).partition(b"\r\n\r\n")
        assert b"connection: close" in head.lower()
        return int(head.split()[1]), json.loads(body)


def test_a_body_that_stalls_is_given_up_at_every_door(database: Database, tmp_path: Path) -> None:
    key = admin_key(database)
    with (
        serving(tmp_path, database.url, ONECODE_BODY_TIMEOUT_SECONDS=str(IDLE)) as server,
        httpx2.Client(base_url=server.url, timeout=30) as client,
        ExitStack() as open_still,
    ):
        cast = Cast(client, key)
        scale = cast.scale(cast.stall)
        code = cast.stall.site["code"]
        doors = [
            ("/api/v1/sales", scale.key, "application/json"),
            ("/api/v1/sales", scale.key, "application/x-ndjson"),
            ("/api/v1/events", cast.stall.key, "application/json"),
            ("/api/v1/events", cast.stall.key, "application/x-ndjson"),
            ("/api/v1/parties/batch", cast.admin.key, "application/x-ndjson"),
            ("/api/v1/parties", cast.admin.key, "application/json"),
            ("/api/v1/documents", cast.stall.key, FORM),
            ("/api/v1/devices/activate", None, "application/json"),
            (f"/c/{code}/reports", None, "application/json"),
            (f"/c/{code}/reports", None, FORM),
        ]
        stalled = [Sending(server, *door) for door in doors]
        dribbling = Sending(server, "/api/v1/devices/activate", None, "application/json")
        slow = Sending(server, "/api/v1/events", cast.stall.key, "application/json", 1_000_000)
        for sending in (*stalled, dribbling, slow):
            open_still.enter_context(sending.socket)
        begun = time.monotonic()
        address = urlsplit(server.url)
        headless, silent = [socket.create_connection((address.hostname, address.port), timeout=60) for _ in range(2)]
        headless.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ")
        dribbled = False
        while time.monotonic() < begun + 2.5 * IDLE:
            slow.socket.sendall(b" " * 5_000)
            slow.left -= 5_000
            if not dribbled:
                try:
                    dribbling.socket.sendall(b" ")
                except OSError:
                    dribbled = True  # it has been closed already
            time.sleep(0.1)
        for door, sending in zip(doors, stalled, strict=True):
            status, problem = sending.answer()
            assert (door, status, problem["type"]) == (door, 408, "/problems/body-stalled")
        slow.socket.sendall(b"]}".rjust(slow.left))
        received = slow.socket.recv(65_536)
        assert received.startswith(b"HTTP/1.1 200"), received
        # Never idle for so long, but it brings next to nothing.
        dribbling.socket.settimeout(60)
        try:
            while dribbling.socket.recv(65_536):
                pass
        except ConnectionResetError:
            pass
        with headless, silent:
            assert headless.recv(65_536).startswith(b"HTTP/1.1 408 ")
            assert headless.recv(1) == silent.recv(1) == b""
        assert client.get("/healthz").status_code == 200
        assert client.get("/healthz", headers={"X": "x" * 50_000}).status_code == 200
        with socket.create_connection((address.hostname, address.port), timeout=60) as endless:
            endless.sendall(b"GET /healthz HTTP/1.1\r\n" + b"X: x\r\n" * 12_000)
            assert endless.recv(65_536).startswith(b"HTTP/1.1 431 ")
