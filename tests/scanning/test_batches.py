"""What the code of a batch answers: B, goods in somebody's hands; G, the lot as made."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.store import tables
from app.store.engine import writing
from app.web.service import Service
from tests.scanning.chains import Market, open_market, steps
from tests.support.cast import CHINA, ago, quantity
from tests.support.story import Story

FIELDS = [
    "code", "kind", "status", "statuses", "status_reason", "recalls", "product", "lot", "site", "party", "steps",
    "gaps", "documents", "tests", "held_sources", "inspections", "stock", "lines", "scans", "record_time",
]  # fmt: skip


@pytest.fixture
def town(story: Story) -> Market:
    return open_market(story)


def test_a_batch_tells_its_way_from_the_farm(town: Market) -> None:
    story = town.story
    made = town.harvest(lot_number="YS-1")
    story.certify(town.farm, made, "conformity_certificate", number="TL-7", issuer="河东蔬菜合作社", class_="A")
    slip = town.ship(town.farm, made)
    town.market.record("admit", event_time=ago(hours=7), slip_code=slip)
    here = town.receive(town.stall, slip)
    town.market.record(
        "test", event_time=ago(hours=2), custody_id=here["custody_id"], stage="rapid", method="GB/T 5009.199",
        item="农药残留", value="12.5", unit="%",
    )  # fmt: skip
    page = story.public.scan(here["code"])
    assert list(page) == FIELDS
    assert (page["kind"], page["status"], page["statuses"], page["status_reason"]) == ("custody", "ok", ["ok"], None)
    assert page["product"] == {"code": None, "name": "上海青", "kind": "vegetables", "region": None}
    assert page["lot"]["lot_number"] == "YS-1"
    assert page["site"] == {"code": town.stall.site["code"], "name": "一号摊", "kind": "stall", "region": "330106"}
    assert page["party"]["name"] == "一号摊"
    assert steps(page) == [
        ("produce", "河东蔬菜合作社"),
        ("ship", "河东蔬菜合作社"),
        ("admit", "城西农贸市场"),
        ("certify", "河东蔬菜合作社"),  # an hour ago, by its own clock: generation first, then time
        ("receive", "一号摊"),
        ("test", "城西农贸市场"),
    ]
    assert all(set(step) == {
        "event_id", "kind", "event_time", "site", "party", "product", "lot_number", "documents", "tests",
        "readings", "reported_by",
    } for step in page["steps"])  # fmt: skip
    assert page["steps"][0]["event_time"].endswith("+08:00")
    assert page["steps"][3]["documents"] == page["documents"]
    assert [(paper["type"], paper["number"], paper["class"]) for paper in page["documents"]] == [
        ("conformity_certificate", "TL-7", "A")
    ]
    assert page["steps"][5]["tests"] == page["tests"]
    assert page["tests"][0] | {"event_id": None, "event_time": None} == {
        "event_id": None, "event_time": None, "product": page["product"], "lot_number": "YS-1", "stage": "rapid",
        "item": "农药残留", "method": "GB/T 5009.199", "value": "12.5", "unit": "%", "limit": None, "verdict": "pass",
        "presumptive": False, "contest_until": None, "retest": None, "sample_number": None, "tester": None,
        "party": {
            "code": town.market.party["code"], "name": "城西农贸市场", "kind": "market", "region": "330106"
        },
    }  # fmt: skip
    assert (page["gaps"], page["stock"], page["lines"]) == ([], None, None)
    assert page["scans"]["count"] == 1


def test_a_branch_shows_only_its_own_gate(town: Market) -> None:
    made = town.harvest()
    for receiver in (town.stall, town.other):
        slip = town.ship(town.farm, made)
        town.market.record("admit", event_time=ago(hours=7), slip_code=slip)
        here = town.receive(receiver, slip)
    page = town.story.public.scan(here["code"])
    assert steps(page) == [
        ("produce", "河东蔬菜合作社"),
        ("ship", "河东蔬菜合作社"),
        ("admit", "城西农贸市场"),
        ("receive", "二号摊"),
    ]


def test_the_lot_tells_where_it_was_made(town: Market) -> None:
    made = town.harvest(lot_number="YS-1")
    town.move(town.farm, town.stall, made)
    page = town.story.public.scan(made["lot_code"])
    assert (page["kind"], page["status"], page["site"]["name"]) == ("lot", "ok", "河东蔬菜合作社")
    assert steps(page) == [("produce", "河东蔬菜合作社")]
    assert page["lot"]["code"] == made["lot_code"]


def test_a_lot_that_was_voided_still_says_what_it_was(town: Market) -> None:
    made = town.harvest(lot_number="YS-1")
    event = town.farm.get("/events?kind=produce").json()["items"][0]
    town.farm.record("correct", event_id=event["id"], reason="did_not_occur")
    page = town.story.public.scan(made["lot_code"])
    assert (page["product"]["name"], page["party"]["name"], page["steps"]) == ("上海青", "河东蔬菜合作社", [])
    gone = town.story.public.scan(made["code"])
    assert (gone["status"], gone["status_reason"]) == ("revoked", "记录有误，已作废 · recorded by mistake and voided")


def test_a_corrected_batch_leads_to_its_replacement(town: Market) -> None:
    made = town.harvest()
    here = town.move(town.farm, town.stall, made)
    event = town.farm.get("/events?kind=produce").json()["items"][0]
    cabbage = town.story.product("大白菜")
    right = town.farm.event("produce", outputs=[town.story.output(cabbage, "100")], event_time=ago(hours=10))
    town.farm.record("correct", event_id=event["id"], reason="incorrect_data", replacement=right)
    page = town.story.public.scan(made["code"])
    assert page["status"] == "revoked"
    assert "请看 B" in page["status_reason"]
    replacement = page["status_reason"].partition("请看 ")[2][:18]
    assert town.story.public.scan(replacement)["product"]["name"] == "大白菜"
    assert replacement in town.story.markup(made["code"])
    assert town.story.public.scan(here["code"])["steps"][0]["product"]["name"] == "大白菜"


def test_an_amended_event_is_told_as_amended(town: Market) -> None:
    made = town.harvest(lot_number="YS-1")
    event = town.farm.get("/events?kind=produce").json()["items"][0]
    day = (datetime.now(CHINA) - timedelta(days=3)).date().isoformat()
    outputs = [town.story.output(town.greens, "90", lot_number="YS-1", produced_on=day)]
    right = town.farm.event("produce", outputs=outputs, event_time=ago(hours=9))
    done = town.farm.record("correct", event_id=event["id"], reason="incorrect_data", replacement=right)
    page = town.story.public.scan(made["code"])
    assert [(step["kind"], step["event_id"]) for step in page["steps"]] != [("produce", event["id"])]
    assert len(page["steps"]) == 1
    assert page["lot"]["produced_on"] == day
    assert done["status"] == "recorded"


# --- statuses ---


def test_holds_reach_as_far_as_they_say(town: Market) -> None:
    story, made = town.story, town.harvest()
    first, second = town.move(town.farm, town.stall, made), town.move(town.farm, town.other, made)

    def held() -> list[str]:
        found = {"farm": made["code"], "stall": first["code"], "other": second["code"], "lot": made["lot_code"]}
        return [name for name, code in found.items() if "held" in story.public.scan(code)["statuses"]]

    def placed(scope: str, goods: dict[str, Any]) -> list[str]:
        hold = story.admin.record("hold", custody_id=goods["custody_id"], scope=scope, reason="抽检不合格")
        seen = held()
        story.admin.record("release", hold_event_id=hold["id"], reason="复检合格")
        return seen

    assert placed("custody", first) == ["stall"]
    assert placed("downstream", made) == ["farm", "stall", "other", "lot"]
    assert placed("downstream", second) == ["other"]
    assert placed("lot", second) == ["farm", "stall", "other", "lot"]
    assert held() == []


def test_a_failed_rapid_test_is_a_first_screening_until_a_laboratory_has_spoken(town: Market) -> None:
    story, here = town.story, town.move(town.farm, town.stall, town.harvest())
    lab = story.enrol("lab", "市检测中心", "laboratory", None)

    def tested(stage: str, value: str) -> dict[str, Any]:
        fields = {"item": "毒死蜱", "value": value, "unit": "mg/kg", "limit": "0.1"}
        lab.record("test", custody_id=here["custody_id"], stage=stage, event_time=ago(minutes=5), **fields)
        page = story.public.scan(here["code"])
        assert page["status"] == "held"
        return page

    page = tested("rapid", "0.15")
    assert [(t["verdict"], t["presumptive"], t["retest"]) for t in page["tests"]] == [("fail", True, None)]
    assert page["status_reason"] == "快检不合格：毒死蜱 0.15mg/kg · rapid test failed: 毒死蜱 0.15mg/kg"
    page = tested("laboratory", "0.02")
    assert sorted((t["stage"], t["verdict"], t["presumptive"], t["retest"]) for t in page["tests"]) == [
        ("laboratory", "pass", False, None),
        ("rapid", "fail", True, "pass"),
    ]
    assert "实验室复检：合格" in story.read(here["code"])
    page = tested("laboratory", "0.2")
    assert {t["retest"] for t in page["tests"] if t["stage"] == "rapid"} <= {"pass", "fail"}
    assert "实验室检测不合格" in page["status_reason"]


def test_refused_at_the_gate_says_what_is_missing(town: Market) -> None:
    slip = town.ship(town.farm, town.harvest())
    town.market.record("admit", event_time=ago(hours=7), slip_code=slip)
    page = town.story.public.scan(slip)
    assert (page["status"], page["kind"]) == ("refused", "slip")
    assert "承诺达标合格证" in page["status_reason"]
    here = town.receive(town.stall, slip)
    page = town.story.public.scan(here["code"])
    assert page["status"] == "refused"
    assert "承诺达标合格证" in page["status_reason"]
    assert "入场查验：拒绝入场" in town.story.read(here["code"])


def test_the_refusal_of_another_branch_is_not_this_ones(town: Market) -> None:
    story, made = town.story, town.harvest()
    ours = town.ship(town.farm, made)
    town.market.record("admit", event_time=ago(hours=7), slip_code=ours)
    here = town.receive(town.stall, ours)
    hold = story.admin.record("hold", custody_id=made["custody_id"], scope="custody", reason="抽检中")
    theirs = town.farm.record("ship", slip=False, items=[story.item(made, "1")])
    assert theirs["slip_code"] is None
    story.admin.record("release", hold_event_id=hold["id"], reason="抽检合格")
    story.certify(town.farm, made, "conformity_certificate")
    other = town.ship(town.farm, made, "2", hours=0.5)
    town.market.record("admit", event_time=ago(minutes=2), slip_code=other)
    assert "承诺达标合格证" in story.public.scan(here["code"])["status_reason"]
    assert story.public.scan(town.receive(town.other, other, 0.01)["code"])["status"] == "ok"


def test_past_its_date_by_the_days_of_the_place(town: Market) -> None:
    today = datetime.now(CHINA).date()
    for days, status in ((-1, "expired"), (0, "ok"), (1, "ok")):
        day = (today + timedelta(days=days)).isoformat()
        made = (today - timedelta(days=5)).isoformat()
        goods = town.harvest(produced_on=made, expires_on=day)
        page = town.story.public.scan(goods["code"])
        assert page["status"] == status
        assert page["lot"]["expires_on"] == day


def test_a_code_that_its_owner_revoked_names_the_new_one(town: Market) -> None:
    here = town.move(town.farm, town.stall, town.harvest())
    answer = town.story.admin.post(f"/codes/{here['code']}/revoke", {"reason": "标签被污损", "replace": True})
    assert answer.status_code == 200, answer.text
    page = town.story.public.scan(here["code"])
    assert page["statuses"][0] == "revoked"
    assert "标签被污损" in page["status_reason"]


# --- gaps ---


def test_goods_from_outside_say_so_and_who_says_so(town: Market) -> None:
    here = town.from_outside(town.stall)
    page = town.story.public.scan(here["code"])
    assert (page["status"], page["status_reason"]) == (
        "incomplete",
        "来路上有 1 处没有查明 · 1 place on the way not known",
    )
    [gap] = page["gaps"]
    assert gap["reason"] == "outside"
    assert gap["from"]["name"] == "路边菜农"
    assert gap["from"]["reported_by"]["name"] == "一号摊"
    assert (gap["from"]["claimed"], gap["from"]["contact"], gap["from"]["address"]) == (None, None, None)
    assert "据一号摊自报，来自“路边菜农”" in town.story.read(here["code"])
    assert "According to 一号摊" in town.story.read(here["code"], "en")


def test_a_claimed_source_proves_nothing_until_the_other_side_confirms(town: Market) -> None:
    story, made = town.story, town.harvest()
    story.certify(town.farm, made, "conformity_certificate", number="TL-7")
    here = town.from_outside(town.stall)
    [gap] = story.public.scan(here["code"])["gaps"]
    names = {"gap_custody_id": gap["node_id"], "parent_custody_id": made["custody_id"]}
    town.stall.record("identify", **names)
    page = story.public.scan(here["code"])
    assert (page["status"], page["documents"], steps(page)) == ("incomplete", [], [("receive", "一号摊")])
    assert page["gaps"][0]["from"]["claimed"]["name"] == "河东蔬菜合作社"
    assert "对方还没有确认" in story.read(here["code"])
    # Danger needs no confirmation.
    hold = story.admin.record("hold", custody_id=made["custody_id"], scope="downstream", reason="农药超标")
    assert story.public.scan(here["code"])["status"] == "held"
    story.admin.record("release", hold_event_id=hold["id"], reason="复检合格")

    town.farm.record("identify", **names)
    page = story.public.scan(here["code"])
    assert (page["status"], page["gaps"]) == ("ok", [])
    assert steps(page)[0] == ("produce", "河东蔬菜合作社")
    assert [paper["number"] for paper in page["documents"]] == ["TL-7"]


def test_a_voided_source_is_a_gap(town: Market) -> None:
    here = town.move(town.farm, town.stall, town.harvest())
    event = town.farm.get("/events?kind=produce").json()["items"][0]
    town.farm.record("correct", event_id=event["id"], reason="did_not_occur")
    page = town.story.public.scan(here["code"])
    assert (page["status"], [gap["reason"] for gap in page["gaps"]]) == ("incomplete", ["voided"])
    assert page["gaps"][0]["from"] is None
    assert "上一段记录已作废" in town.story.read(here["code"])


def test_papers_of_a_source_outside_are_shown(town: Market) -> None:
    paper = town.story.document(town.stall, "origin_proof", number="CD-1")
    source = {"name": "外地合作社", "document_ids": [paper["id"]]}
    items = [{"product_id": town.greens["id"], "quantity": quantity("15", "斤")}]
    here = town.stall.record("receive", items=items, **{"from": source})["outputs"][0]
    page = town.story.public.scan(here["code"])
    assert [(each["type"], each["number"]) for each in page["documents"]] == [("origin_proof", "CD-1")]
    assert [each["type"] for each in page["steps"][0]["documents"]] == ["origin_proof"]


# --- transformation ---


def test_a_cooked_lot_shows_both_parents(town: Market) -> None:
    story = town.story
    plant = story.enrol("producer", "北郊屠宰厂", "slaughterhouse", "plant", region="330109")
    pork, cooked = story.product("猪后腿肉", "pork"), story.product("卤猪肉", "cooked")
    lots = [
        plant.record("produce", event_time=ago(hours=9 - i), outputs=[story.output(pork, "50", lot_number=f"ZP-{i}")])[
            "outputs"
        ][0]
        for i in range(2)
    ]
    made = plant.record(
        "transform",
        event_time=ago(hours=4),
        process="process",
        inputs=[story.item(lot, "20") for lot in lots],
        outputs=[story.output(cooked, "30", lot_number="LR-1")],
    )["outputs"][0]
    here = town.move(plant, town.stall, made, "10", hours=3)
    page = story.public.scan(here["code"])
    assert [(step["kind"], step["lot_number"]) for step in page["steps"]] == [
        ("produce", "ZP-0"),
        ("produce", "ZP-1"),
        ("transform", "LR-1"),
        ("ship", "LR-1"),
        ("receive", "LR-1"),
    ]
    story.admin.record("hold", custody_id=lots[1]["custody_id"], scope="downstream", reason="疫情排查")
    page = story.public.scan(here["code"])
    assert (page["status"], page["status_reason"]) == ("held", "疫情排查")


def test_a_return_is_part_of_the_way(town: Market) -> None:
    here = town.move(town.farm, town.stall, town.harvest())
    back = town.stall.record(
        "return", items=[town.story.item(here, "5")], reason="多送了", to_site_id=town.farm.site["id"]
    )["outputs"][0]
    page = town.story.public.scan(back["code"])
    assert steps(page)[-1] == ("return", "一号摊")


# --- names of the time ---


def test_names_are_those_of_the_time(town: Market) -> None:
    here = town.move(town.farm, town.stall, town.harvest())
    story = town.story
    answer = story.admin.patch(f"/sites/{town.stall.site['id']}", {"name": "新一号摊"})
    assert answer.status_code == 200, answer.text
    assert story.public.scan(here["code"])["site"]["name"] == "一号摊"
    assert story.public.scan(town.stall.site["code"])["site"]["name"] == "新一号摊"


def test_what_nobody_enrolled_has_the_name_it_was_captured_with(town: Market, service: Service) -> None:
    made = town.harvest()
    with writing(service.engine) as connection:
        versions = tables.master_version
        connection.execute(versions.delete().where(versions.c.subject_id == UUID(town.greens["id"])))
    assert town.story.public.scan(made["code"])["product"]["name"] == "上海青"
