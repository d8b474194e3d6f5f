"""EPCIS XML (1.0 to 1.2, 2.0) as the JSON-LD of EPCIS 2.0, for the checks and records that all documents go through.

Every element becomes something: what does not belong where it stands is put where `validate_document` finds it and
names it by its JSON pointer, event by event. Elements may come in any order, and in the namespace of the root.

What comes out otherwise than a client of JSON would have written it:

* `extension` and `baseExtension` are transparent wherever EPCIS has them, and what is empty and unknown in them is
  gone, as are `xsi:` attributes, comments and processing instructions; texts are without surrounding blanks;
* words of CBV are bare words, from URNs (`urn:epcglobal:cbv:bizstep:shipping`), web URIs and CURIEs alike; others of
  the GS1 web vocabulary are CURIEs (`gs1:EffectiveDoseRate`); a creationDate without offset is one of UTC;
* numbers and booleans are read as such where the standard has them (quantities, sensor reports), and in extensions
  where an `xsi:type` says so: all else is text there, and `xsi:nil` is null;
* an extension element that stands once is a value and one that is repeated a list: a list of one cannot be told from
  its item, nor an empty list from nothing, nor an empty object from an empty text. `ignoreFields` is always a list;
* an extension element with attributes is an object with them as members and its text as `#text`;
* eventIDs that are no URIs are what they are, to the letter;
* URIs, and names with a prefix, are percent-encoded where they have other letters than those of ASCII;
* the namespace `urn:epcglobal:cbv:mda` is `cbvmda`, whose JSON-LD namespace ends with a colon;
* a document of any 1.x becomes one of 2.0; the header's sender, receiver and instance identifier are members of the
  document, the whole StandardBusinessDocumentHeader is kept in `epcisHeader`; a document's JSON-LD `id` has no XML;
* a QuantityEvent, deprecated since 1.1, is an ObjectEvent that OBSERVEs its quantity (EPCIS 1.2 §7.4.4);
* an EPCISMasterDataDocument is an EPCISDocument without events.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final
from xml.etree.ElementTree import Element

from app.domain.epcis.vocabulary import EXCEPTIONS, MEASUREMENTS, WEB_VOCABULARY, bare_word
from app.domain.epcis.xml_names import Names
from app.domain.epcis.xml_parts import own_text, require_once
from app.domain.epcis.xml_shape import (
    CAPTURE,
    EVENTS,
    LISTS,
    MASTER_DATA,
    METADATA,
    NIL,
    NUMBERS,
    OWN,
    QUERY,
    REPORT,
    SBDH,
    TEXT,
    TYPED,
    WORDS,
    WRAPPERS,
    XSI,
    split,
)
from app.domain.epcis.xml_types import TYPE, boolean, number, typed
from app.domain.errors import Malformed

_ROOTS: Final = {
    **{f"{{{CAPTURE}{major}}}EPCISDocument": "EPCISDocument" for major in (1, 2)},
    **{f"{{{QUERY}{major}}}EPCISQueryDocument": "EPCISQueryDocument" for major in (1, 2)},
    **{f"{{{MASTER_DATA}{major}}}EPCISMasterDataDocument": "EPCISDocument" for major in (1, 2)},
}
_EVENT_TYPES: Final = frozenset((*EVENTS["2.0"], "QuantityEvent"))

_Parse = Callable[[str, Names], Any]
_Read = Callable[[Element, Names], Any]


class Reader:
    """Reads one document, piece by piece as its elements are complete, so that none of them has to be kept. `keep`
    makes of each event what stands for it in the document."""

    def __init__(self, keep: Callable[[dict[str, Any]], Any]) -> None:
        self.names = Names()
        self._keep = keep
        self._events: list[Any] = []
        self._elements: list[Any] = []
        self._in_header: list[dict[str, Any]] = []
        self._in_body: list[dict[str, Any]] = []

    def begin(self, tag: str) -> None:
        """Looks at the root's tag before anything else is read. Raises Malformed for what is no EPCIS."""
        if tag not in _ROOTS and not _is_event(tag):
            namespace, _, local = tag.removeprefix("{").rpartition("}")
            namespace, local = namespace[:200] or "none", local[:80]
            raise Malformed(
                "not-epcis",
                f"根元素应为 EPCISDocument 或 EPCISQueryDocument（命名空间 {CAPTURE}2 等），"
                f"现为 {local}（{namespace}） · the root is an EPCISDocument or EPCISQueryDocument in the namespace "
                f"{CAPTURE}2 (or 1), not {local} in {namespace}",
                pointer=f"/{local}",
            )

    def piece(self, element: Element, path: Sequence[str]) -> bool:
        """Takes a complete element of which a document has many (event, master data), under the local names of its
        ancestors without wrappers. False for any other, which stays in its parent."""
        parent = path[-1] if path else ""
        _, local = split(element.tag)
        if local in WRAPPERS:
            return False
        if parent == "EventList":
            self._events.append(self._keep(_event(element, self.names)))
        elif parent == "VocabularyElementList" and local == "VocabularyElement":
            self._elements.append(_vocabulary_element(element, self.names))
        elif parent == "VocabularyList" and local == "Vocabulary":
            vocabulary = _VOCABULARY(element, self.names)
            vocabulary["vocabularyElementList"], self._elements = self._elements, []
            (self._in_header if "EPCISHeader" in path else self._in_body).append(vocabulary)
        else:
            return False
        return True

    def document(self, root: Element) -> dict[str, Any]:
        """The document, from what is left of the tree after its pieces were taken."""
        kind = _ROOTS.get(root.tag)
        if kind is None:
            for name in _DATES:  # of the document that an event alone is to some tools
                root.attrib.pop(name, None)
            bare = _event(root, self.names)
            return {"@context": self.names.context(), **bare}
        for name in [name for name in root.attrib if "}" not in name and name not in _DATES]:
            del root.attrib[name]  # the schema allows any, and some tools write their own
        require_once(root)
        made = _DOCUMENT(root, self.names)
        version = made.get("schemaVersion")
        if isinstance(version, str) and re.fullmatch(r"1(\.\d+)*", version, re.ASCII):
            made["schemaVersion"] = "2.0"
        header, body = (_child(root, name) for name in ("EPCISHeader", "EPCISBody"))
        queried = kind == "EPCISQueryDocument"
        made |= self._header(header, [] if queried else self._in_body)
        if body is not None:
            made["epcisBody"] = (
                self._results(body) if queried else {"eventList": self._events, **_BODY(body, self.names)}
            )
        return {"@context": self.names.context(), "type": kind, **made}

    def _header(self, header: Element | None, vocabularies: list[Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        held: dict[str, Any] = {}
        if header is not None:
            for name, path in _SBDH.items():
                if text := header.findtext(path, "").strip():
                    made[name] = text
            held = _HEADER(header, self.names)
        if self._in_header or vocabularies:
            held["epcisMasterData"] = {"vocabularyList": [*self._in_header, *vocabularies]}
        return {**made, "epcisHeader": held} if held else made

    def _results(self, body: Element) -> dict[str, Any]:
        made = _QUERY_BODY(body, self.names)
        results = made.pop("QueryResults", None)
        found = results.get("resultsBody") if isinstance(results, dict) else None
        if isinstance(found, dict):
            found["eventList"] = self._events
            if self._in_body:
                found["vocabularyList"] = self._in_body
        return made if results is None else {**made, "queryResults": results}


def _is_event(tag: str) -> bool:
    namespace, _, local = tag.removeprefix("{").rpartition("}")
    return local in _EVENT_TYPES and (not namespace or namespace in OWN)


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if split(child.tag) == ("", name)), None)


