"""QR symbols (ISO/IEC 18004) and the pictures that are made of them.

A symbol carries the whole URL in capitals where it can: alphanumeric mode makes it a size smaller, and a receipt is
58 mm wide. All have the same mask: the search for the best of eight takes five times as long as the rest together, and
finds one that is a tenth better by the standard's own points; a code's random characters are an even texture under any.
"""

import io
from functools import lru_cache
from typing import Final, Literal

import qrcode  # type: ignore[import-untyped]
import qrcode.util  # type: ignore[import-untyped]
from PIL import Image

QUIET: Final = 4  # modules of white around a symbol, as the standard asks

_MASK: Final = 2
_ALPHANUMERIC: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")

Level = Literal["M", "Q", "H"]  # error correction: 15, 25 and 30 of a hundred codewords may be lost
_LEVELS: Final[dict[Level, int]] = {
    "M": qrcode.ERROR_CORRECT_M,
    "Q": qrcode.ERROR_CORRECT_Q,
    "H": qrcode.ERROR_CORRECT_H,
}

Modules = tuple[tuple[bool, ...], ...]


@lru_cache(maxsize=1024)
def modules(text: str, level: Level = "M") -> Modules:
    """The symbol without its quiet zone, row by row; True is dark."""
    symbol = qrcode.QRCode(error_correction=_LEVELS[level], border=0, mask_pattern=_MASK)
    symbol.add_data(qrcode.util.QRData(text.encode("ascii")))
    symbol.make(fit=True)
    return tuple(tuple(bool(dark) for dark in row) for row in symbol.modules)


def size(text: str, level: Level = "M") -> int:
    """Modules on a side, quiet zone included."""
    return _size(len(text), _ALPHANUMERIC.issuperset(text), level)


@lru_cache(maxsize=1024)
def _size(length: int, alphanumeric: bool, level: Level) -> int:
    return len(modules(("A" if alphanumeric else "a") * length, level)) + 2 * QUIET


def runs(text: str, level: Level = "M") -> list[tuple[int, int, int]]:
    """The dark modules as (x, y, how many to the right), the quiet zone counted in."""
    found = []
    for y, row in enumerate(modules(text, level), QUIET):
        x = 0
        while x < len(row):
            try:
                start = row.index(True, x)
            except ValueError:
                break
            try:
                x = row.index(False, start)
            except ValueError:
                x = len(row)
            found.append((start + QUIET, y, x - start))
    return found


def svg(text: str, label: str | None = None, level: Level = "M", attributes: str = "") -> str:
    """One SVG element, one unit a module, quiet zone included; `label` names it to a screen reader."""
    whole = size(text, level)
    path = "".join(f"M{x} {y}h{n}v1h-{n}z" for x, y, n in runs(text, level))
    named = f' role="img" aria-label="{label}"' if label else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {whole}" shape-rendering="crispEdges"'
        f'{attributes}{named}><path fill="#fff" d="M0 0h{whole}v{whole}H0z"/><path fill="#000" d="{path}"/></svg>'
    )


def image(text: str, scale: int, level: Level = "M") -> Image.Image:
    """The symbol with its quiet zone, `scale` pixels a module, black on white."""
    rows = modules(text, level)
    light = bytes(0 if dark else 255 for row in rows for dark in row)
    picture = Image.new("L", (len(rows) + 2 * QUIET, len(rows) + 2 * QUIET), 255)
    picture.paste(Image.frombytes("L", (len(rows), len(rows)), light), (QUIET, QUIET))
    whole = picture.width * scale
    return picture.resize((whole, whole), Image.Resampling.NEAREST).convert("1", dither=Image.Dither.NONE)


def png(text: str, scale: int) -> bytes:
    buffer = io.BytesIO()
    image(text, scale).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
