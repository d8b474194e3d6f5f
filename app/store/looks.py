"""The log of looks at personal data: appended, and read by auditors."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, true

from app.domain.rights import Principal, Role
from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import values

_table = tables.look
_c = _table.c


@dataclass(frozen=True, slots=True)
class Noted:
    """A row of look: one reader's look at some fields of one subject, with the request that it was made by."""

    id: UUID
    record_time: datetime
    reader_id: UUID
    person: str | None
    role: str
    party_id: UUID | None
    region: str | None
    subject_kind: str
    subject_id: str
    subject_region: str | None
    fields: list[str]
    request: str
    request_id: str | None


def add(connection: Snapshot, rows: Iterable[Noted]) -> None:
    bulk.insert(connection, _table, [values(row) for row in rows])


def visible_to(principal: Principal) -> ColumnElement[bool]:
    """An auditor's: looks by readers of its region, and at what lies in it; an admin's: all."""
    if principal.role is Role.ADMIN:
        return true()
    prefix = principal.region or "-"
    return or_(_c.region.startswith(prefix, autoescape=True), _c.subject_region.startswith(prefix, autoescape=True))


def search(
    snapshot: Snapshot,
    principal: Principal,
    *,
    reader_id: UUID | None,
    subject_id: str | None,
    kind: str | None,
    role: str | None,
    since: datetime | None,
    until: datetime | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Noted]:
    """The latest first; `since` inclusive, `until` exclusive."""
    conditions = [visible_to(principal)]
    for column, value in (
        (_c.reader_id, reader_id),
        (_c.subject_id, subject_id),
        (_c.subject_kind, kind),
        (_c.role, role),
    ):
        if value is not None:
            conditions.append(column == value)
    if since is not None:
        conditions.append(_c.record_time >= since)
    if until is not None:
        conditions.append(_c.record_time < until)
    if after is not None:
        time, key = after
        conditions.append(or_(_c.record_time < time, and_(_c.record_time == time, _c.id < key)))
    statement = select(_table).where(*conditions).order_by(_c.record_time.desc(), _c.id.desc()).limit(limit)
    return [Noted(*row) for row in snapshot.execute(statement)]
