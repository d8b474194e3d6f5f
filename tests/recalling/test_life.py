"""A recall from its first trial to its end, as the office, the parties and the public see it."""

from app.store.check import verify
from app.web.service import Service
from tests.recalling.conftest import Goods, affected, form, notices, recalled
from tests.recording.conftest import harvest, paper, slugs, until
from tests.support.cast import Cast


def test_a_mock_counts_and_shows_nothing_to_anybody(cast: Cast, goods: Goods) -> None:
    mock = recalled(cast.regulator, {"codes": [goods.lot["lot_code"]]}, "mock")
    assert (mock["state"], mock["started_at"]) == ("mock", None)
    counts = mock["counts"]
    assert (counts["custodies"], counts["sites"], counts["parties"]) == (4, 3, 3)
    assert set(counts["ms"]) == {"select", "walk", "sum", "total"}
    assert affected(cast.regulator, mock) == goods.keys
    assert cast.public.scan(goods.dish["code"])["status"] == "ok"
    assert notices(cast.regulator, mock) == {}
    for actor in (cast.stall, cast.market, cast.other_regulator, cast.lab):
        assert actor.get(f"/recalls/{mock['id']}").status_code == 404
        assert actor.get("/recalls").json()["items"] == []


def test_a_live_recall_reaches_all_that_was_made_of_the_lot(cast: Cast, goods: Goods) -> None:
    bystander = harvest(cast)
    recall = recalled(cast.regulator, {"codes": [goods.lot["lot_code"]]})
    assert recall["state"] == "live"
    for each in (goods.lot, goods.at_stall, goods.at_other, goods.dish):
        until(lambda code=each["code"]: cast.public.scan(code)["status"] == "recalled")  # type: ignore[misc]
    assert cast.public.scan(bystander["code"])["status"] == "ok"
    assert set(notices(cast.regulator, recall)) == {"河东蔬菜合作社", "一号摊经营户", "二号摊经营户"}


def test_a_mock_is_turned_live(cast: Cast, goods: Goods) -> None:
    mock = recalled(cast.regulator, {"codes": [goods.lot["lot_code"]]}, "mock")
    live = cast.regulator.post(f"/recalls/{mock['id']}/start", {})
    assert live.status_code == 200, live.text
    assert live.json()["state"] == "live"
    assert live.json()["counts"]["custodies"] == 4
    until(lambda: cast.public.scan(goods.dish["code"])["status"] == "recalled")


def test_the_same_again_is_the_same_recall(cast: Cast, goods: Goods) -> None:
    body = form({"lots": [goods.lot["lot_id"]]})
    first = cast.regulator.made("/recalls", body)
    again = cast.regulator.post("/recalls", body)
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert cast.regulator.post("/recalls", body | {"grade": "II"}).status_code == 409


def test_parties_answer_and_the_progress_is_told(cast: Cast, goods: Goods) -> None:
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    here = f"/recalls/{recall['id']}/acknowledgements"
    heard = cast.other_stall.made(here, {"ref": "heard"})
    assert heard["notice"]["state"] == "acknowledged"
    line = {"custody_id": goods.at_other["custody_id"], "destroyed": {"value": "30", "unit": "公斤"}}
    missing = cast.other_stall.post(here, {"ref": "gone", "lines": [line]})
    assert (missing.status_code, missing.json()["type"]) == (422, "/problems/no-evidence")
    evidence = paper(cast.other_stall, "other")
    done = cast.other_stall.made(here, {"ref": "gone", "lines": [line], "evidence": [evidence]})
    assert (done["notice"]["state"], done["notice"]["percent"]) == ("answered", 100.0)
    progress = cast.regulator.get(f"/recalls/{recall['id']}").json()["progress"]
    # 100 kg less what became the dish, 40 + 30 shipped on: 30 at the farm, 30 and 30 at the stalls, 8 of the dish.
    assert progress["weight"] == {"answers_for": 98_000, "recovered": 30_000, "percent": 30.6}
    assert progress["parties"]["answered"] == 1
    assert progress["parties"]["percent"] == 33.3


def test_narrowed_and_lifted(cast: Cast, goods: Goods) -> None:
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    until(lambda: cast.public.scan(goods.at_other["code"])["status"] == "recalled")
    spared = {"site_id": cast.other_stall.site["id"], "reason": "到货前已换货 · exchanged before it came"}
    change = {
        "why": "二号摊的货来自另一车 · another load",
        "scope": {"lots": [goods.lot["lot_id"]], "exclusions": [spared]},
    }
    narrowed = cast.regulator.patch(f"/recalls/{recall['id']}", change)
    assert narrowed.status_code == 200, narrowed.text
    until(lambda: cast.public.scan(goods.at_other["code"])["status"] == "ok")
    assert cast.public.scan(goods.dish["code"])["status"] == "recalled"
    assert affected(cast.regulator, recall) == goods.keys - {goods.at_other["custody_id"]}
    assert notices(cast.regulator, recall)["二号摊经营户"]["state"] == "withdrawn"
    assert [line["what"] for line in narrowed.json()["history"]] == ["create", "start", "change"]
    closed = cast.regulator.post(
        f"/recalls/{recall['id']}/close", {"outcome": "lifted", "conclusion": "复检合格 · retest passed"}
    )
    assert closed.status_code == 200, closed.text
    for each in (goods.lot, goods.at_stall, goods.dish):
        until(lambda code=each["code"]: cast.public.scan(code)["status"] == "ok")  # type: ignore[misc]


def test_sales_of_recalled_goods_are_flagged_and_raise_the_alarm(cast: Cast, goods: Goods) -> None:
    scale = cast.scale(cast.stall)
    recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    until(lambda: scale.get("/devices/me/stock").json()["items"] == [])
    left_out = scale.get("/devices/me/stock").json()["left_out"]
    assert {each["reasons"][0]["slug"] for each in left_out} == {"recalled_goods"}
    assert slugs(scale.sell(0, cast.item(goods.dish, "1"))) == ["recalled_goods"]
    assert [alert["slug"] for alert in cast.regulator.get("/alerts").json()["items"]] == ["recalled_goods"]
    assert slugs(cast.stall.record("sell", lines=[cast.item(goods.dish, "1")])) == ["recalled_goods"]


def test_the_books_verify_with_recalls_in_them(cast: Cast, goods: Goods, service: Service) -> None:
    lot = {"lots": [goods.lot["lot_id"]]}
    recall = recalled(cast.regulator, lot)
    recalled(cast.regulator, {"sites": [{"site_id": cast.market.site["id"]}]}, "mock")
    cast.stall.made(f"/recalls/{recall['id']}/acknowledgements", {"ref": "1"})
    spared = lot | {"exclusions": [{"site_id": cast.stall.site["id"], "reason": "x"}]}
    assert cast.regulator.patch(f"/recalls/{recall['id']}", {"why": "x", "scope": spared}).status_code == 200
    done = {"outcome": "lifted", "conclusion": "x"}
    assert cast.regulator.post(f"/recalls/{recall['id']}/close", done).status_code == 200
    assert verify(service.engine) == []
