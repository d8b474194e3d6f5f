"""A recall by what stands on the goods: Digital Links, EPCs, SSCCs, GTIN and lot number; one product under its GTIN."""

from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import Engine

from app.recalling import naming
from app.store import chain
from app.store.check import verify
from tests.recalling.conftest import affected, form, recalled
from tests.support.cast import Actor, Cast
from tests.support.desk import at_desk, cheap_hashes
from tests.support.epcis import captured, document, event

GTIN = "06901234567892"
PLANT = "https://id.gs1.org/414/6901234500011"
CLASS = f"https://id.gs1.org/01/{GTIN}/10/"
PALLET = "https://id.gs1.org/00/069012340000000016"
ITEM = f"https://id.gs1.org/01/{GTIN}/21/7"


def lot(name: str, kilograms: float = 10) -> dict[str, Any]:
    return {"epcClass": f"{CLASS}{name}", "quantity": kilograms, "uom": "KGM"}


@pytest.fixture
def brought(cast: Cast) -> None:
    """Lot A on a pallet, lot B beside it, and one numbered piece, at a plant."""
    captured(
        cast.farm,
        document(
            event("Object", 9, "commissioning", at=PLANT, action="ADD", quantityList=[lot("A"), lot("B")]),
            event("Object", 9, "commissioning", at=PLANT, action="ADD", epcList=[ITEM]),
            event("Aggregation", 8, "packing", at=PLANT, action="ADD", parentID=PALLET, childQuantityList=[lot("A")]),
        ),
    )


def selected(by: Actor, *codes: str) -> set[str]:
    """Lot numbers of what a recall of these codes reaches."""
    found = by.get(f"/recalls/{recalled(by, {'codes': list(codes)}, 'mock')['id']}/affected").json()["items"]
    return {item["lot_number"] for item in found}


@pytest.mark.usefixtures("brought")
def test_what_stands_on_the_goods_is_a_scope(cast: Cast) -> None:
    asked = {
        f"{CLASS}A": {"A"},
        f"https://food.example.cn/01/{GTIN}/10/A": {"A"},
        f"(01){GTIN}(10)A": {"A"},
        f"{GTIN[1:]}+A": {"A"},
        PALLET: {"A"},
        PALLET[-18:]: {"A"},
        "urn:epc:id:sscc:6901234.0000000001": {"A"},
        ITEM: {"7"},
        GTIN: {"A", "B", "7"},
        PLANT: {"A", "B", "7"},
    }
    assert {code: selected(cast.admin, code) for code in asked} == asked


@pytest.mark.usefixtures("brought")
def test_what_names_nothing_says_so(cast: Cast) -> None:
    for code, status in (
        (f"{CLASS}NONE", 404), ("06901234567908", 404), ("https://id.gs1.org/414/6901234500028", 404),
        (f"(01){GTIN[:-1]}3(10)A", 400), ("x", 400),
    ):  # fmt: skip
        answer = cast.admin.post("/recalls", form({"codes": [f"(01){GTIN}(10)A", code]}, "mock"))
        assert answer.status_code == status, answer.text
        if status == 400:
            assert answer.json()["errors"][0]["pointer"] == "/scope/codes/1"
    # What lies in no region is no regulator's to recall; by GTIN alone each recalls what is its own.
    assert cast.regulator.post("/recalls", form({"codes": [GTIN]}, "mock")).status_code == 403


@pytest.mark.usefixtures("brought")
def test_of_more_than_a_recall_holds_nothing_is_left_out_unsaid(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "HOLDS", 2)  # the GTIN has three lots, and a fourth in the region
    monkeypatch.setattr(chain, "STARTS", 1)
    product = cast.product("盐卤豆腐", "tofu", gtin=GTIN[1:])
    cast.farm.record("produce", outputs=[cast.output(product, "30", lot_number="A")])
    for by, code in ((cast.regulator, GTIN), (cast.admin, GTIN), (cast.admin, f"{CLASS}A")):
        answer = by.post("/recalls", form({"codes": [code]}, "mock"))
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "scope-too-wide")


@pytest.mark.usefixtures("brought")
def test_a_gtin_is_one_product_whoever_brought_it(cast: Cast, engine: Engine) -> None:
    product = cast.product("盐卤豆腐", "tofu", gtin=GTIN[1:])
    # It was captured first: it takes the name and the category that it is enrolled with, since no document said any.
    rows = [row for row in cast.admin.get("/products?limit=500").json()["items"] if row["gtin"] == GTIN]
    assert [(row["name"], row["category"]) for row in rows] == [("盐卤豆腐", "tofu")]
    own = cast.farm.record("produce", outputs=[cast.output(product, "30", lot_number="A")])["outputs"][0]
    # By GTIN, by GTIN and lot, by the product in a window: both are reached.
    assert selected(cast.admin, GTIN) == {"A", "B", "7"}
    both = affected(cast.admin, recalled(cast.admin, {"codes": [f"(01){GTIN}(10)A"]}, "mock"))
    assert own["custody_id"] in both
    assert len(both) == 2
    assert selected(cast.regulator, GTIN) == {"A"}
    window = {"party_id": cast.farm.party["id"], "products": [rows[0]["id"]]}
    assert affected(cast.admin, recalled(cast.admin, {"sites": [window]}, "mock")) == {own["custody_id"]}
    # They are one line of what it amounts to, and one food in what is announced.
    live = recalled(cast.admin, {"codes": [f"(01){GTIN}(10)A"]})
    counts = cast.admin.get(f"/recalls/{live['id']}").json()["counts"]
    assert [(one["name"], one["received"]["grams"]) for one in counts["products"]] == [("盐卤豆腐", 40_000)]
    page = cast.public.get(f"https://food.example.cn/recalls/{live['number']}", headers={"Accept": "text/html"}).text
    food = page.partition('id="food"')[2].partition("</section>")[0]
    assert food.count("盐卤豆腐") == 1
    assert verify(engine) == []


def test_documents_that_contradict_an_enrolled_product_are_flagged(cast: Cast, engine: Engine) -> None:
    cast.product("盐卤豆腐", "tofu", gtin=GTIN)
    same = event("Object", 9, "commissioning", at=PLANT, action="ADD", quantityList=[lot("A")])
    report = cast.farm.post("/captures", document(same)).json()
    assert [one["flags"] for one in report["events"]] == [[]]
    boxes = {"epcClass": "https://id.gs1.org/01/06901234567908/10/C", "quantity": 4}
    cast.product("豆腐干", "tofu", gtin="06901234567908")
    counted = event("Object", 8, "commissioning", at=PLANT, action="ADD", quantityList=[boxes])
    [told] = cast.farm.post("/captures", document(counted)).json()["events"]
    assert [flag["slug"] for flag in told["flags"]] == ["product_conflict"]
    assert "豆腐干" in told["flags"][0]["detail"]
    assert cast.admin.get(f"/events/{told['id']}").json()["flags"] == told["flags"]
    assert verify(engine) == []


@pytest.mark.usefixtures("brought")
def test_the_desks_form_takes_them_too(cast: Cast) -> None:
    with cheap_hashes():
        desk = at_desk(cast, "op.a", "admin")
        desk.open(f"/desk/recalls/new?code={quote(PALLET)}")
        codes = f"{CLASS}A\n(01){GTIN}(10)B"
        answer = desk.submit("/desk/recalls/new", title="豆腐", grade="I", reason="r", hazard="h", codes=codes)
        assert answer.status_code == 303, answer.text
    made = cast.admin.get(f"/recalls/{answer.headers['location'].rpartition('/')[2].partition('?')[0]}").json()
    assert len(made["scope"]["lots"]) == 2
