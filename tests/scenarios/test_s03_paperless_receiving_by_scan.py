"""S03 浙食链 · 宁波海曙（主体 2,777 家、产品 1,120 个，猪肉牛肉全程 100% 上链）

屠宰厂、批发商、肉摊先由区局录入，“激活”以后才能记账。发货方开电子溯源单，收货方扫一下就收货，全程没有纸：收货记录就是进货查验记录。
从养殖场到肉摊，每一块猪肉、牛肉都能查到头。区局下了暂停令的批次，摊主扫码收货的那一刻就会看到提示。

From slaughterhouse to wholesaler to stall without paper. A party is enrolled by the district's office and may record
nothing until it has been activated. Each hands on an electronic slip, each scans it to receive, and the receipt of
goods is the purchase check: what is wrong with them shows as they are received. Every batch of pork and beef on the
stall leads back to its farm.
"""

from typing import Any

from tests.support.cast import Actor, ago
from tests.support.story import Story, ndjson, outcomes, slugs

HAISHU = "330203"
CHAIN = {
    "farm": ("鄞江镇生态养殖场", "producer", "farm", "producer"),
    "plant": ("海曙区定点屠宰厂", "slaughterhouse", "plant", "producer"),
    "wholesaler": ("石碶肉类批发部", "wholesaler", "wholesale", "vendor"),
    "stall": ("南门菜场 6号肉摊", "vendor", "stall", "vendor"),
}


def enrol_chain(story: Story, office: Actor) -> dict[str, Actor]:
    """The office enrols the parties in one file, pending; the operator gives sites and keys."""
    forms = [
        {"name": name, "kind": kind, "region": HAISHU, "contact": {"name": None, "phone": f"1360000000{i}"}}
        for i, (name, kind, _, _) in enumerate(CHAIN.values())
    ]
    lines, summary = outcomes(office.request("POST", "/parties/batch", **ndjson(forms)).text)
    assert summary["recorded"] == len(CHAIN)
    people = {}
    for (who, (name, _, site_kind, role)), entered in zip(CHAIN.items(), lines, strict=True):
        actor = story.key(role, party_id=entered["id"])
        actor.party = office.get(f"/parties/{entered['id']}").json()
        assert actor.party["status"] == "pending"
        actor.site = story.site(actor, name, site_kind, region=HAISHU)
        people[who] = actor
    return people


def activate(office: Actor, *actors: Actor) -> None:
    for actor in actors:
        answer = office.patch(f"/parties/{actor.party['id']}", {"status": "active"})
        assert answer.json()["status"] == "active", answer.text


def hand_over(
    story: Story, giver: Actor, batch: dict[str, Any], value: str, taker: Actor, unit: str = "公斤", hours: float = 2
) -> dict[str, Any]:
    """A slip on the giver's telephone, scanned by the taker half an hour later. Returns the outcome."""
    items = [story.item(batch, value, unit)]
    shipped = giver.record("ship", items=items, to_site_id=taker.site["id"], event_time=ago(hours=hours))
    return scan_to_receive(taker, shipped["slip_code"], hours - 0.5)


def scan_to_receive(taker: Actor, slip: str, hours: float = 0.5) -> dict[str, Any]:
    """Posts what the page of the slip offers to its receiver."""
    [offer] = [action for action in taker.scan(slip)["actions"] if action["kind"] == "receive"]
    assert offer["body"] == {"kind": "receive", "site_id": taker.site["id"], "slip_code": slip}
    body = offer["body"] | {"event_time": ago(hours=hours), "ref": f"扫码收货-{slip}"}
    answer = taker.request(offer["method"], offer["href"], json=body)
    assert answer.status_code == 201, answer.text
    outcome: dict[str, Any] = answer.json()
    return outcome


