"""How wide the letters of our font are, for whoever lays out a picture."""

from functools import lru_cache

from PIL import ImageFont
from pylopdf_fonts_zh_cn import sans_path

_EM = 1000


@lru_cache(maxsize=64)
def font(size: int) -> ImageFont.FreeTypeFont:
    """Noto Sans SC, `size` dots to the em."""
    return ImageFont.truetype(sans_path(), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=20_000)
def _advance(char: str) -> float:
    return font(_EM).getlength(char) / _EM


def width(text: str, size: int) -> float:
    """As wide as its characters together."""
    return size * sum(_advance(char) for char in text)
