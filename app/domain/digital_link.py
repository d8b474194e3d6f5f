"""GS1 Digital Link URIs, read strictly and built; and GS1 element strings.

Source: GS1 Digital Link URI Syntax 1.2 and later §4 (structure), §5 (percent-encoding), GS1 General Specifications §7.8
(element strings). What is read here is a web address on any domain, with any stem before the key.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from urllib.parse import quote, unquote

from app.domain.ai_checks import Fault
from app.domain.application_identifiers import KEYS, Identifier, association_fault, identifier

STEM = "https://id.gs1.org"
LONGEST = 8_000  # characters of a URI

# The names that Digital Link 1.1 allowed instead of numbers.
NAMES = {
    "sscc": "00", "gtin": "01", "gdti": "253", "gcn": "255", "ginc": "401", "gsin": "402", "gln": "414",
    "party": "417", "grai": "8003", "giai": "8004", "itip": "8006", "cpid": "8010", "gmn": "8013", "gsrnp": "8017",
    "gsrn": "8018", "cpv": "22", "lot": "10", "ser": "21", "glnx": "254", "cpsn": "8011", "srin": "8019",
    "refno": "8020",
}  # fmt: skip

Pair = tuple[str, str]  # an application identifier and its value

_URI = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*", re.ASCII)
_SCHEMES = ("https://", "http://", "HTTPS://", "HTTP://")
_DOMAIN = re.compile(r"[A-Za-z0-9\-.:\[\]]+", re.ASCII)
_SERIAL = {"253": 13, "255": 13, "8003": 14}  # digits of a key, behind which its serial number may stand
_GTINS = (8, 12, 13)  # lengths that zeros in front make a GTIN-14 of


@dataclass(frozen=True, slots=True)
class Options:
    """What is let through beside what the standard allows; the last two turn rules of it off.

    `permit_zero_suppressed_gtin`: a GTIN of 8, 12 or 13 digits; `permit_convenience_alphas`: /gtin/ for /01/;
    `permit_unknown_ais`: application identifiers that are not assigned, and with `unknown_ai_not_dl_attr` off also as
    attributes; `requisite_ais`: what one needs beside it has to be there."""

    permit_zero_suppressed_gtin: bool = False
    permit_convenience_alphas: bool = False
    permit_unknown_ais: bool = False
    unknown_ai_not_dl_attr: bool = True
    requisite_ais: bool = True


STRICT = Options()


class NotDigitalLink(ValueError):
    """What is wrong with a URI or with element strings; `zh` and `en` say what."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


@dataclass(frozen=True, slots=True)
class DigitalLink:
    """A key with its value, its qualifiers in their order, and what is said of it in the query."""

    key: str
    value: str
    qualifiers: tuple[Pair, ...] = ()
    attributes: tuple[Pair, ...] = ()

    @property
    def pairs(self) -> tuple[Pair, ...]:
        return ((self.key, self.value), *self.qualifiers)

    @property
    def path(self) -> str:
        """/01/…/10/…, escaped."""
        return _path(self.pairs)

    @property
    def levels(self) -> list["DigitalLink"]:
        """From all of the qualifiers up to the key alone, without attributes."""
        return [DigitalLink(self.key, self.value, self.qualifiers[:n]) for n in range(len(self.qualifiers), -1, -1)]

    @property
    def element_string(self) -> str:
        """^01…: ^ where FNC1 stands, at the beginning and after what has no predefined length."""
        return element_string((*self.pairs, *self.attributes))

    def qualifier(self, ai: str) -> str | None:
        return dict(self.qualifiers).get(ai)

    def uri(self, stem: str = STEM) -> str:
        """The URI, attributes in the order in which they are."""
        query = "&".join(f"{ai}={escape(value, query=True)}" for ai, value in self.attributes)
        return f"{stem.removesuffix('/')}{self.path}{'?' if query else ''}{query}"


@lru_cache(maxsize=4096)
def _path(pairs: tuple[Pair, ...]) -> str:
    return "".join(f"/{ai}/{escape(value)}" for ai, value in pairs)


@lru_cache(maxsize=4096)
def escape(text: str, *, query: bool = False) -> str:
    """All but letters, digits and -._~ percent-encoded; in a query a blank is a plus. For characters up to U+00FF."""
    encoded = quote(text, safe="", encoding="latin-1")
    return encoded.replace("%20", "+") if query else encoded


def unescape(text: str, *, query: bool = False) -> str:
    """The other way round; each escape is one character, and what is no escape stays as it is."""
    return unquote(text.replace("+", " ") if query else text, encoding="latin-1")


