"""QR symbols (ISO/IEC 18004, error correction M) and the pictures that are made of them.

A symbol carries the whole URL in capitals where it can: alphanumeric mode makes it a size smaller, and a receipt is
58 mm wide.
"""

import io
from functools import lru_cache
from typing import Final

import qrcode  # type: ignore[import-untyped]
import qrcode.util  # type: ignore[import-untyped]
from PIL import Image, ImageDraw, ImageFont

from app.domain import codes

QUIET: Final = 4  # modules of white around a symbol, as the standard asks
DOTS_PER_MM: Final = 12  # 300 dpi, as label printers have
SIZES: Final = {"50x30": (50, 30), "60x40": (60, 40)}  # millimetres

Modules = tuple[tuple[bool, ...], ...]


@lru_cache(maxsize=1024)
def modules(text: str) -> Modules:
    """The symbol without its quiet zone, row by row; True is dark."""
    symbol = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, border=0)
    symbol.add_data(qrcode.util.QRData(text.encode("ascii")))
    symbol.make(fit=True)
    return tuple(tuple(bool(dark) for dark in row) for row in symbol.modules)


def svg(text: str, label: str | None = None) -> str:
    """One SVG element, one unit a module, quiet zone included; `label` names it to a screen reader."""
    rows = modules(text)
    size = len(rows) + 2 * QUIET
    path = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            run = 0
            while x + run < len(row) and row[x + run]:
                run += 1
            if run:
                path.append(f"M{x + QUIET} {y + QUIET}h{run}v1h-{run}z")
            x += run + 1
    named = f' role="img" aria-label="{label}"' if label else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges"{named}>'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/><path fill="#000" d="{"".join(path)}"/></svg>'
    )


def image(text: str, scale: int) -> Image.Image:
    """The symbol with its quiet zone, `scale` pixels a module, black on white."""
    rows = modules(text)
    size = len(rows) + 2 * QUIET
    picture = Image.new("1", (size, size), 1)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                picture.putpixel((x + QUIET, y + QUIET), 0)
    return picture.resize((size * scale, size * scale), Image.Resampling.NEAREST)


def png(text: str, scale: int) -> bytes:
    return _bytes(image(text, scale))


def label_png(text: str, code: str, size: tuple[int, int]) -> bytes:
    """A label of `size` millimetres at 300 dpi: the symbol and the code to read aloud, in groups.

    Only the code is lettered: the machine that runs this may have no Chinese font, and the one that Pillow brings has
    Latin letters alone. The HTML label carries the names, with the fonts of whoever prints it.
    """
    width, height = size[0] * DOTS_PER_MM, size[1] * DOTS_PER_MM
    picture = Image.new("1", (width, height), 1)
    scale = max(1, height // (len(modules(text)) + 2 * QUIET))
    symbol = image(text, scale)
    picture.paste(symbol, (0, (height - symbol.height) // 2))
    groups = codes.grouped(code).split("-")
    lines = ["-".join(groups[:2]), *groups[2:-2], "-".join(groups[-2:])]
    draw = ImageDraw.Draw(picture)
    room = width - symbol.width - 2 * DOTS_PER_MM
    letters = max(8, min(round(room / (0.64 * max(map(len, lines)))), height // (len(lines) + 2)))
    font = ImageFont.load_default(letters)
    line_height = round(letters * 1.25)
    y = (height - line_height * len(lines)) // 2
    for i, line in enumerate(lines):
        draw.text((symbol.width, y + i * line_height), line, fill=0, font=font)
    return _bytes(picture)


def _bytes(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    dpi = 25.4 * DOTS_PER_MM
    picture.save(buffer, "PNG", optimize=True, dpi=(dpi, dpi))
    return buffer.getvalue()
