"""Records of authorities: written once, replaced and never edited, seen by whom they are for."""

from typing import Any

import pytest

from tests.support.cast import Actor, Cast
from tests.support.story import day


def form(cast: Cast, ref: str, **fields: Any) -> dict[str, Any]:
    """An inspection of the stall that found all in order."""
    own: dict[str, Any] = {"kind": "inspection", "site_id": cast.stall.site["id"], "inspected_on": day(-1)}
    return {"ref": ref, **own, "result": "pass", "text": "检查记录", "authority": "西湖区市场监管局", **fields}


def refused(actor: Actor, body: dict[str, Any], status: int) -> dict[str, Any]:
    answer = actor.post("/inspections", body)
    assert answer.status_code == status, answer.text
    problem: dict[str, Any] = answer.json()
    return problem


def test_the_same_again_is_the_same_and_another_under_its_ref_is_refused(cast: Cast) -> None:
    made = cast.regulator.made("/inspections", form(cast, "1"))
    again = cast.regulator.post("/inspections", form(cast, "1"))
    assert (again.status_code, again.json()) == (200, made)
    assert again.headers["location"] == f"/api/v1/inspections/{made['id']}"
    assert refused(cast.regulator, form(cast, "1", text="别的"), 409)["type"] == "/problems/ref-reused"
    assert cast.other_regulator.post("/inspections", form(cast, "1")).status_code == 422, "not its region"
    assert cast.admin.made("/inspections", form(cast, "1"))["id"] != made["id"], "another office's ref"
    assert made == cast.regulator.get(f"/inspections/{made['id']}").json()
    assert made["site"]["name"] == cast.stall.site["name"]
    assert made["party"]["name"] == cast.stall.party["name"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"site_id": None}, ["/site_id"]),
        ({"party_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12}, ["/site_id"]),
        ({"result": None}, ["/result"]),
        ({"kind": "sampling", "result": "improve"}, ["/result"]),
        ({"kind": "penalty"}, ["/result"]),
        ({"kind": "penalty", "result": None, "grade": "A", "score": 1}, ["/grade", "/score"]),
        ({"kind": "credit"}, ["/result", "/grade"]),
        ({"inspected_on": day(2)}, ["/inspected_on"]),
        ({"replaces": "0" * 8 + "-0000-0000-0000-" + "0" * 12}, ["/replaces"]),
        ({"site_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12}, ["/site_id"]),
    ],
)
def test_a_record_says_what_its_kind_says(cast: Cast, fields: dict[str, Any], pointers: list[str]) -> None:
    problem = refused(cast.regulator, form(cast, "1", **fields), 422)
    assert [error["pointer"] for error in problem["errors"]] == pointers


def test_a_later_record_takes_the_place_of_ones_own_once(cast: Cast) -> None:
    first = cast.regulator.made("/inspections", form(cast, "1", public=True, text="甲"))
    code = cast.stall.site["code"]
    assert [each["text"] for each in cast.public.scan(code)["inspections"]] == ["甲"]
    district = cast.key("regulator", region="330106")
    assert refused(district, form(cast, "2", replaces=first["id"]), 422)["type"] == "/problems/unknown-inspection"
    other = form(cast, "2", site_id=cast.other_stall.site["id"], replaces=first["id"])
    assert refused(cast.regulator, other, 422)["type"] == "/problems/unknown-inspection"
    second = cast.admin.made("/inspections", form(cast, "2", replaces=first["id"], text="乙"))
    problem = refused(cast.regulator, form(cast, "3", replaces=first["id"]), 409)
    assert problem["type"] == "/problems/already-replaced"
    assert cast.public.scan(code)["inspections"] == [], "what has taken its place is not public"
    seen = cast.stall.scan(code)["inspections"]
    assert {each["text"]: (each["replaces"], each["replaced_by"]) for each in seen} == {
        "甲": (None, second["id"]), "乙": (first["id"], None)
    }  # fmt: skip


def test_of_a_party_as_a_whole(cast: Cast) -> None:
    credit = {"site_id": None, "party_id": cast.farm.party["id"], "kind": "credit", "result": None, "grade": "A"}
    cast.regulator.made("/inspections", form(cast, "1", **credit, text="未公开"))
    cast.regulator.made("/inspections", form(cast, "2", **credit, public=True, text="公开", note="备注"))
    for code in (cast.farm.party["code"], cast.farm.site["code"]):
        for reader, texts, note in (
            (cast.public, ["公开"], None),
            (cast.stall, ["公开"], None),
            (cast.lab, ["公开"], None),
            (cast.other_regulator, ["公开"], None),
            (cast.farm, ["公开", "未公开"], None),
            (cast.regulator, ["公开", "未公开"], "备注"),
            (cast.admin, ["公开", "未公开"], "备注"),
        ):
            shown = reader.scan(code)["inspections"]
            assert [each["text"] for each in shown] == texts
            assert shown[0]["note"] == note
    assert "inspect" in {action["kind"] for action in cast.regulator.scan(cast.farm.party["code"])["actions"]}
    assert cast.farm.scan(cast.farm.party["code"])["actions"] == []
    stranger = form(cast, "3", **credit | {"party_id": cast.farm.party["id"]})
    assert refused(cast.other_regulator, stranger, 422)["type"] == "/problems/unknown-party"
    # A market sees those of its own firm, and of whom it has enrolled.
    own = credit | {"party_id": cast.market.party["id"]}
    cast.regulator.made("/inspections", form(cast, "4", **own))
    assert len(cast.market.scan(cast.market.party["code"])["inspections"]) == 1
    assert len(cast.public.scan(cast.market.party["code"])["inspections"]) == 0


def test_what_was_found_with_one_trader_is_not_told_of_the_next(cast: Cast) -> None:
    cast.regulator.made("/inspections", form(cast, "1", public=True, text="前任"))
    site = cast.stall.site
    moved = cast.admin.patch(f"/sites/{site['id']}", {"party_id": cast.other_stall.party["id"]})
    assert moved.status_code == 200, moved.text
    for reader, count in ((cast.public, 0), (cast.other_stall, 0), (cast.stall, 0), (cast.regulator, 1)):
        assert len(reader.scan(site["code"])["inspections"]) == count
    assert [each["text"] for each in cast.public.scan(cast.stall.party["code"])["inspections"]] == ["前任"]
    assert [each["text"] for each in cast.stall.get("/inspections").json()["items"]] == ["前任"]
    assert cast.other_stall.get("/inspections").json()["items"] == []


def test_they_are_listed_in_pages_and_by_what_they_are_about(cast: Cast) -> None:
    made = [cast.regulator.made("/inspections", form(cast, str(n)))["id"] for n in range(3)]
    sampling = form(cast, "s", kind="sampling", site_id=cast.farm.site["id"])
    made.append(cast.regulator.made("/inspections", sampling)["id"])

    def listed(**params: str | int) -> list[str]:
        answer = cast.regulator.get("/inspections", params=params)
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    first = cast.regulator.get("/inspections", params={"limit": 3}).json()
    rest = cast.regulator.get("/inspections", params={"limit": 3, "cursor": first["next"]}).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None
    assert listed(site=cast.farm.site["id"]) == listed(kind="sampling") == made[3:]
    assert listed(party=cast.stall.party["id"]) == made[2::-1]
    assert listed(since=first["items"][1]["record_time"]) == made[:1:-1]
    assert cast.stall.get(f"/inspections/{made[3]}").status_code == 404
    assert cast.scale(cast.stall).get("/inspections").status_code == 403
    assert cast.lab.get(f"/inspections/{made[0]}").status_code == 403
