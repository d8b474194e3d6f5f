"""A receipt as the bytes that a receipt printer takes: ESC/POS, Chinese in GB 18030, the symbol by the printer itself.

Commands are those that printers of all makers share; numbers in comments are the functions of `GS ( k`.
"""

from collections.abc import Iterator

from app.scanning import Paper
from app.web import symbols
from app.web.i18n import Words
from app.web.paper.glyphs import ENCODING, columns
from app.web.paper.layout import Element, Line, Rule, Style, Symbol, lay_out
from app.web.paper.text import COLUMNS, filled

DOTS = {58: 384, 80: 576}  # printed across, at 203 dpi

_START = b"\x1b@" + b"\x1c&"  # ESC @: as switched on; FS &: two bytes a character
_END = b"\x1bd\x03" + b"\x1dVB\x00"  # ESC d 3: past the tear bar; GS V B: to the knife, and cut


def escpos(paper: Paper, words: Words, url: str, width: int) -> bytes:
    """`width` of the paper in millimetres, 58 or 80."""
    across = COLUMNS[width]
    elements = lay_out(paper, words, url, across, lambda part, style: columns(part) * _scale(style)[0])
    return _START + b"".join(part for element in elements for part in _set(element, width)) + _END


def module_dots(url: str, width: int) -> int:
    """Dots a module of the symbol: as many as keep it, with its quiet zone, within two thirds of the paper, and no more
    than a millimetre."""
    modules = len(symbols.modules(url)) + 2 * symbols.QUIET
    return max(1, min(8, DOTS[width] * 2 // 3 // modules))


def _scale(style: Style) -> tuple[int, int]:
    """How many times as wide and as high as usual."""
    return (2 if style is Style.BIG else 1), (2 if style in (Style.BIG, Style.TALL) else 1)


def _set(element: Element, width: int) -> Iterator[bytes]:
    match element:
        case Rule():
            yield b"-" * COLUMNS[width] + b"\n"
        case Symbol(url):
            yield _aligned(centred=True)
            yield _qr(url.encode("ascii"), module_dots(url, width))
            yield b"\n" + _aligned(centred=False)
        case Line():
            wide, high = _scale(element.style)
            plain = element.style is Style.PLAIN
            yield b"" if plain else b"\x1bE\x01\x1d!" + bytes([(wide - 1) << 4 | high - 1])  # ESC E, GS !
            if element.centred:
                yield _aligned(centred=True) + element.left.encode(ENCODING) + b"\n" + _aligned(centred=False)
            else:
                yield filled(element, COLUMNS[width] // wide).encode(ENCODING) + b"\n"
            yield b"" if plain else b"\x1bE\x00\x1d!\x00"


def _aligned(*, centred: bool) -> bytes:
    return b"\x1ba\x01" if centred else b"\x1ba\x00"  # ESC a


def _qr(data: bytes, dots: int) -> bytes:
    return (
        _gs_k(b"A2\x00")  # 165: model 2
        + _gs_k(b"C" + bytes([dots]))  # 167: dots a module
        + _gs_k(b"E1")  # 169: error correction M
        + _gs_k(b"P0" + data)  # 180: store
        + _gs_k(b"Q0")  # 181: print
    )


def _gs_k(function: bytes) -> bytes:
    """GS ( k pL pH cn fn …: cn 49 is QR."""
    body = b"1" + function
    return b"\x1d(k" + len(body).to_bytes(2, "little") + body
