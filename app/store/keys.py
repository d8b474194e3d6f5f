"""API keys: what they may do and the SHA-256 of their secrets."""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select

from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import chunks, values
from app.store.types import micros

_table = tables.api_key


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A row of api_key; status active | revoked."""

    id: UUID
    secret_hash: bytes
    role: str
    name: str | None
    party_id: UUID | None
    region: str | None
    device_id: UUID | None
    status: str
    record_time: datetime
    last_used: datetime | None


@dataclass(frozen=True, slots=True)
class KeyState:
    """A key and what its use depends on."""

    key: ApiKey
    party_status: str | None
    party_reason: str | None
    device_status: str | None
    site_id: UUID | None
    site_party_id: UUID | None
    device_number: int | None
    epoch: int | None
    device_kind: str | None


def state(snapshot: Snapshot, key_id: UUID) -> KeyState | None:
    """One key; a device's key depends on the device and on the party whose stall it stands at."""
    party, device, site = tables.party, tables.device, tables.site
    row = snapshot.execute(select(_table).where(_table.c.id == key_id)).one_or_none()
    if row is None:
        return None
    key = ApiKey(*row)
    device_status = site_id = site_party_id = number = epoch = kind = None
    if key.device_id is not None:
        found = snapshot.execute(
            select(device.c.status, device.c.site_id, site.c.party_id, device.c.number, device.c.epoch, device.c.kind)
            .join(site, site.c.id == device.c.site_id)
            .where(device.c.id == key.device_id)
        ).one()
        device_status, site_id, site_party_id, number, epoch, kind = found
    owner = site_party_id or key.party_id
    party_status = party_reason = None
    if owner is not None:
        party_status, party_reason = snapshot.execute(
            select(party.c.status, party.c.status_reason).where(party.c.id == owner)
        ).one()
    return KeyState(key, party_status, party_reason, device_status, site_id, site_party_id, number, epoch, kind)


def keys(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, ApiKey]:
    found = {}
    for chunk in chunks(ids):
        for row in snapshot.execute(select(_table).where(_table.c.id.in_(chunk))):
            found[row.id] = ApiKey(*row)
    return found


def of_devices(snapshot: Snapshot, device_ids: Iterable[UUID]) -> dict[UUID, list[ApiKey]]:
    """The active keys of each device."""
    found: dict[UUID, list[ApiKey]] = defaultdict(list)
    for chunk in chunks(device_ids):
        for row in snapshot.execute(select(_table).where(_table.c.device_id.in_(chunk), _table.c.status == "active")):
            found[row.device_id].append(ApiKey(*row))
    return found


def has_role(snapshot: Snapshot, party_id: UUID, role: str) -> bool:
    """Whether the party has, or had, a key of this role."""
    statement = select(_table.c.id).where(_table.c.party_id == party_id, _table.c.role == role).limit(1)
    return snapshot.scalar(statement) is not None


def new_secret() -> str:
    """192 random bits in hexadecimal digits."""
    return secrets.token_hex(24)


def digest(secret: str) -> bytes:
    """What is kept of a secret: its SHA-256. A random secret of this length needs no slow hash."""
    return sha256(secret.encode()).digest()


def shown(key_id: UUID, secret: str) -> str:
    """The key as its bearer sends it."""
    return f"ock_{key_id.hex}_{secret}"


def page(
    snapshot: Snapshot, conditions: Sequence[ColumnElement[bool]], after: tuple[datetime, UUID] | None, limit: int
) -> list[ApiKey]:
    """At most `limit` keys in the order in which they were made, after the given place."""
    time, key = _table.c.record_time, _table.c.id
    place = [] if after is None else [and_(time >= after[0], or_(time > after[0], key > after[1]))]
    return [
        ApiKey(*row)
        for row in snapshot.execute(select(_table).where(*conditions, *place).order_by(time, key).limit(limit))
    ]


def save(connection: Snapshot, rows: Iterable[ApiKey]) -> None:
    bulk.upsert(connection, _table, [values(row) for row in rows])


def note_uses(connection: Snapshot, ids: Iterable[UUID], now: datetime) -> None:
    """Of keys that there are."""
    keys = sorted(set(ids))
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("UPDATE api_key SET last_used = %s WHERE id = ANY(%s)", (now, keys))
    else:
        used = [(micros(now), key.bytes) for key in keys]
        connection.exec_driver_sql("UPDATE api_key SET last_used = ? WHERE id = ?", used)
