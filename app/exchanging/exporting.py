"""Giving a captured document out as it came in."""

from typing import Any
from uuid import UUID

from app.domain.errors import NotFound
from app.domain.rights import Principal, Role
from app.exchanging.documents import document_of
from app.store import captures
from app.store.engine import Snapshot


def export_capture(snapshot: Snapshot, capture_id: UUID, reader: Principal) -> dict[str, Any]:
    """The document, equal to what was brought. Raises NotFound where there is none, or none of the reader's."""
    found = captures.capture(snapshot, capture_id)
    if found is None or (reader.role is not Role.ADMIN and found.recorder_id != reader.recorder_id):
        raise NotFound(
            "unknown-capture",
            f"没有这个文档，或不是您导入的：{capture_id} · no capture {capture_id} that you brought",
            identity=str(capture_id),
        )
    kept = captures.bodies(snapshot, {UUID(one) for one in found.event_ids if isinstance(one, str)})
    events = [kept[UUID(one)] if isinstance(one, str) else one["body"] for one in found.event_ids]
    return document_of(found.envelope, events)
