"""JSON-LD as EPCIS XML, and back: what is lost on the way is what the modules say, and no more."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.epcis.context import Context, context_of
from app.domain.epcis.documents import events_of
from app.domain.epcis.event_hash import event_hash
from app.domain.epcis.validate import validate_document
from app.domain.epcis.values import canonical_number
from app.domain.epcis.vocabulary import web_form
from app.domain.epcis.xml_shape import EVENTS, SBDH, Shape, split
from app.domain.epcis.xml_spelling import CbvFormat
from app.domain.epcis.xml_writing import document_xml
from app.exchanging.xml import read_xml

from . import xml_documents as d
from .vectors import EXAMPLES, HASHES, TUNA

Version = Literal["2.0", "1.2"]
VERSIONS: tuple[Version, ...] = ("2.0", "1.2")
Json = Any


_WORD = re.compile("^https://(gs1.org/voc/|ref.gs1.org/cbv/[A-Za-z]+-)")


def alike(value: Json, context: Context, extension: bool = False) -> Json:
    """A value without what XML cannot tell: order and spelling of names, numbers from texts of extensions, one from a
    list of one, nothing from empty."""
    if isinstance(value, dict):
        context = context.with_event(value)
        told = {}
        for name, inner in value.items():
            if name != "@context":
                told[context.full_name(name)] = alike(inner, context, extension or ":" in name)
        return {name: inner for name, inner in told.items() if inner not in ([], {})}
    if isinstance(value, list):
        items = [alike(item, context, extension) for item in value]
        return items[0] if len(items) == 1 else items
    if isinstance(value, str):
        text = " ".join(value.split())
        return text if extension else _WORD.sub("", web_form(context.expand(text)))
    if extension and isinstance(value, bool):
        return "true" if value else "false"
    return canonical_number(value) if extension and isinstance(value, int | float | Decimal) else value


def back(document: dict[str, Any], version: Version = "2.0", cbv: CbvFormat = "No_Preference") -> dict[str, Any]:
    return read_xml(document_xml(document, version=version, cbv=cbv))


def there_and_back(document: dict[str, Any], version: Version) -> None:
    again = back(document, version)
    before, after = context_of(document), context_of(again)
    for (_, event), (_, found) in zip(events_of(document), events_of(again), strict=True):
        assert alike(found, after) == alike(event, before)
        assert event_hash(found, after) == event_hash(event, before)
    refusals = [[f for f in validate_document(one) if f.severity == "refusal"] for one in (document, again)]
    assert refusals[0] == refusals[1]
    for found in (again, back(again, version)):
        assert around(found) == around(document)


def around(document: dict[str, Any]) -> Json:
    """What a document says besides its events and its business header."""
    context = context_of(document)
    held = alike({name: value for name, value in document.items() if name not in ("epcisBody", "id")}, context)
    header = held.pop("epcisHeader", {})
    return held, {name: value for name, value in header.items() if not name.startswith(f"{{{SBDH}}}")}


@pytest.mark.parametrize("path", [*EXAMPLES, *HASHES, *([TUNA] if TUNA.exists() else [])], ids=lambda path: path.stem)
def test_published_documents_come_back(path: Path) -> None:
    # One of them names a member twice; the later one counts here.
    document = json.loads(path.read_text(encoding="utf-8"))
    for version in VERSIONS:
        there_and_back(document, version)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", d.DOCUMENTS)
def test_suppliers_documents_come_back(name: str, version: Version) -> None:
    document = d.DOCUMENTS[name][1]
    if name != "bare":
        there_and_back(document, version)
    else:
        ((_, event),) = events_of(back(document, version))
        assert alike(event, context_of(document)) == alike(document, context_of(document))


def flat(shape: Shape) -> list[str]:
    return [name for one in shape for name in ([one] if isinstance(one, str) else [one[0], *flat(one[1])])]


def order(element: Element, event: str, version: Version) -> list[str]:
    """Local names of an event's fields as they stand, wrappers before what is in them."""
    names = []
    for child in element:
        _, local = split(child.tag)
        names.append(local)
        if local in ("extension", "baseExtension"):
            names += order(child, event, version)
    return [name for name in names if name in flat(EVENTS[version][event])]


