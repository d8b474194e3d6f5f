"""What a value of a MATCH_ parameter names: one EPC, the instances of a class, or a whole range of EPCs.

EPCIS 2.0 §8.2.7.1.1; the patterns `urn:epc:idpat:…` are those of the EPC Tag Data Standard 2.0 §8: parts are open
(`*`) from some part on to the last. Everything is compared in canonical form (`canonical_uri`), hence a company prefix
is compared by its digits, whose number a Digital Link does not tell; GS1 gives no prefix that begins with another.

A class URI of a GTIN, GRAI, GDTI, GCN, CPI or ITIP without its serial number is the same URI as the pattern of all of
its instances (`https://id.gs1.org/01/…` and `urn:epc:idpat:sgtin:….*`, CBV 2.0 §8.9.2), in either writing: it matches
itself and those instances. It does not match the lots of a GTIN: `urn:epc:idpat:lgtin:….*` does.

Taken besides: patterns that begin `urn:epc:id:` or `urn:epc:class:`, as the tests of EPCIS 1.0 write them, and Digital
Links whose last values are `*` (`…/01/04012345123456/10/*`); there `%2A` is the character. A serial number that is `*`
is among what such a pattern matches. Ranges (`[1-5]`) are of the patterns of tags, not of identities (§8).
"""

import re
from dataclasses import dataclass

from app.domain.application_identifiers import KEYS
from app.domain.digital_link import NAMES, STEM, DigitalLink
from app.domain.epcis.identifiers import canonical_uri, gs1_key

FLAGS = re.ASCII | re.DOTALL
"""Of the rules of patterns."""

_PATTERN = re.compile(r"urn:epc:(?:idpat|id|class):([a-z]+):(.+)", re.DOTALL)
_RANGE = re.compile(r"\[\d+-\d+\]", re.ASCII)
_OPEN_LINK = re.compile(r"https?://[^?#]+?/([^/?#]+)/\*(?:/([^/?#]+)/\*)?/?(?:[?#].*)?", re.DOTALL | re.IGNORECASE)
_COMPANY = re.compile(r"\d{6,12}", re.ASCII)
_DIGITS = tuple("0123456789")


@dataclass(frozen=True, slots=True)
class Span:
    """The URIs of low <= uri < high by code points (PostgreSQL: COLLATE "C")."""

    low: str
    high: str

    def __contains__(self, uri: str) -> bool:
        return self.low <= uri < self.high


@dataclass(frozen=True, slots=True)
class Pattern:
    """A set of canonical URIs: those of `exact`, and those that `rule` matches wholly, which all lie in `spans` (at
    most ten)."""

    exact: frozenset[str]
    rule: re.Pattern[str] | None = None
    spans: tuple[Span, ...] = ()

    def __contains__(self, uri: str) -> bool:
        return uri in self.exact or (self.rule is not None and self.rule.fullmatch(uri) is not None)


@dataclass(frozen=True, slots=True)
class _Scheme:
    """How a scheme's EPCs are written as Digital Links.

    ai: of the key; parts: of the URN; filler: digits before the company prefix, "" or "0", None for one digit of the
    reference (indicator, extension); digits: of filler, company prefix, reference and check digit together, None where
    the reference is free text; tail: regular expression of what stands after them where every later part is open.
    """

    ai: str
    parts: int
    filler: str | None
    digits: int | None
    tail: str


_SCHEMES = {
    "sgtin": _Scheme("01", 3, None, 14, "(?:/21/[^/]+)?"),
    "upui": _Scheme("01", 3, None, 14, "(?:/235/[^/]+)?"),
    "lgtin": _Scheme("01", 3, None, 14, "/10/[^/]+"),
    "itip": _Scheme("8006", 5, None, 14, r"\d{4}(?:/21/[^/]+)?"),
    "sscc": _Scheme("00", 2, None, 18, ""),
    "sgln": _Scheme("414", 3, "", 13, "(?:/254/[^/]+)?"),
    "pgln": _Scheme("417", 2, "", 13, ""),
    "grai": _Scheme("8003", 3, "0", 14, "[^/]*"),
    "gdti": _Scheme("253", 3, "", 13, "[^/]*"),
    "sgcn": _Scheme("255", 3, "", 13, "[^/]*"),
    "gsrn": _Scheme("8018", 2, "", 18, ""),
    "gsrnp": _Scheme("8017", 2, "", 18, ""),
    "gsin": _Scheme("402", 2, "", 17, ""),
    "giai": _Scheme("8004", 2, "", None, ""),
    "ginc": _Scheme("401", 2, "", None, ""),
    "cpi": _Scheme("8010", 3, "", None, "(?:/8011/[^/]+)?"),
}
# Key of a class → what its instances add to it; those that are longer than the class count their digits here.
_INSTANCES = {"01": "/(?:21|235)/[^/]+", "8006": "/21/[^/]+", "8010": "/8011/[^/]+"}
_APPENDED = {"8003": 14, "253": 13, "255": 13}


def pattern_of(value: str, *, instances: bool = True) -> Pattern:
    """The URIs that a value of a MATCH_ parameter stands for; without `instances`, a class only for itself. Raises
    ValueError, saying in English what is wrong, for a pattern that the Tag Data Standard does not allow."""
    value = value.strip()
    match = _PATTERN.fullmatch(value)
    if match is not None:
        scheme = _SCHEMES.get(match[1])
        # A serial number may have dots of its own.
        parts = match[2].split(".", scheme.parts - 1 if scheme else -1)
        if "*" in parts:
            return _open(value, match[1], scheme, parts)
        if any(_RANGE.fullmatch(part) for part in parts):
            raise ValueError(
                "there are no ranges in patterns of identities: list the values, or leave the part open (*)"
            )
    elif (match := _OPEN_LINK.fullmatch(value)) is not None and (found := _open_link(value, match, instances)):
        return found
    uri = canonical_uri(value)
    link = gs1_key(uri)
    return _instances(uri, link) if instances and link is not None else Pattern(frozenset([uri]))


