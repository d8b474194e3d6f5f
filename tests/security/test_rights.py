"""What a key must not be able to take: parties, devices and papers of others."""

from typing import Any

import pytest

from tests.support.cast import Actor, Cast


@pytest.fixture
def rival(cast: Cast) -> Actor:
    return cast.enrol("market", "城东农贸市场", "market", "market", region="330105")


@pytest.mark.parametrize("victim", ["farm", "market", "lab", "stall"])
def test_a_market_gets_no_hold_of_a_party_by_giving_it_a_stall(cast: Cast, rival: Actor, victim: str) -> None:
    other: Actor = getattr(cast, victim)
    place = {"party_id": other.party["id"], "name": "空摊", "kind": "stall", "parent_site_id": rival.site["id"]}
    assert rival.post("/sites", place).status_code == 403
    own = rival.made("/sites", {**place, "party_id": rival.party["id"]})
    assert rival.patch(f"/sites/{own['id']}", {"party_id": other.party["id"]}).status_code == 403
    assert rival.get(f"/parties/{other.party['id']}").status_code == 404
    assert rival.patch(f"/parties/{other.party['id']}", {"status": "locked"}).status_code == 404
    key = rival.post("/keys", {"role": "vendor", "party_id": other.party["id"]})
    assert key.status_code == 403


def test_a_market_takes_in_its_own_and_who_stands_nowhere(cast: Cast, rival: Actor) -> None:
    def stall(party: dict[str, Any], name: str) -> dict[str, Any]:
        return {"party_id": party["id"], "name": name, "kind": "stall", "parent_site_id": rival.site["id"]}

    enrolled = rival.made("/parties", {"name": "三号摊经营户", "kind": "vendor"})
    newcomer = cast.admin.made("/parties", {"name": "四号摊经营户", "kind": "vendor"})
    first = rival.made("/sites", stall(enrolled, "三号摊"))
    rival.made("/sites", stall(newcomer, "四号摊"))
    assert rival.patch(f"/sites/{first['id']}", {"party_id": newcomer["id"]}).json()["party_id"] == newcomer["id"]
    # The operator puts anybody anywhere.
    assert cast.admin.post("/sites", stall(cast.stall.party, "五号摊")).status_code == 201


def test_the_lock_of_a_scale_is_not_its_seller_s_to_lift(cast: Cast) -> None:
    scale = cast.scale(cast.stall)
    path = f"/devices/{scale.activation['device_id']}"
    assert cast.regulator.patch(path, {"status": "locked"}).status_code == 200
    assert cast.stall.patch(path, {"status": "active"}).status_code == 403
    assert scale.get("/events").status_code == 403
    assert cast.regulator.patch(path, {"status": "active"}).json()["status"] == "active"
    assert cast.stall.patch(path, {"status": "locked"}).json()["status"] == "locked"


@pytest.fixture
def shared(cast: Cast, rival: Actor) -> Actor:
    """The stall's vendor, who trades in the rival's market too."""
    place = {"party_id": cast.stall.party["id"], "name": "城东三号摊", "kind": "stall"}
    second = cast.admin.made("/sites", {**place, "parent_site_id": rival.site["id"]})
    return Actor(cast.client, cast.stall.key, cast.stall.party, second)


def test_of_a_vendor_in_two_markets_each_has_the_stalls(cast: Cast, rival: Actor, shared: Actor) -> None:
    path = f"/parties/{shared.party['id']}"
    key_id = cast.stall.get("/keys").json()["items"][0]["id"]
    sold = {"product_id": cast.product("大白菜")["id"], "quantity": {"value": "1", "unit": "公斤"}}
    for market, own, other in ((cast.market, cast.stall, shared), (rival, shared, cast.stall)):
        assert market.get(path).status_code == 200
        refused: list[dict[str, Any]] = [
            {"name": "别名"}, {"licences": []}, {"credit_code": None}, {"contact": None}, {"status": "locked"},
            {"external_codes": []},
        ]  # fmt: skip
        for changes in refused:
            answer = market.patch(path, changes)
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden"), changes
        assert market.post("/keys", {"role": "vendor", "party_id": shared.party["id"]}).status_code == 403
        assert market.get(f"/keys/{key_id}").status_code == 200
        assert market.post(f"/keys/{key_id}/revoke").status_code == 403
        assert market.post(f"/codes/{shared.party['code']}/revoke", {"reason": "x"}).status_code == 403
        # Its own stall it locks, and no other.
        locked = market.patch(f"/sites/{own.site['id']}", {"status": "locked", "status_reason": "欠租"})
        assert locked.status_code == 200
        assert market.patch(f"/sites/{other.site['id']}", {"status": "locked"}).status_code == 404
        problem = own.refused("sell", 403, lines=[sold])
        assert problem["type"] == "/problems/site-closed"
        assert market.patch(f"/sites/{own.site['id']}", {"status": "active"}).status_code == 200
        device = market.made("/devices", {"site_id": own.site["id"], "name": "秤", "kind": "scale"})
        assert market.post("/keys", {"role": "device", "device_id": device["id"]}).status_code == 201
        # Another stall in the same market is nothing new.
        more = {"party_id": shared.party["id"], "name": "四号摊", "kind": "stall", "parent_site_id": market.site["id"]}
        assert market.post("/sites", more).status_code == 201
    assert cast.stall.patch(path, {"contact": {"name": "店主", "phone": "1"}}).status_code == 200
    assert cast.regulator.patch(path, {"status": "locked"}).status_code == 200


