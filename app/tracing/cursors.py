"""Cursors of a trace: where a walk was cut, bound to the question it belongs to. Nothing is kept between two answers.

24 bytes and at most one key: the frontier of a wide chain (100,000 keys are 1.6 MB) fits into no URL, so a walk that
goes on passes over what was returned before, reading links only.
"""

import base64
import binascii
import struct
from hashlib import blake2s

from app.domain.errors import Malformed
from app.domain.graph import Position

_HEAD = struct.Struct(">8sHHB")
_FURTHEST = 0xFFFF


def encode(position: Position[bytes], question: str) -> str:
    after = position.after or b""
    until = min(position.until, _FURTHEST)
    raw = _HEAD.pack(_digest(question), min(position.generation, _FURTHEST), until, position.after is not None) + after
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(text: str, question: str) -> Position[bytes]:
    """Raises Malformed for anything that `next` never was, and for the cursor of another question."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        digest, generation, until, keyed = _HEAD.unpack_from(raw)
    except (ValueError, binascii.Error, struct.error):
        raise _refused() from None
    after = raw[_HEAD.size :]
    if digest != _digest(question) or keyed not in (0, 1) or len(after) != 16 * keyed:
        raise _refused()
    return Position(generation, after if keyed else None, until)


def _digest(question: str) -> bytes:
    return blake2s(question.encode(), digest_size=8).digest()


def _refused() -> Malformed:
    return Malformed(
        "bad-cursor",
        "cursor 无效或属于另一查询，请从第一页重新开始 · "
        "not a cursor of this question: ask again without it, with the same start and direction",
        pointer="?cursor",
    )
