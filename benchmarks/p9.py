"""P9: 1,000 labels of 50 × 30 mm with names, numbers and symbol, as pictures and as PDF; against the QR library alone
making 1,000 symbols, one core.

Both sides make what they carry anew each time: no symbol is kept from the run before.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial

import qrcode  # type: ignore[import-untyped]

from app.domain import codes
from app.domain.codes import CodeKind
from app.scanning import Tag
from app.web import symbols
from app.web.i18n import Words
from app.web.paper import labels, prints
from benchmarks.harness import Result, Stage, in_turn

SIZE = "50x30"
GOODS = ("上海青", "大白菜", "土猪肉（前腿）", "阳澄湖大闸蟹 公四两母三两", "Tomatoes", "鸡蛋", "卤牛肉", "嘉兴黄桃")


def run(stage: Stage) -> Iterator[Result]:
    count, pairs = (100, 1) if stage.quick else (1_000, 5)
    tags = [made(n) for n in range(count)]
    urls = [address(tag) for tag in tags]
    baseline = partial(alone, urls)
    for what, draw in (("PNG", pictures), ("PDF, one to a page", pdf), ("PDF, 36 to a sheet of A4", sheets)):
        pair = in_turn(partial(draw, tags), baseline, pairs)
        yield Result("P9", "–", f"{count:,} labels, {what}", pair.ours, pair.baseline, "s", pair.ratio, 1.5)


def made(n: int) -> Tag:
    """A batch at a stall."""
    code = codes.mint(CodeKind.CUSTODY)
    return Tag(code, "custody", GOODS[n % 8], f"{n}号 老街蔬菜摊", f"260301-{n:04X}", date(2026, 3, 1))


def address(tag: Tag) -> str:
    return codes.qr_url("https://food.example.cn", tag.code)


def alone(urls: Sequence[str]) -> None:
    """The library as it is used everywhere: text in, symbol out."""
    for url in urls:
        symbol = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M)
        symbol.add_data(url)
        symbol.make(fit=True)


def pages(tags: Sequence[Tag], layout: labels.Layout) -> list[labels.Page]:
    symbols.modules.cache_clear()
    words, size = Words("zh"), labels.SIZES[SIZE]
    return list(labels.pages([labels.draw(tag, address(tag), size, words) for tag in tags], size, layout))


def pictures(tags: Sequence[Tag]) -> list[bytes]:
    return [prints.png(page) for page in pages(tags, "roll")]


def pdf(tags: Sequence[Tag]) -> bytes:
    return prints.pdf(pages(tags, "roll"), "标签", "zh-CN")


def sheets(tags: Sequence[Tag]) -> bytes:
    return prints.pdf(pages(tags, "a4"), "标签", "zh-CN")