# From the schemas' sequences, so that the tables of the module are held against something else.
ORDERS: dict[Version, dict[str, str]] = {
    "2.0": {
        "ObjectEvent": """@ epcList action bizStep disposition readPoint bizLocation bizTransactionList quantityList
            sourceList destinationList sensorElementList persistentDisposition ilmd""",
        "AggregationEvent": """@ parentID childEPCs action bizStep disposition readPoint bizLocation bizTransactionList
            childQuantityList sourceList destinationList sensorElementList""",
        "TransactionEvent": """@ bizTransactionList parentID epcList action bizStep disposition readPoint bizLocation
            quantityList sourceList destinationList sensorElementList""",
        "TransformationEvent": """@ inputEPCList inputQuantityList outputEPCList outputQuantityList transformationID
            bizStep disposition readPoint bizLocation bizTransactionList sourceList destinationList sensorElementList
            persistentDisposition ilmd""",
        "AssociationEvent": """@ parentID childEPCs childQuantityList action bizStep disposition readPoint bizLocation
            bizTransactionList sourceList destinationList sensorElementList""",
    },
    "1.2": {
        "ObjectEvent": """@ epcList action bizStep disposition readPoint bizLocation bizTransactionList extension
            quantityList sourceList destinationList ilmd extension sensorElementList persistentDisposition""",
        "AggregationEvent": """@ parentID childEPCs action bizStep disposition readPoint bizLocation bizTransactionList
            extension childQuantityList sourceList destinationList extension sensorElementList""",
        "TransactionEvent": """@ bizTransactionList parentID epcList action bizStep disposition readPoint bizLocation
            extension quantityList sourceList destinationList extension sensorElementList""",
        "TransformationEvent": """@ inputEPCList inputQuantityList outputEPCList outputQuantityList transformationID
            bizStep disposition readPoint bizLocation bizTransactionList sourceList destinationList ilmd extension
            sensorElementList persistentDisposition""",
        "AssociationEvent": """@ parentID childEPCs childQuantityList action bizStep disposition readPoint bizLocation
            bizTransactionList sourceList destinationList sensorElementList""",
    },
}
_START = {
    "2.0": "eventTime recordTime eventTimeZoneOffset eventID errorDeclaration certificationInfo",
    "1.2": """eventTime recordTime eventTimeZoneOffset baseExtension eventID errorDeclaration extension
        certificationInfo""",
}


def ordered(version: Version, kind: str) -> list[str]:
    return ORDERS[version][kind].replace("@", _START[version]).split()


