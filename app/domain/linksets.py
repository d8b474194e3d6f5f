"""What a resolver answers: which of several links a request means, linksets, and Link headers.

Source: GS1-Conformant resolver 1.2, RFC 9264 (linksets), RFC 8288 (Link header), RFC 4647 §3.4 (languages), RFC 9110
§12.5.1 (media types).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from app.domain.digital_link import DigitalLink
from app.domain.links import DEFAULT, short_type

LISTED = 20  # links in a Link header, at most
Liked = Sequence[tuple[str, float]]  # what a header likes, and how much, in its order
_URI = "-._~:/?#[]@!$&'()*+,;=%"
_EXACT = 100  # more than a language tag has characters


@dataclass(frozen=True, slots=True)
class Link:
    """A link for something: `type` is a URI; `fwqs`: the query of a request is passed on; `own`: it leads to us."""

    type: str
    href: str
    title: str
    hreflang: tuple[str, ...] = ()
    media_type: str | None = None
    context: tuple[str, ...] = ()
    fwqs: bool = True
    default: bool = False
    own: bool = False

    def json(self) -> dict[str, Any]:
        """As a linkset has it."""
        said: dict[str, Any] = {"href": self.href, "title": self.title}
        if self.hreflang:
            said["hreflang"] = list(self.hreflang)
        if self.media_type is not None:
            said["type"] = self.media_type
        if self.context:
            said["context"] = list(self.context)
        if not self.fwqs:
            said["fwqs"] = False
        return said

    def target(self, query: str) -> str:
        """Where it leads, with what was asked beside it: one question mark, the fragment last."""
        query = query.lstrip("?")
        if not self.fwqs or not query:
            return self.href
        page, sign, fragment = self.href.partition("#")
        passed = quote(query, safe=_URI).replace("?", "%3F").replace("#", "%23")
        joined = "" if page.endswith(("?", "&")) else "&" if "?" in page else "?"
        return f"{page}{joined}{passed}{sign}{fragment}"


@dataclass(frozen=True, slots=True)
class Level:
    """A key with some of its qualifiers: what it is, and its links, those of one type in the order to be told."""

    link: DigitalLink
    description: str
    links: tuple[Link, ...]

    @property
    def default(self) -> Link | None:
        """The one that is set, else the first."""
        return next((link for link in self.links if link.default), self.links[0] if self.links else None)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What is known of what a URI names: `levels` from the most granular that is known up to the key."""

    asked: DigitalLink
    levels: tuple[Level, ...]

    @property
    def description(self) -> str:
        return self.levels[0].description

    @property
    def default(self) -> Link:
        """Of the most granular level that has one."""
        return next(link for level in self.levels if (link := level.default) is not None)

    def of_type(self, link_type: str) -> tuple[Link, ...]:
        """The links of a type, of the most granular level that has any; ours where nobody has published one there."""
        for level in self.levels:
            found = tuple(link for link in level.links if link.type == link_type)
            if found:
                return tuple(link for link in found if not link.own) or found
        return ()

    def alternatives(self) -> tuple[Link, ...]:
        """The default link, and those of its type beside it that the request may like better: none of ours where
        somebody has published it."""
        chosen = self.default
        level = next(level for level in self.levels if level.default is not None)
        others = (link for link in level.links if link.type == chosen.type and link != chosen)
        return (chosen, *(link for link in others if chosen.own or not link.own))


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a request says of what it likes: languages and media types with their q-values, and contexts."""

    languages: Liked = ()
    media_types: Liked = ()
    contexts: tuple[str, ...] = ()

    def best(self, links: Iterable[Link]) -> tuple[Link, ...]:
        """Those that are liked best: by context, then language, then media type. Where the request says nothing of one
        of these, what is for any comes first; where links differ in nothing else, all of them."""
        left = self._liked(links)
        if not self.contexts:
            left = [link for link in left if not link.context] or left
        if not self.languages:
            left = [link for link in left if not link.hreflang] or left
        if not self.media_types:
            left = [link for link in left if link.media_type is None] or left
        return tuple({link.href: link for link in reversed(left)}.values())[::-1]

    def better(self, links: Sequence[Link]) -> Link:
        """The first, unless the request likes exactly one of the others better."""
        found = self._liked(links)
        return found[0] if len(found) == 1 else links[0]

    def _liked(self, links: Iterable[Link]) -> list[Link]:
        left = list(links)
        if len(left) == 1:
            return left
        for score in (self._context, self._language, self._media_type):
            left = _highest(left, score)
        return left

    def _context(self, link: Link) -> tuple[float, float]:
        """Of a context that was not asked for, what is for every context comes first."""
        if any(context in self.contexts for context in link.context):
            return 2, 0
        return float(not link.context) if self.contexts else 0, 0

    def _language(self, link: Link) -> tuple[float, float]:
        if not self.languages:
            return 0, 0
        if not link.hreflang:
            return _liked_whatever("*", self.languages), 0
        return max(_liked_language(tag.lower(), self.languages) for tag in link.hreflang)

    def _media_type(self, link: Link) -> tuple[float, float]:
        if not self.media_types:
            return 0, 0
        if link.media_type is None:
            return _liked_whatever("*/*", self.media_types), 0
        return _liked_media_type(link.media_type.lower(), self.media_types), 0


def _highest(links: list[Link], score: Callable[[Link], tuple[float, float]]) -> list[Link]:
    scored = [(score(link), link) for link in links]
    best = max((each for each, _ in scored), default=None)
    return [link for each, link in scored if each == best]


def _liked_whatever(named: str, liked: Liked) -> float:
    """Of what tells no language or no media type, and may be in any: as what is not named is liked, and more than what
    nothing is said of."""
    return max((quality for name, quality in liked if name == named), default=0.0) or 0.0001


def _liked_language(tag: str, liked: Liked) -> tuple[float, float]:
    """How much, and how exactly it is named: en-GB is liked by who likes en, and the other way round. What names it
    most exactly counts; what is refused (q=0) is liked less than what nothing is said of."""
    best = (-1, 0.0)
    for named, quality in liked:
        if named == tag:
            best = max(best, (_EXACT, quality))
        elif tag.startswith(f"{named}-"):
            best = max(best, (1 + len(named), quality))
        elif named.startswith(f"{tag}-") and quality:
            best = max(best, (1, quality))
        elif named == "*":
            best = max(best, (0, quality))
    exactly, quality = best
    return (quality, exactly) if quality or exactly < 0 else (-1.0, 0)


def _liked_media_type(media_type: str, liked: Liked) -> float:
    ranges = dict(reversed(liked))
    for named in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        if named in ranges:
            return ranges[named] or -1.0  # refused
    return 0.0


def linkset(resolution: Resolution, root: str) -> dict[str, Any]:
    """{"linkset": […]}, an item for each level that has links; `root` is the resolver's address. The default link
    stands once, where it applies, with nothing but its target and title."""
    items = []
    default: Link | None = resolution.default
    for level in resolution.levels:
        if not level.links:
            continue
        item: dict[str, Any] = {"anchor": root + level.link.path, "itemDescription": level.description}
        for link in level.links:
            item.setdefault(link.type, []).append(link.json())
        if default is not None and default == level.default:
            item[DEFAULT] = [{"href": default.href, "title": default.title}]
            default = None
        items.append(item)
    return {"linkset": items}


def linkset_text(resolution: Resolution, root: str) -> str:
    """The same as application/linkset: as in a Link header, a link a line."""
    return ",\n".join(f'{_written(link)}; anchor="{root}{anchor}"' for anchor, link in _flat(resolution))


def link_header(resolution: Resolution, root: str, *, room: int) -> str:
    """The linkset, and the links themselves as far as they take no more than `room` characters."""
    kind = 'rel="linkset"; type="application/linkset+json"; title="Linkset"'
    whole = f"<{root}{resolution.asked.path}?linkType=linkset>; {kind}"
    if sum(len(level.links) for level in resolution.levels) > LISTED:
        return whole
    told = ", ".join((whole, *(_written(link) for _, link in _flat(resolution))))
    return told if len(told) <= room else whole


def _flat(resolution: Resolution) -> Iterator[tuple[str, Link]]:
    """Each link with the path of what it is for; the default link once more, as such."""
    default: Link | None = resolution.default
    for level in resolution.levels:
        path = level.link.path
        for link in level.links:
            yield path, link
        if default is not None and default == level.default:
            yield path, Link(DEFAULT, default.href, default.title)
            default = None


@lru_cache(maxsize=4096)
def _written(link: Link) -> str:
    told = [f"<{link.href}>", f'rel="{link.type}"', *_titles(link)]
    told += [f'hreflang="{tag}"' for tag in link.hreflang]
    if link.media_type is not None:
        told.append(f'type="{link.media_type}"')
    return "; ".join(told)


def _titles(link: Link) -> Iterator[str]:
    """In full, and where that takes an encoding what can be told without, for clients that know no other
    (RFC 8288 §3.4.1)."""
    plain = "".join(each for each in link.title if " " <= each <= "~" and each not in '"\\')
    if plain != link.title:
        yield f"title*=UTF-8''{quote(link.title, safe='')}"
    yield f'title="{plain.strip() or short_type(link.type)}"'
