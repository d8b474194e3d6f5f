"""Compressed bodies (Content-Encoding gzip, zstd), unpacked as they come: bounded in memory and in what comes out."""

import asyncio
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Protocol

from app.domain.errors import Malformed, TooLarge, UnsupportedType

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BLOCK = 65_536  # bytes that come out at a time
# Bytes out for each byte in beyond which it is a bomb: sales of a day make 10 to 40. The first megabyte is free.
EXPANSION = 200
FREE = 1_000_000
_WINDOW: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}  # 8 MB, RFC 9659


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


_DECODERS: Mapping[str, Callable[[], _Decoder]] = {
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "x-gzip": lambda: zlib.decompressobj(wbits=31),
    "zstd": lambda: zstd.ZstdDecompressor(options=_WINDOW),
}


async def unpacked(chunks: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """The body behind its content encoding, in pieces of at most BLOCK bytes.

    Raises UnsupportedType for an encoding that is not taken, Malformed for a stream that is broken or ends too early,
    TooLarge for one that unpacks to more than a body of its size ever does.
    """
    decoder = _DECODERS.get(encoding)
    if decoder is None:
        raise UnsupportedType(
            "unsupported-type",
            f"不接受 Content-Encoding: {encoding[:40]}，请用 gzip、zstd 或不压缩 · "
            f"Content-Encoding {encoding[:40]} is not taken: use gzip, zstd or none",
        )
    unpacker = _Unpacker(decoder)
    taken = given = 0
    async for chunk in chunks:
        taken += len(chunk)
        for piece in unpacker.feed(chunk):
            given += len(piece)
            if given > FREE + EXPANSION * taken:
                raise TooLarge(
                    "too-large",
                    f"压缩内容展开超过 {EXPANSION} 倍，请不压缩发送 · "
                    f"It unpacks to more than {EXPANSION} times its size: send it uncompressed",
                )
            yield piece
            await asyncio.sleep(0)  # a small body may hold many of them, and others wait to be served
    unpacker.end()


class _Unpacker:
    """Members (gzip) or frames (zstd), one after another."""

    def __init__(self, make: Callable[[], _Decoder]) -> None:
        self._make = make
        self._decoder: _Decoder | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        more = False
        while data or more:
            decoder = self._decoder = self._decoder or self._make()
            try:
                piece = decoder.decompress(data, BLOCK)
            except (zlib.error, zstd.ZstdError) as error:
                raise _broken() from error
            if decoder.eof:
                data, more, self._decoder = decoder.unused_data, False, None
            else:
                # zlib hands back what it has not looked at, zstd keeps it.
                data, more = getattr(decoder, "unconsumed_tail", b""), len(piece) == BLOCK
            yield piece

    def end(self) -> None:
        """Raises Malformed where something is still to come."""
        if self._decoder is not None:
            raise _broken()


def _broken() -> Malformed:
    return Malformed(
        "bad-encoding",
        "压缩内容损坏或不完整，请重新压缩后整个重发 · "
        "The compressed body is broken or incomplete: compress it again and send it all again",
    )
