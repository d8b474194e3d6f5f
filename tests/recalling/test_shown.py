"""What a recall shows to the public, at the stall, on the boards and to those who answer for the goods."""

from typing import Any

from tests.recalling.conftest import Goods, recalled
from tests.recording.conftest import Books, until
from tests.support.cast import Cast
from tests.support.story import Story, plain

WHY = "检出瘦肉精 · clenbuterol found"


def shows(cast: Cast, code: str, status: str) -> dict[str, Any]:
    until(lambda: cast.public.scan(code)["status"] == status)
    return cast.public.scan(code)


def read(cast: Cast, code: str, language: str = "zh") -> str:
    answer = cast.public.get(f"/c/{code}?lang={language}", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    return plain(answer.text)


def test_every_page_of_the_goods_says_why_and_what_to_do(cast: Cast, goods: Goods) -> None:
    advice = {"zh": "请勿食用，退回摊位。", "en": "Do not eat it; take it back."}
    recall = recalled(cast.regulator, {"codes": [goods.lot["code"]]}, advice=advice, title="河东蔬菜 3 月 1 日批")
    receipt = cast.scale(cast.stall).sell(0, cast.item(goods.dish, "1"))["receipt_code"]
    slip = cast.stall.record("ship", items=[cast.item(goods.at_stall, "1")], slip=False)
    assert [flag["slug"] for flag in slip["flags"]] == ["recalled_goods", "no_slip"]
    for code in (goods.lot["code"], goods.lot["lot_code"], goods.at_other["code"], goods.dish["code"], receipt):
        page = shows(cast, code, "recalled")
        assert page["status_reason"].startswith(f"检出瘦肉精（召回 {recall['number']}）")
        [told] = page["recalls"]
        assert told == {
            "number": recall["number"], "state": "live", "grade": "I", "title": "河东蔬菜 3 月 1 日批", "reason": WHY,
            "hazard": "心悸 · palpitations", "advice": advice, "started_at": told["started_at"], "closed_at": None,
        }  # fmt: skip
        assert "请勿食用，退回摊位。" in read(cast, code)
        assert "一级：可能造成严重健康损害" in read(cast, code)
        assert "Do not eat it; take it back." in read(cast, code, "en")
        text = cast.public.get(f"/c/{code}?lang=zh", headers={"Accept": "text/plain"}).text
        assert "请勿食用" in text
    refused = cast.farm.refused("ship", 409, items=[cast.item(goods.lot, "1")])
    assert refused["type"] == "/problems/goods-on-hold"


def test_without_advice_of_its_own_it_gives_what_fits_the_category(cast: Cast, goods: Goods) -> None:
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    assert recall["advice"]["zh"].startswith("请不要食用、转送或出售。清洗、浸泡、去皮不能消除风险。")
    assert "Washing, soaking or peeling does not make it safe." in recall["advice"]["en"]


def test_stalls_and_boards_show_it(cast: Cast, goods: Goods) -> None:
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})

    def on_sale() -> dict[str, str]:
        return {item["code"]: item["status"] for item in cast.public.scan(cast.stall.site["code"])["stock"]}

    until(lambda: set(on_sale().values()) == {"recalled"})
    assert set(on_sale()) == {goods.at_stall["code"], goods.dish["code"]}
    board = cast.public.get(f"{cast.client.base_url}/boards/{cast.market.site['code']}.json").json()
    told = {place["code"]: notice for notice in board["notices"] for place in notice["places"]}
    assert set(told) == {goods.at_stall["code"], goods.at_other["code"], goods.dish["code"]}
    assert {notice["status"] for notice in told.values()} == {"recalled"}
    assert recall["number"] in told[goods.dish["code"]]["status_reason"]


def test_the_kiosk_says_what_to_do(story: Story) -> None:
    farm = story.enrol("producer", "河东蔬菜合作社", "producer", "farm", region="330122")
    office = story.key("regulator", region="3301")
    [lot] = farm.record("produce", outputs=[story.output(story.product("菠菜"), "10")])["outputs"]
    recalled(office, {"codes": [lot["lot_code"]]})
    until(lambda: story.public.scan(lot["code"])["status"] == "recalled")
    assert "清洗、浸泡、去皮不能消除风险" in story.kiosk(lot["code"])


def test_a_completed_recall_goes_on_warning(cast: Cast, goods: Goods) -> None:
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    close = {"outcome": "completed", "conclusion": "全部收回销毁 · all came back and was destroyed"}
    closed = cast.regulator.post(f"/recalls/{recall['id']}/close", close)
    assert (closed.status_code, closed.json()["state"]) == (200, "closed")
    assert cast.regulator.post(f"/recalls/{recall['id']}/close", close).status_code == 200, "the same again"
    until(lambda: cast.public.scan(goods.dish["code"])["recalls"][0]["state"] == "closed")
    page = cast.public.scan(goods.dish["code"])
    assert (page["status"], page["recalls"][0]["closed_at"] is not None) == ("recalled", True)
    assert "召回结束" in read(cast, goods.dish["code"])
    scale = cast.scale(cast.stall)
    assert scale.get("/devices/me/stock").json()["items"] == []
    for path, body in (("", {"why": "x"}), ("/start", {}), ("/close", close | {"conclusion": "别的"})):
        method = "POST" if path else "PATCH"
        answer = cast.regulator.request(method, f"/recalls/{recall['id']}{path}", json=body)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/recall-closed")


def test_a_hold_of_a_recall_is_released_by_the_recall_alone(cast: Cast, goods: Goods, books: Books) -> None:
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    event = cast.regulator.get("/events", params={"kind": "recall"}).json()["items"][0]
    assert (event["outcome"]["decision"], event["body"]["recall_id"]) == ("start", recall["id"])
    corrected = cast.regulator.refused("correct", 409, event_id=event["id"], reason="did_not_occur")
    assert corrected["type"] == "/problems/not-correctable"
    [hold] = books.holds(goods.lot)
    for office in (cast.regulator, cast.admin):
        released = office.refused("release", 409, hold_event_id=str(hold.id), reason="复检合格")
        assert released["type"] == "/problems/under-recall"
    assert [each.id for each in books.holds(goods.lot)] == [hold.id]
