"""Documents as they are brought: the shell at once, the events one at a time, so that a large one is never all objects.

A list of fifty megabytes costs its bytes and eighty more for each event; taken apart as a whole it would cost ten times
as much.
"""

import json
import re
from typing import Any, Final, Protocol

import msgspec

from app.domain.epcis.documents import EVENT_LIST, QUERY_EVENT_LIST
from app.domain.errors import Malformed, TooLarge
from app.exchanging.documents import path_of, read_document, without_events

MAX_PART: Final = 8_000_000
"""Bytes that are taken apart at a time: what is not events, or one event."""
_MARK = b"[null]"
_LIST = re.compile(rb'"eventList"\s*:\s*')


class Source(Protocol):
    """A document. `shell` is what stands around its events, with an empty list in their place, whatever JSON value it
    is; `bare`: it is itself the one event; `of_xml`: it was written in XML."""

    @property
    def shell(self) -> Any: ...
    @property
    def bare(self) -> bool: ...
    @property
    def of_xml(self) -> bool: ...
    def __len__(self) -> int:
        """How many events."""
        ...

    def size(self, i: int) -> int:
        """About how many bytes an event has."""
        ...

    def event(self, i: int) -> Any:
        """The event as a JSON value, whatever it is. Raises Malformed, TooLarge."""
        ...


def pointer_of(source: Source, i: int) -> str:
    """Where an event stands (RFC 6901)."""
    if source.bare:
        return ""
    place = QUERY_EVENT_LIST if source.shell.get("type") == "EPCISQueryDocument" else EVENT_LIST
    return f"{place}/{i}"


class Parsed:
    """A document that is a JSON value already."""

    def __init__(self, document: Any, *, of_xml: bool = False) -> None:
        self.of_xml = of_xml
        self.bare = isinstance(document, dict) and path_of(document) is None and isinstance(document.get("type"), str)
        self._events: list[Any] = [document] if self.bare else []
        self.shell = document
        if isinstance(document, dict) and not self.bare:
            self.shell, self._events = without_events(document)

    def __len__(self) -> int:
        return len(self._events)

    def size(self, i: int) -> int:
        return 0  # it is in memory anyway

    def event(self, i: int) -> Any:
        return self._events[i]


class Spooled:
    """A document of which only the shell is taken apart; its events are pieces of its bytes."""

    bare = False

    def __init__(self, shell: dict[str, Any], events: list[msgspec.Raw], *, of_xml: bool = False) -> None:
        self.of_xml = of_xml
        self.shell = shell
        self._events = events

    def __len__(self) -> int:
        return len(self._events)

    def size(self, i: int) -> int:
        return len(memoryview(self._events[i]))

    def event(self, i: int) -> Any:
        return read_event(self.raw(i))

    def raw(self, i: int) -> bytes:
        """The event as it is written."""
        return bytes(self._events[i])


def read_event(raw: bytes) -> Any:
    """An event of a document in UTF-8. Raises Malformed, TooLarge."""
    return read_document(_part(raw))


def read_source(raw: bytes | bytearray) -> Source:
    """The JSON document in `raw`, no digit of its numbers lost. Raises Malformed for what is no JSON or nests too deep
    to be read, TooLarge where what is not events is more than MAX_PART. Faults inside an event may be raised by `event`
    instead."""
    encoding = json.detect_encoding(raw)
    if encoding != "utf-8":
        raw = _transcoded(raw, encoding)
    listed = _event_list(raw)
    shell = None if listed is None else _shell_around(raw, listed)
    if listed is None or shell is None:
        return Parsed(read_document(_part(bytes(raw))))
    return Spooled(shell, msgspec.json.decode(listed, type=list[msgspec.Raw]))


def _transcoded(raw: bytes | bytearray, encoding: str) -> bytes:
    try:
        return raw.decode(encoding).encode()
    except UnicodeError as error:
        raise Malformed("bad-json", f"不是 JSON：{error} · Not JSON: {error}") from None


def _part(raw: bytes) -> bytes:
    if len(raw) > MAX_PART:
        raise TooLarge(
            "too-large",
            f"事件以外的内容或单个事件超过 {MAX_PART} 字节，请拆分文档 · "
            f"What is not events, or one event, is more than {MAX_PART} bytes: split the document",
        )
    return raw


def _event_list(raw: bytes | bytearray) -> msgspec.Raw | None:
    """The list of events as it is written; None where there is none, or no list. Raises Malformed for a long text that
    is no JSON: a short one is read again by who says more of it."""
    try:
        top = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        path = path_of({"type": msgspec.json.decode(top["type"])})
        if path is None:
            return None
        for name in path[:-1]:
            top = msgspec.json.decode(top[name], type=dict[str, msgspec.Raw])
        msgspec.json.decode(top[path[-1]], type=list[msgspec.Raw])
        return top[path[-1]]
    except (msgspec.ValidationError, KeyError):
        return None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        if len(raw) > MAX_PART:
            raise Malformed("bad-json", f"不是 JSON：{error} · Not JSON: {error}") from None
        return None


def _shell_around(raw: bytes | bytearray, listed: msgspec.Raw) -> dict[str, Any] | None:
    """The document with an empty list in the place of its events. None where the name of the list is written with
    escapes, so that it is not found."""
    content, text = memoryview(listed), memoryview(raw)
    for match in _LIST.finditer(raw):
        end = match.end() + len(content)
        if text[match.end() : end] == content:
            shell: dict[str, Any] = read_document(_part(b"".join((text[: match.end()], _MARK, text[end:]))))
            if without_events(shell)[1] == [None]:
                return without_events(shell)[0]
            # Another list of equal content.
    return None
