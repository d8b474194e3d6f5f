"""S25 肉菜流通追溯节点 · 宁波海曙（79 个节点）、宁夏银川（三个来源，一条链）

三家各有各的系统：牧场系统夜里推来逐行的记录，辣椒酱厂的系统交来一份 EPCIS 文档，市场系统一次送来一张清单。
谁也不认识谁的编号，货到市场时只知道卖方的名字，于是链上先有两处缺口，页面如实写明来源是市场自报。牧场凭耳标批号认出
自己的货，先认，市场确认；辣椒酱那一处，市场先认，厂方确认。缺口一处一处合上，三个来源连成一条链；三份数据各送两遍，
也不多一条、不差一克。最后用 EPCIS 一次查出全部。

Three systems feed one chain: the pasture's posts line by line, the sauce maker's is an EPCIS document, the market's a
list. None knows the others' numbers, so the chain has two gaps at first, and says so. One is closed by the pasture,
which the market confirms, the other by the market, which the maker confirms. Every feed comes twice, and nothing is
there twice. One EPCIS query finds it all.
"""

import json
import time
from typing import Any

from app.domain.epcis.identifiers import canonical_uri
from tests.support.cast import Actor, ago, quantity
from tests.support.epcis import captured, document, event, until_told
from tests.support.story import Story, line, ndjson, outcomes

YANCHI, ZHONGNING, YINCHUAN = "640323", "640521", "640104"
SAUCE = "https://id.gs1.org/01/06901234567892"
WORKS = "https://id.gs1.org/414/6901234500011"


def sauce_document() -> dict[str, Any]:
    """What the sauce maker's system sends: two events of EPCIS 2.0, and what its numbers mean."""

    def event(time: str, action: str, step: str, disposition: str, kilograms: float) -> dict[str, Any]:
        return {
            "type": "ObjectEvent",
            "eventTime": time,
            "eventTimeZoneOffset": "+08:00",
            "action": action,
            "bizStep": step,
            "disposition": disposition,
            "readPoint": {"id": WORKS},
            "bizLocation": {"id": WORKS},
            "quantityList": [{"epcClass": f"{SAUCE}/10/LJJ0301", "quantity": kilograms, "uom": "KGM"}],
        }

    def named(kind: str, uri: str, **attributes: str) -> dict[str, Any]:
        listed = [{"id": f"urn:epcglobal:cbv:mda#{name}", "attribute": text} for name, text in attributes.items()]
        return {"type": kind, "vocabularyElementList": [{"id": uri, "attributes": listed}]}

    return {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": ago(hours=20),
        "epcisHeader": {
            "epcisMasterData": {
                "vocabularyList": [
                    named("urn:epcglobal:epcis:vtype:EPCClass", f"{SAUCE}/10/LJJ0301", descriptionShort="中宁辣椒酱"),
                    named("urn:epcglobal:epcis:vtype:Location", WORKS, name="中宁辣椒酱厂"),
                ]
            }
        },
        "epcisBody": {
            "eventList": [
                event(ago(hours=30), "ADD", "commissioning", "active", 80),
                event(ago(hours=26), "OBSERVE", "shipping", "in_transit", 15),
            ]
        },
    }


