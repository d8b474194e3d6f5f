"""Codes: the text that is printed, scanned and typed.

A code is a type letter, a body and a check character, all of Crockford's base32 alphabet. Read as one base-32 number
(letter first), the sum over GF(32) of character * a^position, counted from the check character at position 0, is zero;
a is a root of x^5 + x^2 + 1. Its powers differ over 31 positions, so every single wrong character and every swap of
two neighbours is noticed, the letter and the check character included.

    S P B G T   letter + 16 characters (80 random bits) + check                                        18 characters
    R           letter + 13 (receipt id: 25 bits device, 8 epoch, 30 counter) + 8 (40-bit MAC) + check 23 characters
    N           letter + 25 (60-bit unit id: 35 bits job, 25 counter; then 64-bit MAC) + check         27 characters
"""

import enum
import hmac
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class CodeKind(enum.StrEnum):
    """What a code names, by its type letter."""

    SITE = "S"
    PARTY = "P"
    CUSTODY = "B"
    LOT = "G"
    UNIT = "N"
    SLIP = "T"
    RECEIPT = "R"


# What an answer calls what a code of the kind names.
KINDS = {
    CodeKind.SITE: "site",
    CodeKind.PARTY: "party",
    CodeKind.CUSTODY: "custody",
    CodeKind.LOT: "lot",
    CodeKind.UNIT: "unit",
    CodeKind.SLIP: "slip",
    CodeKind.RECEIPT: "receipt",
}


class MistypedCode(ValueError):
    """A text that is no code at all, or whose check character is wrong: never a code that was issued."""

    def __init__(self, text: str, reason: str, reason_zh: str) -> None:
        super().__init__(reason)
        self.text = text[:_LONGEST_TEXT]
        self.reason = reason
        self.reason_zh = reason_zh


class Code(NamedTuple):
    """A code that passed its check. `text` is canonical: capitals, no dashes, look-alikes resolved."""

    text: str
    kind: CodeKind

    @property
    def body(self) -> str:
        """The characters between the type letter and the check character."""
        return self.text[1:-1]


class ReceiptName(NamedTuple):
    """What a receipt id packs: device_number 1..2^25-1, epoch 0..255, counter 0..2^30-1."""

    device_number: int
    epoch: int
    counter: int


@dataclass(frozen=True, slots=True)
class UnitName:
    """What a unit code packs: job 1..2^35-1, counter 0..2^25-1 (a job numbers up to 20 million units)."""

    job: int
    counter: int


_LONGEST_TEXT = 80
_MINTED, _RECEIPT, _UNIT = 18, 23, 27  # characters
_LENGTHS = dict.fromkeys(CodeKind, _MINTED) | {CodeKind.RECEIPT: _RECEIPT, CodeKind.UNIT: _UNIT}
# A group may be of five, so that none is of one but the first and the last.
_GROUPS = {
    length: [slice(*cut) for cut in pairwise([0, *range(1, length - 4, 4), length - 1, length])]
    for length in (_MINTED, _RECEIPT, _UNIT)
}
_SHAPES = {kind.encode(): (kind, _LENGTHS[kind]) for kind in CodeKind}
_R, _N = ALPHABET.index(CodeKind.RECEIPT), ALPHABET.index(CodeKind.UNIT)

_DEVICE_BITS, _EPOCH_BITS, _COUNTER_BITS, _RECEIPT_MAC_BITS = 25, 8, 30, 40
COUNTERS = 1 << _COUNTER_BITS  # receipts that a device may number under one epoch
_JOB_BITS, _UNIT_COUNTER_BITS, _UNIT_MAC_BITS = 35, 25, 64
_RECEIPT_IDS = range(1 << (_EPOCH_BITS + _COUNTER_BITS), 1 << (_DEVICE_BITS + _EPOCH_BITS + _COUNTER_BITS))
_UNIT_IDS = range(1 << _UNIT_COUNTER_BITS, 1 << (_JOB_BITS + _UNIT_COUNTER_BITS))

# Reading is two byte translations and one int(): "!" stands for whatever is in no code, and int() refuses it.
_IGNORED = b" -\t\r\n"
_CANONICAL = bytes(
    ord("01"[char in "IL"]) if char in "ILO" else ord(char if char in ALPHABET or char == "U" else "!")
    for char in (chr(byte).upper() if byte < 128 else "!" for byte in range(256))
)
_DIGITS = bytes(
    ord("0123456789ABCDEFGHIJKLMNOPQRSTUV"[ALPHABET.index(chr(byte))] if chr(byte) in ALPHABET else "!")
    for byte in range(256)
)
# Input methods and PDF files put these where a person meant ASCII: full-width forms, dashes, blanks.
_WIDE = (
    {0xFF01 + offset: 0x21 + offset for offset in range(94)}
    | dict.fromkeys((*range(0x2010, 0x2016), 0x2212), ord("-"))
    | dict.fromkeys((0x00A0, 0x200B, 0x3000, 0xFEFF), ord(" "))
)
_TRIPLES = tuple(a + b + c for a in ALPHABET for b in ALPHABET for c in ALPHABET)
_LOOK_ALIKE_PAIRS = "8B 5S 2Z 0D 0Q 0C 6G 6B UV UW 0U VY VW 17 7T 1T MN MW 4A CG EF KX PR BP 38 9G 9P HN HK XY DQ JT 27"
_LOOK_ALIKES: dict[str, str] = {
    char: "".join(pair.replace(char, "") for pair in _LOOK_ALIKE_PAIRS.split() if char in pair)
    for char in ALPHABET + "U"
}
_QR_ALPHANUMERIC = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")


