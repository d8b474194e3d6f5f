"""Sessions and one-time codes as an attacker tries them: what ends a session, and codes that are seen or guessed."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from pyotp import TOTP

from app.domain.errors import TooMany, Unauthenticated
from app.enrolling import passwords, sessions
from app.enrolling.sessions import ChangePassword, LogIn
from app.store import tables
from app.store.engine import reading, writing
from app.store.errors import QueueFull
from app.web import believed, sessioncache
from app.web.delays import SPARED, Delays
from app.web.service import Service
from tests.support.cast import Cast
from tests.support.desk import PASSWORD, Browser, at_desk, cheap_hashes, enrolled, new_browser

SESSION = "__Host-onecode-session"
FIELDS = {"login": "insp.a", "password": PASSWORD}


@pytest.fixture(autouse=True)
def _cheap() -> Iterator[None]:
    with cheap_hashes():
        yield


# --- what ends it ---


def test_a_lock_or_another_role_works_at_once(cast: Cast) -> None:
    person = enrolled(cast)
    browser = Browser(cast.client)
    browser.log_in("insp.a")
    assert browser.request("GET", "/api/v1/reports").status_code == 200
    path = f"/persons/{person['id']}"
    changed = cast.admin.patch(path, {"role": "auditor", "region": "3302"})
    assert changed.status_code == 200, changed.text
    assert browser.request("GET", "/api/v1/reports").status_code == 403
    assert browser.request("GET", "/api/v1/audit").status_code == 200
    assert cast.admin.patch(path, {"status": "locked"}).status_code == 200
    assert browser.request("GET", "/api/v1/audit").status_code == 401
    assert browser.request("GET", "/desk/account").status_code == 303
    cast.admin.patch(path, {"status": "active"})
    assert browser.request("GET", "/api/v1/audit").status_code == 200, "the session had not ended"
    told = cast.admin.patch(path, {"new_password": True}).json()
    assert browser.request("GET", "/api/v1/audit").status_code == 401
    assert new_browser(cast).submit("/desk/login", **FIELDS).status_code == 401
    assert new_browser(cast).submit("/desk/login", login="insp.a", password=told["password"]).status_code == 303


def test_the_party_of_a_person_is_locked(cast: Cast) -> None:
    browser = at_desk(cast, "stall.a", "vendor", party_id=cast.other_stall.party["id"])
    assert browser.request("GET", "/api/v1/parties").json()["items"][0]["id"] == cast.other_stall.party["id"]
    cast.admin.patch(f"/parties/{cast.other_stall.party['id']}", {"status": "locked"})
    assert browser.request("GET", "/api/v1/parties").status_code == 401
    refused = new_browser(cast).submit("/desk/login", login="stall.a", password=PASSWORD)
    assert refused.status_code == 403
    assert "已被锁定" in refused.text


def test_logging_out_ends_the_session_itself(cast: Cast) -> None:
    browser = at_desk(cast)
    stolen = Browser(cast.client)
    stolen.jar = dict(browser.jar)
    browser.open("/desk/account")
    assert browser.submit("/desk/logout").status_code == 303
    assert SESSION not in browser.jar
    assert stolen.request("GET", "/api/v1/parties").status_code == 401


def test_sessions_are_listed_and_ended(cast: Cast) -> None:
    one = at_desk(cast)
    two = Browser(cast.client)
    two.log_in("insp.a")
    page = two.open("/desk/account")
    assert page.count('name="session"') == 2
    listed = re.compile(r'name="session" value="([^"]+)"')
    own = listed.findall(page.split("chip ok", 1)[1])[0]
    [other] = {*listed.findall(page)} - {own}
    token = re.search(r'name="csrf-token" content="(\w+)"', page)
    assert token is not None
    assert two.post("/desk/account/sessions", {"csrf": token[1], "session": "x"}).status_code == 403
    answer = two.post("/desk/account/sessions", {"csrf": token[1], "session": other})
    assert answer.status_code == 303
    assert sorted(browser.request("GET", "/api/v1/parties").status_code for browser in (one, two)) == [200, 401]


def test_a_new_password_ends_all_other_sessions(cast: Cast) -> None:
    one = at_desk(cast)
    two = Browser(cast.client)
    two.log_in("insp.a")
    two.open("/desk/account")
    action, new = "/desk/account/password", "quite another one"
    assert two.submit(action, old="wrong one", new=new, again=new).status_code == 401
    assert two.submit(action, old=PASSWORD, new=new, again="x").status_code == 422
    done = two.submit(action, old=PASSWORD, new=new, again=new)
    assert done.headers["location"] == "/desk/account?done=password"
    assert "密码已修改" in two.open(done.headers["location"])
    assert one.request("GET", "/api/v1/parties").status_code == 401
    two.open("/desk/account")
    for n in range(5):
        two.submit(action, old=f"guess {n}", new=PASSWORD, again=PASSWORD)
    assert two.submit(action, old=new, new=PASSWORD, again=PASSWORD).status_code == 429


def test_a_session_ends_by_itself(cast: Cast, service: Service) -> None:
    browser = at_desk(cast)
    session = tables.session
    service.writer.submit(lambda _, commands: commands, None)  # that it was seen has been noted by then
    with reading(service.engine) as snapshot:
        row = snapshot.execute(session.select()).one()
    assert timedelta(0) < row.expires - row.record_time <= timedelta(hours=12)
    for column, value in (("last_seen", row.last_seen - timedelta(hours=3)), ("expires", datetime.now(UTC))):
        with writing(service.engine) as connection:
            connection.execute(session.update().values({column: value}))
        service.sessions.forget_all()
        assert browser.request("GET", "/api/v1/parties").status_code == 401, column
        with writing(service.engine) as connection:
            connection.execute(session.update().values({column: getattr(row, column)}))
        assert browser.request("GET", "/api/v1/parties").status_code == 200
    with writing(service.engine) as connection:
        connection.execute(session.update().values(expires=datetime.now(UTC) - timedelta(seconds=1)))
    Browser(cast.client).log_in("insp.a")
    with reading(service.engine) as snapshot:
        assert len(snapshot.execute(session.select()).all()) == 1, "what has ended is swept away"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_session_that_is_used_lasts(cast: Cast, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = at_desk(cast)
    monkeypatch.setattr(sessioncache, "SEEN_PERIOD", 0.0)
    with reading(service.engine) as snapshot:
        before = snapshot.execute(tables.session.select()).one().last_seen
    browser.request("GET", "/api/v1/parties")
    cast.admin.patch(f"/parties/{cast.stall.party['id']}", {"name": "一号"})  # what was offered before it is written
    with reading(service.engine) as snapshot:
        assert snapshot.execute(tables.session.select()).one().last_seen > before

    def full(*_: object) -> None:
        raise QueueFull("full")

    monkeypatch.setattr(service.writer, "offer", full)
    assert browser.request("GET", "/api/v1/parties").status_code == 200
    monkeypatch.setattr(service.sessions, "_feed_age", lambda: believed.STALE + 1)
    assert browser.request("GET", "/api/v1/parties").status_code == 200, "read anew where the feed cannot be"
    sessioncache._noted(ValueError("not noted"))


# --- one-time codes ---


def with_codes(cast: Cast) -> tuple[Browser, TOTP, list[str]]:
    """A person who has turned them on."""
    browser = at_desk(cast)
    browser.open("/desk/account")
    assert browser.submit("/desk/account/codes/start").headers["location"] == "/desk/account?codes=new"
    page = browser.open("/desk/account?codes=new")
    secret = re.search(r'<p class="mono">([A-Z2-7]{32})</p>', page)
    assert secret is not None
    totp = TOTP(secret[1])
    assert browser.submit("/desk/account/codes/confirm", code="000000").status_code == 401
    page = browser.open("/desk/account?codes=new")
    assert secret[1] in page
    shown = browser.submit("/desk/account/codes/confirm", code=totp.now())
    recovery = re.findall(r"<li>([0-9a-f-]{19})</li>", shown.text)
    assert len(recovery) == 8, shown.text
    assert "<li>" + recovery[0] not in browser.open("/desk/account"), "shown once"
    return browser, totp, recovery


def next_code(service: Service, totp: TOTP) -> str:
    """A code of a step that was not used: as if half a minute had passed."""
    with writing(service.engine) as connection:
        connection.execute(tables.person.update().values(totp_step=0))
    return totp.now()


def test_a_code_is_asked_for_and_taken_once(cast: Cast, service: Service) -> None:
    _, totp, _ = with_codes(cast)
    browser = Browser(cast.client)
    answer = browser.log_in("insp.a", next="/desk/audit")
    assert answer.headers["location"] == "/desk/login/code?next=%2Fdesk%2Faudit"
    half = browser.jar[SESSION]
    assert browser.request("GET", "/api/v1/parties").status_code == 401, "half a login is none"
    browser.open("/desk/login/code?next=%2Fdesk%2Faudit")
    seen = totp.now()
    assert browser.submit("/desk/login/code", code=seen).status_code == 401, "it was used when codes were turned on"
    code = next_code(service, totp)
    done = browser.submit("/desk/login/code", code=f"{code[:3]} {code[3:]}")
    assert (done.status_code, done.headers["location"]) == (303, "/desk/audit")
    assert browser.jar[SESSION] != half
    assert browser.request("GET", "/api/v1/parties").status_code == 200
    replayed = Browser(cast.client)
    replayed.log_in("insp.a")
    replayed.open("/desk/login/code")
    assert replayed.submit("/desk/login/code", code=code).status_code == 401
    old = Browser(cast.client)
    old.jar[SESSION] = half
    assert old.post("/desk/login/code", {"code": code}).status_code == 303, "that half is over"


def test_a_recovery_code_works_once(cast: Cast) -> None:
    _, _, recovery = with_codes(cast)
    for status in (303, 401):
        browser = Browser(cast.client)
        browser.log_in("insp.a")
        browser.open("/desk/login/code")
        assert browser.submit("/desk/login/code", code=recovery[0].upper()).status_code == status


def test_codes_are_not_guessed(cast: Cast, service: Service) -> None:
    _, totp, _ = with_codes(cast)
    browser = Browser(cast.client)
    browser.log_in("insp.a")
    browser.open("/desk/login/code")
    statuses = [browser.submit("/desk/login/code", code=f"{n:06}").status_code for n in range(6)]
    assert statuses == [401] * 5 + [429]
    other = Browser(cast.client)
    other.log_in("insp.a")
    other.open("/desk/login/code")
    assert other.submit("/desk/login/code", code=next_code(service, totp)).status_code == 429, "nor in another browser"


def test_codes_are_turned_off_by_who_has_one_or_by_the_operator(cast: Cast, service: Service) -> None:
    browser, totp, _ = with_codes(cast)
    token = re.search(r'name="csrf-token" content="(\w+)"', browser.open("/desk/account"))
    assert token is not None
    assert browser.post("/desk/account/codes/start", {"csrf": token[1]}).status_code == 409
    assert browser.post("/desk/account/codes/confirm", {"csrf": token[1], "code": "1"}).status_code == 409
    assert browser.post("/desk/account/codes/stop", {"csrf": token[1], "code": "1"}).status_code == 401
    code = next_code(service, totp)
    assert browser.post("/desk/account/codes/stop", {"csrf": token[1], "code": code}).status_code == 303
    browser.open("/desk/account")
    browser.submit("/desk/account/codes/start")
    page = browser.open("/desk/account?codes=new")
    assert totp.secret not in page, "another secret than before"
    fresh = re.search(r'<p class="mono">([A-Z2-7]{32})</p>', page)
    assert fresh is not None
    browser.submit("/desk/account/codes/confirm", code=TOTP(fresh[1]).now())
    [person] = cast.admin.get("/persons").json()["items"]
    assert person["one_time_codes"] is True
    cast.admin.patch(f"/persons/{person['id']}", {"forget_codes": True})
    assert Browser(cast.client).log_in("insp.a").headers["location"] == "/desk"


def test_a_code_does_not_stand_in_for_a_new_password(cast: Cast, service: Service) -> None:
    _, totp, _ = with_codes(cast)
    [person] = cast.admin.get("/persons").json()["items"]
    password = cast.admin.patch(f"/persons/{person['id']}", {"new_password": True}).json()["password"]
    browser = Browser(cast.client)
    browser.log_in("insp.a", password)
    browser.open("/desk/login/code")
    answer = browser.submit("/desk/login/code", code=next_code(service, totp))
    assert answer.headers["location"].startswith("/desk/login/password")
    assert browser.request("GET", "/api/v1/parties").status_code == 401


def test_a_hash_of_other_days_is_made_anew(cast: Cast, service: Service) -> None:
    enrolled(cast)

    def kept() -> str:
        with reading(service.engine) as snapshot:
            return str(snapshot.execute(tables.person.select()).one().password_hash)

    before = kept()
    with cheap_hashes():
        passwords._hasher = type(passwords._hasher)(time_cost=2, memory_cost=16, parallelism=1)
        assert Browser(cast.client).log_in("insp.a").status_code == 303
        assert kept() != before
        assert "m=16,t=2" in kept()
        assert Browser(cast.client).log_in("insp.a").status_code == 303


def test_a_password_that_changes_while_it_is_compared_opens_nothing(cast: Cast, service: Service) -> None:
    person = enrolled(cast)
    with pytest.raises(Unauthenticated):
        service.writer.submit(sessions.log_in, LogIn(UUID(person["id"]), "another hash", None))
    with pytest.raises(Unauthenticated):
        service.writer.submit(
            sessions.change_passwords, ChangePassword(UUID(person["id"]), "another hash", "new", None, b"")
        )


def test_without_an_issuer_there_is_no_such_door(cast: Cast) -> None:
    assert "/desk/login/oidc" not in Browser(cast.client).open("/desk/login")
    assert Browser(cast.client).request("GET", "/desk/login/oidc").status_code == 404
    assert Browser(cast.client).request("GET", "/desk/login/oidc/callback?code=x&state=y").status_code == 404


def test_the_page_of_a_code_shows_more_to_who_has_logged_in(cast: Cast) -> None:
    item = {"product_id": cast.product("大白菜")["id"], "quantity": {"value": "5", "unit": "斤"}}
    source = {"name": "路边菜农", "contact": "13900000000", "address": "桐庐县"}
    [goods] = cast.stall.record("receive", **{"from": source, "items": [item]})["outputs"]
    browser = at_desk(cast)
    page = browser.open(f"/c/{goods['code']}")
    assert "13900000000" in page
    assert "2500" in page
    assert f"/desk/trace?q={goods['code']}&amp;direction=back" in page
    public = cast.public.get(f"/c/{goods['code']}", headers={"Accept": "text/html"}).text
    assert "13900000000" not in public
    assert "/desk" not in public
    site = browser.open(f"/c/{cast.stall.site['code']}")
    assert "/desk/trace" in site


def test_a_step_of_the_login_is_for_who_has_come_to_it(cast: Cast) -> None:
    browser = at_desk(cast)
    token = re.search(r'name="csrf-token" content="(\w+)"', browser.open("/desk/account"))
    assert token is not None
    for step in ("code", "password"):
        answer = browser.post(f"/desk/login/{step}", {"csrf": token[1], "code": "123456"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk/login"), step
        assert browser.request("GET", f"/desk/login/{step}").status_code == 303


def test_addresses_that_guess_are_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    delays = Delays(lambda: now[0])
    for _ in range(SPARED + 5):
        delays.begin("a")
    with pytest.raises(TooMany):
        delays.begin("a")
    now[0] = 3_700.0
    delays.begin("a")
    delays.right("a")
    monkeypatch.setattr("app.web.delays.CAPACITY", 2)
    for client in ("b", "c", "d"):
        delays.begin(client)
    assert len(delays._failures) == 2