def test_a_party_records_nothing_until_it_is_activated(story: Story) -> None:
    office = story.key("regulator", region=HAISHU)
    farm = enrol_chain(story, office)["farm"]
    pig = story.product("生猪", "livestock", "count", grams_per_piece=110_000)
    pigs = farm.event("produce", outputs=[story.output(pig, "20", "头", lot_number="ZS-0301")])

    problem = farm.post("/events", pigs)
    assert problem.status_code == 403
    assert problem.json()["type"] == "/problems/party-pending"
    assert "鄞江镇生态养殖场 尚未启用，请联系市场或监管部门" in problem.json()["detail"]
    assert farm.get("/events").json()["items"] == [], "nothing of it was kept"
    for code in (farm.party["code"], farm.site["code"]):
        assert story.public.scan(code)["status"] == "pending"
        assert "登记后还没有通过审核。" in story.read(code)

    # 别的区的监管部门、经营者自己都不能激活。 Neither another district nor the party itself can activate it.
    neighbour = story.key("regulator", region="330212")
    assert neighbour.patch(f"/parties/{farm.party['id']}", {"status": "active"}).status_code == 404
    assert farm.patch(f"/parties/{farm.party['id']}", {"status": "active"}).status_code == 403

    activate(office, farm)
    assert farm.post("/events", pigs).status_code == 201, "the same record, sent again, goes in"
    assert story.public.scan(farm.site["code"])["status"] == "ok"


def test_each_scans_to_receive_and_every_cut_of_pork_and_beef_leads_to_its_farm(story: Story) -> None:
    office = story.key("regulator", region=HAISHU)
    people = enrol_chain(story, office)
    farm, plant, wholesaler, stall = people.values()
    activate(office, *people.values())
    neighbour = story.enrol("vendor", "南门菜场 7号肉摊", "vendor", "stall", region=HAISHU)

    on_stall: dict[str, dict[str, Any]] = {}
    papers: dict[str, dict[str, Any]] = {}
    for animal, category, unit, meat, kind, number in (
        ("生猪", "livestock", "头", "猪肉（白条）", "pork", "ZS-0301"),
        ("肉牛", "livestock", "头", "牛肉（四分体）", "beef", "NS-0301"),
    ):
        live = story.product(animal, category, "count", grams_per_piece=110_000)
        carcass = story.product(meat, kind)
        [herd] = farm.record(
            "produce", event_time=ago(hours=30), outputs=[story.output(live, "4", unit, lot_number=number)]
        )["outputs"]
        [arrived] = hand_over(story, farm, herd, "4", plant, unit, hours=20)["outputs"]
        [meat_lot] = plant.record(
            "transform", process="slaughter", event_time=ago(hours=12),
            inputs=[story.item(arrived, "4", unit)], outputs=[story.output(carcass, "331.25", lot_number=f"T{number}")],
        )["outputs"]  # fmt: skip
        papers[kind] = story.certify(
            plant, meat_lot, "quarantine_certificate", number=f"浙甬动检-{number}", issuer="海曙区动物卫生监督所"
        )
        if kind == "pork":
            story.certify(plant, meat_lot, "meat_quality_certificate", number="浙甬肉检-0301")
        [halves] = hand_over(story, plant, meat_lot, "220.75", wholesaler, hours=8)["outputs"]

        # 批发商给肉摊开单；隔壁摊扫同一张单，没有“收货”，硬要收也收不了。
        # The wholesaler's slip for the stall: its neighbour is offered no receiving of it, and refused when it tries.
        slip = wholesaler.record("ship", items=[story.item(halves, "80.25")], to_site_id=stall.site["id"])["slip_code"]
        assert [action["kind"] for action in neighbour.scan(slip)["actions"]] == ["trace_back"]
        problem = neighbour.refused("receive", 403, slip_code=slip)
        assert problem["type"] == "/problems/slip-not-yours"
        received = scan_to_receive(stall, slip)
        assert received["flags"] == []
        [on_stall[kind]] = received["outputs"]
        again = stall.refused("receive", 409, slip_code=slip)
        assert again["type"] == "/problems/slip-used-up"

        # 收货记录就是进货查验记录：货名、批号、数量、时间、供货方、证明，一样不缺，一张纸不用。
        # The receipt of goods is the purchase check: name, lot, quantity, time, supplier and papers, nothing on paper.
        [entry] = stall.get("/events", params={"custody": on_stall[kind]["custody_id"]}).json()["items"]
        assert entry["id"] == received["id"]
        [kept] = entry["outcome"]["outputs"]
        assert (kept["lot_number"], kept["quantity"]["grams"]) == (f"T{number}", 80_250)
        back = stall.trace("back", custody=on_stall[kind]["custody_id"])
        supplier = back["nodes"][1]
        assert (supplier["party"]["name"], supplier["product"]["name"]) == ("石碶肉类批发部", meat)
        assert back["links"][0]["quantity"]["grams"] == 80_250
        assert office.get(f"/events/{received['id']}").json()["outcome"]["outputs"] == [kept], "the office reads it"
        assert neighbour.get(f"/events/{received['id']}").status_code == 404

    # 猪肉、牛肉 100%：摊上每一批都到得了养殖场，一处断点也没有。 All pork and beef leads to its farm, without a gap.
    book = stall.trace("back", code=stall.site["code"])
    assert {node["product"]["kind"] for node in book["nodes"] if node["depth"] == 0} == {"pork", "beef"}
    assert (book["totals"]["gaps"], book["truncated"]) == (0, False)
    for kind, batch in on_stall.items():
        page = story.public.scan(batch["code"])
        assert (page["status"], page["gaps"]) == ("ok", [])
        assert [(step["kind"], step["party"]["name"]) for step in page["steps"] if step["kind"] != "certify"] == [
            ("produce", "鄞江镇生态养殖场"),
            ("ship", "鄞江镇生态养殖场"),
            ("receive", "海曙区定点屠宰厂"),
            ("transform", "海曙区定点屠宰厂"),
            ("ship", "海曙区定点屠宰厂"),
            ("receive", "石碶肉类批发部"),
            ("ship", "石碶肉类批发部"),
            ("receive", "南门菜场 6号肉摊"),
        ]
        wanted = {"quarantine_certificate"} | ({"meat_quality_certificate"} if kind == "pork" else set())
        assert {document["type"] for document in page["documents"]} == wanted
        read = story.read(batch["code"])
        assert "经手 4 家" in read
        assert "动物检疫合格证明" in read
        assert "屠宰" in read
        story.hides(batch["code"], ["80.25", "220.75", "331.25", "13600000001", "13600000003"])

    # 证明的原件：批发商隔一步看得到，区局看得到；公众和隔壁看不到。 The paper itself: one step away, and the office.
    file = f"/documents/{papers['pork']['id']}/file"
    assert [reader.get(file).status_code for reader in (plant, wholesaler, office, neighbour, story.public)] == [
        200, 200, 200, 404, 401,
    ]  # fmt: skip


