"""Turning one-time codes on and off, by the person whose they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.domain.errors import Conflict
from app.domain.persons import Person
from app.enrolling import totp
from app.enrolling.sessions import take_code
from app.store import persons as store
from app.store.writer import Transaction, decided


@dataclass(frozen=True, slots=True)
class Codes:
    """`code` is what the person's own device shows, `master` what its secret is derived from."""

    person_id: UUID
    code: str = ""
    master: bytes = b""


def start_codes(transaction: Transaction, commands: Sequence[Codes]) -> Sequence[Person | Exception]:
    """Job: a new secret, which counts when a code of it was shown. Raises Conflict codes-on."""

    def start(person: Person, _: Codes) -> Person:
        if person.totp_on:
            raise Conflict("codes-on", "动态验证码已启用，请先停用 · One-time codes are on: turn them off first")
        return replace(person, totp_epoch=person.totp_epoch + 1, totp_step=0)

    return _each(transaction, commands, start)


def confirm_codes(
    transaction: Transaction, commands: Sequence[Codes]
) -> Sequence[tuple[Person, list[str]] | Exception]:
    """Job: turns codes on; (the person, recovery codes, shown once). Raises Unauthenticated wrong-code, TooMany,
    Conflict codes-on."""
    shown: dict[UUID, list[str]] = {}

    def confirm(person: Person, command: Codes) -> Person:
        if person.totp_on or not person.totp_epoch:
            raise Conflict("codes-on", "请重新开始设置 · Begin setting it up again")
        person = take_code(transaction, person, command.code, command.master)
        shown[person.id], kept = totp.new_recovery()
        return replace(person, totp_on=True, recovery=kept)

    return [
        (result, shown[result.id]) if isinstance(result, Person) else result
        for result in _each(transaction, commands, confirm)
    ]


def stop_codes(transaction: Transaction, commands: Sequence[Codes]) -> Sequence[Person | Exception]:
    """Job: turns codes off, for who shows one. Raises Unauthenticated wrong-code, TooMany."""

    def stop(person: Person, command: Codes) -> Person:
        return replace(take_code(transaction, person, command.code, command.master), totp_on=False, recovery=[])

    return _each(transaction, commands, stop)


def _each(
    transaction: Transaction, commands: Sequence[Codes], change: Callable[[Person, Codes], Person]
) -> list[Person | Exception]:
    people = store.persons(transaction.connection, [command.person_id for command in commands], lock=True)

    def decide(command: Codes) -> Person:
        person = change(people[command.person_id], command)
        people[person.id] = person
        store.save(transaction.connection, [person])
        transaction.touched.add(person.id.hex)
        return person

    return decided(commands, decide)
