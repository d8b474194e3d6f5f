"""EPC format translation (GS1-EPC-Format of EPCIS 2.0's REST binding): EPC URNs to Digital Link URIs and back.

A Digital Link does not say how long its GS1 Company Prefix is, an EPC URN does (TDS 2.0 §6, §7). The length comes from
the operator's copy of GS1's GCP length table or from other URNs of the same event; where neither knows it, the Digital
Link stays: it is the same identifier, and a guessed prefix would make another one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from app.domain.digital_link import DigitalLink
from app.domain.epcis.identifiers import canonical_uri, company_prefix, constrained, gs1_key, parse_digital_link


class EpcFormat(StrEnum):
    """The values of the header GS1-EPC-Format."""

    DIGITAL_LINK = "Always_GS1_Digital_Link"
    URN = "Always_EPC_URN"
    NEVER = "Never_Translates"
    ANY = "No_Preference"


@dataclass(frozen=True, slots=True)
class CompanyPrefixes:
    """What is known of the lengths of GS1 Company Prefixes: first digits of keys → digits of the company prefix (6 to
    12), as in GS1's GCP length table. The longest entry that fits counts; 0 says that nobody has been given it."""

    lengths: Mapping[str, int] = field(default_factory=dict)

    def length(self, digits: str) -> int | None:
        """Digits of the company prefix that the key part `digits` (without indicator) begins with; None: unknown."""
        known = (self.lengths[digits[:n]] for n in range(min(len(digits), 12), 0, -1) if digits[:n] in self.lengths)
        return next(known, None) or None

    def learned(self, uris: Iterable[str]) -> "CompanyPrefixes":
        """These and those that EPC URNs among `uris` show; what is known already comes first."""
        shown = {company: len(company) for uri in uris if (company := company_prefix(uri)) is not None}
        fresh = {company: n for company, n in shown.items() if self.length(company) is None}
        return CompanyPrefixes({**self.lengths, **fresh}) if fresh else self


def company_prefixes(table: object) -> CompanyPrefixes:
    """From the JSON of GS1's table, `{"GCPPrefixFormatList": {"entry": [{"prefix": "690", "gcpLength": 7}, …]}}`, or a
    plain object of prefixes and lengths. ValueError, with the place, for anything else."""
    listed = table.get("GCPPrefixFormatList", table) if isinstance(table, dict) else table
    entries = listed.get("entry") if isinstance(listed, dict) and "entry" in listed else None
    pairs: Iterable[tuple[object, object]]
    if isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries):
        pairs = [(entry.get("prefix"), entry.get("gcpLength")) for entry in entries]
    elif entries is None and isinstance(listed, dict):
        pairs = listed.items()
    else:
        raise ValueError("neither GS1's GCP length table nor an object of prefixes and lengths")
    lengths: dict[str, int] = {}
    for prefix, length in pairs:
        digits = isinstance(prefix, str) and prefix.isascii() and prefix.isdigit() and len(prefix) <= 12
        if not digits or not isinstance(length, int) or not (length == 0 or 6 <= length <= 12):
            raise ValueError(f"prefix {prefix!r} with length {length!r}: digits and 0 or 6 to 12 are needed")
        lengths[str(prefix)] = length
    return CompanyPrefixes(lengths)


NONE_KNOWN = CompanyPrefixes()


def translated_uri(uri: str, to: EpcFormat, prefixes: CompanyPrefixes = NONE_KNOWN) -> str:
    """`uri` in the format `to`; as it is where it is no GS1 key, has that format already, or cannot be put into it.

    An EPC URN has one key and one serial or lot: whatever else a Digital Link says (variant, lot beside a serial,
    query) is not in its URN.
    """
    if to is EpcFormat.DIGITAL_LINK:
        return canonical_uri(uri) if uri.strip().startswith("urn:epc:") else uri
    link = parse_digital_link(uri.strip()) if to is EpcFormat.URN else None
    if link is None:
        return uri
    urn = _urn(link, prefixes)
    # What a URN cannot say (a wrong check digit, a serial "*", a company prefix too long) is not translated.
    return uri if urn is None or gs1_key(urn) is None or canonical_uri(urn) != constrained(link) else urn


def translated(event: Mapping[str, Any], to: EpcFormat, prefixes: CompanyPrefixes = NONE_KNOWN) -> dict[str, Any]:
    """An EPCIS event with its standard identifier fields in the format `to`; extension fields, eventIDs and vocabulary
    words stay as they are. URNs in the event add to the `prefixes` that are known."""
    if to in (EpcFormat.NEVER, EpcFormat.ANY):
        return dict(event)
    if to is EpcFormat.URN:
        prefixes = prefixes.learned(_uris(event, _EVENT))
    return {name: _walked(event[name], _EVENT.get(name), to, prefixes) for name in event}


def translated_document(
    document: Mapping[str, Any], to: EpcFormat, prefixes: CompanyPrefixes = NONE_KNOWN
) -> dict[str, Any]:
    """As `translated`, for an EPCIS document, query document or bare event, with the ids of its master data. URNs
    anywhere in it add to the `prefixes`."""
    if to in (EpcFormat.NEVER, EpcFormat.ANY):
        return dict(document)
    fields = _DOCUMENT if document.get("type") in ("EPCISDocument", "EPCISQueryDocument") else _EVENT
    if to is EpcFormat.URN:
        prefixes = prefixes.learned(_uris(document, fields))
    return {name: _walked(document[name], fields.get(name), to, prefixes) for name in document}


