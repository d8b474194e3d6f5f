"""S05 智慧识别溯源秤 · 萧山（33 个市场、2,500 台设备、140 万条检测）

一个市场 76 台秤。清早各台秤拉取自己摊上的货，联网卖了两笔；上午断网，秤照卖、照打小票，每台又卖三笔。顾客扫断网的小票：
真的、是这个摊、是这台秤，销售还没传上来。下午网络回来，76 台一起补传：有的整天重传，有的倒着传，有的连传两遍。
一笔不丢、一笔不重；每个摊的斤两和钱对得上，秤上的余量也对得上。

Seventy-six scales of one market pull their stock, sell, go offline for hours, and come back at once, with whole days,
backwards, twice. A receipt printed without a network says meanwhile: authentic, this stall, this scale, sale pending.
Nothing is lost or double, to the gram and the fen.
"""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tests.support.cast import Actor, ago
from tests.support.story import Handheld, Story, line, ndjson, outcomes

Done = TypeVar("Done")

XIAOSHAN = "330109"
SCALES = 76
GRAMS = [250, 400, 150, 605, 300]  # five sales of every scale, in grams; the stall's number is added to each
FEN = 7  # for ten grams


def sale(batch: dict[str, Any], stall: int, number: int) -> dict[str, Any]:
    grams = GRAMS[number] + 5 * stall
    return line(batch, f"{grams / 1000:.3f}", "公斤", FEN * grams // 10)


def test_seventy_six_scales_go_offline_and_come_back(story: Story) -> None:
    farm = story.enrol("producer", "围垦蔬菜合作社", "producer", "farm", region=XIAOSHAN)
    market = story.enrol("market", "城厢农贸市场", "market", "market", region=XIAOSHAN)
    forms = [{"name": f"城厢{n:02}号经营户", "kind": "vendor", "region": XIAOSHAN} for n in range(SCALES)]
    vendors, _ = outcomes(market.request("POST", "/parties/batch", **ndjson(forms)).text)
    forms = [
        {"party_id": vendor["id"], "name": f"{n:02}号摊", "kind": "stall", "parent_site_id": market.site["id"]}
        for n, vendor in enumerate(vendors)
    ]
    stalls, _ = outcomes(market.request("POST", "/sites/batch", **ndjson(forms)).text)

    # 一车青菜，一张单，76 个摊各收 20 公斤。 One load under one slip; each stall takes twenty kilograms.
    greens = story.product("青菜")
    harvest = [story.output(greens, str(20 * SCALES))]
    [lot] = farm.record("produce", outputs=harvest, event_time=ago(hours=12))["outputs"]
    load = [story.item(lot, str(20 * SCALES))]
    slip = farm.record("ship", items=load, to_site_id=market.site["id"], event_time=ago(hours=11))["slip_code"]
    part = [story.item(lot, "20")]
    takes = [
        market.event("receive", site_id=stall["id"], slip_code=slip, items=part, event_time=ago(hours=10))
        for stall in stalls
    ]
    answer = market.post("/events", {"events": takes}).json()
    assert answer["recorded"] == SCALES
    received = [outcome["outputs"][0] for outcome in answer["results"]]

    # 每台秤激活后拉取自己摊上的货，只有自己的。 Each scale is activated and pulls what is its own, and nothing else.
    def pulls(n: int) -> tuple[Handheld, str]:
        scale = story.handheld(Actor(story.client, None, {}, stalls[n]), f"{n:02}号秤", "scale")
        pulled = scale.get("/devices/me/stock")
        assert [item["custody_id"] for item in pulled.json()["items"]] == [received[n]["custody_id"]]
        assert pulled.json()["items"][0]["quantity"]["grams"] == 20_000
        return scale, pulled.headers["etag"]

    scales, etags = zip(*at_once(pulls), strict=True)
    again = scales[0].get("/devices/me/stock", headers={"If-None-Match": etags[0]})
    assert (again.status_code, again.content) == (304, b"")

    # 清早联网卖两笔，然后断网，又卖三笔。 Two sales online; then the network is gone, and three more.
    day: list[list[dict[str, Any]]] = [[] for _ in scales]
    printed: list[list[str]] = [[] for _ in scales]

    def sells(n: int) -> None:
        printed[n] += [scales[n].prints(sale(received[n], n, number)) for number in range(2)]
        day[n] += scales[n].unsent
        scales[n].upload()
        printed[n] += [scales[n].prints(sale(received[n], n, number)) for number in range(2, 5)]
        day[n] += scales[n].unsent

    at_once(sells)
    pending = story.public.scan(printed[41][3])
    assert (pending["kind"], pending["status"], pending["site"]["name"]) == ("receipt", "pending", "41号摊")
    assert "41号秤" in story.read(printed[41][3])
    assert story.public.scan(printed[41][1])["status"] == "ok"
    # 断网时各摊的账上只有清早的两笔。 Until then the books have the two sales of the morning.
    assert len(ledger(market)) == 2 * SCALES

    # 网络回来，一起补传：整天重传、倒着传、连传两遍。 All come back: whole days, backwards, twice.
    def comes_back(n: int) -> Counter[str]:
        counted: Counter[str] = Counter()
        if n % 3 == 0:
            bodies = [ndjson(day[n])]
        elif n % 3 == 1:
            bodies = [ndjson(reversed(scales[n].unsent))]
        else:
            bodies = [{"json": {"sales": scales[n].unsent}}] * 2
        for body in bodies:
            sent = scales[n].request("POST", "/sales", **body)
            assert sent.status_code == 200, sent.text
            told = sent.json() if "json" in body else outcomes(sent.text)[1]
            counted.update({status: told[status] for status in ("recorded", "duplicate", "conflict", "rejected")})
        return counted

    counted = sum(at_once(comes_back), Counter())
    whole, twice = len(scales[0::3]), len(scales[2::3])
    assert counted == {"recorded": 3 * SCALES, "duplicate": 2 * whole + 3 * twice}, "none in conflict, none rejected"

    # 一笔不丢、一笔不重，克与分都对。 Nothing is lost or double, to the gram and the fen.
    rows = ledger(market)
    assert len(rows) == len({row["receipt_code"] for row in rows}) == 5 * SCALES
    assert {row["receipt_code"] for row in rows} == {code for codes in printed for code in codes}

    def balances(n: int) -> None:
        lines = [entry for row in rows if row["site_id"] == stalls[n]["id"] for entry in row["lines"]]
        grams = sum(GRAMS) + 25 * n
        assert sum(entry["quantity"]["grams"] for entry in lines) == grams
        assert sum(entry["amount_fen"] for entry in lines) == sum(FEN * (g + 5 * n) // 10 for g in GRAMS)
        left = scales[n].get("/devices/me/stock", headers={"If-None-Match": etags[n]})
        assert left.json()["items"][0]["quantity"]["grams"] == 20_000 - grams

    at_once(balances)
    sold = sum(sum(GRAMS) + 25 * n for n in range(SCALES))
    chain = story.admin.trace("forward", lot=lot["lot_id"])
    assert sum(node["out"]["grams"] for node in chain["nodes"] if node["site"]["kind"] == "stall") == sold
    assert chain["totals"]["receipts"] == 5 * SCALES
    assert story.public.scan(printed[41][3])["status"] == "ok"


def at_once(work: Callable[[int], Done]) -> list[Done]:
    """一个市场的秤各干各的，同时。 Every scale does it, and none waits for another; in the order of the scales."""
    with ThreadPoolExecutor(12) as scales:
        return list(scales.map(work, range(SCALES)))


def ledger(market: Actor) -> list[dict[str, Any]]:
    """The market's whole ledger of sales, as it takes it home."""
    answer = market.get("/sales", headers={"Accept": "application/x-ndjson"})
    assert answer.status_code == 200, answer.text
    *rows, last = [json.loads(row) for row in answer.text.splitlines()]
    assert last["summary"]["sales"] == len(rows)
    return rows
