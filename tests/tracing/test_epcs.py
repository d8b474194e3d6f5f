"""GET /trace of EPCs and Digital Links: what is in units at a time, serial numbers and their lots, captured and native
goods of one number, places."""

from typing import Any

import pytest

from tests.support.cast import Actor, Cast, ago
from tests.support.epcis import captured, document, event

GTIN = "06901234567892"
LOT = f"https://id.gs1.org/01/{GTIN}/10/A1"
OTHER = f"https://id.gs1.org/01/{GTIN}/10/B2"
ONE, TWO = (f"https://id.gs1.org/01/{GTIN}/21/S{n}" for n in (1, 2))
PALLET, BOX = "urn:epc:id:sscc:6901234.0000000001", "urn:epc:id:sscc:6901234.0000000002"
CRATE = "urn:epc:id:grai:6901234.00000.7"
FARM, SHED, SHOP = (f"urn:epc:id:sgln:6901234.00000.{n}" for n in (1, 2, 3))


def kilograms(epc: str, value: float) -> dict[str, Any]:
    return {"epcClass": epc, "quantity": value, "uom": "KGM"}


def starts(found: dict[str, Any]) -> set[tuple[str, str]]:
    """(lot number, place) of what a trace starts from."""
    return {(n["lot_number"], n["site"]["name"]) for n in found["nodes"] if n["depth"] == 0 and n["kind"] == "custody"}


def refusal(actor: Actor, **asked: str) -> tuple[int, str]:
    answer = actor.get("/trace", params=asked)
    body = answer.json()
    assert " · " in body["detail"]
    return answer.status_code, body["type"].removeprefix("/problems/")


@pytest.fixture
def packed(cast: Cast) -> Cast:
    """Two lots; A1 in a box on a pallet, unpacked at the shop; B2 in a crate that had A1 before and is still full."""
    made = [event("Object", 30, "commissioning", at=FARM, action="ADD", quantityList=[kilograms(lot, 100)])
            for lot in (LOT, OTHER)]  # fmt: skip

    def pack(unit: str, hours: float, action: str = "ADD", step: str = "packing", **what: Any) -> dict[str, Any]:
        return event("Aggregation", hours, step, at=SHED, action=action, parentID=unit, **what)

    events = [
        pack(CRATE, 29, childQuantityList=[kilograms(LOT, 10)]),
        pack(CRATE, 28, "DELETE", "unpacking", childQuantityList=[kilograms(LOT, 10)]),
        pack(BOX, 20, childQuantityList=[kilograms(LOT, 40)]),
        pack(PALLET, 19, childEPCs=[BOX]),
        event("Object", 15, "shipping", at=SHED, epcList=[PALLET]),
        event("Object", 10, "receiving", at=SHOP, epcList=[PALLET]),
        event("Aggregation", 9, "unpacking", at=SHOP, action="DELETE", parentID=PALLET),
        event("Aggregation", 8, "unpacking", at=SHOP, action="DELETE", parentID=BOX),
        pack(CRATE, 5, childQuantityList=[kilograms(OTHER, 20)]),
    ]
    places = {FARM: "菜地", SHED: "包装棚", SHOP: "超市"}
    captured(cast.admin, document(*made, *events, Location=places))
    return cast


def test_a_unit_is_opened_at_a_time(packed: Cast) -> None:
    admin = packed.admin
    found = admin.trace("back", epc=PALLET)
    assert starts(found) == {("A1", "菜地"), ("A1", "包装棚"), ("A1", "超市")}
    start = found["start"]
    assert (start["epc"], start["lots"]) == ("https://id.gs1.org/00/069012340000000016", [])
    opened = start["opened"]
    assert (opened["state"], opened["count"], opened["loop"]) == ("last", 2, False)
    assert [(one["unit"][-5:], one["content"]) for one in opened["packings"]] == [
        ("00016", "https://id.gs1.org/00/069012340000000023"), ("00023", LOT),
    ]  # fmt: skip
    assert all(one["since"] < opened["at"] <= one["until"] for one in opened["packings"])
    then = admin.trace("back", epc=PALLET, time=ago(hours=12))["start"]["opened"]
    assert (then["state"], then["count"]) == ("then", 2)
    now = admin.trace("back", epc=CRATE)
    assert {number for number, _ in starts(now)} == {"B2"}, "a crate that is used again does not join its contents"
    assert (now["start"]["opened"]["state"], now["start"]["opened"]["at"]) == ("now", None)
    before = admin.trace("forward", epc=CRATE, time=ago(hours=28.5))
    assert {number for number, _ in starts(before)} == {"A1"}
    link = "https://shop.example/8003/069012340000097"
    assert {number for number, _ in starts(admin.trace("forward", code=link, time=ago(hours=1)))} == {"B2"}
    for empty in (20, 40):
        assert refusal(admin, code=link, time=ago(hours=empty)) == (404, "unit-empty")
    assert refusal(admin, code=packed.farm.site["code"], time=ago(hours=1)) == (422, "invalid")


