"""The desk in a browser: 1440 and 390 px, by day and by night, without a script; a recall from first click to last."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from app.domain.rights import Role
from app.enrolling.keys import OPERATOR
from app.enrolling.passwords import hashed
from app.enrolling.persons import EnrolPerson, enrol_persons
from app.settings import Settings
from app.web.desk.deliveries import SHOWN
from app.web.service import Service
from tests.browser.test_access import RULES
from tests.browser.viewing import fits, shot
from tests.support.desk import PASSWORD, cheap_hashes
from tests.support.epcis import captured, document, event
from tests.support.story import Story

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
VIEWS: dict[str, dict[str, Any]] = {
    "wide-dark-zh": {"viewport": WIDE, "color_scheme": "dark", "locale": "zh-CN"},
    "wide-light-en": {"viewport": WIDE, "color_scheme": "light", "locale": "en-GB"},
    "phone-light-zh": {"viewport": NARROW, "color_scheme": "light", "locale": "zh-CN"},
    "phone-dark-en": {"viewport": NARROW, "color_scheme": "dark", "locale": "en-GB"},
}
PLACES = (
    "", "/alerts", "/complaints?state=", "/recalls", "/recalls/new", "/trace", "/coverage",
    "/coverage/rows?measure=chains_complete", "/findings", "/tests", "/cases", "/account",
)  # fmt: skip


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A browser takes cookies that are for https alone over https alone."""
    return settings.model_copy(update={"public_url": "http://127.0.0.1"})


@pytest.fixture
def people(service: Service) -> Iterator[None]:
    with cheap_hashes():
        people = (("insp.a", Role.REGULATOR, "33"), ("audit.a", Role.AUDITOR, "33"), ("op.a", Role.ADMIN, None))
        for login, role, region in people:
            person = EnrolPerson(
                OPERATOR, login, "值班员", role, None, region, None, hashed(PASSWORD), must_change=False
            )
            service.writer.submit(enrol_persons, person)
        yield


@contextmanager
def at_desk(
    browser: Browser, address: str, view: str, login: str = "insp.a", *, script: bool = False
) -> Iterator[tuple[Page, list[str]]]:
    """A page of somebody who has logged in, and what the browser complained of."""
    context = browser.new_context(java_script_enabled=script, **VIEWS[view])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "goo.gl/9p2vKq" not in message.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/desk")
    page.locator("#login").fill(login)
    page.locator("#password").fill(PASSWORD)
    page.locator("main button").click()
    expect(page.locator("nav.places")).to_be_visible()
    yield page, complaints
    context.close()


@pytest.mark.parametrize("view", VIEWS)
def test_every_page_is_for_everybody(
    browser: Browser, address: str, codes: dict[str, str], people: None, view: str
) -> None:
    axe = Axe()
    found: list[str] = []
    with at_desk(browser, address, view, script=True) as (page, complaints):
        listed = {}
        for name in ("alerts", "complaints?state="):
            page.goto(f"{address}/desk/{name}")
            link = page.locator("tbody th a")
            if link.count():
                listed[name] = link.first.get_attribute("href")
        paths = [f"/desk{place}" for place in PLACES] + [path for path in listed.values() if path]
        paths += [f"/desk/trace?q={codes['dish']}&direction=back", f"/desk/trace?q={codes['gap']}", "/desk/nothing"]
        for path in paths:
            page.goto(f"{address}{path}")
            if path == "/desk/nothing":
                continue
            assert fits(page), (path, view)
            shot(page, f"desk{re.sub(r'[^a-z]+', '-', path[5:40])}-{view}")
            found += _faults(axe, page, path)
    with at_desk(browser, address, view, "audit.a", script=True) as (page, more):
        assert fits(page)
        shot(page, f"desk-audit-{view}")
        found += _faults(axe, page, "/desk/audit")
    with at_desk(browser, address, view, "op.a", script=True) as (page, yet_more):
        more += yet_more
        page.goto(f"{address}/desk/persons")
        found += _looked(axe, page, "/desk/persons", view)
        page.goto(page.locator("tbody th a").first.evaluate("link => link.href"))
        found += _looked(axe, page, "/desk/persons/one", view)
    context = browser.new_context(**VIEWS[view])
    page = context.new_page()
    page.goto(f"{address}/desk/login")
    shot(page, f"desk-login-{view}")
    found += _faults(axe, page, "/desk/login")
    context.close()
    assert found == []
    assert [line for line in complaints + more if "404" not in line] == []


