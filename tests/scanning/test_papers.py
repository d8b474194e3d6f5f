"""What the codes of slips (T) and receipts (R) answer."""

import pytest

from app.domain import codes
from app.web.service import Service
from tests.scanning.chains import Market, open_market, steps
from tests.support.cast import ago, quantity
from tests.support.story import Story, line


@pytest.fixture
def town(story: Story) -> Market:
    return open_market(story)


# --- slips ---


def test_a_slip_tells_what_it_carries_and_whence_but_not_to_whom(town: Market) -> None:
    story, made = town.story, town.harvest(lot_number="YS-1")
    slip = town.ship(town.farm, made, "37.125", to_site_id=town.stall.site["id"])
    town.market.record("admit", event_time=ago(hours=7), slip_code=slip)
    page = story.public.scan(slip)
    assert (page["kind"], page["status"], page["site"]["name"]) == ("slip", "refused", "河东蔬菜合作社")
    assert page["product"]["name"] == "上海青"
    assert page["lines"] == [
        {"code": made["code"], "product": page["product"], "quantity": None, "steps": page["steps"]}
    ]
    assert steps(page) == [("produce", "河东蔬菜合作社"), ("admit", "城西农贸市场"), ("ship", "河东蔬菜合作社")]
    story.hides(slip, ["一号摊", "37.125"])
    assert "上海青" in story.read(slip)


def test_a_slip_of_several_goods_has_no_product_of_its_own(town: Market) -> None:
    made, bought = town.harvest(), town.from_outside(town.farm)
    leek = town.story.product("韭菜")
    other = town.farm.record("produce", outputs=[town.story.output(leek, "20")])["outputs"][0]
    items = [town.story.item(each, "5") for each in (made, bought, other)]
    slip = town.farm.record("ship", items=items)["slip_code"]
    page = town.story.public.scan(slip)
    assert page["product"] is None
    assert [each["product"]["name"] for each in page["lines"]] == ["上海青", "上海青", "韭菜"]
    assert (page["status"], len(page["gaps"])) == ("incomplete", 1)
    assert "河东蔬菜合作社" in town.story.text(slip)


def test_goods_held_after_dispatch_hold_the_slip(town: Market) -> None:
    made = town.harvest()
    slip = town.ship(town.farm, made)
    town.story.admin.record("hold", custody_id=made["custody_id"], scope="lot", reason="农药超标")
    page = town.story.public.scan(slip)
    assert (page["status"], page["status_reason"]) == ("held", "农药超标")


def test_a_voided_slip_is_revoked(town: Market) -> None:
    made = town.harvest()
    slip = town.ship(town.farm, made)
    event = town.farm.get("/events?kind=ship").json()["items"][0]
    town.farm.record("correct", event_id=event["id"], reason="did_not_occur")
    assert town.story.public.scan(slip)["status"] == "revoked"


def test_who_may_take_a_slip_in_sees_quantities_and_the_button(town: Market) -> None:
    made = town.harvest()
    named = town.ship(town.farm, made, "37.125", to_site_id=town.stall.site["id"])
    kinds = {
        name: [(each["kind"], each["body"] and each["body"]["site_id"]) for each in actor.scan(named)["actions"]]
        for name, actor in {"stall": town.stall, "other": town.other, "market": town.market, "farm": town.farm}.items()
    }
    stall, market = town.stall.site["id"], town.market.site["id"]
    assert kinds == {
        "stall": [("receive", stall), ("trace_back", None)],
        "other": [("trace_back", None)],
        "market": [("receive", market), ("admit", market), ("trace_back", None)],
        "farm": [("trace_back", None)],
    }
    whole = {"value": "37.125", "unit": "kg", "grams": 37125, "pieces": None}
    assert [actor.scan(named)["lines"][0]["quantity"] for actor in (town.stall, town.other)] == [whole, None]
    body = town.stall.scan(named)["actions"][0]
    answer = town.stall.post("/events", {**body["body"], "event_time": ago(minutes=1), "ref": "r-1"})
    assert answer.status_code == 201, answer.text

    open_slip = town.ship(town.farm, made, "5")
    assert ("receive", town.other.site["id"]) in [
        (each["kind"], (each["body"] or {}).get("site_id")) for each in town.other.scan(open_slip)["actions"]
    ]
    assert [each["kind"] for each in town.farm.scan(open_slip)["actions"]] == ["trace_back"]
    scale = town.story.scale(town.stall)
    assert [each["kind"] for each in scale.scan(open_slip)["actions"]] == ["trace_back"]


# --- receipts ---


