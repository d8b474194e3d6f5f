"""Boards on the screens that they hang on: a hall's at five metres, a scale's second one; and how they keep up."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from app.store.engine import open_engine
from app.store.writer import Writer
from app.web import screens
from app.web.service import Service
from tests.browser.conftest import ARTEFACTS
from tests.browser.viewing import Seen, fits
from tests.scanning.hall import Hall, busy_morning, crowd, open_hall
from tests.support.cast import operator_key
from tests.support.databases import Database
from tests.support.server import free_port, serving
from tests.support.story import Story

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]

HALL, SCALE = {"width": 1920, "height": 1080}, {"width": 800, "height": 480}
SCREENS: dict[str, dict[str, Any]] = {
    "hall-zh": {"viewport": HALL, "locale": "zh-CN"},
    "hall-dark": {"viewport": HALL, "locale": "zh-CN", "color_scheme": "dark"},
    "hall-en": {"viewport": HALL, "locale": "en-GB"},
    "scale-zh": {"viewport": SCALE, "locale": "zh-CN"},
    "scale-dark-en": {"viewport": SCALE, "locale": "en-GB", "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "locale": "zh-CN", "device_scale_factor": 2},
    "tall": {"viewport": {"width": 1080, "height": 1920}, "locale": "en-GB", "color_scheme": "dark"},
}


@pytest.fixture
def hall(story: Story) -> Hall:
    return busy_morning(story)


@contextmanager
def opened(browser: Browser, url: str, screen: str, **options: Any) -> Iterator[Seen]:
    context = browser.new_context(**SCREENS[screen] | options)
    page = context.new_page()
    seen = Seen(page)
    page.on("request", lambda request: seen.asked.append(request.url))
    page.on("console", lambda message: seen.complaints.append(message.text))
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    answer = page.goto(url)
    assert answer is not None
    assert answer.status == 200
    yield seen
    context.close()


def shot(page: Page, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png")


def tile(page: Page, name: str) -> Any:
    return page.locator(".tiles li", has_text=name)


def test_every_screen_shows_it_whole_and_asks_nobody_else(browser: Browser, address: str, hall: Hall) -> None:
    hall.test(hall.on_sale[4], "71", 0.9)
    boards = {"market": hall.market.site["code"], "stall": hall.stalls[2].site["code"]}
    for screen in SCREENS:
        for name, code in boards.items():
            with opened(browser, f"{address}/boards/{code}", screen) as seen:
                expect(seen.page.locator("#clock")).to_have_text(
                    time.strftime("%H:%M", time.gmtime(time.time() + 28800))
                )
                shot(seen.page, f"board-{name}-{screen}")
                assert fits(seen.page), (name, screen)
                assert seen.complaints == [], (name, screen)
                assert [url for url in seen.asked if not url.startswith((address, "data:"))] == []
                expect(seen.page.locator(".notices")).to_be_in_viewport(ratio=1)
                if "hall" in screen or "scale" in screen:  # nothing to scroll to: nobody is there to do it
                    assert seen.page.evaluate("document.documentElement.scrollHeight <= innerHeight"), (name, screen)


def test_it_is_read_at_five_metres(browser: Browser, address: str, hall: Hall) -> None:
    """On a screen of 55 inches a pixel of 1080p is 0.63 mm: names of 30 pixels are 19 mm, and those of goods off sale
    more; a screen of seven inches before one's eyes has its names as large as a newspaper's headlines."""
    hall.test(hall.on_sale[4], "71", 0.9)

    def pixels(page: Page, selector: str) -> float:
        return float(page.locator(selector).first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)"))

    with opened(browser, f"{address}/boards/{hall.market.site['code']}", "hall-zh") as seen:
        assert pixels(seen.page, ".notices strong") >= 40
        assert pixels(seen.page, ".totals b") >= 48
        for names in (".tiles b", ".lists h3"):
            assert pixels(seen.page, names) >= 30, names
    # Names stay as large where they stand among words of another language, and no tile's words are cut.
    with opened(browser, f"{address}/boards/{hall.market.site['code']}", "hall-en") as seen:
        assert pixels(seen.page, ".tiles b span") >= 30
        assert pixels(seen.page, ".lists h3 span") >= 30
        cut = "all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.innerText)"
        assert seen.page.locator(".tiles i").evaluate_all(cut) == []
    with opened(browser, f"{address}/boards/{hall.stalls[2].site['code']}", "scale-zh") as seen:
        assert pixels(seen.page, ".goods h3") >= 24
        symbol = seen.page.locator(".qr svg").bounding_box()
        assert symbol is not None
        assert symbol["width"] >= 180


def test_a_large_market_fits_one_screen(browser: Browser, address: str, hall: Hall) -> None:
    crowd(hall, 76 - len(hall.stalls))
    with opened(browser, f"{address}/boards/{hall.market.site['code']}", "hall-zh") as seen:
        shot(seen.page, "board-crowd")
        tiles = seen.page.locator(".tiles li")
        expect(tiles).to_have_count(76)
        expect(tiles.last).to_be_in_viewport(ratio=1)


def test_a_failed_test_turns_the_open_board_red_within_two_seconds(browser: Browser, address: str, hall: Hall) -> None:
    goods = hall.on_sale[4]
    with opened(browser, f"{address}/boards/{hall.market.site['code']}", "hall-zh") as seen:
        page = seen.page
        expect(tile(page, "3号摊 蔬菜").first).to_have_class("k-incomplete")
        page.evaluate("window.untouched = true")
        expect(page.locator(".notices")).to_have_count(0)
        hall.test(goods, "71", 0.9)
        began = time.monotonic()
        expect(page.locator(".notices")).to_contain_text("暂停销售：番茄", timeout=2_000)
        expect(tile(page, "3号摊 蔬菜").first).to_have_class("k-held", timeout=2_000)
        assert time.monotonic() - began < 2
        expect(page.locator(".lists h3").first).to_have_text("番茄")
        assert page.evaluate("window.untouched") is True, "without loading the page anew"


def test_without_script_it_loads_itself_again(browser: Browser, address: str, hall: Hall) -> None:
    with opened(browser, f"{address}/boards/{hall.market.site['code']}", "hall-zh", java_script_enabled=False) as seen:
        expect(seen.page.locator("noscript meta")).to_have_attribute("content", "30")
        expect(seen.page.locator(".tiles li")).to_have_count(16)
        assert len([url for url in seen.asked if url.startswith(address)]) == 1


def test_a_long_list_turns_its_pages(browser: Browser, address: str, hall: Hall) -> None:
    with opened(browser, f"{address}/boards/{hall.market.site['code']}", "hall-zh") as seen:
        page = seen.page
        page.clock.install()
        page.reload()
        rows = page.locator("section[aria-labelledby=arrived] li")
        assert rows.count() > 10
        seen_rows: set[str] = set()
        for _ in range(rows.count()):
            visible = [text for row in rows.all() if row.is_visible() for text in [row.inner_text()]]
            assert len(visible) >= 2
            seen_rows |= set(visible)
            page.clock.run_for(9_100)
        assert len(seen_rows) == rows.count(), "every row had its turn"


def test_it_says_when_it_has_lost_the_service_and_comes_back(browser: Browser, address: str, hall: Hall) -> None:
    with opened(browser, f"{address}/boards/{hall.market.site['code']}", "hall-zh") as seen:
        page = seen.page
        expect(page.locator(".lost")).to_be_hidden()
        page.clock.install()
        page.reload()
        page.context.set_offline(True)
        page.clock.run_for(45_000)
        expect(page.locator(".lost")).to_be_visible()
        hall.test(hall.on_sale[4], "71", 0.9)
        page.context.set_offline(False)
        deadline = time.monotonic() + 20
        while page.locator(".notices").count() == 0 and time.monotonic() < deadline:
            page.clock.run_for(3_000)
            page.wait_for_timeout(100)
        expect(page.locator(".notices")).to_be_visible()
        page.clock.run_for(2_000)
        expect(page.locator(".lost")).to_be_hidden()


def test_it_lives_through_restarts_of_the_service(browser: Browser, database: Database, tmp_path: Path) -> None:
    """Stopped in order, or by a power cut: the page is back by itself, with what has changed, and watches once."""
    port = free_port()
    code, weights = "", []
    with ExitStack() as stack:
        server = stack.enter_context(serving(tmp_path, database.url, port=port))
        client = stack.enter_context(httpx2.Client(base_url=server.url, timeout=30))
        hall = open_hall(Story(client, operator_key_of(database)))
        goods = hall.deliver(hall.harvest("番茄", "HD-03"), hall.stalls[0])
        code = hall.market.site["code"]
        page = stack.enter_context(opened(browser, f"{server.url}/boards/{code}", "hall-zh")).page
        devtools = page.context.new_cdp_session(page)
        page.evaluate("window.untouched = true")
        for round in range(3):
            if round % 2:
                server.kill()
            else:
                server.signal(signal.SIGTERM)
                server.process.join(10)
            server = stack.enter_context(serving(tmp_path, database.url, port=port))
            held = hall.market.record("hold", custody_id=goods["custody_id"], scope="custody", reason=f"抽检{round}")
            expect(page.locator(".notices")).to_contain_text(f"抽检{round}", timeout=30_000)
            hall.market.record("release", hold_event_id=held["id"], reason="合格")
            expect(page.locator(".notices")).to_have_count(0, timeout=30_000)
            expect(page.locator(".lost")).to_be_hidden()
            assert "onecode_screens_open 1" in client.get("/metrics").text
            for _ in range(20):  # what was just replaced may outlive a collection or two
                devtools.send("HeapProfiler.collectGarbage")
                weight = devtools.send("Memory.getDOMCounters")
                if not weights or weight["nodes"] <= weights[0]["nodes"] * 1.2 + 50:
                    break
                page.wait_for_timeout(250)
            weights.append(weight)
        assert page.evaluate("window.untouched") is True, "without loading the page anew"
        assert weights[-1]["nodes"] <= weights[0]["nodes"] * 1.2 + 50, weights
        assert weights[-1]["jsEventListeners"] <= weights[0]["jsEventListeners"] + 2, weights


def operator_key_of(database: Database) -> str:
    engine = open_engine(database.url)
    writer = Writer(engine)
    try:
        return operator_key(writer)
    finally:
        writer.close()
        engine.dispose()


def test_beyond_the_limit_a_screen_asks_by_itself(
    browser: Browser, address: str, hall: Hall, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.boards.limit = 0
    with opened(browser, f"{address}/boards/{hall.market.site['code']}", "hall-zh") as seen:
        page = seen.page
        page.clock.install()
        page.reload()
        hall.test(hall.on_sale[4], "71", 0.9)
        deadline = time.monotonic() + 20
        while page.locator(".notices").count() == 0 and time.monotonic() < deadline:
            page.clock.run_for(31_000)
            page.wait_for_timeout(500)
        expect(page.locator(".notices")).to_be_visible()


def test_a_day_of_changes_leaves_nothing_behind(
    browser: Browser, address: str, hall: Hall, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred changes: as much is in the page, and in the service, after the last as after the fiftieth."""
    monkeypatch.setattr(screens, "GAP", 0.0)
    goods = hall.on_sale[4]
    with opened(browser, f"{address}/boards/{hall.stalls[2].site['code']}", "scale-zh") as seen:
        page = seen.page
        devtools = page.context.new_cdp_session(page)

        def change() -> None:
            before = page.locator("#board").get_attribute("data-tag")
            held = hall.market.record("hold", custody_id=goods["custody_id"], scope="custody", reason="抽检")
            expect(page.locator("#board")).not_to_have_attribute("data-tag", before or "")
            between = page.locator("#board").get_attribute("data-tag")
            hall.market.record("release", hold_event_id=held["id"], reason="合格")
            expect(page.locator("#board")).not_to_have_attribute("data-tag", between or "")

        def weight() -> dict[str, float]:
            devtools.send("HeapProfiler.collectGarbage")
            counters = devtools.send("Memory.getDOMCounters")
            heap = devtools.send("Runtime.getHeapUsage")["usedSize"]
            return {"nodes": counters["nodes"], "listeners": counters["jsEventListeners"], "heap": heap}

        for _ in range(25):
            change()
        early = weight()
        for _ in range(75):
            change()
        late = weight()
        # A board that has just been replaced may not be collected yet; seventy-five of them would show.
        assert late["nodes"] <= early["nodes"] * 3, (early, late)
        assert late["listeners"] <= early["listeners"] + 2
        assert late["heap"] <= early["heap"] * 1.25 + 200_000, (early, late)
        assert service.boards.screens == 1
        assert len(service.boards.kept()) <= 1
        assert seen.complaints == []
    deadline = time.monotonic() + 5
    while service.boards.screens and time.monotonic() < deadline:
        time.sleep(0.05)
    assert service.boards.screens == 0, "a closed page watches nothing"
