"""Labels, signs and posters as they come out of the printer: read by another library, in sizes, formats and sheets."""

import io
import re
import zipfile
from contextlib import closing
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from anyio import CapacityLimiter
from httpx2 import Client, Response
from PIL import Image

from app.domain import codes
from app.web import labels, pages
from app.web.service import Service
from tests.scanning.chains import Market, open_market
from tests.support.cast import first_key
from tests.support.story import Story, line

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

BASE = "HTTPS://FOOD.EXAMPLE.CN/C/"
MILLIMETRES = {"50x30": (50, 30), "60x40": (60, 40), "70x37": (70, 37), "105x74": (105, 74), "148x105": (148, 105)}


@pytest.fixture
def town(client: Client, service: Service) -> Market:
    return open_market(Story(client, first_key(service)))


@pytest.fixture
def every(town: Market) -> dict[str, str]:
    """One code of every kind that is printed."""
    made = town.harvest(lot_number="YS-0301")
    slip = town.ship(town.farm, made, "3", to_site_id=town.stall.site["id"])
    batch = town.receive(town.stall, slip)
    scale = town.story.scale(town.stall)
    return {
        "batch": batch["code"], "lot": made["lot_code"], "slip": slip, "stall": town.stall.site["code"],
        "party": town.farm.party["code"], "receipt": scale.sell(0, line(batch, "0.5"))["receipt_code"],
    }  # fmt: skip


def get(town: Market, path: str) -> Response:
    return town.story.client.get(path)


def read(picture: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(picture.convert("L"))]