def test_every_spelling_leads_there(packed: Cast) -> None:
    whole = packed.admin.trace("back", epc=LOT)
    assert len(whole["nodes"]) == 3
    assert whole["start"] == {"epc": LOT, "lots": [], "opened": None}
    for spelling in ("urn:epc:class:lgtin:6901234.056789.A1", f"HTTPS://FOOD.EXAMPLE.CN/01/{GTIN}/10/A1?17=270101",
                     f"https://x.example/a/b/01/{GTIN}/10/A1/", "(01)06901234567892(10)A1"):  # fmt: skip
        for name in ("epc", "code"):
            assert packed.admin.trace("back", **{name: spelling}) == whole, (name, spelling)
    cut = packed.admin.get("/trace", params={"epc": LOT, "limit": "1"}).json()
    rest = packed.admin.trace("back", code="(01)06901234567892(10)A1", cursor=cut["next"])
    ids = {node["id"] for node in (*cut["nodes"], *rest["nodes"])}
    assert ids == {node["id"] for node in whole["nodes"]}, "a cursor is of the question, not of its spelling"


def test_what_no_epc_can_be_and_what_nobody_knows(packed: Cast) -> None:
    for wrong in (f"https://id.gs1.org/01/{GTIN[:-1]}3/10/A1", "urn:epc:id:sgtin:6901234.1.7", "urn:uuid:7", "beans",
                  "urn:epc:id:sscc:69.1", "(01)1"):  # fmt: skip
        assert refusal(packed.admin, epc=wrong) == (400, "malformed-epc"), wrong
    for unknown in (f"https://id.gs1.org/01/{GTIN}", f"https://id.gs1.org/01/{GTIN}/21/none", "urn:x:y",
                    "urn:uuid:018f3a4e-0000-5000-8000-000000000001", "urn:epc:id:sscc:6901234.0000000009"):  # fmt: skip
        assert refusal(packed.admin, epc=unknown) == (404, "unknown-epc"), unknown
    assert refusal(packed.admin, epc="B0123\0/c/") == (400, "mistyped-code")
    assert refusal(packed.admin, epc=f"{PALLET}", code=LOT) == (422, "one-start")


def test_a_serial_number_goes_back_through_its_lot(cast: Cast) -> None:
    """Grapes become a lot; single crates of it say of which lot they are, in ILMD or in their Digital Link alone."""
    grapes, juice = f"https://id.gs1.org/01/{GTIN}/10/GRAPES", "https://id.gs1.org/01/06901234567809/10/J1"
    bottles = [f"https://id.gs1.org/01/06901234567809/21/{n}" for n in (1, 2)]
    captured(
        cast.admin,
        document(
            event("Object", 30, "commissioning", at=FARM, action="ADD", quantityList=[kilograms(grapes, 50)]),
            event("Transformation", 20, "creating_class_instance", at=FARM, inputQuantityList=[kilograms(grapes, 50)],
                  outputQuantityList=[kilograms(juice, 40)]),
            event("Object", 19, "commissioning", at=FARM, action="ADD", epcList=[bottles[0]],
                  ilmd={"cbvmda:lotNumber": "J1"}),
            event("Object", 10, "receiving", at=SHOP, epcList=[bottles[0]]),
            event("Object", 9, "receiving", at=SHED, quantityList=[kilograms(juice, 10)]),
            Location={FARM: "酒庄", SHOP: "超市", SHED: "批发行"},
        ),
    )  # fmt: skip
    back = cast.admin.trace("back", epc=bottles[0])
    assert back["start"]["lots"] == [juice]
    assert starts(back) == {("J1", "超市"), ("J1", "酒庄")}, "not what went elsewhere of the lot"
    assert {node["lot_number"] for node in back["nodes"]} == {"J1", "GRAPES"}
    forward = cast.admin.trace("forward", epc=bottles[0])
    assert forward["start"]["lots"] == []
    assert starts(forward) == {("J1", "超市"), ("J1", "酒庄")}
    assert starts(cast.admin.trace("forward", epc=juice)) == {("J1", "超市"), ("J1", "酒庄"), ("J1", "批发行")}
    assert len(cast.admin.trace("forward", epc=juice)["nodes"]) == 4, "the bottle as well"
    # Nobody knows the second bottle; the lot beside its number is known.
    assert refusal(cast.admin, epc=bottles[1]) == (404, "unknown-epc")
    for direction in ("back", "forward"):
        lot = cast.admin.trace(direction, epc=f"{juice}/21/2")
        assert (lot["start"]["epc"], lot["start"]["lots"]) == (bottles[1], [juice])
    assert {node["lot_number"] for node in lot["nodes"]} == {"J1"}


