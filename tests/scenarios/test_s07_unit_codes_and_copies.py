"""S07 追溯平台，张家口（2000 万个码）

酒厂给一批酒订 2000 万个一瓶一码，当场就能开始下载，断了接着下；贴好一段、启用一段。消费者扫瓶上的码，看到这批酒的来路、
这是第几瓶、第几次被扫。同一个码几分钟内先在张家口、后在杭州被扫，就是有人复制：扫的人被告知怎么办，酒厂和监管收到报警。
没启用的、已停用的、自己编的码，一扫也都露馅。一批酒出了问题，只召回这一批，责任人只有监管看得到。

A distillery orders twenty million bottle codes for one lot; the download begins at once and goes on where it was cut; a
range of them is put in use as it is stuck on. A shopper's scan tells the way of the lot, the number of the bottle and
how often it was scanned. One code that is scanned in Zhangjiakou and minutes later in Hangzhou was copied: the shopper
is told what to do, distillery and regulator are alarmed. Codes not in use, withdrawn or made up give themselves away.
A bad lot is recalled, and no bottle of another; who is responsible is named to the regulator alone.
"""

import csv
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Client
from starlette.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app import web
from app.domain import codes
from app.settings import Settings
from app.web.service import Service
from tests.support.cast import Actor, ago
from tests.support.story import Story, private_fields, soon

ZHANGJIAKOU, HANGZHOU = "198.51.100.9", "203.0.113.7"
MILLIONS = 20_000_000


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """运营方的网段表，前面有反向代理。 The operator's table of networks, behind a reverse proxy."""
    table = tmp_path / "places.csv"
    table.write_text("network,region\n198.51.100.0/24,130700\n203.0.113.0/24,330100\n")
    return settings.model_copy(update={"places_file": table, "trusted_proxies": ("testclient",)})


