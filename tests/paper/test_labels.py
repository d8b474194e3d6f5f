"""The layout of labels: nothing sticks out, nothing covers the symbol, the code is always there, whatever the names."""

import io
from contextlib import closing
from datetime import date

import pypdfium2
import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import Engine

from app.domain import codes
from app.domain.codes import CodeKind
from app.domain.errors import Invalid
from app.scanning import Tag
from app.scanning.tags import tags
from app.store.engine import reading
from app.web import symbols
from app.web.i18n import Words
from app.web.paper import labels, prints
from app.web.paper.labels import SIZES, Drawing, Size
from app.web.paper.lettering import width

NAMES = (
    "上海青",
    "有机阳澄湖大闸蟹礼盒装八只公母各四只特级" * 4,
    "Extraordinarily-long-hyphenated-name-without-any-blank" * 3,
    "🍎 <b>苹果</b> & \x1b@ 𰻝𰻝面",
    "",
)
RECEIPT = codes.receipt_code(b"s" * 32, codes.receipt_id(1, 0, 1))
ZH, EN = Words("zh"), Words("en")


def tag(name: str, code: str = "") -> Tag:
    return Tag(code or codes.mint(CodeKind.CUSTODY), "custody", name, name, "YS-0301-" * 5, date(2026, 3, 1))


def drawn(said: Tag, size: Size, words: Words = ZH, base: str = "https://food.example.cn") -> Drawing:
    return labels.draw(said, codes.qr_url(base, said.code), size, words)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("words", [ZH, EN], ids=["zh", "en"])
@pytest.mark.parametrize("code", ["", RECEIPT], ids=["batch", "receipt"])
def test_everything_is_in_its_place(size: str, words: Words, code: str) -> None:
    for name in NAMES:
        said = tag(name, code)
        wide, high = SIZES[size].width * 8, SIZES[size].height * 8
        drawing = drawn(said, SIZES[size], words)
        symbol = drawing.symbol
        side = symbol.dots * symbols.size(symbol.url, symbol.level)
        assert symbol.dots >= labels.LEAST
        assert 0 <= symbol.x <= symbol.x + side <= wide
        assert 0 <= symbol.y <= symbol.y + side <= high
        bottom = 0
        for text in drawing.texts:
            assert 0 <= text.x <= text.x + width(text.text, text.size) <= wide + 1
            assert bottom <= text.y - text.size * 0.9, "lines do not overlap"
            bottom = text.y + text.size // 4
            assert bottom <= high
            beside = text.x >= symbol.x + side
            above = text.y + text.size // 4 <= symbol.y or text.y - text.size >= symbol.y + side
            assert beside or above, "nothing covers the symbol"
        assert codes.grouped(said.code).replace("-", "") in "".join(text.text for text in drawing.texts).replace(
            "-", ""
        )


def test_pictures_and_pdf_of_odd_names_are_read() -> None:
    drawings = [drawn(tag(name), SIZES["50x30"]) for name in NAMES]
    pages = list(labels.pages(drawings, SIZES["50x30"], "roll"))
    with closing(pypdfium2.PdfDocument(prints.pdf(pages, "标签", "zh-CN"))) as document:
        printed = [paper.render(scale=203.2 / 72).to_pil() for paper in document]
    for page, drawing, paper in zip(pages, drawings, printed, strict=True):
        picture = Image.open(io.BytesIO(prints.png(page))).convert("L")
        for image in (picture, paper):
            assert [found.text for found in zxingcpp.read_barcodes(image)] == [drawing.symbol.url]
        assert "<b>" not in prints.svg(page)


def test_a_symbol_that_has_no_room_is_refused() -> None:
    """A public address of two hundred characters makes a symbol of many modules."""
    base = "https://food.example.cn/" + "path/" * 40
    with pytest.raises(Invalid, match="size-not-available"):
        drawn(tag("上海青"), Size(20, 12), base=base)
    near = drawn(tag("上海青"), SIZES["50x30"], base=base)
    assert (near.symbol.level, near.symbol.dots) == ("M", 3), "as large as it can be"
    far = drawn(tag("上海青"), SIZES["105x74"], base=base)
    assert (far.symbol.level, far.symbol.dots >= labels.LEAST) == ("Q", True)


@pytest.mark.parametrize("level", ["M", "Q", "H"])
def test_sizes_are_known_without_drawing(level: symbols.Level) -> None:
    for url in ("HTTPS://FOOD.EXAMPLE.CN/C/" + "A" * 18, "https://food.example.cn/a/c/" + "B" * 28):
        assert symbols.size(url, level) == len(symbols.modules(url, level)) + 8
        dark = sum(sum(row) for row in symbols.modules(url, level))
        assert sum(n for _, _, n in symbols.runs(url, level)) == dark


def test_a_smudged_symbol_is_still_read() -> None:
    """What the fixed mask and the chosen correction are for: a label on a crate gets wet and torn."""
    for _ in range(20):
        said = tag("上海青")
        url = codes.qr_url("https://food.example.cn", said.code)
        level, dots = drawn(said, SIZES["50x30"]).symbol.level, 6
        picture = symbols.image(url, dots, level).convert("L")
        picture.paste(0, (130, 100, 154, 124))  # 24 × 24 dots: 16 modules
        assert [found.text for found in zxingcpp.read_barcodes(picture)] == [url]


def test_a_unit_has_a_label_of_its_kind(engine: Engine) -> None:
    unit = codes.parse(codes.unit_code(b"s" * 32, 1, 1))
    with reading(engine) as snapshot:
        assert tags(snapshot, [unit], {}) == [Tag(unit.text, "unit")]
