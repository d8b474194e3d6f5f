"""Pages of labels as SVG, picture and PDF.

The PDF carries the letters that it needs; the picture is drawn with them. SVG is set in the fonts of whoever opens it,
each line at the width that it has in ours.
"""

import io
import zipfile
from collections.abc import Iterable
from functools import lru_cache
from html import escape

from PIL import Image, ImageDraw
from pylopdf_fonts_zh_cn import sans_path

from app.web import symbols
from app.web.paper.labels import DOTS, Page
from app.web.paper.lettering import font, width

_INCH = 25.4  # millimetres
_CONTRAST = [0] * 106 + [255] * 150  # what is lighter stays white
_BOLD = 0.025  # of the em: how much thicker a line becomes


def svg(page: Page) -> str:
    """One SVG element, one unit a dot, as large as on paper."""
    size = f'width="{page.width / DOTS:g}mm" height="{page.height / DOTS:g}mm"'
    found = [f'<svg xmlns="http://www.w3.org/2000/svg" class="page" {size} viewBox="0 0 {page.width} {page.height}">']
    found += [f'<path class="cut" d="M{x} {y}L{to_x} {to_y}"/>' for x, y, to_x, to_y in page.cuts]
    for x, y, drawing in page.parts:
        symbol = drawing.symbol
        side = symbol.dots * symbols.size(symbol.url, symbol.level)
        place = f' x="{x + symbol.x}" y="{y + symbol.y}" width="{side}" height="{side}"'
        found.append(symbols.svg(symbol.url, symbol.url, symbol.level, place))
        for text in drawing.texts:
            found.append(
                f'<text x="{x + text.x:g}" y="{y + text.y}" font-size="{text.size}"{_WEIGHTS[text.bold]} '
                f'textLength="{width(text.text, text.size):.1f}" lengthAdjust="spacingAndGlyphs">'
                f"{escape(text.text)}</text>"
            )
    return "".join([*found, "</svg>"])


_WEIGHTS = {True: ' font-weight="bold"', False: ""}


def png(page: Page) -> bytes:
    """Black and white, a pixel a dot."""
    picture = Image.new("L", (page.width, page.height), 255)
    draw = ImageDraw.Draw(picture)
    for cut in page.cuts:
        draw.line(cut, fill=0)
    for x, y, drawing in page.parts:
        for text in drawing.texts:
            across = x + text.x
            for char in text.text:
                glyph, left, top = _glyph(char, text.size, text.bold)
                picture.paste(0, (round(across) + left, y + text.y + top), glyph)
                across += width(char, text.size)
        symbol = drawing.symbol
        picture.paste(symbols.image(symbol.url, symbol.dots, symbol.level), (x + symbol.x, y + symbol.y))
    buffer = io.BytesIO()
    dpi = DOTS * _INCH
    picture.convert("1", dither=Image.Dither.NONE).save(buffer, "PNG", dpi=(dpi, dpi), compress_level=3)
    return buffer.getvalue()


@lru_cache(maxsize=500)
def _glyph(char: str, size: int, bold: bool) -> tuple[Image.Image, int, int]:
    """A letter as a mask, and where its corner lies seen from the pen: drawn once, for a label has few."""
    drawn = font(size)
    thick = size * _BOLD / 2 if bold else 0
    left, top, right, bottom = (round(side) for side in drawn.getbbox(char, anchor="ls", stroke_width=thick))
    mask = Image.new("L", (max(right - left, 1), max(bottom - top, 1)), 0)
    ImageDraw.Draw(mask).text((-left, -top), char, fill=255, font=drawn, anchor="ls", stroke_width=thick)
    return mask.point(_CONTRAST).convert("1", dither=Image.Dither.NONE), left, top


def pngs(pages: Iterable[Page]) -> bytes:
    """A ZIP of pictures, numbered from 0001."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:  # stored: a PNG is compressed already
        for number, page in enumerate(pages, 1):
            bundle.writestr(zipfile.ZipInfo(f"{number:04}.png"), png(page))
    return buffer.getvalue()


def pdf(pages: Iterable[Page], title: str, language: str) -> bytes:
    """Text stays text; symbols are filled areas, sharp on any printer."""
    # Most processes print nothing, and the library with its fonts takes a second to import.
    from fpdf import FPDF
    from fpdf.enums import TextMode

    scale = 72 / _INCH / DOTS  # points a dot
    document = FPDF(unit=scale)
    document.set_auto_page_break(False)
    document.set_title(title)
    document.set_lang(language)
    document.add_font("sans", fname=sans_path())
    for page in pages:
        document.add_page(format=(page.width, page.height))
        document.set_line_width(1)
        document.set_draw_color(160)
        for cut in page.cuts:
            document.line(*cut)
        document.set_draw_color(0)
        for x, y, drawing in page.parts:
            symbol = drawing.symbol
            # One area: shapes beside each other would show hairlines between them on a screen.
            boxes = " ".join(f"{across} {down} {n} 1 re" for across, down, n in symbols.runs(symbol.url, symbol.level))
            module = symbol.dots * scale
            left, top = (x + symbol.x) * scale, (page.height - y - symbol.y) * scale
            document._out(f"q {module:.5f} 0 0 {-module:.5f} {left:.4f} {top:.4f} cm {boxes} f Q")
            for text in drawing.texts:
                document.set_font("sans", size=text.size * scale)
                if text.bold:
                    with document.local_context(text_mode=TextMode.FILL_STROKE, line_width=text.size * _BOLD / 2):
                        document.text(x + text.x, y + text.y, text.text)
                else:
                    document.text(x + text.x, y + text.y, text.text)
    return bytes(document.output())
