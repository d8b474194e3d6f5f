"""The lines of a receipt, for any paper: whoever sets them says how wide a text is, in columns or in dots."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from app.domain import codes
from app.domain.money import yuan
from app.scanning import Paper, PaperLine
from app.web.i18n import Words
from app.web.paper.glyphs import clean, cut, wrap

NAME_LINES = 3  # of a product; the page behind the code has the whole name


class Style(Enum):
    PLAIN = "plain"
    STRONG = "strong"
    TALL = "tall"  # of double height
    BIG = "big"  # of double height and width


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `left` from its beginning, `right` up to its end, `middle` up to two thirds of it; or centred, `left`
    alone."""

    left: str = ""
    middle: str = ""
    right: str = ""
    style: Style = Style.PLAIN
    centred: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the paper."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """The QR symbol of a URL."""

    url: str


Element = Line | Rule | Symbol
Measure = Callable[[str, Style], float]


def stop(width: int) -> int:
    """Where the middle of a line ends."""
    return width * 2 // 3


def lay_out(paper: Paper, words: Words, url: str, width: int, measure: Measure) -> list[Element]:
    """The receipt from top to bottom. No line is wider than `width`, in the unit of `measure`."""
    return list(_Sheet(words, width, measure).elements(paper, url))


class _Sheet:
    def __init__(self, words: Words, width: int, measure: Measure) -> None:
        self._words = words
        self._width = width
        self._measure = measure

    def elements(self, paper: Paper, url: str) -> Iterator[Element]:
        t = self._words.t
        yield from self._centred(paper.market or paper.stall, self._largest(clean(paper.market or paper.stall)))
        if paper.market:
            yield from self._centred(paper.stall, Style.STRONG)
        yield Rule()
        if paper.trader and paper.trader != paper.stall:
            yield from self._text(t("paper.trader", name=paper.trader))
        if paper.credit_code:
            yield from self._text(t("paper.credit_code", number=paper.credit_code))
        elif paper.licence:
            yield from self._text(t("paper.licence", number=paper.licence))
        yield from self._text(f"{paper.sold_at:%Y-%m-%d %H:%M:%S}")
        yield from self._row(t("paper.device", n=paper.device_number), "", t("paper.counter", n=paper.counter))
        yield Rule()
        yield from self._row(t("paper.goods"), t("paper.price"), t("paper.amount"))
        for line in paper.lines:
            yield from self._line(line)
        yield Rule()
        yield from self._total(paper)
        if paper.other_sales:
            yield from self._text(t("paper.other_sales", n=paper.other_sales), Style.STRONG)
        yield Rule()
        yield from self._centred(t("paper.scan"), Style.STRONG)
        yield Symbol(url)
        yield from self._centred(t("paper.type"))
        yield from self._code(codes.grouped(paper.code))
        yield from self._centred(t("paper.hotline"))

    def _line(self, line: PaperLine) -> Iterator[Line]:
        style = Style.STRONG
        name = wrap(clean(line.product or self._words.t("paper.unnamed")), self._width, self._by(style))
        for text in cut(name, NAME_LINES, self._width, self._by(style)):
            yield Line(text, style=style)
        unit = clean(line.unit)
        price = "" if line.price_fen is None else f"{yuan(line.price_fen)}/{unit}"
        amount = "--" if line.amount_fen is None else yuan(line.amount_fen)
        blank = " " if unit.isascii() else ""
        yield from self._row(f"{line.value}{blank}{unit}", price, amount)

    def _total(self, paper: Paper) -> Iterator[Line]:
        t = self._words.t
        items = t("paper.items", n=len(paper.lines))
        if paper.total_fen is None:
            yield from self._row(t("paper.total"), "", items)
        else:
            label, total = t("paper.total"), f"￥{yuan(paper.total_fen)}"
            yield from self._row(label, "", total, self._largest(f"{label} {total}"))
            yield from self._row(self._words.word("payment", paper.payment), "", items)
        if paper.operator:
            yield from self._text(t("paper.operator", name=paper.operator))

    def _code(self, grouped: str) -> Iterator[Line]:
        """On one line or in two halves, never broken within a group."""
        groups = grouped.split("-")
        halves = ["-".join(groups[:4]), "-".join(groups[4:])]
        whole = self._measure(grouped, Style.TALL) <= self._width
        for text in [grouped] if whole else halves:
            yield Line(text, style=Style.TALL, centred=True)

    def _row(self, left: str, middle: str, right: str, style: Style = Style.PLAIN) -> Iterator[Line]:
        """On one line where they have room, else what does not on lines of its own."""
        left, middle, right = clean(left), clean(middle), clean(right)
        if self._fits(left, middle, right, style):
            yield Line(left, middle, right, style)
            return
        yield from self._text(left, style)
        if not self._fits("", middle, right, style):
            yield from self._text(middle, style)
            middle = ""
        yield Line("", middle, right, style)

    def _fits(self, left: str, middle: str, right: str, style: Style) -> bool:
        blank, head, body, tail = (self._measure(text, style) for text in (" ", left, middle, right))
        if not middle:
            return head + blank + tail <= self._width
        return head + blank + body <= stop(self._width) and stop(self._width) + blank + tail <= self._width

    def _text(self, text: str, style: Style = Style.PLAIN) -> Iterator[Line]:
        return (Line(part, style=style) for part in wrap(clean(text), self._width, self._by(style)))

    def _centred(self, text: str, style: Style = Style.PLAIN) -> Iterator[Line]:
        return (Line(part, style=style, centred=True) for part in wrap(clean(text), self._width, self._by(style)))

    def _largest(self, text: str) -> Style:
        """Big where it fits one line."""
        return Style.BIG if self._measure(text, Style.BIG) <= self._width else Style.TALL

    def _by(self, style: Style) -> Callable[[str], float]:
        return lambda text: self._measure(text, style)
