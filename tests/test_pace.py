"""The load generator that keeps a pace sends all that is due, and counts what was not answered as it should be."""

import asyncio
from random import Random
from typing import Any

from benchmarks import pace


def played(answers: list[bytes], rate: float = 200.0, seconds: float = 0.3) -> dict[str, Any]:
    """What came of one stream against a server that gives these answers in turn; an empty one cuts the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.append(asyncio.current_task())
        while (await reader.readline()) != b"":
            await reader.readuntil(b"\r\n\r\n")
            answer = answers[len(seen) % len(answers)]
            seen.append(answer)
            if not answer:
                break
            writer.write(answer)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def play() -> dict[str, Any]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            request = "GET /c/x HTTP/1.1\r\nhost: localhost\r\n\r\n"
            stream = {"name": "scans", "rate": rate, "requests": [request], "expect": "fine"}
            job = {"port": port, "seconds": seconds, "connections": 3, "streams": [stream]}
            found: dict[str, Any] = (await pace._drive(job))["scans"]
            await asyncio.gather(*filter(None, handlers))
        return found

    seen: list[bytes] = []
    handlers: list[asyncio.Task[None] | None] = []
    return asyncio.run(play())


def answer(status: str, body: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def test_everything_that_is_due_is_sent_and_answered() -> None:
    found = played([answer("200 OK", "all fine"), answer("201 Created", "fine")])
    assert found["due"] == found["answered"] > 20
    assert found["failed"] == 0
    assert 0 < found["p50_ms"] <= found["p99_ms"] <= found["max_ms"]


def test_what_is_not_as_it_should_be_has_failed_and_says_why() -> None:
    found = played([answer("200 OK", "fine"), answer("503 Busy", "fine"), answer("200 OK", "not it"), b""])
    assert found["answered"] + found["failed"] == found["due"]
    assert found["failed"] > found["due"] / 2
    assert found["why"].startswith(("HTTP/1.1 503", "HTTP/1.1 200", "connection lost"))


def test_the_pace_is_kept_at_random_moments() -> None:
    moments = pace._moments(Random(1), 100.0, 60.0)
    assert 5_500 < len(moments) < 6_500
    assert moments == sorted(moments)
    assert moments[-1] < 60.0
