"""Devices (追溯秤): enrol, activate once with a short code, lock."""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from app.domain import codes
from app.domain.errors import Conflict, Forbidden, TooMany
from app.domain.rights import Principal, Role, owns_site
from app.domain.rows import Device, Site
from app.enrolling.forms import (
    Change,
    Desk,
    Enrol,
    Enrolled,
    forbidden,
    histories,
    named,
    require_enrols,
    unknown,
)
from app.enrolling.locks import Locks
from app.store import keys, listing, master
from app.store.engine import Snapshot
from app.store.keys import ApiKey
from app.store.stock import highest_receipt
from app.store.writer import Transaction, decided

LIFE = timedelta(minutes=15)
TRIES = 5
LAST_EPOCH = 255
_LENGTH = 8  # characters of 5 bits: five tries of 2^40


@dataclass(frozen=True, slots=True)
class EnrolledDevice(Enrolled[Device]):
    """`activation_code` is shown here and never again; None where the same form was sent before."""

    activation_code: str | None = None


@dataclass(frozen=True, slots=True)
class Reactivate:
    """Asks for a new activation code: the first has lapsed, or the device was reset or replaced."""

    principal: Principal
    device_id: UUID


@dataclass(frozen=True, slots=True)
class Activate:
    """What a device sends once: the code that a person typed into it. `master` is the secret of receipts. `waiting`:
    what to answer whoever has tried too often, unless the code is right and no wrong one was tried for its device."""

    activation_code: str
    master: bytes
    waiting: TooMany | None = None


@dataclass(frozen=True, slots=True)
class Activated:
    """All that a device needs to sell offline; `key` and `receipt_secret` are shown here and never again."""

    device_id: UUID
    device_number: int
    key: str
    receipt_secret: bytes
    epoch: int
    next_counter: int


def enrol_devices(transaction: Transaction, commands: Sequence[Enrol]) -> Sequence[EnrolledDevice | Exception]:
    """Job: each form enrols a device, finds it enrolled already, or is refused."""
    connection = transaction.connection
    asked = named("device", commands)
    names = [key for _, key in asked]
    known = master.devices(connection, names)
    places = _Places(connection, [command.form["site_id"] for command in commands])
    number = master.next_device_number(connection)
    desk = Desk(transaction)

    def decide(asked: tuple[Enrol, UUID]) -> EnrolledDevice:
        nonlocal number
        command, key = asked
        require_enrols(command.principal, "device")
        places.require(command.principal, command.form["site_id"])
        places.require_keeper(command.principal, command.form["kind"], command.form["site_id"])
        there = known.get(key)
        if there is not None:
            return EnrolledDevice(there, created=False)
        code, digest = _new_code(number)
        row = Device(
            id=key,
            number=number,
            **command.form,
            status="enrolled",
            epoch=0,
            activation_hash=digest,
            activation_expires=transaction.now + LIFE,
            activation_tries=0,
            version=1,
            valid_from=transaction.now,
            record_time=transaction.now,
        )
        number += 1
        desk.enrol(row, command.principal.recorder_id)
        known[key] = row
        return EnrolledDevice(row, created=True, activation_code=code)

    results = decided(asked, decide)
    desk.write()
    return results


class _Places:
    """Sites that devices stand at, and whose they are."""

    def __init__(self, connection: Snapshot, site_ids: Sequence[UUID]) -> None:
        self._sites = master.sites(connection, site_ids)
        self._roots = master.markets(connection, self._sites.values())

    def owned(self, principal: Principal, site_id: UUID) -> Site | None:
        site = self._sites.get(site_id)
        return site if site is not None and owns_site(principal, site, self._roots[site_id]) else None

    def require(self, principal: Principal, site_id: UUID) -> None:
        if self.owned(principal, site_id) is None:
            raise unknown("场所", "site", "/site_id")

    def require_keeper(self, principal: Principal, kind: str, site_id: UUID) -> None:
        """An instrument speaks for the market that it stands in: nobody else sets one up, or gets its key. Raises
        Forbidden."""
        market = principal.role is Role.MARKET and principal.party_id == self._roots[site_id].party_id
        if kind == "instrument" and not market and principal.role is not Role.ADMIN:
            raise forbidden(
                "快检仪代表市场检测，只能由该市场或管理员登记、更改、激活 · "
                "An instrument speaks for its market: let the market or the operator enrol, change or activate it"
            )


