"""GS1 identifiers in EPCIS events: EPC URNs, Digital Link URIs, their one canonical form, and what is wrong with them.

Sources: EPC Tag Data Standard 2.0 §6 (URNs), GS1 Digital Link URI Syntax 1.2 §4, CBV 2.0 §8.9.2 (constrained
canonical form: `https://id.gs1.org`, no query, most granular key and qualifier only).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

from app.domain.application_identifiers import IDENTIFIERS, KEYS
from app.domain.digital_link import NAMES, STEM, DigitalLink
from app.domain.identifiers import check_digit_gs1

# Which qualifier names the most: an instance before its class; a variant (22) names nothing of its own.
_GRANULAR = ("21", "235", "10", "254", "8011", "8019")
_PADDED = (8, 12, 13)  # lengths of a GTIN whose zeros in front are left out


def parse_digital_link(uri: str) -> DigitalLink | None:
    """The GS1 key that a web URI carries on any domain, or None; names for numbers, GTINs without their zeros and
    qualifiers in any order are let through. Check digits are not looked at here."""
    if not uri[:8].lower().startswith(("http://", "https://")):
        return None
    path = uri.split("#", 1)[0].split("?", 1)[0].rstrip("/")
    segments = [unquote(part) for part in path.split("/")[3:]]
    for start in range(len(segments) - 1):
        if len(segments) - start <= 8 and (link := _link(segments[start:])):
            return link
    return None


def _link(segments: list[str]) -> DigitalLink | None:
    ai = NAMES.get(segments[0], segments[0])
    key, value = KEYS.get(ai), segments[1]
    if ai == "01" and len(value) in _PADDED:
        value = value.zfill(14)
    if key is None or len(segments) % 2 or not key.shape.fullmatch(value):
        return None
    names = [NAMES.get(name, name) for name in segments[2::2]]
    if len(set(names)) < len(names) or not key.qualifiers.issuperset(names):
        return None
    if not all(segments[3::2]):
        return None
    return DigitalLink(ai, value, tuple(zip(names, segments[3::2], strict=True)))


def constrained(link: DigitalLink) -> str:
    """The constrained canonical form: the key and its most granular qualifier alone."""
    said = dict(link.qualifiers)
    pair = next(((ai, said[ai]) for ai in _GRANULAR if ai in said), ())
    # Most parts are digits and letters, which nothing has to be done to.
    parts = [part if part.isalnum() and part.isascii() else quote(part, safe="") for part in (link.value, *pair)]
    return "/".join((STEM, link.key, *parts))


def check_digit_ok(link: DigitalLink) -> bool:
    """Whether the key's check digit, where the key has one, is the right one."""
    place = KEYS[link.key].check_at
    # A GRAI's check digit covers the thirteen digits after a filler zero; the zero weighs nothing.
    return place is None or check_digit_gs1(link.value[:place]) == link.value[place]


class _Malformed(ValueError):
    """An EPC URN of a known scheme whose parts cannot be right; the text says why."""


def _company(parts: list[str], digits: int) -> str:
    """Company prefix and reference joined; together they have `digits` digits."""
    company, reference = parts[0], parts[1]
    if not (company + reference).isascii() or not company.isdigit() or not (reference + "0").isdigit():
        raise _Malformed("company prefix and reference are digits")
    if not 6 <= len(company) <= 12:
        raise _Malformed(f"a company prefix has 6 to 12 digits, not {len(company)}")
    if len(company) + len(reference) != digits:
        raise _Malformed(f"company prefix and reference have {digits} digits together, not {len(company + reference)}")
    return company + reference


def _indicated(parts: list[str], digits: int) -> str:
    """Like `_company`, but the reference's first digit (indicator, extension digit) goes to the front."""
    joined = _company(parts, digits)
    at = len(parts[0])
    joined = joined[at] + joined[:at] + joined[at + 1 :]
    return joined + check_digit_gs1(joined)


def _checked(parts: list[str], digits: int) -> str:
    joined = _company(parts, digits)
    return joined + check_digit_gs1(joined)


def _free(parts: list[str]) -> str:
    if not (parts[0].isascii() and parts[0].isdigit()) or not parts[1]:
        raise _Malformed("a company prefix of digits and a reference are needed")
    if not 6 <= len(parts[0]) <= 12:
        raise _Malformed(f"a company prefix has 6 to 12 digits, not {len(parts[0])}")
    return parts[0] + parts[1]


def _serial(parts: list[str], ai: str) -> tuple[tuple[str, str], ...]:
    return () if parts[-1] == "*" else ((ai, parts[-1]),)


def _appended(parts: list[str]) -> str:
    return "" if parts[-1] == "*" else parts[-1]


_Build = Callable[[list[str]], DigitalLink]


def _gtin(ai: str) -> _Build:
    return lambda p: DigitalLink("01", _indicated(p, 13), _serial(p, ai))


