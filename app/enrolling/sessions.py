"""Sessions: how persons log in and out. A session is a random token of which the SHA-256 is kept; it ends by itself,
by its owner, and with whatever it rests on."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from math import ceil
from uuid import UUID, uuid4

from app.domain.errors import Forbidden, TooMany, Unauthenticated
from app.domain.persons import FORGOTTEN, Person, login_of, wait_after
from app.domain.rights import Principal, Role
from app.enrolling import totp
from app.store import master
from app.store import persons as store
from app.store.engine import Snapshot
from app.store.persons import Delay, Session
from app.store.writer import Transaction, decided

LIFETIME = timedelta(hours=12)  # a night's work
IDLE = timedelta(hours=2)
PENDING = timedelta(minutes=10)  # for a one-time code or a new password
KEPT = 100  # characters of what a browser calls itself


@dataclass(frozen=True, slots=True)
class Known:
    """A session and whom it speaks for. `depends_on`: ids in hex, as the feed names them."""

    session: Session
    person: Person
    party_status: str | None
    depends_on: frozenset[str]

    def lasts(self, now: datetime) -> bool:
        """Whether it stands at this time."""
        session = self.session
        return (
            self.person.status == "active"
            and self.party_status != "locked"
            and now < session.expires
            and now < session.last_seen + IDLE
        )

    @property
    def principal(self) -> Principal:
        person = self.person
        return Principal(person.id, Role(person.role), person.party_id, person.region, None, None, person=person.login)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """`token` is the whole secret of the session, for the person's browser alone."""

    token: str
    session: Session
    person: Person


@dataclass(frozen=True, slots=True)
class LogIn:
    """A person whose password (`password_hash` is what it was compared with) or issuer has been believed.
    `try_key`: what is not counted any longer; `rehashed`: the same password, hashed as is done today."""

    person_id: UUID
    password_hash: str | None
    browser: str | None
    try_key: bytes | None = None
    rehashed: str | None = None


@dataclass(frozen=True, slots=True)
class PassCode:
    """The one-time or recovery code that a session waits for."""

    token_hash: bytes
    code: str
    master: bytes


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """By somebody who has shown the old one (`password_hash`)."""

    person_id: UUID
    password_hash: str | None
    new_hash: str
    browser: str | None
    try_key: bytes


@dataclass(frozen=True, slots=True)
class LogOut:
    """Ends one session of a person, or all."""

    person_id: UUID
    session_id: UUID | None


@dataclass(frozen=True, slots=True)
class Believe:
    """Whom an issuer of OpenID Connect names; `email` only where it has verified it."""

    issuer: str
    subject: str
    email: str | None


def token_hash(token: str) -> bytes:
    """What is kept of a token; 256 random bits need no slow hash."""
    return sha256(token.encode()).digest()


def try_key(*parts: str | bytes) -> bytes:
    """What tries are counted by: a name, a browser, a person's codes; nothing can be read from it."""
    return sha256(b"\0".join(part.encode() if isinstance(part, str) else part for part in parts)).digest()


def find_session(snapshot: Snapshot, key: bytes) -> Known | None:
    """The session of a token's hash, or None."""
    session = store.session(snapshot, key)
    if session is None:
        return None
    person = store.persons(snapshot, [session.person_id])[session.person_id]
    party = None if person.party_id is None else master.parties(snapshot, [person.party_id])[person.party_id]
    names = (session.id, person.id, person.party_id)
    return Known(
        session, person, party.status if party else None, frozenset(name.hex for name in names if name is not None)
    )


def find_by_login(snapshot: Snapshot, typed: str) -> Person | None:
    login = login_of(typed)
    return store.by_login(snapshot, [login]).get(login) if login is not None else None


def find_sessions(snapshot: Snapshot, person_id: UUID, now: datetime) -> list[Session]:
    """Those that stand, the latest first."""
    return [
        session
        for session in store.sessions_of(snapshot, person_id)
        if now < min(session.expires, session.last_seen + IDLE)
    ]


