"""Logins as an attacker tries them: guessing, forging, fixing, replaying, leading astray."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from app.enrolling import passwords, sessions
from app.store import tables
from app.store.engine import reading, writing
from app.store.writer import Transaction
from app.web import hashing
from app.web.delays import SPARED
from app.web.service import Service
from tests.support.cast import Cast
from tests.support.desk import PASSWORD, Browser, at_desk, cheap_hashes, enrolled, new_browser

SESSION = "__Host-onecode-session"
FIELDS = {"login": "insp.a", "password": PASSWORD}


@pytest.fixture(autouse=True)
def _cheap() -> Iterator[None]:
    with cheap_hashes():
        yield


# --- who gets in ---


def test_a_login_shows_what_the_role_may_see(cast: Cast) -> None:
    party = cast.admin.made(
        "/parties", {"name": "三号摊", "kind": "vendor", "region": "330106", "contact": {"phone": "13800000000"}}
    )
    browser = at_desk(cast)
    answer = browser.request("GET", f"/api/v1/parties/{party['id']}")
    assert answer.json()["contact"]["phone"] == "13800000000"
    [row] = cast.admin.get("/audit", params={"subject": party["id"]}).json()["items"]
    assert (row["person"], row["role"]) == ("insp.a", "regulator"), "a look is a person's, by name"
    page = browser.request("GET", f"/c/{cast.stall.site['code']}", headers={"Accept": "application/json"})
    assert page.headers["cache-control"] == "private, no-store"
    public = cast.public.get(f"/c/{cast.stall.site['code']}")
    assert "no-store" not in public.headers["cache-control"]
    assert "set-cookie" not in public.headers


def test_wrong_name_wrong_password_and_a_locked_person_look_alike(cast: Cast) -> None:
    person = enrolled(cast)
    wrong = new_browser(cast).submit("/desk/login", login="insp.a", password="not the password")
    nobody = new_browser(cast).submit("/desk/login", login="insp.b", password="not the password")
    assert cast.admin.patch(f"/persons/{person['id']}", {"status": "locked"}).status_code == 200
    locked = new_browser(cast).submit("/desk/login", login="insp.a", password=PASSWORD)
    pages = [re.sub(r'name="(csrf|login)"[^>]*', "", answer.text) for answer in (wrong, nobody, locked)]
    assert wrong.status_code == nobody.status_code == locked.status_code == 401
    assert pages[0] == pages[1] == pages[2]


def test_a_name_that_nobody_has_costs_as_much(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    enrolled(cast)
    compared: list[bool] = []
    verify = passwords.matches

    def counting(kept: str | None, password: str) -> bool:
        compared.append(kept is not None)
        return verify(kept, password)

    monkeypatch.setattr(passwords, "matches", counting)
    for login in ("insp.a", "insp.b", "", "'; --", "x" * 500):
        answer = new_browser(cast).submit("/desk/login", login=login, password="not the password")
        assert answer.status_code == 401
    assert compared == [True, False, False, False, False], "each is compared once, with what takes as long"
    kept = passwords._nobodys().split("$")[1:4]
    assert kept == passwords.hashed("x").split("$")[1:4]


def test_the_first_password_is_changed_and_opens_nothing_else(cast: Cast) -> None:
    person = cast.admin.made("/persons", {"login": "insp.a", "name": "x", "role": "regulator", "region": "33"})
    assert person["must_change"] is True
    assert cast.admin.get(f"/persons/{person['id']}").json()["password"] is None, "it is shown once"
    browser = Browser(cast.client)
    answer = browser.log_in("insp.a", person["password"], next="/desk/audit")
    assert answer.headers["location"] == "/desk/login/password?next=%2Fdesk%2Faudit"
    assert browser.request("GET", "/api/v1/parties").status_code == 401
    assert browser.request("GET", "/desk/account").headers["location"].startswith("/desk/login")
    browser.open(answer.headers["location"])
    old = {"old": person["password"]}
    for new, again in ((PASSWORD, "another"), ("short", "short"), ("insp.a insp.a", "insp.a insp.a"),
                       ("aaaaaaaaaaaa", "aaaaaaaaaaaa"), (person["password"], person["password"])):  # fmt: skip
        assert browser.submit("/desk/login/password", **old, new=new, again=again).status_code == 422, new
    wrong = browser.submit("/desk/login/password", old="wrong", new=PASSWORD, again=PASSWORD)
    assert wrong.status_code == 401
    done = browser.submit("/desk/login/password", **old, new=PASSWORD, again=PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/desk/audit")
    assert browser.request("GET", "/api/v1/parties").status_code == 200
    late = Browser(cast.client)
    late.jar = dict(browser.jar)
    assert late.post("/desk/login/password", {}).status_code == 303, "that step is over"


# --- guessing ---


def test_a_guesser_waits_longer_and_longer_and_the_owner_gets_in(cast: Cast, service: Service) -> None:
    enrolled(cast)
    home = Browser(cast.client)
    assert home.log_in("insp.a").status_code == 303
    home.jar.pop(SESSION)
    for login in ("insp.a", "nobody"):
        answers = [new_browser(cast).submit("/desk/login", login=login, password=f"guess {n}") for n in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert answers[-1].headers["retry-after"] == "1"
    assert new_browser(cast).submit("/desk/login", **FIELDS).status_code == 429, "the right one is not heard either"
    wait(service, seconds=2)
    assert new_browser(cast).submit("/desk/login", login="insp.a", password="guess 7").status_code == 401
    answer = new_browser(cast).submit("/desk/login", login="insp.a", password="guess 8")
    assert int(answer.headers["retry-after"]) == 2
    assert home.log_in("insp.a").status_code == 303, "a browser that they have logged in from is counted by itself"
    wait(service, seconds=3600)
    assert new_browser(cast).submit("/desk/login", **FIELDS).status_code == 303
    assert new_browser(cast).submit("/desk/login", login="insp.a", password="guess 9").status_code == 401


def test_a_known_browser_is_no_way_to_guess_and_knows_one_person(cast: Cast) -> None:
    enrolled(cast)
    enrolled(cast, "insp.b")
    home = Browser(cast.client)
    home.log_in("insp.a")
    home.jar.pop(SESSION)
    answers = [home.log_in("insp.a", f"guess {n}").status_code for n in range(6)]
    assert answers == [401] * 5 + [429]
    for n in range(5):
        new_browser(cast).submit("/desk/login", login="insp.b", password=f"guess {n}")
    assert home.log_in("insp.b").status_code == 429, "it is another's browser"
    forged = new_browser(cast)
    forged.jar["__Host-onecode-browser"] = "nonce." + "0" * 64
    assert forged.log_in("insp.b").status_code == 429


def test_many_names_from_one_address_wait_too(cast: Cast, service: Service) -> None:
    answers = [
        new_browser(cast).submit("/desk/login", login=f"name{n}", password="1234567890").status_code
        for n in range(SPARED + 6)
    ]
    assert answers == [401] * (SPARED + 5) + [429]


def test_guesses_at_once_are_not_all_heard(service: Service) -> None:
    key = sessions.try_key("name", "insp.a")
    with writing(service.engine) as connection:
        results = sessions.begin_tries(Transaction(connection, datetime.now(UTC)), [key] * 20)
    assert sum(result is None for result in results) == 5


def test_what_was_tried_is_forgotten(cast: Cast, service: Service) -> None:
    new_browser(cast).submit("/desk/login", login="somebody", password="1234567890")
    wait(service, seconds=7201)
    new_browser(cast).submit("/desk/login", login="else", password="1234567890")
    with reading(service.engine) as snapshot:
        assert len(snapshot.execute(tables.login_delay.select()).all()) == 1


def wait(service: Service, seconds: int) -> None:
    """Lets time pass for those who have to wait."""
    with writing(service.engine) as connection:
        for row in connection.execute(tables.login_delay.select()).all():
            earlier = timedelta(seconds=seconds)
            moved = {"until": row.until - earlier, "record_time": row.record_time - earlier}
            connection.execute(tables.login_delay.update().where(tables.login_delay.c.key == row.key).values(moved))
    service.logins._failures.clear()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_hashing_is_bounded(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "WAITING", 0)
    answer = new_browser(cast).submit("/desk/login", **FIELDS)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")


# --- the cookie and the form ---


def test_cookies_are_of_this_host_and_for_no_script(cast: Cast) -> None:
    enrolled(cast)
    browser = Browser(cast.client)
    for answer in (browser.request("GET", "/desk/login"), browser.log_in("insp.a")):
        for line in answer.headers.get_list("set-cookie"):
            assert line.startswith("__Host-"), line
            attributes = {part.strip().lower() for part in line.split(";")[1:]}
            assert {"secure", "httponly", "samesite=lax", "path=/"} <= attributes
            assert not any(part.startswith("domain") for part in attributes)


def test_a_session_is_always_a_new_one(cast: Cast) -> None:
    enrolled(cast)
    browser = new_browser(cast)
    browser.jar[SESSION] = "what-an-attacker-knows"
    browser.open("/desk/login")
    assert browser.submit("/desk/login", **FIELDS).status_code == 303
    first = browser.jar[SESSION]
    assert first != "what-an-attacker-knows"
    browser.jar.pop(SESSION)
    browser.log_in("insp.a")
    assert browser.jar[SESSION] != first


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "https://food.example.cn.evil.example"},
     {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
)  # fmt: skip
def test_no_other_site_sends_our_forms(cast: Cast, headers: dict[str, str]) -> None:
    browser = at_desk(cast)
    page = browser.open("/desk/account")
    token = re.search(r'name="csrf-token" content="(\w+)"', page)
    assert token is not None
    fields = {"csrf": token[1]}
    for action in ("/desk/account/sessions", "/desk/account/codes/start", "/desk/logout"):
        assert browser.post(action, fields, headers=headers).status_code == 403, action
    answer = browser.request(
        "PATCH", "/api/v1/reports/00000000-0000-0000-0000-000000000000", json={"state": "closed"},
        headers={"X-CSRF-Token": token[1], **headers},
    )  # fmt: skip
    assert answer.status_code == 403


def test_a_form_without_its_token_changes_nothing(cast: Cast) -> None:
    browser, other = at_desk(cast), at_desk(cast, "insp.b")
    other.open("/desk/account")
    foreign = re.search(r'name="csrf-token" content="(\w+)"', other.page.text if other.page else "")
    assert foreign is not None
    for fields in ({}, {"csrf": ""}, {"csrf": "é"}, {"csrf": foreign[1]}):
        assert browser.post("/desk/logout", fields).status_code == 403, fields
    assert browser.post("/desk/logout", {"csrf": "x"}, headers={"Content-Type": "text/plain"}).status_code == 415
    assert "/desk/logout" in browser.open("/desk/account"), "still logged in"
    login = Browser(cast.client)
    login.open("/desk/login")
    login.jar.clear()
    assert login.submit("/desk/login", **FIELDS).status_code == 403, "nobody is logged in by another's form"
    assert SESSION not in login.jar


def test_the_api_takes_a_cookie_for_reading_and_a_token_for_writing(cast: Cast) -> None:
    filed = cast.public.post(f"/c/{cast.stall.site['code']}/reports", {"text": "坏了"})
    assert filed.status_code == 201
    browser = at_desk(cast)
    [complaint] = browser.request("GET", "/api/v1/reports").json()["items"]
    path, change = f"/api/v1/reports/{complaint['id']}", {"state": "in_progress"}
    refused = browser.request("PATCH", path, json=change, headers={"Accept": "application/json"})
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/forged-form")
    browser.open("/desk/account")
    token = re.search(r'name="csrf-token" content="(\w+)"', browser.page.text if browser.page else "")
    assert token is not None
    done = browser.request("PATCH", path, json=change, headers={"X-CSRF-Token": token[1]})
    assert (done.status_code, done.json()["state"]) == (200, "in_progress")


def test_pages_are_framed_by_nobody_and_kept_by_nobody(cast: Cast) -> None:
    browser = at_desk(cast)
    for path in ("/desk/login?next=x", "/desk/account"):
        answer = browser.request("GET", path)
        if answer.status_code == 303:
            answer = Browser(cast.client).request("GET", path)
        assert answer.headers["x-frame-options"] == "DENY"
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "script" not in policy
        assert "unsafe" not in policy
        assert "<script" not in answer.text
        assert "style=" not in answer.text
        assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    ("asked", "led"),
    [("/desk/audit?role=x", "/desk/audit?role=x"), ("/c/B123", "/c/B123"), ("https://evil.example", "/desk"),
     ("//evil.example", "/desk"), ("/\\evil.example", "/desk"), ("/desk\r\nSet-Cookie: a=b", "/desk"),
     ("javascript:alert(1)", "/desk"), ("", "/desk"), ("/desk/\\evil.example", "/desk")],
)  # fmt: skip
def test_a_login_leads_to_our_own_pages_alone(cast: Cast, asked: str, led: str) -> None:
    enrolled(cast)
    browser = new_browser(cast)
    hidden = re.search(r'name="csrf" value="(\w+)"', browser.page.text if browser.page else "")
    assert hidden is not None
    answer = browser.post("/desk/login", FIELDS | {"csrf": hidden[1], "next": asked})
    assert answer.headers["location"] == led
    assert Browser(cast.client).request("GET", "/desk/login", params={"next": asked}).status_code == 200


def test_who_has_no_session_is_led_to_the_login_and_back(cast: Cast) -> None:
    browser = Browser(cast.client)
    answer = browser.request("GET", "/desk/account?codes=new")
    assert answer.headers["location"] == "/desk/login?next=%2Fdesk%2Faccount%3Fcodes%3Dnew"
    assert browser.post("/desk/account/password", {}).headers["location"] == "/desk/login?next=%2Fdesk"
    for token in ("wrong", "x" * 5000):
        browser.jar[SESSION] = token
        assert browser.request("GET", "/desk/account").status_code == 303
        assert browser.request("GET", "/api/v1/parties").status_code == 401
        page = browser.request("GET", f"/c/{cast.stall.site['code']}")
        assert page.status_code == 200, "the public page is for everybody"
        assert "no-store" not in page.headers["cache-control"]
