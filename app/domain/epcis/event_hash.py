"""The event hash of GS1's Core Business Vocabulary 2.0 (§8.9): one fingerprint of an event, however it is written.

Field names and values are joined in a canonical order into a pre-hash string; its SHA-256 in an RFC 6920 `ni` URI is
the hash. The eventID, the recordTime, an errorDeclaration and rdfs:comment are no part of it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from app.domain.epcis.context import Context
from app.domain.epcis.identifiers import canonical_uri
from app.domain.epcis.values import canonical_number, canonical_text, canonical_time
from app.domain.epcis.vocabulary import CBV, WEB_VOCABULARY, web_form

MAX_DEPTH = 64
"""Levels of nesting inside an event; deeper ones are refused."""

_Render = Callable[[str, object, Context], str]
_HEAD, _TAIL = "ni:///sha-256;", "?ver=CBV2.0"
_COMMENT = Context().full_name("rdfs:comment")


class NestingTooDeep(ValueError):
    """An event with more than MAX_DEPTH levels; `validate_document` refuses it before anybody hashes it."""


def event_hash(event: Mapping[str, Any], context: Context) -> str:
    """`ni:///sha-256;<64 hex digits>?ver=CBV2.0` of one event. Raises NestingTooDeep."""
    return hash_uri(hashlib.sha256(prehash(event, context).encode("utf-8", "surrogatepass")).digest())


def hash_uri(digest: bytes) -> str:
    """The event hash with these 32 bytes of SHA-256."""
    return f"{_HEAD}{digest.hex()}{_TAIL}"


def hash_digest(uri: str) -> bytes:
    """The 32 bytes in an event hash."""
    return bytes.fromhex(uri.removeprefix(_HEAD).removesuffix(_TAIL))


def prehash(event: Mapping[str, Any], context: Context) -> str:
    """The string that is hashed. Raises NestingTooDeep."""
    context = context.with_event(event)
    parts = [f"eventType={context.expand(str(event.get('type', '')).strip())}"]
    parts += [render(name, event[name], context) for name, render in _EVENT.items() if name in event]
    parts.append(_extensions(event, _NO_EXTENSIONS, context))
    return "".join(parts)


def _plain(name: str, value: object, _: Context) -> str:
    return f"{name}={_literal(value)}"


def _time(name: str, value: object, _: Context) -> str:
    return f"{name}={canonical_time(value.strip())}" if isinstance(value, str) else _plain(name, value, _)


def _uri(name: str, value: object, context: Context) -> str:
    """A URI, or a sorted list of them with the name before each."""
    if isinstance(value, list):
        return "".join(sorted(_uri(name, item, context) for item in value if not isinstance(item, list)))
    return f"{name}={_identifier(value, context)}"


def _word(base: str) -> _Render:
    """A bare word of the vocabulary at `base`, or a URI."""

    def render(name: str, value: object, context: Context) -> str:
        if isinstance(value, list):
            return "".join(sorted(render(name, item, context) for item in value if not isinstance(item, list)))
        text = value.strip() if isinstance(value, str) else ""
        return f"{name}={base}{text}" if text and ":" not in text else _uri(name, value, context)

    return render


def _epcs(name: str, value: object, context: Context) -> str:
    epcs = sorted(_uri("epc", epc, context) for epc in value) if isinstance(value, list) else []
    return name + "".join(epcs) if epcs else ""


def _fields(name: str, **fields: _Render) -> _Render:
    """An object: its own fields in their canonical order, then its extension fields."""

    def render(_: str, value: object, context: Context) -> str:
        if not isinstance(value, dict):
            return f"{name}={_literal(value)}"
        own = (field(key, value[key], context) for key, field in fields.items() if key in value)
        return name + "".join(own) + _extensions(value, fields, context)

    return render


def _sorted_list(name: str, item: _Render) -> _Render:
    """A list whose name stands once before its sorted items."""

    def render(_: str, value: object, context: Context) -> str:
        items = value if isinstance(value, list) else [value]
        return name + "".join(sorted(item(name, one, context) for one in items)) if items else ""

    return render


def _extensions(holder: Mapping[str, Any], known: Any, context: Context, depth: int = 0) -> str:
    if depth > MAX_DEPTH:
        raise NestingTooDeep(f"an event nests deeper than {MAX_DEPTH} levels")
    rendered: list[str] = []
    for name, value in holder.items():
        if name in known:
            continue
        full = context.full_name(name)
        if full != _COMMENT and full not in context.ignored:
            rendered += _extension(full, value, context, depth)
    return "".join(sorted(rendered))


def _extension(name: str, value: object, context: Context, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        raise NestingTooDeep(f"an event nests deeper than {MAX_DEPTH} levels")
    if isinstance(value, list):
        for item in value:
            yield from _extension(name, item, context, depth + 1)
    elif isinstance(value, dict):
        yield name + _extensions(value, (), context, depth + 1)
    elif isinstance(value, str):
        yield f"{name}={canonical_uri(web_form(canonical_text(value)))}"
    else:
        yield f"{name}={_literal(value)}"


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return canonical_number(value)
    return "" if value is None else str(value).strip()


def _identifier(value: object, context: Context) -> str:
    if not isinstance(value, str):
        return _literal(value)
    return canonical_uri(web_form(context.expand(value.strip())))


def _ilmd(name: str, value: object, context: Context) -> str:
    return name + _extensions(value, (), context) if isinstance(value, dict) else f"{name}={_literal(value)}"


_QUANTITIES = _fields("quantityElement", epcClass=_uri, quantity=_plain, uom=_plain)
_PLACE = {"id": _uri}
_DISPOSITION = _word(f"{CBV}Disp-")
_SDT = _word(f"{CBV}SDT-")
_REPORT = _fields(
    "sensorReport",
    type=_word(WEB_VOCABULARY),
    exception=_word(WEB_VOCABULARY),
    deviceID=_uri,
    deviceMetadata=_uri,
    rawData=_uri,
    dataProcessingMethod=_uri,
    bizRules=_uri,
    time=_time,
    microorganism=_uri,
    chemicalSubstance=_uri,
    value=_plain,
    component=_word(f"{CBV}Comp-"),
    stringValue=_plain,
    booleanValue=_plain,
    hexBinaryValue=_plain,
    uriValue=_uri,
    minValue=_plain,
    maxValue=_plain,
    meanValue=_plain,
    sDev=_plain,
    percRank=_plain,
    percValue=_plain,
    uom=_plain,
    coordinateReferenceSystem=_uri,
)


def _reports(_: str, value: object, context: Context) -> str:
    reports = value if isinstance(value, list) else [value]
    return "".join(sorted(_REPORT("", report, context) for report in reports))


_SENSOR = _fields(
    "sensorElement",
    sensorMetadata=_fields(
        "sensorMetadata",
        time=_time,
        startTime=_time,
        endTime=_time,
        deviceID=_uri,
        deviceMetadata=_uri,
        rawData=_uri,
        dataProcessingMethod=_uri,
        bizRules=_uri,
    ),
    sensorReport=_reports,
)
# The canonical property order. The published reference strings put destinations before sources.
_EVENT: dict[str, _Render] = {
    "eventTime": _time,
    "eventTimeZoneOffset": _plain,
    "certificationInfo": _uri,
    "epcList": _epcs,
    "parentID": _uri,
    "inputEPCList": _epcs,
    "childEPCs": _epcs,
    "quantityList": _sorted_list("quantityList", _QUANTITIES),
    "childQuantityList": _sorted_list("childQuantityList", _QUANTITIES),
    "inputQuantityList": _sorted_list("inputQuantityList", _QUANTITIES),
    "outputEPCList": _epcs,
    "outputQuantityList": _sorted_list("outputQuantityList", _QUANTITIES),
    "action": _plain,
    "transformationID": _uri,
    "bizStep": _word(f"{CBV}BizStep-"),
    "disposition": _DISPOSITION,
    "persistentDisposition": _fields("persistentDisposition", set=_DISPOSITION, unset=_DISPOSITION),
    "readPoint": _fields("readPoint", **_PLACE),
    "bizLocation": _fields("bizLocation", **_PLACE),
    "bizTransactionList": _sorted_list(
        "bizTransactionList", _fields("", type=_word(f"{CBV}BTT-"), bizTransaction=_uri)
    ),
    "destinationList": _sorted_list("destinationList", _fields("", type=_SDT, destination=_uri)),
    "sourceList": _sorted_list("sourceList", _fields("", type=_SDT, source=_uri)),
    "sensorElementList": _sorted_list("sensorElementList", _SENSOR),
    "ilmd": _ilmd,
}
_NO_EXTENSIONS = frozenset((*_EVENT, "@context", "type", "eventID", "recordTime", "errorDeclaration"))
