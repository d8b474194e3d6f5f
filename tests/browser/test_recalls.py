"""The public notices of recalls in a browser: for everybody, light, and reached from the page of the goods."""

import gzip

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from app.web.service import Service
from tests.browser.test_access import BUDGET, faults
from tests.browser.viewing import opened, shot
from tests.recalling.conftest import Goods, goods, recalled
from tests.support.cast import Cast

__all__ = ["goods"]

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


@pytest.mark.parametrize("view", ["phone-light-zh", "phone-dark-en", "desk-light-en", "desk-dark-zh"])
def test_a_notice_is_for_everybody(
    browser: Browser, address: str, cast: Cast, goods: Goods, service: Service, view: str
) -> None:
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    lifted = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    closed = {"outcome": "lifted", "conclusion": "复检合格 · cleared by a second test"}
    assert cast.regulator.post(f"/recalls/{lifted['id']}/close", closed).status_code == 200
    axe = Axe()
    code = f"/recalls?code={goods.dish['code']}"
    for path in ("/recalls", code, f"/recalls/{recall['number']}", f"/recalls/{lifted['number']}"):
        assert faults(axe, browser, f"{address}{path}", view) == []
        page = httpx2.get(f"{address}{path}", headers={"Accept": "text/html"})
        assert len(gzip.compress(page.content, 6)) <= BUDGET, path
        assert "set-cookie" not in page.headers
    with opened(browser, f"{address}/c/{goods.dish['code']}", view) as seen:
        seen.page.locator('a[href^="/recalls?code="]').click()
        seen.page.get_by_role("link", name="问题批次").first.click()
        assert recall["number"] in seen.page.content()
        shot(seen.page, f"recall-{view}")
