"""S21 浙冷链、进口水果追溯 · 宁波海曙，杭州上城

进口冻品到首站冷库：没有入境货物检验检疫证明，不准入库；有证明、检测合格，入库赋码，码上看得到证明。冷库里的温度记录仪按时上报，温度
在码上公开；出库开溯源单，下一站扫码入库；到了摊位，顾客扫码看得到入境检验检疫、每一站的温度；监管部门查得到进口商的联系方式。

Imported frozen goods reach their first node: without the inspection certificate of the border they are refused, with it
they are admitted, and the first node gives the code. A sensor reports the temperatures of the cold store, which are on
the page; each later node scans in and out. At the stall a consumer sees the inspection and the temperatures of every
stop, and the regulator whom to call. A partner's system asks the same by EPCIS 2.0.
"""

import json
from typing import Any

from app.domain.epcis.identifiers import canonical_uri
from tests.support.cast import Actor, ago
from tests.support.epcis import captured, document, event, told
from tests.support.story import Story

SHANGCHENG, HAISHU = "330102", "330203"
RULES = [{"category": "imported", "requires": [["import_inspection"]]}]


def logged(sensor: Actor, custody_id: str, *values: str, hours: float) -> None:
    """What the sensor measured, one an hour until so many hours ago."""
    readings = [
        {"type": "temperature", "value": value, "unit": "℃", "time": ago(hours=hours + len(values) - i)}
        for i, value in enumerate(values)
    ]
    sensor.record("observe", custody_id=custody_id, readings=readings, event_time=ago(hours=hours))


