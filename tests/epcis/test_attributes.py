"""HASATTR_ and EQATTR_: what the master data of this place says of the sites and products that events name."""

import pytest

from app.web.service import Service
from tests.support.cast import Cast
from tests.support.epcis import captured, document, event, told

GTIN = "06901234567892"
LOT, OTHER = (f"https://id.gs1.org/01/{gtin}/10/A1" for gtin in (GTIN, "06901234567809"))
SHED, SHOP = (f"urn:epc:id:sgln:6901234.00000.{n}" for n in (1, 2))


@pytest.fixture
def stocked(cast: Cast) -> Cast:
    """Eggs have a product of ours, with its GTIN; the shed and the shop are known by name."""
    cast.admin.made(
        "/products", {"name": "土鸡蛋", "category": "eggs", "measure": "weight", "gtin": GTIN.lstrip("0")}
    )  # fmt: skip

    def seen(hours: float, step: str, at: str | None, lot: str) -> dict[str, object]:
        return event("Object", hours, step, at=at, quantityList=[{"epcClass": lot, "quantity": 4, "uom": "KGM"}])

    captured(cast.admin, document(
        seen(9, "storing", SHED, LOT), seen(8, "shipping", SHED, OTHER), seen(7, "receiving", SHOP, OTHER),
        seen(6, "inspecting", None, LOT), Location={SHED: "包装棚", SHOP: "超市"},
    ))  # fmt: skip
    return cast


def steps(cast: Cast, **asked: str) -> set[str]:
    return {each["bizStep"] for each in told(cast.admin, **asked)}


def test_places_are_found_by_what_is_known_of_them(stocked: Cast) -> None:
    for name in ("cbvmda:name", "urn:epcglobal:cbv:mda#name"):
        assert steps(stocked, HASATTR_bizLocation=name) == {"storing", "shipping", "receiving"}
        assert steps(stocked, **{f"EQATTR_readPoint_{name}": "包装棚"}) == {"storing", "shipping"}
        assert steps(stocked, **{f"EQATTR_bizLocation_{name}": "超市|仓库"}) == {"receiving"}
    assert steps(stocked, HASATTR_bizLocation="cbvmda:streetAddressOne") == set(), "nobody said where"
    assert steps(stocked, HASATTR_bizLocation="cbvmda:countryCode") == set()


def test_classes_are_found_by_the_product_that_has_their_gtin(stocked: Cast) -> None:
    eggs = {"storing", "inspecting"}
    assert steps(stocked, **{"EQATTR_epcClass_cbvmda:descriptionShort": "土鸡蛋"}) == eggs
    assert steps(stocked, **{"EQATTR_epcClass_cbvmda:descriptionShort": "鸭蛋"}) == set()
    assert steps(stocked, HASATTR_epcClass="cbvmda:name") == set()
    both = {"HASATTR_epcClass": "cbvmda:descriptionShort", "EQATTR_bizLocation_cbvmda:name": "包装棚"}
    assert "storing" in steps(stocked, **both)
    assert "inspecting" not in steps(stocked, **both)


def test_our_own_site_by_its_code_tells_its_region(cast: Cast, service: Service) -> None:
    made = cast.farm.record("produce", outputs=[cast.output(cast.product("小白菜"), "10")])["outputs"]
    cast.farm.record("ship", items=[cast.item(made[0], "4")], to_site_id=cast.stall.site["id"])
    service.publisher.catch_up()
    here = {"EQATTR_bizLocation_cbvmda:state": "330122", "EQATTR_bizLocation_cbvmda:name": "河东蔬菜合作社"}
    assert "commissioning" in steps(cast, **here)
    assert steps(cast, **{**here, "EQATTR_bizLocation_cbvmda:state": "330106"}) == set()


def test_what_documents_say_lies_below_a_place_is_found_with_it(cast: Cast) -> None:
    """`children` of the header's vocabulary (EPCIS 2.0 §6.6), at any depth; a circle of them has an end."""
    hall, row = "urn:epc:id:sgln:6901234.00000.hall", "urn:epc:id:sgln:6901234.00000.row"
    brought = document(event("Object", 5, "storing", at=SHED, quantityList=[{"epcClass": LOT}]))
    elements = [{"id": hall, "children": [row]}, {"id": row, "children": [SHED, hall]}]
    places = {"type": "urn:epcglobal:epcis:vtype:BusinessLocation", "vocabularyElementList": elements}
    brought["epcisHeader"] = {"epcisMasterData": {"vocabularyList": [places]}}
    captured(cast.admin, brought)
    assert steps(cast, WD_bizLocation=hall) == steps(cast, WD_bizLocation=row) == {"storing"}
    assert steps(cast, EQ_bizLocation=hall) == set()
    assert steps(cast, WD_bizLocation=SHOP) == set()