def test_what_is_wrong_with_goods_shows_as_they_are_received(story: Story) -> None:
    office = story.key("regulator", region=HAISHU)
    people = enrol_chain(story, office)
    activate(office, *people.values())
    plant, wholesaler, stall = people["plant"], people["wholesaler"], people["stall"]
    pork = story.product("猪肉（白条）", "pork")
    [lot] = plant.record("produce", outputs=[story.output(pork, "200.5", lot_number="T-0302")])["outputs"]
    [halves] = hand_over(story, plant, lot, "200.5", wholesaler)["outputs"]
    slip = wholesaler.record("ship", items=[story.item(halves, "90.5")], to_site_id=stall.site["id"])["slip_code"]

    # 货在路上，区局叫停了这一批和它的全部下游。 With the goods on their way, the office stops the lot and all from it.
    stop = office.record(
        "hold", custody_id=lot["custody_id"], scope="downstream", reason="瘦肉精复检 · clenbuterol retest"
    )
    assert story.public.scan(slip)["status"] == "held", "the slip in the driver's hand says so already"
    received = scan_to_receive(stall, slip)
    assert slugs(received["flags"]) == ["held_goods"]
    assert "猪肉（白条） 处于暂停销售" in received["flags"][0]["detail"]
    [batch] = received["outputs"]
    page = story.public.scan(batch["code"])
    assert (page["status"], page["status_reason"]) == ("held", "瘦肉精复检 · clenbuterol retest")
    # 批发商不能再给这批货开单；区局解除以后，一切照常。 No further slip for it, until the office lifts the stop.
    problem = wholesaler.refused("ship", 409, items=[story.item(halves, "10")])
    assert problem["type"] == "/problems/goods-on-hold"
    office.record("release", hold_event_id=stop["id"], reason="复检合格 · retest passed")
    assert story.public.scan(batch["code"])["status"] == "ok"
    assert wholesaler.record("ship", items=[story.item(halves, "10")])["slip_code"].startswith("T")