@pytest.fixture
def client(service: Service, unfrozen: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr("app.web.counts.PERIOD", 0.05)  # 计数一秒一写，这里不等。 Once a second in truth.
    app: Any = ProxyHeadersMiddleware(web.create_app(service), ["testclient"])  # type: ignore[arg-type]
    with TestClient(app, base_url=service.settings.public_url, follow_redirects=False) as opened:
        yield opened


def scanned(client: Client, code: str, address: str) -> dict[str, Any]:
    """扫一个码，从这个地址。 Somebody scans the code, from this address."""
    answer = client.get(f"/c/{code}", headers={"Accept": "application/json", "X-Forwarded-For": address})
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def alarmed(reader: Actor, slug: str) -> dict[str, Any]:
    """报警，最多等几秒。 The alert, within seconds."""
    deadline = time.monotonic() + 10
    while not (found := reader.get("/alerts", params={"slug": slug}).json()["items"]):
        assert time.monotonic() < deadline, slug
        time.sleep(0.05)
    alert: dict[str, Any] = found[0]
    return alert


def test_twenty_million_bottles(story: Story, client: Client) -> None:
    distillery = story.enrol("producer", "沙城酒业", "producer", "plant", region="130730")
    office = story.key("regulator", region="1307")
    liquor = story.product("沙城白酒 500ml", "liquor", "count")
    made = distillery.record("produce", outputs=[story.output(liquor, "20000000", "pcs", lot_number="SC-2026-03")])
    lot = made["outputs"][0]

    # 订码：一行记录，不必等。 Twenty million codes are ordered: one record, nothing to wait for.
    job = distillery.made("/code-jobs", {"ref": "SC-2026-03", "lot_id": lot["lot_id"], "count": MILLIONS})
    where = f"/code-jobs/{job['id']}"

    # 下载：断在哪儿，从哪儿接着来；也可以从第几瓶开始。 The download goes on at any byte, or from any bottle.
    head = distillery.request("GET", f"{where}/download", headers={"Range": "bytes=0-4999"})
    assert head.status_code == 206
    size = int(head.headers["content-range"].rpartition("/")[2])
    more = distillery.request(
        "GET", f"{where}/download", headers={"Range": "bytes=5000-9999", "If-Range": head.headers["etag"]}
    )
    sheet = csv.DictReader(io.StringIO((head.text + more.text).rpartition("\r\n")[0], newline=""))
    bottles = {int(row["number"]): row["code"] for row in sheet}
    assert list(bottles)[:3] == [1, 2, 3]
    last = distillery.request("GET", f"{where}/download?from={MILLIONS}").text.splitlines()[1]
    assert last.endswith(",20000000")
    assert size == len("code,url,number\r\n") + MILLIONS * (len(last) + 2)

    # 前一千万瓶贴好了，启用；其中两瓶的标签被撕走，停用。 The first ten million are stuck on; two labels were torn off.
    active = distillery.post(f"{where}/activate", {"from": 1, "to": 10_000_000}).json()
    assert active["active"] == 10_000_000
    distillery.post(f"{where}/revoke", {"from": 41, "to": 42, "reason": "标签被撕走"})

    # 张家口的一位顾客扫第 7 瓶。 A shopper in Zhangjiakou scans bottle 7.
    page = scanned(client, bottles[7], ZHANGJIAKOU)
    assert (page["kind"], page["status"], page["lot"]["unit_number"]) == ("unit", "ok", 7)
    assert page["product"]["name"] == "沙城白酒 500ml"
    assert [step["kind"] for step in page["steps"]] == ["produce"]
    assert page["scans"]["count"] == 1
    # 计数分批写入，先等它写下。 Counts are written in batches: this one is awaited.
    assert soon(lambda: distillery.scan(bottles[7])["scans"]["count"] == 1, 5)

    # 几分钟后，"同一瓶"在杭州。 Minutes later "the same bottle" is in Hangzhou.
    page = scanned(client, bottles[7], HANGZHOU)
    assert (page["status"], page["scans"]["count"]) == ("incomplete", 2)
    assert "相距很远的两地" in page["status_reason"]
    alert = alarmed(distillery, "copied_code")
    assert alert["severity"] == "grave"
    assert bottles[7] in alert["detail"]
    assert "浙江省杭州市" in alert["detail"]
    assert alarmed(office, "copied_code")["id"] == alert["id"]

    # 之后谁扫这一瓶，都被告知：几次、在哪儿、怎么办。 From now on everybody is told: how often, where, what to do.
    told = story.read(bottles[7])
    for words in ("当心：可能是仿冒", "第 3 次扫码", "河北省张家口市", "看封口和标签是否完好", "拨打 12315"):
        assert words in told, words
    assert "Careful: it may be a copy" in story.read(bottles[7], "en")
    assert scanned(client, bottles[8], HANGZHOU)["status"] == "ok"

    # 停用的、没启用的、编造的。 One withdrawn, one not in use, one made up.
    assert scanned(client, bottles[41], HANGZHOU)["status"] == "revoked"
    assert "不要购买" in story.read(bottles[41])
    assert scanned(client, last.split(",")[0], HANGZHOU)["status"] == "pending"
    assert "不应出现在商品上" in story.read(last.split(",")[0])
    forged = codes.unit_code(b"a guess of thirty-two bytes only", job["number"], 7)
    answer = client.get(f"/c/{forged}", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-authentic")
    for slug in ("revoked_code", "inactive_code", "forged_code"):
        assert alarmed(distillery, slug)["site_id"] == distillery.site["id"]

    # 进度一目了然；剩下的不要了，任务取消，在用的照旧。 Progress at a glance; the rest is cancelled.
    now = distillery.get(where).json()
    assert (now["downloaded"], now["active"], now["revoked"]) == (MILLIONS, 10_000_000, 2)
    assert distillery.post(f"{where}/cancel").json()["status"] == "cancelled"
    refused = distillery.post(f"{where}/activate", {"from": 10_000_001, "to": MILLIONS})
    assert refused.json()["type"] == "/problems/code-job-cancelled"
    assert scanned(client, bottles[8], ZHANGJIAKOU)["kind"] == "unit"


def test_one_bad_lot_is_recalled_and_no_bottle_of_another(story: Story, client: Client) -> None:
    distillery = story.enrol("producer", "沙城酒业", "producer", "plant", region="130730")
    shop = story.enrol("vendor", "桥东烟酒店", "vendor", "shop", region="130702")
    office = story.key("regulator", region="1307")
    liquor = story.product("沙城白酒 500ml", "liquor", "count", grams_per_piece=900)
    lots, bottles, at_shop = [], [], []
    for number in ("SC-2026-04", "SC-2026-05"):
        made = [story.output(liquor, "1000", "pcs", lot_number=number)]
        [lot] = distillery.record("produce", event_time=ago(hours=30), outputs=made)["outputs"]
        slip = distillery.record(
            "ship", event_time=ago(hours=20), items=[story.item(lot, "120", "pcs")], to_site_id=shop.site["id"]
        )["slip_code"]
        at_shop += shop.record("receive", event_time=ago(hours=18), slip_code=slip)["outputs"]
        job = distillery.made("/code-jobs", {"ref": number, "lot_id": lot["lot_id"], "count": 1000})
        where = f"/code-jobs/{job['id']}"
        sheet = csv.DictReader(io.StringIO(distillery.request("GET", f"{where}/download").text, newline=""))
        bottles.append([row["code"] for row in sheet])
        distillery.post(f"{where}/activate", {"from": 1, "to": 1000})
        lots.append(lot)
    receipt = story.handheld(shop, "烟酒店的秤", "scale")
    sold = receipt.prints({"custody_id": at_shop[0]["custody_id"], "quantity": {"value": "1", "unit": "pcs"}})
    receipt.upload()

    # 抽检：四月那批甲醇超标。先演练，看看牵连多少，谁也看不到。 April's lot fails: a mock first, seen by nobody.
    form = {
        "ref": "甲醇-2026-04", "mode": "mock", "grade": "I", "title": "沙城白酒 SC-2026-04",
        "reason": "甲醇超标 · methanol above the limit", "hazard": "失明、昏迷 · blindness, coma",
        "persons": [{"name": "质量负责人甲", "position": "质量安全总监", "phone": "13900000001"}],
        "scope": {"codes": [bottles[0][6]]},
    }  # fmt: skip
    mock = office.made("/recalls", form)
    counts = mock["counts"]
    assert (counts["custodies"], counts["parties"], counts["receipts"]) == (2, 2, 1)
    assert counts["ms"]["total"] > 0
    assert scanned(client, bottles[0][7], ZHANGJIAKOU)["status"] == "ok"

    # 发起：这一批的每一瓶、店里的、卖出的小票，一秒之内都说召回；五月那批不受牵连。
    # Started: every bottle of the lot, what the shop has, the receipt, say so; May's lot is as before.
    assert office.post(f"/recalls/{mock['id']}/start", {"why": "确认 · confirmed"}).json()["state"] == "live"
    for code in (*bottles[0][:3], bottles[0][999], at_shop[0]["code"], lots[0]["lot_code"], sold):
        assert soon(lambda code=code: story.public.scan(code)["status"] == "recalled"), code  # type: ignore[misc]
    page = story.public.scan(bottles[0][50])
    assert page["recalls"][0]["number"] == mock["number"]
    assert "甲醇超标" in story.read(bottles[0][51])
    for code in (*bottles[1][:3], at_shop[1]["code"], lots[1]["lot_code"]):
        assert story.public.scan(code)["status"] == "ok", code

    # 责任人：只给监管，每看一次留一次记录。 Who is responsible: to the regulator alone, and each look is in the log.
    assert office.get(f"/recalls/{mock['id']}").json()["persons"][0]["position"] == "质量安全总监"
    for reader in (shop, distillery):
        assert reader.get(f"/recalls/{mock['id']}").json()["persons"] is None
    assert "质量安全总监" not in story.markup(bottles[0][52])
    assert set(private_fields(page)) == set()
    looks = story.admin.get("/audit").json()["items"]
    assert [(look["subject_kind"], look["fields"]) for look in looks] == [("recall", ["persons"])]

    # 店里销毁，附照片；酒厂封存。进度按数量算。 The shop destroys its bottles, with a photo.
    photo = story.document(shop, "other", number="销毁照片")
    answers = f"/recalls/{mock['id']}/acknowledgements"
    line = {"custody_id": at_shop[0]["custody_id"], "destroyed": {"value": "119", "unit": "pcs"}}
    told = shop.made(answers, {"ref": "1", "lines": [line], "evidence": [photo["id"]]})
    assert told["notice"]["percent"] == 99.1, "one bottle was sold"
    kept = {"custody_id": lots[0]["custody_id"], "withdrawn": {"value": "880", "unit": "pcs"}}
    distillery.made(answers, {"ref": "1", "lines": [kept]})
    progress = office.get(f"/recalls/{mock['id']}").json()["progress"]
    assert progress["count"] == {"answers_for": 1000, "recovered": 999, "percent": 99.9}
    assert progress["parties"]["percent"] == 100.0

    # 结束：货不解禁，家里还有的人，扫了仍被警告。 Closed: nothing is on sale again, and who has one is warned.
    close = {"outcome": "completed", "conclusion": "收回 999 瓶，1 瓶已售 · 999 came back, one was sold"}
    assert office.post(f"/recalls/{mock['id']}/close", close).json()["state"] == "closed"
    assert soon(lambda: story.public.scan(sold)["recalls"][0]["state"] == "closed")
    assert story.public.scan(sold)["status"] == "recalled"
