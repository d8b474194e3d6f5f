"""The page in a browser: on a telephone and a desk, by day and by night, at twice the text size, without script."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.viewing import NARROW, VIEWS, fits, opened, shot

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


def test_every_page_fits_asks_nobody_else_and_runs_nothing(
    browser: Browser, address: str, codes: dict[str, str]
) -> None:
    for view in VIEWS | NARROW:
        for name, code in codes.items():
            with opened(browser, f"{address}/c/{code}", view) as seen:
                shot(seen.page, f"{name}-{view}")
                assert fits(seen.page), (name, view)
                assert seen.complaints == [], (name, view)
                assert [url for url in seen.asked if not url.startswith((address, "data:"))] == []
                assert len([url for url in seen.asked if url.startswith(address)]) == 1, "one document"
                expect(seen.page.locator("html")).to_have_attribute("lang", re.compile("en|zh-CN"))


def test_the_status_is_seen_first(browser: Browser, address: str, codes: dict[str, str]) -> None:
    for name in codes:
        with opened(browser, f"{address}/c/{codes[name]}", "phone-light-zh") as seen:
            status = seen.page.get_by_role("status")
            expect(status).to_be_in_viewport(ratio=1)
            expect(status.locator("svg")).to_be_visible()
            expect(seen.page.locator("h1")).to_be_in_viewport(ratio=1)


def test_held_goods_cannot_be_overlooked(browser: Browser, address: str, codes: dict[str, str]) -> None:
    with opened(browser, f"{address}/c/{codes['held']}", "phone-light-zh") as seen:
        shape = seen.page.get_by_role("status").bounding_box()
        assert shape is not None
        assert shape["y"] < 120
        alarm = seen.page.locator(".alarm")
        expect(alarm).to_have_text("暂停销售 · 请不要购买，也不要食用。")
        expect(alarm).to_be_in_viewport()
        seen.page.locator("footer").scroll_into_view_if_needed()
        expect(alarm).to_be_in_viewport()
        expect(seen.page.get_by_role("heading", name="怎么办")).to_be_visible()


def test_a_thumb_can_hit_every_link(browser: Browser, address: str, codes: dict[str, str]) -> None:
    for name in codes:
        with opened(browser, f"{address}/c/{codes[name]}", "phone-light-zh") as seen:
            for link in seen.page.locator("header a, summary, button, main h3 a, main dd a").all():
                if not link.is_visible():
                    continue  # within what is still folded up
                box = link.bounding_box()
                assert box is not None
                assert box["height"] >= 24, (name, link.inner_text())  # WCAG 2.2, 2.5.8


def test_the_way_opens_and_leads_on_without_script(browser: Browser, address: str, codes: dict[str, str]) -> None:
    with opened(browser, f"{address}/c/{codes['receipt']}", "phone-light-zh") as seen:
        page = seen.page
        farm = page.get_by_role("link", name="河东蔬菜合作社").first
        expect(farm).to_be_hidden()
        page.locator("summary").first.click()
        expect(farm).to_be_visible()
        shot(page, "receipt-open")
        page.get_by_role("link", name="上海青").first.click()
        expect(page.get_by_role("status")).to_contain_text("来源可查")
        page.get_by_role("link", name="English").click()
        expect(page.get_by_role("status")).to_contain_text("Origin on record")
        expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_keyboard_sees_where_it_is(browser: Browser, address: str, codes: dict[str, str]) -> None:
    with opened(browser, f"{address}/c/{codes['batch']}", "desk-light-zh") as seen:
        seen.page.keyboard.press("Tab")
        skip = seen.page.get_by_role("link", name="跳到内容")
        expect(skip).to_be_focused()
        expect(skip).to_be_in_viewport()
        seen.page.keyboard.press("Tab")
        language = seen.page.get_by_role("link", name="English")
        expect(language).to_be_focused()
        assert language.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"


def test_a_mistyped_code_leads_back(browser: Browser, address: str, codes: dict[str, str]) -> None:
    code = codes["batch"]
    at = next(i for i in range(2, len(code) - 1) if code[i] != code[i + 1])
    typed = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
    for view in ("phone-light-zh", "phone-200-en", "desk-dark-en"):
        with opened(browser, f"{address}/c/{typed}", view, status=400) as seen:
            shot(seen.page, f"mistyped-{view}")
            assert fits(seen.page)
            seen.page.locator(".big a").click()
            expect(seen.page.locator("h1")).to_contain_text("上海青")
    with opened(browser, f"{address}/c/{typed}", "phone-light-zh", status=400) as seen:
        seen.page.get_by_label("重新输入编码").fill(code.lower())
        seen.page.get_by_role("button", name="查询").click()
        expect(seen.page.locator("h1")).to_contain_text("上海青")


def test_a_label_fits_its_paper(browser: Browser, address: str, codes: dict[str, str]) -> None:
    for name in ("batch", "stall", "receipt"):
        for size in ("50x30", "60x40", "105x74", "a4"):
            with opened(browser, f"{address}/labels/{codes[name]}?size={size}", "phone-light-zh") as seen:
                shot(seen.page, f"label-{name}-{size}")
                assert fits(seen.page)
                label = seen.page.locator(".page").bounding_box()
                assert label is not None
                for text in seen.page.locator(".page text").all():
                    box = text.bounding_box()
                    assert box is not None
                    assert box["x"] + box["width"] <= label["x"] + label["width"] + 0.5
                    assert label["y"] - 0.5 <= box["y"] <= label["y"] + label["height"]
                assert not seen.complaints
