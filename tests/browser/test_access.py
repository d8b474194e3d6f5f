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
    typed = codes["batch"][:-2] + codes["batch"][-1] + codes["batch"][-2]
    found += faults(axe, browser, f"{address}/c/{typed}", view, status=400)
    assert found == []


def test_every_page_keeps_to_its_budget(address: str, codes: dict[str, str]) -> None:
    for name, code in codes.items():
        for language in ("zh", "en"):
            page = httpx2.get(f"{address}/c/{code}", headers={"Accept": "text/html", "Accept-Language": language})
            assert page.status_code == 200
            assert len(gzip.compress(page.content, 6)) <= BUDGET, name
            assert "set-cookie" not in page.headers
