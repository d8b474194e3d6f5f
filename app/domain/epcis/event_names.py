"""eventIDs that are no URIs, as XML may have them, where only URIs may stand (docs/decisions/0062): a UUID as its URN
(RFC 9562 §4, CBV 2.0 §8.9), any other text as the URI that says this text (RFC 2397)."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_URN, _TEXT = "urn:uuid:", "data:,"


def as_uri(name: str) -> str:
    """A URI stays what it is."""
    if ":" in name:
        return name
    return _URN + name if _UUID.fullmatch(name) else _TEXT + quote(name, safe="")


def written(name: str) -> frozenset[str]:
    """The eventIDs that an eventID asks for: itself, and the text that it is the URI of, escaped or not."""
    bare = name.removeprefix(_URN) if name.startswith(_URN) else unquote(name.removeprefix(_TEXT))
    return frozenset((name,) if ":" in bare else (name, bare))


def in_json(event: Any) -> Any:
    """The event, with URIs for eventIDs; whatever else it is stays as it is."""
    if not isinstance(event, Mapping):
        return event
    named, declaration = event.get("eventID"), event.get("errorDeclaration")
    changed: dict[str, Any] = {}
    if isinstance(named, str) and as_uri(named) != named:
        changed["eventID"] = as_uri(named)
    instead = declaration.get("correctiveEventIDs") if isinstance(declaration, Mapping) else None
    if isinstance(declaration, Mapping) and isinstance(instead, list):
        uris = [as_uri(one) if isinstance(one, str) else one for one in instead]
        if uris != instead:
            changed["errorDeclaration"] = {**declaration, "correctiveEventIDs": uris}
    return {**event, **changed} if changed else event
