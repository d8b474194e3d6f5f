"""S24 投诉举报 · 上海、马鞍山、石家庄

买菜的人扫摊位或小票上的码，写下哪里不对，附一张照片，留个电话；得到一个能抄能念的受理编号，随时查进度。投诉进入
辖区监管部门和市场的待办；市场先去看摊，监管部门答复，投诉人凭编号看到答复。摊主看不到是谁投诉的，公众什么也看不到。

A shopper reports what is wrong by the code on a stall or receipt, with a photo and a telephone number, and gets a
reference to copy or read out. The market and the regulator of the place work a queue; the reporter reads the answer by
the reference. The stall never learns who it was.
"""

import io
import json

from PIL import Image

from tests.support.story import Story, line, plain

HTML = {"Accept": "text/html"}


def photo() -> bytes:
    picture = Image.new("RGB", (1200, 900), (90, 140, 60))
    exif = Image.Exif()
    exif[0x010F] = "a telephone that knows where it was"
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_a_complaint_by_code_with_place_and_photo_is_followed_to_its_answer(story: Story) -> None:
    huangpu, changning = story.key("regulator", region="310101"), story.key("regulator", region="310105")
    market = story.enrol("market", "八仙桥菜市场", "market", "market", region="310101")
    stall = story.enrol("vendor", "水产 6 号摊", "vendor", "stall", parent=market, region="310101")
    farm = story.enrol("producer", "青浦水产合作社", "producer", "farm", region="310118")
    crucian = story.product("鲫鱼", "aquatic")
    made = farm.record("produce", outputs=[story.output(crucian, "30")])["outputs"][0]
    slip = farm.record("ship", items=[story.item(made, "30")], to_site_id=stall.site["id"])["slip_code"]
    here = stall.record("receive", slip_code=slip)["outputs"][0]
    receipt = story.scale(stall).sell(0, line(here, "0.6"))["receipt_code"]

    # 扫小票，点“发现问题”，填表，附照片。 The page of the receipt leads to the form; no script is needed.
    assert f'href="/c/{receipt}/reports?lang=zh"' in story.markup(receipt)
    form = story.public.get(f"/c/{receipt}/reports?lang=zh", headers=HTML)
    assert "水产 6 号摊" in plain(form.text)
    said = {"text": "鱼不新鲜，秤也少了二两。", "contact": "阿姨 13900000000", "extra": ""}
    sent = story.client.post(
        f"/c/{receipt}/reports?lang=zh",
        data=said, files={"photos": ("鱼.jpg", photo(), "image/jpeg")}, headers=HTML, follow_redirects=False,
    )  # fmt: skip
    assert sent.status_code == 303, sent.text
    page = sent.headers["location"]
    reference = page.removeprefix("/reports/").partition("?")[0]
    assert "已收到" in plain(story.client.get(page, headers=HTML).text)

    # 黄浦的监管部门和市场看得到，长宁的看不到，摊主更看不到。 Whose place it is works on it; nobody else hears of it.
    [todo] = huangpu.get("/reports", params={"state": "open"}).json()["items"]
    assert todo == market.get("/reports").json()["items"][0]
    assert changning.get("/reports").json()["items"] == []
    assert stall.get("/reports").status_code == 403
    assert (todo["text"], todo["contact"], todo["site"]["name"]) == (said["text"], said["contact"], "水产 6 号摊")
    picture = market.get(todo["photos"][0])
    assert b"telephone" not in picture.content, "what the telephone wrote beside the picture is gone"
    assert Image.open(io.BytesIO(picture.content)).size == (1200, 900)

    # 市场接手去看摊，监管部门答复。 The market takes it up and looks into it, the regulator answers.
    assert todo["owner"] is None
    taken = market.patch(f"/reports/{todo['id']}", {"state": "in_progress"}).json()
    assert taken["owner"] is not None
    mine = {"owner": taken["owner"], "state": "in_progress"}
    assert [each["id"] for each in market.get("/reports", params=mine).json()["items"]] == [todo["id"]]
    # 一次应答里就有批次、供货方、来源。 One answer has the batch, who supplied it and where it came from.
    way = huangpu.get(f"/reports/{todo['id']}").json()["way"]
    assert [node["site"]["name"] for node in way["batches"]] == ["水产 6 号摊"]
    assert [node["site"]["name"] for node in way["suppliers"]] == ["青浦水产合作社"]
    assert [node["site"]["name"] for node in way["sources"]] == ["青浦水产合作社"]
    assert "处理中" in plain(story.client.get(page, headers=HTML).text)
    huangpu.patch(f"/reports/{todo['id']}", {"answer": "已责令停售，电子秤已送检。"})
    typed = f"{reference[0]}-{reference[1:].lower()}"
    followed = plain(story.client.get(f"/reports?ref={typed}", headers=HTML, follow_redirects=True).text)
    assert "已答复" in followed
    assert "已责令停售，电子秤已送检。" in followed
    huangpu.patch(f"/reports/{todo['id']}", {"state": "closed"})
    seen = story.client.get(f"/reports/{reference}", headers={"Accept": "application/json"})
    assert (seen.json()["state"], seen.json()["answer"]) == ("closed", "已责令停售，电子秤已送检。")
    assert huangpu.get("/reports", params={"state": "open"}).json()["items"] == []

    # 公众的页面上没有投诉的一个字。 Not a word of it is on any page.
    for code in (receipt, stall.site["code"], here["code"]):
        everything = story.markup(code) + json.dumps(story.public.scan(code), ensure_ascii=False) + followed
        assert not {each for each in ("13900000000", "二两", "不新鲜") if each in everything}