# scheme → number of parts between dots, and how they become a key.
_SCHEMES: dict[str, tuple[int, _Build]] = {
    "sgtin": (3, _gtin("21")),
    "lgtin": (3, _gtin("10")),
    "upui": (3, _gtin("235")),
    "sscc": (2, lambda p: DigitalLink("00", _indicated(p, 17))),
    "sgln": (3, lambda p: DigitalLink("414", _checked(p, 12), () if p[2] == "0" else _serial(p, "254"))),
    "pgln": (2, lambda p: DigitalLink("417", _checked(p, 12))),
    "grai": (3, lambda p: DigitalLink("8003", "0" + _checked(p, 12) + _appended(p))),
    "giai": (2, lambda p: DigitalLink("8004", _free(p))),
    "gsrn": (2, lambda p: DigitalLink("8018", _checked(p, 17))),
    "gsrnp": (2, lambda p: DigitalLink("8017", _checked(p, 17))),
    "gdti": (3, lambda p: DigitalLink("253", _checked(p, 12) + _appended(p))),
    "sgcn": (3, lambda p: DigitalLink("255", _checked(p, 12) + _appended(p))),
    "cpi": (3, lambda p: DigitalLink("8010", _free(p), _serial(p, "8011"))),
    "ginc": (2, lambda p: DigitalLink("401", _free(p))),
    "gsin": (2, lambda p: DigitalLink("402", _checked(p, 16))),
    "itip": (5, lambda p: DigitalLink("8006", _indicated(p, 13) + p[2] + p[3], _serial(p, "21"))),
}
_URN = re.compile(r"urn:epc:(?:id|class|idpat):([a-z]+):(.*)", re.DOTALL)


def _parse_urn(uri: str) -> DigitalLink | None:
    """The key that an EPC URN names; None where it is no EPC URN of a GS1 key. Raises `_Malformed`."""
    match = _URN.fullmatch(uri)
    if match is None or match[1] not in _SCHEMES:
        return None
    count, build = _SCHEMES[match[1]]
    raw = match[2].split(".", count - 1)
    if len(raw) != count:
        raise _Malformed(f"{match[1]} has {count} parts separated by dots, not {len(raw)}")
    parts = [unquote(part) for part in raw] if "%" in match[2] else raw
    if parts.count("*") - (parts[-1] == "*"):
        raise _Malformed("only the last part of a pattern can be open here")
    if count > 2 and not parts[-1]:
        raise _Malformed("the last part is empty")
    link = build(parts)
    if not KEYS[link.key].shape.fullmatch(link.value):
        raise _Malformed(f"the value {link.value!r} cannot be a key {link.key}")
    return link


@lru_cache(maxsize=65_536)
def gs1_key(uri: str) -> DigitalLink | None:
    """The GS1 key that an EPC URN or a Digital Link URI names; None for every other or malformed identifier."""
    try:
        return _parse_urn(uri) or parse_digital_link(uri)
    except _Malformed:
        return None


def company_prefix(uri: str) -> str | None:
    """The GS1 Company Prefix of a well-formed EPC URN; None for everything else."""
    match = _URN.fullmatch(uri.strip())
    return None if match is None or gs1_key(uri.strip()) is None else match[2].split(".", 1)[0]


@lru_cache(maxsize=65_536)
def canonical_uri(uri: str) -> str:
    """The one form under which `uri` is compared and stored: constrained canonical Digital Link where it is a GS1 key
    (EPC URN or Digital Link on any domain), else `uri` itself without surrounding blanks.
    """
    uri = uri.strip()
    link = gs1_key(uri)
    return uri if link is None else constrained(link)


@lru_cache(maxsize=8_192)
def malformation(uri: str) -> str | None:
    """What is wrong with an EPC URN (lengths, parts), Digital Link (check digit), a serial or lot number of either, or
    the URN of a UUID; None if nothing.

    Patterns with more than their last part open (`urn:epc:idpat:sgtin:*.*.*`) are legal and name no key.
    """
    link = gs1_key(uri)
    if link is None:
        try:
            _parse_urn(uri)
        except _Malformed as fault:
            return None if uri.startswith("urn:epc:idpat:") and ".*" in uri else str(fault)
    elif not uri.startswith("urn:") and not check_digit_ok(link):  # of a URN it is computed
        return f"the check digit of {link.value} is wrong"
    for ai, value in () if link is None else link.qualifiers:
        if not IDENTIFIERS[ai].shape.fullmatch(value):
            return f"{value!r} cannot be a value of ({ai})"
    if uri.startswith("urn:uuid:") and not _UUID.fullmatch(uri):
        return "not a UUID of 8-4-4-4-12 hexadecimal digits"
    return None


_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_LOT_CLASS = re.compile(r"(urn:.+):(product:lot:class|product:serial:obj):([^:.]+\.[^:.]+)\.([^:]+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ClassParts:
    """What an EPC says about its product: the class URI, lot number, serial number, GTIN-14; None where unsaid."""

    product: str
    lot: str | None
    serial: str | None
    gtin: str | None


@lru_cache(maxsize=8_192)
def class_parts(epc: str) -> ClassParts | None:
    """Product class, lot, serial and GTIN of an EPC or EPC class; None for units, places and unknown identifiers.

    Understood are GTIN based URNs and Digital Links, and the GDST forms `…:product:lot:class:OWNER.ITEM.LOT` and
    `…:product:serial:obj:OWNER.ITEM.SERIAL`, whose product class is `…:product:class:OWNER.ITEM`.
    """
    link = gs1_key(epc.strip())
    if link is not None:
        if link.key != "01":
            return None
        serial = link.qualifier("21") or link.qualifier("235")
        return ClassParts(constrained(DigitalLink("01", link.value)), link.qualifier("10"), serial, link.value)
    if match := _LOT_CLASS.fullmatch(epc.strip()):
        head, form, product, last = match.groups()
        lot = last if form == "product:lot:class" else None
        return ClassParts(f"{head}:product:class:{product}", lot, None if lot else last, None)
    return None
