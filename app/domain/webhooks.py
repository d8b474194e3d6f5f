"""Webhooks: where they may lead, how a delivery is signed, when it is tried again.

Signatures are those of Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, in Base64 behind `v1,`.
"""

import base64
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from uuid import UUID, uuid5

from app.domain.errors import Invalid

EVENTS: Final = ("recall",)  # what may be wanted; a topic is one of them or begins with one and a dot
TEST: Final = "webhook.test"

OVERLAP: Final = timedelta(hours=24)  # for which the secret before is signed with as well

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Webhook:
    """A row of webhook: status active | paused | deleted; `version` of its secret, which is derived and stored
    nowhere; `failures` in a row to reach it."""

    id: UUID
    owner_id: UUID
    url: str
    events: Sequence[str]
    status: str
    status_reason: str | None
    version: int
    rotated_at: datetime | None
    failures: int
    record_time: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of delivery: state pending | sent | failed (to be tried again) | dead (given up). `next_attempt` is null
    where nothing is to be done; while somebody sends it, it is when their lease ends."""

    webhook_id: UUID
    id: UUID
    topic: str
    subject: str
    body: str
    state: str
    attempts: int
    next_attempt: datetime | None
    expires: datetime
    last_status: int | None
    last_error: str | None
    record_time: datetime
    settled_at: datetime | None


def webhook_id(owner: UUID, url: str) -> UUID:
    """The same URL of the same owner is the same webhook."""
    return uuid5(owner, f"webhook/{url}")


def delivery_id(webhook: UUID, topic: str, subject: str) -> UUID:
    """`subject` names what is told, its version included: the same again is the same delivery."""
    return uuid5(webhook, f"{topic}/{subject}")


# --- where to ---

_TARGET = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?(/[!-~]*)?", re.ASCII)
_LISTED = re.compile(r"(?:(https?)://)?((?:\*\.)?[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?", re.ASCII)
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in its parts: `host` in lower case without brackets, `path` with its query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The Host header."""
        return bracketed(self.host) + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")

    def url_at(self, address: Address) -> str:
        """The same at this address: the name is not looked up again."""
        return f"{self.scheme}://{bracketed(str(address))}:{self.port}{self.path}"


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def target_of(url: str) -> Target:
    """Raises Invalid for what is not a plain http(s) URL: no user, password or fragment, a name in ASCII."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    match = _TARGET.fullmatch(f"{scheme.lower()}://{authority.lower()}{slash}{path}")
    if match is None or "#" in url or "\\" in url or not 0 < int(match[3] or 1) < 65_536:
        raise Invalid(
            "invalid",
            "请给出完整的 https 地址，不含用户名、密码和 #；中文域名写作 xn-- 形式 · Give a whole https URL "
            "without user, password or fragment; spell an international name in its xn-- form",
            pointer="/url",
        )
    port = int(match[3]) if match[3] else _PORTS[match[1]]
    return Target(match[1], match[2].strip("[]"), port, f"{slash or '/'}{path}")


@dataclass(frozen=True, slots=True)
class Reach:
    """What an operator has listed: `hosts` as `erp.example.cn` (https, port 443), `*.example.cn` (any name below it),
    `erp.example.cn:8443`, `http://10.1.2.3:9000`; `networks` that may be reached although they are not public."""

    hosts: frozenset[tuple[str, str, int]] = frozenset()
    networks: tuple[Network, ...] = ()

    def lists(self, target: Target) -> bool:
        if (target.scheme, target.host, target.port) in self.hosts:
            return True
        names = target.host.split(".")
        above = (".".join(["*", *names[i:]]) for i in range(1, len(names)))
        return any((target.scheme, name, target.port) in self.hosts for name in above)

    def admits(self, text: str) -> Address | None:
        """The address to connect to, an IPv4 one in its own form; None for one that must not be reached: loopback,
        private, link-local, multicast, reserved, and forms of IPv6 that hide an IPv4 address."""
        address = ip_address(text.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if any(address.version == network.version and address in network for network in self.networks):
            return address
        if not address.is_global or address.is_multicast or address.is_reserved:
            return None
        if isinstance(address, IPv6Address) and (address not in _UNICAST or address.sixtofour or address.teredo):
            return None
        return address


_UNICAST = IPv6Network("2000::/3")


def reach(hosts: Sequence[str], networks: Sequence[Network]) -> Reach:
    """ValueError for an entry that is not as Reach says."""
    listed = set()
    for text in hosts:
        match = _LISTED.fullmatch(text.lower())
        if match is None or not 0 < int(match[3] or 1) < 65_536:
            raise ValueError(
                f"{text!r} is not a host such as erp.example.cn, *.example.cn:8443 or http://10.1.2.3:9000"
            )
        scheme = match[1] or "https"
        listed.add((scheme, match[2].strip("[]"), int(match[3]) if match[3] else _PORTS[scheme]))
    return Reach(frozenset(listed), tuple(networks))


def require_listed(reach: Reach, target: Target) -> None:
    """Raises Invalid for a host that the operator has not listed."""
    if not reach.lists(target):
        raise Invalid(
            "host-not-listed",
            "运维方未列入该主机（ONECODE_WEBHOOK_HOSTS），请与其联系 · The operator has not listed this host "
            "(ONECODE_WEBHOOK_HOSTS): ask for it",
            pointer="/url",
        )


# --- signatures ---


def secret_of(master: bytes, webhook: UUID, version: int) -> bytes:
    """The 32 bytes a webhook's deliveries are signed with: HMAC-SHA256(master, "onecode webhook" + its id + version as
    4 bytes, big-endian)."""
    return hmac.digest(master, b"onecode webhook" + webhook.bytes + version.to_bytes(4, "big"), "sha256")


def shown(secret: bytes) -> str:
    """As Standard Webhooks writes a secret."""
    return "whsec_" + base64.b64encode(secret).decode()


def signed_headers(secrets: Sequence[bytes], delivery: UUID, body: bytes, now: datetime) -> dict[str, str]:
    """The headers that prove where a delivery comes from, signed with each of the secrets; unsigned without any."""
    stamp = int(now.timestamp())
    message = f"{delivery}.{stamp}.".encode() + body
    macs = [hmac.digest(secret, message, "sha256") for secret in secrets]
    signed = {"webhook-signature": " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)} if macs else {}
    return {"webhook-id": str(delivery), "webhook-timestamp": str(stamp), **signed}


def secrets_of(master: bytes, webhook: Webhook, now: datetime) -> list[bytes]:
    """What a webhook's deliveries are signed with: for a day after a change of the secret with both."""
    versions = [webhook.version]
    if webhook.rotated_at is not None and now < webhook.rotated_at + OVERLAP:
        versions.append(webhook.version - 1)
    return [secret_of(master, webhook.id, version) for version in versions]


