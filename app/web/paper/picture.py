"""A receipt as a picture in the printer's own dots: 384 across on 58 mm, 576 on 80 mm, black and white, 203 dpi."""

import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFont
from pylopdf_fonts_zh_cn import sans_path

from app.scanning import Paper
from app.web import symbols
from app.web.i18n import Words
from app.web.paper.escpos import DOTS, module_dots
from app.web.paper.layout import Element, Line, Rule, Style, Symbol, lay_out, stop

DPI: Final = 203
MARGIN: Final = 8  # dots on either side
_CONTRAST: Final = [0] * 150 + [255] * 106  # what is lighter stays white
_SIZES: Final = {Style.PLAIN: 24, Style.STRONG: 24, Style.TALL: 30, Style.BIG: 44}
_STRIKES: Final = {Style.PLAIN: 0, Style.STRONG: 1, Style.TALL: 1, Style.BIG: 2}  # again, a dot further, as printers do
_LEADING: Final = 4 / 3  # of the size, from line to line
_RULE: Final = 20  # dots high


def png(paper: Paper, words: Words, url: str, width: int) -> bytes:
    """`width` of the paper in millimetres, 58 or 80."""
    across = DOTS[width]
    elements = lay_out(paper, words, url, across - 2 * MARGIN, _measure)
    boxes = [(element, _height(element, width)) for element in elements]
    picture = Image.new("1", (across, sum(height for _, height in boxes) + 4 * MARGIN), 1)
    y = 2 * MARGIN
    for element, height in boxes:
        picture.paste(_drawn(element, width, height), (0, y))
        y += height
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True, dpi=(DPI, DPI))
    return buffer.getvalue()


@lru_cache(maxsize=len(Style))
def _font(style: Style) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(sans_path(), _SIZES[style], layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=20_000)
def _advance(char: str, style: Style) -> float:
    return _font(style).getlength(char)


def _measure(text: str, style: Style) -> float:
    return sum(_advance(char, style) for char in text)


def _height(element: Element, width: int) -> int:
    match element:
        case Line():
            return round(_SIZES[element.style] * _LEADING)
        case Symbol(url):
            return (len(symbols.modules(url)) + 2 * symbols.QUIET) * module_dots(url, width)
    return _RULE


def _drawn(element: Element, width: int, height: int) -> Image.Image:
    across = DOTS[width]
    strip = Image.new("L", (across, height), 255)
    match element:
        case Rule():
            draw = ImageDraw.Draw(strip)
            for x in range(MARGIN, across - MARGIN, 8):
                draw.rectangle((x, height // 2, min(x + 4, across - MARGIN), height // 2 + 1), fill=0)
        case Symbol(url):
            symbol = symbols.image(url, module_dots(url, width))
            strip.paste(symbol, ((across - symbol.width) // 2, 0))
        case Line():
            draw = ImageDraw.Draw(strip)
            for text, x in _placed(element, across):
                draw.text((x, round(height * 0.76)), text, fill=0, font=_font(element.style), anchor="ls")
            for _ in range(_STRIKES[element.style]):
                strip = ImageChops.darker(strip, ImageChops.offset(strip, 1, 0))
    return strip.point(_CONTRAST).convert("1")


def _placed(line: Line, across: int) -> Iterator[tuple[str, int]]:
    """Each part with the dot at which it begins."""
    if line.centred:
        yield line.left, round((across - _measure(line.left, line.style)) / 2)
        return
    inner = across - 2 * MARGIN
    for text, end in ((line.left, _measure(line.left, line.style)), (line.middle, stop(inner)), (line.right, inner)):
        if text:
            yield text, MARGIN + round(end - _measure(text, line.style))