def printed(pdf: bytes) -> list[Image.Image]:
    """The pages as a printer of 203 dpi sets them."""
    with closing(pypdfium2.PdfDocument(pdf)) as document:
        pictures = [page.render(scale=203.2 / 72).to_pil() for page in document]
    # The page is told in hundredths of a point: a dot more where that rounds up.
    return [picture.crop((0, 0, picture.width // 8 * 8, picture.height // 8 * 8)) for picture in pictures]


def spoken(html: Response, between: str = "") -> str:
    return between.join(re.findall(r"<text[^>]*>([^<]*)<", html.text))


def letters(pdf: bytes) -> list[str]:
    with closing(pypdfium2.PdfDocument(pdf)) as document:
        return [page.get_textpage().get_text_range() for page in document]


def test_each_kind_of_code_in_each_size_and_format(town: Market, every: dict[str, str]) -> None:
    for each in every.values():
        for size, (wide, high) in MILLIMETRES.items():
            png = get(town, f"/labels/{each}?size={size}&format=png")
            picture = Image.open(io.BytesIO(png.content))
            assert (picture.mode, picture.size) == ("1", (wide * 8, high * 8))
            assert read(picture) == [BASE + each]
            found = zxingcpp.read_barcodes(picture.convert("L"))[0]
            # A comfortable module leaves room for more correction; a receipt's code is longer.
            assert found.ec_level in ("M", "Q", "H") if each == every["receipt"] else ("Q", "H")
            assert found.content_type == zxingcpp.ContentType.Text
        html = get(town, f"/labels/{each}")
        assert codes.grouped(each).replace("-", "") in spoken(html).replace("-", "")
        pdf = get(town, f"/labels/{each}?format=pdf")
        assert (pdf.headers["content-type"], pdf.headers["content-disposition"]) == (
            "application/pdf",
            f'inline; filename="{each}.pdf"',
        )
        [page] = printed(pdf.content)
        assert (page.width, page.height) == (400, 240)
        assert read(page) == [BASE + each]


def test_modules_are_whole_dots(town: Market, every: dict[str, str]) -> None:
    picture = Image.open(io.BytesIO(get(town, f"/labels/{every['stall']}?format=png").content)).convert("L")
    rows = [picture.crop((24, y, 24 + 29 * 6, y + 1)).tobytes() for y in range(9 + 24, 9 + 24 + 29 * 6)]
    assert all(set(rows[i : i + 6]) == {rows[i]} for i in range(0, len(rows), 6))
    assert all(row[x] == row[x - x % 6] for row in rows for x in range(29 * 6))


def test_the_words_beside_the_symbol(town: Market, every: dict[str, str]) -> None:
    said = {
        "batch": ("上海青", town.stall.site["name"], "批号 YS-0301", "扫码看来源"),
        "lot": ("上海青", town.farm.party["name"], "批号 YS-0301"),
        "slip": (town.farm.site["name"],),
        "stall": (town.stall.site["name"], town.market.site["name"]),
        "party": (town.farm.party["name"],),
        "receipt": (town.stall.site["name"],),
    }
    for kind, words in said.items():
        for size in ("70x37", "a4"):
            text = spoken(get(town, f"/labels/{every[kind]}?size={size}"))
            for word in words[: 4 if size == "70x37" else 2]:
                assert word in text, (kind, size)
    english = get(town, f"/labels/{every['batch']}?lang=en")
    assert "Scan to see its origin" in spoken(english, " ")
    assert english.headers["content-language"] == "en"
    [style] = re.findall(r"<style>(.*?)</style>", english.text, re.DOTALL)
    assert english.headers["content-security-policy"] == pages.policy(style)
    assert "@page{size:50mm 30mm" in style


def test_a_poster_is_read_across_a_hall(town: Market, every: dict[str, str]) -> None:
    for size, across in (("a4", 1680), ("a3", 2376)):
        [page] = printed(get(town, f"/labels/{every['stall']}?format=pdf&size={size}").content)
        assert page.width == across
        [found] = zxingcpp.read_barcodes(page.convert("L"))
        assert (found.text, found.ec_level) == (BASE + every["stall"], "H")
        assert (found.position.top_right.x - found.position.top_left.x) / across > 0.5
    text = letters(get(town, f"/labels/{every['stall']}?format=pdf&size=a4").content)[0]
    assert "扫码看来源" in text
    assert "Scan to see its origin" in text


def sheet(town: Market, **body: Any) -> Response:
    return town.stall.post("/labels", body)


def test_a_sheet_has_all_of_them_in_order(town: Market, every: dict[str, str]) -> None:
    wanted = list(every.values()) * 7
    for size, on_one in (("50x30", 36), ("60x40", 21), ("70x37", 24), ("105x74", 8)):
        pdf = sheet(town, codes=wanted, size=size, layout="a4").content
        found = printed(pdf)
        assert len(found) == -(-len(wanted) // on_one)
        assert {page.size for page in found} <= {(1680, 2376), (2376, 1680)}
        symbols = [read_in_order(page) for page in found]
        assert [text for page in symbols for text in page] == [BASE + each for each in wanted]
    html = sheet(town, codes=wanted, format="html", layout="a4").text
    assert html.count('class="page"') == 2
    assert 'class="cut"' in html
    assert 'class="cut"' not in sheet(town, codes=wanted, format="html", layout="a4", size="70x37").text


def read_in_order(page: Image.Image) -> list[str]:
    """Symbols row by row."""
    found = zxingcpp.read_barcodes(page.convert("L"))
    places = [(round(each.position.top_left.y / 50), each.position.top_left.x, each.text) for each in found]
    return [text for _, _, text in sorted(places)]


def test_a_roll_has_one_to_a_page_and_pictures_come_bundled(town: Market, every: dict[str, str]) -> None:
    wanted = list(every.values())
    assert [read(page) for page in printed(sheet(town, codes=wanted).content)] == [[BASE + each] for each in wanted]
    answer = sheet(town, codes=wanted, format="png", size="60x40")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        assert bundle.namelist() == [f"{n:04}.png" for n in range(1, 7)]
        assert [read(Image.open(bundle.open(name))) for name in bundle.namelist()] == [[BASE + each] for each in wanted]


def test_a_thousand_at_once_and_no_more(town: Market, every: dict[str, str]) -> None:
    answer = sheet(town, codes=[every["batch"]] * 1_000, layout="a4")
    with closing(pypdfium2.PdfDocument(answer.content)) as document:
        assert len(document) == 28
    assert len(answer.content) < 4_000_000
    assert sheet(town, codes=[every["batch"]] * 1_001).status_code == 422
    assert sheet(town, codes=[]).status_code == 422


def test_a_code_that_is_not_there_is_named(town: Market, every: dict[str, str]) -> None:
    unknown, typed = codes.mint(codes.CodeKind.SITE), every["batch"][:-1]
    answer = sheet(town, codes=[every["stall"], unknown, typed]).json()
    assert (answer["status"], answer["type"]) == (422, "/problems/unknown-codes")
    assert [fault["pointer"] for fault in answer["errors"]] == ["/codes/1", "/codes/2"]
    assert get(town, f"/labels/{unknown}").status_code == 404
    assert get(town, f"/labels/{typed}").status_code == 400


def test_a_format_that_is_not_there_names_those_that_are(town: Market, every: dict[str, str]) -> None:
    code = every["stall"]
    for query, slug in (("format=gif", "format-not-available"), ("size=1x1", "size-not-available")):
        problem: dict[str, Any] = get(town, f"/labels/{code}?{query}").json()
        assert (problem["status"], problem["type"]) == (422, f"/problems/{slug}")
        assert "pdf" in problem["detail"] or "60x40" in problem["detail"]
    assert sheet(town, codes=[code], size="a3", layout="a4").json()["type"] == "/problems/size-not-available"


def test_drawings_wait_for_their_turn_and_not_without_end(
    town: Market, every: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels, "WAITING", 0)
    answer = get(town, f"/labels/{every['stall']}")
    assert (answer.status_code, answer.json()["type"]) == (429, "/problems/too-many-drawings")
    assert int(answer.headers["retry-after"]) > 0
    assert isinstance(labels._turn, CapacityLimiter)