def _open_link(value: str, match: re.Match[str], instances: bool) -> Pattern | None:
    """A Digital Link that ends with one or two open values; None for what is none."""
    uri = canonical_uri(value)
    key, qualifier = (None if ai is None else NAMES.get(ai, ai) for ai in match.groups())
    if gs1_key(uri) is not None:
        return _whole(uri.removesuffix("%2A"), "[^/]+") if uri.endswith("/%2A") else None
    if key not in KEYS:
        return None
    if qualifier is not None:
        return _whole(f"{STEM}/{key}/", f"[^/]+/{re.escape(qualifier)}/[^/]+")
    return _whole(f"{STEM}/{key}/", f"[^/]+(?:{_INSTANCES[key]})?" if instances and key in _INSTANCES else "[^/]+")


def _whole(prefix: str, tail: str) -> Pattern:
    return Pattern(frozenset(), _rule(prefix, tail), (_span(prefix),))


def _instances(uri: str, link: DigitalLink) -> Pattern:
    """A GS1 key, and where it is that of a class, all that belongs to it."""
    exact = frozenset([uri])
    if link.qualifiers:
        return Pattern(exact)
    if link.key == "01":
        return Pattern(exact, _rule(uri, _INSTANCES["01"]), (_span(f"{uri}/21/"), _span(f"{uri}/235/")))
    if link.key in _INSTANCES:
        tail = _INSTANCES[link.key]
        return Pattern(exact, _rule(uri, tail), (_span(uri + tail.removesuffix("[^/]+")),))
    if len(link.value) == _APPENDED.get(link.key):
        return Pattern(exact, _rule(uri, "[^/]+"), (_span(uri),))
    return Pattern(exact)


def _open(value: str, name: str, scheme: _Scheme | None, parts: list[str]) -> Pattern:
    first = parts.index("*")
    if any(part != "*" for part in parts[first:]):
        raise ValueError("only the last parts of a pattern can be open (*)")
    if scheme is None:
        return _foreign(name, parts[:first])
    if len(parts) != scheme.parts:
        raise ValueError(f"a pattern of {name} has {scheme.parts} parts separated by dots, not {len(parts)}")
    if first == 0:
        reference = "[^/]+" if scheme.digits is None else rf"\d{{{scheme.digits}}}"
        prefix = f"{STEM}/{scheme.ai}/"
        return Pattern(frozenset(), _rule(prefix, reference + scheme.tail), (_span(prefix),))
    if not _COMPANY.fullmatch(parts[0]):
        raise ValueError("a company prefix has 6 to 12 digits")
    return _of_company(scheme, parts[0]) if first == 1 else _of_reference(value, name, scheme, parts, first)


def _of_company(scheme: _Scheme, company: str) -> Pattern:
    """Everything of a company prefix."""
    if scheme.digits is None:
        rest = "[^/]+"
    else:
        rest = rf"\d{{{scheme.digits - len(company) - (1 if scheme.filler is None else len(scheme.filler))}}}"
    heads = _DIGITS if scheme.filler is None else (scheme.filler,)
    head = r"\d" if scheme.filler is None else scheme.filler
    rule = _rule(f"{STEM}/{scheme.ai}/", head + company + rest + scheme.tail)
    return Pattern(frozenset(), rule, tuple(_span(f"{STEM}/{scheme.ai}/{digit}{company}") for digit in heads))


def _of_reference(value: str, name: str, scheme: _Scheme, parts: list[str], first: int) -> Pattern:
    """Everything of one reference (item, location, type of asset …), with further parts of an ITIP."""
    if name == "itip":
        gtin = gs1_key(f"urn:epc:idpat:sgtin:{parts[0]}.{parts[1]}.*")
        fixed = parts[2:first]
        if gtin is None or not all(len(part) == 2 and part.isascii() and part.isdigit() for part in fixed):
            raise ValueError("the parts cannot be a GTIN, a piece and a total")
        prefix = f"{STEM}/8006/{gtin.value}{''.join(fixed)}"
        rule = _rule(prefix, rf"\d{{{4 - 2 * len(fixed)}}}(?:/21/[^/]+)?")
        return Pattern(frozenset(), rule, (_span(prefix),))
    key = gs1_key(value)
    if key is None:
        raise ValueError("its parts have a wrong length or form")
    prefix = canonical_uri(value)
    rule = _rule(prefix, scheme.tail)
    closed = scheme.tail.startswith("[")
    exact = frozenset([prefix]) if rule.fullmatch(prefix) else frozenset()
    inside = prefix if closed else prefix + scheme.tail.removeprefix("(?:").split("[", 1)[0]
    return Pattern(exact, rule, (_span(inside),))


def _foreign(name: str, known: list[str]) -> Pattern:
    """A scheme that has no Digital Link (gid, usdod, adi, bic, imovn …): its EPCs stay URNs."""
    prefix = ".".join([f"urn:epc:id:{name}:" + known[0], *known[1:], ""]) if known else f"urn:epc:id:{name}:"
    return Pattern(frozenset(), _rule(prefix, ".+"), (_span(prefix),))


def _rule(prefix: str, tail: str) -> re.Pattern[str]:
    return re.compile(re.escape(prefix) + tail, FLAGS)


def _span(prefix: str) -> Span:
    """Everything that begins with a prefix, whose last character is an ASCII one."""
    return Span(prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1))
