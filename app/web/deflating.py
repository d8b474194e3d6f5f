"""Gzip put together of parts that were compressed before and parts that are not compressed (RFC 1951, RFC 1952)."""

import struct
import zlib

HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"  # deflate, no name, no time, whichever system
LAST = b"\x03\0"  # an empty block that ends the stream


class Deflater:
    """Packs parts of one stream, each for itself. For one thread."""

    def __init__(self) -> None:
        self._packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)

    def deflated(self, data: bytes, *, last: bool = False) -> bytes:
        """Blocks that begin and end at a whole byte and look back at nothing before them; `last` ends the stream."""
        return self._packer.compress(data) + self._packer.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)


def deflated(data: bytes, *, last: bool = False) -> bytes:
    """One part, as `Deflater` has it."""
    return Deflater().deflated(data, last=last)


def stored(data: bytes) -> bytes:
    """A block that is not compressed, of at most 65,535 bytes; nothing of nothing."""
    return struct.pack("<BHH", 0, len(data), len(data) ^ 0xFFFF) + data if data else b""


def trailer(crc: int, size: int) -> bytes:
    """What stands behind the stream: the CRC-32 and the size of what was compressed."""
    return struct.pack("<II", crc, size & 0xFFFFFFFF)
