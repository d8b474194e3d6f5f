"""A complaint in a browser, on a telephone and without script: written, with a photo, and followed to its answer."""

import io
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_access import faults
from tests.browser.viewing import NARROW, VIEWS, fits, opened, shot
from tests.support.story import Story

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]

TEXT = "早上在这里买的青菜，叶子下面发黑，有药味。\n洗了三遍味道还在。"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    buffer = io.BytesIO()
    Image.effect_noise((1600, 1200), 60).convert("RGB").save(buffer, "JPEG")
    place = tmp_path / "青菜.jpg"
    place.write_bytes(buffer.getvalue())
    return place


def fill(page: Page, photo: Path) -> None:
    page.get_by_label("发生了什么？").fill(TEXT)
    page.get_by_label("照片").set_input_files(photo)
    page.get_by_label("联系方式").fill("13800000000")


def test_a_complaint_is_written_with_a_photo_and_followed(
    browser: Browser, address: str, codes: dict[str, str], story: Story, photo: Path
) -> None:
    with opened(browser, f"{address}/c/{codes['batch']}", "phone-light-zh") as seen:
        page = seen.page
        page.get_by_role("link", name="发现问题？投诉举报").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("投诉举报")
        expect(page.get_by_role("link", name="上海青")).to_be_visible()
        fill(page, photo)
        shot(page, "complaint-filled")
        page.get_by_role("button", name="提交").click()
        expect(page.get_by_role("status")).to_contain_text("已收到")
        reference = page.locator(".ref").inner_text()
        assert fits(page)
        shot(page, "complaint-received")
        [filed] = story.admin.get("/reports").json()["items"]
        assert (filed["text"], filed["contact"], len(filed["photos"])) == (TEXT, "13800000000", 1)
        story.admin.patch(f"/reports/{filed['id']}", {"answer": "已到摊位核查，同批青菜停售送检。\n请保留剩余的菜。"})
        assert seen.complaints == []
        assert [url for url in seen.asked if not url.startswith((address, "data:"))] == []
    # Another day, the reference typed from a note.
    with opened(browser, f"{address}/c/{codes['stall']}/reports", "phone-light-zh") as seen:
        seen.page.get_by_label("受理编号").fill(reference.lower().replace("-", " "))
        seen.page.get_by_role("button", name="查进度").click()
        expect(seen.page.get_by_role("status")).to_contain_text("已答复")
        expect(seen.page.get_by_text("已到摊位核查")).to_be_visible()
        shot(seen.page, "complaint-answered")


def test_what_is_wrong_is_said_and_the_text_is_still_there(
    browser: Browser, address: str, codes: dict[str, str], tmp_path: Path, photo: Path
) -> None:
    fake = tmp_path / "fake.jpg"
    fake.write_bytes(b"no photo at all")
    with opened(browser, f"{address}/c/{codes['stall']}/reports", "phone-light-zh") as seen:
        fill(seen.page, fake)
        seen.page.get_by_role("button", name="提交").click()
        expect(seen.page.get_by_role("alert")).to_contain_text("JPEG")
        expect(seen.page.get_by_label("发生了什么？")).to_have_value(TEXT)
        shot(seen.page, "complaint-wrong")
        seen.page.get_by_label("照片").set_input_files(photo)
        seen.page.get_by_role("button", name="提交").click()
        expect(seen.page.get_by_role("status")).to_contain_text("已收到")


def test_the_pages_fit_in_every_view(browser: Browser, address: str, codes: dict[str, str], story: Story) -> None:
    answer = story.public.post(f"/c/{codes['receipt']}/reports", {"text": "少称了"})
    [filed] = story.admin.get("/reports").json()["items"]
    story.admin.patch(f"/reports/{filed['id']}", {"answer": "已责令退款，并将电子秤送检。"})
    pages = {
        "form": f"/c/{codes['batch']}/reports",
        "form-stall": f"/c/{codes['stall']}/reports",
        "state": f"/reports/{answer.json()['ref']}",
        "lost": "/reports/C-0000",
    }
    for name, path in pages.items():
        for view in VIEWS | NARROW:
            with opened(browser, f"{address}{path}", view, status=400 if name == "lost" else 200) as seen:
                shot(seen.page, f"complaint-{name}-{view}")
                assert fits(seen.page), (name, view)
                said = [each for each in seen.complaints if "Failed to load resource" not in each]  # of its own status
                assert said == [], (name, view)
                expect(seen.page.locator(".trap input")).not_to_be_in_viewport()
                for control in seen.page.locator("button, input:not([type=hidden])").all():
                    box = control.bounding_box()
                    assert box is not None
                    assert box["height"] >= 24


@pytest.mark.parametrize("view", ["phone-light-zh", "phone-dark-en"])
def test_the_pages_are_for_everybody(
    browser: Browser, address: str, codes: dict[str, str], story: Story, view: str
) -> None:
    answer = story.public.post(f"/c/{codes['batch']}/reports", {"text": "有异味"})
    axe = Axe()
    found = faults(axe, browser, f"{address}/c/{codes['batch']}/reports", view)
    found += faults(axe, browser, f"{address}/reports/{answer.json()['ref']}", view)
    found += faults(axe, browser, f"{address}/reports/C-0000", view, status=400)
    assert found == []