# Plain values: what a text says, in an element or an attribute.


def _text(text: str, _: Names) -> str:
    return text


def _uri(text: str, names: Names) -> str:
    return names.uri(text)


def _event_id(text: str, names: Names) -> str:
    """A URI; any other text, which the schema has there as well, to the letter."""
    return names.uri(text) if ":" in text else text


def _number(text: str, _: Names) -> Any:
    return number(text)


def _boolean(text: str, _: Names) -> Any:
    return boolean(text)


def _word(kind: str) -> _Parse:
    def parse(text: str, names: Names) -> str:
        text = names.uri(text)
        if kind:
            return bare_word(kind, text)
        bare = text
        for start in (WEB_VOCABULARY, f"http{WEB_VOCABULARY[5:]}", "gs1:"):
            bare = bare.removeprefix(start)
        return text if bare == text else bare if bare in MEASUREMENTS | EXCEPTIONS else f"gs1:{bare}"

    return parse


# Elements.


def _leaf(parse: _Parse) -> _Read:
    """An element that is a plain value; anything else is told as what it is, and refused by the checks."""

    def read(element: Element, names: Names) -> Any:
        plain = not len(element) and {TYPE}.issuperset(element.attrib)
        value = (element.text or "").strip() if plain else _value(element, names)
        return parse(value, names) if isinstance(value, str) else value

    return read


