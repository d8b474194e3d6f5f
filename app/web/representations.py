"""What the answer to a code looks like: a page, JSON or a short text, and where in it the count of scans stands."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import NamedTuple

import msgspec

from app.scanning import Answer
from app.scanning.counting import Scans
from app.web import pages
from app.web.i18n import Language, Words, tag_of
from app.web.short import short_text

HTML, JSON, TEXT = "text/html", "application/json", "text/plain"
KINDS = (HTML, JSON, TEXT)
VARY = "Accept, Accept-Language, Accept-Encoding, Authorization, Cookie"

# Stands for the count of scans while the rest is made; no text has it, and JSON would write it another way.
MARK = b"\0"

Header = tuple[bytes, bytes]
Key = tuple[str, str, Language]  # code, one of KINDS, language


class Rendering(NamedTuple):
    """A body, cut where the count of scans stands; and the headers that tell of its language and of what it may load.

    `tail` is None where no count is told at all."""

    head: bytes
    tail: bytes | None
    tell: Callable[[Scans], bytes]
    headers: dict[str, str]

    def body(self, scans: Scans) -> bytes:
        return self.head if self.tail is None else self.head + self.tell(scans) + self.tail


# Dates begin on a quarter of an hour in every time zone.
PERIOD = timedelta(minutes=15)


def next_quarter(now: datetime) -> datetime:
    """Until when an answer is right that shows what is due today, wherever that is."""
    return now + PERIOD - timedelta(seconds=now.timestamp() % PERIOD.total_seconds())


def own_headers(kind: str, language: Language) -> list[Header]:
    """What an answer that may be kept says of itself, but for its length and tag."""
    told = [(name.lower().encode(), value.encode()) for name, value in headers_of(kind, language).items()]
    told.append((b"content-type", kind.encode() if kind == JSON else f"{kind}; charset=utf-8".encode()))
    # Kept by whoever likes, believed by nobody without asking: a recall shows at once.
    return [*told, (b"cache-control", b"public, no-cache")]


def render(answer: Answer, kind: str, language: Language, now: datetime, public_url: str) -> Rendering:
    """`kind` is one of KINDS."""
    headers = headers_of(kind, language)
    if kind == TEXT:
        text = short_text(answer, language, f"{public_url}/c/{answer.code}", now).encode()
        return Rendering(text, None, scans_json, headers)
    head, _, tail = marked(answer, kind, language, now).partition(MARK)
    if kind == JSON:
        return Rendering(head, tail, scans_json, headers)
    return Rendering(head, tail, partial(pages.scans_told, Words(language), pages.zone_of(answer)), headers)


def headers_of(kind: str, language: Language) -> dict[str, str]:
    """Of the language of an answer and of what it may load."""
    headers = {"Vary": VARY, "Content-Language": tag_of(language)}
    return headers | {"Content-Security-Policy": pages.POLICY} if kind == HTML else headers


def marked(answer: Answer, kind: str, language: Language, now: datetime, drawn: int = 0) -> bytes:
    """A page or JSON with MARK where the count of scans stands. Of the first `drawn` lines their number stands there
    alone, between two MARKs."""
    mark = MARK.decode()
    lines = [f"{mark}{n}{mark}" for n in range(drawn)]
    if kind == HTML:
        return pages.scan_page(answer, language, now, mark, lines).encode()
    told = {**answer.json(), "scans": msgspec.Raw(MARK)}
    if drawn:
        told["lines"] = [msgspec.Raw(line.encode()) for line in lines]
    return msgspec.json.encode(told)


def scans_json(scans: Scans) -> bytes:
    first = b"null" if scans.first_time is None else _second(int(scans.first_time.timestamp()))
    return b'{"count":%d,"first_time":%b}' % (scans.count, first)


@lru_cache(10_000)
def _second(since: int) -> bytes:
    """So many seconds after 1970 UTC; of a thousand receipts most were first scanned now."""
    return msgspec.json.encode(datetime.fromtimestamp(since, UTC))
