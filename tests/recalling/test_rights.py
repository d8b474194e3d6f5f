"""Who recalls, who sees what of it, and what happens at the border of a region."""

from typing import Any

import pytest

from tests.recalling.conftest import Goods, affected, form, notices, recalled
from tests.recording.conftest import deliver, harvest, paper, until
from tests.support.cast import Actor, Cast


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


@pytest.fixture
def abroad(cast: Cast) -> tuple[Actor, Actor]:
    """A shop beyond the border, and one that buys from it."""
    first = cast.enrol("vendor", "海曙一店", "vendor", "shop", region="330203")
    return first, cast.enrol("vendor", "海曙二店", "vendor", "shop", region="330203")


def test_a_recall_is_the_regulator_s(cast: Cast, goods: Goods) -> None:
    body = form({"lots": [goods.lot["lot_id"]]})
    for actor in (cast.market, cast.stall, cast.farm, cast.lab, cast.scale(cast.stall)):
        assert refusal(actor.post("/recalls", body)) == (403, "role-may-not-recall")
    assert cast.public.post("/recalls", body).status_code == 401


def test_a_regulator_names_goods_of_its_region_and_one_step_beyond(
    cast: Cast, goods: Goods, abroad: tuple[Actor, Actor]
) -> None:
    first, second = abroad
    there = deliver(cast, goods.lot, "10", first)
    further = deliver(cast, there, "5", second, sender=first)
    office, other = cast.regulator, cast.other_regulator
    assert recalled(office, {"custodies": [there["custody_id"]]}, "mock")["state"] == "mock", "one step"
    far = office.post("/recalls", form({"custodies": [further["custody_id"]]}, "mock"))
    assert refusal(far) == (403, "outside-region")
    assert refusal(office.post("/recalls", form({"codes": [second.site["code"]]}, "mock"))) == (403, "outside-region")
    assert refusal(office.post("/recalls", form({"codes": [second.party["code"]]}, "mock"))) == (403, "outside-region")
    assert recalled(other, {"lots": [goods.lot["lot_id"]]}, "mock")["counts"]["custodies"] == 6, "it reached its region"
    assert recalled(cast.admin, {"custodies": [further["custody_id"]]}, "mock")["counts"]["regions"][0]["beyond"] == 0
    lot = harvest(cast)
    assert refusal(other.post("/recalls", form({"lots": [lot["lot_id"]]}, "mock"))) == (403, "outside-region")


def test_food_is_stopped_beyond_the_border_and_duties_are_handed_over(
    cast: Cast, goods: Goods, abroad: tuple[Actor, Actor]
) -> None:
    first, second = abroad
    there = deliver(cast, goods.lot, "10", first)
    further = deliver(cast, there, "5", second, sender=first)
    recall = recalled(
        cast.regulator, {"lots": [goods.lot["lot_id"]]}, persons=[{"name": "王五", "phone": "13800000000"}]
    )
    for batch in (there, further):
        until(lambda code=batch["code"]: cast.public.scan(code)["status"] == "recalled")  # type: ignore[misc]
    assert recall["counts"]["regions"][-1] == {"region": "330203", "custodies": 2, "beyond": 1}
    assert set(notices(cast.regulator, recall)) == {"河东蔬菜合作社", "一号摊经营户", "二号摊经营户", "海曙一店"}
    items = {i["custody_id"]: i for i in cast.regulator.get(f"/recalls/{recall['id']}/affected").json()["items"]}
    far, near = items[further["custody_id"]], items[there["custody_id"]]
    assert (far["beyond"], far["received"], far["receipts"], far["region"]) == (True, None, None, "330203")
    assert (near["beyond"], near["received"]["grams"]) == (False, 10_000)
    # Its own office sees what lies in its region, and who is responsible; the look is in the log.
    other = cast.other_regulator
    told = other.get(f"/recalls/{recall['id']}").json()
    assert (told["counts"], told["scope"], told["history"]) == (None, None, None)
    assert told["persons"][0]["name"] == "王五"
    assert affected(other, recall) == {there["custody_id"], further["custody_id"]}
    assert set(notices(other, recall)) == {"海曙一店"}
    assert refusal(other.patch(f"/recalls/{recall['id']}", {"why": "x"})) == (403, "higher-authority")
    looks = cast.admin.get("/audit").json()["items"]
    assert [(look["subject_kind"], look["subject_id"], look["fields"]) for look in looks][:1] == [
        ("recall", recall["id"], ["persons"])
    ]
    # It starts one of its own for the rest.
    own = recalled(other, {"lots": [goods.lot["lot_id"]]})
    assert "海曙二店" in notices(other, own)


def test_the_office_above_changes_it_and_the_one_below_sees_its_own(cast: Cast, goods: Goods) -> None:
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    province = Actor(cast.client, cast._key("regulator", region="33"))
    district = Actor(cast.client, cast._key("regulator", region="330106"))
    assert affected(province, recall) == goods.keys
    assert province.get("/recalls").json()["items"][0]["id"] == recall["id"]
    assert affected(district, recall) == goods.keys - {goods.lot["custody_id"]}
    assert refusal(district.patch(f"/recalls/{recall['id']}", {"why": "x"})) == (403, "higher-authority")
    for above in (province, cast.admin):
        answer = above.patch(f"/recalls/{recall['id']}", {"why": "升级 · graver", "grade": "II"})
        assert answer.status_code == 200, answer.text


