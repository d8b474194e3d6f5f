"""What devices last said of themselves."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from app.domain.rows import DeviceReport
from app.store import bulk, tables
from app.store.engine import Snapshot
from app.store.master import chunks, values

_table = tables.device_report


def reports(snapshot: Snapshot, device_ids: Iterable[UUID]) -> dict[UUID, DeviceReport]:
    found = {}
    for chunk in chunks(device_ids):
        for row in snapshot.execute(select(_table).where(_table.c.device_id.in_(chunk))):
            found[row.device_id] = DeviceReport(*row)
    return found


def save(connection: Snapshot, rows: Iterable[DeviceReport]) -> None:
    bulk.upsert(connection, _table, [values(row) for row in rows])


def last_calls(snapshot: Snapshot, device_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """When any of their keys was last used, for devices that ever called."""
    key = tables.api_key.c
    found = {}
    for chunk in chunks(device_ids):
        latest = func.max(key.last_used, type_=key.last_used.type)
        statement = select(key.device_id, latest).where(key.device_id.in_(chunk), key.last_used.is_not(None))
        found.update({row[0]: row[1] for row in snapshot.execute(statement.group_by(key.device_id))})
    return found
