"""The operator enrols persons at the desk; whoever works on a queue gives alerts and complaints to others."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cast import Cast
from tests.support.desk import PASSWORD, Browser, at_desk, cheap_hashes, enrolled
from tests.web.test_desk import first, sold_too_much

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
NEW = {"login": "insp.b", "name": "李检", "role": "regulator", "region": "3301", "party": ""}


@pytest.fixture(autouse=True)
def _cheap() -> Iterator[None]:
    with cheap_hashes():
        yield


def password_of(page: str) -> str:
    found = re.search(r'class="mono big">([^<]+)<', page)
    assert found is not None
    return found[1]


def chosen(cast: Cast, login: str, password: str) -> Browser:
    """Logged in with a password that was handed over, and another one chosen."""
    browser = Browser(cast.client)
    answer = browser.log_in(login, password)
    assert answer.headers["location"].startswith("/desk/login/password")
    browser.open(answer.headers["location"])
    assert browser.submit("/desk/login/password", old=password, new=PASSWORD, again=PASSWORD).status_code == 303
    return browser


def test_a_person_is_enrolled_changed_locked_and_given_a_new_password(cast: Cast) -> None:
    admin = at_desk(cast, "op.a", "admin")
    admin.open("/desk/persons")
    made = admin.submit("/desk/persons", **NEW)
    assert made.status_code == 200
    assert made.headers["cache-control"] == "private, no-store"
    person = chosen(cast, "insp.b", password_of(made.text))
    assert "警报" in person.open("/desk")
    assert "李检" in admin.open("/desk/persons")
    ids = {one["login"]: one["id"] for one in cast.admin.get("/persons").json()["items"]}
    path = f"/desk/persons/{ids['insp.b']}"
    page = admin.open(path)
    assert password_of(made.text) not in page

    # Limits: another region, then a market's by its code.
    assert admin.submit(path, **{**NEW, "region": "33"}).headers["location"] == f"{path}?done=kept"
    assert cast.admin.get(f"/persons/{path[-36:]}").json()["region"] == "33"
    admin.open(path)
    wrong = admin.submit(path, **{**NEW, "region": "", "party": "PXYZ"})
    assert wrong.status_code == 422
    code = f" {cast.market.party['code'][:5].lower()} {cast.market.party['code'][5:]} "
    admin.open(path)
    told = {"name": "李检", "role": "market", "region": "", "party": code, "email": "li@example.cn"}
    assert admin.submit(path, **told).status_code == 303
    found = cast.admin.get(f"/persons/{path[-36:]}").json()
    assert (found["role"], found["party_id"], found["email"]) == ("market", cast.market.party["id"], "li@example.cn")
    assert cast.market.party["name"] in admin.open("/desk/persons")
    assert cast.market.party["code"] in admin.open(path)

    assert send(admin, path, status="locked").status_code == 303
    assert "已停用" in admin.open(path)
    assert Browser(cast.client).log_in("insp.b").status_code != 303
    assert send(admin, path, status="active").status_code == 303
    renewed = send(admin, path, new_password="1")
    assert chosen(cast, "insp.b", password_of(renewed.text)).open("/desk")
    assert send(admin, path, forget_codes="1").status_code == 303
    own = admin.open(f"/desk/persons/{ids['op.a']}")
    assert ("停用</button>" in own, 'name="role"' in own) == (False, False), "nobody locks himself out by a tap"
    admin.open("/desk/persons")
    assert admin.submit("/desk/persons", **NEW).status_code == 409


def send(browser: Browser, path: str, **fields: str) -> Any:
    """What one of the buttons of the page sends."""
    page = browser.open(path)
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf is not None
    return browser.post(path, {"csrf": csrf[1]} | fields)


def test_only_the_operator_enrols(cast: Cast) -> None:
    browser = at_desk(cast)
    assert browser.request("GET", "/desk/persons").status_code == 403
    assert browser.request("GET", "/desk/persons/018f3a4e-0000-5000-8000-000000000001").status_code == 403
    assert send_to(browser, "/desk/persons", **NEW) == 403


def send_to(browser: Browser, path: str, **fields: str) -> int:
    csrf = re.search(r'name="csrf" value="([^"]+)"', browser.open("/desk"))
    assert csrf is not None
    return browser.post(path, {"csrf": csrf[1]} | fields).status_code


def test_an_alert_and_a_complaint_are_given_to_somebody_else(cast: Cast) -> None:
    goods = sold_too_much(cast)["goods"]
    cast.public.post(f"/c/{goods['code']}/reports", {"text": "菜有药味"})
    other = enrolled(cast, "insp.b", name="李检")
    browser = at_desk(cast)
    for place in ("alerts", "complaints"):
        path = first(browser.open(f"/desk/{place}"), f"/desk/{place}/")
        page = browser.open(path)
        assert f'<option value="{other["id"]}">李检' in page
        assert send(browser, path, owner=other["id"], state="in_progress").status_code == 303
        page = browser.open(path)
        assert f'<option value="{other["id"]}" selected' in page
    for door in ("/alerts", "/reports"):
        rows = cast.regulator.get(f"{door}?owner={other['id']}").json()["items"]
        assert len(rows) == 1, door
    path = first(browser.open("/desk/alerts?state=in_progress"), "/desk/alerts/")
    browser.open(path)
    assert browser.submit(path, owner="", state="in_progress").status_code == 303
    assert cast.regulator.get(f"/alerts?owner={other['id']}").json()["items"] == []
    # A form that does not touch the owner leaves it to whoever takes it up.
    cast.regulator.patch(f"/alerts/{path[-36:]}", {"owner": other["id"]})
    browser.open(path)
    assert browser.submit(path, owner=other["id"], state="in_progress", note="x").status_code == 303
    assert cast.regulator.get(f"/alerts/{path[-36:]}").json()["owner"] == other["id"]


def test_colleagues_are_those_of_the_own_place(cast: Cast) -> None:
    people = {
        "city": {"role": "regulator", "region": "3301"}, "district": {"role": "regulator", "region": "330106"},
        "province": {"role": "regulator", "region": "33"}, "elsewhere": {"role": "regulator", "region": "3302"},
        "market": {"role": "market", "party_id": cast.market.party["id"]}, "operator": {"role": "admin"},
        "seller": {"role": "vendor", "party_id": cast.stall.party["id"]},
    }  # fmt: skip
    for login, fields in people.items():
        cast.admin.made("/persons", {"login": login, "name": login, **fields})
    locked = cast.admin.made("/persons", {"login": "gone", "name": "gone", "role": "regulator", "region": "3301"})
    cast.admin.patch(f"/persons/{locked['id']}", {"status": "locked"})

    def seen(actor: Any) -> set[str]:
        return {one["name"] for one in actor.get("/colleagues").json()}

    assert seen(cast.regulator) == {"city", "district", "province", "market"}
    assert seen(cast.other_regulator) == {"elsewhere", "province"}
    assert seen(cast.market) == {"market"}
    assert seen(cast.admin) == set(people) - {"seller"}
    assert cast.stall.get("/colleagues").status_code == 403