def begin_tries(transaction: Transaction, keys: Sequence[bytes]) -> Sequence[Exception | None]:
    """Job: counts tries as they begin, so that many at once are not all heard. TooMany where one has to wait."""
    connection, now = transaction.connection, transaction.now
    store.prune_delays(connection, now - 2 * FORGOTTEN)
    known = store.delays(connection, keys)

    def decide(key: bytes) -> None:
        known[key] = _counted(known.get(key), key, now)

    results = decided(keys, decide)
    store.save_delays(connection, known.values())
    return results


def _counted(delay: Delay | None, key: bytes, now: datetime) -> Delay:
    if delay is not None and now - delay.record_time >= FORGOTTEN:
        delay = None
    if delay is not None and now < delay.until:
        raise TooMany(
            "too-many-tries",
            "试错过多，请稍后重试 · Too many wrong tries: wait as Retry-After says",
            retry_after=ceil((delay.until - now).total_seconds()),
        )
    failures = delay.failures + 1 if delay is not None else 1
    return Delay(key, failures, now + wait_after(failures), now)


def log_in(transaction: Transaction, commands: Sequence[LogIn]) -> Sequence[LoggedIn | Exception]:
    """Job: a new session, which waits for a one-time code or a new password where one is due. Raises Unauthenticated
    where the person was locked, or has another password, by now."""
    connection = transaction.connection
    people = store.persons(connection, [command.person_id for command in commands], lock=True)

    def decide(command: LogIn) -> LoggedIn:
        person = people.get(command.person_id)
        trusted = command.password_hash is None
        if (
            person is None
            or person.status != "active"
            or (not trusted and person.password_hash != command.password_hash)
        ):
            raise refused()
        if command.rehashed is not None:
            person = replace(person, password_hash=command.rehashed)
        if command.try_key is not None:
            store.forget_delays(connection, [command.try_key])
        old = [each for each in store.sessions_of(connection, person.id) if each.expires < transaction.now]
        store.end_sessions(connection, old)
        stage = "full"
        if not trusted:
            stage = "code" if person.totp_on else _after_code(person)
        return _begin(transaction, person, stage, command.browser)

    return decided(commands, decide)


def pass_codes(transaction: Transaction, commands: Sequence[PassCode]) -> Sequence[LoggedIn | Exception]:
    """Job: trades a session that waits for a code for one that does not. A code is taken once, a recovery code for
    ever once. Raises Unauthenticated wrong-code, TooMany."""
    connection = transaction.connection

    def decide(command: PassCode) -> LoggedIn:
        session = store.session(connection, command.token_hash)
        if session is None or session.stage != "code" or session.expires <= transaction.now:
            raise refused()
        person = store.persons(connection, [session.person_id], lock=True)[session.person_id]
        person = take_code(transaction, person, command.code, command.master)
        store.end_sessions(connection, [session])
        transaction.touched.add(session.id.hex)
        return _begin(transaction, person, _after_code(person), session.browser)

    return decided(commands, decide)


def take_code(transaction: Transaction, person: Person, code: str, master_secret: bytes) -> Person:
    """The person who has used up this code. Counts wrong ones. Raises Unauthenticated wrong-code, TooMany."""
    connection, now = transaction.connection, transaction.now
    key = try_key("code", person.id.bytes)
    delay = _counted(store.delays(connection, [key]).get(key), key, now)
    typed = "".join(code.split())
    step = totp.step_of(master_secret, person, typed, now.timestamp())
    recovery = totp.recovery_hash(typed)
    if step is not None:
        person = replace(person, totp_step=step)
    elif recovery in person.recovery:
        person = replace(person, recovery=[each for each in person.recovery if each != recovery])
    else:
        store.save_delays(connection, [delay])
        raise Unauthenticated(
            "wrong-code",
            "验证码不正确或已用过，请输入新的 · The code is wrong or was used: type the next one",
        )
    store.forget_delays(connection, [key])
    store.save(connection, [person])
    return person


