"""A load generator of its own process: N keep-alive connections that each send the next prepared request when the
answer to the last has come, a POST of each body once or a GET of the paths, `once` or again and again. Run as
`python -m benchmarks.load` with a JSON job on standard input.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterable
from itertools import cycle
from typing import Any


class _Client(asyncio.Protocol):
    def __init__(self, run: "_Run") -> None:
        self._run = run
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        request = self._run.take()
        if request is None:
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        lowered = self._buffer[:head].lower()
        at = lowered.find(b"content-length:")
        length = int(lowered[at + 15 :].split(b"\r\n", 1)[0])
        if len(self._buffer) < head + 4 + length:
            return
        self._run.answered(self._buffer[9:12], self._buffer[head + 4 :], time.perf_counter() - self._sent)
        self._buffer = b""
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        self._run.closed()


class _Run:
    def __init__(self, requests: Iterable[bytes], seconds: float, clients: int, expect: bytes) -> None:
        self._requests = iter(requests)
        self._until = time.perf_counter() + seconds
        self._open = clients
        self._expect = expect
        self.done = asyncio.get_running_loop().create_future()
        self.times: list[float] = []
        self.failed = 0

    def take(self) -> bytes | None:
        return next(self._requests, None) if time.perf_counter() < self._until else None

    def answered(self, status: bytes, body: bytes, seconds: float) -> None:
        if status in (b"200", b"201", b"307") and self._expect in body:
            self.times.append(seconds)
        else:
            self.failed += 1

    def closed(self) -> None:
        self._open -= 1
        if self._open == 0 and not self.done.done():
            self.done.set_result(None)


def _posts(job: dict[str, Any]) -> list[bytes]:
    return [
        (
            f"POST {job['path']} HTTP/1.1\r\nhost: localhost\r\nauthorization: {authorization}\r\n"
            f"content-type: {job.get('type', 'application/json')}\r\ncontent-length: {len(body.encode())}\r\n\r\n{body}"
        ).encode()
        for authorization, body in job["requests"]
    ]


async def _drive(job: dict[str, Any]) -> dict[str, float]:
    requests: Iterable[bytes]
    if isinstance(job["path"], list):
        headers = "".join(f"{name}: {value}\r\n" for name, value in job["headers"].items())
        gets = [f"GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n".encode() for path in job["path"]]
        requests = gets if job.get("once") else cycle(gets)
    else:
        requests = _posts(job)
    loop = asyncio.get_running_loop()
    run = _Run(requests, job["seconds"], job["clients"], job["expect"].encode())
    started = time.perf_counter()
    for _ in range(job["clients"]):
        await loop.create_connection(lambda: _Client(run), "127.0.0.1", job["port"])
    await run.done
    spent = time.perf_counter() - started
    times = sorted(run.times) or [0.0]
    return {
        "per_second": len(run.times) / spent,
        "failed": run.failed,
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000,
    }


def main() -> None:
    job = json.load(sys.stdin)
    import uvloop

    json.dump(uvloop.run(_drive(job)), sys.stdout)


if __name__ == "__main__":
    main()
