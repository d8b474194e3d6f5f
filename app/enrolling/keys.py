"""Keys: who may speak for whom; their secrets are shown once and kept as SHA-256."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from app.domain.errors import Invalid
from app.domain.identifiers import check_region
from app.domain.rights import Principal, Role, manages_key, manages_party, owns_party, owns_site, region_prefix
from app.domain.rows import Device, Party
from app.domain.stays import Stay, stays
from app.enrolling.forms import forbidden, require_enrols, unknown
from app.store import keys as store
from app.store import listing, master
from app.store.engine import Snapshot
from app.store.keys import ApiKey
from app.store.writer import Transaction, decided


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
            found.device_kind,
            _stays(snapshot, key.device_id),
        ),
        key.secret_hash,
        key.status,
        found.party_status,
        found.party_reason,
        found.device_status,
        frozenset(name.hex for name in names if name is not None),
    )


def _stays(snapshot: Snapshot, device_id: UUID | None) -> tuple[Stay, ...]:
    """Of a device that has moved."""
    if device_id is None:
        return ()
    history = master.versions(snapshot, [device_id]).get(device_id, ())
    found = stays([version for version in history if isinstance(version, Device)])
    return found if len(found) > 1 else ()


def note_use(transaction: Transaction, key_ids: Sequence[UUID]) -> Sequence[None]:
    """Job: notes that keys were used now. Touches nothing that anybody caches."""
    store.note_uses(transaction.connection, key_ids, transaction.now)
    return [None] * len(key_ids)


@dataclass(frozen=True, slots=True)
class MakeKey:
    """A key for a party, a regulator's region, a device or the operator. Raises nothing by itself."""

    principal: Principal
    role: Role
    party_id: UUID | None
    region: str | None
    device_id: UUID | None
    name: str | None


@dataclass(frozen=True, slots=True)
class MadeKey:
    """`secret` is the whole key, shown once."""

    row: ApiKey
    secret: str


@dataclass(frozen=True, slots=True)
class ChangeKey:
    """Renames a key, or revokes it for good."""

    principal: Principal
    key_id: UUID
    name: str | None = None
    revoke: bool = False


# Who the command line acts for: whoever can read the database's own files is its operator.
OPERATOR = Principal(UUID(int=0), Role.ADMIN, None, None, None, None)

_NEEDS = {
    Role.VENDOR: "party_id",
    Role.PRODUCER: "party_id",
    Role.MARKET: "party_id",
    Role.LAB: "party_id",
    Role.REGULATOR: "region",
    Role.AUDITOR: "region",
    Role.DEVICE: "device_id",
    Role.ADMIN: None,
}
# What a market may hand out: never a right that it does not have itself.
_MARKET_GIVES = frozenset({Role.VENDOR, Role.PRODUCER, Role.MARKET, Role.DEVICE})


def make_keys(transaction: Transaction, commands: Sequence[MakeKey]) -> Sequence[MadeKey | Exception]:
    """Job: each command makes a key of its own; nothing tells a repeated request from a second key."""
    connection = transaction.connection
    owners = _Owners(
        connection,
        [command.party_id for command in commands if command.party_id is not None],
        [command.device_id for command in commands if command.device_id is not None],
    )
    made: list[ApiKey] = []

    def decide(command: MakeKey) -> MadeKey:
        require_enrols(command.principal, "key")
        check_speaks_for("密钥", "key", command.role, command.party_id, command.region, command.device_id)
        if command.party_id is not None and command.party_id not in owners.parties:
            raise unknown("主体", "party", "/party_id")
        if command.device_id is not None and command.device_id not in owners.devices:
            raise unknown("设备", "device", "/device_id")
        if not owners.gives(command.principal, command.role, command.party_id, command.device_id):
            raise forbidden(
                "市场只能为自己、只在本市场经营的主体和本市场的设备发放密钥，其余由管理员发放 · "
                "A market makes keys for itself, for those who trade with it alone and for the devices of its stalls; "
                "the operator makes the others"
            )
        if command.party_id is not None and command.principal.role is Role.MARKET:
            _confirmed(owners.parties[command.party_id])
        secret = store.new_secret()
        row = ApiKey(
            uuid4(),
            store.digest(secret),
            command.role,
            command.name,
            command.party_id,
            region_prefix(command.region) if command.region else None,
            command.device_id,
            "active",
            transaction.now,
            None,
        )
        made.append(row)
        return MadeKey(row, store.shown(row.id, secret))

    results = decided(commands, decide)
    store.save(connection, made)
    return results


def _confirmed(party: Party) -> None:
    """Raises Forbidden for a firm whose registration no office has seen: its name is not lent to whoever names it."""
    if party.credit_code is not None and party.status != "active":
        raise forbidden(
            "该主体的登记尚待监管部门或管理员核对，启用后再发放密钥 · "
            "The registration of this party is still to be checked: make its key when it is active"
        )


