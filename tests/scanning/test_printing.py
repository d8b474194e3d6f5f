"""Receipts at their door: who gets them, what stands on them, and in which form."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from app.domain import codes
from tests.paper.printer import Printer
from tests.scanning.chains import Market, open_market
from tests.support.cast import CHINA, Actor, Scale
from tests.support.statements import Statements
from tests.support.story import Handheld, Story, line

SOLD_AT = (datetime.now(CHINA) - timedelta(hours=1)).replace(microsecond=0)


@dataclass(slots=True)
class Shop:
    """A market with a scale at its first stall, which has greens to sell."""

    town: Market
    scale: Handheld
    greens: Mapping[str, Any]

    def sell(self, *lines: Mapping[str, Any], **fields: Any) -> str:
        """The code of a receipt whose sale has been uploaded; by the scale's clock in UTC."""
        sold = {"event_time": SOLD_AT.astimezone(UTC).isoformat(), "operator": "07", "payment": "wechat"} | fields
        code = self.scale.prints(*(lines or (line(self.greens, "1.5", "斤", 900),)), **sold)
        self.scale.upload()
        return code


@pytest.fixture
def shop(story: Story) -> Shop:
    town = open_market(story)
    greens = town.move(town.farm, town.stall, town.harvest())
    return Shop(town, story.handheld(town.stall, "1 号秤", "scale"), greens)