def test_parties_see_their_own(cast: Cast, goods: Goods) -> None:
    bystander = cast.enrol("vendor", "三号摊", "vendor", "stall", parent=cast.market)
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]}, persons=[{"name": "王五"}])
    path = f"/recalls/{recall['id']}"
    assert bystander.get(path).status_code == 404
    told = cast.stall.get(path).json()
    assert (told["number"], told["persons"], told["counts"], told["scope"]) == (recall["number"], None, None, None)
    assert told["progress"]["parties"]["parties"] == 1
    assert told["progress"]["weight"]["answers_for"] == 38_000
    assert set(notices(cast.stall, recall)) == {"一号摊经营户"}
    assert affected(cast.stall, recall) == {goods.at_stall["custody_id"], goods.dish["custody_id"]}
    assert [item["id"] for item in cast.stall.get("/recalls").json()["items"]] == [recall["id"]]
    assert set(notices(cast.market, recall)) == {"一号摊经营户", "二号摊经营户"}
    assert affected(cast.market, recall) == goods.keys - {goods.lot["custody_id"]}
    scale = cast.scale(cast.stall)
    assert (scale.get(path).status_code, scale.get("/recalls").json()["items"]) == (404, [])
    assert cast.stall.get("/recalls", params={"state": "closed"}).json()["items"] == []
    assert cast.stall.get("/recalls", params={"number": recall["number"]}).json()["items"] != []


def test_who_answers(cast: Cast, goods: Goods) -> None:
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    here, stall = f"/recalls/{recall['id']}/acknowledgements", cast.stall.party["id"]
    line = {"custody_id": goods.at_stall["custody_id"], "withdrawn": {"value": "30", "unit": "公斤"}}
    by_market = cast.market.made(here, {"ref": "m", "party_id": stall, "lines": [line]})
    assert by_market["notice"]["state"] == "answered"
    again = cast.market.post(here, {"ref": "m", "party_id": stall, "lines": [line]})
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    assert refusal(cast.market.post(here, {"ref": "m", "party_id": stall})) == (409, "ref-reused")
    assert refusal(cast.other_stall.post(here, {"ref": "x", "party_id": stall})) == (403, "not-yours")
    assert refusal(cast.regulator.post(here, {"ref": "x", "party_id": stall})) == (403, "not-yours")
    assert refusal(cast.regulator.post(here, {"ref": "x"})) == (404, "unknown-recall")
    assert refusal(cast.market.post(here, {"ref": "x"})) == (404, "not-concerned")
    assert cast.admin.made(here, {"ref": "x", "party_id": stall})["notice"]["state"] == "answered", (
        "it never falls back"
    )
    mine = cast.other_stall
    wrong = {"custody_id": goods.at_stall["custody_id"], "withdrawn": {"value": "1", "unit": "公斤"}}
    assert refusal(mine.post(here, {"ref": "y", "lines": [wrong]})) == (422, "not-in-scope")
    elsewhere = {"product_id": goods.dish["product_id"], "withdrawn": {"value": "1", "unit": "公斤"}}
    assert refusal(mine.post(here, {"ref": "y", "lines": [elsewhere]})) == (422, "not-in-scope")
    unknown = {"custody_id": "00000000-0000-5000-8000-000000000000"}
    assert refusal(mine.post(here, {"ref": "y", "lines": [unknown]})) == (422, "not-in-scope")
    assert refusal(mine.post(here, {"ref": "y", "lines": [{}]})) == (422, "invalid")
    own = {"custody_id": goods.at_other["custody_id"]}
    amount = own | {"destroyed": {"value": "x", "unit": "公斤"}}
    assert refusal(mine.post(here, {"ref": "y", "lines": [amount]})) == (422, "invalid-quantity")
    gone = own | {"destroyed": {"value": "1", "unit": "公斤"}}
    foreign = {"ref": "y", "lines": [gone], "evidence": [paper(cast.stall, "other")]}
    assert refusal(mine.post(here, foreign)) == (403, "not-your-document")
    missing = foreign | {"evidence": ["00000000-0000-5000-8000-000000000000"]}
    assert refusal(mine.post(here, missing)) == (404, "unknown-document")
    other = deliver(cast, harvest(cast), "5", cast.other_stall)
    free = {"custody_id": other["custody_id"], "withdrawn": {"value": "1", "unit": "公斤"}}
    assert refusal(mine.post(here, {"ref": "y", "lines": [free]})) == (422, "not-in-scope")
    mock = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]}, "mock")
    assert cast.stall.post(f"/recalls/{mock['id']}/acknowledgements", {"ref": "z"}).status_code == 404


def test_what_cannot_be_closed(cast: Cast, goods: Goods) -> None:
    mock = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]}, "mock")
    close = {"outcome": "lifted", "conclusion": "x"}
    assert refusal(cast.regulator.post(f"/recalls/{mock['id']}/close", close)) == (409, "still-a-mock")
    live = cast.regulator.post(f"/recalls/{mock['id']}/start", {})
    again = cast.regulator.post(f"/recalls/{mock['id']}/start", {})
    assert (live.status_code, again.status_code) == (200, 200)
    assert again.json()["version"] == live.json()["version"], "started once"
    assert cast.regulator.get("/recalls/00000000-0000-5000-8000-000000000000").status_code == 404
