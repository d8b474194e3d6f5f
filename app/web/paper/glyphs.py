"""The characters of a receipt printer: each has a place of one column or two, and none commands the printer."""

import unicodedata
from collections.abc import Callable

ENCODING = "gb18030"
MISSING = "□"

_BLANK = frozenset({"Cc", "Zs", "Zl", "Zp"})
_PLACELESS = frozenset({"Cf", "Mn", "Me"})
_PICTURES = frozenset({"So", "Sk", "Co", "Cs"})
_IDEOGRAPHS = range(0x20000, 0x40000)
_NEVER_FIRST = frozenset("，。、；：！？…·）》〉」』】〕”’％℃")


def columns(text: str) -> int:
    """How wide a printer sets it: an ASCII character takes one column, any other two (GB 18030 has it in two bytes or
    four)."""
    return sum(1 if char.isascii() else 2 for char in text)


def clean(text: str) -> str:
    """The text in characters that a printer has: control characters become blanks, so that no name can command the
    printer; marks without a place of their own go; what GB 18030 has no letter, ideograph or two-byte sign for (emoji,
    private use) is □."""
    return "".join(map(_printed, unicodedata.normalize("NFC", text))).strip()


def _printed(char: str) -> str:
    if " " <= char <= "~":
        return char
    category = unicodedata.category(char)
    if category in _BLANK:
        return " "
    if category in _PLACELESS:
        return ""
    # Ideographs newer than the tables here are unassigned to them.
    unknown = category in _PICTURES or (category == "Cn" and ord(char) not in _IDEOGRAPHS)
    if unknown and (category == "Cs" or len(char.encode(ENCODING)) > 2):
        return MISSING
    return char


def wrap(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """The text in lines of at most `width` by `measure`, under which a text is as wide as its characters together:
    broken at blanks and between wide characters, a word that is wider than a line wherever it must. At least one."""
    lines: list[str] = []
    line, used = "", 0.0
    for piece in _pieces(text):
        if line and used + measure(piece.rstrip()) > width:
            lines.append(line.rstrip())
            line, used = "", 0.0
        for char in piece if line else piece.lstrip():
            wide = measure(char)
            if used + wide > width and char != " ":
                lines.append(line)
                line, used = "", 0.0
            line += char
            used += wide
    return [*lines, line.rstrip()] if line or not lines else lines


def _pieces(text: str) -> list[str]:
    """Words of ASCII with the blanks after them, and every other character by itself; each with the marks that may
    not begin a line."""
    pieces: list[str] = []
    for char in text:
        last = pieces[-1] if pieces else " "
        word = char == " " or (char.isascii() and last[-1].isascii() and last[-1] != " ")
        if pieces and (word or char in _NEVER_FIRST):
            pieces[-1] += char
        else:
            pieces.append(char)
    return pieces


def cut(lines: list[str], limit: int, width: float, measure: Callable[[str], float]) -> list[str]:
    """The first `limit` lines; where there are more, the last of them ends in dots."""
    if len(lines) <= limit:
        return lines
    last = lines[limit - 1]
    while measure(last + "...") > width:
        last = last[:-1]
    return [*lines[: limit - 1], last + "..."]