def _is_nil(element: Element) -> bool:
    return element.get(NIL) in ("true", "1")


def _value(element: Element, names: Names) -> Any:
    """An extension: text, null, or an object of attributes, parts and `#text`."""
    if _is_nil(element):
        return None
    parts: dict[str, list[Any]] = defaultdict(list)
    _attributes(element, names, {}, parts)
    for child in element:
        parts[names.member(child.tag)].append(_value(child, names))
    text = own_text(element)
    if not parts:
        return typed(element, text, names)
    if text:
        parts[TEXT].append(text)
    return _closed(parts)


def _attributes(element: Element, names: Names, known: Mapping[str, _Parse], parts: dict[str, list[Any]]) -> None:
    for tag, text in element.items():
        if not tag.startswith(f"{{{XSI}}}"):
            name = names.member(tag)
            parts[name].append(known.get(name, _text)(text.strip(), names))


def _closed(parts: Mapping[str, list[Any]], lists: frozenset[str] = frozenset()) -> dict[str, Any]:
    return {
        name: found if len(found) > 1 or name in lists or name.endswith(":ignoreFields") else found[0]
        for name, found in parts.items()
    }


def _fields(
    children: Mapping[str, _Read | None],
    attributes: Mapping[str, _Parse] = MappingProxyType({}),
    *,
    lists: frozenset[str] = frozenset(),
    text: str = TEXT,
    parse: _Parse = _text,
    stray: bool = True,
) -> _Read:
    """An object of known children (None: read elsewhere) and attributes, and extensions. `lists` are always lists;
    `text` is the member for the element's own text; without `stray` no such text is looked for."""

    def read(element: Element, names: Names) -> dict[str, Any]:
        parts: dict[str, list[Any]] = defaultdict(list)
        gather(element, names, parts)
        return _closed(parts, lists)

    def gather(element: Element, names: Names, parts: dict[str, list[Any]]) -> None:
        _attributes(element, names, attributes, parts)
        own = own_text(element) if stray else ""
        if own:
            parts[text].append(parse(own, names))
        for child in element:
            name = names.member(child.tag)
            if name in WRAPPERS:
                gather(child, names, parts)
            elif name not in children:
                # What a later version of EPCIS may put there, and says nothing, as in GS1's own examples.
                if names.member(element.tag) not in WRAPPERS or ":" in name or child.attrib or _value(child, names):
                    parts[name].append(_value(child, names))
            elif (known := children[name]) is not None and not _is_nil(child):
                parts[name].append(known(child, names))

    return read


def _list(item: str, read_item: _Read) -> _Read:
    def read(element: Element, names: Names) -> list[Any]:
        found: list[Any] = []
        for child in element:
            name = names.member(child.tag)
            if name in WRAPPERS:
                found += read(child, names)
            else:
                found.append(read_item(child, names) if name == item else {name: _value(child, names)})
        own = own_text(element)
        return [*found, {TEXT: own}] if own else found

    return read


