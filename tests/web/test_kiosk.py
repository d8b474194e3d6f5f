"""The kiosk's pages without a browser: what is found by what is scanned, and what leads on from it."""

import re
from typing import NoReturn

import pytest
from httpx2 import Client, Response

from app.domain import codes
from app.domain.codes import CodeKind
from app.store.errors import StoreUnavailable
from app.web import kiosk
from tests.scanning.chains import Market, open_market
from tests.support.story import Story, licence, line, plain

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def town(story: Story) -> Market:
    return open_market(story)


def shown(client: Client, path: str, language: str = "zh-CN", status: int = 200) -> Response:
    answer = client.get(path, headers={"Accept": "text/html", "Accept-Language": language})
    assert answer.status_code == status, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    return answer


def found(client: Client, typed: str) -> str:
    """Where the one thing leads that is found by what was typed."""
    answer = client.get("/kiosk", params={"q": typed})
    assert answer.status_code == 303, plain(answer.text)
    return str(answer.headers["location"])


def test_the_start_asks_and_says_what_can_be_scanned(client: Client) -> None:
    assert "请把条码或二维码对准扫描口" in plain(shown(client, "/kiosk").text)
    english = shown(client, "/kiosk?lang=en").text
    assert "Hold the barcode or QR code before the scanner" in plain(english)
    assert 'name="lang" value="en"' in english


def test_everything_that_is_printed_leads_to_it(town: Market, client: Client) -> None:
    story = town.story
    story.admin.patch(f"/sites/{town.stall.site['id']}", {"external_codes": [{"scheme": "BLB", "value": "N-77"}]})
    goods = town.move(town.farm, town.stall, town.harvest(lot_number="YS-1"))
    scale = story.handheld(town.stall, "秤", "scale")
    receipt = scale.prints(line(goods, "1"))
    scale.upload()
    stall = town.stall.site["code"]
    for typed, code in (
        (goods["code"], goods["code"]),
        (codes.grouped(goods["code"]).lower(), goods["code"]),
        (f"HTTPS://FOOD.EXAMPLE.CN/C/{stall}", stall),
        (receipt, receipt),
        ("N-77", stall),
    ):
        assert found(client, typed) == f"/kiosk/{code}", typed
    assert client.get("/kiosk", params={"q": stall, "lang": "en"}).headers["location"] == f"/kiosk/{stall}?lang=en"


def test_a_barcode_lists_its_lots_with_maker_and_day(town: Market, client: Client) -> None:
    story = town.story
    noodles = story.product("手工面", "noodles", "count", gtin="6901234567892", grams_per_piece=500)
    outputs = [story.output(noodles, "20", "pcs", lot_number=number) for number in ("MT-1", "MT-2")]
    town.farm.record("produce", outputs=outputs)
    page = plain(shown(client, "/kiosk?q=6901234567892").text)
    for said in ("找到 2 项", "手工面", "MT-1", "MT-2", "河东蔬菜合作社", "生产日期"):
        assert said in page, said
    assert "没有找到" in plain(shown(client, "/kiosk?q=6901234567007", status=404).text)
    assert "没有找到" in plain(shown(client, "/kiosk?q=豆腐", status=404).text)


def test_the_answer_has_licence_trace_and_tests_and_stays_within(town: Market, client: Client) -> None:
    story = town.story
    permit = licence(7)
    assert story.admin.patch(f"/parties/{town.stall.party['id']}", {"licences": [permit]}).status_code == 200
    goods = town.move(town.farm, town.stall, town.harvest(lot_number="YS-1"))
    town.market.record("test", custody_id=goods["custody_id"], stage="rapid", item="农药残留", verdict="pass")
    page = shown(client, f"/kiosk/{goods['code']}").text
    read = plain(page)
    for said in (
        "来源可查",
        "上海青",
        "YS-1",
        "河东蔬菜合作社",
        "一号摊",
        permit["number"],
        "食品经营许可证",
        "农药残留",
        "合格",
    ):
        assert said in read, said
    assert 'href="/c/' not in page, "nothing leads away from the kiosk"
    assert f'href="/kiosk/{town.farm.site["code"]}"' in page
    assert f'href="/kiosk/{town.farm.site["code"]}?lang=en"' in shown(client, f"/kiosk/{goods['code']}?lang=en").text
    for code in (town.stall.site["code"], town.stall.party["code"]):
        assert permit["number"] in plain(shown(client, f"/kiosk/{code}").text)
    stall = plain(shown(client, f"/kiosk/{town.stall.site['code']}").text)
    assert "上海青" in stall


def test_held_goods_say_what_to_do_and_a_receipt_what_was_bought(town: Market, client: Client) -> None:
    goods = town.move(town.farm, town.stall, town.harvest(lot_number="YS-1"))
    town.market.record("test", custody_id=goods["custody_id"], stage="rapid", item="农药残留", verdict="fail")
    scale = town.story.handheld(town.stall, "秤", "scale")
    receipt = scale.prints(line(goods, "1.25", amount_fen=777))
    pending = scale.prints(line(goods, "2"))
    scale.unsent.pop()
    scale.upload()
    held = plain(shown(client, f"/kiosk/{goods['code']}").text)
    assert "暂停销售" in held
    assert "怎么办" in held
    bought = plain(shown(client, f"/kiosk/{receipt}").text)
    assert "买到的" in bought
    assert "1.25" not in bought
    assert "7.77" not in bought
    assert "等待上传" in plain(shown(client, f"/kiosk/{pending}").text)
    slip = town.ship(town.farm, town.harvest())
    assert "单上货物" in plain(shown(client, f"/kiosk/{slip}").text)


def test_what_is_mistyped_unknown_or_forged_is_said(town: Market, client: Client) -> None:
    code = town.stall.site["code"]
    at = next(i for i in range(2, len(code) - 1) if code[i] != code[i + 1])
    typed = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
    for path in (f"/kiosk?q={typed}", f"/kiosk/{typed}"):
        mistyped = shown(client, path, status=400).text
        assert f'href="/kiosk/{code}"' in mistyped
        assert "一号摊" in mistyped
    unknown = codes.mint(CodeKind.SITE)
    assert "没认出这个编码" in plain(shown(client, f"/kiosk?q={unknown}", status=404).text)
    forged = codes.receipt_code(b"x" * 32, codes.receipt_id(1, 1, 1))
    assert "这不是我们签发的码" in plain(shown(client, f"/kiosk?q={forged}", status=404).text)


def test_beside_a_database_that_is_away_it_goes_back_to_its_start_all_the_same(
    town: Market, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> NoReturn:
        raise StoreUnavailable("away")

    monkeypatch.setattr(kiosk, "reading", away)
    for path in ("/kiosk?q=6901234567892", f"/kiosk/{town.stall.site['code']}"):
        page = shown(client, path, status=503).text
        assert "请稍后再试" in plain(page)
        assert "url=/kiosk" in page
        assert "Try again in a moment" in plain(shown(client, path, "en-GB", status=503).text)


def test_without_script_it_goes_back_to_its_start(town: Market, client: Client) -> None:
    page = shown(client, f"/kiosk/{town.stall.site['code']}").text
    assert re.search(r'<noscript><meta http-equiv="refresh" content="60;url=/kiosk"></noscript>', page)
    assert "http-equiv" not in shown(client, "/kiosk").text
    assert "http-equiv" in shown(client, "/kiosk?lang=en").text