@pytest.mark.parametrize("view", VIEWS)
def test_deliveries_of_one_sender(
    browser: Browser, address: str, story: Story, service: Service, people: None, view: str
) -> None:
    """Two of the same sender, one of more goods than a page is good for, with names as long as somebody likes."""
    market = story.enrol("market", "银川新华街市场", "market", "market", region="640104")
    assert story.admin.patch(f"/sites/{market.site['id']}", {"gln": "6901234500028"}).status_code == 200
    maker = story.enrol("producer", "中宁辣椒酱厂", "processor", None, region="640521")
    place = "https://id.gs1.org/414/6901234500011"
    to = [{"type": "location", "destination": "https://id.gs1.org/414/6901234500028"}]
    lots = [f"https://id.gs1.org/01/06901234567892/10/L{n}" for n in range(SHOWN + 5)]
    sent = [
        event(
            "Object", hours, "shipping", at=place, destinationList=to, quantityList=[{"epcClass": lot} for lot in some]
        )
        for hours, some in ((3, lots), (2, lots[:1]))
    ]
    captured(maker, document(*sent, Location={place: "<b>仓" * 40}, EPCClass={lots[0]: "W" * 200}))
    party = UUID(market.party["id"])
    gate = EnrolPerson(
        OPERATOR, "gate.a", "收货员", Role.MARKET, party, None, None, hashed(PASSWORD), must_change=False
    )
    service.writer.submit(enrol_persons, gate)
    with at_desk(browser, address, view, "gate.a", script=True) as (page, complaints):
        page.goto(f"{address}/desk/deliveries")
        expect(page.locator("article li")).to_have_count(SHOWN + 1)
        expect(page.locator("article b", has_text="仓")).to_have_count(0)
        assert _looked(Axe(), page, "/desk/deliveries", view) == []
        repeated = Axe().run(page, options={"runOnly": ["landmark-unique"]}).response["violations"]
        assert (repeated, complaints) == ([], [])


def _looked(axe: Axe, page: Page, path: str, view: str) -> list[str]:
    assert fits(page), (path, view)
    shot(page, f"desk{path[5:].replace('/', '-')}-{view}")
    return _faults(axe, page, path)


def _faults(axe: Axe, page: Page, path: str) -> list[str]:
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    found = axe.run(page, options=options).response["violations"]
    return [f"{path}: {fault['id']}: {node['html'][:160]}" for fault in found for node in fault["nodes"]]


def test_a_person_is_enrolled_by_hand(browser: Browser, address: str, people: None) -> None:
    with at_desk(browser, address, "phone-light-zh", "op.a") as (page, _):
        page.goto(f"{address}/desk/persons?lang=en")
        page.get_by_label("Login name").fill("insp.new")
        page.get_by_label("Name", exact=True).fill("新来的")
        page.get_by_label("Region (regulators, auditors)").fill("330106")
        page.get_by_role("button", name="Enrol").click()
        expect(page.get_by_role("status")).to_contain_text("not shown again")
        shot(page, "desk-persons-password-phone-light-en")
        assert fits(page)


def test_nothing_runs_and_nobody_else_is_asked(browser: Browser, address: str, people: None) -> None:
    with at_desk(browser, address, "wide-dark-zh") as (page, _):
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/desk")
        assert [url for url in asked if not url.startswith((address, "data:"))] == []
        assert page.locator("script").count() == 0


