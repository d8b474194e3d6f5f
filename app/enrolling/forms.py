"""What enrolling has in common: commands, their answers, and one writing of rows, codes, history and other names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from app.domain import codes, masters
from app.domain.errors import Forbidden, Invalid, NotFound
from app.domain.rights import ENROLS, Principal
from app.domain.rows import Code, Device, ExternalCode, Party, Product, Site
from app.store import codes as code_store
from app.store import master
from app.store.master import Master
from app.store.writer import Transaction

M = TypeVar("M", Party, Site, Product, Device)

# A clock that is a little ahead dates a change into the future; further ahead is a mistake.
SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Enrol:
    """One form: `form` holds every column that the office fills in, status apart."""

    principal: Principal
    form: Mapping[str, Any]
    status: str | None = None
    status_reason: str | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """The columns to change, from `valid_from` on (now where None)."""

    principal: Principal
    subject_id: UUID
    changes: Mapping[str, Any]
    valid_from: datetime | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Enrolled(Generic[M]):
    """The row as it is now; `created` is False where the same form was sent before."""

    row: M
    created: bool


class Desk:
    """Where new and changed rows of one transaction lie until they are written."""

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self._rows: dict[UUID, Master] = {}
        self._versions: dict[UUID, list[Master]] = {}
        self._codes: list[Code] = []
        self._added: list[ExternalCode] = []
        self._removed: list[ExternalCode] = []

    def enrol(self, row: Master, recorder: UUID) -> None:
        """Lays down a new row, its first version, its code and its other names."""
        self._put([row], recorder)
        text = getattr(row, "code", None)
        if text is not None:
            kind = codes.parse(text).kind
            self._codes.append(Code(text, kind, row.id, "active", None, None, self.transaction.now))
        self._added += _external(row)

    def change(self, history: list[M], changes: Mapping[str, Any], command: Change) -> M:
        """Adds the versions that the changes make to the history; returns the row as it is now. Raises Invalid."""
        current: M = history[-1]
        now = self.transaction.now
        if command.valid_from is None and all(getattr(current, name) == value for name, value in changes.items()):
            return current
        if command.valid_from is not None and command.valid_from > now + SKEW:
            raise Invalid(
                "valid-from-future",
                "valid_from 不能晚于现在，请在生效时再提交 · valid_from lies ahead: send it when it takes effect",
                pointer="/valid_from",
            )
        history += masters.amended(history, changes, min(command.valid_from or now, now))
        row: M = history[-1]
        self._put(history[current.version :], command.principal.recorder_id)
        was, known_as = _external(current), _external(row)
        self._removed += [code for code in was if code not in known_as]
        self._added += [code for code in known_as if code not in was]
        self.transaction.touched |= _shown_with(current)
        return row

    def _put(self, versions: Sequence[Master], recorder: UUID) -> None:
        self._rows[versions[-1].id] = versions[-1]
        self.transaction.touched |= _shown_with(versions[-1])
        self._versions.setdefault(recorder, []).extend(versions)

    def write(self) -> None:
        """Once, after the last decision."""
        connection = self.transaction.connection
        master.save(connection, self._rows.values())
        for recorder, versions in self._versions.items():
            master.add_versions(connection, versions, recorder, self.transaction.now)
        code_store.add(connection, self._codes)
        master.remove_external_codes(connection, self._removed)
        master.add_external_codes(connection, self._added)


def _shown_with(row: Master) -> set[str]:
    """What shows the row: its own page; a site is on those of its party and of all that it lies in; and what is found
    by its GS1 key."""
    names = {row.id.hex, *filter(None, [getattr(row, "code", None)])}
    if isinstance(row, Product) and row.gtin is not None:
        names.add(f"gtin:{row.gtin.zfill(14)}")
    if isinstance(row, Site) and row.gln is not None:
        names.add(f"gln:{row.gln}")
    return names | {row.party_id.hex, *row.path.rstrip("/").split("/")} if isinstance(row, Site) else names


def _external(row: Master) -> list[ExternalCode]:
    if isinstance(row, Device):
        return []
    return [ExternalCode(code["value"], code["scheme"], row.id, master.KINDS[type(row)]) for code in row.external_codes]


def histories(transaction: Transaction, kind: type[M], ids: Sequence[UUID]) -> dict[UUID, list[M]]:
    """All versions of each subject of the kind; the row itself where it came without (captured from a document)."""
    present = master.by_id(transaction.connection, kind, ids)
    written = master.versions(transaction.connection, present)
    return {
        subject: [version for version in written.get(subject, []) if isinstance(version, kind)] or [row]
        for subject, row in present.items()
    }


def named(kind: str, commands: Sequence[Enrol]) -> list[tuple[Enrol, UUID]]:
    """Each command with the id of what its form enrols."""
    return [(command, masters.form_id(kind, command.principal.recorder_id, command.form)) for command in commands]


def require_enrols(principal: Principal, what: str) -> None:
    if what not in ENROLS[principal.role]:
        raise forbidden(
            f"{principal.role} 密钥不能登记此类内容，请用有此权限的密钥 · "
            f"A key of role {principal.role} does not enrol this: use a key that does"
        )


def forbidden(detail: str) -> Forbidden:
    return Forbidden("forbidden", detail)


def unknown(what: str, what_en: str, pointer: str | None = None) -> NotFound | Invalid:
    """Nothing of that id that this reader may know of; in a body it is a fault of the body."""
    if pointer is None:
        return NotFound("not-found", f"没有这个{what}，请检查编号 · There is no such {what_en}: check the id")
    return Invalid(
        f"unknown-{what_en}", f"没有这个{what}，请先登记 · There is no such {what_en}: enrol it first", pointer=pointer
    )


def enrol_anew(pointer: str) -> Invalid:
    return Invalid(
        "enrol-anew",
        "此项不能更改，请重新登记 · This cannot be changed: enrol it anew",
        pointer=pointer,
    )
