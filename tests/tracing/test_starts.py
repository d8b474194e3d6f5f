"""GET /trace from sites, parties, documents and times, narrowed by product and category; what proves what it found."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.domain.epcis.identifiers import canonical_uri
from tests.exchanging.world import FARM, MARKET, document, made, packed, some
from tests.recording.conftest import deliver, harvest, paper
from tests.support.cast import CHINA, Actor, Cast, ago


def ids(found: dict[str, Any], depth: int = 0) -> set[str]:
    return {node["id"] for node in found["nodes"] if node["depth"] <= depth}


@pytest.fixture
def goods(cast: Cast) -> dict[str, dict[str, Any]]:
    """Two batches at the stall, of which the other stall gets some; the first with a certificate."""
    made = {"leaf": harvest(cast, "100"), "pork": harvest(cast, "80", category="pork.belly")}
    at = {name: deliver(cast, batch, "50", cast.stall) for name, batch in made.items()}
    at["other"] = deliver(cast, at["leaf"], "20", cast.other_stall, cast.stall)
    certificate = paper(cast.stall)
    cast.stall.record("certify", document_id=certificate, custody_id=at["leaf"]["custody_id"], site_id=None)
    return at | {"paper": {"id": certificate}, "made": made["leaf"]}


def of(goods: dict[str, dict[str, Any]], *names: str) -> set[str]:
    return {goods[name]["custody_id"] for name in names}


def test_from_a_site_a_market_and_a_party(cast: Cast, goods: dict[str, dict[str, Any]]) -> None:
    stall, market = cast.stall.site["id"], cast.market.site["id"]
    assert ids(cast.stall.trace("back", site=stall)) == of(goods, "leaf", "pork")
    assert ids(cast.market.trace("back", site=market)) == of(goods, "leaf", "pork", "other")
    assert ids(cast.stall.trace("back", party=cast.stall.party["id"])) == of(goods, "leaf", "pork")
    assert ids(cast.regulator.trace("back", party=cast.other_stall.party["id"])) == of(goods, "other")
    for reader, start in ((cast.other_stall, {"site": stall}), (cast.other_regulator, {"site": market}),
                          (cast.farm, {"party": cast.stall.party["id"]})):  # fmt: skip
        assert reader.get("/trace", params=start).status_code == 403
    unknown = "018f3a4e-0000-5000-8000-000000000001"
    for kind, slug in (("site", "unknown-site"), ("party", "unknown-party"), ("document", "not-found")):
        answer = cast.admin.get("/trace", params={kind: unknown})
        assert (answer.status_code, answer.json()["type"]) == (404, f"/problems/{slug}")


def test_from_a_document(cast: Cast, goods: dict[str, dict[str, Any]]) -> None:
    found = cast.market.trace("back", document=goods["paper"]["id"])
    assert ids(found) == of(goods, "leaf")
    (document,) = found["documents"]
    assert (document["id"], document["node_ids"]) == (goods["paper"]["id"], [goods["leaf"]["custody_id"]])
    assert cast.other_regulator.get("/trace", params={"document": goods["paper"]["id"]}).status_code == 404
    # A licence of the stall speaks for all that comes to it.
    licence = paper(cast.stall, "business_licence")
    cast.stall.record("certify", document_id=licence, site_id=cast.stall.site["id"])
    assert ids(cast.market.trace("back", document=licence)) == of(goods, "leaf", "pork")


def test_narrowed_by_time_product_and_category(cast: Cast, goods: dict[str, dict[str, Any]]) -> None:
    site = {"site": cast.market.site["id"]}
    assert ids(cast.market.trace("back", **site, category="pork")) == of(goods, "pork")
    assert ids(cast.market.trace("back", **site, category="vegetables")) == of(goods, "leaf", "other")
    assert ids(cast.market.trace("back", **site, product=goods["pork"]["product_id"])) == of(goods, "pork")
    assert ids(cast.market.trace("back", **site, to=ago(hours=3))) == set()
    soon = (datetime.now(CHINA) + timedelta(hours=1)).isoformat()
    for start in (site, {}):
        window = {"from": ago(hours=3), "to": soon}
        assert ids(cast.market.trace("back", **start, **window)) == of(goods, "leaf", "pork", "other")
    assert ids(cast.stall.trace("back", **{"from": ago(hours=3)})) == of(goods, "leaf", "pork")
    # The lot of one product is asked for as another: nothing.
    nothing = cast.admin.trace("back", lot=goods["leaf"]["lot_id"], product=goods["pork"]["product_id"])
    assert nothing["nodes"] == []
    code = cast.admin.trace("back", code=goods["leaf"]["code"], category="pork")
    assert code["nodes"] == []


def test_a_cursor_belongs_to_one_question(cast: Cast, goods: dict[str, dict[str, Any]]) -> None:
    site = {"site": cast.market.site["id"], "limit": "1", "category": "vegetables"}
    first = cast.market.get("/trace", params=site).json()
    assert first["shares"] is None, "of a part of a chain nothing can be said"
    rest = cast.market.get("/trace", params={**site, "cursor": first["next"]})
    assert rest.status_code == 200
    other = cast.market.get("/trace", params={**site, "category": "pork", "cursor": first["next"]})
    assert other.json()["type"] == "/problems/bad-cursor"


def shares(found: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {one["node_id"]: (one["at_least"]["grams"], one["at_most"]["grams"]) for one in found["shares"]}


def test_a_mixture_leaves_a_range_to_each_source(cast: Cast) -> None:
    """60 and 40 kg become 90 of a salad, of which 60 come to the other stall: 6 to 36 of the smaller source's."""
    first, second = harvest(cast, "60"), harvest(cast, "40")
    here = [deliver(cast, batch, kilograms, cast.stall) for batch, kilograms in ((first, "60"), (second, "40"))]
    salad = cast.product("沙拉")
    [mixed] = cast.stall.record(
        "transform", process="mix", inputs=[cast.item(here[0], "60"), cast.item(here[1], "40")],
        outputs=[cast.output(salad, "90")],
    )["outputs"]  # fmt: skip
    sold_on = deliver(cast, mixed, "60", cast.other_stall, cast.stall)
    assert shares(cast.admin.trace("back", code=sold_on["code"])) == {
        first["custody_id"]: (60_000 - 36_000, 54_000), second["custody_id"]: (60_000 - 54_000, 36_000),
    }  # fmt: skip
    assert shares(cast.other_stall.trace("back", code=sold_on["code"])) == {}, (
        "the farm is two steps from what a stall may know"
    )
    forward = shares(cast.admin.trace("forward", code=first["code"]))
    assert forward[mixed["custody_id"]] == (54_000, 54_000)
    assert forward[sold_on["custody_id"]] == (24_000, 54_000)


