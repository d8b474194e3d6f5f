"""Receipts to print, and the golden files of one of them; `python -m tests.paper.sample` writes these anew."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from app.domain import codes
from app.scanning import Paper, PaperLine
from app.web.i18n import Language, Words
from app.web.paper.escpos import escpos
from app.web.paper.text import text

GOLDEN = Path(__file__).parent / "golden"
WIDTHS = (58, 80)
LANGUAGES: tuple[Language, ...] = ("zh", "en")

CODE = codes.receipt_code(bytes(range(32)), codes.receipt_id(17, 1, 1234))
URL = codes.qr_url("https://food.example.cn", CODE)

SAMPLE = Paper(
    code=CODE,
    market="城西农贸市场",
    stall="一号摊 蔬菜",
    trader="河东蔬菜经营部",
    credit_code="91330106MA2CFKYE0L",
    licence="JY13301060000019",
    sold_at=datetime(2026, 3, 1, 9, 15, 27, tzinfo=timezone(timedelta(hours=8))),
    device_number=17,
    counter=1234,
    operator="01",
    payment="wechat",
    total_fen=10_090,
    other_sales=0,
    lines=[
        PaperLine("上海青", "1.5", "斤", 600, 900),
        PaperLine("五花肉", "0.82", "公斤", 4500, 3690),
        PaperLine("散养土鸡蛋", "10", "个", 150, 1500),
        PaperLine("阳山水蜜桃（无锡特产，当日采摘，每箱十二只装）", "1.335", "kg", None, 4000),
        PaperLine("Organic Gala apples from Shandong province", "2", "斤", 0, 0),
    ],
)


def paper(**changes: Any) -> Paper:
    """The sample, but for these."""
    return replace(SAMPLE, **changes)


def golden() -> dict[str, Callable[[], bytes]]:
    """Name of a golden file → what belongs into it."""
    made: dict[str, Callable[[], bytes]] = {}
    for language in LANGUAGES:
        for width in WIDTHS:
            name = f"receipt-{width}-{language}"
            words = Words(language)
            made[f"{name}.txt"] = lambda words=words, width=width: text(SAMPLE, words, URL, width).encode()  # type: ignore[misc]
            made[f"{name}.bin"] = lambda words=words, width=width: escpos(SAMPLE, words, URL, width)  # type: ignore[misc]
    return made


if __name__ == "__main__":
    for name, make in golden().items():
        (GOLDEN / name).write_bytes(make())
