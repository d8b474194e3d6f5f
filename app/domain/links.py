"""Links that are published for what a GS1 key names: their types, what may be published, and how many.

Source: GS1-Conformant resolver 1.2 (link metadata), GS1 Web Vocabulary (link types), RFC 8288 and RFC 9264.
"""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from app.domain.digital_link import STEM, DigitalLink, NotDigitalLink, parse
from app.domain.errors import Invalid
from app.domain.ids import LINK, enrolled_id

GS1 = "https://ref.gs1.org/voc/"
SCHEMA = "https://schema.org/"
DEFAULT = f"{GS1}defaultLink"
WHOLE = frozenset({"all", "linkset"})  # link types that ask for all of them
MOST = 100  # links of one anchor

# One namespace, as it was and is written.
_NAMESPACES = {
    "gs1:": GS1,
    "https://ref.gs1.org/voc/": GS1,
    "http://ref.gs1.org/voc/": GS1,
    "https://gs1.org/voc/": GS1,
    "http://gs1.org/voc/": GS1,
    "https://www.gs1.org/voc/": GS1,
    "http://www.gs1.org/voc/": GS1,
    "schema:": SCHEMA,
    "https://schema.org/": SCHEMA,
    "http://schema.org/": SCHEMA,
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,60}", re.ASCII)
# What the linkset's schema takes for another vocabulary's type.
_OTHER = re.compile(r"https?://[A-Za-z0-9./_]{3,200}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2}(-[A-Za-z]{2})?", re.ASCII)
_MEDIA = re.compile(r"[A-Za-z0-9][\w.+-]{0,60}/[A-Za-z0-9][\w.+-]{0,80}", re.ASCII)
_TOP_LEVELS = frozenset(
    {"application", "audio", "font", "haptics", "image", "message", "model", "multipart", "text", "video"}
)
# An address as it goes into a header: no blanks, controls, quotes or brackets, and each % an escape.
_HREF = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2}){9,2000}", re.ASCII)
# A host as it is written: names of DNS, those of other scripts as xn--; or an IP address.
_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
_RESERVED = frozenset({"defaultLink", "defaultLinkMulti"})


@dataclass(frozen=True, slots=True)
class PublishedLink:
    """`anchor`: the path of a Digital Link; `owner_id`: the recorder who published it; `link_type` a URI."""

    anchor: str
    id: UUID
    owner_id: UUID
    link_type: str
    href: str
    title: str
    hreflang: list[str]
    type: str | None
    context: list[str]
    fwqs: bool
    public: bool
    default: bool
    record_time: datetime


def link_type_of(text: str) -> str | None:
    """The URI of a link type that is asked for as CURIE or as URI, in any spelling of a namespace; None for no type."""
    for written, namespace in _NAMESPACES.items():
        if text.startswith(written):
            name = text[len(written) :]
            return namespace + name if _NAME.fullmatch(name) else None
    return text if _OTHER.fullmatch(text) else None


def short_type(uri: str) -> str:
    """As people write it: gs1:pip."""
    for prefix, namespace in (("gs1:", GS1), ("schema:", SCHEMA)):
        if uri.startswith(namespace):
            return prefix + uri[len(namespace) :]
    return uri


def read_anchor(text: str) -> DigitalLink:
    """The key and qualifiers that a path or a Digital Link names. Raises Invalid."""
    whole = text if "://" in text else f"{STEM}/{text.lstrip('/')}"
    try:
        link = parse(whole.partition("?")[0].partition("#")[0].rstrip("/"))
    except NotDigitalLink as error:
        raise Invalid(
            "bad-anchor",
            f"锚点应为 GS1 主键及限定符，如 /01/09520123456788/10/ABC：{error.zh} · "
            f"The anchor is a GS1 key with its qualifiers, as /01/09520123456788/10/ABC: {error.en}",
            pointer="/anchor",
        ) from None
    return link


def check_type(text: str) -> str:
    """The URI of a link type to publish under. Raises Invalid."""
    uri = link_type_of(text)
    if uri is None or (uri.startswith(GS1) and uri[len(GS1) :] in _RESERVED):
        raise Invalid(
            "bad-link-type",
            "链接类型应为 gs1: 词汇或其完整网址，默认链接另以 default 标明 · The link type is one of GS1's vocabulary "
            "(gs1:pip) or the URI of another; a default link says what it is and has `default` beside it",
            pointer="/link_type",
        )
    return uri


def check_href(text: str) -> str:
    """A web address over TLS. Raises Invalid."""
    try:
        parts = urlsplit(text)
        right = "@" not in parts.netloc and parts.port != 0 and _HOST.fullmatch(parts.hostname or "") is not None
    except ValueError:
        right = False
    if not right or not text.startswith("https://") or not _HREF.fullmatch(text):
        raise Invalid(
            "bad-href",
            "目标网址应以 https:// 开头，不含空格和用户名 · "
            "The target is an address that begins with https://, without blanks and without a user's name",
            pointer="/href",
        )
    return text


def check_words(hreflang: Sequence[str], media_type: str | None, context: Sequence[str]) -> None:
    """Languages, media type and contexts. Raises Invalid."""
    wrong = next((n for n, tag in enumerate(hreflang) if not _LANGUAGE.fullmatch(tag)), None)
    if wrong is not None:
        raise Invalid(
            "bad-language",
            "语言应如 zh、en 或 en-GB · A language is written zh, en or en-GB",
            pointer=f"/hreflang/{wrong}",
        )
    if media_type is not None and not (_MEDIA.fullmatch(media_type) and media_type.split("/")[0] in _TOP_LEVELS):
        raise Invalid(
            "bad-media-type",
            "类型应为 IANA 登记的媒体类型，如 text/html · The type is a media type of IANA's, as text/html",
            pointer="/type",
        )
    if any(not text.strip() for text in context):
        raise Invalid("bad-context", "语境不能为空 · A context has a text", pointer="/context")


def identity(row: PublishedLink) -> tuple[Any, ...]:
    """What tells one link of an anchor from another: the same again is one."""
    return row.anchor, row.link_type, row.href, sorted(row.hreflang), row.type, sorted(row.context)


def link_id(row: PublishedLink, taken: Collection[UUID]) -> UUID:
    """Of what tells it from others; and of a number where a link that had this id was changed into another."""
    turns = ([] if turn == 0 else [turn] for turn in count())
    ids = (enrolled_id(LINK, json.dumps([*identity(row), *turn], ensure_ascii=False)) for turn in turns)
    return next(key for key in ids if key not in taken)


def feed_name(anchor: str) -> str:
    """What the change feed calls the links of an anchor."""
    return f"link:{anchor}"
