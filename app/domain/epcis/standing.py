"""Named queries and their subscriptions (EPCIS 2.0 §8.2.5): rows, and the secret that deliveries are signed with."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from app.domain.rights import Principal, Role

BATCH: Final = 100  # events in one delivery; halved for a receiver that answers 413


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A row of epcis_query. `query`: as it was given, in the standard's query language."""

    id: UUID
    owner_id: UUID
    name: str
    query: Mapping[str, Any]
    record_time: datetime


@dataclass(frozen=True, slots=True)
class Subscription:
    """A row of epcis_subscription.

    role, party_id, region, key_id: for whom it reads; token: the client's signatureToken, veiled; schedule: as given,
    None for a stream; epc_format, cbv_xml_format, media_type, xml_version: how it is told, None for as everybody is;
    since: nothing recorded before is told (initialRecordTime). status: active | paused; reason: why it is paused, or
    why it waits; position: all up to it was told; batch: events in one delivery; due: when there is
    something to do, a stream only where there are events beyond its position, and while a process is at it, when the
    lease of that ends; turn: grows with each lease; failures: tries in a row."""

    id: UUID
    query_id: UUID
    owner_id: UUID
    role: str
    party_id: UUID | None
    region: str | None
    key_id: UUID
    dest: str
    token: bytes | None
    epc_format: str | None
    cbv_xml_format: str | None
    media_type: str | None
    xml_version: str | None
    report_if_empty: bool
    since: datetime | None
    schedule: Mapping[str, Any] | None
    status: str
    reason: str | None
    position: int
    batch: int
    due: datetime
    turn: int
    failures: int
    told_at: datetime | None
    record_time: datetime

    @property
    def principal(self) -> Principal:
        """Whose events they are."""
        return Principal(self.key_id, Role(self.role), self.party_id, self.region, None, None)


def query_id(owner: UUID, name: str) -> UUID:
    """A name is its owner's own."""
    return uuid5(owner, f"epcis-query/{name}")


def veiled(master: bytes, subscription: UUID, token: bytes) -> bytes:
    """A client's secret as the database has it; the same again unveils it. XOR with HMAC-SHA256(master, "onecode
    subscription" + id + block as 4 bytes, big-endian), block 0, 1, …: an id is never used for another secret."""
    blocks = range(-(-len(token) // 32))
    name = b"onecode subscription" + subscription.bytes
    stream = b"".join(hmac.digest(master, name + n.to_bytes(4, "big"), "sha256") for n in blocks)
    return bytes(a ^ b for a, b in zip(token, stream, strict=False))


def delivery_of(subscription: UUID, events: list[UUID], upto: int) -> UUID:
    """The same events of the same subscription are the same delivery; an empty report is told by how far it looked."""
    return uuid5(subscription, ",".join(map(str, events)) or f"upto/{upto}")