def test_a_market_manages_who_trades_with_it_alone(cast: Cast) -> None:
    path = f"/parties/{cast.stall.party['id']}"
    assert cast.market.patch(path, {"name": "新招牌", "licences": []}).status_code == 200
    assert cast.market.post("/keys", {"role": "vendor", "party_id": cast.stall.party["id"]}).status_code == 201
    assert cast.market.patch(path, {"status": "locked"}).status_code == 200


def test_a_newcomer_is_no_market_s_prey(cast: Cast, rival: Actor) -> None:
    def stall(party: dict[str, Any]) -> dict[str, Any]:
        return {"party_id": party["id"], "name": "空摊", "kind": "stall", "parent_site_id": rival.site["id"]}

    regulator = cast.regulator
    farm = cast.admin.made("/parties", {"name": "新开的农场", "kind": "producer", "region": "330122"})
    kitchen = regulator.made("/parties", {"name": "新开的食堂", "kind": "caterer", "region": "330105"})
    enrolled = cast.market.made("/parties", {"name": "城西的新摊贩", "kind": "vendor"})
    own = rival.made("/sites", {**stall(rival.party), "name": "公平秤"})
    for victim in (farm, kitchen, enrolled):
        assert rival.post("/sites", stall(victim)).status_code == 403
        assert rival.patch(f"/sites/{own['id']}", {"party_id": victim["id"]}).status_code == 403
        assert rival.get(f"/parties/{victim['id']}").status_code == 404
    # A farm that the market itself enrolled has its stall there, and a vendor whom an office enrolled as well.
    for newcomer in (
        rival.made("/parties", {"name": "自产自销户", "kind": "producer"}),
        regulator.made("/parties", {"name": "发证处登记的摊贩", "kind": "vendor", "region": "330105"}),
    ):
        assert rival.post("/sites", stall(newcomer)).status_code == 201


FIRM = {"name": "百年酱园", "kind": "vendor", "region": "330105", "credit_code": "91330106MA2KC5DA0Q"}


def test_a_firm_s_name_is_not_taken_by_whoever_is_first(cast: Cast, rival: Actor) -> None:
    assert rival.post("/parties", {**FIRM, "status": "active"}).status_code == 403
    squatted = rival.made("/parties", FIRM)
    assert squatted["status"] == "pending"
    path = f"/parties/{squatted['id']}"
    key = {"role": "vendor", "party_id": squatted["id"]}
    # No lock and unlock gets it past the office, and nobody speaks for it meanwhile.
    for changes in ({"status": "active"}, {"status": "locked"}, {"status": "active"}):
        rival.patch(path, changes)
        assert rival.get(path).json()["status"] != "active"
        assert rival.post("/keys", key).status_code == 403
    assert rival.patch(path, {"credit_code": None}).status_code == 403
    # The market that the firm trades in asks the operator, who puts it where it is, under its own name.
    answer = cast.market.post("/parties", {**FIRM, "name": "百年酱园有限公司"})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/party-exists")
    cast.admin.patch(path, {"name": "百年酱园有限公司", "status": "active"})
    place = {"party_id": squatted["id"], "name": "酱园", "kind": "stall", "parent_site_id": cast.market.site["id"]}
    cast.admin.made("/sites", place)
    assert cast.market.post("/keys", key).status_code == 201
    assert cast.market.patch(path, {"contact": {"name": "掌柜", "phone": "1"}}).status_code == 200
    for changes in ({"name": "我的酱园"}, {"status": "locked"}):
        assert rival.patch(path, changes).status_code == 403
    assert rival.post("/keys", key).status_code == 403


def test_a_firm_that_an_office_has_confirmed_is_its_market_s(cast: Cast, rival: Actor) -> None:
    firm = rival.made("/parties", FIRM)
    path = f"/parties/{firm['id']}"
    assert cast.regulator.patch(path, {"status": "active"}).status_code == 200
    assert rival.post("/keys", {"role": "vendor", "party_id": firm["id"]}).status_code == 201
    assert rival.patch(path, {"status": "locked"}).status_code == 200
    assert rival.patch(path, {"status": "active"}).json()["status"] == "active"


def test_nobody_becomes_another_firm_by_a_form(cast: Cast) -> None:
    path = f"/parties/{cast.stall.party['id']}"
    for actor in (cast.stall, cast.market):
        assert actor.patch(path, {"credit_code": FIRM["credit_code"]}).status_code == 403
    assert cast.admin.patch(path, {"credit_code": FIRM["credit_code"]}).status_code == 200
    for actor in (cast.stall, cast.market):
        assert actor.patch(path, {"credit_code": None}).status_code == 403
        assert actor.patch(path, {"credit_code": FIRM["credit_code"]}).status_code == 200


def test_a_lesser_key_of_the_same_party_takes_no_greater_one(cast: Cast) -> None:
    till = cast.key("vendor", party_id=cast.market.party["id"])
    farm = cast.key("producer", party_id=cast.market.party["id"])
    keys = {key["role"]: key["id"] for key in till.get("/keys").json()["items"]}
    for lesser in (till, farm):
        assert lesser.get(f"/keys/{keys['market']}").status_code == 200
        assert lesser.post(f"/keys/{keys['market']}/revoke").status_code == 403
        assert lesser.patch(f"/keys/{keys['market']}", {"name": "x"}).status_code == 403
    assert cast.market.get("/keys").status_code == 200
    assert till.patch(f"/keys/{keys['producer']}", {"name": "地里的手机"}).status_code == 200
    assert cast.market.post(f"/keys/{keys['vendor']}/revoke").status_code == 200
    again = cast.admin.made("/keys", {"role": "market", "party_id": cast.market.party["id"]})
    assert cast.market.post(f"/keys/{again['id']}/revoke").status_code == 200
