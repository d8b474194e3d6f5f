"""/api/v1/sites and the admission rules of a market."""

import json
from typing import Any

from tests.support.cast import Actor, Cast, ago


def stall(actor: Actor, market: Actor | None, **fields: Any) -> dict[str, Any]:
    parent = {"parent_site_id": market.site["id"]} if market else {}
    return {"party_id": actor.party["id"], "name": "七号摊", "kind": "stall", **parent, **fields}


def test_a_stall_gets_its_code_and_its_market_s_surroundings(cast: Cast) -> None:
    made = cast.market.post("/sites", stall(cast.stall, cast.market, gln="6901234567892"))
    assert made.status_code == 201
    body = made.json()
    assert body["code"].startswith("S")
    assert made.headers["location"] == f"/api/v1/sites/{body['id']}"
    assert body.items() >= {
        "region": "330106", "time_zone": "Asia/Shanghai", "status": "active", "status_reason": None,
        "address": None, "gln": "6901234567892", "external_codes": [], "version": 1,
    }.items()  # fmt: skip
    again = cast.market.post("/sites", stall(cast.stall, cast.market, gln="6901234567892"))
    assert (again.status_code, again.json()) == (200, body)
    assert cast.stall.get(f"/sites/{body['id']}").json() == body


def test_a_site_without_region_is_where_its_party_is(cast: Cast) -> None:
    body = cast.farm.made("/sites", {"party_id": cast.farm.party["id"], "name": "二号地", "kind": "farm"})
    assert body["region"] == "330122"


def test_whose_sites_one_enrols(cast: Cast) -> None:
    own = {"party_id": cast.stall.party["id"], "name": "门店", "kind": "shop"}
    shop = cast.stall.made("/sites", own)
    below = {**own, "name": "柜台", "kind": "machine", "parent_site_id": shop["id"]}
    assert cast.stall.post("/sites", below).status_code == 201
    for actor, form in (
        (cast.stall, stall(cast.stall, cast.market)),  # the market gives its stalls
        (cast.stall, {**own, "party_id": cast.other_stall.party["id"]}),
        (cast.market, {**own, "name": "别处"}),
        (cast.market, {**below, "name": "别处"}),
        (cast.regulator, own),
        (cast.lab, {**own, "party_id": cast.lab.party["id"]}),
    ):
        assert actor.post("/sites", form).status_code == 403, form
    assert cast.public.post("/sites", own).status_code == 401
    assert cast.admin.post("/sites", {**own, "name": "代登记"}).status_code == 201


def test_what_must_be_there_first(cast: Cast) -> None:
    nobody = "7d9f0c3e-0000-4000-8000-000000000000"
    own = {"party_id": cast.farm.party["id"], "name": "x", "kind": "farm"}
    for form, pointer in (
        ({**own, "party_id": nobody}, "/party_id"),
        ({**own, "parent_site_id": nobody}, "/parent_site_id"),
        ({**own, "time_zone": "Mars/Olympus"}, "/time_zone"),
        ({**own, "gln": "1"}, "/gln"),
        ({**own, "kind": "moon"}, "/kind"),
        ({**own, "party_id": "x"}, "/party_id"),
    ):
        answer = cast.admin.post("/sites", form)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_sites_nest_only_so_deep(cast: Cast) -> None:
    parent = cast.farm.site["id"]
    for level in range(7):
        form = {"party_id": cast.farm.party["id"], "name": f"{level}", "kind": "farm", "parent_site_id": parent}
        parent = cast.farm.made("/sites", form)["id"]
    answer = cast.farm.post("/sites", {**form, "parent_site_id": parent})
    assert answer.json()["type"] == "/problems/too-deep"


def test_who_reads_which(cast: Cast) -> None:
    def seen(actor: Actor) -> set[str]:
        items = actor.get("/sites").json()["items"]
        for item in items:
            assert actor.get(f"/sites/{item['id']}").status_code == 200
        return {item["name"] for item in items}

    assert seen(cast.admin) >= {"城西农贸市场", "河东蔬菜合作社"}
    assert seen(cast.market) == {"城西农贸市场", "一号摊经营户", "二号摊经营户"}
    assert seen(cast.stall) == {"一号摊经营户"}
    assert seen(cast.lab) == set()
    assert seen(cast.regulator) >= {"城西农贸市场", "河东蔬菜合作社"}
    assert seen(cast.other_regulator) == set()
    assert cast.stall.get(f"/sites/{cast.other_stall.site['id']}").status_code == 404
    assert cast.stall.patch(f"/sites/{cast.other_stall.site['id']}", {"name": "x"}).status_code == 404
    assert cast.admin.get("/sites/no-uuid").status_code == 404


