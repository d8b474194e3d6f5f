"""What the codes of places (S) and parties (P) answer."""

from datetime import datetime, timedelta

import pytest

from tests.scanning.chains import Market, open_market
from tests.support.cast import CHINA, ago, quantity
from tests.support.story import Story, licence


@pytest.fixture
def town(story: Story) -> Market:
    return open_market(story)


def test_a_stall_lists_what_it_has_whence_and_how_it_was_tested(town: Market) -> None:
    story = town.story
    here, bought = town.move(town.farm, town.stall, town.harvest()), town.from_outside(town.stall)
    fields = {"stage": "rapid", "item": "毒死蜱", "value": "阴性", "event_time": ago(minutes=9)}
    town.market.record("test", custody_id=here["custody_id"], **fields)
    town.market.record("test", custody_id=bought["custody_id"], **fields | {"value": "阳性"})
    page = story.public.scan(town.stall.site["code"])
    assert (page["kind"], page["status"], page["party"]["name"]) == ("site", "ok", "一号摊")
    assert [(each["code"], each["status"]) for each in page["stock"]] == [
        (bought["code"], "held"),
        (here["code"], "ok"),
    ]
    assert set(page["stock"][0]) == {"code", "product", "lot_number", "status", "since"}
    assert page["stock"][0]["since"].endswith("+08:00")
    assert {(test["lot_number"], test["verdict"]) for test in page["tests"]} == {
        (here["lot_number"], "pass"),
        (bought["lot_number"], "fail"),
    }
    assert [step["kind"] for step in page["steps"]] == ["ship", "receive", "receive"]
    read = story.read(town.stall.site["code"])
    assert "来自 河东蔬菜合作社" in read
    assert "来自 路边菜农（摊主自报）" in read
    assert "其中 1 种现在不能买 ：上海青" in read


def test_what_is_sold_out_is_no_longer_on_sale(town: Market) -> None:
    here = town.move(town.farm, town.stall, town.harvest(), hours=1)  # it came now: an hour ago may be yesterday
    town.market.record(
        "test", event_time=ago(), custody_id=here["custody_id"], stage="rapid", item="毒死蜱", value="阴性"
    )
    town.stall.record("sell", event_time=ago(), lines=[town.story.item(here, "40")])
    page = town.story.public.scan(town.stall.site["code"])
    assert page["stock"] == []
    assert len(page["tests"]) == 1, "today's tests stay for today"


def test_a_market_shows_its_stalls_goods(town: Market) -> None:
    made = town.harvest()
    goods = {town.move(town.farm, stall, made)["code"] for stall in (town.stall, town.other)}
    page = town.story.public.scan(town.market.site["code"])
    assert {each["code"] for each in page["stock"]} == goods
    assert town.story.public.scan(town.farm.site["code"])["stock"][0]["code"] == made["code"]


def test_goods_from_nowhere_named_have_no_source(town: Market) -> None:
    here = town.move(town.farm, town.stall, town.harvest())
    event = town.farm.get("/events?kind=produce").json()["items"][0]
    town.farm.record("correct", event_id=event["id"], reason="did_not_occur")
    page = town.story.public.scan(town.stall.site["code"])
    assert [(each["code"], each["status"]) for each in page["stock"]] == [(here["code"], "incomplete")]
    assert [gap["reason"] for gap in page["gaps"]] == ["voided"]


def test_licences_are_shown_and_identity_cards_are_not(story: Story) -> None:
    permit, card = licence(7), {"scheme": "身份证", "number": "330106199001010011"}
    food = licence(8, "SC")
    trader = story.enrol(
        "vendor", "老街蔬菜经营部", "vendor", "shop", credit_code="91330106MA2B0K3N5X",
        licences=[permit | {"expires_on": "2020-01-01"}, food, card],
    )  # fmt: skip
    other = story.document(trader, "other", number="330106199001010011")
    paper = story.document(trader, "business_licence", number="YY-1")
    for document in (other, paper):
        trader.record("certify", site_id=trader.site["id"], document_id=document["id"])
    for code in (trader.site["code"], trader.party["code"]):
        page = story.public.scan(code)
        numbers = [(each["type"], each["class"], each["number"]) for each in page["documents"]]
        assert numbers[:4] == [
            ("business_licence", None, "91330106MA2B0K3N5X"),
            ("business_licence", "JY", permit["number"]),
            ("production_licence", "SC", food["number"]),
            ("other", "身份证", None),
        ]
        story.hides(code, ["330106199001010011"])
        read = story.read(code)
        assert "食品经营许可证" in read
        assert "已过期" in read
        own = trader.scan(code)
        assert own["documents"][3]["number"] == "330106199001010011"
    assert {each["number"] for each in story.public.scan(trader.site["code"])["documents"]} == {
        "91330106MA2B0K3N5X", permit["number"], food["number"], "YY-1", None
    }  # fmt: skip


def test_a_party_shows_its_places(town: Market) -> None:
    story = town.story
    page = story.public.scan(town.stall.party["code"])
    assert (page["kind"], page["status"], page["site"]["code"]) == ("party", "ok", town.stall.site["code"])
    story.site(town.stall, "三号摊", "stall", parent=town.market)
    page = story.public.scan(town.stall.party["code"])
    assert (page["site"], page["stock"], page["lines"]) == (None, None, None)
    assert "三号摊" in story.read(town.stall.party["code"])
    assert town.stall.scan(town.stall.party["code"])["actions"] == []


def test_a_locked_party_may_not_trade_and_says_why(town: Market) -> None:
    story = town.story
    for body, status, word in (
        ({"status": "locked", "status_reason": "销售病死肉"}, "held", "暂停营业"),
        ({"status": "pending", "status_reason": None}, "pending", "尚未启用"),
    ):
        answer = story.admin.patch(f"/parties/{town.stall.party['id']}", body)
        assert answer.status_code == 200, answer.text
        for code in (town.stall.site["code"], town.stall.party["code"]):
            page = story.public.scan(code)
            assert page["status"] == status
            assert word in story.read(code)
            assert ("销售病死肉" in page["status_reason"]) == (status == "held")


def test_a_locked_place_may_not_trade(town: Market) -> None:
    answer = town.story.admin.patch(f"/sites/{town.stall.site['id']}", {"status": "locked"})
    assert answer.status_code == 200, answer.text
    page = town.story.public.scan(town.stall.site["code"])
    assert page["status"] == "held"
    assert page["status_reason"] == "场所已被停业或锁定 · the place may not trade now"


def test_a_stall_shows_its_own_buttons_to_its_own(town: Market) -> None:
    code = town.stall.site["code"]
    kinds = {name: [each["kind"] for each in actor.scan(code)["actions"]] for name, actor in {
        "stall": town.stall, "market": town.market, "other": town.other
    }.items()}  # fmt: skip
    assert kinds == {
        "stall": ["produce", "receive", "count", "certify"],
        "market": ["produce", "receive", "count", "certify"],
        "other": [],
    }


def test_a_place_shows_many_goods_and_counts_the_rest(town: Market) -> None:
    made_on = (datetime.now(CHINA) - timedelta(days=1)).date().isoformat()
    outputs = [
        {"product_id": town.greens["id"], "quantity": quantity("1"), "produced_on": made_on, "lot_number": f"L{i}"}
        for i in range(70)
    ]
    town.farm.record("produce", outputs=outputs)
    code = town.farm.site["code"]
    assert len(town.story.public.scan(code)["stock"]) == 70
    assert "还有 10 项没有列出" in town.story.read(code)