def _parity_masks() -> tuple[int, ...]:
    """Five masks over a code read as a number (31 characters at most): bit j of its weighted sum over GF(32) is the
    parity of the bits under mask j, because multiplying by a constant is linear over single bits."""
    masks = [0, 0, 0, 0, 0]
    weight = 1
    for position in range(31):
        product = weight
        for bit in range(5):
            for j in range(5):
                masks[j] |= (product >> j & 1) << (5 * position + bit)
            product = _times_a(product)
        weight = _times_a(weight)
    return tuple(masks)


def _times_a(element: int) -> int:
    return element << 1 ^ (0b100101 if element & 16 else 0)


_MASK_0, _MASK_1, _MASK_2, _MASK_3, _MASK_4 = _parity_masks()


def _weighted_sum(number: int) -> int:
    return (
        ((number & _MASK_0).bit_count() & 1)
        | ((number & _MASK_1).bit_count() & 1) << 1
        | ((number & _MASK_2).bit_count() & 1) << 2
        | ((number & _MASK_3).bit_count() & 1) << 3
        | ((number & _MASK_4).bit_count() & 1) << 4
    )


def _spell(letter: int, body: int, length: int) -> str:
    number = (letter << 5 * (length - 2) | body) << 5
    n, t = number | _weighted_sum(number), _TRIPLES
    # Written out: a scale's every receipt comes through here, and the loop takes twice as long.
    return (
        f"{t[n >> 120]}{t[n >> 105 & 32767]}{t[n >> 90 & 32767]}{t[n >> 75 & 32767]}{t[n >> 60 & 32767]}"
        f"{t[n >> 45 & 32767]}{t[n >> 30 & 32767]}{t[n >> 15 & 32767]}{t[n & 32767]}"
    )[-length:]


def _body_number(code: Code) -> int:
    return int(code.text[1:-1].encode().translate(_DIGITS), 32)


def check_character(payload: str) -> str:
    """The check character of `payload` (type letter and body, canonical). ValueError for over 30 characters or for one
    outside the alphabet."""
    if not 1 <= len(payload) <= 30 or not set(payload) <= set(ALPHABET):
        raise ValueError(f"a payload is 1 to 30 characters of {ALPHABET}: {payload[:_LONGEST_TEXT]!r}")
    return ALPHABET[_weighted_sum(int(payload.encode().translate(_DIGITS), 32) << 5)]


