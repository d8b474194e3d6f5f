"""What the resolver is asked for, and what it answers: a redirect, a choice, a linkset, or what is wrong.

Source: GS1-Conformant resolver 1.2 §2, GS1 Digital Link: Compression.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from app.domain.digital_link import DigitalLink, NotDigitalLink
from app.domain.digital_link_requests import read
from app.domain.errors import Malformed, NotFound, Refusal
from app.domain.links import DEFAULT, WHOLE, link_type_of
from app.domain.linksets import Link, Resolution, Wishes, link_header, linkset, linkset_text
from app.domain.rows import Lot
from app.store.errors import StoreUnavailable
from app.web import resolver_pages
from app.web.i18n import choose, tag_of
from app.web.negotiation import liked_of, preferred, prefers_html
from app.web.pages import POLICY
from app.web.problems import problem, refusal_response, respond, unavailable_response

LINKSET, LINKSET_TEXT = "application/linkset+json", "application/linkset"
JSON, JSON_LD, HTML = "application/json", "application/ld+json", "text/html"
KINDS = (LINKSET, LINKSET_TEXT, JSON, JSON_LD, HTML)
CONTEXT = "https://ref.gs1.org/standards/resolver/linkset-context"
METHODS = b"GET, HEAD, OPTIONS"
HEADER_ROOM = 3_000  # characters of a Link header

_ALLOWED_HEADERS = b"Accept, Accept-Language, Authorization, Content-Type, X-Request-Id"
_encode = msgspec.json.Encoder().encode

Header = tuple[bytes, bytes]

_CORS: tuple[Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", METHODS),
    (b"access-control-expose-headers", b"Link, Location, Content-Language"),
    (b"cross-origin-resource-policy", b"cross-origin"),
)


class Answered(NamedTuple):
    """An answer as it goes out, but for the headers that all have."""

    status: int
    headers: list[Header]
    body: bytes

    @property
    def location(self) -> str:
        """Where it redirects to; empty where it does not."""
        return next((value.decode("latin-1") for name, value in self.headers if name == b"location"), "")


class Question(NamedTuple):
    """`query`: what is passed on, escaped; `link_type`: as it was asked for; `compressed`: the URI was, or in part;
    `lang`: of a page."""

    link: DigitalLink
    query: str
    link_type: str | None
    wishes: Wishes
    accept: str
    language: str
    compressed: bool
    lang: str | None = None

    @property
    def kind(self) -> str | None:
        """The representation of the linkset that is asked for; None where it is not."""
        if self.link_type in WHOLE:
            return preferred(self.accept, KINDS)
        if "json" not in self.accept.lower() and LINKSET_TEXT not in self.accept.lower():
            return None
        liked = dict(liked_of(self.accept))
        named = max(KINDS[:-1], key=lambda kind: liked.get(kind, 0.0))
        if not liked.get(named, 0.0) > 0 or liked.get(HTML, 0.0) > liked[named]:
            return None
        return named if self.link_type is None or named == LINKSET else None

    @property
    def step(self) -> tuple[str, str | None, frozenset[str]]:
        """What leads in a circle where it is asked for again."""
        link_type = link_type_of(self.link_type or DEFAULT)
        return self.link.path, link_type, frozenset(self.wishes.contexts)

    @property
    def plain(self) -> bool:
        """The default link is asked for, and nothing that would need more than a lot's code."""
        return self.link_type is None and self.kind is None and not self.wishes.contexts


def asked_of(raw_path: bytes, query_string: bytes, accept: bytes, language: bytes) -> Question:
    """The question of a request. Raises Malformed."""
    try:
        asked = read(raw_path.decode("latin-1"), query_string.decode("latin-1"))
    except NotDigitalLink as error:
        raise _malformed(error) from None
    accepted, spoken = accept.decode("latin-1"), language.decode("latin-1")
    wishes = Wishes(liked_of(spoken) if spoken else (), liked_of(accepted) if accepted else (), asked.contexts)
    return Question(asked.link, asked.query, asked.link_type, wishes, accepted, spoken, asked.compressed, asked.lang)


def _malformed(error: NotDigitalLink) -> Malformed:
    return Malformed(
        "bad-digital-link",
        f"这不是正确的 GS1 Digital Link：{error.zh} · This is not a correct GS1 Digital Link: {error.en}",
    )


def options(headers: Iterable[Header]) -> Answered:
    """What may be asked here, and from where: anything public, from anywhere."""
    wanted = next((value for name, value in headers if name == b"access-control-request-headers"), _ALLOWED_HEADERS)
    safe = wanted if re.fullmatch(rb"[A-Za-z0-9, _-]{1,500}", wanted) else _ALLOWED_HEADERS
    more = (b"allow", METHODS), (b"access-control-allow-headers", safe), (b"access-control-max-age", b"86400")
    return Answered(204, [*_CORS, *more], b"")


