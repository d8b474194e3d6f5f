"""S18 许可证二维码 + 移动监管 · 广州（22.1 万户）

店门口贴着一个码。顾客扫，看到许可证、公开的检查结论、信用等级；执法人员用自己的密钥扫同一个码，还看到未公开的抽检、
处罚和内部备注，并可当场登记新的检查。写错了不能改，只能另记一条更正；顾客只看到更正后的。隔壁区的执法人员只看到公开的。

One code hangs at the door. A customer who scans it sees the licence, the grade, and what was found as far as that is
public. An inspector scans the same code with a key, sees samplings and penalties that are not public and the
authority's own notes, and records a new inspection on the spot. Nothing is edited: a later record replaces a mistake.
"""

import json

from tests.support.story import Story, day, licence

NOTE = "复查时重点看冷库温度记录"
UNPUBLISHED = "抽检的烧鸭待复检"


def test_an_inspector_sees_more_of_the_same_code_than_the_public(story: Story) -> None:
    tianhe, yuexiu = story.key("regulator", region="440106"), story.key("regulator", region="440104")
    market = story.enrol("market", "石牌东市场", "market", "market", region="440106")
    shop = story.enrol("vendor", "烧腊 8 号档", "vendor", "stall", parent=market, region="440106")
    rival = story.enrol("vendor", "烧腊 9 号档", "vendor", "stall", parent=market, region="440106")
    permit = licence(18)
    story.admin.patch(f"/parties/{shop.party['id']}", {"licences": [permit]})
    code, owner = shop.site["code"], shop.party["code"]
    authority = "天河区市场监督管理局"

    # 四种记录：检查、抽检、处罚、信用。 An inspection, a sampling, a penalty, a credit rating.
    def record(ref: str, kind: str, **fields: object) -> dict[str, object]:
        form = {"ref": ref, "kind": kind, "inspected_on": day(-3), "authority": authority, **fields}
        return tianhe.made("/inspections", form)

    at, of = {"site_id": shop.site["id"]}, {"party_id": shop.party["id"]}
    checked = record(
        "2026-0815", "inspection", **at, public=True, result="improve", grade="B", score=78, note=NOTE,
        text="熟食间紫外灯未开启，责令三日内改正 · The lamp of the cooked-food room was off: three days to mend it",
    )  # fmt: skip
    record("CJ-77", "sampling", **at, inspected_on=day(-5), result="fail", text=UNPUBLISHED)
    record(
        "CF-12", "penalty", **at, public=True, number="穗天市监罚〔2026〕12号", inspected_on=day(-30),
        text="未按规定公示许可证，警告 · Licence not displayed: a warning",
    )  # fmt: skip
    record("XY-2026", "credit", **of, public=True, grade="A", inspected_on=day(-1), text="信用良好 · Good standing")

    # 顾客：证照、等级、公开的结论；未公开的一字不见。 The customer: licence, grade, what is public, no word more.
    page = story.read(code)
    for words in (
        permit["number"],
        "监管记录",
        "信用评级 A",
        "监督检查 B",
        "限期整改",
        "行政处罚",
        "穗天市监罚〔2026〕12号",
        authority,
    ):
        assert words in page, words
    assert '<p class="grade"><b>A</b>' in story.markup(code)
    assert "Good standing" in story.read(code, "en")
    public = story.public.scan(code)["inspections"]
    assert [each["kind"] for each in public] == ["credit", "inspection", "penalty"], "the newest first"
    story.hides(code, [NOTE, UNPUBLISHED])
    story.hides(owner, [NOTE, UNPUBLISHED])

    # 大厅的查询机，字大：等级、检查、处罚。 The kiosk in the hall says the same in large type.
    for typed in (code, owner):
        screen = story.kiosk(typed)
        for words in ("信用评级", "监督检查 B", "限期整改", "行政处罚", permit["number"]):
            assert words in screen, words
        assert UNPUBLISHED not in screen

    # 执法人员扫同一个码。 The inspector scans the same code.
    seen = tianhe.scan(code)
    assert [each["kind"] for each in seen["inspections"]] == ["credit", "inspection", "sampling", "penalty"]
    told = story.read(code, reader=tianhe)
    for words in (NOTE, UNPUBLISHED, "未公开", "登记监管记录"):
        assert words in told, words
    [action] = [each for each in seen["actions"] if each["kind"] == "inspect"]
    assert action["body"] == {"site_id": shop.site["id"]}

    # 隔壁区和隔壁档只看到公开的；当事人看得到自己的，看不到备注；市场也是。
    # Another district and the stall next door see what is public; whom it is about, and the market, all but the notes.
    for reader, count, noted in ((yuexiu, 3, False), (rival, 3, False), (shop, 4, False), (market, 4, False)):
        records = reader.scan(code)["inspections"]
        assert len(records) == count
        assert (NOTE in json.dumps(records, ensure_ascii=False)) is noted
    assert [len(each.get("/inspections").json()["items"]) for each in (tianhe, yuexiu, shop, rival, market)] == [
        4, 0, 4, 0, 3
    ]  # fmt: skip

    # 别的区、市场、店主都不能登记。 Nobody else records: not the next district, nor the market, nor the shop.
    form = {"ref": "x", "kind": "inspection", **at, "inspected_on": day(0), "result": "pass", "text": "x"}
    for reader, status in ((yuexiu, 422), (market, 403), (shop, 403), (story.public, 401)):
        assert reader.post("/inspections", form | {"authority": "x"}).status_code == status

    # 记错了：另记一条更正，顾客只看到新的，执法人员两条都看到。 A mistake: a later record takes its place.
    better = record(
        "2026-0815-2", "inspection", **action["body"], public=True, result="pass", grade="A",
        text="复查合格 · In order on the second visit", replaces=checked["id"],
    )  # fmt: skip
    told = story.read(code)
    assert "复查合格" in told
    assert "限期整改" not in told
    old = next(each for each in tianhe.scan(code)["inspections"] if each["id"] == checked["id"])
    assert old["replaced_by"] == better["id"]
    assert "限期整改" in story.read(code, reader=tianhe)


