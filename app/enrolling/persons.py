"""Persons: enrolled, changed and locked by the operator; what they may do is a key's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from app.domain.errors import Conflict, Invalid
from app.domain.persons import Person, login_of
from app.domain.rights import Principal, Role, region_prefix
from app.enrolling.forms import forbidden, unknown
from app.enrolling.keys import check_speaks_for
from app.enrolling.sessions import end_all, forget_tries
from app.store import listing, master
from app.store import persons as store
from app.store.engine import Snapshot
from app.store.writer import Transaction, decided

WORKERS = (Role.REGULATOR, Role.MARKET, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class EnrolPerson:
    """`password_hash` is that of a password which is changed at the first login, where `must_change`."""

    principal: Principal
    login: str
    name: str
    role: Role
    party_id: UUID | None
    region: str | None
    email: str | None
    password_hash: str
    must_change: bool = True


@dataclass(frozen=True, slots=True)
class ChangePerson:
    """The fields to change: name, email, status, and role, party_id and region together. With a `password_hash` the
    password is another one, to be changed at the next login where `must_change`; `forget_codes` turns one-time codes
    off."""

    principal: Principal
    person_id: UUID
    changes: Mapping[str, Any]
    password_hash: str | None = None
    forget_codes: bool = False
    must_change: bool = True


def enrol_persons(transaction: Transaction, commands: Sequence[EnrolPerson]) -> Sequence[Person | Exception]:
    """Job: new persons. Raises Conflict login-taken, Invalid, Forbidden, NotFound for an unknown party."""
    connection = transaction.connection
    taken = set(store.by_login(connection, [login_of(command.login) or "" for command in commands]))
    parties = master.parties(connection, [command.party_id for command in commands if command.party_id is not None])
    made: list[Person] = []

    def decide(command: EnrolPerson) -> Person:
        _require_operator(command.principal)
        login = login_of(command.login)
        if login is None:
            raise Invalid(
                "invalid",
                "登录名为 2 至 64 个小写字母、数字或 . _ @ - · A login name has 2 to 64 letters, digits or . _ @ -",
                pointer="/login",
            )
        if login in taken:
            raise Conflict("login-taken", "登录名已被占用，请另取 · This login name is taken: choose another")
        _check(command.role, command.party_id, command.region)
        if command.party_id is not None and command.party_id not in parties:
            raise unknown("主体", "party", "/party_id")
        taken.add(login)
        person = Person(
            uuid4(), login, command.name, command.role, command.party_id,
            region_prefix(command.region) if command.region else None, _email(command.email), "active",
            command.password_hash, command.must_change, transaction.now,
        )  # fmt: skip
        made.append(person)
        return person

    results = decided(commands, decide)
    store.save(connection, made)
    return results


def change_persons(transaction: Transaction, commands: Sequence[ChangePerson]) -> Sequence[Person | Exception]:
    """Job: changes take effect with the commit, in every session. Raises as enrol_persons."""
    connection = transaction.connection
    known = store.persons(connection, [command.person_id for command in commands], lock=True)
    parties = master.parties(connection, [key for command in commands if (key := command.changes.get("party_id"))])
    changed: dict[UUID, Person] = {}

    def decide(command: ChangePerson) -> Person:
        _require_operator(command.principal)
        person = known.get(command.person_id)
        if person is None:
            raise unknown("人员", "person")
        changes = dict(command.changes)
        row = replace(person, **changes)
        _check(Role(row.role), row.party_id, row.region)
        if row.party_id != person.party_id and row.party_id is not None and row.party_id not in parties:
            raise unknown("主体", "party", "/party_id")
        row = replace(row, region=region_prefix(row.region) if row.region else None, email=_email(row.email))
        if row.email != person.email:
            # Whoever has the new address is to be known by it.
            row = replace(row, oidc_issuer=None, oidc_subject=None)
        if command.password_hash is not None:
            row = replace(row, password_hash=command.password_hash, must_change=command.must_change)
            end_all(transaction, row.id)
            forget_tries(transaction, row)
        if command.forget_codes:
            row = replace(row, totp_on=False, recovery=[])
        if row != person:
            known[row.id] = changed[row.id] = row
            transaction.touched.add(row.id.hex)
        return row

    results = decided(commands, decide)
    store.save(connection, changed.values())
    return results


def find_person(snapshot: Snapshot, principal: Principal, person_id: UUID) -> Person:
    """Raises Forbidden, NotFound."""
    _require_operator(principal)
    person = store.persons(snapshot, [person_id]).get(person_id)
    if person is None:
        raise unknown("人员", "person")
    return person


def list_persons(snapshot: Snapshot, principal: Principal, after: listing.Place | None, limit: int) -> list[Person]:
    """In the order in which they were enrolled. Raises Forbidden."""
    _require_operator(principal)
    return store.page(snapshot, after, limit)


def colleagues(snapshot: Snapshot, principal: Principal) -> list[Person]:
    """Whom the reader may give an alert or a complaint to, by name. Raises Forbidden for who works on neither."""
    if principal.role not in WORKERS:
        raise forbidden("警报和投诉由监管、市场和管理员处理 · Regulators, markets and the operator work on the queues")
    working = store.working(snapshot, WORKERS)
    if principal.role is Role.ADMIN:
        return working
    if principal.role is Role.MARKET:
        return [person for person in working if person.party_id == principal.party_id and person.role == Role.MARKET]
    own = principal.region or ""
    parties = master.parties(snapshot, {person.party_id for person in working if person.party_id is not None})

    def beside(person: Person) -> bool:
        if person.role == Role.REGULATOR:
            return (person.region or "").startswith(own) or own.startswith(person.region or "")
        party = parties.get(person.party_id) if person.party_id is not None else None
        return party is not None and (party.region or "").startswith(own)

    return [person for person in working if beside(person)]


def _require_operator(principal: Principal) -> None:
    if principal.role is not Role.ADMIN:
        raise forbidden("人员由管理员登记和更改 · Persons are enrolled and changed by the operator of the service")


def _check(role: Role, party_id: UUID | None, region: str | None) -> None:
    if role is Role.DEVICE:
        raise Invalid("invalid", "设备不是人员 · A device is no person", pointer="/role")
    check_speaks_for("人员", "person", role, party_id, region, None)


def _email(given: str | None) -> str | None:
    return given.strip().lower() or None if given else None
