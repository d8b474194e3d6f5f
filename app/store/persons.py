"""Persons, their sessions, and the waits of those who guess."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, delete, or_, select, update

from app.domain.persons import Person
from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import chunks, values

WORKING = 2_000

_person, _session, _delay = tables.person, tables.session, tables.login_delay


@dataclass(frozen=True, slots=True)
class Session:
    """A row of session. stage: full | code (a one-time code is still to come) | change (the password is)."""

    token_hash: bytes
    id: UUID
    person_id: UUID
    stage: str
    browser: str | None
    record_time: datetime
    last_seen: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class Delay:
    """What was tried, how often in vain, and until when it is not heard."""

    key: bytes
    failures: int
    until: datetime
    record_time: datetime


def persons(snapshot: Snapshot, ids: Iterable[UUID], *, lock: bool = False) -> dict[UUID, Person]:
    """`lock`: nobody else changes them until the transaction ends."""
    found = {}
    for chunk in chunks(sorted(ids, key=lambda key: key.bytes)):
        statement = select(_person).where(_person.c.id.in_(chunk)).order_by(_person.c.id)
        for row in snapshot.execute(statement.with_for_update() if lock else statement):
            found[row.id] = Person(*row)
    return found


def working(snapshot: Snapshot, roles: Iterable[str]) -> list[Person]:
    """Who is active in one of the roles, by name; WORKING at most."""
    c = _person.c
    query = select(_person).where(c.status == "active", c.role.in_(list(roles))).order_by(c.name, c.id).limit(WORKING)
    return [Person(*row) for row in snapshot.execute(query)]


def by_login(snapshot: Snapshot, logins: Iterable[str]) -> dict[str, Person]:
    found = {}
    for chunk in chunks(logins):
        for row in snapshot.execute(select(_person).where(_person.c.login.in_(chunk))):
            found[row.login] = Person(*row)
    return found


def by_subject(snapshot: Snapshot, issuer: str, subject: str) -> Person | None:
    """Whom the issuer knows under this subject."""
    statement = select(_person).where(_person.c.oidc_subject == subject, _person.c.oidc_issuer == issuer)
    row = snapshot.execute(statement.order_by(_person.c.id).limit(1)).one_or_none()
    return Person(*row) if row else None


def by_email(snapshot: Snapshot, email: str) -> list[Person]:
    """Those with this address, whom no issuer's subject is bound to yet."""
    statement = select(_person).where(_person.c.email == email, _person.c.oidc_subject.is_(None))
    return [Person(*row) for row in snapshot.execute(statement.order_by(_person.c.id).limit(2))]


def page(snapshot: Snapshot, after: tuple[datetime, UUID] | None, limit: int) -> list[Person]:
    """At most `limit` persons in the order in which they were enrolled."""
    time, key = _person.c.record_time, _person.c.id
    place = [] if after is None else [and_(time >= after[0], or_(time > after[0], key > after[1]))]
    statement = select(_person).where(*place).order_by(time, key).limit(limit)
    return [Person(*row) for row in snapshot.execute(statement)]


def save(connection: Snapshot, rows: Iterable[Person]) -> None:
    bulk.upsert(connection, _person, [values(row) for row in rows])


def session(snapshot: Snapshot, token_hash: bytes) -> Session | None:
    row = snapshot.execute(select(_session).where(_session.c.token_hash == token_hash)).one_or_none()
    return Session(*row) if row else None


def sessions_of(snapshot: Snapshot, person_id: UUID) -> list[Session]:
    """The latest first."""
    statement = select(_session).where(_session.c.person_id == person_id).order_by(_session.c.record_time.desc())
    return [Session(*row) for row in snapshot.execute(statement)]


def add_session(connection: Snapshot, row: Session) -> None:
    bulk.insert(connection, _session, [values(row)])


def end_sessions(connection: Snapshot, rows: Iterable[Session]) -> None:
    bulk.delete(connection, _session, [(row.token_hash,) for row in rows])


def note_seen(connection: Snapshot, token_hashes: Iterable[bytes], now: datetime) -> None:
    for chunk in chunks(sorted(token_hashes)):
        connection.execute(update(_session).where(_session.c.token_hash.in_(chunk)).values(last_seen=now))


def delays(connection: Snapshot, keys: Iterable[bytes]) -> dict[bytes, Delay]:
    """Nobody else changes them until the transaction ends."""
    found = {}
    for chunk in chunks(sorted(keys)):
        statement = select(_delay).where(_delay.c.key.in_(chunk)).order_by(_delay.c.key).with_for_update()
        for row in connection.execute(statement):
            found[row.key] = Delay(*row)
    return found


def save_delays(connection: Snapshot, rows: Iterable[Delay]) -> None:
    bulk.upsert(connection, _delay, [values(row) for row in rows])


def forget_delays(connection: Snapshot, keys: Iterable[bytes]) -> None:
    bulk.delete(connection, _delay, [(key,) for key in keys])


def prune_delays(connection: Snapshot, before: datetime) -> None:
    connection.execute(delete(_delay).where(_delay.c.record_time < before))
