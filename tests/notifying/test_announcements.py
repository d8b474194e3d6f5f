"""What everybody is told of a recall: complete, at once, and nobody's secrets."""

import json
from typing import Any

import pytest

from app.domain import codes
from app.domain.codes import CodeKind
from app.web.service import Service
from tests.notifying.conftest import until
from tests.recalling.conftest import Goods, goods, recalled
from tests.support.cast import Cast
from tests.support.freshness import settled

__all__ = ["goods"]

HTML = {"Accept": "text/html"}
PERSON = {"name": "王五", "position": "厂长", "phone": "13800000000"}


def public(cast: Cast, path: str, **headers: str) -> Any:
    return cast.public.get(f"https://food.example.cn{path}", headers=headers)


def listed(cast: Cast, query: str = "") -> list[dict[str, Any]]:
    answer = public(cast, f"/recalls{query}", Accept="application/json")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_recall_is_announced_with_what_a_shopper_needs(cast: Cast, goods: Goods) -> None:
    assert listed(cast) == []
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]}, persons=[PERSON])
    until(lambda: [row["number"] for row in listed(cast)] == [recall["number"]])
    told = public(cast, f"/recalls/{recall['number']}", Accept="application/json").json()
    assert (told["state"], told["grade"], told["region"]) == ("live", "I", "3301")
    assert {product["category"] for product in told["products"]} == {"vegetables", "cooked"}
    assert {lot["lot_number"] for lot in told["lots"]} == {goods.lot["lot_number"], goods.dish["lot_number"]}
    assert [place["name"] for place in told["places"]] == ["城西农贸市场"]
    text = json.dumps(told, ensure_ascii=False)
    for secret in ("王五", "13800000000", "二号摊", "公斤", "kg"):
        assert secret not in text

    for language, words in (("zh", ("正在召回", "召回原因", "12315")), ("en", ("Recall under way", "12315"))):
        page = public(cast, f"/recalls/{recall['number'].lower()}?lang={language}", **HTML)
        assert page.status_code == 200
        assert all(word in page.text for word in (*words, goods.lot["lot_number"], "城西农贸市场"))
        assert not any(secret in page.text for secret in ("王五", "13800000000", "二号摊"))
        lists = public(cast, f"/recalls?lang={language}", **HTML)
        assert recall["number"] in lists.text


def test_it_is_kept_and_follows_every_change_within_a_second(cast: Cast, goods: Goods, service: Service) -> None:
    under_way = cast.farm.record("ship", items=[cast.item(goods.lot, "5")])["slip_code"]
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    settled(service)
    path = f"/recalls/{recall['number']}"
    first = public(cast, path, **HTML)
    assert first.headers["cache-control"] == "public, no-cache"
    assert public(cast, path, **HTML, **{"If-None-Match": first.headers["etag"]}).status_code == 304
    assert service.announcements.usage.hits > 0

    cast.regulator.patch(f"/recalls/{recall['id']}", {"why": "更正", "title": "河东青菜"})
    until(lambda: "河东青菜" in public(cast, path, **HTML).text)
    until(lambda: listed(cast)[0]["title"] == "河东青菜")

    shop = cast.enrol("vendor", "转角小店", "vendor", "shop", region="330106")
    shop.record("receive", slip_code=under_way)
    until(lambda: "转角小店" in public(cast, path, **HTML).text)

    cast.regulator.post(f"/recalls/{recall['id']}/close", {"outcome": "lifted", "conclusion": "复检合格"})
    until(lambda: "召回已解除" in public(cast, path, **HTML).text)


def test_a_code_leads_to_its_recall(cast: Cast, goods: Goods) -> None:
    other = cast.farm.record("produce", outputs=[cast.output(cast.product("土豆"), "9")])["outputs"][0]
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    recalled(cast.regulator, {"lots": [other["lot_id"]]})
    for code in (goods.dish["code"], goods.at_other["code"], goods.lot["lot_code"], goods.at_stall["slip"]):
        assert [row["id"] if "id" in row else row["number"] for row in listed(cast, f"?code={code}")] == [
            recall["number"]
        ]
    page = cast.public.get(f"https://food.example.cn/c/{goods.dish['code']}", headers=HTML)
    until(lambda: f'href="/recalls?code={goods.dish["code"]}' in public(cast, f"/c/{goods.dish['code']}", **HTML).text)
    assert page.status_code == 200
    for place in (f"/boards/{cast.stall.site['code']}", f"/c/{cast.stall.site['code']}"):
        until(lambda place=place: 'href="/recalls?lang=zh"' in public(cast, place, **HTML).text)  # type: ignore[misc]
    shown = public(cast, f"/recalls?code={goods.dish['code']}", **HTML)
    assert recall["number"] in shown.text
    assert public(cast, "/recalls?code=BNOTACODE", Accept="application/json").status_code == 400
    forged = codes.unit_code(codes.unit_secret(bytes(32), 9), 9, 1)
    for unknown in (codes.mint(CodeKind.CUSTODY), forged):
        assert public(cast, f"/recalls?code={unknown}", Accept="application/json").status_code == 404
    assert public(cast, f"/recalls?code={other['code']}", Accept="application/json").json()["next"] is None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_pages_of_the_list(cast: Cast, goods: Goods) -> None:
    numbers = [recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})["number"] for _ in range(3)]
    first = public(cast, "/recalls?limit=2", Accept="application/json").json()
    rest = public(cast, f"/recalls?limit=2&cursor={first['next']}", Accept="application/json").json()
    assert [row["number"] for row in first["items"] + rest["items"]] == numbers[::-1]
    assert rest["next"] is None
    assert "更早的" in public(cast, "/recalls?limit=2", **HTML).text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_mock_is_announced_to_nobody(cast: Cast, goods: Goods) -> None:
    mock = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]}, "mock")
    assert listed(cast) == []
    answer = public(cast, f"/recalls/{mock['number']}", Accept="application/json")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-recall")
    assert "目前没有召回公告" in public(cast, "/recalls", **HTML).text