def test_a_serial_number_of_no_gtin_goes_back_through_its_lot(cast: Cast) -> None:
    """Fishing names a product, its lots and its single goods by URNs of its own."""
    head = "urn:gdst:example.org:product"
    catch, tuna = f"{head}:lot:class:boat.1f.c1", f"{head}:lot:class:boat.2f.t7"
    fish = f"{head}:serial:obj:boat.2f.0001"
    captured(
        cast.admin,
        document(
            event("Object", 30, "commissioning", at=FARM, action="ADD", quantityList=[kilograms(catch, 50)]),
            event("Transformation", 20, "creating_class_instance", at=FARM, inputQuantityList=[kilograms(catch, 50)],
                  outputQuantityList=[kilograms(tuna, 40)]),
            event("Object", 19, "commissioning", at=FARM, action="ADD", epcList=[fish],
                  ilmd={"cbvmda:lotNumber": "t7"}),
            Location={FARM: "渔船"},
        ),
    )  # fmt: skip
    back = cast.admin.trace("back", epc=fish)
    assert back["start"]["lots"] == [tuna]
    assert {node["lot_number"] for node in back["nodes"]} == {"t7", "c1"}


def test_what_is_in_a_unit_by_an_address_that_is_no_code_of_ours_is_goods_called_so(cast: Cast) -> None:
    mistyped = "https://food.example.cn/c/B0123456789"
    captured(
        cast.admin,
        document(
            event("Object", 9, "commissioning", at=FARM, action="ADD", quantityList=[kilograms(LOT, 10)]),
            event("Aggregation", 8, "packing", at=FARM, action="ADD", parentID=PALLET,
                  childQuantityList=[kilograms(LOT, 10)], childEPCs=[mistyped]),
            Location={FARM: "菜地"},
        ),
    )  # fmt: skip
    found = cast.admin.trace("back", epc=PALLET)
    assert starts(found) == {("A1", "菜地"), ("B0123456789", "菜地")}
    assert {one["content"] for one in found["start"]["opened"]["packings"]} == {LOT, mistyped}


def test_native_and_captured_goods_of_one_number_are_one_start(cast: Cast) -> None:
    product = cast.farm.made("/products", {"name": "土鸡蛋", "category": "eggs", "measure": "weight",
                                           "gtin": GTIN.lstrip("0")})  # fmt: skip
    made = cast.farm.record("produce", outputs=[cast.output(product, "100", lot_number="A1")])["outputs"][0]
    own = {made["custody_id"]}
    assert {n["id"] for n in cast.admin.trace("forward", epc=LOT)["nodes"]} == own
    code = f"https://food.example.cn/c/{made['lot_code']}"
    assert {n["id"] for n in cast.admin.trace("forward", epc=code)["nodes"]} == own
    assert {n["id"] for n in cast.admin.trace("forward", epc=f"urn:uuid:{made['lot_id']}")["nodes"]} == own
    # A forwarder packs them, by the label and by our own code, and sends them on; nobody of ours says so.
    captured(
        cast.admin,
        document(
            event("Object", 0.9, "receiving", at=SHED, quantityList=[kilograms(LOT, 10)]),
            event("Aggregation", 0.8, "packing", at=SHED, action="ADD", parentID=PALLET,
                  childQuantityList=[kilograms(LOT, 10)], childEPCs=[code]),
            Location={SHED: "转运仓"},
        ),
    )  # fmt: skip
    for epc in (LOT, PALLET):
        found = cast.admin.trace("back", epc=epc)
        assert own < {n["id"] for n in found["nodes"] if n["depth"] == 0}, epc
        assert ("A1", "转运仓") in starts(found)


def test_the_code_of_a_place_or_a_party_may_be_a_digital_link(cast: Cast) -> None:
    made = cast.farm.record("produce", outputs=[cast.output(cast.product("青菜"), "10")])["outputs"][0]
    assert cast.admin.patch(f"/sites/{cast.farm.site['id']}", {"gln": "6901234000009"}).status_code == 200
    named = {"external_codes": [{"scheme": "GLN", "value": "6901234000016"}]}
    assert cast.admin.patch(f"/parties/{cast.farm.party['id']}", named).status_code == 200
    for code in ("https://food.example.cn/414/6901234000009", "https://id.gs1.org/417/6901234000016"):
        assert [n["id"] for n in cast.farm.trace("back", code=code)["nodes"]] == [made["custody_id"]]
    assert refusal(cast.stall, code="https://food.example.cn/414/6901234000009") == (403, "not-yours")
    assert refusal(cast.admin, code="https://food.example.cn/414/6901234000023") == (404, "unknown-epc")


