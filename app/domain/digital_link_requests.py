"""What a request for a Digital Link at the root of the service asks for; and which web addresses are such requests.

Source: GS1-Conformant resolver 1.2 §2, GS1 Digital Link: Compression.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_plus, urlsplit

from app.domain.digital_link import LONGEST, DigitalLink, NotDigitalLink, parse_path
from app.domain.digital_link_compression import decompress

CONTEXTS = 20  # of one request
STEPS = 10  # Digital Links of ours that lead on to one another

_PLACE = re.compile(r"(?P<host>.*?)\.?(?::(?:443|80)?|(?P<port>:[0-9]+))?")
_COMPRESSED = re.compile(r"/[A-Za-z0-9_-]{7,1000}/?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """`query`: what is passed on, escaped; `link_type`: as it was asked for; `compressed`: the URI was, or in part;
    `lang`: of a page."""

    link: DigitalLink
    query: str
    link_type: str | None
    contexts: tuple[str, ...]
    compressed: bool
    lang: str | None


class Addresses(NamedTuple):
    """Where the service answers: its public address, and the host (with its port) that a request was sent to."""

    root: str
    host: str = ""

    def target(self, href: str) -> tuple[str, str] | None:
        """Path, from the root of the service, and query of an address of ours that could be a Digital Link; None for
        all others."""
        parts, root = urlsplit(href), urlsplit(self.root)
        if not parts.path.startswith(root.path) or not could_be(parts.path[len(root.path) :]):
            return None
        ours = _place(parts.netloc) in (_place(root.netloc), _place(self.host))
        return (parts.path[len(root.path) :], parts.query) if ours else None


def _place(netloc: str) -> str:
    """Host and port in one spelling; the usual ports go without saying."""
    match = _PLACE.fullmatch(netloc.lower())
    return match["host"] + (match["port"] or "") if match is not None else netloc


def could_be(path: str) -> bool:
    """Whether a path is the resolver's: it begins with a number, or is one segment that says a Digital Link."""
    return "0" <= path[1:2] <= "9" or (_COMPRESSED.fullmatch(path) is not None and _decompressed([path.strip("/")]))


def _decompressed(segments: list[str]) -> bool:
    try:
        return decompress(segments) is not None
    except NotDigitalLink:
        return False


def read(path: str, query: str) -> Asked:
    """The question of a path and a query, escaped. Raises NotDigitalLink."""
    query = query.lstrip("?")
    if len(path) + len(query) > LONGEST:
        raise NotDigitalLink("网址过长", "the URI is too long")
    segments = path[1:].removesuffix("/").split("/")
    compressed = False
    try:
        link = _at_root(segments, query)
    except NotDigitalLink:
        if not _decompressed(segments):
            raise
        found = decompress(segments, query)
        assert found is not None
        link, compressed = found.link, True
        query = "&".join(filter(None, (*found.others, query)))
    link_type = lang = None
    contexts: list[str] = []
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        # The community's resolver, and what was written for it, spells it in small letters.
        if name in ("linkType", "linktype") and link_type is None:
            link_type = unquote_plus(value) or None
        elif name == "context" and len(contexts) < CONTEXTS:
            contexts.append(unquote_plus(value))
        elif name == "lang":
            lang = value
    return Asked(link, query, link_type, tuple(contexts), compressed, lang)


def _at_root(segments: list[str], query: str) -> DigitalLink:
    link = parse_path(segments, query)
    if 2 * len(link.pairs) != len(segments):
        raise NotDigitalLink("路径应从主键开始", "the path begins with a key")
    return link