def check_speaks_for(
    zh: str, en: str, role: Role, party_id: UUID | None, region: str | None, device_id: UUID | None
) -> None:
    """Raises Invalid unless exactly that is given which somebody of the role speaks for; `zh`, `en`: what it is called
    that speaks."""
    needed = _NEEDS[role]
    for name, value in (("party_id", party_id), ("region", region), ("device_id", device_id)):
        if (value is not None) != (name == needed):
            told = ("须给出", "needs") if name == needed else ("不能给出", "has no")
            raise Invalid(
                "invalid",
                f"{role} {zh}{told[0]} {name} · A {en} of role {role} {told[1]} {name}",
                pointer=f"/{name}",
            )
    if region is not None:
        for finding in check_region(region, prefix=True):
            raise Invalid(finding.slug, f"{finding.detail_zh} · {finding.detail_en}", pointer="/region")


class _Owners:
    """The parties and devices of a batch, and which markets they stand in."""

    def __init__(self, connection: Snapshot, party_ids: Sequence[UUID], device_ids: Sequence[UUID]) -> None:
        self.parties = master.parties(connection, party_ids)
        self.devices = master.devices(connection, device_ids)
        self._markets = master.markets_of_parties(connection, self.parties)
        self._sites = master.sites(connection, [device.site_id for device in self.devices.values()])
        self._roots = master.markets(connection, self._sites.values())

    def gives(
        self,
        principal: Principal,
        role: str,
        party_id: UUID | None,
        device_id: UUID | None,
        rule: Callable[[Principal, Party, Collection[UUID]], bool] = manages_party,
    ) -> bool:
        """Whether the principal may make and revoke such a key; with owns_party for a rule, whether it may read it."""
        if principal.role is Role.ADMIN:
            return True
        if principal.role is not Role.MARKET or role not in _MARKET_GIVES:
            return False
        if device_id is not None:
            site = self._sites[self.devices[device_id].site_id]
            return owns_site(principal, site, self._roots[site.id])
        party = self.parties[party_id] if party_id is not None else None
        if party is None or (role == Role.MARKET and party.id != principal.party_id):
            return False
        return rule(principal, party, self._markets[party.id])


def _mine(principal: Principal, key: ApiKey, owners: _Owners) -> bool:
    return (
        key.id == principal.key_id
        or owners.gives(principal, key.role, key.party_id, key.device_id, owns_party)
        or _of_one_party(principal, key)
    )


def _of_one_party(principal: Principal, key: ApiKey) -> bool:
    own = principal.role in (Role.VENDOR, Role.PRODUCER, Role.LAB, Role.MARKET)
    return own and key.party_id is not None and key.party_id == principal.party_id


def _changes(principal: Principal, key: ApiKey, owners: _Owners) -> bool:
    """Whether the principal may rename and revoke a key that it knows of."""
    if _of_one_party(principal, key):
        return manages_key(principal.role, Role(key.role))
    return owners.gives(principal, key.role, key.party_id, key.device_id)


def _owners(connection: Snapshot, found: Iterable[ApiKey]) -> _Owners:
    listed = list(found)
    return _Owners(
        connection,
        [key.party_id for key in listed if key.party_id is not None],
        [key.device_id for key in listed if key.device_id is not None],
    )


def change_keys(transaction: Transaction, commands: Sequence[ChangeKey]) -> Sequence[ApiKey | Exception]:
    """Job: renames or revokes keys. Revoking again changes nothing."""
    connection = transaction.connection
    known = store.keys(connection, [command.key_id for command in commands])
    owners = _owners(connection, known.values())
    changed: dict[UUID, ApiKey] = {}

    def decide(command: ChangeKey) -> ApiKey:
        key = known.get(command.key_id)
        if key is None or not _mine(command.principal, key, owners):
            raise unknown("密钥", "key")
        if not _changes(command.principal, key, owners):
            raise forbidden(
                "密钥由发放者更改，不能更改权限更高的密钥 · A key is changed by who makes it, never by a lesser one"
            )
        row = replace(
            key,
            name=key.name if command.revoke else command.name,
            status="revoked" if command.revoke else key.status,
        )
        if row != key:
            known[key.id] = changed[key.id] = row
            transaction.touched.add(key.id.hex)
        return row

    results = decided(commands, decide)
    store.save(connection, changed.values())
    return results


def find_key(snapshot: Snapshot, principal: Principal, key_id: UUID) -> ApiKey:
    """Raises NotFound for a key that is not the reader's to know of."""
    key = store.keys(snapshot, [key_id]).get(key_id)
    if key is None or not _mine(principal, key, _owners(snapshot, [key])):
        raise unknown("密钥", "key")
    return key


def list_keys(snapshot: Snapshot, principal: Principal, after: listing.Place | None, limit: int) -> list[ApiKey]:
    return listing.api_keys(snapshot, principal, after, limit)
