"""The page behind a code: representations, languages, caches, what a browser may do with it, and its mistakes."""

import gzip
import io
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
import zxingcpp
from httpx2 import Client, Response
from PIL import Image

from app.domain import codes
from app.web import pages, symbols
from app.web.service import Service
from tests.scanning.chains import Market, open_market
from tests.support.cast import ago, first_key
from tests.support.freshness import settled
from tests.support.story import Story, day, line, plain

# What the store says is the same on both databases; this is about how it is said.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
JSON = {"Accept": "application/json"}
TEXT = {"Accept": "text/plain"}


@pytest.fixture
def town(client: Client, service: Service) -> Market:
    return open_market(Story(client, first_key(service)))


@pytest.fixture
def code(town: Market, service: Service) -> str:
    moved = town.move(town.farm, town.stall, town.harvest(lot_number="YS-1"))
    settled(service)
    return str(moved["code"])


def get(town: Market, path: str, **headers: str) -> Response:
    return town.story.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


# --- representations and languages ---


ACCEPTS = {
    None: "text/html",
    "": "text/html",
    "*/*": "text/html",
    HTML["Accept"]: "text/html",
    "application/json": "application/json",
    "application/json;q=0.9, text/html;q=0.5": "application/json",
    "application/*": "application/json",
    "text/plain": "text/plain",
    "text/*;q=0.3, text/plain;q=0.4": "text/plain",
    "text/html;q=0, text/plain;q=0.1": "text/plain",
    "image/png": "text/html",
    "text/html;q=oops, application/json": "application/json",
}


def test_the_answer_is_as_asked(town: Market) -> None:
    for accept, kind in ACCEPTS.items():
        request = town.story.client.build_request("GET", f"/c/{town.stall.site['code']}")
        del request.headers["accept"]
        if accept is not None:
            request.headers["accept"] = accept
        answer = town.story.client.send(request)
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == kind, accept
        assert answer.headers["vary"] == "Accept, Accept-Language, Accept-Encoding, Authorization, Cookie"


LANGUAGES = {
    ("", ""): "zh-CN",
    ("", "en"): "en",
    ("", "en-GB,en;q=0.9"): "en",
    ("", "zh-CN,zh;q=0.9,en;q=0.8"): "zh-CN",
    ("", "fr, en;q=0.5, zh;q=0.4"): "en",
    ("", "fr"): "zh-CN",
    ("", "en;q=0"): "zh-CN",
    ("?lang=en", "zh"): "en",
    ("?lang=zh", "en"): "zh-CN",
    ("?lang=klingon", "en"): "en",
}


def test_the_language_is_as_asked(town: Market) -> None:
    for (query, asked), language in LANGUAGES.items():
        answer = get(town, f"/c/{town.stall.site['code']}{query}", **HTML, Accept_Language=asked)
        assert answer.headers["content-language"] == language, (query, asked)
        assert f'<html lang="{language}">' in answer.text


def test_a_symbol_may_carry_the_address_in_capitals_and_a_person_may_type_it(town: Market, code: str) -> None:
    for spelled in (f"/C/{code}", f"/c/{code.lower()}", f"/C/{codes.grouped(code)}", f"/c/{code[:4]}%20{code[4:]}"):
        assert get(town, spelled, **JSON).json()["code"] == code


def test_head_is_get_without_the_body(town: Market, code: str) -> None:
    for kind in (HTML, JSON, TEXT):
        got = get(town, f"/c/{code}", **kind)
        head = town.story.public.request("HEAD", f"/c/{code}", headers=kind)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-length", "content-type", "etag", "cache-control", "vary"):
            assert head.headers[name] == got.headers[name]


def test_what_has_not_changed_is_not_sent_again(town: Market, code: str) -> None:
    first = get(town, f"/c/{code}", **JSON)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "public, no-cache"
    for asked in (tag, f'W/{tag}, "x"', "*"):
        again = get(town, f"/c/{code}", **JSON, If_None_Match=asked)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert get(town, f"/c/{code}", **JSON, If_None_Match='"x"').status_code == 200
    assert get(town, f"/c/{code}", **HTML, If_None_Match=tag).status_code == 200
    received = town.stall.get("/events?kind=receive").json()["items"][0]["outcome"]["outputs"][0]
    town.story.admin.record("hold", custody_id=received["custody_id"], scope="lot", reason="抽检")
    changed = get(town, f"/c/{code}", **JSON, If_None_Match=tag)
    assert (changed.status_code, changed.json()["status"]) == (200, "held")


def test_anonymous_answers_set_no_cookie(town: Market, code: str) -> None:
    for kind in (HTML, JSON, TEXT):
        assert "set-cookie" not in get(town, f"/c/{code}", **kind).headers