def test_the_regulator_works_a_queue_to_its_end(story: Story) -> None:
    huangpu, changning = story.key("regulator", region="310101"), story.key("regulator", region="310105")
    market = story.enrol("market", "八仙桥菜市场", "market", "market", region="310101")
    stall = story.enrol("vendor", "水产 6 号摊", "vendor", "stall", parent=market, region="310101")
    farm = story.enrol("producer", "青浦水产合作社", "producer", "farm", region="310118")
    made = farm.record("produce", outputs=[story.output(story.product("鳊鱼", "aquatic"), "30")])["outputs"][0]
    slip = farm.record("ship", items=[story.item(made, "10")], to_site_id=stall.site["id"])["slip_code"]
    here = stall.record("receive", slip_code=slip)["outputs"][0]
    handheld = story.handheld(stall, "6 号秤", "scale")
    handheld.sell(0, line(here, "14"))
    market.record("test", custody_id=here["custody_id"], stage="rapid", item="孔雀石绿", verdict="fail")

    # 待办：未处理的、严重的，有几件。 What waits: open and grave, and how many.
    counts = huangpu.get("/alerts/counts").json()
    assert (counts["state"]["open"], counts["open_grave"]) == (2, 1)
    [failed] = huangpu.get("/alerts", params={"state": "open", "severity": "grave"}).json()["items"]
    assert failed["slug"] == "failed_test"
    assert changning.get("/alerts/counts").json()["state"]["open"] == 0

    # 监管部门接手，市场就结不了案。 Once the regulator has taken it up, the market does not close it.
    taken = huangpu.patch(f"/alerts/{failed['id']}", {"state": "in_progress", "note": "已派员到场"}).json()
    refused = market.patch(f"/alerts/{failed['id']}", {"state": "resolved"})
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/higher-authority")
    assert market.patch(f"/alerts/{failed['id']}", {"note": "剩余 2 公斤已封存"}).status_code == 200
    assert huangpu.get("/alerts", params={"owner": taken["owner"]}).json()["items"][0]["id"] == failed["id"]
    done = huangpu.patch(f"/alerts/{failed['id']}", {"state": "resolved", "note": "已销毁"}).json()
    assert [step["note"] for step in done["history"]] == ["已派员到场", "剩余 2 公斤已封存", "已销毁"]

    # 账上对不拢的也在：卖得比进得多，点开就是那一批。 What cannot be true of the books, with the batch behind it.
    [finding] = huangpu.get("/findings").json()["items"]
    assert (finding["kind"], finding["excess_grams"]) == ("sold_more_than_received", 4_000)
    assert finding["evidence"][0]["id"] == here["custody_id"]
    assert huangpu.get(finding["evidence"][0]["link"]).status_code == 200
    assert changning.get("/findings").json()["items"] == []
