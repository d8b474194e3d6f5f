"""One try of one delivery. Only a listed host is spoken to, at an address that was looked at before it was connected
to; nothing of what it answers is kept but its status."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import httpx

from app.domain.errors import Refusal
from app.domain.webhooks import Address, Answer, Reach, Target, target_of

CONNECT_SECONDS: Final = 5.0
SECONDS: Final = 15.0  # a try as a whole, looking the name up included
READ: Final = 65_536  # bytes of an answer, after which the connection is closed

# Addresses of a host and port, in the order of preference. Raises OSError.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """As the system does."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def http_client() -> httpx.AsyncClient:
    """No proxy of the environment, no redirects, no connection that another host's request might be sent on."""
    return httpx.AsyncClient(
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(SECONDS, connect=CONNECT_SECONDS),
        limits=httpx.Limits(max_keepalive_connections=0),
        headers={"User-Agent": "OneCode", "Accept": "*/*", "Accept-Encoding": "identity"},
    )


async def send(
    client: httpx.AsyncClient,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    reach: Reach,
    *,
    attempt: int = 1,
    seconds: float = SECONDS,
    resolve: Resolve = resolve,
) -> Answer:
    """`attempt`, from 1: of several addresses each is another one's turn. Raises nothing that a receiver, its name
    server or the network can cause."""
    try:
        target = target_of(url)
        if not reach.lists(target):
            return Answer(None, "host not listed")
        async with asyncio.timeout(seconds):
            address = _chosen(await resolve(target.host, target.port), reach, attempt)
            if address is None:
                return Answer(None, "address not allowed")
            return await _post(client, target, address, headers, body)
    except Refusal as refusal:
        return Answer(None, refusal.slug)
    except TimeoutError:
        return Answer(None, "timeout")
    except (httpx.HTTPError, OSError, UnicodeError) as error:
        return Answer(None, type(error).__name__)


def _chosen(addresses: Sequence[str], reach: Reach, attempts: int) -> Address | None:
    """One that may be reached, another one with each try."""
    allowed = [address for text in dict.fromkeys(addresses) if (address := reach.admits(text)) is not None]
    return allowed[(attempts - 1) % len(allowed)] if allowed else None


async def _post(
    client: httpx.AsyncClient, target: Target, address: Address, headers: Mapping[str, str], body: bytes
) -> Answer:
    """To the address itself: what its name resolves to by now does not matter. Its certificate is that of the name."""
    request = client.build_request(
        "POST",
        target.url_at(address),
        content=body,
        headers={"Content-Type": "application/json", **headers, "Host": target.authority},
        extensions={"sni_hostname": target.host},
    )
    response = await client.send(request, stream=True)
    try:
        size = 0
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > READ:
                break
    finally:
        await response.aclose()
    told = response.headers.get("retry-after", "")
    error = None if response.is_success else f"HTTP {response.status_code}"
    return Answer(response.status_code, error, float(told) if told.isascii() and told.isdigit() else None)