def parse(uri: str, options: Options = STRICT) -> DigitalLink:
    """The Digital Link that a web address is. Raises NotDigitalLink."""
    if len(uri) > LONGEST:
        raise NotDigitalLink("网址过长", "the URI is too long")
    if not _URI.fullmatch(uri):
        raise NotDigitalLink("网址含有不允许的字符", "the URI has a character that no URI has")
    scheme = next((each for each in _SCHEMES if uri.startswith(each)), None)
    if scheme is None:
        raise NotDigitalLink("应以 https:// 或 http:// 开头", "the URI begins with https:// or http://")
    rest, _, _ = uri[len(scheme) :].partition("#")
    rest, _, query = rest.partition("?")
    domain, slash, path = rest.partition("/")
    if not slash or not _DOMAIN.fullmatch(domain):
        raise NotDigitalLink("没有域名和路径", "the URI needs a domain and a path")
    return parse_path(path.split("/"), query, options)


def parse_path(segments: Sequence[str], query: str, options: Options = STRICT) -> DigitalLink:
    """As `parse`, of the escaped segments of a path and its query."""
    start = _start(segments, options)
    if start is None:
        raise NotDigitalLink("路径中没有 GS1 主键", "there is no GS1 key in the path")
    path = [_in_path(segments[at], segments[at + 1], options) for at in range(start, len(segments), 2)]
    pairs = [(row.ai, value) for row, value in path]
    names = [ai for ai, _ in pairs]
    if tuple(names[1:]) not in _orders(names[0]):
        raise NotDigitalLink(
            f"({names[0]}) 之后的限定符或其顺序有误：{'、'.join(names[1:])}",
            f"({names[0]}) has no such qualifiers, or not in this order: {', '.join(names[1:])}",
        )
    attributes = list(_in_query(query, options))
    for at, (row, _) in enumerate(attributes):
        if row.ai in names or any(row.ai == other.ai for other, _ in attributes[:at]):
            raise NotDigitalLink(f"({row.ai}) 重复", f"({row.ai}) stands there twice")
        _require_attribute(row, options)
        if any((*names[1:at], row.ai, *names[at:]) in _orders(names[0]) for at in range(1, len(names) + 1)):
            raise NotDigitalLink(f"({row.ai}) 应在路径中", f"({row.ai}) belongs into the path")
    _require(_fault_of_key(*pairs[0]))
    for row, value in (*path[1:], *attributes):
        _require_value(row, value)
    _require_serial((*pairs, *((row.ai, value) for row, value in attributes)))
    _require_together((*names, *(row.ai for row, _ in attributes)), options)
    return DigitalLink(*pairs[0], tuple(pairs[1:]), tuple((row.ai, value) for row, value in attributes))


def _start(segments: Sequence[str], options: Options) -> int | None:
    """Where the key is: the last one, with nothing but identifiers and values behind it."""
    for at in range(len(segments) - 2, -1, -2):
        row = _named(segments[at], options)
        if row is None:
            return None
        if row.ai in KEYS:
            return at
    return None


def _named(text: str, options: Options) -> Identifier | None:
    ai = NAMES.get(text, text) if options.permit_convenience_alphas else text
    return identifier(ai, permit_unknown=options.permit_unknown_ais)


def _in_path(name: str, escaped: str, options: Options) -> tuple[Identifier, str]:
    row = _named(name, options)
    assert row is not None
    return row, _value(row, unescape(escaped), options)


def _in_query(query: str, options: Options) -> Iterable[tuple[Identifier, str]]:
    for part in query.split("&"):
        name, equals, escaped = part.partition("=")
        if not equals or not (name.isascii() and name.isdigit()):
            continue  # nobody's business but that of whom it leads to
        row = identifier(name, permit_unknown=options.permit_unknown_ais)
        if row is None:
            raise NotDigitalLink(f"({name[:20]}) 不是应用标识符", f"({name[:20]}) is no application identifier")
        yield row, _value(row, unescape(escaped, query=True), options)


def _value(row: Identifier, value: str, options: Options) -> str:
    if not value:
        raise NotDigitalLink(f"({row.ai}) 的值为空", f"({row.ai}) has no value")
    if row.ai == "01" and options.permit_zero_suppressed_gtin and len(value) in _GTINS:
        return value.zfill(14)
    return value


def _orders(key: str) -> frozenset[tuple[str, ...]]:
    """All that may stand behind a key: any of an alternative's qualifiers in their order."""
    return _ORDERS[key]