def test_a_login_by_keyboard_and_what_a_wrong_one_says(browser: Browser, address: str, people: None) -> None:
    context = browser.new_context(java_script_enabled=False, **VIEWS["wide-light-en"])
    page = context.new_page()
    page.goto(f"{address}/desk/trace?q=x")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.get_by_label("Login name").fill("insp.a")
    page.get_by_label("Password").fill("not the password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    expect(page.get_by_label("Login name")).to_have_value("insp.a")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/desk/trace\?q=x$"))
    page.goto(f"{address}/desk")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.goto(f"{address}/desk/alerts")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    context.close()


def test_another_site_cannot_send_its_forms(browser: Browser, address: str, people: None) -> None:
    """A page at another name of this machine posts what a button of the desk posts."""
    with at_desk(browser, address, "wide-light-en") as (page, _):
        elsewhere = address.replace("127.0.0.1", "localhost")
        page.route(f"{elsewhere}/evil", lambda route: route.fulfill(
            content_type="text/html",
            body=f'<form method="post" action="{address}/desk/account/sessions"><button>prize</button></form>',
        ))  # fmt: skip
        page.goto(f"{elsewhere}/evil")
        page.get_by_role("button", name="prize").click()
        page.goto(f"{address}/desk/account")
        expect(page.get_by_role("heading", name="My account")).to_be_visible()


@pytest.mark.parametrize("view", ["wide-dark-zh", "phone-light-zh"])
def test_a_recall_by_mouse(browser: Browser, address: str, codes: dict[str, str], people: None, view: str) -> None:
    with at_desk(browser, address, view) as (page, complaints):
        page.get_by_role("link", name="召回", exact=True).click()
        page.get_by_role("link", name="发起召回").click()
        page.get_by_label("召回名称").fill("卤味 上海青 YS-0301")
        page.get_by_label("级别").select_option("I")
        page.get_by_label("原因", exact=True).fill("农药残留超标")
        page.get_by_label("危害").fill("恶心、腹痛")
        page.get_by_label("编码（每行一个）").fill(codes["lot"])
        page.get_by_label("姓名").fill("某某")
        page.get_by_role("button", name="演练").click()
        expect(page.get_by_role("status")).to_have_text("演练已完成，请核对范围。")
        expect(page.locator("main")).to_contain_text("对外没有任何显示")
        shot(page, f"desk-recall-mock-{view}")
        page.get_by_role("button", name="启动召回").click()
        expect(page.locator("main")).to_contain_text("对外没有任何显示")  # it has to be ticked first
        page.get_by_label("已核对范围").check()
        page.get_by_role("button", name="启动召回").click()
        expect(page.get_by_role("status")).to_have_text("召回已启动。")
        shot(page, f"desk-recall-live-{view}")
        assert fits(page)
        recall = page.url.partition("?")[0]
        page.goto(f"{address}/c/{codes['batch']}")
        expect(page.get_by_role("status")).to_contain_text("召回")
        page.goto(recall)
        page.get_by_text("扩大或缩小范围").click()
        page.get_by_label("编码（每行一个）").fill(codes["gap"])
        page.get_by_label("变更理由").fill("同一摊位的另一批也超标")
        page.get_by_role("button", name="变更范围").click()
        expect(page.get_by_role("status")).to_have_text("范围已变更。")
        page.goto(f"{address}/c/{codes['gap']}")
        expect(page.get_by_role("status")).to_contain_text("召回")
        page.goto(recall)
        page.get_by_text("结束召回").click()
        page.get_by_label("结论").select_option("completed")
        page.get_by_label("总结").fill("已全部追回销毁")
        page.get_by_role("button", name="结束", exact=True).click()
        expect(page.get_by_role("status")).to_have_text("召回已结束。")
        expect(page.locator("main")).to_contain_text("已全部追回销毁")
        shot(page, f"desk-recall-closed-{view}")
        assert complaints == []
