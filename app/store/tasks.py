"""Long tasks that processes take in turns: who has one, until when, and where it stands."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import values

_table = tables.task


@dataclass(frozen=True, slots=True)
class Task:
    """`place`: where to go on, None where it begins; `counts`: of the run that is on, or was last; state idle |
    running | cancelled."""

    name: str
    holder: UUID | None = None
    lease_until: datetime | None = None
    state: str = "idle"
    place: dict[str, Any] | None = None
    counts: dict[str, Any] = field(default_factory=dict)
    started_at: datetime | None = None
    finished_at: datetime | None = None


def read(snapshot: Snapshot, name: str, *, lock: bool = False) -> Task:
    """The task as it stands; one that was never run is idle."""
    query = select(_table).where(_table.c.name == name)
    row = snapshot.execute(query.with_for_update() if lock else query).one_or_none()
    return Task(*row) if row is not None else Task(name)


def save(connection: Snapshot, task: Task) -> None:
    bulk.upsert(connection, _table, [values(task)])