def _new_code(number: int) -> tuple[str, bytes]:
    """An activation code `17-K7QX9M2P` and the hash to keep of it."""
    secret = "".join(secrets.choice(codes.ALPHABET) for _ in range(_LENGTH))
    return f"{number}-{secret[:4]}-{secret[4:]}", _hash(number, secret)


def _hash(number: int, secret: str) -> bytes:
    return sha256(f"{number}-{secret}".encode()).digest()


def _read_code(text: str) -> tuple[int, str] | None:
    """Device number and secret of a typed activation code; case, blanks and dashes of the secret do not matter."""
    number, _, secret = text.strip().partition("-")
    canonical = secret.upper().replace("-", "").replace(" ", "").translate(str.maketrans("ILO", "110"))
    if not (number.isascii() and number.isdigit() and len(number) <= 9):
        return None
    return int(number), canonical


def change_devices(transaction: Transaction, commands: Sequence[Change]) -> Sequence[Device | Exception]:
    """Job: changes devices. A locked one is unlocked to what it was: active, or still to be activated."""
    known = histories(transaction, Device, [command.subject_id for command in commands])
    stood = [history[-1].site_id for history in known.values()]
    moved = [command.changes["site_id"] for command in commands if "site_id" in command.changes]
    places = _Places(transaction.connection, [*stood, *moved])
    desk = Desk(transaction)
    locks = Locks(desk, known)

    def decide(command: Change) -> Device:
        history = known.get(command.subject_id)
        place = places.owned(command.principal, history[-1].site_id) if history is not None else None
        if history is None or place is None:
            raise unknown("设备", "device")
        current = history[-1]
        changes = dict(command.changes)
        if command.principal.role is Role.DEVICE:
            raise forbidden("设备不能更改自身登记 · A device does not change what it is enrolled as")
        if command.principal.role is Role.REGULATOR and set(changes) - {"status"}:
            raise forbidden("监管密钥只能锁定或解锁 · A regulator's key locks and unlocks only")
        if "site_id" in changes:
            places.require(command.principal, changes["site_id"])
        counter = changes.pop("next_counter", None)
        changes |= _moved(transaction, current, changes.get("site_id", current.site_id), counter, command.valid_from)
        if set(changes) - {"status"}:
            for kind in {current.kind, changes.get("kind", current.kind)}:
                for site_id in {current.site_id, changes.get("site_id", current.site_id)}:
                    places.require_keeper(command.principal, kind, site_id)
        if changes.get("status") == "active" and current.epoch == 0:
            changes["status"] = "enrolled"
        # The history of a device leaves its activation out; the row itself has it.
        present = master.devices(transaction.connection, [current.id])[current.id]
        keep = {name: getattr(present, name) for name in _ACTIVATION}
        return locks.change(history, {**changes, **keep} if changes else changes, command, place.party_id)

    results = decided(commands, decide)
    desk.write()
    return results


def _moved(
    transaction: Transaction, device: Device, site_id: UUID, counter: int | None, since: datetime | None
) -> dict[str, Any]:
    """From which of its sales on the device stands at the site: see app.domain.stays."""
    if counter is not None:
        return {"first_counter": counter, "first_time": None}
    if site_id == device.site_id:
        return {}
    now = transaction.now
    first = codes.receipt_id(device.number, device.epoch, 0)
    # What has come in since a move that is told later says nothing of where it happened.
    highest = highest_receipt(transaction.connection, first, first + codes.COUNTERS) if since is None else None
    return {"first_counter": 0 if highest is None else highest - first + 1, "first_time": min(since or now, now)}


_ACTIVATION = ("activation_hash", "activation_expires", "activation_tries", "epoch")


def reactivate_devices(
    transaction: Transaction, commands: Sequence[Reactivate]
) -> Sequence[EnrolledDevice | Exception]:
    """Job: a new activation code for a device; whatever code it had before is void."""
    connection = transaction.connection
    known = master.devices(connection, [command.device_id for command in commands])
    places = _Places(connection, [device.site_id for device in known.values()])
    changed: dict[UUID, Device] = {}

    def decide(command: Reactivate) -> EnrolledDevice:
        device = known.get(command.device_id)
        if device is None or places.owned(command.principal, device.site_id) is None:
            raise unknown("设备", "device")
        require_enrols(command.principal, "device")
        places.require_keeper(command.principal, device.kind, device.site_id)
        if device.epoch >= LAST_EPOCH:
            raise Conflict(
                "epochs-used-up",
                f"该设备已激活 {LAST_EPOCH} 次，请登记为新设备 · "
                f"It was activated {LAST_EPOCH} times: enrol it as a new device",
            )
        code, digest = _new_code(device.number)
        row = replace(device, activation_hash=digest, activation_expires=transaction.now + LIFE, activation_tries=0)
        known[device.id] = changed[device.id] = row
        return EnrolledDevice(row, created=False, activation_code=code)

    results = decided(commands, decide)
    master.save(connection, changed.values())
    return results


