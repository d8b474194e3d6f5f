"""A receipt in all its forms: golden files, what a printer makes of it, what a camera reads off it."""

import io

import pytest
import zxingcpp
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from app.domain import codes
from app.scanning import Paper, PaperLine
from app.web import symbols
from app.web.i18n import Language, Words
from app.web.paper.escpos import escpos
from app.web.paper.picture import png
from app.web.paper.text import text
from tests.paper.printer import COLUMNS, DOTS, Printer
from tests.paper.sample import CODE, GOLDEN, LANGUAGES, SAMPLE, URL, WIDTHS, golden, paper

ZH = Words("zh")

LONG = "阳澄湖大闸蟹" * 33
ODD = (
    LONG,
    "W" * 200,
    "a" * 31 + " " + "b" * 33 + " " + "鸡蛋" * 20,
    "🍎🍐👨‍👩‍👧 苹果",  # no printer has these
    "𰻝𰻝面 㙍 龘",  # four bytes of GB 18030
    "Żółć café naïve ﷽",
    "नमस्ते مرحبا བོད་",
    "e\u0301\u200b\u200d\ufe0f\u202e",
    "\x1b@\x1dV\x00\n\t\x00危险",  # commands, if they came through
    "\ud800\ue000\U0010fffd",
    "   ",
    "",
)


def printed(receipt: Paper, words: Words, width: int, url: str = URL) -> Printer:
    printer = Printer(width)
    printer.print(escpos(receipt, words, url, width))
    return printer


def shown(receipt: Paper, words: Words, width: int, url: str = URL) -> Image.Image:
    picture = Image.open(io.BytesIO(png(receipt, words, url, width)))
    assert (picture.format, picture.mode, picture.width) == ("PNG", "1", DOTS[width])
    return picture


def cells(line: str) -> int:
    """Columns of a printer: one for a byte of GB 18030, two for more."""
    return sum(1 if len(char.encode("gb18030")) == 1 else 2 for char in line)


# --- golden files ---


@pytest.mark.parametrize("name", golden())
def test_the_form_is_as_it_was(name: str) -> None:
    assert golden()[name]() == (GOLDEN / name).read_bytes()


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == golden().keys()


# --- what stands on it ---


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_text_and_printer_say_the_same(language: Language, width: int) -> None:
    """Line for line, but for the symbol and for larger letters, that the text has no way to show."""
    words = Words(language)
    lines = [line.strip() for line in text(SAMPLE, words, URL, width).splitlines()]
    printer = printed(SAMPLE, words, width)
    spoken = [" ".join(line.split()) for line in lines if line not in ("HTTPS://FOOD.EXAMPLE.CN/C/", CODE)]
    assert [" ".join(line.text.split()) for line in printer.lines if line.text.strip()] == spoken
    [square] = printer.squares
    assert (square.data, square.model, square.correction, square.centred) == (URL, 50, 49, True)
    assert square.dots * (len(symbols.modules(URL)) + 2 * symbols.QUIET) <= DOTS[width]
    assert printer.cuts == 1


def test_the_number_to_type_is_large_whole_and_right() -> None:
    for width in WIDTHS:
        [line] = [line for line in printed(SAMPLE, ZH, width).lines if line.text == codes.grouped(CODE)]
        assert (line.high, line.strong, line.centred) == (2, True, True)
        assert codes.parse(line.text).text == CODE
        assert codes.grouped(CODE) in text(SAMPLE, ZH, URL, width)


def test_head_and_total_are_large() -> None:
    big = [line.text.split() for line in printed(SAMPLE, ZH, 58).lines if line.wide == 2]
    assert big == [["城西农贸市场"], ["合计", "￥100.90"]]
    # What is too long for that is printed narrower, whole.
    long = paper(market="杭州市西湖区古荡街道农贸市场", total_fen=12_345_678_901)
    printer = printed(long, ZH, 58)
    assert [line.wide for line in printer.lines if "农贸市场" in line.text] == [1]
    assert "￥123456789.01" in " ".join(line.text for line in printer.lines)


def test_the_licence_is_that_which_the_trader_has() -> None:
    assert "信用代码 91330106MA2CFKYE0L" in text(SAMPLE, ZH, URL, 58)
    assert "许可证 JY13301060000019" in text(paper(credit_code=None), ZH, URL, 58)
    none = text(paper(credit_code=None, licence=None, trader=None), ZH, URL, 58)
    assert "经营者" not in none
    assert "许可证" not in none


def test_a_shop_alone_is_named_once() -> None:
    alone = text(paper(market=None, stall="河东豆腐店", trader="河东豆腐店"), ZH, URL, 58)
    assert alone.count("河东豆腐店") == 1


def test_what_is_not_known_is_not_made_up() -> None:
    unknown = paper(total_fen=None, operator=None, payment=None, lines=[PaperLine(None, "2", "斤", None, None)])
    said = text(unknown, ZH, URL, 58).splitlines()
    at = said.index("未登记商品")
    assert said[at + 1].split() == ["2斤", "--"]
    assert [line.split() for line in said if "合计" in line] == [["合计", "共", "1", "项"]]
    assert "￥" not in "".join(said)


def test_another_sale_under_the_number_is_told() -> None:
    assert "另有 2 笔不同的销售" in text(paper(other_sales=2), ZH, URL, 80)
    assert "Note: 1 other sales bear this" in text(paper(other_sales=1), Words("en"), URL, 58)


