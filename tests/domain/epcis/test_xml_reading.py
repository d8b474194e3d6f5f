"""EPCIS XML as JSON-LD: what each document says, and how what does not belong is named."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from app.domain.epcis.context import context_of
from app.domain.epcis.documents import events_of, master_data_of
from app.domain.epcis.event_hash import event_hash
from app.domain.epcis.validate import validate_document
from app.domain.epcis.xml_shape import as_iri, json_name, xml_name
from app.domain.epcis.xml_writing import document_xml
from app.domain.errors import Malformed
from app.exchanging.xml import read_xml

from . import xml_documents as d


@pytest.mark.parametrize("name", d.DOCUMENTS)
def test_each_document_says_what_it_says(name: str) -> None:
    text, expected = d.DOCUMENTS[name]
    found = read_xml(text.encode())
    assert found == expected
    assert [fault for fault in validate_document(found) if fault.severity == "refusal"] == []


@pytest.mark.parametrize("name", sorted(set(d.DOCUMENTS) - {"mixed_2_0", "transaction_2_0"}))
def test_what_is_read_fits_the_published_schema(name: str, vectors: Path) -> None:
    # The two others have a word that is a CURIE, and null, which the schema's authors did not think of.
    schema = json.loads((vectors / "gs1-epcis" / "EPCIS-JSON-Schema.json").read_text(encoding="utf-8"))
    found = read_xml(d.DOCUMENTS[name][0].encode())
    assert [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(found)] == []


def test_master_data_are_found_where_they_are_in_json() -> None:
    for text in (d.HEADER_1_2, d.VOCABULARY_2_0, d.MASTER_DATA_1_2):
        (place, party) = master_data_of(read_xml(text.encode())).sites
        assert (place.raw_id, place.name, party.name) == (d.PLACE, "东市场", None)


def test_an_event_is_the_same_in_every_version() -> None:
    """The hash of CBV 2.0 knows neither wrappers nor the form of a word."""
    hashes = set()
    for text in (
        d.OBJECT_1_2,
        d.OBJECT_1_2.replace("<extension>", "").replace("</extension>", "").replace("xsd:1", "xsd:2"),
        d.OBJECT_1_2.replace("urn:epcglobal:cbv:bizstep:", "https://ref.gs1.org/cbv/BizStep-"),
        d.OBJECT_1_2.replace("120.50", "120.5").replace("2026-03-01T06:30:00.000+08:00", "2026-02-28T22:30:00Z"),
    ):
        document = read_xml(text.encode())
        ((_, event),) = events_of(document)
        hashes.add(event_hash(event, context_of(document)))
    assert len(hashes) == 1


def reasons(*items: str) -> list[tuple[str, str]]:
    document = read_xml(d.events(*items, version="2.0").encode())
    return [
        (fault.pointer.removeprefix("/epcisBody/eventList/"), fault.slug)
        for fault in validate_document(document)
        if fault.severity == "refusal"
    ]


def an_object(inside: str, attributes: str = "") -> str:
    return (
        f"<ObjectEvent{attributes}>{d.WHEN}<epcList><epc>{d.ITEM}</epc></epcList><action>ADD</action>{inside}"
        "</ObjectEvent>"
    )


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        (an_object("<fresh>yes</fresh>"), ("0/fresh", "field-without-namespace")),
        (an_object("<extension><fresh>yes</fresh></extension>"), ("0/fresh", "field-without-namespace")),
        (an_object("", ' fresh="yes"'), ("0/fresh", "field-without-namespace")),
        (an_object("yes"), ("0/#text", "field-without-namespace")),
        (an_object("<ilmd><lot>A</lot></ilmd>"), ("0/ilmd/lot", "field-without-namespace")),
        (an_object("<bizStep>urn:epcglobal:cbv:bizstep:eating</bizStep>"), ("0/bizStep", "unknown-word")),
        (an_object("<bizStep>shipping</bizStep><bizStep>packing</bizStep>"), ("0/bizStep", "wrong-type")),
        (an_object("<bizStep><shop:x/></bizStep>"), ("0/bizStep", "wrong-type")),
        (an_object("<bizStep/>"), ("0/bizStep", "unknown-word")),
        (an_object("<readPoint>x</readPoint>"), ("0/readPoint/id", "missing-field")),
        (an_object("<quantityList>many</quantityList>"), ("0/quantityList/0/epcClass", "missing-field")),
        (an_object("<quantityList><epc>x</epc></quantityList>"), ("0/quantityList/0/epcClass", "missing-field")),
        (an_object(d.quantities("quantityList", d.LOT, "many")), ("0/quantityList/0/quantity", "wrong-type")),
        (an_object(d.quantities("quantityList", d.LOT, "INF")), ("0/quantityList/0/quantity", "wrong-type")),
        (an_object(d.quantities("quantityList", d.LOT, "1e99999")), ("0/quantityList/0/quantity", "malformed-number")),
        (an_object("<type>TransformationEvent</type>"), ("0/type", "unknown-event-type")),
        (an_object("<parentID>urn:x:y</parentID>"), ("0/parentID", "unexpected-field")),
        (an_object("<sensorElementList><sensorElement/></sensorElementList>"), (
            "0/sensorElementList/0/sensorReport", "missing-field")),
        (an_object("<_x0040_context>here</_x0040_context>"), ("0/@context", "malformed-context")),
        ("<FooEvent/>", ("0/type", "unknown-event-type")),
        ("<shop:Event/>", ("0/eventTime", "missing-field")),
        (f"<QuantityEvent>{d.WHEN}</QuantityEvent>", ("0/quantityList/0/epcClass", "missing-field")),
    ],
)  # fmt: skip
def test_what_does_not_belong_is_named(event: str, fault: tuple[str, str]) -> None:
    assert fault in reasons(event)
    # The event beside it is none the worse.
    assert not [pointer for pointer, _ in reasons(event, an_object("")) if pointer.startswith("1")]


def test_lists_take_wrapped_items() -> None:
    epcs = f"<epcList><extension><epc>{d.ITEM}</epc></extension></epcList>"
    document = read_xml(d.events(f"<ObjectEvent>{d.WHEN}{epcs}<action>ADD</action></ObjectEvent>").encode())
    assert events_of(document)[0][1]["epcList"] == [d.ITEM]


def of_document(text: str) -> set[tuple[str, str]]:
    return {(fault.pointer, fault.slug) for fault in validate_document(read_xml(text.encode()))}


def test_faults_around_the_events() -> None:
    assert ("/epcisBody/queryResults", "missing-field") in of_document(d.xml("<q:Poll/>", query=True))
    assert ("/epcisBody/queryResults/resultsBody", "missing-field") in of_document(
        d.xml("<q:QueryResults><queryName>a</queryName></q:QueryResults>", query=True)
    )
    assert ("/schemaVersion", "unsupported-version") in of_document(d.OBJECT_1_2.replace('n="1.2"', 'n="3.0"'))
    assert ("/schemaVersion", "missing-field") in of_document(d.OBJECT_1_2.replace('schemaVersion="1.2"', ""))
    assert ("/fresh", "field-without-namespace") in of_document(
        d.OBJECT_1_2.replace("<EPCISBody>", "<fresh/><EPCISBody>")
    )
    assert ("/epcisBody", "missing-field") in of_document(d.AGGREGATION_2_0.replace("EPCISBody", "Body"))
    assert ("/@context/1/shop", "malformed-context") in of_document(
        d.OBJECT_1_2.replace("http://shop.example.cn/epcis", "shop")
    )
    header = (
        "<EPCISHeader><EPCISMasterData><VocabularyList><Vocabulary/></VocabularyList></EPCISMasterData></EPCISHeader>"
    )
    place = "/epcisHeader/epcisMasterData/vocabularyList/0"
    assert (f"{place}/type", "missing-field") in of_document(d.events(header=header))
    nameless = header.replace(
        "<Vocabulary/>",
        "<Vocabulary type='urn:x:y'><VocabularyElementList><VocabularyElement><attribute/></VocabularyElement>"
        "</VocabularyElementList></Vocabulary>",
    )
    assert {
        (f"{place}/vocabularyElementList/0/id", "missing-field"),
        (f"{place}/vocabularyElementList/0/attributes/0/id", "missing-field"),
    } <= of_document(d.events(header=nameless))


@pytest.mark.parametrize("amount", ["1.50", "0.1", "12345678901234567890.5", "7" * 300, "7" * 500, "1e5"])
def test_numbers_keep_their_digits(amount: str) -> None:
    document = read_xml(d.events(an_object(d.quantities("quantityList", d.LOT, amount))).encode())
    found: Any = events_of(document)[0][1]["quantityList"][0]["quantity"]
    assert Decimal(str(found)) == Decimal(amount)


@pytest.mark.parametrize("fields", ["shop:greenhouse", "<shop:greenhouse/>"])
def test_fields_that_say_what_is_no_part_of_an_event_are_lists(fields: str) -> None:
    text = d.OBJECT_1_2.replace("</epcis:", f"<shop:ignoreFields>{fields}</shop:ignoreFields></epcis:")
    document = read_xml(text.encode())
    assert context_of(document).ignored == {"{http://shop.example.cn/epcis}greenhouse"}
    assert context_of(read_xml(document_xml(document))).ignored == context_of(document).ignored


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("xsd:integer", "10", 10),
        ("x:unsignedByte", " +7 ", 7),
        ("xsd:double", "20", 20.0),
        ("xsd:decimal", "0.12345678901234567890", Decimal("0.12345678901234567890")),
        ("xsd:float", "NaN", "NaN"),
        ("xsd:integer", "1.5", "1.5"),
        ("xsd:boolean", "true", True),
        ("xsd:boolean", "yes", "yes"),
        ("xsd:string", "10", "10"),
        ("shop:integer", "10", "10"),
        ("none:integer", "10", "10"),
        ("integer", "10", "10"),
    ],
)
def test_types_of_extensions(kind: str, text: str, value: object) -> None:
    spaces = ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:x="http://www.w3.org/2001/XMLSchema"'
    inside = f'<shop:a xsi:type="{kind}">{text}</shop:a><bizStep xsi:type="xsd:anyURI">shipping</bizStep>'
    document = read_xml(d.events(an_object(inside, spaces)).encode())
    ((_, event),) = events_of(document)
    assert (event["shop:a"], type(event["shop:a"]), event["bizStep"]) == (value, type(value), "shipping")
    assert read_xml(document_xml(document)) == document


def test_what_later_versions_may_bring_and_is_empty_says_nothing() -> None:
    assert reasons(an_object("<extension><extension><later/></extension></extension>")) == []
    assert reasons(an_object("<later/>")) == [("0/later", "field-without-namespace")]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("plain.name-1", "plain.name-1"),
        ("批次", "批次"),
        ("my field", "my_x0020_field"),
        ("1st", "_x0031_st"),
        ("a:b@<>", "a_x003A_b_x0040__x003C__x003E_"),
        ("_x0020_", "_x005F_x0020_"),
        ("_x", "_x"),
        ("🥬", "_x01F96C_"),
        ("", "_"),
    ],
)
def test_names_that_xml_cannot_write(name: str, written: str) -> None:
    assert xml_name(name) == written
    assert json_name(written) == (name or "_")
    for nothing in ("_xFFFFFF_", "_x0000_", "_xD800_"):
        assert json_name(nothing) == nothing
    for other in ("%e6%89%b9", "%FF", "%20"):
        assert as_iri(other) == other


@pytest.mark.parametrize(
    ("prefix", "member"), [("my_shop", "my-shop"), ("农场", "ns"), ("_", "ns"), ("type", "type-2"), ("cbv", "cbv-2")]
)
def test_prefixes_that_json_cannot_have(prefix: str, member: str) -> None:
    text = f'<{prefix}:x xmlns:{prefix}="urn:x:"/><bizStep xmlns:{prefix}="urn:x:">{prefix}:y</bizStep>'
    document = read_xml(d.events(an_object(text)).encode())
    ((_, event),) = events_of(document)
    assert (event[f"{member}:x"], event["bizStep"]) == ("", f"{member}:y")
    assert [fault for fault in validate_document(document) if fault.severity == "refusal"] == []


@pytest.mark.parametrize(
    ("local", "member"),
    [
        ("批次", "%E6%89%B9%E6%AC%A1"),
        ("prix_d’achat".replace("’", "_x2019_"), "prix_d%E2%80%99achat"),
        ("a_x0020_b", "a%20b"),
        ("a_x0025_20b", "a%20b"),
        ("a.b-c_d", "a.b-c_d"),
    ],
)
def test_names_in_any_language(local: str, member: str) -> None:
    document = read_xml(d.events(an_object(f"<shop:{local}>1</shop:{local}>")).encode())
    ((_, event),) = events_of(document)
    assert event[f"shop:{member}"] == "1"
    assert [fault for fault in validate_document(document) if fault.severity == "refusal"] == []
    again = read_xml(document_xml(document))
    assert again == document


def test_identifiers_in_any_language() -> None:
    """xsd:anyURI takes any letter, and says what URI it stands for."""
    places = "<readPoint><id>https://example.cn/市场/1 a?b=%20#c</id></readPoint>"
    document = read_xml(d.events(an_object(f"<bizStep>urn:x:蒸</bizStep>{places}")).encode())
    ((_, event),) = events_of(document)
    assert event["bizStep"] == "urn:x:%E8%92%B8"
    assert event["readPoint"]["id"] == "https://example.cn/%E5%B8%82%E5%9C%BA/1%20a?b=%20#c"
    assert [fault for fault in validate_document(document) if fault.severity == "refusal"] == []


def test_as_many_namespaces_as_anybody_needs() -> None:
    few, many = (
        d.events(an_object("".join(f'<x xmlns="urn:x:{i}"/>' for i in range(count)))).encode()
        for count in (1_000, 1_001)
    )
    assert len(read_xml(few)["@context"][1]) == 1_000
    with pytest.raises(Malformed, match="xml-oversized"):
        read_xml(many)
