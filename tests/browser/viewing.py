"""How the pages are looked at: sizes, languages, by day and by night; and what the browser says while it does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page

from tests.browser.conftest import ARTEFACTS

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1920, "height": 1080}
LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}
VIEWS: dict[str, dict[str, Any]] = {
    f"{name}-{light}-{language}": {"locale": locale, "color_scheme": light, **size}
    for name, size in {"phone": {"viewport": PHONE, "device_scale_factor": 2}, "desk": {"viewport": DESK}}.items()
    for light in ("light", "dark")
    for language, locale in LANGUAGES.items()
}
# Where room is short: on the smallest telephones, and with text at twice its size (WCAG 2.2, 1.4.4).
NARROW: dict[str, dict[str, Any]] = {
    "small-phone": {"viewport": {"width": 320, "height": 640}, "locale": "en-GB"},
    "phone-200-en": {"viewport": PHONE, "locale": "en-GB", "bypass_csp": True},
    "phone-200-zh": {"viewport": PHONE, "locale": "zh-CN", "bypass_csp": True},
}


@dataclass(slots=True)
class Seen:
    """What the browser asked for and complained of."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@contextmanager
def opened(browser: Browser, url: str, view: str, status: int = 200, *, script: bool = False) -> Iterator[Seen]:
    """A page in one of VIEWS or NARROW; without script, unless what looks at it needs some."""
    context = browser.new_context(java_script_enabled=script or "200" in view, **(VIEWS | NARROW)[view])
    page = context.new_page()
    seen = Seen(page)
    page.on("request", lambda request: seen.asked.append(request.url))
    page.on("console", lambda message: seen.complaints.append(message.text))
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    answer = page.goto(url)
    assert answer is not None
    assert answer.status == status
    if "200" in view:
        page.add_style_tag(content="html{font-size:200%}")
    yield seen
    context.close()


def shot(page: Page, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)


def fits(page: Page) -> bool:
    """Nothing to scroll sideways to."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))