def test_a_way_of_payment_without_a_word_is_printed_as_it_came() -> None:
    assert "市民卡" in text(paper(payment="市民卡"), ZH, URL, 58)


# --- whatever comes ---


def odd_papers(product: str, lines: int = 1) -> Paper:
    row = PaperLine(product, "123456789012345.123456789", "公斤", 10**11, -(10**11))
    return paper(
        market=product, stall=product, trader=product, credit_code=product or None, operator=product,
        payment=product, lines=[row] * lines, total_fen=-(10**13), other_sales=3,
    )  # fmt: skip


def fits(receipt: Paper, words: Words, width: int) -> None:
    for line in text(receipt, words, URL, width).splitlines():
        assert cells(line) <= COLUMNS[width], line
    printer = printed(receipt, words, width)  # which refuses a wide line and an unknown command
    assert len(printer.squares) == printer.cuts == 1


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("product", ODD, ids=range(len(ODD)))
def test_odd_names_neither_break_nor_widen_a_form(product: str, language: Language, width: int) -> None:
    receipt = odd_papers(product)
    fits(receipt, Words(language), width)
    picture = shown(receipt, Words(language), width)
    white = Image.new("1", (4, picture.height), 1)
    for edge in (0, picture.width - 4):  # ink at an edge would be a line that went on
        assert picture.crop((edge, 0, edge + 4, picture.height)).tobytes() == white.tobytes()


@settings(max_examples=60, deadline=None)
@given(product=st.text(max_size=80), width=st.sampled_from(WIDTHS), language=st.sampled_from(LANGUAGES))
@example(product="，" * 40, width=58, language="zh")
@example(product="，" * 15 + "a" * 40, width=58, language="zh")
def test_no_text_breaks_or_widens_a_form(product: str, width: int, language: Language) -> None:
    fits(odd_papers(product), Words(language), width)


def test_no_name_commands_the_printer() -> None:
    receipt = paper(lines=[PaperLine("\x1b@\x1dV\x00菜\x1d(k\x03\x001Q0", "1", "斤", None, 100)])
    names = [line.text for line in printed(receipt, ZH, 58).lines if "V" in line.text]
    assert names == ["@ V 菜 (k  1Q0"]


def test_what_no_printer_has_is_a_box() -> None:
    said = text(paper(lines=[PaperLine("🍎苹果é℃𰻝", "1", "斤", None, 100)]), ZH, URL, 58)
    assert "□苹果é℃𰻝\n" in said


def test_a_name_of_many_lines_is_cut_and_says_so() -> None:
    said = text(paper(lines=[PaperLine(LONG, "1", "斤", None, 100)]), ZH, URL, 58).splitlines()
    name = [line for line in said if "大闸蟹" in line]
    assert len(name) == 3
    assert name[-1].endswith("...")


def test_closing_marks_do_not_begin_a_line() -> None:
    name = "阳山水蜜桃（无锡特产，当日采摘摘，每箱）"
    said = text(paper(lines=[PaperLine(name, "1", "斤", None, 100)]), ZH, URL, 58).splitlines()
    at = next(i for i, line in enumerate(said) if line.startswith("阳山"))
    assert said[at] + said[at + 1] == name
    assert said[at + 1].startswith("摘，")


@pytest.mark.parametrize("width", WIDTHS)
def test_two_hundred_lines_fit_on_one_roll(width: int) -> None:
    receipt = paper(lines=[PaperLine(LONG[:200], "1.5", "斤", 600, 900)] * 200, total_fen=180_000)
    fits(receipt, ZH, width)
    assert text(receipt, ZH, URL, width).count("6.00/斤") == 200
    assert [found.text for found in zxingcpp.read_barcodes(shown(receipt, ZH, width))] == [URL]


# --- the picture ---


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("base", ["https://food.example.cn", "https://trace.hangzhou.example.gov.cn:8443/suyuan/app"])
def test_a_camera_reads_the_symbol_off_the_picture(base: str, language: Language, width: int) -> None:
    url = codes.qr_url(base, CODE)
    picture = shown(SAMPLE, Words(language), width, url)
    [found] = zxingcpp.read_barcodes(picture)
    assert (found.text, found.format) == (url, zxingcpp.BarcodeFormat.QRCode)
    assert round(picture.info["dpi"][0]) == 203
    # A phone reads a module of 4 dots (half a millimetre) from a hand's breadth.
    assert (found.position.top_right.x - found.position.top_left.x) / len(symbols.modules(url)) >= 4


def test_a_long_address_makes_a_symbol_that_still_fits() -> None:
    url = codes.qr_url("https://food.example.cn/" + "a" * 300, CODE)
    [found] = zxingcpp.read_barcodes(shown(SAMPLE, ZH, 58, url))
    assert found.text == url
    assert printed(SAMPLE, ZH, 58, url).squares[0].data == url


def test_the_picture_has_chinese_letters_and_not_boxes() -> None:
    """The glyphs of two names differ, which boxes would not; the same name is the same picture."""

    def drawn(stall: str) -> bytes:
        return shown(paper(stall=stall), ZH, 58).tobytes()

    assert drawn("一号摊") == drawn("一号摊")
    assert drawn("一号摊") != drawn("二号摊")