def said(reader: Actor, code: str, **query: Any) -> str:
    answer = reader.get(f"/receipts/{code}", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    text: str = answer.text
    return text


def problem(reader: Actor, code: str, **query: Any) -> tuple[int, str]:
    answer = reader.get(f"/receipts/{code}", params=query)
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


def test_the_receipt_says_who_sold_what_when_and_for_how_much(shop: Shop) -> None:
    leek = shop.town.story.product("韭菜")
    loose = {"product_id": leek["id"], "quantity": {"value": "0.82", "unit": "公斤"}, "amount_fen": 1230}
    code = shop.sell(line(shop.greens, "1.5", "斤", 900), loose)
    number = codes.receipt_name(codes.receipt_id_of(codes.parse(code)))
    lines = [" ".join(each.split()) for each in said(shop.town.stall, code).splitlines()]
    expected = [
        "城西农贸市场",
        "一号摊",  # who trades under the name of the stall
        f"{SOLD_AT:%Y-%m-%d %H:%M:%S}",  # by the clock on the wall, whatever the scale wrote it in
        f"秤号 {number.device_number} 流水号 {number.counter}",
        "品名/数量 单价 金额(元)",
        "上海青",
        "1.5斤 6.00/斤 9.00",
        "韭菜",
        "0.82公斤 15.00/公斤 12.30",
        "合计 ￥21.30",
        "微信支付 共 2 项",
        "收银 07",
        "扫码溯源 / Scan to trace",
        "HTTPS://FOOD.EXAMPLE.CN/C/",
        code,
        "不能扫码时，可输入或电话报读：",
        codes.grouped(code),
        "投诉举报 12315",
    ]
    assert [each for each in lines if set(each) != {"-"}] == expected
    assert "Served by 07" in said(shop.town.stall, code, lang="en", width=80)


def test_names_are_those_of_the_day_of_the_sale(shop: Shop) -> None:
    story, code = shop.town.story, shop.sell()
    before = said(story.admin, code)
    heir = story.enrol("vendor", "王家菜摊", "vendor", None)
    changed = [
        ("/sites/" + shop.town.stall.site["id"], {"name": "新一号摊", "party_id": heir.party["id"]}),
        ("/sites/" + shop.town.market.site["id"], {"name": "新市场"}),
        ("/products/" + str(shop.greens["product_id"]), {"name": "矮脚青菜"}),
    ]
    for path, change in changed:
        answer = story.admin.patch(path, change)
        assert answer.status_code == 200, answer.text
    assert said(story.admin, code) == before
    assert "新市场" in said(story.admin, shop.sell(event_time=datetime.now(CHINA).isoformat()))


def test_a_shop_that_stands_alone_and_its_licence(story: Story) -> None:
    credit_code = "91330106MA2CFKYE0L"
    shop = story.enrol("vendor", "河东豆腐坊", "vendor", None, licences=[], credit_code=credit_code)
    shop.site = story.site(shop, "河东豆腐店", "shop")
    scale = story.handheld(shop, "秤", "scale")
    tofu = shop.record("produce", outputs=[story.output(story.product("豆腐", "tofu"), "10")])["outputs"][0]
    code = scale.prints(line(tofu, "0.5", "kg"))
    scale.upload()
    text = said(shop, code)
    assert text.splitlines()[0].strip() == "河东豆腐店"
    assert f"经营者 河东豆腐坊\n信用代码 {credit_code}\n" in text
    assert "0.5 kg" in text
    assert "￥" not in text, "no amount was told"


def test_a_licence_stands_in_for_a_credit_code(story: Story) -> None:
    licences = [{"scheme": "JY", "number": "JY13301060000019"}]
    shop = story.enrol("vendor", "小店", "vendor", "shop", licences=licences)
    scale = story.handheld(shop, "秤", "scale")
    code = scale.prints({"product_id": None, "custody_id": shop.site["id"], "quantity": {"value": "2", "unit": "个"}})
    scale.upload()
    text = said(shop, code)
    assert "许可证 JY13301060000019\n" in text
    assert "未登记商品\n2个" in text


def test_a_number_that_two_sales_bear_says_so(shop: Shop) -> None:
    code = shop.sell()
    again = shop.scale.sale(0, line(shop.greens, "2", "斤", 1200))
    assert shop.scale.post("/sales", {"sales": [again]}).json()["conflict"] == 1
    assert "同一小票号另有 1 笔不同的销售" in "".join(said(shop.town.market, code).split("\n"))


# --- who ---


def test_prices_are_for_the_scale_its_stall_its_market_and_the_authorities(shop: Shop) -> None:
    town, story, code = shop.town, shop.town.story, shop.sell()
    beside = story.handheld(town.stall, "2 号秤", "scale")
    over = story.handheld(town.other, "3 号秤", "scale")
    office, elsewhere = story.key("regulator", region="3301"), story.key("regulator", region="3302")
    lab = story.enrol("lab", "检测中心", "laboratory", None)
    let_in: tuple[Actor, ...] = (shop.scale, beside, town.stall, town.market, office, story.admin)
    kept_out: tuple[Actor, ...] = (over, town.other, town.farm, elsewhere, lab)
    whole = said(story.admin, code)
    assert "9.00" in whole
    for form in ("text", "escpos", "png"):
        assert [reader.get(f"/receipts/{code}?format={form}").status_code for reader in let_in] == [200] * len(let_in)
        assert [problem(reader, code, format=form) for reader in kept_out] == [(403, "not-your-site")] * len(kept_out)
        assert problem(story.public, code, format=form) == (401, "unauthenticated")
    assert {said(reader, code) for reader in let_in} == {whole}


def test_a_scale_that_moved_prints_what_it_sold_before_and_its_new_stall_does_not(shop: Shop) -> None:
    town, story, code = shop.town, shop.town.story, shop.sell()
    answer = story.admin.patch(f"/devices/{shop.scale.device['id']}", {"site_id": town.other.site["id"]})
    assert answer.status_code == 200, answer.text
    assert "一号摊" in said(shop.scale, code)
    assert problem(town.other, code) == (403, "not-your-site")
    assert "一号摊" in said(town.stall, code)


# --- what cannot be printed ---


def test_a_code_that_is_no_printable_receipt_is_refused_with_the_reason(shop: Shop) -> None:
    reader, code = shop.town.stall, shop.sell()
    waiting = shop.scale.prints(line(shop.greens, "1", "斤", 600))
    at = next(i for i in reversed(range(1, len(code))) if code[i - 1] != code[i])
    swapped = code[: at - 1] + code[at] + code[at - 1] + code[at + 1 :]
    number = codes.receipt_id_of(codes.parse(code))
    assert problem(reader, waiting) == (404, "sale-pending")
    assert problem(reader, swapped) == (400, "mistyped-code")
    assert problem(reader, codes.receipt_code(b"?" * 32, number)) == (404, "not-authentic")
    assert problem(reader, str(shop.greens["code"])) == (422, "not-a-receipt")
    assert problem(reader, code, format="pdf") == (422, "format-not-available")
    assert problem(reader, code, width=57) == (422, "size-not-available")
    assert problem(reader, code, width="wide") == (400, "malformed")
    assert code in said(reader, codes.grouped(code).lower())


# --- forms ---


@pytest.mark.parametrize(("width", "dots"), [(58, 384), (80, 576)])
def test_every_form_leads_to_the_page_of_the_receipt(shop: Shop, width: int, dots: int) -> None:
    code, reader = shop.sell(), shop.town.stall
    url = f"HTTPS://FOOD.EXAMPLE.CN/C/{code}"
    sent = reader.get(f"/receipts/{code}?format=escpos&width={width}")
    assert sent.headers["content-type"] == "application/octet-stream"
    assert sent.headers["content-disposition"] == f'attachment; filename="{code}.bin"'
    printer = Printer(width)
    printer.print(sent.content)
    assert [square.data for square in printer.squares] == [url]
    assert codes.grouped(code) in [each.text for each in printer.lines]

    shown = reader.get(f"/receipts/{code}?format=png&width={width}")
    assert shown.headers["content-type"] == "image/png"
    picture = Image.open(io.BytesIO(shown.content))
    assert picture.width == dots
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [url]
    assert reader.get(f"/c/{code}", headers={"Accept": "application/json"}).json()["kind"] == "receipt"

    for language, said_as in ((None, "zh-CN"), ("zh", "zh-CN"), ("en", "en")):
        # A printer's language is its stall's, not that of whatever library asks.
        asked = {"lang": language} if language else {}
        text = reader.get(f"/receipts/{code}", params=asked | {"width": width}, headers={"Accept-Language": "en"})
        assert text.headers["content-language"] == said_as
        assert text.headers["cache-control"] == "private, no-store"
        assert max(len(each.encode("gb18030")) for each in text.text.splitlines()) <= dots // 12


def test_the_public_sees_no_price_anywhere(shop: Shop) -> None:
    shop.town.story.hides(shop.sell(line(shop.greens, "1.537", "斤", 12_345)), ["123.45", "12345", "1.537"])


# --- cost ---


def test_a_receipt_costs_few_statements_however_long_it_is(shop: Shop, service_statements: Statements) -> None:
    stall: Actor | Scale
    counts = set()
    others = [shop.town.story.product(f"商品{i}") for i in range(40)]
    loose = [{"product_id": each["id"], "quantity": {"value": "1", "unit": "kg"}, "amount_fen": 1} for each in others]
    for sold in (loose[:1], loose):
        code = shop.sell(*sold)
        for stall in (shop.town.stall, shop.scale, shop.town.market):
            stall.get("/devices")  # its key is known from here on
            service_statements.clear()
            said(stall, code)
            # The tail of the feed, which every process follows, may come between.
            counts.add(len(service_statements.read))
    assert counts == {7}, str(service_statements)
