"""What selects goods: every kind of code, windows of time at a place, and what is left out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain import codes
from app.domain.codes import CodeKind
from tests.recalling.conftest import Goods, affected, form, notices, recalled
from tests.recording.conftest import deliver, harvest, until
from tests.support.cast import Actor, Cast


def refused(by: Actor, scope: dict[str, Any], mode: str = "mock") -> tuple[int, str]:
    answer = by.post("/recalls", form(scope, mode))
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


def test_codes_of_every_kind(cast: Cast, goods: Goods) -> None:
    scale = cast.scale(cast.stall)
    receipt = scale.sell(0, cast.item(goods.at_stall, "1"))["receipt_code"]
    job = cast.farm.made("/code-jobs", {"ref": "u", "lot_id": goods.lot["lot_id"], "count": 3})
    unit = cast.farm.get(f"/code-jobs/{job['id']}/download").text.splitlines()[1].split(",")[1].rpartition("/")[2]
    slip = cast.other_stall.record("ship", items=[cast.item(goods.at_other, "1")])["slip_code"]
    at_stall = {goods.at_stall["custody_id"], goods.dish["custody_id"]}
    reaches = {
        goods.lot["lot_code"]: goods.keys,
        unit: goods.keys,
        goods.lot["code"]: goods.keys,
        goods.at_stall["code"]: at_stall,
        receipt: at_stall,
        slip: {goods.at_other["custody_id"]},
        cast.stall.site["code"]: at_stall,
        cast.market.site["code"]: goods.keys - {goods.lot["custody_id"]},
        cast.stall.party["code"]: at_stall,
        f"https://food.example.cn/c/{goods.dish['code'].lower()}": {goods.dish["custody_id"]},
    }
    for code, expected in reaches.items():
        mock = recalled(cast.regulator, {"codes": [code]}, "mock")
        assert affected(cast.regulator, mock) == expected, code


def test_a_window_at_a_place(cast: Cast, goods: Goods) -> None:
    site, now = cast.market.site["id"], datetime.now(UTC)
    other = deliver(cast, harvest(cast, category="fruit.citrus"), "5", cast.stall)

    def reach(**fields: Any) -> set[str]:
        scope = {"sites": [{"site_id": site, **fields}]}
        return affected(cast.regulator, recalled(cast.regulator, scope, "mock"))

    stalls = goods.keys - {goods.lot["custody_id"]}
    assert reach() == stalls | {other["custody_id"]}
    assert reach(since=(now - timedelta(hours=3)).isoformat(), until=now.isoformat()) == reach()
    assert reach(until=(now - timedelta(hours=3)).isoformat()) == set()
    assert reach(products=[other["product_id"]]) == {other["custody_id"]}
    assert reach(categories=["fruit"]) == {other["custody_id"]}
    assert reach(categories=["fruit"], since=now.isoformat()) == set()


def test_what_came_through_the_excluded_alone_is_spared(cast: Cast, goods: Goods) -> None:
    scope = {
        "lots": [goods.lot["lot_id"]],
        "exclusions": [{"custody_id": goods.at_stall["custody_id"], "reason": "另一批 · another load"}],
    }
    mock = recalled(cast.regulator, scope, "mock")
    left = {goods.lot["custody_id"], goods.at_other["custody_id"]}
    assert affected(cast.regulator, mock) == left
    assert mock["scope"]["exclusions"][0]["reason"] == "另一批 · another load"
    live = cast.regulator.post(f"/recalls/{mock['id']}/start", {}).json()
    until(lambda: cast.public.scan(goods.at_other["code"])["status"] == "recalled")
    for spared in (goods.at_stall, goods.dish):
        assert cast.public.scan(spared["code"])["status"] == "ok"
    scale = cast.scale(cast.stall)
    assert len(scale.get("/devices/me/stock").json()["items"]) == 2
    assert scale.sell(0, cast.item(goods.dish, "1"))["flags"] == []
    nodes = cast.regulator.trace("forward", lot=goods.lot["lot_id"])["nodes"]
    assert {node["id"] for node in nodes if node["status"] == "recalled"} == left
    assert set(notices(cast.regulator, live)) == {"河东蔬菜合作社", "二号摊经营户"}


def test_a_new_version_widens(cast: Cast, goods: Goods) -> None:
    recall = recalled(cast.regulator, {"codes": [goods.at_other["code"]]})
    assert affected(cast.regulator, recall) == {goods.at_other["custody_id"]}
    stale = {"why": "x", "version": 1, "scope": {"lots": [goods.lot["lot_id"]]}}
    answer = cast.regulator.patch(f"/recalls/{recall['id']}", stale)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/changed-meanwhile")
    wider = cast.regulator.patch(f"/recalls/{recall['id']}", stale | {"version": recall["version"]})
    assert wider.json()["counts"]["custodies"] == 4
    until(lambda: cast.public.scan(goods.dish["code"])["status"] == "recalled")
    same = {"why": "x", "scope": cast.regulator.get(f"/recalls/{recall['id']}").json()["scope"]}
    assert cast.regulator.patch(f"/recalls/{recall['id']}", same).json()["scope"] == same["scope"], "as it was told"
    said = {"why": "查明 · found out", "reason": "检出克伦特罗 · clenbuterol", "grade": "II"}
    assert cast.regulator.patch(f"/recalls/{recall['id']}", said).json()["grade"] == "II"
    until(lambda: "克伦特罗" in cast.public.scan(goods.dish["code"])["status_reason"])
    scale = cast.scale(cast.stall)
    until(lambda: "克伦特罗" in scale.get("/devices/me/stock").json()["left_out"][0]["reasons"][0]["detail"])
    history = cast.regulator.get(f"/recalls/{recall['id']}").json()["history"]
    assert [(line["what"], line["why"]) for line in history[2:]] == [
        ("change", "x"), ("change", "x"), ("change", "查明 · found out"),
    ]  # fmt: skip
    assert history[4]["changes"] == ["grade", "reason"]


def test_scopes_that_are_none(cast: Cast, goods: Goods, monkeypatch: pytest.MonkeyPatch) -> None:
    by, nothing = cast.regulator, "00000000-0000-5000-8000-000000000000"
    assert refused(by, {}) == (422, "empty-scope")
    assert refused(by, {"codes": ["B123"]}) == (400, "mistyped-code")
    missing = {"lots": "lot", "custodies": "custody"}
    for name, what in missing.items():
        assert refused(by, {name: [nothing]}) == (404, f"unknown-{what}")
    assert refused(by, {"sites": [{"site_id": nothing}]}) == (404, "unknown-site")
    lots = {"lots": [goods.lot["lot_id"]]}
    assert refused(by, lots | {"exclusions": [{"custody_id": nothing, "reason": "x"}]}) == (404, "unknown-custody")
    assert refused(by, lots | {"exclusions": [{"site_id": nothing, "reason": "x"}]}) == (404, "unknown-site")
    assert refused(by, lots | {"exclusions": [{"reason": "x"}]}) == (422, "invalid")
    assert refused(by, {"sites": [{"since": None}]}) == (422, "invalid")
    code = cast.stall.site["code"]
    assert refused(by, {"codes": [code] * 400, "lots": [goods.lot["lot_id"]] * 101}) == (422, "too-many-selectors")
    unissued = goods.lot["code"]
    for never in (codes.mint(CodeKind.LOT), codes.unit_code(b"x" * 32, 9, 1)):
        assert refused(by, {"codes": [never]}) == (404, "unknown-code")
    assert refused(by, {"codes": [unissued[:-1] + ("0" if unissued[-1] != "0" else "1")]})[0] == 400
    monkeypatch.setattr("app.recalling.reaching.HOLDS", 1)
    assert refused(by, {"sites": [{"site_id": cast.market.site["id"]}]}) == (409, "scope-too-wide")


def test_a_walk_ends_somewhere(cast: Cast, goods: Goods, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.recalling.reaching.REACHED", 2)
    mock = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]}, "mock")
    assert (mock["counts"]["custodies"], mock["counts"]["truncated"]) == (2, True)


def test_pages_of_what_is_affected(cast: Cast, goods: Goods) -> None:
    mock = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]}, "mock")
    path, found, cursor = f"/recalls/{mock['id']}/affected", [], None
    for _ in range(4):
        page = cast.regulator.get(path, params={"limit": 1} | ({"cursor": cursor} if cursor else {})).json()
        found += [item["custody_id"] for item in page["items"]]
        cursor = page["next"]
    assert (cursor, set(found), len(found)) == (None, goods.keys, 4)
    whole = cast.regulator.get(path, headers={"Accept": "application/x-ndjson"})
    assert whole.headers["content-type"] == "application/x-ndjson"
    lines = whole.text.splitlines()
    assert (len(lines), lines[-1]) == (5, '{"summary":{"custodies":4}}')
    for wrong in ("x", "!!!!", "AAAA"):
        assert cast.regulator.get(path, params={"cursor": wrong}).json()["type"] == "/problems/bad-cursor"
    item = next(i for i in cast.regulator.get(path).json()["items"] if i["custody_id"] == goods.dish["custody_id"])
    assert (item["generation"], item["on_hand"]["grams"], item["party"]["name"]) == (1, 8_000, "一号摊经营户")