def test_a_barcode_at_the_kiosk_finds_licence_credit_trace_tests_and_inspections(story: Story) -> None:
    """S06: 厦门的查询机，扫商品条码。 The kiosk of Xiamen: hold the barcode of a pack before it."""
    siming, huli = story.key("regulator", region="350203"), story.key("regulator", region="350211")
    plant = story.enrol("producer", "鹭岛豆制品厂", "processor", "plant", region="350211", licences=[licence(61, "SC")])
    market = story.enrol("market", "八市", "market", "market", region="350203")
    stall = story.enrol(
        "vendor", "豆制品 3 号摊", "vendor", "stall", parent=market, region="350203", licences=[licence(62)]
    )
    tofu = story.product("盒装豆腐", "tofu", "count", gtin="6901234567892", grams_per_piece=350)
    made = plant.record("produce", outputs=[story.output(tofu, "200", "pcs", lot_number="DF-1")])["outputs"][0]
    plant.record("certify", custody_id=made["custody_id"], document_id=story.document(plant, "test_report")["id"])
    slip = plant.record("ship", items=[story.item(made, "200", "pcs")], to_site_id=stall.site["id"])["slip_code"]
    here = stall.record("receive", slip_code=slip)["outputs"][0]
    market.record("test", custody_id=here["custody_id"], stage="rapid", item="甲醛", verdict="pass")
    for office, actor, grade, authority in (
        (huli, plant, "优秀", "湖里区市场监督管理局"),
        (siming, stall, "守信", "思明区市场监督管理局"),
    ):
        about = {"ref": grade, "inspected_on": day(-9), "public": True, "authority": authority}
        party = {"kind": "credit", "party_id": actor.party["id"], "grade": grade, "text": "连续两年无不良记录"}
        site = {"kind": "inspection", "site_id": actor.site["id"], "result": "pass", "text": "现场检查"}
        office.made("/inspections", about | party)
        office.made("/inspections", about | site | {"ref": f"{grade}-2"})

    # 条码下是厂里的批次，连同厂家的证照、信用、检查；摊上的码下是这家摊的。 The barcode leads to the maker's lot, with
    # the maker's licence, credit and inspections; the stall's code to the stall's.
    barcode = story.kiosk("6901234567892")
    for words in ("盒装豆腐", "鹭岛豆制品厂", "食品生产许可证", licence(61, "SC")["number"], "检测报告"):
        assert words in barcode, words
    for words in ("信用评级 优秀", "监督检查", "符合要求", "湖里区市场监督管理局"):
        assert words in barcode, words
    screen = story.kiosk(here["code"])
    for words in (
        "盒装豆腐",
        "鹭岛豆制品厂",
        "甲醛",
        "合格",
        licence(62)["number"],
        "信用评级 守信",
        "思明区市场监督管理局",
    ):
        assert words in screen, words
