"""Receipts with holes: what all receipts of the same goods from the same stall say, and where a receipt's own goes.

What stands around the holes is compressed once; what is said of a line of goods is drawn once for all forms that have
it.
"""

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from hashlib import blake2b
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import msgspec

from app.domain import codes
from app.scanning.counting import NEVER, Scans
from app.scanning.receipts import Stall, Told, assembled, sold_step
from app.web import deflating, pages
from app.web.i18n import Language, Words
from app.web.representations import HTML, JSON, MARK, Header, marked, scans_json


class Own(NamedTuple):
    """What is a receipt's own."""

    code: codes.Code
    sale_id: str
    sold_at: datetime
    recorded: datetime
    scans: Scans


class Filled(NamedTuple):
    """A receipt ready to be sent, in the encoding that was asked for."""

    headers: list[Header]
    body: bytes
    tag: str

    @property
    def gzip_headers(self) -> list[Header]:
        return self.headers

    @property
    def gzip_body(self) -> bytes:
        return self.body

    @property
    def gzip_tag(self) -> str:
        return self.tag


# What stands in a form where a receipt's own goes, and in no other text: nobody sold anything in the year 1.
_BLANK = Own(
    codes.parse(codes.receipt_code(bytes(32), codes.receipt_id(2**25 - 1, 255, 2**30 - 1))),
    "5f3a1d0c-0000-5000-8000-7e57ab1e5a1e",
    datetime(1, 2, 3, 4, 5, 6, 789, timezone(timedelta(hours=7, minutes=3))),
    datetime(2, 3, 4, 5, 6, 7, 891, UTC),
    NEVER,
)


def _in_page(own: Own, words: Words) -> list[bytes]:
    code, sold_at, recorded = own.code, own.sold_at, own.recorded
    return [
        code.text.encode(),
        codes.grouped_text(code).encode(),
        sold_at.isoformat().encode(),
        words.moment(sold_at).encode(),
        recorded.isoformat().encode(),
        words.moment(recorded.astimezone(sold_at.tzinfo)).encode(),
        pages.scans_told(words, sold_at.tzinfo or UTC, own.scans),
    ]


def _in_json(own: Own, _words: Words) -> list[bytes]:
    return [
        own.code.text.encode(),
        own.sale_id.encode(),
        _encoded(own.sold_at)[1:-1],
        _encoded(own.recorded)[1:-1],
        scans_json(own.scans),
    ]


_encoded = msgspec.json.Encoder().encode
Holes = Callable[[Own, Words], list[bytes]]
_HOLES: Mapping[str, Holes] = {HTML: _in_page, JSON: _in_json}  # what goes into them; how often it was scanned is last
KINDS = frozenset(_HOLES)  # of which there are forms


@dataclass(frozen=True, slots=True)
class Form:
    """`holes` tells what goes into the holes; `parts` are what stands around them and their numbers, in order;
    `squeezed` are the same with blocks of raw deflate. The style and the lines are the same objects in all forms. What
    stands before the first hole are `begun` parts, of `size` bytes and that CRC-32. It serves sales of `since` and
    later: nobody and nothing that it names has been called otherwise from then on; `record_time`: when the latest of it
    was recorded."""

    since: datetime
    record_time: datetime
    headers: Sequence[Header]
    words: Words
    holes: Holes
    parts: Sequence[bytes | int]
    squeezed: Sequence[bytes | int]
    begun: int
    size: int
    crc: int
    root: str

    def filled(self, own: Own, compressed: bool) -> Filled:
        """The receipt. Neither its tag nor its checksum takes a look at what all receipts of the form begin with."""
        texts = self.holes(own, self.words)
        # What can change of one receipt's own are an instant and a count: 32 bits tell them apart.
        tag = f'"{self.root}{zlib.crc32(b"|".join(texts)):08x}{"-gzip" if compressed else ""}"'
        if not compressed:
            body = b"".join([texts[part] if part.__class__ is int else part for part in self.parts])  # type: ignore[misc]
            return Filled([*self.headers, (b"etag", tag.encode()), _length(body)], body, tag)
        # The parts as they were compressed, the own as stored blocks (RFC 1951 §3.2.4): nothing is compressed anew.
        stored = [deflating.stored(text) for text in texts]
        size, crc = self.size, self.crc
        for part in self.parts[self.begun :]:
            text = texts[part] if isinstance(part, int) else part
            size += len(text)
            crc = zlib.crc32(text, crc)
        found = [stored[part] if isinstance(part, int) else part for part in self.squeezed]
        body = b"".join((deflating.HEAD, *found, deflating.LAST, deflating.trailer(crc, size)))
        return Filled([*self.headers, (b"etag", tag.encode()), _GZIP, _length(body)], body, tag)


