"""Keys: who may speak for whom; their secrets are shown once and kept as SHA-256."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.domain.rights import Principal, Role
from app.store import keys as store
from app.store.engine import Snapshot
from app.store.writer import Transaction


@dataclass(frozen=True, slots=True)
class Credential:
    """What a key lets its bearer do, and everything that this depends on (ids in hex, as the feed names them)."""

    principal: Principal
    secret_hash: bytes
    status: str
    party_status: str | None
    party_reason: str | None
    device_status: str | None
    depends_on: frozenset[str]


def find_credential(snapshot: Snapshot, key_id: UUID) -> Credential | None:
    """The credential of a key id, or None."""
    found = store.state(snapshot, key_id)
    if found is None:
        return None
    key = found.key
    names = (key.id, key.party_id, key.device_id, found.site_id, found.site_party_id)
    return Credential(
        Principal(
            key.id,
            Role(key.role),
            key.party_id,
            key.region,
            key.device_id,
            found.site_id,
            found.device_number,
            found.epoch,
        ),
        key.secret_hash,
        key.status,
        found.party_status,
        found.party_reason,
        found.device_status,
        frozenset(name.hex for name in names if name is not None),
    )


def note_use(transaction: Transaction, key_ids: Sequence[UUID]) -> Sequence[None]:
    """Job: notes that keys were used now. Touches nothing that anybody caches."""
    store.note_uses(transaction.connection, key_ids, transaction.now)
    return [None] * len(key_ids)
