"""S07 追溯平台，张家口（2000 万个码）

酒厂给一批酒订 2000 万个一瓶一码，当场就能开始下载，断了接着下；贴好一段、启用一段。消费者扫瓶上的码，看到这批酒的来路、
这是第几瓶、第几次被扫。同一个码几分钟内先在张家口、后在杭州被扫，就是有人复制：扫的人被告知怎么办，酒厂和监管收到报警。
没启用的、已停用的、自己编的码，一扫也都露馅。

A distillery orders twenty million bottle codes for one lot; the download begins at once and goes on where it was cut; a
range of them is put in use as it is stuck on. A shopper's scan tells the way of the lot, the number of the bottle and
how often it was scanned. One code that is scanned in Zhangjiakou and minutes later in Hangzhou was copied: the shopper
is told what to do, distillery and regulator are alarmed. Codes not in use, withdrawn or made up give themselves away.
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
from tests.support.cast import Actor
from tests.support.story import Story, soon

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