def test_a_text_fits_an_sms(town: Market, code: str) -> None:
    for each in (code, town.stall.site["code"], town.stall.party["code"]):
        for language in ("zh", "en"):
            text = town.story.text(each, language)
            assert len(text) <= 300
            assert text.endswith(f"https://food.example.cn/c/{each}")
    assert town.story.text(code).startswith("【一码】上海青（批号YS-1）：来源可查。")
    assert "河东蔬菜合作社" in town.story.text(code)


def test_a_text_leaves_out_what_does_not_fit(town: Market) -> None:
    story = town.story
    goods = town.harvest(lot_number="九" * 80, hours=30)
    senders = [town.farm, town.stall, town.other] * 3
    for hours, (sender, receiver) in enumerate(pairwise(senders)):
        goods = town.move(sender, receiver, goods, "10", hours=28 - 2 * hours)
    for i in range(5):
        fields = {"stage": "rapid", "item": f"很长的检测项目名称{i}" * 5, "value": "阴性"}
        town.market.record("test", custody_id=goods["custody_id"], **fields)
    hold = {"scope": "custody", "reason": "因多项指标复核而暂停销售"}
    story.admin.record("hold", custody_id=goods["custody_id"], **hold)
    for language in ("zh", "en"):
        text = story.text(goods["code"], language)
        assert len(text) <= 300
        assert "因多项指标复核而暂停销售" in text
        assert text.endswith(goods["code"])


# --- the page ---


