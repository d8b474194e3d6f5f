"""An answer as it is kept: with its headers, plain and compressed, and a count of scans in it that is renewed without
making the rest again."""

import zlib
from collections.abc import Callable, Iterable
from hashlib import blake2b

from app.scanning.counting import Scans
from app.web import deflating, pages
from app.web.representations import Rendering

Header = tuple[bytes, bytes]
Complete = Callable[[Iterable[Header]], list[Header]]

_SMALL = 500  # bytes below which compressing gains nothing
_WORTH = 200  # bytes to gain: the frame, and a count that is not compressed
_OVERHEAD = 2_000  # bytes of headers and bookkeeping


class Kept:
    """Ready to be sent: headers without the request id, and body; compressed, where that is smaller.

    The compressed stream is cut at whole bytes before and after the count, which stands in it as a stored block (RFC
    1951 §3.2.4): to renew it costs two copies and the checksum of what follows it. Where `plain` is not kept beside it,
    it is unpacked for the few who ask for it.
    """

    _gzip_cut: tuple[int, int] | None
    __slots__ = (
        "_body", "_complete", "_crc", "_cut", "_gzip_cut", "_head_size", "_rendering", "_root", "_tail", "_told",
        "counted_at", "gzip_body", "gzip_headers", "gzip_tag", "headers", "tag", "written",
    )  # fmt: skip

    def __init__(
        self, rendering: Rendering, told: list[Header], complete: Complete, written: Scans, *, plain: bool = True
    ) -> None:
        """`told`: the headers that are the answer's own; `complete` adds those that every answer has; `written`: how
        often it had been scanned when it was read."""
        head, tail, _, _ = rendering
        self.written = written
        self.counted_at = float("-inf")
        self._told, self._complete = told, complete
        self._root = blake2b(head + (tail or b""), digest_size=12).hexdigest()
        self._crc, self._head_size, self._tail = zlib.crc32(head), len(head), tail or b""
        self._cut = len(head), len(head)
        self._gzip_cut = None
        whole = head + self._tail
        if len(whole) > _SMALL:
            first, last = pages.deflated(head), deflating.deflated(self._tail, last=True)
            if len(first) + len(last) + _WORTH < len(whole):
                before = len(deflating.HEAD) + len(first)
                self._gzip_cut = before, before
                self.gzip_body = deflating.HEAD + first + last + bytes(8)
        self._body = whole if plain or self._gzip_cut is None else None
        # Only how to tell it is still needed of the rendering.
        self._rendering = rendering._replace(head=b"", tail=None if tail is None else b"", headers={})
        self.count(written, float("-inf"))

    @property
    def body(self) -> bytes:
        return zlib.decompress(self.gzip_body, wbits=31) if self._body is None else self._body

    @property
    def size(self) -> int:
        """Bytes of memory."""
        packed = 0 if self._gzip_cut is None else len(self.gzip_body)
        return len(self._body or b"") + packed + len(self._tail) + _OVERHEAD

    def count(self, scans: Scans, at: float) -> None:
        """Puts the count of that moment in."""
        told = b"" if self._rendering.tail is None else self._rendering.tell(scans)
        length = self._head_size + len(told) + len(self._tail)
        if self._body is not None:
            begin, end = self._cut
            self._body = self._body[:begin] + told + self._body[end:]
            self._cut = begin, begin + len(told)
        self.tag = f'"{self._root}{blake2b(told, digest_size=4).hexdigest()}"'
        self.counted_at = at
        self.headers = self._headers(self.tag, length)
        if self._gzip_cut is None:
            self.gzip_headers, self.gzip_body, self.gzip_tag = self.headers, self.body, self.tag
            return
        begin, end = self._gzip_cut
        stored = deflating.stored(told)
        check = deflating.trailer(zlib.crc32(self._tail, zlib.crc32(told, self._crc)), length)
        self.gzip_body = self.gzip_body[:begin] + stored + self.gzip_body[end:-8] + check
        self._gzip_cut = begin, begin + len(stored)
        self.gzip_tag = f'{self.tag[:-1]}-gzip"'
        encoding = (b"content-encoding", b"gzip")
        self.gzip_headers = self._headers(self.gzip_tag, len(self.gzip_body), encoding)

    def _headers(self, tag: str, length: int, *more: Header) -> list[Header]:
        own = (b"etag", tag.encode()), (b"content-length", str(length).encode())
        return self._complete([*self._told, *own, *more])
