"""Labels, shelf signs and posters as drawings in dots, eight to the millimetre, as label printers (203 dpi) have them.

A drawing is the same whoever renders it: picture, PDF or SVG. A symbol's modules are whole dots, so that none comes out
wider than its neighbour.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal

from app.domain import codes
from app.domain.errors import Invalid
from app.scanning import Tag
from app.web import symbols
from app.web.i18n import Words
from app.web.paper.glyphs import clean, cut, wrap
from app.web.paper.lettering import width

DOTS: Final = 8  # in a millimetre
COMFORTABLE: Final = 6  # dots a module that any telephone reads off thermal paper at once: 0.75 mm
LEAST: Final = 3  # below them a worn printing head makes gaps

Layout = Literal["roll", "a4"]


@dataclass(frozen=True, slots=True)
class Size:
    """Millimetres; `cut` where a sheet of them is cut along lines, not peeled off (A4 of 3 × 8 and 2 × 4 labels)."""

    width: int
    height: int
    cut: bool = True


SIZES: Final = {
    "50x30": Size(50, 30),
    "60x40": Size(60, 40),
    "70x37": Size(70, 37, cut=False),
    "105x74": Size(105, 74, cut=False),
    "148x105": Size(148, 105),
    "a4": Size(210, 297),
    "a3": Size(297, 420),
}
A4: Final = (210, 297)


@dataclass(frozen=True, slots=True)
class Text:
    """`x` is where it begins, `y` its baseline, `size` of the em, all in dots."""

    x: float
    y: int
    size: int
    text: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Symbol:
    """A QR symbol, quiet zone included; `dots` a module."""

    x: int
    y: int
    url: str
    level: symbols.Level
    dots: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """One label."""

    symbol: Symbol
    texts: list[Text]


@dataclass(frozen=True, slots=True)
class Page:
    """What is printed at once: drawings with the place of each, and lines to cut along (x, y, x, y); in dots."""

    width: int
    height: int
    parts: list[tuple[int, int, Drawing]]
    cuts: list[tuple[int, int, int, int]] = field(default_factory=list)


def draw(tag: Tag, url: str, size: Size, words: Words) -> Drawing:
    """The label of a code; `url` is what its symbol carries. Invalid where a symbol is too large for the label."""
    make = _poster if size.height > size.width else _label
    return make(tag, url, size.width * DOTS, size.height * DOTS, words)


def pages(drawings: Sequence[Drawing], size: Size, layout: Layout) -> Iterator[Page]:
    """Each on a page of its own, as on a roll, or as many as have room on sheets of A4. Invalid where none has."""
    wide, high = size.width * DOTS, size.height * DOTS
    if layout == "roll":
        yield from (Page(wide, high, [(0, 0, drawing)]) for drawing in drawings)
        return
    across, down = max((A4, A4[::-1]), key=lambda sheet: (sheet[0] // size.width) * (sheet[1] // size.height))
    columns, rows = across // size.width, down // size.height
    if not columns or not rows:
        raise Invalid(
            "size-not-available",
            "这个尺寸大于 A4，请用 layout=roll · This size is larger than A4: ask for layout=roll",
            pointer="/layout",
        )
    left, top = (across * DOTS - columns * wide) // 2, (down * DOTS - rows * high) // 2
    right, bottom = left + columns * wide, top + rows * high
    cuts = [(left + i * wide, top, left + i * wide, bottom) for i in range(columns + 1)]
    cuts += [(left, top + i * high, right, top + i * high) for i in range(rows + 1)]
    for first in range(0, len(drawings), columns * rows):
        parts = [
            (left + i % columns * wide, top + i // columns * high, drawing)
            for i, drawing in enumerate(drawings[first : first + columns * rows])
        ]
        yield Page(across * DOTS, down * DOTS, parts, cuts if size.cut else [])


def _fitted(url: str, room: int) -> tuple[symbols.Level, int]:
    """The most error correction whose modules stay comfortable, else the largest modules; and their dots."""
    levels: tuple[symbols.Level, ...] = ("H", "Q", "M")
    for level in levels:
        dots = room // symbols.size(url, level)
        if dots >= COMFORTABLE:
            return level, dots
    if dots < LEAST:
        raise Invalid(
            "size-not-available",
            "这个尺寸放不下可扫的二维码，请换大一号 · Too small for a symbol that scans: ask for a larger size",
            pointer="/size",
        )
    return "M", dots


def _label(tag: Tag, url: str, wide: int, high: int, words: Words) -> Drawing:
    """The symbol on the left, the words on the right; what has no room is left out, the code never."""
    level, dots = _fitted(url, min(high, wide * 58 // 100))
    side = dots * symbols.size(url, level)
    margin = DOTS
    room = wide - side - margin
    unit = min(high / 240, room / 170)
    big, small, tiny = round(34 * unit), round(22 * unit), round(20 * unit)
    title = _lines(_title(tag, words), big, room, 2)
    # What is said, in how many lines at most; and the first to be left out.
    said = [
        (text, limit, rank)
        for text, limit, rank in (
            (tag.place, 1, 2),
            (tag.lot_number and f"{words.t('lot_number')} {tag.lot_number}", 2, 3),
            (words.day(tag.produced_on), 1, 0),
            (words.t("label.scan"), 2, 1),
        )
        if text
    ]
    code = _packed(codes.grouped(tag.code), tiny, room)
    while True:
        lines = [(text, big, True) for text in title]
        lines += [(text, small, False) for each, limit, _ in said for text in _lines(each, small, room, limit)]
        lines += [(text, tiny, True) for text in code]
        heights = [round(size * 1.25) for _, size, _ in lines]
        if sum(heights) <= high - 2 * margin:
            break
        if said:
            said.remove(min(said, key=lambda each: each[2]))
        elif len(title) > 1:
            title = _lines(_title(tag, words), big, room, 1)
        else:
            big = big * 9 // 10
            tiny = tiny * 9 // 10
            code = _packed(codes.grouped(tag.code), tiny, room)
    y = (high - sum(heights)) // 2
    texts = []
    for (text, size, bold), height in zip(lines, heights, strict=True):
        texts.append(Text(side, y + size, size, text, bold))
        y += height
    return Drawing(Symbol(0, (high - side) // 2, url, level, dots), texts)


def _poster(tag: Tag, url: str, wide: int, high: int, words: Words) -> Drawing:
    """Names above, the symbol in the middle, what to do with it below; to be read across a hall, in both languages."""
    level, dots = _fitted(url, wide * 66 // 100)
    side = dots * symbols.size(url, level)
    room = wide * 86 // 100
    unit = wide / 1680
    other = Words("en" if words.language == "zh" else "zh")

    def block(text: str | None, size: int, bold: bool = False, limit: int = 1) -> list[tuple[str, int, bool]]:
        large = round(size * unit)
        return [(line, large, bold) for line in _lines(text, large, room, limit)] if text else []

    above = [*block(_title(tag, words), 170, True, 2), *block(tag.place, 76)]
    below = [
        *block(words.t("label.scan"), 150, True),
        *block(other.t("label.scan"), 70),
        *block(words.t(f"poster.{tag.kind}" if tag.kind in ("site", "party") else "poster.goods"), 64),
        *block(codes.grouped(tag.code), 54, True),
        *block(words.t("hotline"), 44),
    ]
    gap = round(40 * unit)
    heights = [round(size * 1.35) for _, size, _ in above + below]
    y = (high - sum(heights) - side - 2 * gap) // 2
    texts = []
    symbol = Symbol((wide - side) // 2, 0, url, level, dots)
    for i, ((text, size, bold), height) in enumerate(zip(above + below, heights, strict=True)):
        if i == len(above):
            symbol = Symbol(symbol.x, y + gap, url, level, dots)
            y += side + 2 * gap
        texts.append(Text((wide - width(text, size)) / 2, y + size, size, text, bold))
        y += height
    return Drawing(symbol, texts)


def _title(tag: Tag, words: Words) -> str:
    return tag.title or words.word("kind", tag.kind)


def _lines(text: str, size: int, room: float, limit: int) -> list[str]:
    measure = partial(_wide, size)
    return cut(wrap(clean(text), room, measure), limit, room, measure)


def _wide(size: int, text: str) -> float:
    return width(text, size)


def _packed(grouped: str, size: int, room: float) -> list[str]:
    """The code in lines, never broken within a group."""
    lines: list[str] = []
    for group in grouped.split("-"):
        joined = f"{lines[-1]}-{group}" if lines else group
        if lines and width(joined, size) <= room:
            lines[-1] = joined
        else:
            lines.append(group)
    return lines
