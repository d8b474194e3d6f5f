"""Documents of several A4 pages as PDF: headings, paragraphs, facts, tables, bars and a symbol, one below the other.

Text stays text, set in the font that comes with the service. Whoever writes one brings its words; a table cuts what has
no room, so that a row is never more than a few lines.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pylopdf_fonts_zh_cn import sans_path

from app.web import symbols
from app.web.paper.glyphs import clean, cut, wrap
from app.web.paper.lettering import width

WIDE: Final = 210.0
HIGH: Final = 297.0
MARGIN: Final = 18.0
ROOM: Final = WIDE - 2 * MARGIN
_FOOT: Final = 14.0
_POINT: Final = 25.4 / 72  # millimetres
_LEADING: Final = 1.45
_BOLD: Final = 0.02  # of the em: how much thicker a line becomes

INK: Final = (22, 32, 27)
SOFT: Final = (82, 93, 87)
LINE: Final = (200, 202, 196)
HEAD: Final = (235, 238, 234)
BAD: Final = (168, 20, 28)
GOOD: Final = (10, 102, 64)
WARN: Final = (190, 120, 10)

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Column:
    """`share` of the width among the others; `lines` at most; a number stands `right`."""

    name: str
    share: float
    right: bool = False
    lines: int = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a whole; `told` stands behind it."""

    name: str
    part: float
    whole: float
    told: str
    colour: Colour = GOOD


