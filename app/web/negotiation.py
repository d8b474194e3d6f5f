"""Which representation and language a client asked for."""

import re
from collections.abc import Iterable, Sequence

_TAG = re.compile(r'"[^"]*"')


def unchanged(if_none_match: str | None, tag: str) -> bool:
    """True where the client says that it has what the tag stands for (RFC 9110 §13.1.2): 304 is the answer."""
    return if_none_match is not None and (if_none_match.strip() == "*" or tag in _TAG.findall(if_none_match))


def prefers_html(accept: str | None) -> bool:
    """True for a browser: `text/html` asked for by name, and not less than JSON."""
    html = json = 0.0
    for kind, quality in liked_of(accept or ""):
        if kind in ("text/html", "application/xhtml+xml"):
            html = max(html, quality)
        elif kind in ("application/json", "application/problem+json"):
            json = max(json, quality)
    return html > 0 and html >= json


def spoken(accept_language: str | None, offered: Iterable[str]) -> str:
    """The language among `offered` (BCP 47 tags) that the Accept-Language header likes best; at equal liking, and where
    it likes none or says nothing, the first. A dialect is answered in its language (RFC 4647 §3.4)."""
    liked: dict[str, float] = {}
    for tag, quality in liked_of(accept_language or ""):
        while tag:
            liked[tag] = max(liked.get(tag, 0.0), quality)
            tag = tag.rpartition("-")[0]
    known = list(offered)
    best = max(known, key=lambda language: liked.get(language.lower(), 0.0))
    return best if liked.get(best.lower(), 0.0) > 0 else known[0]


def accepts_gzip(accept_encoding: str | None) -> bool:
    """True where gzip is named and not refused; `*` counts (RFC 9110 §12.5.3)."""
    liked = dict(liked_of(accept_encoding or ""))
    return liked.get("gzip", liked.get("*", 0.0)) > 0


def preferred(accept: str | None, offered: Sequence[str]) -> str:
    """The media type among `offered` that the Accept header likes best; at equal liking, and where it likes none or
    says nothing, the first."""
    liked = liked_of(accept or "")
    best = max(offered, key=lambda kind: _quality(liked, kind), default=offered[0])
    return best if _quality(liked, best) > 0 else offered[0]


def acceptable(accept: str | None, offered: Sequence[str]) -> str | None:
    """As `preferred`; None where the header has something to say and takes none of them."""
    liked = liked_of(accept or "*/*")
    best = max(offered, key=lambda kind: _quality(liked, kind))
    return best if _quality(liked, best) > 0 else None


def _quality(liked: Sequence[tuple[str, float]], kind: str) -> float:
    """By the most specific range that covers the type (RFC 9110 §12.5.1)."""
    ranges = dict(reversed(liked))
    for named in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if named in ranges:
            return ranges[named]
    return 0.0


def liked_of(header: str) -> list[tuple[str, float]]:
    """What a header of preferences names, in lower case, and how much each is liked: 0 to 1."""
    found = []
    for part in header[:1000].split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = min(max(0.0, float(parameter[2:])), 1.0)
                except ValueError:
                    quality = 0.0
        found.append((name, quality))
    return found
