"""What the resolver leads to of our own: products, lots, captured goods, places, parties, logistic units; what is
printed; and whatever else is sent to it."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import zxingcpp
from PIL import Image
from starlette.testclient import TestClient

from app.web import create_app
from app.web.service import Service
from tests.recording.conftest import paper
from tests.support.cast import Cast, ago
from tests.support.freshness import settled
from tests.support.statements import Statements
from tests.web.resolving import GTIN, LOT, PRODUCT, ROOT, VOC, Shelf, ask, faults, link, shelf_of


@pytest.fixture
def shelf(cast: Cast, service: Service) -> Shelf:
    return shelf_of(cast, service)


def test_a_product_tells_its_links_to_a_person(shelf: Shelf) -> None:
    page = shelf.ask(f"{PRODUCT}?linkType=all", accept="text/html", accept_language="en")
    assert (page.status_code, page.headers["content-language"]) == (200, "en")
    assert '<h1><span lang="zh-CN">土鸡蛋</span></h1>' in page.text
    assert f'<dd class="mono">{GTIN}</dd>' in page.text
    assert f'href="/c/{shelf.lot["lot_code"]}"' in page.text
    assert 'href="?linkType=all&amp;lang=zh"' in page.text
    assert "土鸡蛋" in shelf.ask(f"{PRODUCT}?linkType=all&lang=zh", accept="text/html").text
    lot = shelf.ask(f"{LOT}?linkType=all", accept="text/html", accept_language="en").text
    assert "lot L/1" in lot
    assert ">Traceability</a>" in lot


def test_a_lot_leads_to_its_page_however_many_hold_it(shelf: Shelf) -> None:
    cast = shelf.cast
    for stall in (cast.stall, cast.other_stall):
        slip = cast.farm.record("ship", items=[cast.item(shelf.lot, "10", "pcs")], to_site_id=stall.site["id"])
        batch = stall.record("receive", slip_code=slip["slip_code"])["outputs"][0]
        assert batch["code"] != shelf.lot["code"]
    settled(shelf.service)
    assert shelf.leads(LOT) == f"{ROOT}/c/{shelf.lot['lot_code']}"
    page = cast.public.get(shelf.leads(f"{LOT}?11=250101"), headers={"Accept": "application/json"})
    assert (page.status_code, page.json()["lot"]["lot_number"]) == (200, "L/1")


def test_papers_and_recalls_of_a_lot_have_links_of_their_own(shelf: Shelf) -> None:
    assert f"{VOC}certificationInfo" not in shelf.linkset(LOT)[0]
    shelf.cast.farm.record(
        "certify", document_id=paper(shelf.cast.farm), custody_id=shelf.lot["custody_id"]
    )  # fmt: skip
    settled(shelf.service)
    assert shelf.leads(f"{LOT}?linkType=gs1:recallStatus").startswith(f"{ROOT}/recalls?code={shelf.lot['lot_code']}&")
    assert shelf.leads(f"{LOT}?linkType=gs1:safetyInfo").startswith(f"{ROOT}/c/{shelf.lot['lot_code']}")
    # What is kept of a lot is believed for a minute at most.
    shelf.service.resolver.forget_all()
    (page,) = shelf.linkset(LOT)[0][f"{VOC}certificationInfo"]
    assert page["href"] == f"{ROOT}/c/{shelf.lot['lot_code']}"


def test_what_is_new_shows_at_once(shelf: Shelf) -> None:
    cast = shelf.cast
    assert shelf.leads(f"{PRODUCT}/10/N2") == f"{ROOT}{PRODUCT}?linkType=all"
    made = cast.farm.record("produce", outputs=[cast.output(shelf.product, "5", "pcs", lot_number="N2")])
    settled(shelf.service)
    assert shelf.leads(f"{PRODUCT}/10/N2") == f"{ROOT}/c/{made['outputs'][0]['lot_code']}"
    assert shelf.ask("/01/06901234567908").status_code == 404
    cast.farm.made("/products", {"name": "鸭蛋", "category": "eggs", "measure": "weight", "gtin": "6901234567908"})
    settled(shelf.service)
    assert shelf.linkset("/01/06901234567908")[0]["itemDescription"] == "鸭蛋"
    answer = cast.farm.patch(f"/products/{shelf.product['id']}", {"name": "散养土鸡蛋"})
    assert answer.status_code == 200
    settled(shelf.service)
    assert shelf.linkset(PRODUCT)[0]["itemDescription"] == "散养土鸡蛋"


def test_another_maker_may_give_the_same_number(shelf: Shelf) -> None:
    cast = shelf.cast
    other = cast.plant.record("produce", outputs=[cast.output(shelf.product, "5", "pcs", lot_number="L/1")])
    shelf.service.resolver.forget_all()
    settled(shelf.service)
    (item, _) = shelf.linkset(LOT)
    codes = {each["href"].rpartition("/")[2] for each in item[f"{VOC}traceability"]}
    assert codes == {shelf.lot["lot_code"], other["outputs"][0]["lot_code"]}
    assert len(item[f"{VOC}defaultLink"]) == 1
    assert shelf.ask(f"{LOT}?linkType=gs1:traceability").status_code == 300
    assert shelf.ask(LOT).status_code == 307
    assert printed(shelf, shelf.lot["lot_code"]) == f"HTTPS://FOOD.EXAMPLE.CN/C/{shelf.lot['lot_code']}"


def test_what_a_document_brought_is_found(cast: Cast, service: Service) -> None:
    sscc = "069012340000000016"
    event: dict[str, Any] = {
        "type": "ObjectEvent", "eventTime": ago(hours=5), "eventTimeZoneOffset": "+08:00", "action": "OBSERVE",
        "bizStep": "commissioning", "readPoint": {"id": "urn:epc:id:sgln:6901234.00000.0"},
        "bizLocation": {"id": "urn:epc:id:sgln:6901234.00000.7"},
    }  # fmt: skip
    lot = {"epcClass": f"https://id.gs1.org/01/{GTIN}/10/CAP-1", "quantity": 5}
    document = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": ago(hours=1),
        "epcisBody": {"eventList": [
            {**event, "action": "ADD", "epcList": [f"https://id.gs1.org/01/{GTIN}/21/S1"], "quantityList": [lot]},
            {"type": "AggregationEvent", "eventTime": ago(hours=4), "eventTimeZoneOffset": "+08:00", "action": "ADD",
             "bizStep": "packing", "bizLocation": event["bizLocation"], "parentID": f"https://id.gs1.org/00/{sscc}",
             "childEPCs": [f"https://id.gs1.org/01/{GTIN}/21/S1"]},
        ]},
    }  # fmt: skip
    answer = cast.admin.post("/captures?issue=true", document)
    assert answer.status_code == 200, answer.text
    settled(service)
    shelf = Shelf(cast, service, {}, {})
    serial = shelf.leads(f"/01/{GTIN}/21/S1")
    assert cast.public.get(serial, headers={"Accept": "application/json"}).json()["kind"] == "custody"
    assert shelf.leads(f"/00/{sscc}") == serial
    lotted = shelf.leads(f"/01/{GTIN}/10/CAP-1")
    assert cast.public.get(lotted, headers={"Accept": "application/json"}).json()["lot"]["lot_number"] == "CAP-1"
    place = shelf.leads("/414/6901234000009/254/7")
    assert cast.public.get(place, headers={"Accept": "application/json"}).json()["kind"] == "site"


def test_places_and_parties_are_found_by_their_numbers(cast: Cast, service: Service, vectors: Path) -> None:
    market, stall, other = (actor.site["id"] for actor in (cast.market, cast.stall, cast.other_stall))
    for site, extension in ((market, None), (stall, "A-12"), (other, "A-13")):
        codes = [{"scheme": "254", "value": extension}] if extension else []
        changed = cast.admin.patch(f"/sites/{site}", {"gln": "6901234000009", "external_codes": codes})
        assert changed.status_code == 200, changed.text
    named = cast.admin.patch(
        f"/parties/{cast.farm.party['id']}", {"external_codes": [{"scheme": "GLN", "value": "6901234000016"}]}
    )
    assert named.status_code == 200, named.text
    settled(service)
    shelf = Shelf(cast, service, {}, {})
    assert shelf.leads("/414/6901234000009") == f"{ROOT}/c/{cast.market.site['code']}"
    assert shelf.leads("/414/6901234000009/254/A-12") == f"{ROOT}/c/{cast.stall.site['code']}"
    assert shelf.leads("/414/6901234000009/254/none") == f"{ROOT}/c/{cast.market.site['code']}"
    assert shelf.leads("/417/6901234000016") == f"{ROOT}/c/{cast.farm.party['code']}"
    (item, _) = shelf.linkset("/414/6901234000009/254/A-12")
    assert item["itemDescription"] == cast.stall.site["name"]
    assert faults({"linkset": shelf.linkset("/417/6901234000016")}, vectors) == []
    assert printed(shelf, cast.stall.site["code"]) == f"{ROOT}/414/6901234000009/254/A-12"
    assert printed(shelf, cast.market.site["code"]) == f"{ROOT}/414/6901234000009"
    assert printed(shelf, cast.farm.site["code"]).endswith(f"/C/{cast.farm.site['code']}")
    found = cast.public.get(f"{ROOT}/lookup", params={"q": f"{ROOT}/414/6901234000009/254/A-12"}).json()["matches"]
    assert [match["code"] for match in found] == [cast.stall.site["code"]]


def printed(shelf: Shelf, code: str) -> str:
    """What the symbol of a code carries, as a telephone reads it."""
    picture = shelf.cast.public.get(f"/qr/{code}.png?scale=4")
    assert picture.status_code == 200
    (read,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture.content)))
    return str(read.text)


def test_a_lot_with_a_gtin_is_printed_as_its_digital_link(shelf: Shelf) -> None:
    made_on = shelf.cast.public.scan(shelf.lot["lot_code"])["lot"]["produced_on"].replace("-", "")[2:]
    carried = printed(shelf, shelf.lot["lot_code"])
    assert carried == f"{ROOT}{LOT}?11={made_on}&17=990131"
    assert shelf.leads(carried.removeprefix(ROOT)) == f"{ROOT}/c/{shelf.lot['lot_code']}?11={made_on}&17=990131"
    # A batch in somebody's hands keeps its own code, and so do goods without a GTIN or with one of a shop's own.
    assert printed(shelf, shelf.lot["code"]).endswith(f"/C/{shelf.lot['code']}")
    for gtin in (None, "2012345678903"):
        product = shelf.cast.product(f"蛋 {gtin}", gtin=gtin)
        lot = shelf.cast.farm.record("produce", outputs=[shelf.cast.output(product, "5")])["outputs"][0]["lot_code"]
        assert printed(shelf, lot).endswith(f"/C/{lot}")
    odd = [shelf.cast.output(shelf.product, "5", "pcs", lot_number="批 一")]
    lot = shelf.cast.farm.record("produce", outputs=odd)["outputs"][0]["lot_code"]
    assert printed(shelf, lot).endswith(f"/C/{lot}")
    label = shelf.cast.public.get(f"/labels/{shelf.lot['lot_code']}?format=png")
    assert label.status_code == 200


def test_what_is_printed_is_understood(shelf: Shelf) -> None:
    carried = printed(shelf, shelf.lot["lot_code"])
    found = shelf.cast.public.get(f"{ROOT}/lookup", params={"q": carried}).json()["matches"]
    assert [match["code"] for match in found] == [shelf.lot["lot_code"]]
    chain = shelf.cast.farm.trace("forward", epc=carried)
    assert [node["id"] for node in chain["nodes"]] == [shelf.lot["custody_id"]]
    answer = shelf.cast.farm.get("/trace", params={"epc": f"{ROOT}{PRODUCT}/10/none", "direction": "back"})
    assert answer.json()["type"] == "/problems/unknown-epc"


def test_links_of_others_are_chosen_before_ours(shelf: Shelf) -> None:
    shelf.publish()
    assert shelf.leads(f"{PRODUCT}?linkType=gs1:pip").startswith("https://farm.example.cn/eggs")
    assert shelf.leads(PRODUCT) == "https://farm.example.cn/eggs"
    (item,) = shelf.linkset(PRODUCT)
    assert len(item[f"{VOC}pip"]) == 2
    shelf.publish(anchor=LOT, link_type="gs1:traceability", href="https://farm.example.cn/trace")
    assert shelf.leads(f"{LOT}?linkType=gs1:traceability").startswith("https://farm.example.cn/trace")
    assert shelf.leads(LOT) == f"{ROOT}/c/{shelf.lot['lot_code']}"


def test_goods_of_nobody_can_have_links(cast: Cast, service: Service) -> None:
    shelf = Shelf(cast, service, {}, {})
    cast.admin.made("/links", link(anchor="/8004/6901234XYZ", link_type="gs1:instructions"))
    cast.admin.made("/links", link(anchor="/8004/6901234XYZ", href="https://farm.example.cn/2", public=False))
    settled(service)
    assert shelf.leads("/8004/6901234XYZ") == "https://farm.example.cn/eggs"
    (item,) = shelf.linkset("/8004/6901234XYZ")
    assert item["itemDescription"] == "(8004) 6901234XYZ"
    assert f"{VOC}pip" not in item


GARBAGE = (
    "", "\x00", "%00", "%", "%zz", "%ff%fe", "é", "０１", "a" * 8000, ",,,;q=;q=x", "*;q=nan", "*;q=inf, zh;q=-1",
    "text/html;q=1e999", "../../etc/passwd", "'\"<script>", "\t", "zh" * 400,
)  # fmt: skip


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_whatever_comes_is_answered(shelf: Shelf) -> None:
    for text in GARBAGE:
        for path in (f"/01/{quote(text)}", f"{PRODUCT}/10/{quote(text, safe='%')}", f"{LOT}?linkType={quote(text)}",
                     f"{LOT}?context={quote(text)}&lang={quote(text)}", f"{LOT}?{quote(text, safe='%=&')}",
                     f"/{quote(text)}/{GTIN}", f"/00/{quote(text)}/", f"/01/{GTIN}/{quote(text)}"):  # fmt: skip
            assert shelf.ask(path).status_code < 500, path
        header = text.encode("ascii", "ignore").decode().replace("\x00", "")
        for path in (LOT, f"{PRODUCT}?linkType=all", f"{PRODUCT}?linkType=gs1:pip"):
            assert shelf.ask(path, accept=header, accept_language=header).status_code < 500, header
    for method in ("OPTIONS", "POST", "HEAD", "TRACE"):
        assert shelf.ask("/01/" + "1/" * 1000, method).status_code in (204, 400), method


def test_doors_of_ours_are_none_of_the_resolvers(cast: Cast, service: Service) -> None:
    document = json.loads(cast.public.get(f"{ROOT}/openapi.json").text)
    shelf = Shelf(cast, service, {}, {})
    for path in document["paths"]:
        if "{" not in path and "get" in document["paths"][path]:
            answer = shelf.ask(path)
            assert "bad-digital-link" not in answer.text, path
    assert shelf.ask("/zzzzzzzzzzzz").json()["type"] == "/problems/not-found"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_whoever_asks_too_often_waits(cast: Cast, service: Service) -> None:
    settings = service.settings.model_copy(update={"address_scans_per_minute": 60})
    with TestClient(create_app(replace(service, settings=settings)), base_url=ROOT) as client:
        answers = [ask(client, "/01/09520123456788") for _ in range(61)]
    assert [answer.status_code for answer in answers] == [404] * 60 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert answers[-1].headers["access-control-allow-origin"] == "*"


def test_a_lot_never_asked_for_costs_one_statement_and_says_what_its_own_resolution_says(
    shelf: Shelf, service_statements: Statements
) -> None:
    shelf.publish(title="100% 鸡蛋", hreflang=["zh"])
    for number in ("A1", "A2", "A3"):
        shelf.cast.farm.record(
            "produce", outputs=[shelf.cast.output(shelf.product, "10", "pcs", lot_number=number)]
        )  # fmt: skip
    settled(shelf.service)
    shelf.ask(f"{PRODUCT}/10/A1")
    service_statements.clear()
    told = shelf.ask(f"{PRODUCT}/10/A2", accept="text/html,*/*;q=0.8")
    assert len([text for text in service_statements.read if "feed" not in text]) <= 1
    # With a slash at its end it is resolved at length.
    at_length = shelf.ask(f"{PRODUCT}/10/A2/", accept="text/html,*/*;q=0.8")
    names = {"x-request-id", "date"}
    assert told.status_code == at_length.status_code == 307
    assert {name: value for name, value in told.headers.items() if name not in names} == {
        name: value for name, value in at_length.headers.items() if name not in names
    }
    assert f"<{ROOT}{PRODUCT}/10/A2?linkType=linkset>" in told.headers["link"]
    assert shelf.ask(f"{PRODUCT}/10/A3", "HEAD").headers["location"].startswith(f"{ROOT}/c/G")
    # What has links of its own, or that nobody knows, is not of the form.
    shelf.publish(anchor=f"{PRODUCT}/10/A3", href="https://eggs.example/a3", default=True)
    assert shelf.leads(f"{PRODUCT}/10/A3") == "https://eggs.example/a3"
    assert "/c/G" not in shelf.leads(f"{PRODUCT}/10/A4")