def _after_code(person: Person) -> str:
    return "change" if person.must_change else "full"


def _begin(transaction: Transaction, person: Person, stage: str, browser: str | None) -> LoggedIn:
    """A session of a new token, never one that was there before."""
    now = transaction.now
    token = secrets.token_urlsafe(32)
    lasts = LIFETIME if stage == "full" else PENDING
    kept = browser[:KEPT] if browser else None
    session = Session(token_hash(token), uuid4(), person.id, stage, kept, now, now, now + lasts)
    store.add_session(transaction.connection, session)
    if stage == "full":
        person = replace(person, last_login=now)
    store.save(transaction.connection, [person])
    return LoggedIn(token, session, person)


def change_passwords(transaction: Transaction, commands: Sequence[ChangePassword]) -> Sequence[LoggedIn | Exception]:
    """Job: a new password, a new session, and the end of all others."""
    connection = transaction.connection
    people = store.persons(connection, [command.person_id for command in commands], lock=True)

    def decide(command: ChangePassword) -> LoggedIn:
        person = people[command.person_id]
        if person.status != "active" or person.password_hash != command.password_hash:
            raise refused()
        end_all(transaction, person.id)
        store.forget_delays(connection, [command.try_key])
        people[person.id] = replace(person, password_hash=command.new_hash, must_change=False)
        return _begin(transaction, people[person.id], "full", command.browser)

    return decided(commands, decide)


def log_out(transaction: Transaction, commands: Sequence[LogOut]) -> Sequence[None]:
    """Job: ends sessions; one that is not there any more is no matter."""
    for command in commands:
        end_all(transaction, command.person_id, command.session_id)
    return [None] * len(commands)


def end_all(transaction: Transaction, person_id: UUID, only: UUID | None = None) -> None:
    """Ends a person's sessions, or one of them."""
    ended = [each for each in store.sessions_of(transaction.connection, person_id) if only in (None, each.id)]
    store.end_sessions(transaction.connection, ended)
    transaction.touched |= {each.id.hex for each in ended}


def forget_tries(transaction: Transaction, person: Person) -> None:
    """Nobody waits for them any longer."""
    keys = (try_key("name", person.login), try_key("code", person.id.bytes), try_key("password", person.id.bytes))
    store.forget_delays(transaction.connection, keys)


def note_seen(transaction: Transaction, keys: Sequence[bytes]) -> Sequence[None]:
    """Job: notes that sessions were used now. Touches nothing that anybody caches."""
    store.note_seen(transaction.connection, keys, transaction.now)
    return [None] * len(keys)


def believe(transaction: Transaction, commands: Sequence[Believe]) -> Sequence[Person | Exception]:
    """Job: the person whom an issuer names: by subject, else, once, by the address that the operator has given them.
    Nobody is made a person by this. Raises Forbidden not-enrolled."""
    connection = transaction.connection

    def decide(command: Believe) -> Person:
        person = store.by_subject(connection, command.issuer, command.subject)
        if person is None and command.email:
            found = store.by_email(connection, command.email.lower())
            if len(found) == 1:
                person = replace(found[0], oidc_issuer=command.issuer, oidc_subject=command.subject)
                store.save(connection, [person])
                transaction.touched.add(person.id.hex)
        if person is None or person.status != "active":
            raise Forbidden(
                "not-enrolled",
                "统一认证通过，但此人未在本系统登记，请联系管理员 · "
                "The issuer knows you, this service does not: ask its operator to enrol you",
            )
        return person

    return decided(commands, decide)


def refused() -> Unauthenticated:
    """The same for a wrong name, a wrong password and a locked person."""
    return Unauthenticated("wrong-login", "登录名或密码不正确 · The login name or the password is wrong")
