"""The service over HTTP, for one that is sometimes gone: what is told apart is an answer and no answer."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

API = "/api/v1"
_WAIT, _LONGEST = 0.05, 2.0  # seconds before a second try, and at most


class SimulationFailed(Exception):
    """The service answered otherwise than a scale expects, or not at all."""


class Door:
    """One client for everybody with so many connections. Without any answer for `patience` seconds it gives up."""

    def __init__(self, client: httpx.AsyncClient, connections: int, patience: float) -> None:
        self._client = client
        self._patience = patience
        # Waiting for a connection here is cheaper than in the client, which looks at all who wait for each answer.
        self._free = asyncio.Semaphore(connections)
        self._heard = time.monotonic()

    async def answers(self) -> None:
        """SimulationFailed where nobody is there."""
        try:
            await self._client.get("/healthz")
        except httpx.TransportError as error:
            raise SimulationFailed(f"{self._client.base_url} 没有应答 · nobody answers there: {error!r}") from error

    async def once(
        self,
        method: str,
        path: str,
        key: str | None,
        content: bytes | None = None,
        media_type: str = "application/json",
    ) -> httpx.Response | None:
        """One try; None where no answer came. SimulationFailed where none has come for too long."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        if content is not None:
            headers["Content-Type"] = media_type
        try:
            async with self._free:
                answer = await self._client.request(method, f"{API}{path}", content=content, headers=headers)
        except httpx.TransportError as error:
            self._silent(error)
            return None
        self._heard = time.monotonic()
        return answer

    async def ask(self, method: str, path: str, key: str | None, **options: Any) -> Any:
        """The body of a 2xx answer, asked for until it comes; SimulationFailed for any other answer."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        headers |= options.pop("headers", {})
        tries = 0
        while True:
            try:
                async with self._free:
                    answer = await self._client.request(method, f"{API}{path}", headers=headers, **options)
            except httpx.TransportError as error:
                self._silent(error)
                await asyncio.sleep(pause(tries))
                tries += 1
                continue
            self._heard = time.monotonic()
            if answer.status_code not in (429, 503):
                break
            await asyncio.sleep(asked_to_wait(answer))
        if not answer.is_success:
            raise SimulationFailed(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.headers["content-type"].startswith("application/json") else answer.text

    @asynccontextmanager
    async def lines(self, path: str, key: str, params: Mapping[str, str]) -> AsyncIterator[AsyncIterator[str]]:
        """The lines of an NDJSON answer as they come; httpx.TransportError where it is cut off."""
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/x-ndjson"}
        async with self._client.stream("GET", f"{API}{path}", params=params, headers=headers) as answer:
            if not answer.is_success:
                await answer.aread()
                raise SimulationFailed(f"GET {path}: {answer.status_code} {answer.text[:500]}")
            yield answer.aiter_lines()

    def _silent(self, error: httpx.TransportError) -> None:
        if time.monotonic() - self._heard > self._patience:
            raise SimulationFailed(
                f"服务 {self._patience:g} 秒没有应答 · no answer for {self._patience:g} seconds: {error!r}"
            ) from error


def pause(tries: int) -> float:
    """Seconds before the next try: longer each time, and no two scales alike."""
    return min(_LONGEST, _WAIT * 2.0 ** min(tries, 10)) * random.uniform(0.5, 1.0)


def asked_to_wait(answer: httpx.Response) -> float:
    """Seconds that a 503 or 429 asks for, and some more, so that not everybody is back at once."""
    said = answer.headers.get("retry-after", "")
    return (int(said) if said.isdigit() else 1) * random.uniform(1.0, 1.5)