def test_a_stall_changes_hands_and_last_month_keeps_its_operator(cast: Cast) -> None:
    path = f"/sites/{cast.stall.site['id']}"
    heir = cast.other_stall.party["id"]
    assert cast.stall.patch(path, {"party_id": heir}).status_code == 403
    nobody = "7d9f0c3e-0000-4000-8000-000000000000"
    assert cast.market.patch(path, {"party_id": nobody}).status_code == 422
    changed = cast.market.patch(path, {"party_id": heir, "valid_from": ago(days=5)})
    assert changed.json()["party_id"] == heir
    assert cast.market.get(path, params={"at": ago(days=6)}).json()["party_id"] == cast.stall.party["id"]
    assert cast.market.get(path, params={"at": ago(days=4)}).json()["party_id"] == heir
    assert cast.other_stall.get(path).status_code == 200
    assert cast.stall.get(path).status_code == 404


def test_who_changes_what(cast: Cast) -> None:
    path = f"/sites/{cast.stall.site['id']}"
    assert cast.stall.patch(path, {"name": "新名", "address": "东门"}).json()["address"] == "东门"
    assert cast.stall.patch(path, {"status": "locked"}).status_code == 403
    locked = cast.market.patch(path, {"status": "locked", "status_reason": "装修"}).json()
    assert (locked["status"], locked["status_reason"]) == ("locked", "装修")
    assert cast.regulator.patch(path, {"status": "active"}).json()["status_reason"] is None
    assert cast.regulator.patch(path, {"name": "x"}).status_code == 403
    assert cast.admin.patch(path, {"kind": "shop"}).json()["kind"] == "shop"
    market = f"/sites/{cast.market.site['id']}"
    assert cast.market.patch(market, {"status": "locked"}).status_code == 403
    assert cast.market.patch(market, {"name": "城西市场"}).status_code == 200
    moved = cast.market.patch(path, {"parent_site_id": None})
    assert (moved.status_code, moved.json()["type"]) == (422, "/problems/enrol-anew")
    assert cast.market.patch(path, {"parent_site_id": cast.market.site["id"]}).status_code == 200
    assert cast.market.patch(path, {"time_zone": "Nowhere"}).status_code == 422
    device = cast.market.made("/devices", {"site_id": cast.stall.site["id"], "name": "秤", "kind": "scale"})
    key = cast.key("device", device_id=device["id"])
    assert key.patch(path, {"name": "x"}).status_code == 403
    assert {site["id"] for site in key.get("/sites").json()["items"]} == {cast.stall.site["id"]}


def test_a_market_that_rents_in_another_s_hall_keeps_to_its_own(cast: Cast) -> None:
    other = cast.enrol("market", "城东市场公司", "market", "market")
    corner = cast.admin.made("/sites", stall(cast.market, other))
    names = {site["id"] for site in cast.market.get("/sites").json()["items"]}
    assert corner["id"] in names
    assert other.site["id"] not in names
    path = f"/sites/{corner['id']}"
    assert cast.market.patch(path, {"name": "城西的角落"}).status_code == 200
    assert cast.market.patch(path, {"party_id": cast.stall.party["id"]}).status_code == 403


def test_admission_rules_are_data(cast: Cast) -> None:
    path = f"/sites/{cast.market.site['id']}/admission-rules"
    rules = [{"category": "pork", "requires": [["quarantine_certificate"], ["meat_quality_certificate"]]}]
    assert cast.market.get(path).json() == []
    put = cast.market.request("PUT", path, json=rules)
    assert (put.status_code, put.json()) == (200, rules)
    assert cast.market.get(path).json() == rules
    assert cast.market.request("PUT", path, json=[]).json() == []
    assert cast.market.request("PUT", path, json=rules).status_code == 200
    assert cast.stall.request("PUT", path, json=rules).status_code == 404
    own = f"/sites/{cast.stall.site['id']}/admission-rules"
    assert cast.stall.request("PUT", own, json=rules).status_code == 403
    assert cast.regulator.request("PUT", path, json=rules).status_code == 403
    for wrong in ([{"requires": []}], [{"category": "pork", "x": 1}], {"category": "pork"}, [1]):
        assert cast.market.request("PUT", path, json=wrong).status_code == 422


def test_sites_in_bulk(cast: Cast) -> None:
    forms = [stall(cast.stall, cast.market, name=f"{number} 号摊") for number in range(600)]
    forms.append(stall(cast.farm, None))
    answer = cast.market.request(
        "POST",
        "/sites/batch",
        content="\n".join(json.dumps(form) for form in forms).encode(),
        headers={"Content-Type": "application/x-ndjson"},
    )
    *outcomes, summary = [json.loads(line) for line in answer.text.splitlines()]
    assert summary["summary"] == {"recorded": 600, "duplicate": 0, "conflict": 0, "rejected": 1}
    assert outcomes[-1]["problem"]["status"] == 403
    assert len({outcome["code"] for outcome in outcomes}) == 601
