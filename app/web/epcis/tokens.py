"""nextPageToken: where the next page begins, for whom and of which question; nothing is kept here.

Signed, so that nobody asks for places that no page has had; veiled, since a place where a look ended may be in between
what the reader may read, and name what it may not; bound to the question and the reader; valid for a while.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

import msgspec

from app.domain.epcis.exceptions import QueryParameterException
from app.domain.rights import Principal
from app.exchanging.querying import Cursor

LASTS: Final = timedelta(hours=12)
_MAC: Final = 16
_encode = msgspec.json.encode
_decoder = msgspec.json.Decoder(tuple[int, list[str | int], int, int | None, str | None])


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of one question by one reader. `secret`: the service's master; `question`: what is asked, without paging."""

    secret: bytes
    reader: Principal
    question: str

    @classmethod
    def of(cls, secret: bytes, reader: Principal, path: str, items: Iterable[tuple[str, str]]) -> "Tokens":
        return cls(secret, reader, _encode([path, sorted(items)]).decode())

    def write(self, cursor: Cursor, now: datetime) -> tuple[str, datetime]:
        """The token, and when it expires."""
        expires = (now + LASTS).replace(microsecond=0)
        raw = _encode((int(expires.timestamp()), list(cursor.place), cursor.told, cursor.upto, cursor.order))
        mac = self._sign(raw)
        return base64.urlsafe_b64encode(mac + self._veiled(mac, raw)).decode().rstrip("="), expires

    def read(self, text: str, now: datetime) -> Cursor:
        """Raises QueryParameterException for what `write` has not made of this question for this reader, and for what
        has expired."""
        try:
            both = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            mac, raw = both[:_MAC], self._veiled(both[:_MAC], both[_MAC:])
            if not hmac.compare_digest(mac, self._sign(raw)):
                raise _refused()
            expires, place, told, upto, order = _decoder.decode(raw)
        except (ValueError, binascii.Error, msgspec.DecodeError):
            raise _refused() from None
        if now >= datetime.fromtimestamp(expires, UTC):
            raise QueryParameterException(
                "nextPageToken 已过期，请从第一页重新开始 · The nextPageToken has expired: begin with the first page",
                parameter="nextPageToken",
            )
        return Cursor(tuple(place), told, upto, order)

    def _sign(self, raw: bytes) -> bytes:
        bound: list[Any] = [self.reader.key_id.hex, self.question]
        return blake2b(_encode(bound) + b"\0" + raw, digest_size=_MAC, key=self._key(b"epcis-page")).digest()

    def _veiled(self, mac: bytes, raw: bytes) -> bytes:
        """XOR with BLAKE2b of the MAC and the number of the block; the same again unveils it."""
        key, blocks = self._key(b"epcis-veil"), range(-(-len(raw) // 64))
        stream = b"".join([blake2b(mac + n.to_bytes(4, "big"), key=key).digest() for n in blocks])
        return bytes(a ^ b for a, b in zip(raw, stream, strict=False))

    def _key(self, use: bytes) -> bytes:
        return blake2b(self.secret, digest_size=32, person=use).digest()


def _refused() -> QueryParameterException:
    return QueryParameterException(
        "nextPageToken 无效，或属于另一查询或另一密钥，请从第一页重新开始 · "
        "The nextPageToken is none of this query and this key: begin with the first page",
        parameter="nextPageToken",
    )
