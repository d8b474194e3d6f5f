"""JSON-LD of EPCIS 2.0 as EPCIS XML, 2.0 or 1.2, elements in the order of the schemas.

What XML cannot say, or says otherwise:

* numbers and booleans of extensions have an `xsi:type`, but are text in attributes; null is `xsi:nil`; an empty list is
  nothing, an empty object an empty element, a list in a list one list; an object with `#text` is an element with
  attributes;
* a name that XML cannot write is escaped (`xml_name`); a character that XML cannot hold is U+FFFD, and a carriage
  return a line feed;
* CURIEs are written out, but for the types and components of sensor reports, where the standard's own examples have
  them; `cbvmda:` in master data is `urn:epcglobal:cbv:mda#`;
* several addresses of certificates are several elements, and parts of a sensor report that are no plain values are
  elements in it: the schema knows neither;
* EPCIS 1.2 has no AssociationEvent, sensor data, certificates and persistent dispositions: they stand in its extension
  points, as GS1's own conversion puts them. It wants a StandardBusinessDocumentHeader where there is a header;
* the JSON-LD `id` of a document is left out. A document without `creationDate` has none: the schema wants one.
"""

from collections.abc import Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from app.domain.epcis.context import context_of
from app.domain.epcis.documents import events_of
from app.domain.epcis.xml_shape import (
    CAPTURE,
    EVENTS,
    LISTS,
    METADATA,
    NEEDED,
    QUERY,
    REPORT,
    SBDH,
    TEXT,
    TYPED,
    WORDS,
    WRAPPED,
    XSD,
    XSI,
    Shape,
    Version,
)
from app.domain.epcis.xml_spelling import CbvFormat, Spelling, scalar
from app.domain.epcis.xml_types import type_of

_HEADER_NAMES: Final = ("sender", "receiver", "instanceIdentifier")


def document_xml(document: Mapping[str, Any], *, cbv: CbvFormat = "No_Preference", version: Version = "2.0") -> bytes:
    """An EPCISDocument or EPCISQueryDocument (or a bare event, in a document of its own) as UTF-8 with declaration.

    `document` is one that `validate_document` takes. Total: what is of another form is written as it is.
    """
    return _Writer(document, cbv, version).bytes()


