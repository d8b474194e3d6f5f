"""nextPageToken: where the next page begins, for whom and of which question; nothing is kept here.

Signed, so that nobody asks for places that no page has had; bound to the question and the reader; valid for a while.
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
        return base64.urlsafe_b64encode(self._sign(raw) + raw).decode().rstrip("="), expires

    def read(self, text: str, now: datetime) -> Cursor:
        """Raises QueryParameterException for what `write` has not made of this question for this reader, and for what
        has expired."""
        try:
            both = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            if not hmac.compare_digest(both[:_MAC], self._sign(both[_MAC:])):
                raise _refused()
            expires, place, told, upto, order = _decoder.decode(both[_MAC:])
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
        key = blake2b(self.secret, digest_size=32, person=b"epcis-page").digest()
        return blake2b(_encode(bound) + b"\0" + raw, digest_size=_MAC, key=key).digest()


def _refused() -> QueryParameterException:
    return QueryParameterException(
        "nextPageToken 无效，或属于另一查询或另一密钥，请从第一页重新开始 · "
        "The nextPageToken is none of this query and this key: begin with the first page",
        parameter="nextPageToken",
    )