def test_three_feeds_join_in_one_chain(story: Story) -> None:
    pasture = story.enrol("producer", "盐池滩羊合作社", "producer", "farm", region=YANCHI)
    maker = story.enrol("producer", "中宁辣椒酱厂信息部", "processor", None, region=ZHONGNING)
    market = story.enrol("market", "银川新华街市场", "market", "market", region=YINCHUAN)
    deli = story.enrol("vendor", "新华街 9 号熟食摊", "vendor", "stall", parent=market, region=YINCHUAN)
    office = story.key("regulator", region="6401")
    mutton, sauce = story.product("羊肉", "mutton"), story.product("辣椒酱", "sauce")
    dish = story.product("羊肉臊子", "cooked", shelf_life_days=3)

    # 一、牧场系统：逐行推送。发货只写了买方的名字，没有我们的单。 The pasture's feed; its customer is a name to it.
    tags = [{"scheme": "耳标批号", "value": "NX-EB-26030117"}]
    output = story.output(mutton, "61.25", lot_number="TY-0301", external_codes=tags)
    night = [pasture.event("produce", ref="牧场-001", event_time=ago(hours=40), outputs=[output])]
    [made], _ = outcomes(pasture.request("POST", "/events", **ndjson(night)).text)
    [meat] = made["outputs"]
    night.append(
        pasture.event(
            "ship", ref="牧场-002", event_time=ago(hours=30), items=[story.item(meat, "31.25")],
            to={"name": "银川新华街市场"}, slip=False,
        )
    )  # fmt: skip
    lines, summary = outcomes(pasture.request("POST", "/events", **ndjson(night)).text)
    assert summary == {"recorded": 1, "duplicate": 1, "conflict": 0, "rejected": 0}
    assert [each["kind"] for each in lines] == ["produce", "ship"]

    # 二、辣椒酱厂的系统：一份 EPCIS 文档。 The maker's system: an EPCIS document.
    document = sauce_document()

    def capture() -> dict[str, Any]:
        sent = {"content": json.dumps(document).encode(), "headers": {"Content-Type": "application/ld+json"}}
        answer = maker.request("POST", "/captures?issue=true", **sent)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    report = capture()
    assert (report["recorded"], report["refused"], report["flagged"]) == (2, 0, 0)
    of_lot, at_works = report["codes"]
    assert (of_lot["kind"], at_works["kind"], at_works["site"]) == ("lot", "custody", "中宁辣椒酱厂")
    assert (at_works["product"], at_works["lot_number"]) == ("中宁辣椒酱", "LJJ0301")
    assert maker.get(f"/captures/{report['id']}").json() == document, "what came is kept as it came"

    # 三、市场系统：一张清单。收了两样货，做成一锅臊子。 The market's list: two purchases and what was made of them.
    def receive(ref: str, seller: str, product: dict[str, Any], value: str) -> dict[str, Any]:
        goods = {"product_id": product["id"], "quantity": quantity(value)}
        return market.event(
            "receive", ref=ref, site_id=deli.site["id"], event_time=ago(hours=20), items=[goods],
            **{"from": {"name": seller}},
        )  # fmt: skip

    bought = [
        receive("市场-001", "盐池滩羊合作社", mutton, "31.25"),
        receive("市场-002", "中宁辣椒酱厂", sauce, "15"),
    ]
    listed = market.post("/events", {"events": bought}).json()
    assert (listed["recorded"], listed["rejected"]) == (2, 0)
    raw, paste = (result["outputs"][0] for result in listed["results"])
    cooked = market.event(
        "transform", ref="市场-003", site_id=deli.site["id"], process="process", event_time=ago(hours=10),
        inputs=[story.item(raw, "31.25"), story.item(paste, "4.5")],
        outputs=[story.output(dish, "30.75", lot_number="SZ-0301")],
    )  # fmt: skip
    listed = market.post("/events", {"events": [*bought, cooked]}).json()
    assert (listed["recorded"], listed["duplicate"], listed["conflict"]) == (1, 2, 0)
    [pot] = listed["results"][2]["outputs"]
    scale = story.handheld(deli, "9号摊追溯秤", "scale")
    receipt = scale.prints(line(pot, "1", "斤"))
    scale.upload()

    # 缺什么，写什么。 What is missing is shown: two sources, on the market's word alone.
    for code in (pot["code"], receipt):
        page = story.public.scan(code)
        assert (page["status"], page["status_reason"]) == (
            "incomplete", "来路上有 2 处没有查明 · 2 places on the way not known",
        )  # fmt: skip
        assert {(gap["reason"], gap["from"]["name"], gap["from"]["reported_by"]["name"]) for gap in page["gaps"]} == {
            ("outside", "盐池滩羊合作社", "新华街 9 号熟食摊"),
            ("outside", "中宁辣椒酱厂", "新华街 9 号熟食摊"),
        }
        read = story.read(code)
        assert "据新华街 9 号熟食摊自报，来自“盐池滩羊合作社”" in read
        assert "据新华街 9 号熟食摊自报，来自“中宁辣椒酱厂”" in read
    chain = office.trace("back", code=pot["code"])
    assert chain["totals"]["gaps"] == 2
    gaps = {gap["from"]["name"]: gap["node_id"] for gap in chain["gaps"]}

    # 牧场凭耳标批号认货：先认，市场后确认。 The pasture knows the goods by the ear tags' number, and claims them.
    [found] = story.public.get("https://food.example.cn/lookup", params={"q": "NX-EB-26030117"}).json()["matches"]
    assert (found["kind"], found["title"]) == ("lot", "羊肉 TY-0301")
    [source] = [node for node in pasture.trace("back", code=found["code"])["nodes"] if node["site"]["kind"] == "farm"]
    assert source["id"] == meat["custody_id"]
    from_pasture = {"gap_custody_id": gaps["盐池滩羊合作社"], "parent_custody_id": source["id"]}
    assert pasture.record("identify", **from_pasture)["decision"] == "claimed"
    page = story.public.scan(pot["code"])
    assert page["status"] == "incomplete", "one side alone closes nothing"
    claimed = {gap["from"]["name"]: gap["from"]["claimed"] for gap in page["gaps"]}
    assert (claimed["盐池滩羊合作社"]["name"], claimed["中宁辣椒酱厂"]) == ("盐池滩羊合作社", None)
    assert "对方还没有确认" in story.read(pot["code"])
    again = pasture.refused("identify", 409, **from_pasture)
    assert again["type"] == "/problems/already-claimed"
    assert market.record("identify", site_id=deli.site["id"], **from_pasture)["decision"] == "confirmed"
    page = story.public.scan(pot["code"])
    assert [gap["from"]["name"] for gap in page["gaps"]] == ["中宁辣椒酱厂"]
    assert page["steps"][0]["party"]["name"] == "盐池滩羊合作社"

    # 辣椒酱：市场凭袋上的码先认；运营方给厂里开通账号，厂方确认。
    # The sauce: the market claims its source by the code on the bag; the maker, given its key, confirms.
    [works] = [
        node for node in market.trace("back", code=at_works["code"])["nodes"] if node["site"]["name"] == "中宁辣椒酱厂"
    ]
    from_works = {"gap_custody_id": gaps["中宁辣椒酱厂"], "parent_custody_id": works["id"]}
    assert market.record("identify", site_id=deli.site["id"], **from_works)["decision"] == "claimed"
    captured = story.admin.get("/sites", params={"limit": 100}).json()["items"]
    [site] = [each for each in captured if {"scheme": "epcis", "value": WORKS} in each["external_codes"]]
    story.admin.patch(f"/parties/{site['party_id']}", {"status": "active", "region": ZHONGNING})
    own = story.key("producer", party_id=site["party_id"])
    assert own.record("identify", **from_works)["decision"] == "confirmed"

    # 三个来源，一条链。 Three sources, one chain, on the page and in the trace.
    page = story.public.scan(pot["code"])
    assert (page["status"], page["gaps"]) == ("ok", [])
    assert {step["party"]["name"] for step in page["steps"] if step["party"]} == {
        "盐池滩羊合作社", "中宁辣椒酱厂", "新华街 9 号熟食摊",
    }  # fmt: skip
    assert story.public.scan(receipt)["status"] == "ok"
    read = story.read(pot["code"])
    for told in ("盐池滩羊合作社", "中宁辣椒酱厂", "批号 TY-0301", "批号 LJJ0301", "来源可查"):
        assert told in read
    chain = office.trace("back", code=pot["code"])
    assert chain["totals"]["gaps"] == 0
    assert {node["lot_number"] for node in chain["nodes"]} >= {"SZ-0301", "TY-0301", "LJJ0301"}
    ids = {event["epcis_event_id"] or event["id"] for event in chain["events"]}
    assert {report["events"][0]["id"], report["events"][1]["id"]} <= {event["id"] for event in chain["events"]}
    assert len(ids) == len(chain["events"])
    # 牧场说发了 31.25，市场说收了 31.25：是同一批货，账上只少一次。 The same goods, counted once.
    balance = pasture.scan(meat["code"])["balance"]
    assert (balance["received"], balance["shipped"], balance["on_hand"]) == (61_250, 31_250, 30_000)
    balance = own.scan(at_works["code"])["balance"]
    assert (balance["received"], balance["shipped"], balance["on_hand"]) == (80_000, 15_000, 65_000)
    forward = story.admin.trace("forward", code=meat["code"])
    assert {node["product"]["name"] for node in forward["nodes"] if node["kind"] == "custody"} == {"羊肉", "羊肉臊子"}
    assert forward["totals"]["receipts"] == 1

    # 三份数据再各送一遍：一条不多。 All three feeds once more: not one record more.
    _, summary = outcomes(pasture.request("POST", "/events", **ndjson(night)).text)
    assert summary == {"recorded": 0, "duplicate": 2, "conflict": 0, "rejected": 0}
    assert market.post("/events", {"events": [*bought, cooked]}).json()["duplicate"] == 3
    report = capture()
    assert (report["recorded"], report["duplicate"]) == (0, 2)
    assert office.trace("back", code=pot["code"]) == chain

    # 厂里晚到一条检验记录，走 EPCIS 采集接口：接在链上，缺口不再打开，账也不动。
    # A late record, by the capture interface of EPCIS, joins the chain and moves no sum.
    events = document["epcisBody"]["eventList"]
    seen = {"action": "OBSERVE", "bizStep": "inspecting", "disposition": "conformant"}
    events.append({**events[0], **seen, "eventTime": ago(hours=28)})
    sent = maker.post("/epcis/capture", document)
    assert sent.status_code == 202, sent.text
    job = finished(maker, sent.headers["location"])
    assert (job["success"], job["onecode:outcome"]["recorded"], job["onecode:outcome"]["duplicate"]) == (True, 1, 2)
    assert own.scan(at_works["code"])["balance"] == balance
    page = story.public.scan(pot["code"])
    assert (page["status"], page["gaps"]) == ("ok", [])
    assert "inspecting" in [step["kind"] for step in page["steps"]]
    assert office.trace("back", code=pot["code"])["totals"]["gaps"] == 0
    story.hides(pot["code"], ["31.25", "61.25", "30.75", "4.5"])

    # 三个来源，用 EPCIS 一次查出。 All three come out of one EPCIS query, ours and captured alike.
    [made] = story.epcis(story.admin, 1, eventType="TransformationEvent")
    lots = [element["epcClass"] for name in ("input", "output") for element in made[f"{name}QuantityList"]]
    lots += [f"{SAUCE}/10/LJJ0301", story.epcis(pasture, 2)[0]["quantityList"][0]["epcClass"]]
    whole = story.epcis(story.admin, 8, MATCH_anyEPCClass="|".join(lots), orderBy="eventTime", orderDirection="ASC")
    assert [event["bizStep"] for event in whole] == [
        "commissioning", "shipping", "commissioning", "inspecting", "shipping", "receiving", "receiving",
        "commissioning",
    ]  # fmt: skip
    assert len({event["eventID"] for event in whole}) == 8
    assert {event["bizStep"] for event in story.epcis(maker, 3)} == {"commissioning", "inspecting", "shipping"}