def refusal(error: Refusal | StoreUnavailable, path: str, accept: bytes) -> Answered:
    """What is wrong, as everywhere, to whoever asks from wherever."""
    text = accept.decode("latin-1")
    if isinstance(error, StoreUnavailable):
        made = unavailable_response(error, path, text)
    else:
        made = refusal_response(error, path, text)
    return Answered(made.status_code, [*made.raw_headers, *_CORS], bytes(made.body))


def answer(question: Question, found: Resolution | None, root: str, method: str, lots: Sequence[Lot] = ()) -> Answered:
    """`lots`: what a page of a product tells of. Raises NotFound."""
    if method not in ("GET", "HEAD"):
        return _not_allowed(question)
    if found is None:
        raise NotFound(
            "unknown-key",
            f"没有关于 {question.link.path} 的信息，请核对编号 · Nothing is known of {question.link.path}: compare it",
        )
    kind = question.kind
    if kind is not None:
        return _linkset(question, found, root, kind, lots)
    if question.link_type is None or link_type_of(question.link_type) == DEFAULT:
        return _redirect(question, found, root, question.wishes.better(found.alternatives()))
    link_type = link_type_of(question.link_type)
    links = found.of_type(link_type) if link_type is not None else ()
    if not links:
        raise NotFound(
            "no-such-link",
            f"没有类型为 {question.link_type[:100]} 的链接，可用 linkType=all 查看全部 · "
            f"There is no link of type {question.link_type[:100]}: linkType=all lists those that there are",
        )
    left = question.wishes.best(links)
    return _redirect(question, found, root, left[0]) if len(left) == 1 else _choice(question, found, root, left)


def _redirect(question: Question, found: Resolution, root: str, link: Link) -> Answered:
    headers = _headers(question, found, root)
    headers += [(b"location", link.target(question.query).encode("ascii", "ignore")), (b"content-length", b"0")]
    return Answered(307, headers, b"")


def _choice(question: Question, found: Resolution, root: str, links: tuple[Link, ...]) -> Answered:
    if prefers_html(question.accept):
        return _page(question, found, root, 300, links, ())
    level = next(level for level in found.levels if links[0] in level.links)
    item = {
        "anchor": root + level.link.path,
        "itemDescription": level.description,
        links[0].type: [link.json() for link in links],
    }
    return _told(question, found, root, 300, LINKSET, _encode({"linkset": [item]}))


def _linkset(question: Question, found: Resolution, root: str, kind: str, lots: Sequence[Lot]) -> Answered:
    if kind == HTML:
        return _page(question, found, root, 200, None, lots)
    if kind == LINKSET_TEXT:
        return _told(question, found, root, 200, LINKSET_TEXT, linkset_text(found, root).encode())
    whole = linkset(found, root)
    if kind == JSON_LD:
        whole = {"@context": CONTEXT, **whole}
    return _told(question, found, root, 200, kind, _encode(whole))


def _page(
    question: Question,
    found: Resolution,
    root: str,
    status: int,
    links: tuple[Link, ...] | None,
    lots: Sequence[Lot],
) -> Answered:
    language = choose(question.lang, question.language)
    body = resolver_pages.links_page(found, links, lots, question.query, language)
    told = _told(question, found, root, status, f"{HTML}; charset=utf-8", body)
    told.headers.extend([
        (b"content-language", tag_of(language).encode()),
        (b"content-security-policy", POLICY.encode()),
    ])  # fmt: skip
    return told


def _told(question: Question, found: Resolution, root: str, status: int, kind: str, body: bytes) -> Answered:
    headers = _headers(question, found, root, contextual=kind in (LINKSET, JSON))
    headers += [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    return Answered(status, headers, body)


def _headers(question: Question, found: Resolution, root: str, *, contextual: bool = False) -> list[Header]:
    links = link_header(found, root, room=HEADER_ROOM)
    if question.compressed:
        links += f', <{question.link.uri(root)}>; rel="owl:sameAs"'
    if contextual:
        links += f', <{CONTEXT}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    return [
        *_CORS,
        (b"link", links.encode("ascii", "ignore")),
        (b"vary", b"Accept, Accept-Language"),
        # Kept by whoever likes, believed by nobody without asking: a changed link shows at once.
        (b"cache-control", b"public, no-cache"),
    ]


def _not_allowed(question: Question) -> Answered:
    detail = "此地址不接受该方法，见 Allow 头 · This address does not take that method: see Allow"
    made = respond(problem(405, "method-not-allowed", detail, instance=question.link.path), question.accept)
    return Answered(405, [*made.raw_headers, *_CORS, (b"allow", METHODS)], bytes(made.body))
