"""`GET /c/R…` at the cost of one read: what receipts of the same goods have in common is rendered once and kept.

A receipt is scanned once or never, so it is not kept itself. What it tells (stall, goods, ways, states, papers) it
shares with every other sale of the same batches at the same stall; its own are the code, the sale's id and the times.
The first of them makes a form with holes; of every further one a row is read, together with all that are asked for in
the same tick of the event loop, and fills the holes.
"""

import asyncio
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import blake2b
from hmac import compare_digest
from typing import NamedTuple
from uuid import UUID

import msgspec

from app import scanning
from app.domain import codes
from app.domain.ids import event_text
from app.scanning.answer import Common
from app.scanning.counting import NEVER, Scans
from app.store.dependencies import depends_on
from app.store.engine import Database, reading
from app.store.errors import QueueFull, StoreUnavailable
from app.store.receipts import Line, ReceiptReader, Sold
from app.store.types import from_micros
from app.web import deflating, pages
from app.web.counts import ScanCounts
from app.web.i18n import Language, Words
from app.web.memo import Made, Memo, Usage
from app.web.middleware import completing
from app.web.representations import HTML, JSON, MARK, Header, Rendering, next_quarter, own_headers, render, scans_json
from app.web.together import Together

CAPACITY = 48_000_000  # bytes of forms: some 5,000
TOGETHER = 500  # receipts in one statement
SIGNERS = 10_000  # devices whose secret is remembered
_OVERHEAD = 2_000  # bytes a form, beside its text

Key = tuple[str, Sequence[Line], str, Language]  # site, lines, representation
_Asked = tuple[int, str, "asyncio.Future[Sold | None]"]  # receipt id, its code, who waits


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


def _json(value: datetime) -> str:
    return msgspec.json.encode(value).decode()[1:-1]


Hole = Callable[[Own, Words], str]

_HOLES: Mapping[str, Sequence[Hole]] = {
    HTML: (
        lambda own, words: own.code.text,
        lambda own, words: codes.grouped_text(own.code),
        lambda own, words: own.sold_at.isoformat(),
        lambda own, words: words.moment(own.sold_at),
        lambda own, words: own.recorded.isoformat(),
        lambda own, words: words.moment(own.recorded.astimezone(own.sold_at.tzinfo)),
    ),
    JSON: (
        lambda own, words: own.code.text,
        lambda own, words: own.sale_id,
        lambda own, words: _json(own.sold_at),
        lambda own, words: _json(own.recorded),
    ),
}


def _scans(kind: str) -> Hole:
    if kind == JSON:
        return lambda own, words: scans_json(own.scans).decode()
    return lambda own, words: pages.scans_told(words, own.sold_at.tzinfo or UTC, own.scans).decode()


@dataclass(frozen=True, slots=True)
class Form:
    """A rendered receipt with holes: `parts` are what stands around them and the numbers of the holes, in order;
    `squeezed` are the same with blocks of raw deflate. The style of a page is the same object in all. What stands
    before the first hole is `begun` parts, of `size` bytes and that CRC-32."""

    common: Common
    headers: Sequence[Header]
    words: Words
    holes: Sequence[Hole]
    parts: Sequence[bytes | int]
    squeezed: Sequence[bytes | int]
    begun: int
    size: int
    crc: int
    root: str

    def filled(self, own: Own, compressed: bool) -> Filled:
        """The receipt. Neither its tag nor its checksum takes a look at what all receipts of the form begin with."""
        texts = [hole(own, self.words).encode() for hole in self.holes]
        tag = f'"{self.root}{blake2b(b"|".join(texts), digest_size=6).hexdigest()}{"-gzip" if compressed else ""}"'
        if not compressed:
            body = b"".join([texts[part] if isinstance(part, int) else part for part in self.parts])
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


def _form(common: Common, headers: Sequence[Header], words: Words, rendering: Rendering, kind: str) -> Form:
    holes, parts, squeezed = _cut(rendering, kind, words)
    texts = [part for part in parts if isinstance(part, bytes)]
    begun = next(n for n, part in enumerate(parts) if isinstance(part, int))
    first = b"".join(texts[:begun])
    root = blake2b(b"|".join(texts), digest_size=10).hexdigest()
    return Form(common, headers, words, holes, parts, squeezed, begun, len(first), zlib.crc32(first), root)


def _cut(rendering: Rendering, kind: str, words: Words) -> tuple[list[Hole], list[bytes | int], list[bytes | int]]:
    """A page of the blank receipt as a form has it: holes, parts, squeezed parts."""
    body = (rendering.head + MARK + (rendering.tail or b"")).decode()
    blanks = {hole(_BLANK, words): hole for hole in _HOLES[kind]} | {MARK.decode(): _scans(kind)}
    holes: list[Hole] = []
    numbers: dict[str, int] = {}
    packer = deflating.Deflater()
    parts: list[bytes | int] = []
    squeezed: list[bytes | int] = []
    marks = "|".join(map(re.escape, (*blanks, pages.STYLE.decode())))
    for piece in re.split(f"({marks})", body):
        if piece in blanks:
            if piece not in numbers:
                numbers[piece] = len(holes)
                holes.append(blanks[piece])
            parts.append(numbers[piece])
            squeezed.append(numbers[piece])
        elif piece:
            part = piece.encode()
            styled = part == pages.STYLE
            parts.append(pages.STYLE if styled else part)
            squeezed.append(pages.STYLE_DEFLATED if styled else packer.deflated(part))
    return holes, parts, squeezed