def test_imports_carry_their_inspection_and_their_temperatures(story: Story) -> None:
    first = story.enrol("market", "海曙首站冷库", "market", "warehouse", region=HAISHU)
    hall = story.enrol("vendor", "上城冻品批发行", "wholesaler", "wholesale", region=SHANGCHENG)
    market = story.enrol("market", "近江农贸市场", "market", "market", region=SHANGCHENG)
    stall = story.enrol("vendor", "近江 8 号水产摊", "vendor", "stall", parent=market, region=SHANGCHENG)
    office = story.key("regulator", region="3302")
    assert first.request("PUT", f"/sites/{first.site['id']}/admission-rules", json=RULES).status_code == 200
    shrimp = story.product("冻南美白虾", "imported")

    # 首站：进口商的货，没有入境检验检疫证明，不准入库，缺什么说什么。 Refused without the paper.
    [batch] = first.record(
        "receive", event_time=ago(hours=30),
        **{"from": {"name": "某进口公司", "contact": "13800000021", "address": "浙江省宁波市保税区"}},
        items=[{"product_id": shrimp["id"], "quantity": {"value": "900", "unit": "公斤"}, "lot_number": "EC-0301"}],
    )["outputs"]  # fmt: skip
    refused = first.record("admit", custody_ids=[batch["custody_id"]], event_time=ago(hours=29.5))
    assert refused["decision"] == "refused"
    assert [reason["missing"] for reason in refused["reasons"]] == [["import_inspection"]]
    certificate = story.certify(first, batch, "import_inspection", hours=29, number="330200260301", issuer="宁波海关")
    admitted = first.record("admit", custody_ids=[batch["custody_id"]], event_time=ago(hours=28.5))
    assert admitted["decision"] == "admitted"

    # 温度记录仪按时上报。 The sensor of the cold store reports.
    sensor = story.handheld(first, "3 号库温度记录仪", "kiosk")
    logged(sensor, batch["custody_id"], "-18.5", "-19.25", "-18.0", hours=25)
    assert sensor.refused("observe", 422, custody_id=batch["custody_id"], readings=[])["type"] == "/problems/invalid"
    wrong = {"type": "temperature", "value": "cold", "unit": "℃", "time": ago(hours=1)}
    assert sensor.refused("observe", 422, custody_id=batch["custody_id"], readings=[wrong])
    # 别人的记录仪不能替这批货报数。 Nobody else's sensor speaks for these goods.
    elsewhere = story.handheld(stall, "摊位温度计", "kiosk")
    reading = {"type": "temperature", "value": "-18", "unit": "℃", "time": ago(hours=1)}
    assert elsewhere.refused("observe", 403, custody_id=batch["custody_id"], readings=[reading], site_id=None)

    # 出库、入库：下一站扫单。 Out of the store and into the next one, by scan.
    slip = first.record("ship", event_time=ago(hours=20), items=[story.item(batch, "300")], to_site_id=hall.site["id"])
    [there] = hall.record("receive", event_time=ago(hours=18), slip_code=slip["slip_code"])["outputs"]
    logged(story.handheld(hall, "车载记录仪", "kiosk"), there["custody_id"], "-12.5", hours=17)
    slip = hall.record("ship", event_time=ago(hours=8), items=[story.item(there, "20")], to_site_id=stall.site["id"])
    [sold] = stall.record("receive", event_time=ago(hours=6), slip_code=slip["slip_code"])["outputs"]

    # 顾客扫码：入境检验检疫、每一站的温度。 A consumer sees the inspection and every stop's temperatures.
    page = story.public.scan(sold["code"])
    assert [(paper["type"], paper["number"], paper["issuer"]) for paper in page["documents"]] == [
        ("import_inspection", "330200260301", "宁波海关")
    ]
    seen = [(step["site"]["name"], step["readings"]) for step in page["steps"] if step["kind"] == "observe"]
    assert [(where, r["least"], r["most"], r["count"], r["unit"]) for where, (r,) in seen] == [
        ("海曙首站冷库", "-19.25", "-18.0", 3, "℃"), ("上城冻品批发行", "-12.5", "-12.5", 1, "℃"),
    ]  # fmt: skip
    read = story.read(sold["code"])
    assert "温度 -19.25 至 -18.0 ℃（3 次）" in read
    assert "温度 -12.5 ℃（1 次）" in read
    assert "Temperature -19.25 to -18.0 ℃ (3 times)" in story.read(sold["code"], "en")
    assert "入境货物检验检疫证明" in read
    story.hides(sold["code"], ["13800000021", "900.0", "300.0", "900 ", "300 "])

    # 用国际标准 EPCIS 也查得到：低于 −19 ℃ 的温度、入境检验检疫、入库的决定；联系方式不在其中。
    # The same by EPCIS 2.0, as a partner's system asks: what was colder than −19 ℃, the inspection, the gate's word.
    [cold] = story.epcis(first, 1, EQ_type="Temperature", LT_value_CEL="-19")
    [element] = cold["sensorElementList"]
    assert [(one["value"], one["uom"]) for one in element["sensorReport"]] == [
        (-18.5, "CEL"),
        (-19.25, "CEL"),
        (-18, "CEL"),
    ]
    lot = cold["quantityList"][0]["epcClass"]
    [inspected] = story.epcis(first, 1, MATCH_anyEPCClass=lot, EQ_bizStep="inspecting")
    assert [paper.rpartition("/")[2] for paper in inspected["certificationInfo"]] == [certificate["id"]]
    earliest = {"orderBy": "eventTime", "orderDirection": "ASC"}
    gate = story.epcis(first, 2, MATCH_anyEPCClass=lot, EQ_bizStep="accepting", **earliest)
    assert [event["disposition"] for event in gate] == ["non_conformant", "conformant"]
    assert len(story.epcis(story.admin, 2, EXISTS_sensorElementList="true")) == 2
    everything = json.dumps(story.epcis(story.admin, 10), ensure_ascii=False)
    assert "13800000021" not in everything
    assert "某进口公司" not in everything

    # 监管部门倒查到进口商，知道打给谁。 The regulator of the border town traces it and knows whom to call.
    found = office.trace("back", code=sold["code"])
    [gap] = found["gaps"]
    assert (gap["from"]["name"], gap["from"]["contact"]) == ("某进口公司", "13800000021")
    assert [document["type"] for document in found["documents"]] == ["import_inspection"]
    assert sum(event["kind"] == "observe" for event in found["events"]) == 2


GTIN = "06901234567892"
CARTONS = "urn:epc:class:lgtin:6901234.056789.EC-0301"
PALLET = "urn:epc:id:sscc:6901234.0000000021"
CERTIFICATE = "urn:gsrn:cn:customs:330200260301"
PLANT, PORT, STORE = (f"urn:epc:id:sgln:6901234.0000{n}.0" for n in (1, 2, 3))