def activate_devices(transaction: Transaction, commands: Sequence[Activate]) -> Sequence[Activated | Exception]:
    """Job: a right code makes the device active under a new epoch and gives it its key, and revokes the keys it had;
    a wrong one uses up one of five tries. Who has tried too often elsewhere has the first of them."""
    connection = transaction.connection
    read = [_read_code(command.activation_code) for command in commands]
    known = master.device_numbers(connection, [found[0] for found in read if found is not None])
    former = keys.of_devices(connection, [device.id for device in known.values()])
    parties = _status_of_parties(connection, known)
    changed: dict[UUID, Device] = {}
    made: dict[UUID, ApiKey] = {}
    versions: list[Device] = []

    def decide(command: Activate) -> Activated:
        refused, tries = (_refused(), TRIES) if command.waiting is None else (command.waiting, 1)
        found = _read_code(command.activation_code)
        device = known.get(found[0]) if found else None
        if found is None or device is None or device.activation_hash is None or device.activation_expires is None:
            raise refused
        if device.activation_expires <= transaction.now or device.activation_tries >= tries:
            raise refused
        if not hmac.compare_digest(device.activation_hash, _hash(device.number, found[1])):
            known[device.number] = changed[device.id] = replace(device, activation_tries=device.activation_tries + 1)
            raise refused
        if device.status == "locked" or parties.get(device.site_id) == "locked":
            raise Forbidden(
                "device-locked", "设备或其主体已锁定，请先解锁 · The device or its party is locked: have it unlocked"
            )
        row = replace(
            device,
            status="active",
            epoch=device.epoch + 1,
            activation_hash=None,
            activation_expires=None,
            activation_tries=0,
            version=device.version + 1,
            valid_from=transaction.now,
            first_counter=0,
            first_time=None,
        )
        for old in former.get(device.id, []):
            made[old.id] = replace(old, status="revoked")
            transaction.touched.add(old.id.hex)
        key_id, secret = uuid4(), keys.new_secret()
        made[key_id] = ApiKey(
            key_id,
            keys.digest(secret),
            Role.DEVICE,
            device.name,
            None,
            None,
            device.id,
            "active",
            transaction.now,
            None,
        )
        former[device.id] = [made[key_id]]
        known[device.number] = changed[device.id] = row
        versions.append(row)
        transaction.touched.add(device.id.hex)
        receipt_secret = codes.receipt_secret(command.master, row.number, row.epoch)
        return Activated(row.id, row.number, keys.shown(key_id, secret), receipt_secret, row.epoch, 0)

    results = decided(commands, decide)
    master.save(connection, changed.values())
    for row in versions:
        master.add_versions(connection, [row], row.id, transaction.now)
    keys.save(connection, made.values())
    return results


def _status_of_parties(connection: Snapshot, known: Mapping[int, Device]) -> dict[UUID, str]:
    sites = master.sites(connection, [device.site_id for device in known.values()])
    parties = master.parties(connection, [site.party_id for site in sites.values()])
    return {site.id: parties[site.party_id].status for site in sites.values()}


def _refused() -> Forbidden:
    return Forbidden(
        "activation-refused",
        "激活码不正确、已用过、已过期或试错过多，请让市场重新生成 · "
        "The activation code is wrong, used, lapsed or tried too often: ask for a new one",
    )


def find_device(snapshot: Snapshot, principal: Principal, device_id: UUID, at: datetime | None = None) -> Device:
    """The device as it is, or was at an instant. Raises NotFound for one that is not the reader's."""
    device = master.devices(snapshot, [device_id]).get(device_id)
    own = principal.device_id == device_id
    if device is None or not (own or (principal.role is not Role.DEVICE and _at_own_site(snapshot, principal, device))):
        raise unknown("设备", "device")
    if at is None:
        return device
    was = master.versions_at(snapshot, [(device_id, at)]).get((device_id, at), device)
    assert isinstance(was, Device)
    return was


def _at_own_site(snapshot: Snapshot, principal: Principal, device: Device) -> bool:
    return _Places(snapshot, [device.site_id]).owned(principal, device.site_id) is not None


def list_devices(snapshot: Snapshot, principal: Principal, after: listing.Place | None, limit: int) -> list[Device]:
    return listing.devices(snapshot, principal, after, limit)
