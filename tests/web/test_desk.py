"""The desk through its forms: what each role finds there, and what its buttons do."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.errors import TooMany
from app.domain.findings import KINDS
from app.domain.recalls import NOTICE_STATES
from app.web import alerts
from app.web.desk.rendering import PLACES
from tests.recording.conftest import deliver, harvest
from tests.support.cast import Cast, ago
from tests.support.desk import Browser, at_desk, cheap_hashes
from tests.support.epcis import captured, document, event

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _cheap() -> Iterator[None]:
    with cheap_hashes():
        yield


def sold_too_much(cast: Cast) -> dict[str, Any]:
    """Cabbage of which a stall has sold more than it had, and which then failed its test."""
    lot = harvest(cast)
    goods = deliver(cast, lot, "10", cast.stall)
    scale = cast.scale(cast.stall)
    scale.sell(0, cast.item(goods, "12"))
    cast.market.record(
        "test", custody_id=goods["custody_id"], site_id=cast.market.site["id"], stage="rapid", item="农药残留",
        value="80", unit="%", limit="50", method="GB/T 5009.199-2003",
    )  # fmt: skip
    return {"lot": lot, "goods": goods}


def first(page: str, prefix: str) -> str:
    found = re.search(rf'href="({re.escape(prefix)}[0-9a-f-]{{36}})"', page)
    assert found is not None, prefix
    return found[1]


def test_each_role_finds_its_places(cast: Cast) -> None:
    markets = {"overview", "alerts", "complaints", "recalls", "trace", "coverage", "findings", "tests"}
    offices = markets | {"cases"}
    people = {
        "regulator": (at_desk(cast, "a.a"), offices),
        "market": (at_desk(cast, "b.b", "market", party_id=cast.market.party["id"]), markets | {"deliveries"}),
        "vendor": (at_desk(cast, "c.c", "vendor", party_id=cast.stall.party["id"]), {"trace", "deliveries"}),
        "auditor": (at_desk(cast, "d.d", "auditor"), {"trace", "audit"}),
        "admin": (at_desk(cast, "e.e", "admin"), offices | {"audit", "persons"}),
    }
    assert "<span>工作台</span>" in Browser(cast.client).open("/desk/login")
    titles = {
        "regulator": ("监管", "regulator"), "market": ("市场", "market"), "vendor": ("经营户", "vendor"),
        "auditor": ("审计", "auditor"), "admin": ("管理员", "operator"),
    }  # fmt: skip
    for role, (browser, places) in people.items():
        zh, en = titles[role]
        assert f"<span>The {en}&#39;s desk</span>" in browser.open("/desk/trace?lang=en")
        assert f"<span>{zh}工作台</span>" in browser.open("/desk/trace?lang=zh")
        for name, _ in PLACES:
            path = "/desk" if name == "overview" else f"/desk/{name}"
            answer = browser.request("GET", path)
            if name == "overview" and name not in places:
                assert answer.status_code == 303, role
                continue
            assert answer.status_code == (200 if name in places else 403), (role, name)
            if name in places:
                assert (f'href="{path}" aria-current="page"' in answer.text) == (name in places)


def test_every_page_speaks_both_languages_and_remembers_which(cast: Cast) -> None:
    browser = at_desk(cast)
    assert "今日概览" in browser.open("/desk")
    assert "Most pressing" in browser.open("/desk?lang=en")
    assert "Most pressing" in browser.open("/desk"), "it was asked for by name"
    page = browser.open("/desk/alerts?severity=grave&lang=zh")
    assert 'href="?severity=grave&amp;lang=en"' in page


def test_an_alert_is_taken_up_and_closed(cast: Cast) -> None:
    sold_too_much(cast)
    browser = at_desk(cast)
    overview = browser.open("/desk")
    assert "检测不合格" in overview
    path = first(overview, "/desk/alerts/")
    browser.open(path)
    assert browser.submit(path, state="in_progress", note="已派人").headers["location"] == f"{path}?done=kept"
    page = browser.open(f"{path}?done=kept")
    assert "已保存" in page
    assert "已派人" in page
    assert "我处理" in browser.open("/desk/alerts?mine=1")
    browser.open(path)
    refused = browser.submit(path, state="dismissed", note="")
    assert refused.status_code == 422
    assert "不予处理须说明理由" in refused.text
    browser.open(path)
    assert browser.submit(path, state="resolved", note="已处置").status_code == 303
    listed = browser.open("/desk/alerts?state=resolved")
    assert path in listed
    assert path not in browser.open("/desk/alerts?state=open&slug=failed_test")
    assert browser.open("/desk/alerts/018f3a4e-0000-5000-8000-000000000001", status=404)


def test_a_complaint_leads_back_and_is_answered(cast: Cast) -> None:
    goods = sold_too_much(cast)["goods"]
    cast.public.post(f"/c/{goods['code']}/reports", {"text": "菜有药味", "contact": "13700000000"})
    browser = at_desk(cast)
    listed = browser.open("/desk/complaints")
    assert "13700000000" not in listed
    path = first(listed, "/desk/complaints/")
    page = browser.open(path)
    assert "13700000000" in page
    assert "河东蔬菜合作社" in page, "where it came from"
    looks = cast.admin.get("/audit", params={"kind": "complaint"}).json()["items"]
    assert [look["person"] for look in looks] == ["insp.a"], "the page with the contact is a look, the list is none"
    assert browser.submit(path, state="in_progress").status_code == 303
    browser.open(path)
    assert browser.submit(path, state="answered", answer="").status_code == 422, "an answer is missing"
    browser.open(path)
    assert browser.submit(path, state="answered", answer="已查\r\n已下架").status_code == 303
    assert "已查\n已下架" in browser.open(path)
    assert path not in browser.open("/desk/complaints")
    assert path in browser.open("/desk/complaints?state=&mine=1")


def test_a_trace_starts_from_what_somebody_types(cast: Cast) -> None:
    made = sold_too_much(cast)
    goods, browser = made["goods"], at_desk(cast)
    for typed in (
        goods["code"], f"https://food.example.cn/c/{goods['code']}", f"custody:{goods['custody_id']}",
        goods["lot_id"], f"lot:{goods['lot_id']}", made["lot"]["lot_code"], cast.stall.site["code"],
    ):  # fmt: skip
        page = browser.open(f"/desk/trace?q={typed}")
        assert "河东蔬菜合作社" in page, typed
        drawing = re.search(r'<img class="drawing" src="([^"]+)"', page)
        assert drawing is not None
        assert browser.request("GET", drawing[1].replace("&amp;", "&")).headers["content-type"] == "image/svg+xml"
    forward = browser.open(f"/desk/trace?q={made['lot']['lot_code']}&direction=forward")
    assert "一号摊" in forward
    day = (datetime.now(UTC) - timedelta(days=9)).date().isoformat()
    nothing = browser.open(f"/desk/trace?q={cast.stall.site['code']}&until={day}&since=x&category=pork")
    assert "一号摊经营户" not in nothing
    assert browser.open("/desk/trace?q=BBBB", status=400)
    assert browser.open("/desk/trace?q=urn:epc:id:sgtin:6901234.000001.3", status=404)


def test_a_recall_is_tried_out_started_narrowed_and_closed(cast: Cast) -> None:
    made = sold_too_much(cast)
    other = deliver(cast, harvest(cast), "5", cast.other_stall)
    browser = at_desk(cast)
    browser.open("/desk/recalls/new")
    said = {"title": "大白菜", "grade": "II", "reason": "农残超标", "hazard": "恶心", "known_at": "2026-03-01T08:00"}
    fields = said | {
        "codes": f"{made['lot']['lot_code']}\n{cast.other_stall.party['code']}", "name": "某人", "position": "场长",
        "place": cast.other_stall.site["code"], "since": "2026-01-01", "until": "", "category": "vegetables",
        "spared": cast.stall.site["code"], "spared_why": "已单独检测", "phone": "",
    }  # fmt: skip
    answer = browser.submit("/desk/recalls/new", **fields)
    assert answer.status_code == 303, answer.text
    place = answer.headers["location"].partition("?")[0]
    page = browser.open(answer.headers["location"])
    assert "演练" in page
    assert "某人" in page
    assert "已单独检测" in page
    assert cast.public.scan(other["code"])["status"] == "ok", "nothing shows outside"
    assert browser.submit(f"{place}/start").status_code == 303
    assert cast.public.scan(other["code"])["status"] == "recalled"
    assert cast.public.scan(made["goods"]["code"])["status"] != "recalled", "it was left out"
    page = browser.open(place)
    assert "召回中" in page
    for path in re.findall(r'href="(/api/v1/recalls/[^"]+|/recalls/[^"]+)"', page):
        assert browser.request("GET", path.replace("&amp;", "&")).status_code == 200, path
    assert "二号摊经营户" in page
    ticks = dict.fromkeys(
        re.findall(r'name="((?:lot|custody|site|exclusion)-[^"]+)" type="checkbox" checked', page), "on"
    )
    assert len(ticks) == 4, ticks
    kept = {name: value for name, value in ticks.items() if not name.startswith("exclusion")}
    answer = browser.submit(f"{place}/scope", **kept, why="检测也不合格")
    assert answer.status_code == 303, answer.text
    assert cast.public.scan(made["goods"]["code"])["status"] == "recalled", "wider"
    browser.open(place)
    lot = next(name for name in ticks if name.startswith("lot-"))
    spared = {"spared": other["code"], "spared_why": "复检合格"}
    assert browser.submit(f"{place}/scope", **{lot: "on"}, why="范围缩小", version="1", **spared).status_code == 409
    browser.open(place)
    assert browser.submit(f"{place}/scope", **{lot: "on"}, why="范围缩小", **spared).status_code == 303
    assert cast.public.scan(other["code"])["status"] == "ok", "narrower"
    for state in NOTICE_STATES:
        browser.open(f"{place}?notices={state}")
    browser.open(place)
    assert browser.submit(f"{place}/close", outcome="lifted", conclusion="").status_code == 422
    browser.open(place)
    assert browser.submit(f"{place}/close", outcome="lifted", conclusion="解除").status_code == 303
    page = browser.open(place)
    assert "解除召回" in page
    assert f"{place}/close" not in page
    assert place in browser.open("/desk/recalls?state=closed")
    market = at_desk(cast, "b.b", "market", party_id=cast.market.party["id"])
    seen = market.open(place)
    assert "某人" not in seen
    assert "/scope" not in seen
    assert market.request("GET", "/desk/recalls/new").status_code == 403


def test_a_case_is_handed_over(cast: Cast) -> None:
    goods = sold_too_much(cast)["goods"]
    browser = at_desk(cast)
    assert f"/desk/cases?q={goods['code']}" in browser.open(f"/desk/trace?q={goods['code']}")
    page = browser.open(f"/desk/cases?q={goods['code']}")
    assert goods["code"] in page
    assert browser.submit("/desk/cases", start=goods["code"], to_region="3301", reason="x").status_code == 422
    browser.open("/desk/cases")
    done = browser.submit("/desk/cases", start=goods["code"], to_region="3302", reason="货自邻区来")
    assert done.headers["location"] == "/desk/cases?done=case"
    page = browser.open("/desk/cases")
    file = re.search(r'href="(/api/v1/cases/[^"]+/file)"', page)
    assert file is not None
    assert browser.request("GET", file[1]).headers["content-type"] == "application/zip"
    assert browser.submit(file[1].replace("/api/v1", "/desk").replace("/file", "/close")).status_code == 303
    assert "已结案" in browser.open("/desk/cases")


def test_coverage_opens_into_its_rows(cast: Cast) -> None:
    sold_too_much(cast)
    item = {"product_id": cast.product("香菇")["id"], "quantity": {"value": "5", "unit": "斤"}}
    cast.stall.record("receive", **{"from": {"name": "路边"}, "items": [item]})
    cast.stall.record("sell", lines=[{"product_id": item["product_id"], "quantity": {"value": "1", "unit": "斤"}}])
    browser = at_desk(cast)
    for by in ("category", "market", "month"):
        page = browser.open(f"/desk/coverage?by={by}")
        paths = {path.replace("&amp;", "&") for path in re.findall(r'href="(/desk/coverage/rows\?[^"]+)"', page)}
        assert len(paths) > 4
        for path in paths:
            for covered in ("", "&covered=true"):
                browser.open(path + covered)
    overview = re.search(r'src="(/desk/coverage.svg[^"]+)"', browser.open("/desk"))
    assert overview is not None
    chart = browser.request("GET", overview[1].replace("&amp;", "&"))
    assert chart.headers["content-type"] == "image/svg+xml"
    assert "蔬菜" in chart.text
    assert chart.headers["cache-control"].startswith("private")
    assert "香菇" in browser.open("/desk/coverage/rows?measure=chains_complete")
    assert "香菇" in browser.open("/desk/coverage/rows?measure=sales_with_batch")
    assert "data:image/svg+xml" in browser.open(
        f"/desk/coverage?since={(datetime.now(UTC) - timedelta(days=30)).date()}"
    )


def test_tests_gates_and_findings_are_told(cast: Cast) -> None:
    made = sold_too_much(cast)
    browser = at_desk(cast)
    for by in ("item", "method", "category", "market", "day"):
        for gate in ("market", "reason", "day"):
            page = browser.open(f"/desk/tests?by={by}&gate={gate}")
    assert "农药残留" in browser.open("/desk/tests")
    assert "每日检测" in page
    page = browser.open("/desk/findings")
    assert "售出多于购进" in page
    assert f"custody:{made['goods']['custody_id']}" in page
    path = first(page, "/desk/alerts/")
    for kind in KINDS:
        browser.open(f"/desk/findings?kind={kind}&since=2026-01-01")
    assert path.startswith("/desk/alerts/")


def test_the_log_is_read_by_the_auditor(cast: Cast) -> None:
    form = {"name": "三号摊", "kind": "vendor", "region": "330106", "contact": {"phone": "13800000000"}}
    party = cast.admin.made("/parties", form)
    cast.regulator.get(f"/parties/{party['id']}")
    auditor = at_desk(cast, "d.d", "auditor")
    page = auditor.open("/desk")
    assert party["id"][:12] in page
    assert "13800000000" not in page
    assert party["id"][:12] in auditor.open("/desk/audit?kind=party&role=regulator&since=2026-01-01&until=2099-01-01")
    assert party["id"][:12] not in auditor.open("/desk/audit?role=vendor")


def test_a_page_more_is_a_page_more(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        cast.public.post(f"/c/{cast.stall.site['code']}/reports", {"text": f"第 {n} 件"})
    monkeypatch.setattr("app.web.desk.queues.PAGE", 2)
    browser = at_desk(cast)
    page = browser.open("/desk/complaints")
    assert "第 0 件" not in page
    more = re.search(r'href="(\?[^"]*cursor=[^"]+)"', page)
    assert more is not None
    assert "第 0 件" in browser.open("/desk/complaints" + more[1].replace("&amp;", "&"))


def test_what_the_api_asks_to_wait_for_is_told_by_the_page(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise TooMany("too-many-tries", "稍后 · later", retry_after=7)

    browser = at_desk(cast)
    monkeypatch.setattr(alerts, "count_alerts", full)
    answer = browser.request("GET", "/desk/alerts")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


def test_a_recall_without_a_time_begins_now(cast: Cast) -> None:
    browser = at_desk(cast)
    browser.open("/desk/recalls/new")
    fields = {"title": "x", "grade": "III", "reason": "y", "hazard": "z", "codes": harvest(cast)["lot_code"]}
    assert browser.submit("/desk/recalls/new", **fields, known_at="").status_code == 303


def test_a_form_that_is_none_is_refused(cast: Cast) -> None:
    browser = at_desk(cast)
    page = browser.open("/desk/account")
    token = re.search(r'name="csrf-token" content="(\w+)"', page)
    assert token is not None
    kind = "application/x-www-form-urlencoded"
    for body in (b"\xff=1", b"a", b"a=%00", b"&".join(b"a%d=1" % n for n in range(3_000))):
        answer = browser.request("POST", "/desk/logout", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 400, body[:20]
    large = browser.request("POST", "/desk/logout", content=b"a=" + b"x" * 200_000, headers={"Content-Type": kind})
    assert large.status_code == 413


def test_without_a_login_there_is_no_desk(cast: Cast) -> None:
    browser = Browser(cast.client)
    for name, _ in PLACES:
        path = "/desk" if name == "overview" else f"/desk/{name}"
        assert browser.request("GET", path).headers["location"].startswith("/desk/login?next=%2Fdesk")


def test_an_empty_desk_is_calm(cast: Cast) -> None:
    browser = at_desk(cast)
    assert "没有未结的严重警报" in browser.open("/desk")
    assert browser.request("GET", "/desk/coverage.svg").status_code == 200
    for path in ("/desk/coverage", "/desk/tests", "/desk/findings", "/desk/recalls", "/desk/cases", "/desk/alerts"):
        assert "没有符合条件的内容" in browser.open(path), path


def test_a_trace_of_a_unit_says_what_was_in_it(cast: Cast) -> None:
    farm, unit = "urn:epc:id:sgln:6901234.00000.1", "urn:epc:id:sscc:6901234.0000000001"
    grown = [{"epcClass": "urn:epc:class:lgtin:6901234.056789.A1", "quantity": 9, "uom": "KGM"}]
    captured(cast.admin, document(
        event("Object", 9, "commissioning", at=farm, action="ADD", quantityList=grown),
        event("Aggregation", 8, "packing", at=farm, action="ADD", parentID=unit, childQuantityList=grown),
        event("Aggregation", 2, "unpacking", at=farm, action="DELETE", parentID=unit),
        Location={farm: "河东菜地"},
    ))  # fmt: skip
    browser = at_desk(cast)
    for asked, said in (("", "最后一次所装"), (f"&time={ago(hours=4)[:16]}", "单元里当时有")):
        page = browser.open(f"/desk/trace?q={unit}{asked}")
        assert said in page
        assert "https://id.gs1.org/01/06901234567892/10/A1" in page
        drawing = re.search(r'<img class="drawing" src="([^"]+)"', page)
        assert drawing is not None
        assert "河东菜地" in browser.request("GET", drawing[1].replace("&amp;", "&")).text
    assert "河东菜地" in browser.open("/desk/trace?q=https://x.example/01/06901234567892/10/A1/21/7")
    assert "所属批次" not in browser.open("/desk/trace?q=(01)06901234567892(10)A1&time=soon")