_GZIP = (b"content-encoding", b"gzip")


def _length(body: bytes) -> Header:
    return b"content-length", str(len(body)).encode()


def line_drawn(told: Told, kind: str, language: Language, now: datetime, alone: bool) -> bytes:
    """What is said of a line; `alone`: where the receipt has no other."""
    if kind == JSON:
        return msgspec.json.encode(told.line.json())
    return pages.line_drawn(told.line, language, now, alone).encode()


@lru_cache(maxsize=64)
def _marks(kind: str, language: Language) -> tuple[re.Pattern[str], Mapping[str, int]]:
    """Where to cut the blank receipt, and the numbers of its holes by what stands there."""
    *texts, _ = _HOLES[kind](_BLANK, Words(language))
    blanks = {text: number for number, text in enumerate([*map(bytes.decode, texts), MARK.decode()])}
    return re.compile("(\0[0-9]+\0|" + "|".join(map(re.escape, (_STYLE, *blanks))) + ")"), blanks


_STYLE = pages.STYLE.decode()


def form(
    stall: Stall,
    told: Sequence[Told],
    drawn: Sequence[bytes],
    kind: str,
    language: Language,
    now: datetime,
    headers: Sequence[Header],
) -> tuple[Form, int]:
    """The form of such lines, which are `drawn`; and how many bytes of it are its own."""
    words = Words(language)
    steps = [sold_step(UUID(_BLANK.sale_id), _BLANK.sold_at, stall)]
    answer = assembled(_BLANK.code.text, stall, told, steps, [], None)
    record_time = answer.record_time
    assert record_time is not None
    body = marked(replace(answer, record_time=_BLANK.recorded), kind, language, now, len(drawn))
    marks, blanks = _marks(kind, language)
    known = {f"\0{n}\0": line for n, line in enumerate(drawn)} | {_STYLE: pages.STYLE}
    parts: list[bytes | int] = []
    own = 0
    for piece in marks.split(body.decode()):
        if piece in blanks:
            parts.append(blanks[piece])
        elif piece in known:
            parts.append(known[piece])
        elif piece:
            parts.append(piece.encode())
            own += len(piece.encode())
    squeezed = _squeezed(parts)
    own += sum(len(part) for part in squeezed if isinstance(part, bytes) and part is not pages.STYLE_DEFLATED)
    begun = next(n for n, part in enumerate(parts) if isinstance(part, int))
    texts = [part for part in parts if isinstance(part, bytes)]
    first = b"".join(texts[:begun])
    root = blake2b(b"|".join(texts), digest_size=10).hexdigest()
    since = max([stall.since, *(each.since for each in told)])
    return Form(
        since, record_time, headers, words, _HOLES[kind], parts, squeezed, begun, len(first), zlib.crc32(first), root
    ), own


def _squeezed(parts: Sequence[bytes | int]) -> list[bytes | int]:
    """The holes where they are, and what stands between two of them or the style compressed as one."""
    packer = deflating.Deflater()
    squeezed: list[bytes | int] = []
    for whole, run in groupby(parts, lambda part: isinstance(part, bytes) and part is not pages.STYLE):
        if whole:
            squeezed.append(packer.deflated(b"".join([part for part in run if isinstance(part, bytes)])))
        else:
            squeezed += [pages.STYLE_DEFLATED if part is pages.STYLE else part for part in run]
    return squeezed