class _Writer:
    def __init__(self, document: Mapping[str, Any], cbv: CbvFormat, version: Version) -> None:
        self._document = document
        self._version = version
        self._query = document.get("type") == "EPCISQueryDocument"
        own = ("epcisq", f"{QUERY}{version[0]}") if self._query else ("epcis", f"{CAPTURE}{version[0]}")
        self._spelling = Spelling(context_of(document), cbv, own)
        self._root = Element(f"{own[0]}:{'EPCISQueryDocument' if self._query else 'EPCISDocument'}")

    def bytes(self) -> bytes:
        document, root = self._document, self._root
        root.set("schemaVersion", self._version)
        if "creationDate" in document:
            root.set("creationDate", scalar(document["creationDate"]))
        self._header()
        body = SubElement(root, "EPCISBody")
        if self._query:
            self._results(body)
        else:
            held = _object(document.get("epcisBody"))
            self._events(body)
            self._rest(held, ("eventList",), body)
        if document.get("type") in ("EPCISDocument", "EPCISQueryDocument"):
            self._rest(document, _DOCUMENT, root)
        for name, namespace in self._spelling.declarations().items():
            root.set(name, namespace)
        made: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
        return made

    # Around the events.

    def _header(self) -> None:
        held = _object(self._document.get("epcisHeader"))
        vocabularies = _list(_object(held.get("epcisMasterData")).get("vocabularyList"))
        if self._query and _query_events(self._document):
            vocabularies = [*vocabularies, *_list(_results_body(self._document).get("vocabularyList"))]
        names = [name for name in held if self._spelling.context.split(name)[0] == SBDH]
        told = any(name in self._document for name in _HEADER_NAMES)
        if not told and not vocabularies and not set(held) - {"epcisMasterData"}:
            return
        header = SubElement(self._root, "EPCISHeader")
        for name in names:
            self._extension(header, name, held[name])
        if not names and (told or self._version == "1.2"):
            self._business_header(header)
        if vocabularies:
            wrapper = SubElement(SubElement(header, "extension"), "EPCISMasterData")
            self._vocabularies(wrapper, vocabularies)
        self._rest(held, ("epcisMasterData", *names), header)

    def _business_header(self, parent: Element) -> None:
        prefix = self._spelling.declare("sbdh", SBDH)
        document = self._document

        def part(holder: Element, name: str, text: str | None = None) -> Element:
            made = SubElement(holder, f"{prefix}:{name}")
            made.text = text
            return made

        header = part(parent, "StandardBusinessDocumentHeader")
        part(header, "HeaderVersion", "1.0")
        for role in ("Sender", "Receiver"):
            part(part(header, role), "Identifier", scalar(document.get(role.lower())))
        identification = part(header, "DocumentIdentification")
        for name, text in (
            ("Standard", "EPCglobal"),
            ("TypeVersion", "1.0"),
            ("InstanceIdentifier", scalar(document.get("instanceIdentifier"))),
            ("Type", "Events"),
            ("CreationDateAndTime", scalar(document.get("creationDate"))),
        ):
            part(identification, name, text)

    def _results(self, body: Element) -> None:
        held = _object(self._document.get("epcisBody"))
        results = _object(held.get("queryResults"))
        made = SubElement(body, "epcisq:QueryResults")
        for name in ("queryName", "subscriptionID"):
            if name in results:
                _leaf(made, name, scalar(results[name]))
        found = SubElement(made, "resultsBody")
        inner = _results_body(self._document)
        vocabularies = _list(inner.get("vocabularyList"))
        if vocabularies and not _query_events(self._document):
            self._vocabularies(found, vocabularies)
        else:
            self._events(found)
        self._rest(inner, ("eventList", "vocabularyList"), found)
        self._rest(results, ("queryName", "subscriptionID", "resultsBody"), made)
        self._rest(held, ("queryResults",), body)

    def _vocabularies(self, parent: Element, vocabularies: list[Any]) -> None:
        listed = SubElement(parent, "VocabularyList")
        for vocabulary in map(_object, vocabularies):
            made = SubElement(listed, "Vocabulary", {"type": self._spelling.uri(vocabulary.get("type"))})
            elements = _list(vocabulary.get("vocabularyElementList"))
            if elements:
                holder = SubElement(made, "VocabularyElementList")
                for element in map(_object, elements):
                    self._vocabulary_element(holder, element)
            self._rest(vocabulary, ("type", "vocabularyElementList"), made)

    def _vocabulary_element(self, parent: Element, element: Mapping[str, Any]) -> None:
        made = SubElement(parent, "VocabularyElement", {"id": self._spelling.uri(element.get("id"))})
        for attribute in map(_object, _list(element.get("attributes"))):
            value = attribute.get("attribute", "")
            for one in value if isinstance(value, list) else [value]:
                named = SubElement(made, "attribute", {"id": self._spelling.attribute_id(attribute.get("id"))})
                self._value(named, one)
        if children := _list(element.get("children")):
            holder = SubElement(made, "children")
            for child in children:
                _leaf(holder, "id", self._spelling.uri(child))
        self._rest(element, ("id", "attributes", "children"), made)

    # Events.

    def _events(self, parent: Element) -> None:
        listed = SubElement(parent, "EventList")
        outer = self._spelling.context
        for _, event in events_of(self._document):
            holder = listed
            kind = scalar(event.get("type"))
            self._spelling.context = outer.with_event(event)
            for _ in range(WRAPPED.get(kind, 0) if self._version == "1.2" else kind not in EVENTS["2.0"]):
                holder = SubElement(holder, "extension")
            self._event(SubElement(holder, self._spelling.name(kind)), kind, event)
        self._spelling.context = outer

    def _event(self, made: Element, kind: str, event: Mapping[str, Any]) -> None:
        shape = EVENTS[self._version].get(kind, ())
        if self._version == "1.2" and kind in NEEDED:
            event = {NEEDED[kind]: [], **event}
        known = self._shaped(made, shape, event)
        self._rest(event, ("type", "@context", *known), made)

    def _shaped(self, parent: Element, shape: Shape, event: Mapping[str, Any]) -> list[str]:
        """Writes the fields of a shape that the event has; returns their names."""
        written: list[str] = []
        for one in shape:
            if isinstance(one, str):
                if one in event:
                    self._field(parent, one, event[one])
                    written.append(one)
            else:
                wrapper = Element(one[0])
                written += self._shaped(wrapper, one[1], event)
                if len(wrapper):
                    parent.append(wrapper)
        return written

    def _field(self, parent: Element, name: str, value: Any) -> None:
        if name in LISTS and isinstance(value, list):
            made = SubElement(parent, name)
            for item in value:
                self._item(made, LISTS[name], item)
        elif name in WORDS and isinstance(value, str):
            _leaf(parent, name, self._spelling.word(WORDS[name], value))
        elif name in _OBJECTS and isinstance(value, dict):
            made = SubElement(parent, name)
            for field in _OBJECTS[name]:
                if field in value:
                    self._field(made, field, value[field])
            self._rest(value, _OBJECTS[name], made)
        elif name in _REPEATED and isinstance(value, list):
            for one in value:
                self._field(parent, name, one)
        elif name in _DISPOSITIONS and isinstance(value, str):
            _leaf(parent, name, self._spelling.word("Disp", value))
        elif isinstance(value, dict | list | None):
            self._extension(parent, name, value)
        else:
            _leaf(parent, name, scalar(value) if name in _PLAIN else self._spelling.uri(value))

    def _item(self, parent: Element, item: str, value: Any) -> None:
        if item in TYPED and isinstance(value, dict):
            made = _leaf(parent, item, self._spelling.uri(value.get(item)))
            if "type" in value:
                made.set("type", self._spelling.word(TYPED[item], scalar(value["type"])))
            self._rest(value, ("type", item), made)
        elif item == "sensorElement" and isinstance(value, dict):
            made = SubElement(parent, item)
            if "sensorMetadata" in value:
                self._sensed(made, "sensorMetadata", METADATA, value["sensorMetadata"])
            for report in _list(value.get("sensorReport")):
                self._sensed(made, "sensorReport", REPORT, report)
            self._rest(value, ("sensorMetadata", "sensorReport"), made)
        else:
            self._field(parent, item, value)

    def _sensed(self, parent: Element, name: str, known: tuple[str, ...], value: Any) -> None:
        """Sensor data are attributes, of the standard and of extensions alike."""
        made = SubElement(parent, name)
        held = _object(value)
        for field in known:
            if field in held:
                made.set(field, self._spelling.sensor_value(field, held[field]))
        for field, inner in held.items():
            if field not in known and not isinstance(inner, dict | list | None):
                made.set(self._spelling.name(field), scalar(inner))
        self._rest(
            {field: inner for field, inner in held.items() if isinstance(inner, dict | list | None)}, known, made
        )

    def _rest(self, value: Mapping[str, Any], known: Any, parent: Element) -> None:
        for name, inner in value.items():
            if name not in known:
                self._extension(parent, name, inner)

    def _extension(self, parent: Element, name: str, value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                self._extension(parent, name, item)
        else:
            self._value(SubElement(parent, self._spelling.name(name)), value)

    def _value(self, made: Element, value: Any) -> None:
        if value is None:
            made.set(f"{self._spelling.declare('xsi', XSI)}:nil", "true")
        elif not isinstance(value, dict):
            made.text = scalar(value)
            if (kind := type_of(value)) is not None:
                xsi, xsd = self._spelling.declare("xsi", XSI), self._spelling.declare("xsd", XSD)
                made.set(f"{xsi}:type", f"{xsd}:{kind}")
        else:
            attributes = TEXT in value
            for name, inner in value.items():
                if name == TEXT:
                    made.text = scalar(inner)
                elif attributes and not isinstance(inner, dict | list | None):
                    made.set(self._spelling.name(name), scalar(inner))
                else:
                    self._extension(made, name, inner)


_DOCUMENT: Final = (
    "@context",
    "id",
    "type",
    "schemaVersion",
    "creationDate",
    "epcisHeader",
    "epcisBody",
    *_HEADER_NAMES,
)
_DISPOSITIONS: Final = ("unset", "set")
_OBJECTS: Final = {
    "readPoint": ("id",),
    "bizLocation": ("id",),
    "quantityElement": ("epcClass", "quantity", "uom"),
    "persistentDisposition": _DISPOSITIONS,
    "errorDeclaration": ("declarationTime", "reason", "correctiveEventIDs"),
    "ilmd": (),
}
_REPEATED: Final = (*_DISPOSITIONS, "certificationInfo")
_PLAIN: Final = ("eventTime", "recordTime", "eventTimeZoneOffset", "action", "declarationTime", "quantity", "uom")


def _leaf(parent: Element, name: str, text: str) -> Element:
    made = SubElement(parent, name)
    made.text = text
    return made


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _results_body(document: Mapping[str, Any]) -> Mapping[str, Any]:
    results = _object(_object(document.get("epcisBody")).get("queryResults"))
    return _object(results.get("resultsBody"))


def _query_events(document: Mapping[str, Any]) -> bool:
    return bool(_list(_results_body(document).get("eventList")))
