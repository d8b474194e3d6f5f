"""The kiosk as it stands in a hall: portrait, large type, a scanner for a keyboard, and somebody who walks away."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.viewing import fits, shot
from tests.support.story import Story

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]

TALL = {"width": 1080, "height": 1920}
VIEWS: dict[str, dict[str, Any]] = {
    "zh": {"viewport": TALL, "locale": "zh-CN"},
    "dark-en": {"viewport": TALL, "locale": "en-GB", "color_scheme": "dark"},
}


def standing(browser: Browser, view: str = "zh", **options: Any) -> BrowserContext:
    return browser.new_context(**VIEWS[view] | options)


def test_every_page_of_it_fits_and_asks_nobody_else(browser: Browser, address: str, codes: dict[str, str]) -> None:
    for view in VIEWS:
        context = standing(browser, view)
        page = context.new_page()
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.on("console", lambda message, complaints=complaints: complaints.append(message.text))
        page.on("pageerror", lambda error, complaints=complaints: complaints.append(str(error)))
        pages = {"start": "/kiosk", "none": "/kiosk?q=6901234567007", "batch": f"/kiosk/{codes['batch']}"}
        pages |= {name: f"/kiosk/{codes[name]}" for name in ("held", "receipt", "stall", "gap", "slip", "party")}
        for name, path in pages.items():
            page.goto(address + path)
            shot(page, f"kiosk-{name}-{view}")
            assert fits(page), (name, view)
            expect(page.locator("#q")).to_be_focused()
            expect(page.locator("#q")).to_be_in_viewport(ratio=1)
            size = page.locator("main").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
            assert size >= 24, (name, view)
        assert [url for url in asked if not url.startswith((address, "data:"))] == []
        assert complaints == ["Failed to load resource: the server responded with a status of 404 (Not Found)"], "none"
        context.close()


def test_its_headline_breaks_between_words_alone(browser: Browser, address: str) -> None:
    for viewport in (TALL, {"width": 1920, "height": 1080}, {"width": 768, "height": 1024}):
        context = standing(browser, viewport=viewport)
        page = context.new_page()
        page.goto(f"{address}/kiosk")
        lines = page.locator("h1").evaluate("""heading => {
            const text = heading.firstChild, found = {};
            for (let i = 0; i < text.length; i++) {
                const range = document.createRange();
                range.setStart(text, i);
                range.setEnd(text, i + 1);
                const top = range.getBoundingClientRect().top;
                found[top] = (found[top] || "") + text.data[i];
            }
            return Object.values(found).map(line => line.trim()).filter(line => line);
        }""")
        assert lines == ["请把条码或二维码", "对准扫描口"], viewport
        context.close()


def test_a_scanner_tells_where_an_element_string_ends(browser: Browser, address: str) -> None:
    context = standing(browser)
    page = context.new_page()
    page.goto(f"{address}/kiosk")
    page.keyboard.type("]d2010690123456789210A1")
    page.keyboard.press("Control+]")
    page.keyboard.type("21S")
    expect(page.locator("#q")).to_have_value("]d2010690123456789210A1\u241d21S")
    context.close()


def test_a_scanner_finds_and_the_next_one_is_found_from_there(
    browser: Browser, address: str, codes: dict[str, str], story: Story
) -> None:
    context = standing(browser)
    page = context.new_page()
    page.goto(f"{address}/kiosk")
    page.keyboard.type(codes["batch"])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/kiosk/{codes['batch']}$"))
    expect(page.get_by_role("status")).to_contain_text("来源可查")
    # Somebody has touched the page meanwhile: what the scanner types still gets where it belongs.
    page.locator("h2").first.click()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.type(f"HTTPS://FOOD.EXAMPLE.CN/C/{codes['held']}")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/kiosk/{codes['held']}$"))
    expect(page.get_by_role("status")).to_contain_text("暂停销售")
    expect(page.get_by_role("heading", name="怎么办")).to_be_in_viewport(ratio=1)
    # The same again, as people do: it is looked up anew.
    page.evaluate("window.before = true")
    page.keyboard.type(codes["held"].lower())
    page.keyboard.press("Enter")
    page.wait_for_function("window.before === undefined")
    expect(page).to_have_url(re.compile(f"/kiosk/{codes['held']}$"))
    # A barcode of goods: their lots, and one of them by a finger.
    noodles = story.product("手工面", "noodles", "count", gtin="6901234567892", grams_per_piece=500)
    plant = story.enrol("producer", "面厂", "processor", "plant", region="330105")
    lots = [story.output(noodles, "20", "pcs", lot_number=number) for number in ("MT-1", "MT-2")]
    plant.record("produce", outputs=lots)
    page.keyboard.type("6901234567892")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("找到 2 项")
    shot(page, "kiosk-matches-zh")
    page.get_by_role("link", name="MT-2").click()
    expect(page.get_by_role("status")).to_contain_text("来源可查")
    context.close()


def test_it_goes_back_to_its_start_when_nobody_is_there(browser: Browser, address: str, codes: dict[str, str]) -> None:
    context = standing(browser)
    page = context.new_page()
    page.clock.install()
    page.goto(f"{address}/kiosk/{codes['batch']}?lang=en")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.clock.run_for(50_000)
    page.mouse.move(300, 900)  # somebody reads on
    page.clock.run_for(50_000)
    expect(page).to_have_url(re.compile(f"/kiosk/{codes['batch']}"))
    page.keyboard.type("B-12")  # and begins to type
    page.clock.run_for(50_000)
    expect(page.locator("#q")).to_have_value("B-12")
    page.clock.run_for(15_000)
    expect(page).to_have_url(f"{address}/kiosk")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")  # the next one is met in the hall's language
    page.clock.install()
    page.reload()
    page.keyboard.type("690123")
    page.clock.run_for(65_000)
    expect(page.locator("#q")).to_have_value("")
    context.close()


def test_without_script_it_is_a_form(browser: Browser, address: str, codes: dict[str, str]) -> None:
    context = standing(browser, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/kiosk")
    page.locator("#q").fill(codes["batch"])
    page.locator("#q").press("Enter")
    expect(page).to_have_url(re.compile(f"/kiosk/{codes['batch']}$"))
    page.get_by_role("link", name="返回首页").click()
    expect(page).to_have_url(f"{address}/kiosk")
    context.close()
