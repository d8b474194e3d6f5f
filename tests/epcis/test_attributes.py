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
