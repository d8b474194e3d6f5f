"""Cursors of lists: the place of the last item shown, so that a page stays stable while rows are added."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.errors import Malformed


@dataclass(frozen=True, slots=True)
class Cursor:
    """After the row of this record time and id."""

    time: datetime
    id: UUID


def encode_cursor(cursor: Cursor) -> str:
    return base64.urlsafe_b64encode(f"{cursor.time.isoformat()}/{cursor.id.hex}".encode()).decode().rstrip("=")


def decode_cursor(text: str) -> Cursor:
    """Raises Malformed for anything that `next` never was."""
    try:
        time, _, key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition("/")
        cursor = Cursor(datetime.fromisoformat(time), UUID(hex=key))
        if cursor.time.tzinfo is None:
            raise ValueError("a cursor's time has an offset")
    except (ValueError, binascii.Error):
        raise Malformed(
            "bad-cursor",
            "cursor 无效，请从第一页重新开始 · not a cursor of ours: begin with the first page",
            pointer="?cursor",
        ) from None
    return cursor