class Reader(HTMLParser):
    """What a browser would load, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.styled: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "link", "br", "input", "path", "circle", "rect"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "action", "srcset", "poster", "data"):
                self.addresses.append(value or "")
            if name == "style" or name.startswith("on"):
                self.styled.append(f"{tag} {name}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(markup: str) -> Reader:
    reader = Reader()
    reader.feed(markup)
    assert reader.open == []
    return reader


@pytest.fixture
def every(town: Market) -> dict[str, str]:
    """One code of each kind and status that a page has."""
    story, made = town.story, town.harvest(lot_number="YS-1")
    story.certify(town.farm, made, "conformity_certificate", number="TL-7", class_="A")
    slip = town.ship(town.farm, made)
    town.market.record("admit", custody_ids=None, slip_code=slip)
    here, bought = town.receive(town.stall, slip), town.from_outside(town.stall)
    scale = story.handheld(town.stall, "3号秤")
    sold, pending = scale.prints(line(here, "1"), line(bought, "1")), scale.prints(line(here, "1"))
    scale.unsent.pop()
    scale.upload()
    town.market.record("test", custody_id=bought["custody_id"], stage="rapid", item="毒死蜱", value="阳性")
    return {
        "site": town.stall.site["code"],
        "market": town.market.site["code"],
        "party": town.stall.party["code"],
        "batch": here["code"],
        "held": bought["code"],
        "lot": made["lot_code"],
        "slip": slip,
        "receipt": sold,
        "pending": pending,
    }


def test_every_page_is_one_document_without_script_or_outside_request(town: Market, every: dict[str, str]) -> None:
    for name, each in every.items():
        for language in ("zh", "en"):
            answer = get(town, f"/c/{each}?lang={language}", **HTML)
            reader = read(answer.text)
            assert "script" not in reader.tags, name
            assert reader.styled == [], name
            ours = ("/c/", "/recalls", "?lang=", "#", "data:,")
            assert all(address.startswith(ours) for address in reader.addresses), name
            assert len(gzip.compress(answer.content, 6)) < 14_000, name
            assert len({"main", "header", "footer", "h1"} - set(reader.tags)) == 0, name
            assert reader.tags.count("h1") == 1, name
            [style] = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
            assert pages.policy(style) == pages.POLICY
            assert answer.headers["content-security-policy"] == pages.POLICY
            assert "default-src 'none'" in pages.POLICY


def test_markup_in_a_name_is_text(town: Market) -> None:
    trick = town.story.product("<script>alert(1)</script>")
    made = town.farm.record("produce", outputs=[town.story.output(trick, "1")])["outputs"][0]
    page = get(town, f"/c/{made['code']}", **HTML).text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_status_stands_in_words_colour_and_shape(town: Market, every: dict[str, str]) -> None:
    held = get(town, f"/c/{every['held']}", **HTML).text
    assert '<body class="held grave">' in held
    assert "暂停销售" in held
    assert held.partition("</head>")[2].count("请不要购买，也不要食用。") == 2, "at the top, and where the thumb is"
    assert "怎么办" in held
    assert "初筛不合格" in held
    good = get(town, f"/c/{every['batch']}", **HTML).text
    assert '<body class="ok">' in good
    assert "怎么办" not in good
    assert "不是官方检验结论" in good, "a promise is never shown as a pass"
    shapes = {re.findall(r'role="status"><svg.*?</svg>', page)[0] for page in (held, good)}
    assert len(shapes) == 2


def shared(page: str) -> dict[str, str]:
    """What a messenger shows of an address: Open Graph properties."""
    return dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)">', page))


def test_a_shared_link_reads_well(town: Market, every: dict[str, str]) -> None:
    good = shared(get(town, f"/c/{every['batch']}?lang=zh", **HTML).text)
    assert (good["title"], good["locale"], good["type"]) == ("上海青 · 来源可查", "zh_CN", "website")
    assert good["site_name"] == "一码 · 食品来源查询"
    assert good["description"] == (
        "从源头到这里，每一步都有记录，没有不利信息。产地 杭州市桐庐县 · 经手 2 家 · 检测 无记录 · 凭证 1 份"
    )
    bad = shared(get(town, f"/c/{every['held']}?lang=en", **HTML).text)
    assert (bad["title"], bad["description"]) == ("Off sale: 上海青", "Do not buy it. Do not eat it.")
    assert bad["locale"] == "en"


def test_the_page_of_a_stall_tells_the_tests_of_today_first(town: Market, every: dict[str, str]) -> None:
    stall = town.story.read(every["site"])
    assert "今天的检测 毒死蜱" in stall
    assert "此前的检测" not in stall
    here = town.move(town.farm, town.other, town.harvest(hours=70, produced_on=day(-4)), hours=60)
    assert "检测 无记录" in town.story.read(town.other.site["code"])
    fields = {"stage": "rapid", "item": "克百威", "value": "阴性", "event_time": ago(hours=48)}
    town.market.record("test", custody_id=here["custody_id"], **fields)
    told = town.story.read(town.other.site["code"])
    assert told.index("今天还没有检测记录") < told.index("此前的检测 克百威")
    assert "经营者 二号摊" in told


def test_goods_of_a_refused_slip_are_not_called_good(town: Market) -> None:
    meat = town.story.product("五花肉", "pork")
    made = town.farm.record("produce", outputs=[town.story.output(meat, "40")])["outputs"][0]
    slip = town.ship(town.farm, made)
    town.market.record("admit", slip_code=slip)
    page = get(town, f"/c/{slip}?lang=zh", **HTML).text
    assert '<body class="refused grave">' in page
    assert "来源可查" not in page
    assert '<li class="no">' in page, "the gate that refused them"


def test_a_page_of_a_long_way_stays_short(town: Market, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "STOPS", 1)
    monkeypatch.setattr(pages, "PAPERS", 1)
    here = town.move(town.farm, town.stall, town.harvest())
    for item in ("毒死蜱", "克百威"):
        town.market.record("test", custody_id=here["custody_id"], stage="rapid", item=item, value="阴性")
    read = town.story.read(here["code"])
    assert read.count("还有 1 项没有列出") == 2
    service.scans.forget_all()  # pages of other bounds than the next test's


# --- mistakes ---


def swapped(code: str) -> str:
    at = next(i for i in range(2, len(code) - 1) if code[i] != code[i + 1])
    return code[:at] + code[at + 1] + code[at] + code[at + 2 :]


def test_a_mistyped_code_names_what_was_meant(town: Market, code: str) -> None:
    typed = swapped(code)
    problem = get(town, f"/c/{typed}", **JSON)
    assert (problem.status_code, problem.json()["type"]) == (400, "/problems/mistyped-code")
    assert codes.grouped(code) in problem.json()["detail"]
    assert problem.headers["content-type"] == "application/problem+json"
    page = get(town, f"/c/{typed}?lang=zh", **HTML)
    assert (page.status_code, page.headers["cache-control"]) == (400, "no-store")
    assert f'href="/c/{code}"' in page.text
    assert f'value="{typed}"' in page.text
    assert "您要找的是不是： 上海青 批次 一号摊 · 批号 YS-1" in plain(page.text)
    assert read(page.text).tags.count("h1") == 1
    assert "What is this code?" in get(town, f"/c/{typed}?lang=en", **HTML).text


def test_a_mistyped_receipt_or_unit_is_offered_where_it_is_ours(town: Market, service: Service) -> None:
    secret = codes.receipt_secret(service.master, 7, 1)
    ours = codes.receipt_code(secret, codes.receipt_id(7, 1, 5))
    page = get(town, f"/c/{swapped(ours)}", **HTML)
    assert f'href="/c/{ours}"' in page.text
    unit = codes.unit_code(codes.unit_secret(service.master, 9), 9, 5)
    assert f'href="/c/{unit}"' in get(town, f"/c/{swapped(unit)}", **HTML).text
    theirs = codes.receipt_code(b"x" * 32, codes.receipt_id(7, 1, 5))
    assert f'href="/c/{theirs}"' not in get(town, f"/c/{swapped(theirs)}", **HTML).text


def test_an_unknown_code_is_not_found(town: Market, service: Service) -> None:
    unit = codes.unit_code(codes.unit_secret(service.master, 9), 9, 5)
    for never in (codes.mint(codes.CodeKind.CUSTODY), unit):
        problem = get(town, f"/c/{never}", **JSON)
        assert (problem.status_code, problem.json()["type"]) == (404, "/problems/unknown-code")
        page = get(town, f"/c/{never}", **HTML)
        assert page.status_code == 404
        assert "查不到这个编码" in page.text
    forged = codes.unit_code(b"x" * 32, 9, 5)
    assert get(town, f"/c/{forged}", **JSON).json()["type"] == "/problems/not-authentic"


def test_nonsense_is_mistyped(town: Market) -> None:
    for typed in ("%3Cb%3E", "%00", "%E4%B8%80%E7%A0%81", "x" * 500, "B-"):
        answer = get(town, f"/c/{typed}", **HTML)
        assert answer.status_code == 400
        assert "<b>" not in answer.text.partition("</header>")[2]


def test_the_form_leads_to_what_was_typed_or_pasted(town: Market, code: str) -> None:
    for typed in (
        code,
        f" {codes.grouped(code)} ",
        f"https://food.example.cn/c/{code}?lang=en",
        f"HTTPS://X/C/{code}/",
    ):
        answer = town.story.client.get("/c", params={"code": typed})
        assert answer.status_code == 303
        assert get(town, answer.headers["location"], **JSON).json()["code"] == code
    assert town.story.client.get("/c").headers["location"] == "/c/%3F"
    for typed, path in (
        ("https://x.example/y/01/06901234567892/10/L%2F1?17=260131", "/01/06901234567892/10/L%2F1"),
        ("]d2010690123456789217260131\x1d10L/1", "/01/06901234567892/10/L%2F1"),
        ("(414)6901234000009(254)a", "/414/6901234000009/254/a"),
        ("x.example/01/06901234567892/10/批", "/01/06901234567892/10/%E6%89%B9"),
        ("(01)123", "/c/%2801%29123"),
    ):
        assert town.story.client.get("/c", params={"code": typed}).headers["location"] == path


# --- symbols and labels ---


def decoded(image: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(image)]


def rasterised(svg: str) -> Image.Image:
    """A reading of our own: dark where a path of one-high runs says so."""
    size = int(re.findall(r'viewBox="0 0 (\d+) \1"', svg)[0])
    picture = Image.new("L", (size, size), 255)
    runs = re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", svg)
    for x, y, length in runs:
        for dx in range(int(length)):
            picture.putpixel((int(x) + dx, int(y)), 0)
    return picture.resize((size * 6, size * 6), Image.Resampling.NEAREST)


def test_a_symbol_carries_the_address_in_capitals(town: Market, every: dict[str, str]) -> None:
    for each in every.values():
        url = f"HTTPS://FOOD.EXAMPLE.CN/C/{each}"
        svg = get(town, f"/qr/{each}.svg")
        assert svg.headers["content-type"] == "image/svg+xml"
        assert decoded(rasterised(svg.text)) == [url]
        for query in ("", "?scale=3"):
            png = get(town, f"/qr/{each.lower()}.png{query}")
            assert (png.headers["content-type"], png.headers["cache-control"]) == ("image/png", "public, max-age=86400")
            assert decoded(Image.open(io.BytesIO(png.content)).convert("L")) == [url]


def test_capitals_make_a_smaller_symbol(code: str) -> None:
    url = f"https://food.example.cn/c/{code}"
    assert len(symbols.modules(url.upper())) == 29 < len(symbols.modules(url))


def test_no_symbol_or_label_for_a_code_that_is_not_ours(town: Market, code: str) -> None:
    for path in ("/qr/{}.svg", "/qr/{}.png", "/labels/{}"):
        assert get(town, path.format(codes.mint(codes.CodeKind.SITE))).status_code == 404
        assert get(town, path.format(swapped(code))).status_code == 400
    for query in ("scale=0", "scale=41", "scale=x"):
        assert get(town, f"/qr/{code}.png?{query}").status_code == 400


def test_the_document_describes_it(town: Market) -> None:
    paths = town.story.client.get("/openapi.json").json()["paths"]
    assert {"/c/{code}", "/qr/{code}.svg", "/qr/{code}.png", "/labels/{code}"} <= paths.keys()
    assert "/C/{code}" not in paths
    content = paths["/c/{code}"]["get"]["responses"]["200"]["content"]
    assert set(content) == {"text/html", "application/json", "text/plain"}
    example = content["application/json"]["example"]
    # FastAPI leaves nulls out of its document.
    assert example.keys() <= set(content["application/json"]["schema"]["required"])
    required = set(content["application/json"]["schema"]["required"])
    assert required == town.story.public.scan(town.stall.site["code"]).keys()
