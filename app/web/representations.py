"""What the answer to a code looks like: a page, JSON or a short text."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from app.scanning import Answer
from app.web import pages
from app.web.i18n import Language
from app.web.short import short_text

HTML, JSON, TEXT = "text/html", "application/json", "text/plain"
KINDS = (HTML, JSON, TEXT)
VARY = "Accept, Accept-Language, Accept-Encoding, Authorization"


Header = tuple[bytes, bytes]
Key = tuple[str, str, Language]  # code, one of KINDS, language


class Rendered(NamedTuple):
    """An answer ready to be sent: headers without the request id, and body; compressed, where that is smaller."""

    headers: list[Header]
    body: bytes
    tag: str
    gzip_headers: list[Header]
    gzip_body: bytes
    gzip_tag: str


def render(
    answer: Answer, kind: str, language: Language, now: datetime, public_url: str
) -> tuple[bytes, dict[str, str]]:
    """The body, and the headers that tell of its language and of what it may load; `kind` is one of KINDS."""
    headers = {"Vary": VARY, "Content-Language": "zh-CN" if language == "zh" else "en"}
    if kind == HTML:
        return pages.scan_page(answer, language, now).encode(), {**headers, "Content-Security-Policy": pages.POLICY}
    if kind == JSON:
        return msgspec.json.encode(answer.json()), headers
    return short_text(answer, language, f"{public_url}/c/{answer.code}", now).encode(), headers
