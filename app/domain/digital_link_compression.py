"""Compressed GS1 Digital Link URIs, read: a path whose last segment is binary in base64url.

Source: GS1 Digital Link: Compression, and the toolkit that GS1 publishes with it. A value's digits are one number of as
few bits as the longest takes; text has three bits that name its alphabet, then its length, then its characters. Which
length an application identifier has bits for follows from its format.
"""

import math
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from app.domain.application_identifiers import IDENTIFIERS, LENGTHS, Identifier
from app.domain.digital_link import NAMES, DigitalLink, NotDigitalLink, Pair, build, escape, parse_path

_SEGMENT = re.compile(r"[A-Za-z0-9_-]{3,1000}", re.ASCII)
_SAFE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_SHORTEST = 7  # characters: a GINC, GIAI or CPID of five
_PADDING = 8  # fewer bits than this are left at the end

# Sequences of identifiers that two hexadecimal digits stand for, in the order of their values.
_SEQUENCES: dict[str, tuple[str, ...]] = {
    "0A": ("01", "22"), "0B": ("01", "10"), "0C": ("01", "21"), "0D": ("01", "17"), "0E": ("01", "7003"),
    "0F": ("01", "30"), "1A": ("01", "10", "21", "17"), "1B": ("01", "15"), "1C": ("01", "11"), "1D": ("01", "16"),
    "1E": ("01", "91"), "1F": ("01", "10", "15"), "9A": ("8010", "8011"), "9B": ("8017", "8019"),
    "9C": ("8018", "8019"), "9D": ("414", "254"),
    **{f"2{letter}": ("01", f"310{n}") for n, letter in enumerate("ABCDEF")},
    **{f"3{letter}": ("01", f"320{n}") for n, letter in enumerate("ABCDEF")},
    **{f"A{n}": ("01", f"392{n}") for n in range(10)},
    **{f"C{n}": ("255", f"390{n}") for n in range(10)},
    **{f"C{letter}": ("255", f"394{n}") for n, letter in enumerate("ABCD")},
}  # fmt: skip


_Order = Callable[[tuple[str, ...]], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Decompressed:
    """What a compressed URI says; `others`: key=value of its own that are none of GS1's, escaped."""

    link: DigitalLink
    others: tuple[str, ...] = ()


class _Short(NotDigitalLink):
    """Its bits end before what they begin does, or say what cannot be."""

    def __init__(self) -> None:
        super().__init__("压缩的网址无法解读", "the compressed URI cannot be read")


class _Bits:
    def __init__(self, text: str) -> None:
        data = urlsafe_b64decode(text + "A" * (-len(text) % 4))
        self.left = 6 * len(text)
        self._number = int.from_bytes(data, "big") >> (8 * len(data) - self.left)

    def take(self, count: int) -> int:
        if count > self.left:
            raise _Short
        self.left -= count
        return self._number >> self.left & ((1 << count) - 1)

    def digits(self, count: int) -> str:
        if not count:
            self.take(min(_bits_of_digits(0), self.left))  # a bit for no digits, as the formula has it
            return ""
        text = str(self.take(_bits_of_digits(count))).zfill(count)
        if len(text) > count:
            raise _Short
        return text

    def text(self, alphabet: int, count: int) -> str:
        match alphabet:
            case 0:
                return self.digits(count)
            case 1 | 2:
                found = "".join(f"{self.take(4):x}" for _ in range(count))
                return found if alphabet == 1 else found.upper()
            case 3:
                return "".join(_SAFE64[self.take(6)] for _ in range(count))
            case 4:
                return "".join(chr(self.take(7)) for _ in range(count))
            case _:
                raise _Short


def _bits_of_digits(count: int) -> int:
    return math.ceil(count * math.log2(10) + 0.01)


def _bits_of_length(most: int) -> int:
    return math.ceil(math.log2(most) + 0.01)


def decompress(segments: Sequence[str], query: str = "") -> Decompressed | None:
    """What the segments of a path say, compressed as a whole or but for its key; None where they cannot be that.
    Raises NotDigitalLink where they look like it and are not. `query` adds what was not compressed."""
    if len(segments) not in (1, 3) or not _SEGMENT.fullmatch(segments[-1]) or len("".join(segments)) < _SHORTEST:
        return None
    if len(segments) == 3 and NAMES.get(segments[0], segments[0]) not in IDENTIFIERS:
        return None
    fault: NotDigitalLink = _Short()
    # The toolkit writes the values of a sequence sorted by identifier, where that is another order.
    orders: tuple[_Order, ...] = sorted, tuple
    for in_order in orders:
        try:
            return _decompressed(segments, query, in_order)
        except NotDigitalLink as error:
            fault = error
    raise fault


def _decompressed(segments: Sequence[str], query: str, in_order: _Order) -> Decompressed:
    pairs: list[Pair] = []
    others: list[str] = []
    if len(segments) == 3:
        key = parse_path((NAMES.get(segments[0], segments[0]), segments[1]), "")
        pairs.append((key.key, key.value))
    for name, value in _read(_Bits(segments[-1]), in_order):
        if name in IDENTIFIERS:
            pairs.append((name, value))
        else:
            others.append(f"{quote(name)}={quote(value, safe='')}")
    link = build(pairs)
    attributes = (f"{ai}={escape(value, query=True)}" for ai, value in link.attributes)
    return Decompressed(parse_path(link.path[1:].split("/"), "&".join((*attributes, query))), tuple(others))


def _read(bits: _Bits, in_order: _Order) -> Iterator[Pair]:
    while bits.left > _PADDING:
        head = f"{bits.take(8):02X}"
        if head.isdigit():
            length = LENGTHS.get(head)
            if length is None:
                raise _Short
            ai = head + "".join(f"{bits.take(4):X}" for _ in range(length - 2))
            if ai not in IDENTIFIERS:
                raise _Short
            yield ai, _value(bits, IDENTIFIERS[ai])
        elif head in _SEQUENCES:
            for ai in in_order(_SEQUENCES[head]):
                yield ai, _value(bits, IDENTIFIERS[ai])
        elif head[0] == "F":
            length = int(head[1], 16) << 3 | bits.take(3)
            name = "".join(_SAFE64[bits.take(6)] for _ in range(length))
            alphabet, count = bits.take(3), bits.take(7)
            if not name or name.isdigit():
                raise _Short
            yield name, bits.text(alphabet, count)
        else:
            raise _Short
    if bits.take(bits.left):
        raise _Short


def _value(bits: _Bits, row: Identifier) -> str:
    found = []
    for numeric, fixed, length in _fields(row.ai):
        if numeric:
            found.append(bits.digits(length if fixed else bits.take(_bits_of_length(length))))
        else:
            alphabet = bits.take(3)
            found.append(bits.text(alphabet, length if fixed else bits.take(_bits_of_length(length))))
    return "".join(found)


@lru_cache(maxsize=1024)
def _fields(ai: str) -> tuple[tuple[bool, bool, int], ...]:
    """The format as it is compressed: digits or characters of a fixed number together, then digits or text of a length
    that is told: (whether digits, whether fixed, how many at most)."""
    found: list[tuple[bool, bool, int]] = []
    for part in IDENTIFIERS[ai].parts:
        numeric = part.alphabet == "N"
        fixed = part.least == part.most and not part.optional
        if found and found[-1][0] == numeric and (found[-1][1] == fixed or not numeric):
            found[-1] = numeric, found[-1][1] and fixed, found[-1][2] + part.most
        else:
            found.append((numeric, fixed, part.most))
    return tuple(found)