_ORDERS = {
    key: frozenset(
        chosen
        for sequence in row.sequences or ()
        for length in range(len(sequence) + 1)
        for chosen in combinations(sequence, length)
    )
    for key, row in KEYS.items()
}


def _require_attribute(row: Identifier, options: Options) -> None:
    if not (row.attribute if row.known else not options.unknown_ai_not_dl_attr):
        raise NotDigitalLink(f"({row.ai}) 不能放在查询参数中", f"({row.ai}) cannot be an attribute in the query")


@lru_cache(maxsize=4096)
def _fault_of_key(ai: str, value: str) -> Fault | None:
    """Many lots have one key."""
    return KEYS[ai].fault(value)


def _require_value(row: Identifier, value: str) -> None:
    _require(row.fault(value))


def _require_serial(pairs: Iterable[Pair]) -> None:
    """A signature (8030) is of one thing: a key whose serial number is a part of it has one."""
    given = dict(pairs)
    for ai in _SERIAL.keys() & given.keys() if "8030" in given else ():
        if len(given[ai]) <= _SERIAL[ai]:
            raise NotDigitalLink(f"(8030) 须与带序列号的 ({ai}) 并用", f"(8030) needs a serial number in ({ai})")


def _require_together(names: tuple[str, ...], options: Options) -> None:
    _require(_fault_of(names, options.requisite_ais))


@lru_cache(maxsize=4096)
def _fault_of(names: tuple[str, ...], requisites: bool) -> Fault | None:
    return association_fault(names, requisites=requisites)


def _require(fault: Fault | None) -> None:
    if fault is not None:
        raise NotDigitalLink(fault.zh, fault.en)


def elements(text: str, options: Options = STRICT) -> list[Pair]:
    """Element strings as people read them, (01)…(10)…; a bracket of a value is written \\(. Raises NotDigitalLink."""
    found: list[Pair] = []
    for piece in re.split(r"(?<!\\)(?=\()", text):
        match = re.fullmatch(r"\(([0-9]{2,4})\)(.+)", piece, re.ASCII | re.DOTALL)
        if match is not None:
            found.append((match[1], match[2].replace("\\(", "(")))
        elif piece:
            raise NotDigitalLink("应为 (01)…(10)… 的形式", "element strings have the form (01)…(10)…")
    return checked(found, options)


def checked(found: list[Pair], options: Options = STRICT) -> list[Pair]:
    """Element strings as they are, each valid and together. Raises NotDigitalLink."""
    _once(found)
    _require_serial(found)
    for ai, value in found:
        row = identifier(ai, permit_unknown=options.permit_unknown_ais)
        if row is None:
            raise NotDigitalLink(f"({ai}) 不是应用标识符", f"({ai}) is no application identifier")
        _require_value(row, value)
    if not found:
        raise NotDigitalLink("没有内容", "there is nothing in it")
    _require_together(tuple(ai for ai, _ in found), options)
    return found


def _once(pairs: Iterable[Pair]) -> dict[str, str]:
    """What stands there twice is the same."""
    given: dict[str, str] = {}
    for ai, value in pairs:
        if given.setdefault(ai, value) != value:
            raise NotDigitalLink(f"({ai}) 有两个不同的值", f"({ai}) has two different values")
    return given


def element_string(pairs: Iterable[Pair]) -> str:
    """As `DigitalLink.element_string`, of any element strings."""
    told, separated = [], False
    for ai, value in pairs:
        row = identifier(ai, permit_unknown=True)
        told.append(f"{'' if separated else '^'}{ai}{value}")
        separated = row is not None and row.fixed
    return "".join(told)


def build(pairs: Iterable[Pair], options: Options = STRICT) -> DigitalLink:
    """The Digital Link of element strings in any order, as `elements` gives them: the first that is a key is its key,
    and of the qualifiers those of the alternative that has most of them. Raises NotDigitalLink."""
    given = _once(pairs)
    key = next((ai for ai in given if ai in KEYS), None)
    if key is None:
        raise NotDigitalLink("没有 GS1 主键", "there is no GS1 key in it")
    chosen = max(sorted(_orders(key)), key=lambda order: sum(ai in given for ai in order) - len(order) / 100)
    path = [ai for ai in chosen if ai in given]
    rest = [row for ai in given if ai != key and ai not in path if (row := identifier(ai, permit_unknown=True))]
    for row in rest:
        _require_attribute(row, options)
    ordered = [row.ai for row in rest if row.fixed] + [row.ai for row in rest if not row.fixed]
    return DigitalLink(key, given[key], tuple((ai, given[ai]) for ai in path), tuple((ai, given[ai]) for ai in ordered))
