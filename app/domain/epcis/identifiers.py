"""GS1 identifiers in EPCIS events: EPC URNs, Digital Link URIs, their one canonical form, and what is wrong with them.

Sources: EPC Tag Data Standard 2.0 §6 (URNs), GS1 Digital Link URI Syntax 1.2 §4, CBV 2.0 §8.9.2 (constrained
canonical form: `https://id.gs1.org`, no query, most granular key and qualifier only).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

from app.domain.identifiers import check_digit_gs1

_STEM = "https://id.gs1.org/"
_AI82 = r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]"
_AI39 = r"[#\-/0-9A-Z]"


@dataclass(frozen=True, slots=True)
class _Key:
    """A primary key of Digital Link: its values, where its check digit is, its qualifiers, most granular first."""

    values: re.Pattern[str]
    check_at: int | None = None
    qualifiers: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def _key(values: str, check_at: int | None = None, qualifiers: str = "", dropped: str = "") -> _Key:
    return _Key(re.compile(values, re.ASCII), check_at, tuple(qualifiers.split()), tuple(dropped.split()))


# `check_at` is the place of the check digit in the value; `dropped` qualifiers are legal and left out.
_KEYS = {
    "00": _key(r"\d{18}", 17),
    "01": _key(r"\d{8}|\d{12,14}", 13, "21 235 10", "22"),
    "253": _key(rf"\d{{13}}{_AI82}{{0,17}}", 12),
    "255": _key(r"\d{13,25}", 12),
    "401": _key(rf"{_AI82}{{1,30}}"),
    "402": _key(r"\d{17}", 16),
    "414": _key(r"\d{13}", 12, "254"),
    "417": _key(r"\d{13}", 12),
    "8003": _key(rf"\d{{14}}{_AI82}{{0,16}}", 13),
    "8004": _key(rf"{_AI82}{{1,30}}"),
    "8006": _key(r"\d{18}", 13, "21 10", "22"),
    "8010": _key(rf"{_AI39}{{1,30}}", None, "8011"),
    "8017": _key(r"\d{18}", 17, "", "8019"),
    "8018": _key(r"\d{18}", 17, "", "8019"),
}
# The names that Digital Link 1.1 allowed instead of numbers.
_NAMES = {
    "sscc": "00", "gtin": "01", "gdti": "253", "gcn": "255", "ginc": "401", "gsin": "402", "gln": "414",
    "party": "417", "grai": "8003", "giai": "8004", "itip": "8006", "cpid": "8010", "gsrnp": "8017", "gsrn": "8018",
    "cpv": "22", "lot": "10", "ser": "21", "glnx": "254", "cpsn": "8011", "srin": "8019",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DigitalLink:
    """A GS1 Digital Link read from a URI: the key's application identifier and value, and its qualifiers."""

    key: str
    value: str
    qualifiers: tuple[tuple[str, str], ...] = ()

    @property
    def check_digit_ok(self) -> bool:
        """Whether the key's check digit, where the key has one, is the right one."""
        place = _KEYS[self.key].check_at
        # A GRAI's check digit covers the thirteen digits after a filler zero; the zero weighs nothing.
        return place is None or check_digit_gs1(self.value[:place]) == self.value[place]

    def qualifier(self, ai: str) -> str | None:
        return dict(self.qualifiers).get(ai)

    def __str__(self) -> str:
        pair = next(((ai, v) for ai in _KEYS[self.key].qualifiers if (v := self.qualifier(ai))), ())
        return _STEM + "/".join(quote(part, safe="") for part in (self.key, self.value, *pair))


def parse_digital_link(uri: str) -> DigitalLink | None:
    """The GS1 key that a web URI carries on any domain, or None. Check digits are not looked at here."""
    if not uri.startswith(("http://", "https://")):
        return None
    path = uri.split("#", 1)[0].split("?", 1)[0].rstrip("/")
    segments = [unquote(part) for part in path.split("/")[3:]]
    for start in range(len(segments) - 1):
        if len(segments) - start <= 8 and (link := _link(segments[start:])):
            return link
    return None


def _link(segments: list[str]) -> DigitalLink | None:
    ai = _NAMES.get(segments[0], segments[0])
    key, value = _KEYS.get(ai), segments[1]
    if key is None or len(segments) % 2 or not key.values.fullmatch(value):
        return None
    names = [_NAMES.get(name, name) for name in segments[2::2]]
    if len(set(names)) < len(names) or not set(names) <= {*key.qualifiers, *key.dropped}:
        return None
    if not all(segments[3::2]):
        return None
    return DigitalLink(ai, value.zfill(14) if ai == "01" else value, tuple(zip(names, segments[3::2], strict=True)))


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
    parts = [unquote(part) for part in raw]
    if parts.count("*") - (parts[-1] == "*"):
        raise _Malformed("only the last part of a pattern can be open here")
    if count > 2 and not parts[-1]:
        raise _Malformed("the last part is empty")
    link = build(parts)
    if not _KEYS[link.key].values.fullmatch(link.value):
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
    return uri if link is None else str(link)


def malformation(uri: str) -> str | None:
    """What is wrong with an EPC URN (lengths, parts), Digital Link (check digit) or URN of a UUID; None if nothing.

    Patterns with more than their last part open (`urn:epc:idpat:sgtin:*.*.*`) are legal and name no key.
    """
    try:
        link = _parse_urn(uri)
    except _Malformed as fault:
        return None if uri.startswith("urn:epc:idpat:") and ".*" in uri else str(fault)
    link = link or parse_digital_link(uri)
    if link is not None and not link.check_digit_ok:
        return f"the check digit of {link.value} is wrong"
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
        return ClassParts(str(DigitalLink("01", link.value)), link.qualifier("10"), serial, link.value)
    if match := _LOT_CLASS.fullmatch(epc.strip()):
        head, form, product, last = match.groups()
        lot = last if form == "product:lot:class" else None
        return ClassParts(f"{head}:product:class:{product}", lot, None if lot else last, None)
    return None
