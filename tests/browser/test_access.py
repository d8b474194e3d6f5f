"""Everybody can read it, and soon: WCAG 2.2 AA as far as axe-core can tell, and what a page weighs."""

import gzip

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.browser.viewing import opened

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BUDGET = 14_000  # bytes, compressed: what a server sends before it hears from the other side


def faults(axe: Axe, browser: Browser, url: str, view: str, status: int = 200) -> list[str]:
    with opened(browser, url, view, status, script=True) as seen:
        options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
        found = axe.run(seen.page, options=options).response["violations"]
    return [f"{view} {url}: {fault['id']}: {node['html']}" for fault in found for node in fault["nodes"]]


# Each size, light and language twice.
@pytest.mark.parametrize("view", ["phone-light-zh", "phone-dark-en", "desk-light-en", "desk-dark-zh"])
def test_every_page_is_for_everybody(browser: Browser, address: str, codes: dict[str, str], view: str) -> None:
    axe = Axe()
    found = [fault for code in codes.values() for fault in faults(axe, browser, f"{address}/c/{code}", view)]
    found += faults(axe, browser, f"{address}/c/{swapped(codes['batch'])}", view, status=400)
    assert found == []


@pytest.mark.parametrize("view", ["desk-light-zh", "desk-dark-en"])
def test_every_screen_is_for_everybody(browser: Browser, address: str, codes: dict[str, str], view: str) -> None:
    axe = Axe()
    found = [fault for path in screens(codes) for fault in faults(axe, browser, f"{address}{path}", view)]
    for path, status in ((f"/kiosk/{swapped(codes['batch'])}", 400), ("/kiosk?q=6901234567007", 404)):
        found += faults(axe, browser, f"{address}{path}", view, status=status)
    assert found == []


def screens(codes: dict[str, str]) -> list[str]:
    """Boards, and the pages of a kiosk."""
    shown = [f"/kiosk/{codes[name]}" for name in ("batch", "held", "receipt", "stall", "dish")]
    return [f"/boards/{codes['market']}", f"/boards/{codes['stall']}", "/kiosk", *shown]


def swapped(code: str) -> str:
    at = next(i for i in range(2, len(code) - 1) if code[i] != code[i + 1])
    return code[:at] + code[at + 1] + code[at] + code[at + 2 :]


def test_every_page_keeps_to_its_budget(address: str, codes: dict[str, str]) -> None:
    for path in [f"/c/{code}" for code in codes.values()] + screens(codes):
        for language in ("zh", "en"):
            page = httpx2.get(f"{address}{path}", headers={"Accept": "text/html", "Accept-Language": language})
            assert page.status_code == 200
            assert len(gzip.compress(page.content, 6)) <= BUDGET, path
            assert "set-cookie" not in page.headers