def test_quantities_that_do_not_close_are_told_to_whom_they_concern(cast: Cast) -> None:
    bought = cast.stall.record(
        "receive", **{"from": {"name": "外地合作社", "contact": "13900000000"}},
        items=[{"product_id": cast.product("萝卜")["id"], "quantity": {"value": "10", "unit": "kg"}}],
    )["outputs"][0]  # fmt: skip

    def sure(reader: Actor) -> Any:
        node = reader.trace("back", code=bought["code"])["nodes"][0]
        return node["confidence"]

    assert sure(cast.market)["state"] == "claimed"
    assert sure(cast.market)["claimed"]["grams"] == 10_000
    assert sure(cast.farm) is None
    cast.stall.record("sell", lines=[{"custody_id": bought["custody_id"], "quantity": {"value": "12", "unit": "kg"}}])
    assert sure(cast.market)["state"] == "unexplained"
    assert sure(cast.market)["unexplained"]["grams"] == 2_000


def test_the_tests_of_a_chain_are_its_proof(cast: Cast, goods: dict[str, dict[str, Any]]) -> None:
    cast.market.record(
        "test", custody_id=goods["leaf"]["custody_id"], stage="rapid", item="毒死蜱", method="GB/T 5009.199-2003",
        value="12.5", unit="%", tester="王五", sample_number="K-7",
    )  # fmt: skip
    for reader, tester in ((cast.market, "王五"), (cast.plant, None)):
        (test,) = reader.trace("back", code=goods["other"]["code"])["tests"]
        assert (test["node_id"], test["verdict"], test["item"]) == (goods["leaf"]["custody_id"], "pass", "毒死蜱")
        assert (test["tester"], test["sample_number"]) == ((tester, "K-7") if tester else (None, None))