# What stands in a field: one URI or a list of them, or an object or list of them with these fields.
_Fields = Mapping[str, Any]
_URI: _Fields = {}
_PLACE: _Fields = {"id": _URI}
_QUANTITY: _Fields = {"epcClass": _URI}
_SENSED: _Fields = dict.fromkeys(
    ("deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules", "uriValue"), _URI
)
_EVENT: _Fields = {
    **dict.fromkeys(
        ("epcList", "parentID", "childEPCs", "inputEPCList", "outputEPCList", "transformationID", "certificationInfo"),
        _URI,
    ),
    **dict.fromkeys(("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList"), _QUANTITY),
    "readPoint": _PLACE,
    "bizLocation": _PLACE,
    "bizTransactionList": {"bizTransaction": _URI},
    "sourceList": {"source": _URI},
    "destinationList": {"destination": _URI},
    "sensorElementList": {"sensorMetadata": _SENSED, "sensorReport": _SENSED},
}
_VOCABULARY: _Fields = {"vocabularyElementList": {"id": _URI, "children": _URI}}
_DOCUMENT: _Fields = {
    "epcisHeader": {"epcisMasterData": {"vocabularyList": _VOCABULARY}},
    "epcisBody": {
        "eventList": _EVENT,
        "queryResults": {"resultsBody": {"eventList": _EVENT, "vocabularyList": _VOCABULARY}},
    },
}


def _walked(value: Any, fields: _Fields | None, to: EpcFormat, prefixes: CompanyPrefixes) -> Any:
    if fields is None:
        return value
    if isinstance(value, list):
        return [_walked(item, fields, to, prefixes) for item in value]
    if isinstance(value, str):
        return translated_uri(value, to, prefixes) if fields is _URI else value
    if isinstance(value, dict):
        return {name: _walked(inner, fields.get(name), to, prefixes) for name, inner in value.items()}
    return value


def _uris(value: Any, fields: _Fields | None) -> Iterator[str]:
    if fields is None:
        return
    if isinstance(value, list):
        for item in value:
            yield from _uris(item, fields)
    elif isinstance(value, str):
        if fields is _URI:
            yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _uris(inner, fields.get(name))


# Key → where its company prefix begins, where the digits of company prefix and reference end (None: open), and whether
# the digit before is an indicator that goes to the front of the reference.
_LAYOUT: dict[str, tuple[int, int | None, bool]] = {
    "00": (1, 17, True),
    "01": (1, 13, True),
    "253": (0, 12, False),
    "255": (0, 12, False),
    "401": (0, None, False),
    "402": (0, 16, False),
    "414": (0, 12, False),
    "417": (0, 12, False),
    "8003": (1, 13, False),
    "8004": (0, None, False),
    "8006": (1, 13, True),
    "8010": (0, None, False),
    "8017": (0, 17, False),
    "8018": (0, 17, False),
}
_TYPES = {"00": "sscc", "401": "ginc", "402": "gsin", "417": "pgln", "8004": "giai", "8017": "gsrnp", "8018": "gsrn"}
_APPENDED = {"253": "gdti", "255": "sgcn", "8003": "grai"}
# Of AI 82 and AI 39, what an EPC URN escapes is "%&/<>?# (TDS 2.0 §6.3, tables of the character sets).
_UNESCAPED = "!'()*+,-.:;=_"


def _urn(link: DigitalLink, prefixes: CompanyPrefixes) -> str | None:
    start, end, indicated = _LAYOUT[link.key]
    digits = link.value[start:end]
    length = prefixes.length(digits)
    if length is None:
        return None
    reference = (link.value[0] if indicated else "") + digits[length:]
    head = f"{digits[:length]}.{_quoted(reference)}"
    if link.key in _TYPES:
        return f"urn:epc:id:{_TYPES[link.key]}:{head}"
    if link.key in _APPENDED:
        return _serialised(_APPENDED[link.key], head, link.value[(end or 0) + 1 :])
    if link.key == "414":
        return f"urn:epc:id:sgln:{head}.{_quoted(link.qualifier('254') or '0')}"
    if link.key == "8010":
        return _serialised("cpi", head, link.qualifier("8011"))
    if link.key == "8006":
        return _serialised("itip", f"{head}.{link.value[14:16]}.{link.value[16:]}", link.qualifier("21"))
    if link.qualifier("21") is None and link.qualifier("235"):
        return _serialised("upui", head, link.qualifier("235"))
    if link.qualifier("21") is None and (lot := link.qualifier("10")):
        return f"urn:epc:class:lgtin:{head}.{_quoted(lot)}"
    return _serialised("sgtin", head, link.qualifier("21"))


def _serialised(scheme: str, head: str, serial: str | None) -> str:
    return f"urn:epc:id:{scheme}:{head}.{_quoted(serial)}" if serial else f"urn:epc:idpat:{scheme}:{head}.*"


def _quoted(text: str) -> str:
    return quote(text, safe=_UNESCAPED)