def test_an_importers_system_sends_epcis(story: Story) -> None:
    """进口商的系统交来 EPCIS：温度、检验检疫证明号、托盘，都在链上。 The importer's system sends it all as EPCIS."""
    first = story.enrol("market", "海曙首站冷库", "market", "warehouse", region=HAISHU)
    importer = story.enrol("producer", "宁波某进口公司", "wholesaler", None, region=HAISHU)
    store = canonical_uri(STORE)
    assert story.admin.patch(f"/sites/{first.site['id']}", {"gln": store.rpartition("/")[2]}).status_code == 200

    def measured(hours: float, *degrees: float) -> dict[str, Any]:
        """冷藏箱里的记录仪。 The logger in the container."""
        reports = [{"type": "Temperature", "value": value, "uom": "CEL", "time": ago(hours=hours + i)}
                   for i, value in enumerate(degrees)]  # fmt: skip
        element = {"sensorMetadata": {"deviceID": "https://id.gs1.org/8004/6901234LOG7"}, "sensorReport": reports}
        return event("Object", hours, "sensor_reporting", at=PORT, epcList=[PALLET], sensorElementList=[element])

    shrimp = [{"epcClass": CARTONS, "quantity": 900, "uom": "KGM"}]
    inspected = [{"type": "cert", "bizTransaction": CERTIFICATE}]
    sent = document(
        event("Object", 200, "commissioning", at=PLANT, action="ADD", quantityList=shrimp),
        event("Aggregation", 190, "packing", at=PLANT, action="ADD", parentID=PALLET, childQuantityList=shrimp),
        event("Object", 60, "arriving", at=PORT, epcList=[PALLET]),
        measured(50, -18.5, -19.25, -17.5),
        event("Object", 40, "inspecting", at=PORT, epcList=[PALLET], disposition="conformant",
              bizTransactionList=inspected),
        event("Object", 30, "receiving", at=STORE, epcList=[PALLET]),
        Location={PLANT: "厄瓜多尔某加工厂", PORT: "宁波舟山港", STORE: "随便写的名字"},
        EPCClass={CARTONS: "冻南美白虾"},
    )  # fmt: skip
    captured(importer, sent)

    # 托盘当时所装，一路到冷库；冷库还是自己的名字。 What the pallet held, all the way; the store keeps its own name.
    for spelling in (PALLET, "https://import.example.com/00/" + canonical_uri(PALLET)[-18:] + "?x=1"):
        chain = importer.trace("back", epc=spelling)
        assert [node["site"]["name"] for node in chain["nodes"]] == ["海曙首站冷库", "宁波舟山港", "厄瓜多尔某加工厂"]
        assert chain["start"]["opened"]["state"] == "now"
    assert sum(each["kind"] == "epcis.sensor_reporting" for each in chain["events"]) == 1

    # 海关的证明号、温度，从 /epcis/events 原样出来。 The certificate and the temperatures come out as they came.
    [paper] = told(importer, EQ_bizTransaction_cert=CERTIFICATE)
    assert paper["bizTransactionList"] == inspected
    [logged_] = told(importer, MATCH_anyEPC=PALLET, EQ_bizStep="sensor_reporting")
    assert logged_["sensorElementList"] == sent["epcisBody"]["eventList"][3]["sensorElementList"]
    assert told(importer, EQ_type="Temperature", GT_value_CEL="-18", EQ_bizStep="sensor_reporting") == [logged_]
    assert told(first, EQ_bizTransaction_cert=CERTIFICATE) == [], "what happened elsewhere is not the store's to read"
    assert [each["bizStep"] for each in told(first, MATCH_anyEPC=PALLET)] == ["receiving"]

    # 赋码之后，顾客在码上看得到温度。 With a code, a consumer reads the temperatures.
    answer = importer.post("/captures?issue=true", sent)
    assert answer.status_code == 200, answer.text
    [code] = [each["code"] for each in answer.json()["codes"] if each["site"] == "海曙首站冷库"]
    page = story.public.scan(code)
    [cold] = [step["readings"] for step in page["steps"] if step["readings"]]
    assert [(r["type"], r["least"], r["most"], r["count"], r["unit"]) for r in cold] == [
        ("temperature", "-19.25", "-17.5", 3, "℃")
    ]
    read = story.read(code)
    assert "温度 -19.25 至 -17.5 ℃（3 次）" in read
    assert "厄瓜多尔某加工厂" in read