def mint(kind: CodeKind, random: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A new canonical code of 80 random bits. Receipts and units are derived, not minted: ValueError."""
    if _LENGTHS[kind] != _MINTED:
        raise ValueError(f"codes of kind {kind.name} are derived from what they name")
    return _spell(ALPHABET.index(kind), int.from_bytes(random(10), "big"), _MINTED)


def parse(text: str) -> Code:
    """Read a scanned or typed code. Case, dashes and blanks do not matter, I and L count as 1, O as 0.

    Raises MistypedCode; a code that parses may still be unknown, or its MAC forged."""
    try:
        raw = text.encode("ascii")
    except UnicodeEncodeError:
        raw = text.translate(_WIDE).encode("ascii", "replace")
    if len(raw) > _LONGEST_TEXT:
        raise MistypedCode(text, f"longer than {_LONGEST_TEXT} characters", f"超过{_LONGEST_TEXT}个字符")
    # A look-alike in the letter's place becomes 0 or 1, which is no letter either.
    raw = raw.translate(_CANONICAL, _IGNORED)
    shape = _SHAPES.get(raw[:1])
    if shape is None:
        letters = " ".join(CodeKind)
        raise MistypedCode(text, f"a code begins with one of {letters}", f"编码须以 {letters} 之一开头")
    kind, length = shape
    if len(raw) != length:
        raise MistypedCode(
            text,
            f"a code of type {kind} has {length} characters, this one {len(raw)}",
            f"{kind} 类编码应为{length}个字符，现为{len(raw)}个",
        )
    try:
        number = int(raw.translate(_DIGITS), 32)
    except ValueError:
        place = 1 + next(i for i, digit in enumerate(raw.translate(_DIGITS)) if digit == ord("!"))
        raise MistypedCode(
            text, f"character {place} is not one a code can have", f"第{place}个字符不是编码可用的字符"
        ) from None
    if _weighted_sum(number):
        raise MistypedCode(
            text,
            "the check character does not fit: a character is wrong, or two are swapped",
            "校验字符不符：有一个字符错误，或相邻两个字符颠倒",
        )
    if (length == _RECEIPT and (number >> 5 + _RECEIPT_MAC_BITS) & (1 << 65) - 1 not in _RECEIPT_IDS) or (
        length == _UNIT and (number >> 5 + _UNIT_MAC_BITS) & (1 << 61) - 1 not in _UNIT_IDS
    ):
        raise MistypedCode(text, "its number is outside the range ever issued", "其编号超出可签发的范围")
    return Code(raw.decode("ascii"), kind)


def grouped(code: str) -> str:
    """The code in groups that a person can read aloud: S-XXXX-XXXX-XXXX-XXXX-C. Raises MistypedCode."""
    return grouped_text(parse(code))


def grouped_text(code: Code) -> str:
    """As `grouped`."""
    return "-".join([code.text[group] for group in _GROUPS[len(code.text)]])


def qr_url(public_url: str, code: str) -> str:
    """The URL to draw as a QR symbol: in capitals where all of it fits QR's alphanumeric mode (ISO/IEC 18004), which
    makes a smaller symbol, else as it is. Scheme, host, `/c/` and code have no case; a path that the public URL
    brings may have one, so a lower-case letter in it forbids capitals."""
    base = public_url.rstrip("/")
    url = f"{base}/c/{code}"
    path = "".join(base.partition("://")[2].partition("/")[1:])
    capitals = url.upper()
    if url.isascii() and path == path.upper() and _QR_ALPHANUMERIC.issuperset(capitals):
        return capitals
    return url


def suggestions(text: str) -> list[str]:
    """What a mistyped code may have meant: canonical codes that pass the check and are one swap of neighbours (first)
    or one common confusion of the eye or the keyboard away. At most 20; none for a code that is right."""
    raw = text.translate(_WIDE).encode("ascii", "replace")
    if len(raw) > _LONGEST_TEXT:
        return []
    typed = raw.translate(_CANONICAL, _IGNORED).decode("ascii")
    if _passes(typed):
        return []
    swapped = [typed[:i] + typed[i + 1] + typed[i] + typed[i + 2 :] for i in range(len(typed) - 1)]
    confused = [
        typed[:i] + other + typed[i + 1 :] for i, char in enumerate(typed) for other in _LOOK_ALIKES.get(char, "")
    ]
    return [candidate for candidate in dict.fromkeys(swapped + confused) if _passes(candidate)][:20]


def _passes(text: str) -> bool:
    try:
        parse(text)
    except MistypedCode:
        return False
    return True


def receipt_id(device_number: int, epoch: int, counter: int) -> int:
    """One positive 63-bit integer that sorts by device, epoch, counter. ValueError outside ReceiptName's ranges."""
    if not (0 < device_number < 1 << _DEVICE_BITS and 0 <= epoch < 1 << _EPOCH_BITS):
        raise ValueError(f"device {device_number} or epoch {epoch} out of range")
    if not 0 <= counter < 1 << _COUNTER_BITS:
        raise ValueError(f"receipt counter {counter} out of range")
    return device_number << _EPOCH_BITS + _COUNTER_BITS | epoch << _COUNTER_BITS | counter


def receipt_name(receipt_id: int) -> ReceiptName:
    """What `receipt_id` packed. ValueError for an integer that is not a receipt id."""
    if receipt_id not in _RECEIPT_IDS:
        raise ValueError(f"not a receipt id: {receipt_id}")
    return ReceiptName(
        receipt_id >> _EPOCH_BITS + _COUNTER_BITS,
        receipt_id >> _COUNTER_BITS & (1 << _EPOCH_BITS) - 1,
        receipt_id & (1 << _COUNTER_BITS) - 1,
    )


def receipt_id_of(code: Code) -> int:
    """The receipt id in a parsed receipt code. ValueError for a code of another kind."""
    return receipt_parts(code)[0]


def receipt_parts(code: Code) -> tuple[int, int]:
    """The receipt id and the MAC in a parsed receipt code. ValueError for a code of another kind."""
    if code.kind is not CodeKind.RECEIPT:
        raise ValueError(f"not a receipt: {code.text}")
    body = _body_number(code)
    return body >> _RECEIPT_MAC_BITS, body & (1 << _RECEIPT_MAC_BITS) - 1


def receipt_secret(master: bytes, device_number: int, epoch: int) -> bytes:
    """The 32 bytes a device signs its receipts with: HMAC-SHA256(master, "onecode receipt" + device_number as 4 bytes
    + epoch as 1 byte, big-endian)."""
    message = b"onecode receipt" + device_number.to_bytes(4, "big") + epoch.to_bytes(1, "big")
    return hmac.digest(master, message, "sha256")


def receipt_code(secret: bytes, receipt_id: int) -> str:
    """The canonical code a device prints: its MAC is the first 5 bytes of HMAC-SHA256(secret, receipt_id as 8 bytes,
    big-endian). ValueError for an integer that is not a receipt id."""
    if receipt_id not in _RECEIPT_IDS:
        raise ValueError(f"not a receipt id: {receipt_id}")
    mac = hmac.digest(secret, receipt_id.to_bytes(8, "big"), "sha256")
    return _spell(_R, receipt_id << _RECEIPT_MAC_BITS | int.from_bytes(mac[:5], "big"), _RECEIPT)


class ReceiptSigner:
    """The receipt codes of one secret (of at most 64 bytes), for many receipts: `receipt_code` in half the time.

    HMAC (RFC 2104) by hand, its two keyed hashes begun once. `hmac.digest` hands the interpreter to another thread for
    each of its two microseconds, and gets it back when that one pleases."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes) -> None:
        key = secret.ljust(64, b"\0")
        self._inner = sha256(key.translate(_INNER))
        self._outer = sha256(key.translate(_OUTER))

    def code(self, receipt_id: int) -> str:
        """As receipt_code."""
        if receipt_id not in _RECEIPT_IDS:
            raise ValueError(f"not a receipt id: {receipt_id}")
        return _spell(_R, receipt_id << _RECEIPT_MAC_BITS | int.from_bytes(self._mac(receipt_id), "big"), _RECEIPT)

    def signed(self, receipt_id: int, mac: int) -> bool:
        """As receipt_mac_ok, of the parts of a code."""
        return hmac.compare_digest(mac.to_bytes(5, "big"), self._mac(receipt_id))

    def _mac(self, receipt_id: int) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(receipt_id.to_bytes(8, "big"))
        outer.update(inner.digest())
        return outer.digest()[:5]


_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


def receipt_mac_ok(secret: bytes, code: Code) -> bool:
    """Whether the receipt was signed with `secret`; constant time. ValueError for a code of another kind."""
    number, mac = receipt_parts(code)
    expected = hmac.digest(secret, number.to_bytes(8, "big"), "sha256")[:5]
    return hmac.compare_digest(mac.to_bytes(5, "big"), expected)


def unit_secret(master: bytes, job: int) -> bytes:
    """The 32 bytes a job's units are signed with: HMAC-SHA256(master, "onecode unit" + job as 5 bytes, big-endian)."""
    return hmac.digest(master, b"onecode unit" + job.to_bytes(5, "big"), "sha256")


def unit_code(secret: bytes, job: int, counter: int) -> str:
    """The canonical code of one numbered unit; its MAC is the first 8 bytes of HMAC-SHA256(secret, job and counter
    packed as 60 bits in 8 bytes, big-endian). ValueError outside UnitName's ranges."""
    if not (0 < job < 1 << _JOB_BITS and 0 <= counter < 1 << _UNIT_COUNTER_BITS):
        raise ValueError(f"job {job} or unit counter {counter} out of range")
    unit_id = job << _UNIT_COUNTER_BITS | counter
    mac = hmac.digest(secret, unit_id.to_bytes(8, "big"), "sha256")
    return _spell(_N, unit_id << _UNIT_MAC_BITS | int.from_bytes(mac[:8], "big"), _UNIT)


def unit_codes(secret: bytes, job: int, first: int, last: int) -> Iterator[str]:
    """unit_code of every counter from `first` to `last`, both included."""
    for counter in range(first, last + 1):
        yield unit_code(secret, job, counter)


def unit_name(code: Code) -> UnitName:
    """The job and counter in a parsed unit code. ValueError for a code of another kind."""
    if code.kind is not CodeKind.UNIT:
        raise ValueError(f"not a unit: {code.text}")
    unit_id = _body_number(code) >> _UNIT_MAC_BITS
    return UnitName(unit_id >> _UNIT_COUNTER_BITS, unit_id & (1 << _UNIT_COUNTER_BITS) - 1)


def unit_mac_ok(secret: bytes, code: Code) -> bool:
    """Whether the unit was signed with `secret`; constant time. ValueError for a code of another kind."""
    if code.kind is not CodeKind.UNIT:
        raise ValueError(f"not a unit: {code.text}")
    number = _body_number(code)
    expected = hmac.digest(secret, (number >> _UNIT_MAC_BITS).to_bytes(8, "big"), "sha256")[:8]
    return hmac.compare_digest((number & (1 << _UNIT_MAC_BITS) - 1).to_bytes(8, "big"), expected)