_URI_LEAF = _leaf(_uri)
_SENSOR_PARSES: dict[str, _Parse] = {
    **dict.fromkeys((*METADATA, *REPORT), _uri),
    **dict.fromkeys(("time", "startTime", "endTime", "stringValue", "hexBinaryValue", "uom"), _text),
    **dict.fromkeys(NUMBERS, _number),
    "booleanValue": _boolean,
}
_REPORT_PARSES = {**_SENSOR_PARSES, "type": _word(""), "exception": _word(""), "component": _word("Comp")}
_ITEMS: dict[str, _Read] = {
    "epc": _URI_LEAF,
    "correctiveEventID": _leaf(_event_id),
    "quantityElement": _fields({"epcClass": _URI_LEAF, "quantity": _leaf(_number), "uom": _leaf(_text)}),
    "sensorElement": _fields(
        {"sensorMetadata": _fields({}, _SENSOR_PARSES), "sensorReport": _fields({}, _REPORT_PARSES)},
        lists=frozenset(("sensorReport",)),
    ),
    **{item: _fields({}, {"type": _word(kind)}, text=item, parse=_uri) for item, kind in TYPED.items()},
}
_LISTED: dict[str, _Read] = {name: _list(item, _ITEMS[item]) for name, item in LISTS.items()}
_WORDED: dict[str, _Read] = {name: _leaf(_word(kind)) for name, kind in WORDS.items()}
_PLACE = _fields({"id": _URI_LEAF})
_DISPOSITIONS = frozenset(("set", "unset"))
_EVENT = _fields(
    {
        **_LISTED,
        **_WORDED,
        **dict.fromkeys(("eventTime", "recordTime", "eventTimeZoneOffset", "action"), _leaf(_text)),
        "eventID": _leaf(_event_id),
        **dict.fromkeys(("certificationInfo", "parentID", "transformationID", "epcClass"), _URI_LEAF),
        "quantity": _leaf(_number),
        "readPoint": _PLACE,
        "bizLocation": _PLACE,
        "ilmd": _fields({}),
        "persistentDisposition": _fields(dict.fromkeys(_DISPOSITIONS, _leaf(_word("Disp"))), lists=_DISPOSITIONS),
        "errorDeclaration": _fields({**_LISTED, **_WORDED, "declarationTime": _leaf(_text)}),
    }
)


def _event(element: Element, names: Names) -> dict[str, Any]:
    kind = names.member(element.tag)
    made = _EVENT(element, names)
    if kind == "QuantityEvent":
        kind = "ObjectEvent"
        counted = {name: made.pop(name) for name in ("epcClass", "quantity") if name in made}
        made = {"action": "OBSERVE", **made, "quantityList": [counted]}
    # No event has an element of this name; it must not change what the event is.
    stray = made.pop("type", None)
    return {"type": kind if stray is None else [kind, stray], **made}


_ID_LIST = _list("id", _URI_LEAF)
_VOCABULARY = _fields({"VocabularyElementList": None}, {"type": _uri})


def _attribute(element: Element, names: Names) -> dict[str, Any]:
    """One attribute of master data; its value may be an object."""
    own_id = element.attrib.pop("id", None)
    made = {} if own_id is None else {"id": names.uri(own_id.strip())}
    return {**made, "attribute": _value(element, names)}


_VOCABULARY_ELEMENT = _fields(
    {"attribute": _attribute, "children": _ID_LIST}, {"id": _uri}, lists=frozenset(("attribute",))
)


def _vocabulary_element(element: Element, names: Names) -> dict[str, Any]:
    made = _VOCABULARY_ELEMENT(element, names)
    return {"attributes" if name == "attribute" else name: value for name, value in made.items()}


_LOCAL = re.compile(r"(?a)\A(\d{4}-\d\d-\d\dT[\d:.]+)\Z")
_DATES: dict[str, _Parse] = {"schemaVersion": _text, "creationDate": lambda text, _: _LOCAL.sub(r"\1Z", text)}
_DOCUMENT = _fields({"EPCISHeader": None, "EPCISBody": None}, _DATES, stray=False)
_HEADER = _fields({"EPCISMasterData": None})
_LISTS_ELSEWHERE = {"EventList": None, "VocabularyList": None}
_BODY = _fields(_LISTS_ELSEWHERE, stray=False)
_QUERY_BODY = _fields(
    {
        "QueryResults": _fields(
            {
                "queryName": _leaf(_text),
                "subscriptionID": _leaf(_text),
                "resultsBody": _fields(_LISTS_ELSEWHERE, stray=False),
            }
        )
    }
)
_SBDH: Final = {
    "sender": f"{{{SBDH}}}StandardBusinessDocumentHeader/{{{SBDH}}}Sender/{{{SBDH}}}Identifier",
    "receiver": f"{{{SBDH}}}StandardBusinessDocumentHeader/{{{SBDH}}}Receiver/{{{SBDH}}}Identifier",
    "instanceIdentifier": (
        f"{{{SBDH}}}StandardBusinessDocumentHeader/{{{SBDH}}}DocumentIdentification/{{{SBDH}}}InstanceIdentifier"
    ),
}