# --- tries ---


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: the first wait, by how much each is longer than the one before, the longest; how many tries; and how
    long a delivery is worth trying."""

    first: float = 5
    factor: float = 4
    longest: float = 6 * 3600
    attempts: int = 16
    life: timedelta = timedelta(days=3)

    def wait(self, tried: int, chance: float) -> timedelta:
        """After so many tries; `chance` in [0, 1) spreads it by a quarter either way, so that nobody who was down is
        met by everything at once."""
        whole = min(self.first * self.factor ** min(tried - 1, 20), self.longest)
        return timedelta(seconds=whole * (0.75 + chance / 2))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a try came to: an HTTP status, or none and why; `retry_after` in seconds where the receiver asks for it."""

    status: int | None
    error: str | None = None
    retry_after: float | None = None

    @property
    def good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def unreachable(self) -> bool:
        """That nothing else would have arrived either."""
        return self.status is None or self.status in (429, 502, 503, 504)


GONE: Final = 410  # the receiver wants no more (Standard Webhooks)


def settle(delivery: Delivery, webhook: Webhook, answer: Answer, now: datetime, pace: Pace, chance: float) -> Delivery:
    """The delivery after a try, which its `attempts` count already."""
    tried = replace(delivery, last_status=answer.status, last_error=answer.error)
    if answer.good:
        return replace(tried, state="sent", next_attempt=None, settled_at=now)
    wait = pace.wait(max(delivery.attempts, webhook.failures + 1), chance)
    if answer.retry_after is not None:
        wait = max(wait, timedelta(seconds=min(answer.retry_after, pace.longest)))
    if answer.status == GONE or delivery.attempts >= pace.attempts or now + wait >= delivery.expires:
        return replace(tried, state="dead", next_attempt=None, settled_at=now)
    return replace(tried, state="failed", next_attempt=now + wait)