def test_a_receipt_tells_the_way_of_everything_on_it(town: Market) -> None:
    story = town.story
    here, bought = town.move(town.farm, town.stall, town.harvest()), town.from_outside(town.stall)
    scale = story.scale(town.stall)
    sold = scale.sell(
        1, line(here, "1.234", amount_fen=777), line(bought, "0.567"),
        {"custody_id": None, "product_id": town.greens["id"], "quantity": quantity("0.89")},
    )  # fmt: skip
    code = sold["receipt_code"]
    page = story.public.scan(code)
    assert (page["kind"], page["status"], page["site"]["name"], page["party"]["name"]) == (
        "receipt", "incomplete", "一号摊", "一号摊",
    )  # fmt: skip
    assert [(step["kind"], step["event_id"]) for step in page["steps"]] == [("sell", sold["id"])]
    assert [each["code"] for each in page["lines"]] == [here["code"], bought["code"], None]
    assert [each["quantity"] for each in page["lines"]] == [None, None, None]
    assert [step["kind"] for step in page["lines"][0]["steps"]] == ["produce", "ship", "receive"]
    assert [gap["reason"] for gap in page["gaps"]] == ["outside", "no_batch"]
    assert page["status_reason"].startswith("来路上有 2 处没有查明")
    story.hides(code, ["1.234", "777", "0.567", "0.89"])
    assert "有商品没有对应的批次" in story.read(code)
    own = town.stall.scan(code)
    assert own["lines"][0]["quantity"] == {"value": "1.234", "unit": "公斤", "grams": 1234, "pieces": None}
    assert own["actions"] == []


def test_a_receipt_in_hand_before_its_sale_is_here(town: Market) -> None:
    story = town.story
    here = town.move(town.farm, town.stall, town.harvest())
    scale = story.handheld(town.stall, "3号秤")
    code = scale.prints(line(here, "1"))
    answer = story.public.get(f"/c/{code}", headers={"Accept": "application/json"})
    page = answer.json()
    assert (page["status"], page["site"]["name"], page["party"]["name"], page["lines"]) == (
        "pending", "一号摊", "一号摊", [],
    )  # fmt: skip
    assert "3号秤" in page["status_reason"]
    assert answer.headers["cache-control"] == "no-store"
    assert "货物清单还没有上传。" in story.read(code)
    scale.upload()
    assert story.public.scan(code)["status"] == "ok"


def test_a_number_of_a_scale_that_is_gone_is_pending_nowhere(town: Market, service: Service) -> None:
    code = codes.receipt_code(codes.receipt_secret(service.master, 9999, 1), codes.receipt_id(9999, 1, 5))
    page = town.story.public.scan(code)
    assert (page["status"], page["site"], page["party"]) == ("pending", None, None)
    assert "追溯小票" in town.story.read(code)
    assert "等待上传" in town.story.text(code)


def test_a_forged_receipt_is_none_of_ours(town: Market) -> None:
    forged = codes.receipt_code(b"another secret" * 3, codes.receipt_id(7, 1, 5))
    answer = town.story.public.get(f"/c/{forged}", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-authentic")
    page = town.story.public.get(f"/c/{forged}", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "这不是我们签发的码" in page.text


def test_papers_of_two_lines_of_one_batch_stand_once(town: Market) -> None:
    made = town.harvest()
    town.story.certify(town.farm, made, "conformity_certificate", number="TL-7")
    here = town.move(town.farm, town.stall, made)
    again = town.move(town.farm, town.stall, made, hours=4)
    code = town.story.scale(town.stall).sell(1, line(here, "1"), line(again, "1"))["receipt_code"]
    assert [paper["number"] for paper in town.story.public.scan(code)["documents"]] == ["TL-7"]


def test_two_claims_to_one_number_are_both_shown(town: Market) -> None:
    story = town.story
    here, cheap = town.move(town.farm, town.stall, town.harvest()), story.product("豆腐", "tofu", "count")
    scale = story.scale(town.stall)
    scale.sell(1, line(here, "1.234"))
    again = [
        line(here, "2.5"),
        {"custody_id": None, "product_id": cheap["id"], "quantity": quantity("3", "个")},
        {"custody_id": None, "product_id": cheap["id"], "quantity": quantity("3")},
    ]
    outcome = scale.sell(1, *again)
    assert outcome["status"] == "conflict"
    page = story.public.scan(outcome["receipt_code"])
    assert page["status"] == "incomplete"
    assert "2 笔不同的销售" in page["status_reason"]
    assert [each["product"]["name"] for each in page["lines"]] == ["上海青", "上海青", "豆腐", "豆腐"]
    assert "two_claims" in [gap["reason"] for gap in page["gaps"]]
    assert [step["kind"] for step in page["steps"]] == ["sell", "sell"]
    told = story.read(outcome["receipt_code"])
    assert "第 1 笔记录 ·" in told
    assert "第 2 笔记录 ·" in told
    assert "同一小票号有不同的销售记录" in told
    told = story.read(outcome["receipt_code"], "en")
    assert "Record 1 ·" in told
    assert "Record 2 ·" in told
    assert "Different sales bear this receipt number" in told
    own = town.stall.scan(outcome["receipt_code"])
    assert [(each["quantity"] or {}).get("grams") for each in own["lines"][:2]] == [1234, 2500]
    assert own["lines"][2]["quantity"]["pieces"] == 3
    assert own["lines"][3]["quantity"] is None


def test_a_receipt_of_last_month_shows_last_months_operator(town: Market) -> None:
    story = town.story
    here = town.move(town.farm, town.stall, town.harvest())
    code = story.scale(town.stall).sell(1, line(here, "1"))["receipt_code"]
    heir = story.enrol("vendor", "接手的经营户", "vendor", None)
    answer = story.admin.patch(f"/sites/{town.stall.site['id']}", {"party_id": heir.party["id"]})
    assert answer.status_code == 200, answer.text
    assert story.public.scan(code)["party"]["name"] == "一号摊"
    assert story.public.scan(town.stall.site["code"])["party"]["name"] == "接手的经营户"
