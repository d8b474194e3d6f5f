"""A load generator of its own process that keeps a pace: streams of requests, each at its rate, sent when they are due
whether or not the ones before were answered. Run as `python -m benchmarks.pace` with a JSON job on standard input.

A time runs from when a request was due: what waits for a connection because the service is slow counts against it.
"""

import asyncio
import json
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Any

GRACE = 20.0  # seconds for what is still under way at the end
_TICK = 0.001


@dataclass(slots=True)
class _Stream:
    """`requests` are sent one after another, and again from the first where there are too few; `expect` stands in the
    answer, head or body."""

    name: str
    rate: float
    requests: list[bytes]
    expect: bytes
    sent: int = 0
    times: list[float] = field(default_factory=list)
    failed: int = 0
    why: str = ""

    def told(self) -> dict[str, Any]:
        times = sorted(self.times) or [0.0]
        return {
            "due": self.sent,
            "answered": len(self.times),
            "failed": self.failed,
            "why": self.why,
            "p50_ms": times[len(times) // 2] * 1000,
            "p99_ms": times[int(len(times) * 0.99)] * 1000,
            "max_ms": times[-1] * 1000,
        }


class _Connection(asyncio.Protocol):
    def __init__(self, pace: "_Pace") -> None:
        self._pace = pace
        self._buffer = b""
        self._at: tuple[_Stream, float] | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._pace.joined(self)

    def close(self) -> None:
        self._transport.close()

    def send(self, stream: _Stream, request: bytes, due: float) -> None:
        self._at = stream, due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0 or self._at is None:
            return
        at = self._buffer[:head].lower().find(b"content-length:")
        length = int(self._buffer[at + 15 : head + 2].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < head + 4 + length:
            return
        stream, due = self._at
        if self._buffer[9:11] == b"20" and stream.expect in self._buffer:
            stream.times.append(time.perf_counter() - due)
        else:
            stream.failed += 1
            stream.why = stream.why or self._buffer[: head + 300].decode("utf-8", "replace")
        self._buffer, self._at = b"", None
        self._pace.free(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self._at is not None:
            self._at[0].failed += 1
            self._at[0].why = self._at[0].why or f"connection lost: {error!r}"
        self._pace.lost(self)


class _Pace:
    """One stream over connections of its own: a scale does not wait for a phone."""

    def __init__(self, stream: _Stream, port: int, seconds: float, connections: int) -> None:
        self._port = port
        self._idle: list[_Connection] = []
        self._all: set[_Connection] = set()
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._open = 0
        self._limit = connections
        self._due = iter(_moments(Random(stream.name), stream.rate, seconds))
        self._stream = stream

    def joined(self, connection: _Connection) -> None:
        self._all.add(connection)
        self.free(connection)

    def free(self, connection: _Connection) -> None:
        if not self._waiting:
            self._idle.append(connection)
            return
        due, request = self._waiting.popleft()
        connection.send(self._stream, request, due)

    def lost(self, connection: _Connection) -> None:
        self._open -= 1
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()

        async def more(number: int) -> None:
            for _ in range(number):
                self._open += 1
                await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._port)

        await more(self._limit)
        started = time.perf_counter()
        stream, ahead = self._stream, next(self._due, None)
        while ahead is not None:
            now = time.perf_counter()
            while ahead is not None and started + ahead <= now:
                request = stream.requests[stream.sent % len(stream.requests)]
                stream.sent += 1
                if self._idle:
                    self._idle.pop().send(stream, request, started + ahead)
                else:
                    self._waiting.append((started + ahead, request))
                ahead = next(self._due, None)
            if self._open < self._limit:
                await more(self._limit - self._open)
            await asyncio.sleep(_TICK)
        until = time.perf_counter() + GRACE
        while len(self._idle) < self._open and time.perf_counter() < until:
            await asyncio.sleep(0.01)
        for connection in [*self._all]:
            connection.close()
        while self._all:
            await asyncio.sleep(0)
        late = stream.sent - len(stream.times) - stream.failed
        stream.failed += late
        stream.why = stream.why or (f"{late} not answered after {GRACE:g} s" if late else "")


def _moments(draw: Random, rate: float, seconds: float) -> list[float]:
    """When the requests of a stream are due: at random, as people come."""
    moments, at = [], draw.expovariate(rate)
    while at < seconds:
        moments.append(at)
        at += draw.expovariate(rate)
    return moments


async def _drive(job: dict[str, Any]) -> dict[str, Any]:
    streams = [
        _Stream(each["name"], each["rate"], [text.encode() for text in each["requests"]], each["expect"].encode())
        for each in job["streams"]
    ]
    await asyncio.gather(*(_Pace(each, job["port"], job["seconds"], job["connections"]).run() for each in streams))
    return {stream.name: stream.told() for stream in streams}


def main() -> None:
    job = json.load(sys.stdin)
    import uvloop

    json.dump(uvloop.run(_drive(job)), sys.stdout)


if __name__ == "__main__":
    main()