class Sheets:
    """A document that grows downwards and breaks where a page is full; `foot` stands on every page."""

    def __init__(self, title: str, language: str, foot: str) -> None:
        # Most processes print nothing, and the library with its fonts takes a second to import.
        from fpdf import FPDF

        self._foot = clean(foot)
        self._pdf: Any = FPDF(unit="mm", format="A4")
        self._pdf.set_auto_page_break(False)
        self._pdf.set_title(title)
        self._pdf.set_lang(language)
        self._pdf.set_creator("OneCode")
        self._pdf.add_font("sans", fname=sans_path())
        self._y = HIGH
        self._pages = 0

    # --- what a document is made of ---

    def heading(self, text: str, size: float = 13, colour: Colour = INK) -> None:
        """Never the last on its page."""
        lines = self._lines(text, size, ROOM)
        self.need(sum(self._high(size) for _ in lines) + 14)
        self.space(3)
        for line in lines:
            self._line(line, size, colour=colour, bold=True)
        self.space(1)

    def text(
        self, text: str, size: float = 10, *, colour: Colour = INK, bold: bool = False, room: float = ROOM
    ) -> None:
        for paragraph in text.splitlines():
            for line in self._lines(paragraph, size, room):
                self._line(line, size, colour=colour, bold=bold)

    def facts(self, pairs: Iterable[tuple[str, str]], size: float = 10, room: float = ROOM) -> None:
        """Names on the left, values beside them; empty ones are left out."""
        named = [(name, value) for name, value in pairs if value]
        if not named:
            return
        left = min(room * 0.34, max(self._wide(clean(name), size) for name, _ in named) + 5)
        for name, value in named:
            heads = self._lines(name, size, left - 2)
            values = [line for part in value.splitlines() for line in self._lines(part, size, room - left)]
            for i in range(max(len(heads), len(values))):
                self.need(self._high(size))
                if i < len(heads):
                    self._put(MARGIN, heads[i], size, SOFT)
                if i < len(values):
                    self._put(MARGIN + left, values[i], size, INK)
                self._y += self._high(size)
        self.space(1)

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]], size: float = 8.5) -> None:
        """With its head again on every page."""
        whole = sum(column.share for column in columns)
        wides = [ROOM * column.share / whole for column in columns]
        heads = [Column(column.name, column.share, column.right, 2) for column in columns]
        self._row(heads, wides, [column.name for column in columns], size, head=True, more=self._high(size) * 2)
        for row in rows:
            if not self._fits(self._row_high(columns, wides, row, size)):
                self._page()
                self._row(heads, wides, [column.name for column in columns], size, head=True)
            self._row(columns, wides, row, size)
        self.space(2)

    def bars(self, bars: Iterable[Bar], size: float = 9) -> None:
        """One below the other, as long as the part is of its whole."""
        left, right = ROOM * 0.24, ROOM * 0.32
        long = ROOM - left - right
        for bar in bars:
            high = self._high(size) + 1.5
            self.need(high)
            names = self._lines(bar.name, size, left - 2)
            self._put(MARGIN, cut(names, 1, left - 2, lambda text: self._wide(text, size))[0], size, INK)
            share = 0.0 if bar.whole <= 0 else min(1.0, max(0.0, bar.part / bar.whole))
            top = self._y + 0.8
            self._pdf.set_fill_color(*HEAD)
            self._pdf.rect(MARGIN + left, top, long, high - 2.4, style="F")
            if share:
                self._pdf.set_fill_color(*bar.colour)
                self._pdf.rect(MARGIN + left, top, long * share, high - 2.4, style="F")
            self._put(MARGIN + left + long + 3, clean(bar.told), size, INK)
            self._y += high
        self.space(1)

    @contextmanager
    def beside(self, url: str, caption: str, side: float = 38) -> Iterator[float]:
        """A symbol at the right edge; what is written meanwhile stands on its left, in the room that is yielded."""
        self.need(side + 12)
        top, page = self._y, self._pages
        self._symbol(url, WIDE - MARGIN - side, top, side)
        y = top + side
        for line in self._lines(caption, 8, side):
            self._pdf.set_xy(0, 0)
            self._put(WIDE - MARGIN - side, line, 8, SOFT, at=y)
            y += self._high(8)
        yield ROOM - side - 6
        if self._pages == page:
            self._y = max(self._y, y)
        self.space(2)

    def rule(self) -> None:
        self.space(1)
        self._pdf.set_draw_color(*LINE)
        self._pdf.line(MARGIN, self._y, WIDE - MARGIN, self._y)
        self.space(2)

    def band(self, text: str, colour: Colour, size: float = 20) -> None:
        """White on a coloured band across the page."""
        lines = self._lines(text, size, ROOM - 8)
        high = len(lines) * self._high(size) + 6
        self.need(high)
        self._pdf.set_fill_color(*colour)
        self._pdf.rect(MARGIN, self._y, ROOM, high, style="F")
        y = self._y + 3
        for line in lines:
            self._put(MARGIN + 4, line, size, (255, 255, 255), bold=True, at=y)
            y += self._high(size)
        self._y += high
        self.space(3)

    def space(self, high: float) -> None:
        self._y += high

    def need(self, high: float) -> None:
        """Begins a page where there is not so much room left."""
        if not self._fits(high):
            self._page()

    def page(self) -> None:
        """What follows begins on a new page."""
        self._y = HIGH

    def output(self) -> bytes:
        self.need(0)
        for number in range(1, self._pages + 1):
            self._pdf.page = number
            self._pdf.set_font("sans", size=1)  # else it would take the size that this page ended in for the one wanted
            self._put(MARGIN, self._foot, 8, SOFT, at=HIGH - _FOOT)
            told = f"{number} / {self._pages}"
            self._put(WIDE - MARGIN - self._wide(told, 8), told, 8, SOFT, at=HIGH - _FOOT)
        return bytes(self._pdf.output())

    # --- how it is set ---

    def _fits(self, high: float) -> bool:
        return self._y + high <= HIGH - MARGIN - 2

    def _page(self) -> None:
        self._pdf.add_page()
        self._pages += 1
        self._y = MARGIN

    def _high(self, size: float) -> float:
        return size * _POINT * _LEADING

    def _wide(self, text: str, size: float) -> float:
        return width(text, 1) * size * _POINT

    def _lines(self, text: str, size: float, room: float) -> list[str]:
        return wrap(clean(text), room, lambda part: self._wide(part, size))

    def _line(self, text: str, size: float, *, colour: Colour, bold: bool = False) -> None:
        self.need(self._high(size))
        self._put(MARGIN, text, size, colour, bold=bold)
        self._y += self._high(size)

    def _put(
        self, x: float, text: str, size: float, colour: Colour, *, bold: bool = False, at: float | None = None
    ) -> None:
        from fpdf.enums import TextMode

        self._pdf.set_font("sans", size=size)
        self._pdf.set_text_color(*colour)
        y = (self._y if at is None else at) + size * _POINT * 1.1
        if bold:
            self._pdf.set_draw_color(*colour)
            with self._pdf.local_context(text_mode=TextMode.FILL_STROKE, line_width=size * _POINT * _BOLD):
                self._pdf.text(x, y, text)
        else:
            self._pdf.text(x, y, text)

    def _cells(
        self, columns: Sequence[Column], wides: Sequence[float], row: Sequence[str], size: float
    ) -> list[list[str]]:
        measure = partial(self._wide, size=size)
        return [
            cut(self._lines(text, size, wide - 2), column.lines, wide - 2, measure)
            for column, wide, text in zip(columns, wides, row, strict=True)
        ]

    def _row_high(self, columns: Sequence[Column], wides: Sequence[float], row: Sequence[str], size: float) -> float:
        return max(map(len, self._cells(columns, wides, row, size))) * self._high(size) + 1.6

    def _row(
        self,
        columns: Sequence[Column],
        wides: Sequence[float],
        row: Sequence[str],
        size: float,
        *,
        head: bool = False,
        more: float = 0,
    ) -> None:
        cells = self._cells(columns, wides, row, size)
        high = max(map(len, cells)) * self._high(size) + 1.6
        self.need(high + more)
        if head:
            self._pdf.set_fill_color(*HEAD)
            self._pdf.rect(MARGIN, self._y, ROOM, high, style="F")
        x = MARGIN
        for column, wide, lines in zip(columns, wides, cells, strict=True):
            y = self._y + 0.8
            for line in lines:
                at = x + wide - 1 - self._wide(line, size) if column.right else x + 1
                self._put(at, line, size, SOFT if head else INK, at=y)
                y += self._high(size)
            x += wide
        self._y += high
        self._pdf.set_draw_color(*LINE)
        self._pdf.set_line_width(0.1)
        self._pdf.line(MARGIN, self._y, WIDE - MARGIN, self._y)

    def _symbol(self, url: str, x: float, y: float, side: float) -> None:
        """One area: shapes beside each other would show hairlines between them on a screen."""
        boxes = " ".join(f"{across} {down} {n} 1 re" for across, down, n in symbols.runs(url))
        module = side / symbols.size(url) / _POINT
        left, top = x / _POINT, (HIGH - y) / _POINT
        self._pdf.set_fill_color(0)
        self._pdf._out(f"q 0 g {module:.5f} 0 0 {-module:.5f} {left:.4f} {top:.4f} cm {boxes} f Q")
