"""Reading EPCIS documents from bytes, taking them apart, and putting them together again as they came."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from app.domain.epcis.documents import EVENT_LIST, QUERY_EVENT_LIST
from app.domain.epcis.event_names import in_json
from app.domain.epcis.faults import Repeating
from app.domain.epcis.values import exact_number
from app.domain.errors import Malformed

_LISTS = {"EPCISDocument": EVENT_LIST, "EPCISQueryDocument": QUERY_EVENT_LIST}
_encode = msgspec.json.Encoder(order="sorted", decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=exact_number).decode
_NAME = re.compile(rb'"[ \t\r\n]*:')
_QUICK = 100_000  # bytes that are read at a fifth of the time, should no name stand twice


def read_document(raw: bytes) -> Any:
    """The JSON value in `raw`, no digit of its numbers lost; an object in which a name stands twice is a `Repeating`.
    Raises Malformed for what is no JSON or nests too deep to be read."""
    if len(raw) <= _QUICK:
        try:
            value = _decode(raw)
            # What looks like a name inside a text only makes it look again.
            if _names(value) == len(_NAME.findall(raw)):
                return value
        except (ValueError, RecursionError):
            pass  # the other reader says what is wrong, or takes half a surrogate pair, which is told of later
    try:
        return json.loads(raw, parse_float=exact_number, parse_constant=_constant, object_pairs_hook=_object)
    except RecursionError:
        raise Malformed(
            "too-deep", "JSON 嵌套过深，无法读取 · The JSON is nested too deeply to be read", pointer=""
        ) from None
    except ValueError as error:
        raise Malformed("bad-json", f"不是 JSON：{error} · Not JSON: {error}") from None


def _names(value: Any) -> int:
    """How many names its objects have."""
    count, level = 0, [value]
    while level:
        below: list[Any] = []
        for item in level:
            if type(item) is dict:
                count += len(item)
                below += item.values()
            elif type(item) is list:
                below += item
        level = below
    return count


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    return made if len(made) == len(pairs) else Repeating(pairs)


def fingerprint(value: Mapping[str, Any]) -> bytes:
    """SHA-256 of a JSON object, whatever the order of names."""
    return hashlib.sha256(_encode(value)).digest()


def to_json(value: Any) -> bytes:
    """JSON with every digit of its numbers."""
    return _encode(value)


def path_of(document: Mapping[str, Any]) -> list[str] | None:
    """Where the list of events is; None in a bare event."""
    kind = document.get("type")
    pointer = _LISTS.get(kind) if isinstance(kind, str) else None
    return None if pointer is None else pointer.split("/")[1:]


def envelope_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document less its list of events; nothing of a bare event."""
    path = path_of(document)
    return {} if path is None else _without(document, path)


def _without(value: Mapping[str, Any], path: list[str]) -> dict[str, Any]:
    name, *rest = path
    if not rest:
        return {key: item for key, item in value.items() if key != name}
    return {key: _without(item, rest) if key == name else item for key, item in value.items()}


def without_events(document: Mapping[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """A document with an empty list in the place of its events, and these; none where there is no list."""
    path = path_of(document)
    here: Any = document
    for name in path or ():
        here = here.get(name) if isinstance(here, dict) else None
    if path is None or not isinstance(here, list):
        return dict(document), []
    return _emptied(document, path), here


def _emptied(value: Mapping[str, Any], path: list[str]) -> dict[str, Any]:
    name, *rest = path
    return {key: ([] if not rest else _emptied(item, rest)) if key == name else item for key, item in value.items()}


def in_json_ld(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A document with the eventIDs that JSON can have (`event_names`); the given one where it has them."""
    emptied, listed = without_events(document)
    told = [in_json(one) for one in listed]
    if path_of(document) is None:
        return dict(in_json(document))
    changed = any(one is not was for one, was in zip(told, listed, strict=True))
    return document_of(emptied, told) if changed else document


def document_of(envelope: dict[str, Any], events: list[Any]) -> dict[str, Any]:
    """The document again. Changes the envelope."""
    path = path_of(envelope)
    if path is None:
        bare: dict[str, Any] = events[0]
        return bare
    holder = envelope
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = events
    return envelope
