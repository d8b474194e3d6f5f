"""Case files and the goods that lie in them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select

from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import chunks, values


@dataclass(frozen=True, slots=True)
class CaseFile:
    """state: open or closed; `manifest_hash`: of the file as it was last sent to its end."""

    id: UUID
    record_time: datetime
    opened_by: UUID
    person: str | None
    region: str | None
    to_region: str
    starts: list[dict[str, Any]]
    reason: str
    custodies: int
    state: str
    closed_at: datetime | None = None
    handed_at: datetime | None = None
    manifest_hash: bytes | None = None

    @property
    def manifest_sha256(self) -> str | None:
        return self.manifest_hash.hex() if self.manifest_hash is not None else None


def find(snapshot: Snapshot, keys: Iterable[UUID]) -> dict[UUID, CaseFile]:
    table = tables.case_file
    found = {}
    for some in chunks(keys):
        for row in snapshot.execute(select(table).where(table.c.id.in_(some))):
            found[row.id] = CaseFile(*row)
    return found


def page(snapshot: Snapshot, region: str | None, after: tuple[datetime, UUID] | None, limit: int) -> list[CaseFile]:
    """The latest first; of a region (GB/T 2260 prefix) and what lies in it, None for all."""
    c = tables.case_file.c
    conditions = [] if region is None else [c.region.startswith(region, autoescape=True)]
    if after is not None:
        conditions.append(or_(c.record_time < after[0], and_(c.record_time == after[0], c.id < after[1])))
    statement = select(tables.case_file).where(*conditions).order_by(c.record_time.desc(), c.id.desc()).limit(limit)
    return [CaseFile(*row) for row in snapshot.execute(statement)]


def add(connection: Snapshot, case: CaseFile, custodies: Iterable[UUID]) -> None:
    bulk.insert(connection, tables.case_file, [values(case)])
    bulk.insert_new(connection, tables.case_custody, [(key, case.id) for key in custodies])


def save(connection: Snapshot, case: CaseFile, **changes: Any) -> CaseFile:
    changed = replace(case, **changes)
    bulk.upsert(connection, tables.case_file, [values(changed)])
    return changed


def custodies(snapshot: Snapshot, case_id: UUID) -> list[UUID]:
    """The goods of a case, in the order of their ids."""
    c = tables.case_custody.c
    return list(snapshot.scalars(select(c.custody_id).where(c.case_id == case_id).order_by(c.custody_id)))


def under_case(snapshot: Snapshot, custody_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the custodies that lie in a case that is open: nothing of them may be thinned."""
    c = tables.case_custody.c
    lying: dict[UUID, set[UUID]] = {}
    for some in chunks(custody_ids):
        for custody, case in snapshot.execute(select(c.custody_id, c.case_id).where(c.custody_id.in_(some))):
            lying.setdefault(case, set()).add(custody)
    open_ = {key for key, case in find(snapshot, lying).items() if case.state == "open"}
    return {custody for case in open_ for custody in lying[case]}