def finished(actor: Actor, job: str) -> dict[str, Any]:
    """A capture job when it is done."""
    for _ in range(300):
        told: dict[str, Any] = actor.get(job).json()
        if not told["running"]:
            return told
        time.sleep(0.1)
    raise AssertionError(told)


PLANT = "urn:epc:id:sgln:6901234.00007.0"
BAG = "urn:epc:class:lgtin:6901234.056789.LJJ0302"
PALLET = "urn:epc:id:sscc:6901234.0000000031"

SHIPPED = """<?xml version="1.0" encoding="UTF-8"?>
<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2" schemaVersion="2.0" creationDate="{time}">
  <EPCISBody><EventList><ObjectEvent>
    <eventTime>{time}</eventTime><eventTimeZoneOffset>+08:00</eventTimeZoneOffset>
    <epcList><epc>{pallet}</epc></epcList><action>OBSERVE</action>
    <bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep><readPoint><id>{place}</id></readPoint>
    <bizLocation><id>{place}</id></bizLocation>
  </ObjectEvent></EventList></EPCISBody>
</epcis:EPCISDocument>"""


def test_a_suppliers_system_posts_epcis_and_the_market_receives(story: Story) -> None:
    """厂里的系统交 EPCIS，产线用 JSON-LD，仓库用 XML。 A supplier posts JSON-LD and XML."""
    maker = story.enrol("producer", "中宁辣椒酱厂", "processor", "plant", region=ZHONGNING)
    market = story.enrol("market", "银川新华街市场", "market", "market", region=YINCHUAN)
    deli = story.enrol("vendor", "新华街 9 号熟食摊", "vendor", "stall", parent=market, region=YINCHUAN)
    office = story.key("regulator", region="64")
    gln = canonical_uri(PLANT).rpartition("/")[2]
    assert story.admin.patch(f"/sites/{maker.site['id']}", {"gln": gln}).status_code == 200
    sauce = story.product("中宁辣椒酱", "sauce", gtin="6901234567892")

    made = [{"epcClass": BAG, "quantity": 80, "uom": "KGM"}]
    sent = [{"epcClass": BAG, "quantity": 15, "uom": "KGM"}]
    captured(maker, document(
        event("Object", 30, "commissioning", at=PLANT, action="ADD", quantityList=made),
        event("Aggregation", 28, "packing", at=PLANT, action="ADD", parentID=PALLET, childQuantityList=sent),
    ))  # fmt: skip
    captured(maker, SHIPPED.format(time=ago(hours=26), pallet=PALLET, place=PLANT))

    # 市场收货：只知道卖方名字、条码和批号。 The market knows the seller's name, the GTIN and the lot number.
    item = {"product_id": sauce["id"], "quantity": quantity("15"), "lot_number": "LJJ0302"}
    [here] = market.record(
        "receive", site_id=deli.site["id"], event_time=ago(hours=20), items=[item], **{"from": {"name": "中宁辣椒酱厂"}}
    )["outputs"]  # fmt: skip
    deli.record("sell", event_time=ago(hours=2), lines=[story.item(here, "2.5")])

    # 同一 GTIN、同一批号：从 EPC 出发，两头都在，缺口如实写着。 From the EPC, both ends and the gap.
    links = (
        "https://id.gs1.org/01/06901234567892/10/LJJ0302",
        BAG,
        "https://food.example.cn/01/06901234567892/10/LJJ0302?x=1",
    )
    for epc in links:
        chain = office.trace("back", epc=epc)
        starts = [node["site"]["name"] for node in chain["nodes"] if node["depth"] == 0]
        assert sorted(starts) == ["中宁辣椒酱厂", "新华街 9 号熟食摊"]
        assert chain["totals"]["gaps"] == 1
    [gap] = chain["gaps"]
    [works] = [node["id"] for node in chain["nodes"] if node["site"] and node["site"]["kind"] == "plant"]
    ends = {"gap_custody_id": gap["node_id"], "parent_custody_id": works}
    assert maker.record("identify", **ends)["decision"] == "claimed"
    assert market.record("identify", site_id=deli.site["id"], **ends)["decision"] == "confirmed"

    # 一条链：追得到、查得到，托盘打开也是它。 One chain: traced, queried, and what is on the pallet.
    back = office.trace("back", code=here["code"])
    assert (back["totals"]["gaps"], back["nodes"][-1]["site"]["name"]) == (0, "中宁辣椒酱厂")
    forward = maker.trace("forward", epc=PALLET)
    assert {node["site"]["name"] for node in forward["nodes"] if node["kind"] == "custody"} == {
        "中宁辣椒酱厂", "新华街 9 号熟食摊",
    }  # fmt: skip
    assert [one["content"] for one in forward["start"]["opened"]["packings"]] == [links[0]]
    events = until_told(story.admin, 4, MATCH_anyEPCClass=BAG)
    steps = {each["bizStep"] for each in events}
    assert {"commissioning", "packing", "receiving", "retail_selling"} <= steps, steps
    assert [each["bizStep"] for each in until_told(story.admin, 2, MATCH_anyEPC=PALLET)] == ["packing", "shipping"]
    story.hides(here["code"], ["2.5"])