def test_a_number_of_another_system(cast: Cast) -> None:
    tags = [{"scheme": "耳标", "value": "urn:example:tag:7"}]
    output = cast.output(cast.product("羊肉", category="mutton"), "10", external_codes=tags)
    made = cast.farm.record("produce", outputs=[output])["outputs"][0]
    assert [n["id"] for n in cast.admin.trace("back", epc="urn:example:tag:7")["nodes"]] == [made["custody_id"]]


def test_a_unit_inside_itself_ends(cast: Cast) -> None:
    captured(
        cast.admin,
        document(
            event("Object", 9, "commissioning", at=FARM, action="ADD", quantityList=[kilograms(LOT, 1)]),
            event("Aggregation", 8, "packing", at=FARM, action="ADD", parentID=PALLET, childEPCs=[BOX]),
            event("Aggregation", 7, "packing", at=FARM, action="ADD", parentID=BOX, childEPCs=[PALLET],
                  childQuantityList=[kilograms(LOT, 1)]),
            Location={FARM: "菜地"},
        ),
    )  # fmt: skip
    for unit in (PALLET, BOX):
        found = cast.admin.trace("back", epc=unit)
        assert starts(found) == {("A1", "菜地")}
        assert found["start"]["opened"]["loop"] is True


def test_what_was_unpacked_inside_a_unit_that_nobody_emptied(cast: Cast) -> None:
    """The pallet's own unpacking was never recorded: what its box held while it was on it counts."""
    captured(
        cast.admin,
        document(
            event("Object", 30, "commissioning", at=FARM, action="ADD",
                  quantityList=[kilograms(LOT, 1), kilograms(OTHER, 1)]),
            event("Aggregation", 29, "packing", at=FARM, action="ADD", parentID=CRATE,
                  childQuantityList=[kilograms(OTHER, 1)]),
            event("Aggregation", 28, "unpacking", at=FARM, action="DELETE", parentID=CRATE),
            event("Aggregation", 20, "packing", at=FARM, action="ADD", parentID=BOX,
                  childQuantityList=[kilograms(LOT, 1)]),
            event("Aggregation", 19, "packing", at=FARM, action="ADD", parentID=PALLET, childEPCs=[BOX, CRATE]),
            event("Aggregation", 9, "unpacking", at=SHOP, action="DELETE", parentID=BOX),
            Location={FARM: "菜地", SHOP: "超市"},
        ),
    )  # fmt: skip
    found = cast.admin.trace("back", epc=PALLET)
    assert {number for number, _ in starts(found)} == {"A1"}, (
        "what the crate held before it came on the pallet does not"
    )
    assert found["start"]["opened"]["state"] == "now"


def test_streams_say_what_was_opened_once(packed: Cast) -> None:
    answer = packed.admin.get("/trace", params={"epc": PALLET, "format": "ndjson"})
    lines = [line for line in answer.text.splitlines() if line.startswith('{"start"')]
    assert len(lines) == 1
    assert '"state":"last"' in lines[0]
    assert lines[0] == answer.text.splitlines()[0]
    assert packed.admin.get("/trace", params={"epc": PALLET, "format": "svg"}).status_code == 200


def test_lookup_finds_what_is_in_a_unit(packed: Cast) -> None:
    captured_codes = packed.admin.post("/captures?issue=true", document(
        event("Object", 4, "shipping", at=SHED, epcList=[CRATE]),
    ))  # fmt: skip
    assert captured_codes.status_code == 200, captured_codes.text
    found = packed.public.get("https://food.example.cn/lookup", params={"q": CRATE}).json()["matches"]
    assert {(match["kind"], match["title"].split()[-1]) for match in found} == {("custody", "B2")}
    assert packed.public.get("https://food.example.cn/lookup", params={"q": "(菜)"}).json()["matches"] == []


def test_another_services_address_is_an_epc(cast: Cast) -> None:
    """Its lots without a GTIN are called by the addresses of their codes; what it calls otherwise below /c/, too."""
    for address in ("https://ningbo.example/c/T0123456789ABCDEFX", "https://ningbo.example/c/7"):
        made = event("Object", 9, "commissioning", at=FARM, action="ADD", quantityList=[kilograms(address, 1)])
        captured(cast.admin, document(made, Location={FARM: "菜地"}))
        found = cast.admin.trace("back", epc=address)
        assert [node["site"]["name"] for node in found["nodes"]] == ["菜地"]
        assert found["start"] == {"epc": address, "lots": [], "opened": None}
    assert refusal(cast.admin, epc="https://ningbo.example/c/8") == (400, "mistyped-code")