GRADE = "https://ns.example.com/farms#grade"


def said(kind: str, uri: str, **attributes: object) -> dict[str, object]:
    """A vocabulary of a header: what `ex_grade` and such say is `ex:grade`."""
    listed = [{"id": name.replace("_", ":", 1), "attribute": value} for name, value in attributes.items()]
    return {
        "type": f"urn:epcglobal:epcis:vtype:{kind}",
        "vocabularyElementList": [{"id": uri, "attributes": listed}],
    }


def telling(vocabularies: list[dict[str, object]], *events: dict[str, object]) -> dict[str, object]:
    brought = document(*events)
    brought["@context"].append({"ex": "https://ns.example.com/farms#"})
    brought["epcisHeader"] = {"epcisMasterData": {"vocabularyList": vocabularies}}
    return brought


def test_all_that_documents_say_of_what_events_name_is_asked_for(cast: Cast) -> None:
    """Every attribute of every vocabulary, as text or number, and of a product for its lots."""
    event_of_farm = event(
        "Object", 5, "storing", at=SHED, quantityList=[{"epcClass": LOT}],
        bizTransactionList=[{"type": "po", "bizTransaction": "urn:epc:id:gdti:0614141.06012.1234"}],
    )  # fmt: skip
    captured(cast.farm, telling([
        said("BusinessLocation", SHED, ex_grade="A", cbvmda_countryCode="CN", ex_beds=12.50),
        said("EPCClass", f"https://id.gs1.org/01/{GTIN}", cbvmda_speciesForFisheryStatisticsPurposes="鸡"),
        said("BusinessTransaction", "urn:epc:id:gdti:0614141.06012.1234", ex_terms={"@value": "30 days"}),
    ], event_of_farm))  # fmt: skip
    for asked in (
        {"HASATTR_bizLocation": GRADE},
        {f"EQATTR_bizLocation_{GRADE}": "B|A"},
        {"EQATTR_readPoint_cbvmda:countryCode": "CN"},
        {"EQATTR_readPoint_urn:epcglobal:cbv:mda#countryCode": "CN"},
        {"EQATTR_bizLocation_https://ns.example.com/farms#beds": "12.5"},
        {"HASATTR_epcClass": "cbvmda:speciesForFisheryStatisticsPurposes"},
        {"EQATTR_epcClass_cbvmda:speciesForFisheryStatisticsPurposes": "鸡"},
        {"EQATTR_bizTransaction_https://ns.example.com/farms#terms": "30 days"},
    ):
        assert steps(cast, **asked) == {"storing"}, asked
        assert len(told(cast.farm, **asked)) == 1, asked
    for asked in (
        {f"EQATTR_bizLocation_{GRADE}": "B"}, {"HASATTR_bizLocation": "https://ns.example.com/farms#slope"},
        {"HASATTR_epcClass": GRADE}, {"HASATTR_bizStep": GRADE},
    ):  # fmt: skip
        assert steps(cast, **asked) == set(), asked
    # What is said again is as it was said last; the rest stays.
    captured(
        cast.farm,
        telling([said("Location", SHED, ex_grade="B")], {**event_of_farm, "eventTime": "2026-03-01T00:00:00Z"}),
    )
    assert len(told(cast.farm, **{f"EQATTR_bizLocation_{GRADE}": "B"})) == 2
    assert told(cast.farm, **{f"EQATTR_bizLocation_{GRADE}": "A"}) == []
    assert len(told(cast.farm, **{"EQATTR_bizLocation_cbvmda:countryCode": "CN"})) == 2


def test_what_somebody_says_is_asked_of_its_own_events_and_by_itself(cast: Cast) -> None:
    """What another party's documents say of a place finds nobody else's events."""
    at = {"at": SHED, "quantityList": [{"epcClass": LOT}]}
    captured(cast.farm, telling([said("Location", SHED, ex_grade="A")], event("Object", 5, "storing", **at)))
    captured(cast.stall, telling([said("Location", SHED, ex_price=7)], event("Object", 4, "shipping", **at)))
    priced = {"HASATTR_bizLocation": "https://ns.example.com/farms#price"}
    graded = {"HASATTR_bizLocation": GRADE}
    assert told(cast.farm, **priced) == [], "of the stall's alone"
    assert told(cast.stall, **graded) == [], "of the farm's alone"
    assert [each["bizStep"] for each in told(cast.stall, **priced)] == ["shipping"]
    assert [each["bizStep"] for each in told(cast.farm, **graded)] == ["storing"]
    assert steps(cast, **priced) == steps(cast, **graded) == {"storing", "shipping"}, "to the operator all is said"