def test_only_what_a_buyer_got_of_these_goods_is_told(cast: Cast, goods: dict[str, dict[str, Any]]) -> None:
    lines = [cast.item(goods[name], "2", "斤") for name in ("leaf", "pork")]
    cast.stall.record("sell", lines=lines, buyer={"name": "老城关饭馆", "contact": "13800000099"})
    cast.stall.record("ship", items=[cast.item(goods["leaf"], "1")], to={"name": "外地超市"})
    found = cast.market.trace("forward", code=goods["leaf"]["code"])["recipients"]
    assert [(one["name"], one["kind"], one["quantity"]["grams"]) for one in found] == [
        ("老城关饭馆", "sell", 1_000), ("外地超市", "ship", 1_000),
    ]  # fmt: skip
    assert {one["node_id"] for one in found} == of(goods, "leaf")


def test_from_epcs_and_digital_links(cast: Cast) -> None:
    greens = cast.product("小白菜", gtin="06901234567892")
    batch = cast.farm.record("produce", outputs=[cast.output(greens, "50", lot_number="L/1")])["outputs"][0]
    here = deliver(cast, batch, "20", cast.stall)
    lot = {batch["custody_id"], here["custody_id"]}
    for start in (
        {"epc": "urn:epc:class:lgtin:6901234.056789.L%2F1"}, {"epc": "https://id.gs1.org/01/06901234567892/10/L%2F1"},
        {"epc": "https://food.example.cn/01/06901234567892/10/L%2F1?17=261231"},
        {"code": "https://food.example.cn/01/06901234567892/10/L%2F1"},
        {"code": "urn:epc:class:lgtin:6901234.056789.L%2F1"},
        {"code": "https://dl.example.org/products/gtin/06901234567892/lot/L%2F1"},
        {"lot": batch["lot_id"]},
    ):  # fmt: skip
        assert ids(cast.admin.trace("back", **start)) == lot, start
    for nothing in ("urn:epc:class:lgtin:6901234.056789.L2", "https://id.gs1.org/414/6901234567892", "urn:x:y"):
        answer = cast.admin.get("/trace", params={"epc": nothing})
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-epc")


def test_from_a_logistic_unit_at_a_time(cast: Cast) -> None:
    """A pallet in a container, and another pallet in it the next day."""
    pallets, container = (UNIT.format(n) for n in "12"), UNIT.format(9)
    first, second = pallets
    answer = cast.admin.post("/captures", document(
        made(1, FARM, some("A", 9)), made(1, FARM, some("B", 9)),
        packed(2, FARM, first, some("A", 9)), nested(3, FARM, container, first),
        nested(20, MARKET, container, first, "DELETE"),
        packed(22, FARM, second, some("B", 9)), nested(24, FARM, container, second),
    ))  # fmt: skip
    assert answer.status_code == 200, answer.text

    def lots(**start: str) -> set[str]:
        found = cast.admin.trace("back", **start)
        return {node["lot_number"] for node in found["nodes"] if node["depth"] == 0}

    assert lots(epc=container) == {"B"}
    assert lots(epc=container, time="2026-02-01T10:00:00+08:00") == {"A"}
    assert lots(epc=container, time="2026-02-02T01:00:00+08:00") == {"B"}
    assert lots(epc=first, time="2026-02-02T03:00:00+08:00") == {"A"}
    assert lots(code=f"https://example.org/00/{sscc(container)}") == {"B"}
    emptied = cast.admin.get("/trace", params={"epc": container, "time": "2026-02-01T21:00:00+08:00"})
    assert emptied.status_code == 404
    page = cast.admin.get("/trace", params={"epc": container, "limit": 1, "time": "2026-02-01T10:00:00+08:00"})
    assert page.status_code == 200


UNIT = "urn:epc:id:sscc:4012345.000000000{}"


def nested(hour: int, site: str, unit: str, inner: str, action: str = "ADD") -> dict[str, Any]:
    return packed(hour, site, unit, action=action) | {"childEPCs": [inner]}


def sscc(urn: str) -> str:
    return canonical_uri(urn).rsplit("/", 1)[-1]