class ReceiptScans:
    """The receipts that this process is asked for."""

    def __init__(
        self, engine: Database, master: bytes, public_url: str, counts: ScanCounts, feed_age: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._master = master
        self._public_url = public_url
        self._counts = counts
        self._complete = completing(public_url)
        self._forms: Memo[Key, Form | None] = Memo(feed_age, CAPACITY)
        self._together: Together[Key, Form | None] = Together()
        self._signers: dict[tuple[int, int], codes.ReceiptSigner] = {}
        self._reader = ReceiptReader(engine)
        self._thread = ThreadPoolExecutor(1, "receipts")
        self._waiting: list[_Asked] = []
        self._busy = False

    async def find(self, code: codes.Code, kind: str, language: Language, compressed: bool) -> Filled | None:
        """The answer to a parsed receipt code; None where the route has to give it: forged, not come in yet, claimed
        twice, sold under another name, or the database is away. Raises QueueFull."""
        number = codes.receipt_id_of(code)
        if kind not in _HOLES or not self._authentic(code, number):
            return None
        try:
            sold = await self._sold(number, code.text)
            if sold is None or sold.claimed:
                return None
            now = datetime.now(UTC)
            key = sold.site_id, sold.lines, kind, language
            form = self._forms.get(key, now) or await self._form(key, code.text)
        except QueueFull:
            raise
        except StoreUnavailable:
            return None
        sold_at = from_micros(sold.event_time)
        if form is None or sold_at < form.common.since:
            return None
        name = codes.receipt_name(number)
        own = Own(
            code,
            event_text(UUID(sold.device_id), f"{name.epoch}/{name.counter}"),
            sold_at.astimezone(timezone(timedelta(minutes=sold.utc_offset))),
            max(form.common.record_time, from_micros(sold.record_time)),
            self._counts.with_one_more(code.text, Scans(sold.scans, sold.first_scan), now),
        )
        return form.filled(own, compressed)

    def forget(self, touched: Iterable[str]) -> None:
        """What the feed calls for every change."""
        self._forms.forget(touched)

    def forget_all(self) -> None:
        """What the feed calls where it was lost."""
        self._forms.forget_all()

    @property
    def usage(self) -> Usage:
        """How the forms have served."""
        return self._forms.usage

    def close(self) -> None:
        self._thread.shutdown()
        self._reader.close()

    def _authentic(self, code: codes.Code, number: int) -> bool:
        name = codes.receipt_name(number)
        key = name.device_number, name.epoch
        signer = self._signers.get(key)
        if signer is None:
            if len(self._signers) >= SIGNERS:
                self._signers.clear()
            signer = self._signers[key] = codes.ReceiptSigner(codes.receipt_secret(self._master, *key))
        return compare_digest(signer.code(number), code.text)

    # --- reading the rows that are asked for in one tick together ---

    def _sold(self, number: int, code: str) -> "asyncio.Future[Sold | None]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Sold | None] = loop.create_future()
        self._waiting.append((number, code, future))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._read, loop)
        return future

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        asked, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
        reading = self._thread.submit(self._reader.read, {number: code for number, code, _ in asked})

        def done(finished: "Future[dict[int, Sold]]") -> None:
            loop.call_soon_threadsafe(self._tell, loop, asked, finished)

        reading.add_done_callback(done)

    def _tell(
        self,
        loop: asyncio.AbstractEventLoop,
        asked: Sequence["_Asked"],
        finished: "Future[dict[int, Sold]]",
    ) -> None:
        error = finished.exception()
        for number, _, future in asked:
            if future.done():  # who asked has gone
                continue
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(finished.result().get(number))
        if self._waiting:
            self._read(loop)
        else:
            self._busy = False

    # --- forms ---

    async def _form(self, key: Key, code: str) -> Form | None:
        return await self._together.get(key, lambda: self._forms.make(key, lambda: self._make(key, code)))

    def _make(self, key: Key, code: str) -> Made[Form | None]:
        _, lines, kind, language = key
        goods = {UUID(custody) for custody, _ in lines if custody is not None}
        now = datetime.now(UTC)
        with reading(self._engine) as snapshot, depends_on(snapshot) as names:
            answer = scanning.scan(snapshot, code, now, None, self._master, goods=goods)
        if answer.common is None or answer.record_time is None:  # another claim to the number has just come in
            return Made(None, frozenset(), _OVERHEAD, now)
        [step] = answer.steps
        if step.event_time < answer.common.since:  # it names what was called otherwise then
            return Made(None, frozenset(), _OVERHEAD, now)
        blank = replace(
            answer,
            code=_BLANK.code.text,
            steps=[replace(step, event_id=UUID(_BLANK.sale_id), event_time=_BLANK.sold_at)],
            record_time=_BLANK.recorded,
        )
        rendering = render(blank, kind, language, now, self._public_url)
        words = Words(language)
        headers = self._complete(own_headers(rendering, kind))
        form = _form(answer.common, headers, words, rendering, kind)
        shared = (pages.STYLE, pages.STYLE_DEFLATED)
        own = [len(part) for part in (*form.parts, *form.squeezed) if isinstance(part, bytes) and part not in shared]
        size = sum(own) + _OVERHEAD
        return Made(form, frozenset(names), size, next_quarter(now), now)