_EVERYTHING = {
    **d.ERROR_1_2_JSON["epcisBody"]["eventList"][0],
    **d.OBJECT_1_2_JSON["epcisBody"]["eventList"][0],
    **d.TRANSFORMATION_2_0_JSON["epcisBody"]["eventList"][0],
    **d.ASSOCIATION_2_0_JSON["epcisBody"]["eventList"][0],
    "certificationInfo": "https://example.cn/c/1",
    "inputEPCList": [d.ITEM],
    "outputEPCList": [d.ITEM],
    "transformationID": "urn:x:y",
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", EVENTS["2.0"])
def test_fields_stand_in_the_order_of_the_schema(kind: str, version: Version) -> None:
    names = set(ordered("2.0", kind))
    full = {name: value for name, value in reversed(_EVERYTHING.items()) if name in names}
    root = fromstring(document_xml(d.json({"type": kind, **full, "shop:x": "1"}, names=d.NAMES), version=version))
    path = {("1.2", "TransformationEvent"): "extension/", ("1.2", "AssociationEvent"): "extension/extension/"}
    (element,) = root.findall(f"EPCISBody/EventList/{path.get((version, kind), '')}{kind}")
    assert order(element, kind, version) == ordered(version, kind)
    assert element[-1].tag == "{http://shop.example.cn/epcis}x"
    assert (root.tag, root.get("schemaVersion")) == (f"{{urn:epcglobal:epcis:xsd:{version[0]}}}EPCISDocument", version)


@pytest.mark.parametrize(("version", "path"), [("2.0", "extension/"), ("1.2", "")])
def test_an_event_of_ones_own_type_stands_where_the_schema_has_room(version: Version, path: str) -> None:
    event = {"type": "shop:Haggling", "eventTime": d.CREATED, "eventTimeZoneOffset": "+08:00", "shop:x": "1"}
    written = document_xml(d.json(event, names=d.NAMES), version=version)
    (element,) = fromstring(written).findall(f"EPCISBody/EventList/{path}*")
    assert element.tag == "{http://shop.example.cn/epcis}Haggling"
    assert read_xml(written)["epcisBody"]["eventList"] == [event]


@pytest.mark.parametrize(
    ("cbv", "word", "step", "reason"),
    [
        ("No_Preference", "shipping", "urn:epcglobal:cbv:bizstep:shipping", "urn:epcglobal:cbv:er:did_not_occur"),
        ("Always_URN", "cbv:BizStep-shipping", "urn:epcglobal:cbv:bizstep:shipping",
         "urn:epcglobal:cbv:er:did_not_occur"),
        ("Always_Web_URI", "urn:epcglobal:cbv:bizstep:shipping", "https://ref.gs1.org/cbv/BizStep-shipping",
         "https://ref.gs1.org/cbv/ER-did_not_occur"),
        ("Never_Translates", "https://ref.gs1.org/cbv/BizStep-shipping", "https://ref.gs1.org/cbv/BizStep-shipping",
         "urn:epcglobal:cbv:er:did_not_occur"),
        ("Never_Translates", "shop:haggling", "http://shop.example.cn/epcishaggling",
         "urn:epcglobal:cbv:er:did_not_occur"),
    ],
)  # fmt: skip
def test_words_in_the_form_that_is_asked_for(cbv: CbvFormat, word: str, step: str, reason: str) -> None:
    event = {
        **{name: value for name, value in _EVERYTHING.items() if name in ordered("2.0", "ObjectEvent")},
        "type": "ObjectEvent",
        "bizStep": word,
        "errorDeclaration": {"declarationTime": d.CREATED, "reason": "did_not_occur"},
    }
    document = d.json(event, names=d.NAMES)
    root = fromstring(document_xml(document, cbv=cbv))
    urn = cbv != "Always_Web_URI"
    assert root.findtext(".//bizStep") == step
    assert root.findtext(".//reason") == reason
    assert root.find(".//bizTransaction[@type]").get("type") == (  # type: ignore[union-attr]
        "urn:epcglobal:cbv:btt:desadv" if urn else "https://ref.gs1.org/cbv/BTT-desadv"
    )
    assert root.find(".//source").get("type") == (  # type: ignore[union-attr]
        "urn:epcglobal:cbv:sdt:owning_party" if urn else "https://ref.gs1.org/cbv/SDT-owning_party"
    )
    assert root.findtext(".//persistentDisposition/set") == (
        "urn:epcglobal:cbv:disp:conformant" if urn else "https://ref.gs1.org/cbv/Disp-conformant"
    )
    assert [report.get("type") for report in root.iter("sensorReport")] == ["gs1:Temperature", "shop:Ripeness"]
    assert next(root.iter("sensorReport")).attrib["value"] == "3.5"
    ((_, found),) = events_of(back(document, cbv=cbv))
    assert event_hash(found, context_of(document)) == event_hash(event, context_of(document))


def test_what_stands_around_the_events() -> None:
    header = fromstring(document_xml(d.json(sender="urn:x:a", instanceIdentifier="7")))
    sbdh = "{http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader}"
    (found,) = header.findall(f"EPCISHeader/{sbdh}StandardBusinessDocumentHeader")
    assert [part.tag.removeprefix(sbdh) for part in found] == [
        "HeaderVersion", "Sender", "Receiver", "DocumentIdentification"
    ]  # fmt: skip
    assert found.findtext(f"{sbdh}Sender/{sbdh}Identifier") == "urn:x:a"
    assert found.findtext(f"{sbdh}DocumentIdentification/{sbdh}CreationDateAndTime") == d.CREATED
    # 1.2 wants the header of the business document wherever there is one of EPCIS.
    assert sbdh in document_xml(d.MASTER_DATA_1_2_JSON, version="1.2").decode().replace("sbdh:", sbdh)
    assert "sbdh:" not in document_xml(d.MASTER_DATA_1_2_JSON).decode()
    assert "EPCISHeader" not in document_xml(d.json()).decode()
    # Master data beside events have a place in the header only.
    query = {**d.QUERY_1_2_JSON}
    vocabularies = d.MASTER_DATA_1_2_JSON["epcisHeader"]["epcisMasterData"]["vocabularyList"]
    results = {**query["epcisBody"]["queryResults"]}
    results["resultsBody"] = {**results["resultsBody"], "vocabularyList": vocabularies}
    both = back({**query, "@context": d.MASTER_DATA_1_2_JSON["@context"], "epcisBody": {"queryResults": results}})
    assert both["epcisHeader"]["epcisMasterData"]["vocabularyList"] == vocabularies
    assert len(events_of(both)) == 1


def test_master_data_attributes_have_the_names_of_xml() -> None:
    attributes = [
        {"id": "cbvmda:name", "attribute": 5},
        {"id": "shop:x", "attribute": ["a", "b"]},
        {"id": "urn:x:nothing"},
    ]
    element = {"id": d.PLACE, "attributes": attributes, "shop:y": True}
    vocabulary = {"type": "urn:epcglobal:epcis:vtype:Location", "vocabularyElementList": [element], "shop:z": "1"}
    document = d.json(
        names=d.NAMES,
        epcisHeader={"epcisMasterData": {"vocabularyList": [vocabulary, {"type": "urn:x:empty"}]}},
    )
    first, second = back(document)["epcisHeader"]["epcisMasterData"]["vocabularyList"]
    assert first["vocabularyElementList"][0] == {
        "id": d.PLACE,
        "attributes": [
            {"id": "urn:epcglobal:cbv:mda#name", "attribute": 5},
            {"id": "http://shop.example.cn/epcisx", "attribute": "a"},
            {"id": "http://shop.example.cn/epcisx", "attribute": "b"},
            {"id": "urn:x:nothing", "attribute": ""},
        ],
        "shop:y": True,
    }
    assert (first["shop:z"], second) == ("1", {"type": "urn:x:empty", "vocabularyElementList": []})


def test_what_xml_cannot_say() -> None:
    names = {
        "a": "urn:a:", "b": "urn:a:", "xmlthing": "urn:t:", "1": "urn:n:", "term": "urn:t:word", "gs1": "urn:mine:",
        "x": "http://www.w3.org/2000/xmlns/", "l": "http://www.w3.org/XML/1998/namespace",
        "e": "urn:epcglobal:epcis:xsd:1",
    }  # fmt: skip
    event = {
        **d.BARE_JSON,
        "a:list": [], "b:nested": [["1", 2], [True, None]], "a:one": ["x"], "a:empty": {}, "a:blank": " x \r\n y ",
        "a:control": "\x01\ufffe", "a:my field": "1", "xmlthing:t": "1", "1:n": "1", "term": "1", "urn:f:full": "1",
        "gs1:own": "1", "x:ns": {"l:lang": "zh"}, "e:mine": "1", "a:big": Decimal("1.50"),
        "a:mixed": {"#text": "t", "unit": 5, "a:part": {"z": "1"}, "no": None},
        "certificationInfo": ["https://example.cn/1", "https://example.cn/2"],
    }  # fmt: skip
    again = back({**d.json(event), "@context": [{**names, **d.NAMES}]})
    ((_, found),) = events_of(again)
    assert {name: value for name, value in found.items() if name not in d.BARE_JSON} == {
        "certificationInfo": ["https://example.cn/1", "https://example.cn/2"],
        "b:nested": ["1", 2, True, None], "b:one": "x", "b:empty": "", "b:blank": "x \n y",
        "b:control": "\ufffd\ufffd", "b:my%20field": "1", "ns:t": "1", "x0031-:n": "1", "ns:word": "1",
        "urn-2:full": "1", "gs1-2:own": "1", "ns": {"ns-2:lang": "zh"}, "mine": "1", "b:big": 1.5,
        "b:mixed": {"unit": "5", "#text": "t", "b:part": {"z": "1"}, "no": None},
    }  # fmt: skip


def test_events_may_have_names_of_their_own() -> None:
    one, two = (
        {**events_of(d.QUERY_1_2_JSON)[0][1], "@context": [{"p": f"urn:{i}:"}], "p:x": "1", "bizStep": "p:y"}
        for i in range(2)
    )
    document = d.json(one, two)
    there_and_back(document, "2.0")
    assert context_of(back(document)).names.items() >= {"p": "urn:0:", "p-2": "urn:1:"}.items()


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
_NAMES = st.sampled_from(
    [*ORDERS["2.0"]["ObjectEvent"].split(), "type", "id", "set", "sensorReport", "source", "shop:x"]
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES | st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(
    st.dictionaries(_NAMES, _JSON, max_size=6),
    st.sampled_from([*EVENTS["2.0"], "shop:E", 5]),
    st.sampled_from(VERSIONS),
    st.dictionaries(st.sampled_from(["epcisHeader", "shop:y", "sender", "creationDate"]), _JSON, max_size=2),
)
def test_whatever_is_written_is_xml(event: dict[str, Any], kind: Any, version: Version, around: dict[str, Any]) -> None:
    document = {**d.json({**event, "type": kind}, names=d.NAMES), **around}
    results = {"queryResults": {"resultsBody": event}}
    for written in (
        document,
        {**document, "type": "EPCISQueryDocument", "epcisBody": results},
        {**event, "type": kind},
    ):
        read_xml(document_xml(written, version=version))
