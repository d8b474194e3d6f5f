"""The log of looks at personal data: complete, before the answer, and for the auditor alone."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from app.store.errors import QueueFull
from app.web.service import Service
from tests.support.cast import Actor, Cast

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080000000"
    "03a7e9b550000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
)
SOURCE = {"name": "路边菜农", "contact": "13900000000", "address": "桐庐县"}


def log(cast: Cast, **query: Any) -> list[dict[str, Any]]:
    """What the operator finds, but for its own looks at the log."""
    answer = cast.admin.get("/audit", params=query)
    assert answer.status_code == 200, answer.text
    return [row for row in answer.json()["items"] if row["subject_kind"] != "audit"]


def named(cast: Cast, name: str, phone: str = "13800000000", **fields: Any) -> dict[str, Any]:
    form = {"name": name, "kind": "vendor", "region": "330106", "contact": {"name": "某人", "phone": phone}, **fields}
    return cast.admin.made("/parties", form)


def bought(cast: Cast) -> dict[str, Any]:
    item = {"product_id": cast.product("大白菜")["id"], "quantity": {"value": "5", "unit": "斤"}}
    return cast.stall.record("receive", **{"from": SOURCE, "items": [item]})


def test_a_look_at_a_contact_is_one_row(cast: Cast) -> None:
    party = named(cast, "三号摊")
    assert log(cast) == [], "who gives the data does not look at them"
    answer = cast.regulator.get(f"/parties/{party['id']}", headers={"X-Request-Id": "inspection-7"})
    assert answer.json()["contact"]["phone"] == "13800000000"
    [row] = log(cast)
    assert row["record_time"]
    assert {name: row[name] for name in row if name not in ("id", "record_time", "reader_id")} == {
        "person": None, "role": "regulator", "party_id": None, "region": "3301", "subject_kind": "party",
        "subject_id": party["id"], "subject_region": "330106", "fields": ["contact"],
        "request": f"GET /api/v1/parties/{party['id']}", "request_id": "inspection-7",
    }  # fmt: skip


def test_lists_and_changes_are_looks_and_ones_own_contact_is_none(cast: Cast) -> None:
    one, two = named(cast, "三号摊"), named(cast, "四号摊")
    assert cast.regulator.get("/parties?limit=500").status_code == 200
    assert {row["subject_id"] for row in log(cast, role="regulator")} == {one["id"], two["id"]}
    assert cast.admin.patch(f"/parties/{one['id']}", {"name": "三号"}).status_code == 200
    assert [row["subject_id"] for row in log(cast, role="admin")] == [one["id"]]
    assert cast.stall.patch(f"/parties/{cast.stall.party['id']}", {"contact": {"name": "自己"}}).status_code == 200
    assert cast.stall.get("/parties").json()["items"][0]["contact"]
    assert log(cast, role="vendor") == []


def test_the_same_form_again_shows_what_is_there(cast: Cast) -> None:
    form = {"name": "三号摊", "kind": "vendor", "region": "330106", "contact": {"name": "某人"}}
    party = cast.admin.made("/parties", form)
    assert cast.admin.post("/parties", form).status_code == 200
    assert [row["subject_id"] for row in log(cast)] == [party["id"]]


def test_what_a_paper_says_is_logged_wherever_it_is_shown(cast: Cast) -> None:
    outcome = bought(cast)
    code, custody = outcome["outputs"][0]["code"], outcome["outputs"][0]["custody_id"]
    assert cast.public.scan(code)["gaps"][0]["from"]["contact"] is None
    assert log(cast) == [], "the public sees no contact"
    page = cast.regulator.scan(code)
    assert page["gaps"][0]["from"]["contact"] == page["suppliers"][0]["contact"] == "13900000000"
    assert {(row["subject_kind"], tuple(row["fields"])) for row in log(cast)} == {
        ("gap", ("contact", "address")), ("supplier", ("contact", "address"))
    }  # fmt: skip
    before = len(log(cast))
    trace = cast.regulator.trace("back", custody=custody)
    assert trace["gaps"][0]["from"]["contact"] == "13900000000"
    assert log(cast)[0]["request"].startswith("GET /api/v1/trace?custody=")
    assert cast.farm.trace("back", custody=custody)["gaps"][0]["from"]["contact"] is None
    assert len(log(cast)) == before + 1, "who is not shown it has not looked"
    assert cast.market.get(f"/events/{outcome['id']}").json()["body"]["from"]["contact"]
    assert cast.market.get("/events").status_code == 200
    events = log(cast, kind="event")
    assert [row["subject_id"] for row in events] == [outcome["id"]] * 2
    assert {row["region"] for row in events} == {"330106"}, "a market's looks are of its region"


def test_a_scale_looks_for_its_stall(cast: Cast) -> None:
    code = bought(cast)["outputs"][0]["code"]
    scale = cast.scale(cast.stall)
    assert scale.scan(code)["suppliers"][0]["contact"]
    assert {(row["role"], row["region"]) for row in log(cast)} == {("device", "330106")}


def test_complaints_are_logged_by_contact_and_photo(cast: Cast) -> None:
    stall = cast.stall.site["code"]
    form = {"text": "坏了", "contact": "13700000000"}
    cast.public.post(f"/c/{stall}/reports", data=form, files={"photos": ("a.png", PNG, "image/png")})
    cast.public.post(f"/c/{stall}/reports", {"text": "没有联系方式"})
    items = cast.regulator.get("/reports").json()["items"]
    with_contact = next(item for item in items if item["contact"])
    assert [row["subject_id"] for row in log(cast)] == [with_contact["id"]]
    path = f"/reports/{with_contact['id']}"
    assert cast.regulator.get(f"{path}/photos/1").status_code == 200
    assert log(cast)[0]["fields"] == ["photo 1"]
    assert cast.regulator.get(f"{path}/photos/2").status_code == 404
    assert cast.regulator.patch(path, {"state": "in_progress"}).status_code == 200
    assert cast.regulator.get(path).status_code == 200
    assert [row["fields"] for row in log(cast)] == [["contact"], ["contact"], ["photo 1"], ["contact"]]


def test_files_that_show_persons_are_logged(cast: Cast) -> None:
    def deposit(actor: Actor, kind: str) -> str:
        files = {"file": ("a.pdf", b"%PDF-1.4\n%%EOF\n", "application/pdf")}
        answer = actor.post("/documents", data={"type": kind, "number": "1"}, files=files)
        return str(answer.json()["id"])

    licence, certificate = deposit(cast.stall, "business_licence"), deposit(cast.stall, "conformity_certificate")
    for actor, document in ((cast.stall, licence), (cast.regulator, licence), (cast.regulator, certificate)):
        assert actor.get(f"/documents/{document}/file").status_code == 200
    assert [(row["role"], row["subject_id"], row["fields"]) for row in log(cast)] == [("regulator", licence, ["file"])]


def test_an_auditor_reads_its_region_and_stands_in_the_log(cast: Cast) -> None:
    party, elsewhere = named(cast, "三号摊"), named(cast, "海曙摊", region="330203")
    assert cast.regulator.get(f"/parties/{party['id']}").status_code == 200
    assert cast.other_regulator.get(f"/parties/{elsewhere['id']}").status_code == 200
    assert cast.admin.get(f"/parties/{party['id']}").status_code == 200, "from anywhere, at what lies in the region"
    auditor = cast.key("auditor", region="3301")
    seen = auditor.get("/audit").json()["items"]
    assert [(row["role"], row["subject_id"]) for row in seen] == [
        ("admin", party["id"]), ("regulator", party["id"])
    ]  # fmt: skip
    again = auditor.get("/audit", params={"kind": "audit"}).json()["items"]
    assert [(row["role"], row["subject_id"], row["request"]) for row in again] == [
        ("auditor", "3301", "GET /api/v1/audit")
    ]
    for actor in (cast.regulator, cast.market, cast.stall, cast.lab):
        assert actor.get("/audit").status_code == 403


def test_an_auditor_reads_nothing_else(cast: Cast) -> None:
    party, goods = named(cast, "三号摊"), bought(cast)["outputs"][0]
    auditor = cast.key("auditor", region="3301")
    assert auditor.get(f"/parties/{party['id']}").status_code == 404
    assert auditor.scan(goods["code"])["suppliers"] is None
    for path in ("/parties", "/sites", "/devices", "/events", "/alerts", "/sales"):
        assert auditor.get(path).json()["items"] == [], path
    assert auditor.get("/reports").status_code == 403
    assert auditor.get(f"/sites/{cast.stall.site['id']}").status_code == 404
    assert auditor.patch(f"/sites/{cast.stall.site['id']}", {"name": "x"}).status_code in (403, 404)
    auditor.refused("hold", 403, custody_id=goods["custody_id"], scope="custody", reason="x")


def test_the_log_is_filtered_and_paged(cast: Cast) -> None:
    parties = [named(cast, f"{number}号摊")["id"] for number in range(3, 8)]
    for key in parties:
        assert cast.regulator.get(f"/parties/{key}").status_code == 200
    first = cast.admin.get("/audit", params={"role": "regulator", "limit": 3}).json()
    rest = cast.admin.get("/audit", params={"role": "regulator", "limit": 3, "cursor": first["next"]}).json()
    assert [row["subject_id"] for row in first["items"] + rest["items"]] == parties[::-1]
    assert rest["next"] is None
    [only] = log(cast, subject=parties[2])
    assert log(cast, reader=only["reader_id"], since=only["record_time"]) == log(cast, role="regulator")[:3]
    assert [row["subject_id"] for row in log(cast, role="regulator", until=only["record_time"])] == parties[1::-1]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_cannot_be_logged_is_not_shown(
    cast: Cast, service: Service, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    party = named(cast, "三号摊")

    def full(*_: object) -> None:
        raise QueueFull("full")

    monkeypatch.setattr(service.writer, "submit", full)
    answer = cast.regulator.get(f"/parties/{party['id']}")
    assert answer.status_code == 503
    assert "13800000000" not in answer.text


def test_who_needs_no_contacts_has_not_looked(cast: Cast) -> None:
    stall = cast.stall.site["code"]
    cast.public.post(f"/c/{stall}/reports", {"text": "坏了", "contact": "13700000000"})
    [told] = cast.regulator.get("/reports?personal=false").json()["items"]
    assert told["contact"] is None
    assert log(cast) == []


def test_who_is_responsible_is_a_look(cast: Cast) -> None:
    outcome = bought(cast)
    form = {
        "ref": "r1", "mode": "mock", "grade": "II", "title": "大白菜", "reason": "x", "hazard": "y",
        "scope": {"custodies": [outcome["outputs"][0]["custody_id"]]}, "persons": [{"name": "某人"}],
    }  # fmt: skip
    recall = cast.regulator.made("/recalls", form)
    assert cast.regulator.get(f"/recalls/{recall['id']}").json()["persons"][0]["name"] == "某人"
    assert cast.regulator.get("/recalls").json()["items"][0]["persons"] is None
    assert [(row["subject_id"], row["fields"]) for row in log(cast, kind="recall")] == [(recall["id"], ["persons"])]
    for form in ("pdf", "xlsx"):
        assert cast.regulator.get(f"/recalls/{recall['id']}/report?format={form}").status_code == 200
    assert len(log(cast, kind="recall")) == 3
