"""Persons: enrolled by the operator, in the role that a key would have."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cast import Cast
from tests.support.desk import Browser, cheap_hashes


@pytest.fixture(autouse=True)
def _cheap() -> Iterator[None]:
    with cheap_hashes():
        yield


def form(**fields: Any) -> dict[str, Any]:
    return {"login": "Insp.Wang", "name": "王检查员", "role": "regulator", "region": "330100", **fields}


def test_a_person_is_enrolled_once(cast: Cast) -> None:
    answer = cast.admin.post("/persons", form(email=" Wang@Food.example.cn "))
    person = answer.json()
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["location"] == f"/api/v1/persons/{person['id']}"
    told = {name: person[name] for name in ("login", "role", "region", "status", "must_change", "email")}
    assert told == {
        "login": "insp.wang", "role": "regulator", "region": "3301", "status": "active", "must_change": True,
        "email": "wang@food.example.cn",
    }  # fmt: skip
    again = cast.admin.post("/persons", form())
    assert (again.status_code, again.json()["type"]) == (409, "/problems/login-taken")
    assert cast.admin.get(f"/persons/{person['id']}").json() == person | {"password": None}
    assert "password_hash" not in cast.admin.get("/persons").text


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [({"login": "a b"}, "/login"), ({"login": "x"}, "/login"), ({"role": "device"}, "/role"),
     ({"region": None}, "/region"), ({"region": "99"}, "/region"), ({"role": "vendor"}, "/party_id"),
     ({"role": "vendor", "region": None, "party_id": "018f3a4e-0000-5000-8000-000000000001"}, "/party_id")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(cast: Cast, wrong: dict[str, Any], pointer: str) -> None:
    answer = cast.admin.post("/persons", form(**wrong))
    assert answer.status_code == 422
    assert pointer in [fault["pointer"] for fault in answer.json()["errors"]]


def test_only_the_operator_enrols(cast: Cast) -> None:
    person = cast.admin.made("/persons", form())
    for actor in (cast.regulator, cast.market, cast.stall, cast.lab):
        assert actor.post("/persons", form(login="other")).status_code == 403
        assert actor.get("/persons").status_code == 403
        assert actor.get(f"/persons/{person['id']}").status_code == 403
        assert actor.patch(f"/persons/{person['id']}", {"role": "admin", "region": None}).status_code == 403


def test_a_person_is_changed(cast: Cast) -> None:
    person = cast.admin.made("/persons", form())
    path = f"/persons/{person['id']}"
    moved = cast.admin.patch(path, {"role": "market", "region": None, "party_id": cast.market.party["id"]}).json()
    assert (moved["role"], moved["party_id"], moved["region"]) == ("market", cast.market.party["id"], None)
    assert cast.admin.patch(path, {"role": "regulator"}).status_code == 422, "it speaks for a region"
    nobody = {"party_id": "018f3a4e-0000-5000-8000-000000000001"}
    assert cast.admin.patch(path, nobody).status_code == 422
    assert cast.admin.patch(path, {"name": None}).status_code == 422
    assert cast.admin.patch(path, {"email": " "}).status_code == 422
    assert cast.admin.patch(path, {"login": "other"}).status_code == 422
    assert cast.admin.patch(path, {}).json()["name"] == "王检查员"
    assert cast.admin.patch(path, {"email": "w@x.cn"}).json()["email"] == "w@x.cn"
    assert cast.admin.patch(path, {"email": None}).json()["email"] is None
    unknown = "018f3a4e-0000-5000-8000-000000000001"
    assert cast.admin.patch(f"/persons/{unknown}", {"name": "x"}).status_code == 404
    assert cast.admin.get(f"/persons/{unknown}").status_code == 404


def test_a_new_password_ends_the_waiting(cast: Cast) -> None:
    person = cast.admin.made("/persons", form())
    for n in range(7):
        status = Browser(cast.client).log_in("insp.wang", f"guess {n}").status_code
    assert status == 429
    told = cast.admin.patch(f"/persons/{person['id']}", {"new_password": True}).json()
    assert Browser(cast.client).log_in("insp.wang", told["password"]).status_code == 303


def test_the_list_is_paged(cast: Cast) -> None:
    for name in ("a.a", "b.b", "c.c"):
        cast.admin.made("/persons", form(login=name))
    first = cast.admin.get("/persons?limit=2").json()
    rest = cast.admin.get(f"/persons?limit=2&cursor={first['next']}").json()
    assert [row["login"] for row in first["items"] + rest["items"]] == ["a.a", "b.b", "c.c"]
