import random
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.domain.epcis import fields, validate
from app.domain.epcis.context import Context, context_of
from app.domain.epcis.documents import events_of
from app.domain.epcis.faults import MAX_REFUSALS, MAX_TEXT, Faults, at, readable, shown
from app.domain.epcis.validate import validate_document, validate_event

from .vectors import EXAMPLES, HASHES, TUNA, load

OBJECT: dict[str, Any] = {
    "type": "ObjectEvent",
    "eventTime": "2024-05-01T08:30:00+08:00",
    "eventTimeZoneOffset": "+08:00",
    "eventID": "urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8",
    "action": "ADD",
    "bizStep": "commissioning",
    "quantityList": [{"epcClass": "urn:epc:class:lgtin:4012345.012345.A", "quantity": 12.5, "uom": "KGM"}],
    "bizLocation": {"id": "urn:epc:id:sgln:4012345.00005.0"},
}
WHEN = {name: OBJECT[name] for name in ("eventTime", "eventTimeZoneOffset")}
AGGREGATION = {
    **WHEN,
    "type": "AggregationEvent",
    "action": "ADD",
    "parentID": "urn:epc:id:sscc:4012345.1112223334",
    "childEPCs": ["urn:epc:id:sgtin:4012345.011111.9876"],
}
ASSOCIATION = {**AGGREGATION, "type": "AssociationEvent"}
TRANSACTION = {
    **WHEN,
    "type": "TransactionEvent",
    "action": "ADD",
    "bizTransactionList": [{"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:0614141073467:1152"}],
    "epcList": ["urn:epc:id:sgtin:4012345.011111.9876"],
}
TRANSFORMATION = {
    **WHEN,
    "type": "TransformationEvent",
    "inputEPCList": ["urn:epc:id:sgtin:4012345.011111.9876"],
    "outputQuantityList": OBJECT["quantityList"],
}
SENSING = {
    **OBJECT,
    "action": "OBSERVE",
    "readPoint": {"id": "urn:epc:id:sgln:4012345.00005.0"},
    "sensorElementList": [
        {
            "sensorMetadata": {"time": "2024-05-01T08:30:00+08:00", "ex:grade": "A"},
            "sensorReport": [{"type": "Temperature", "value": 3.5, "uom": "CEL", "booleanValue": True}],
        }
    ],
}
MASTER = {
    "epcisMasterData": {
        "vocabularyList": [
            {
                "type": "urn:epcglobal:epcis:vtype:Location",
                "vocabularyElementList": [
                    {
                        "id": "urn:epc:id:sgln:4012345.00005.0",
                        "attributes": [{"id": "urn:epcglobal:cbv:mda#name", "attribute": "Stall"}],
                        "children": ["urn:epc:id:sgln:4012345.00005.1"],
                    }
                ],
            }
        ]
    }
}


def document(*events: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "@context": [
            "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
            {"ex": "https://ns.example.com/epcis/"},
        ],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2024-05-01T09:00:00Z",
        "epcisBody": {"eventList": list(events)},
        **fields,
    }


def faults(of: Any, severity: str = "refusal") -> set[tuple[str, str]]:
    return {(fault.pointer, fault.slug) for fault in validate_document(of) if fault.severity == severity}


def of(event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy of an event; a field changed to None is left out."""
    changed = {**deepcopy(event), **changes}
    return {name: value for name, value in changed.items() if value is not None}


LINK = "https://x.example/01/04012345123456"


class TestPublished:
    @pytest.mark.parametrize("path", [*EXAMPLES, *HASHES], ids=lambda path: path.stem)
    def test_documents_are_taken_without_a_flag(self, path: Path) -> None:
        assert validate_document(load(path)) == []

    @pytest.mark.usefixtures("vectors")
    def test_the_tuna_chain_is_taken_with_flags(self) -> None:
        found = validate_document(load(TUNA))
        assert Counter((fault.severity, fault.slug) for fault in found) == {
            ("flag", "malformed_identifier"): 28,
            ("flag", "reused_event_id"): 5,
        }
        reused = {fault.pointer for fault in found if fault.slug == "reused_event_id"}
        # Of each group of one eventID, the earliest in time bears it rightly.
        assert reused == {f"/epcisBody/eventList/{i}/eventID" for i in (9, 10, 11, 12, *reused_twins(found))}
        odd = [fault for fault in found if "sscc" in fault.detail]
        assert len(odd) == 7
        assert "17 digits together, not 15" in odd[0].detail


def reused_twins(found: list[Any]) -> set[int]:
    """Of the two unpackings of the same second, one; which, their content decides."""
    twins = {int(fault.pointer.split("/")[3]) for fault in found if fault.slug == "reused_event_id"} & {19, 20}
    assert len(twins) == 1
    return twins


VALID = {
    "object": document(OBJECT),
    "aggregation": document(AGGREGATION),
    "association": document(ASSOCIATION),
    "transaction": document(TRANSACTION),
    "transaction about a parent": document(
        of(TRANSACTION, epcList=None, parentID="urn:epc:id:sscc:4012345.1112223334")
    ),
    "transformation": document(TRANSFORMATION),
    "inputs of a longer transformation": document(
        of(TRANSFORMATION, outputQuantityList=None, transformationID="urn:x:t:1")
    ),
    "sensing": document(SENSING),
    "only sensing": document(of(SENSING, quantityList=None)),
    "master data": document(epcisHeader=MASTER),
    "nothing at all": document(),
    "emptying": document(of(AGGREGATION, action="DELETE", childEPCs=None)),
    "children without a parent seen": document(of(AGGREGATION, action="OBSERVE", parentID=None)),
    "cancelling a transaction": document(of(TRANSACTION, action="DELETE", epcList=None)),
    "own words as URIs": document(of(OBJECT, bizStep="urn:gdst:bizStep:landing", disposition="ex:fresh")),
    "words in every form": document(
        of(OBJECT, bizStep="urn:epcglobal:cbv:bizstep:packing", disposition="cbv:Disp-active"),
        of(SENSING, eventID=None, sensorElementList=[{"sensorReport": [{"type": "gs1:Temperature"}]}]),
    ),
    "own words under GS1's name": document(
        of(OBJECT, sourceList=[{"type": "cbv:my_own_party", "source": "urn:epc:id:pgln:4012345.00225"}])
    ),
    "extensions": document(
        of(
            OBJECT,
            ilmd={"ex:a": {"plain": [{"ex:b": 1}]}, "cbvmda:lotNumber": "7"},
            **{"ex:c": None, "ex:d": [[]], "https://other.example/voc#e": True},
        )
    ),
    "names of an event's own": document(of(OBJECT, **{"@context": {"my": "urn:my:"}, "my:field": 1})),
    "declared wrong": document(
        of(
            OBJECT,
            certificationInfo=["https://a.example/1", "https://a.example/2"],
            errorDeclaration={
                "declarationTime": "2024-06-01T00:00:00Z",
                "reason": "did_not_occur",
                "correctiveEventIDs": ["urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8"],
                "ex:by": "Li",
            },
        )
    ),
    "persistent disposition": document(of(OBJECT, persistentDisposition={"set": ["recalled"]})),
    "one certificate": document(of(OBJECT, certificationInfo="https://a.example/1")),
    "Chinese in a URI": document(of(OBJECT, bizLocation={"id": "https://市场.example/摊位/3"})),
    "a bare event": {**OBJECT, "@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld"},
    "a query result": {
        **document(),
        "type": "EPCISQueryDocument",
        "epcisBody": {
            "queryResults": {
                "queryName": "q",
                "subscriptionID": "s",
                "resultsBody": {"eventList": [OBJECT], "vocabularyList": []},
            }
        },
    },
}


@pytest.mark.parametrize("name", VALID)
def test_valid_documents(name: str) -> None:
    assert validate_document(VALID[name]) == []


E0 = "/epcisBody/eventList/0"
LONG = "x" * 3_000
# name → document, and every refusal in it.
INVALID: dict[str, tuple[Any, set[tuple[str, str]]]] = {
    "not an object": ([], {("", "wrong-type")}),
    "no type": (of(document(), type=None), {("/type", "unknown-document")}),
    "another type": (document(type="Invoice"), {("/type", "unknown-document")}),
    "type is no text": (document(type=["EPCISDocument"]), {("/type", "unknown-document")}),
    "no context": (of(document(), **{"@context": None}), {("/@context", "missing-field")}),
    "bare event without context": (OBJECT, {("/@context", "missing-field")}),
    "context of odd things": (
        document(**{"@context": [5, "nowhere", {"a": "b", "c": 5, "@version": 1.1, "d": None, "e": {"@id": "x:"}}]}),
        {
            ("/@context/0", "malformed-context"),
            ("/@context/1", "malformed-context"),
            ("/@context/2/a", "malformed-context"),
            ("/@context/2/c", "malformed-context"),
        },
    ),
    "context is a number": (document(**{"@context": 5}), {("/@context", "malformed-context")}),
    "no version": (of(document(), schemaVersion=None), {("/schemaVersion", "missing-field")}),
    "version 1.2": (document(schemaVersion="1.2"), {("/schemaVersion", "unsupported-version")}),
    "odd version": (document(schemaVersion="two"), {("/schemaVersion", "malformed-version")}),
    "version is a number": (document(schemaVersion=2.0), {("/schemaVersion", "wrong-type")}),
    "no creation date": (of(document(), creationDate=None), {("/creationDate", "missing-field")}),
    "no body": (of(document(), epcisBody=None), {("/epcisBody", "missing-field")}),
    "no list": (document(epcisBody={}), {("/epcisBody/eventList", "missing-field")}),
    "list is an object": (document(epcisBody={"eventList": {}}), {("/epcisBody/eventList", "wrong-type")}),
    "events are texts": (document(epcisBody={"eventList": ["x"]}), {(E0, "wrong-type")}),
    "unknown field of a document": (document(remark="x"), {("/remark", "field-without-namespace")}),
    "query without results": (
        document(type="EPCISQueryDocument", epcisBody={}),
        {("/epcisBody/queryResults", "missing-field")},
    ),
    "query without name and body": (
        document(type="EPCISQueryDocument", epcisBody={"queryResults": {}}),
        {
            ("/epcisBody/queryResults/queryName", "missing-field"),
            ("/epcisBody/queryResults/resultsBody", "missing-field"),
        },
    ),
    "master data askew": (
        document(epcisHeader={"epcisMasterData": {"vocabularyList": [{"vocabularyElementList": [{"attributes": 5}]}]}}),
        {
            ("/epcisHeader/epcisMasterData/vocabularyList/0/type", "missing-field"),
            ("/epcisHeader/epcisMasterData/vocabularyList/0/vocabularyElementList/0/id", "missing-field"),
            ("/epcisHeader/epcisMasterData/vocabularyList/0/vocabularyElementList/0/attributes", "wrong-type"),
        },
    ),
    "event without type": (document(of(OBJECT, type=None)), {(f"{E0}/type", "missing-field")}),
    "unknown event": (document(of(OBJECT, type="SaleEvent")), {(f"{E0}/type", "unknown-event-type")}),
    "event type is a list": (document(of(OBJECT, type=["ObjectEvent"])), {(f"{E0}/type", "unknown-event-type")}),
    "event of one's own": (document(of(OBJECT, type="ex:SaleEvent")), {(f"{E0}/type", "unknown-event-type")}),
    "no time": (
        document(of(OBJECT, eventTime=None, eventTimeZoneOffset=None)),
        {(f"{E0}/eventTime", "missing-field"), (f"{E0}/eventTimeZoneOffset", "missing-field")},
    ),
    "time without offset": (
        document(of(OBJECT, eventTime="2024-05-01T08:30:00")),
        {(f"{E0}/eventTime", "malformed-time")},
    ),
    "thirtieth of February": (
        document(of(OBJECT, eventTime="2024-02-30T08:30:00Z")),
        {(f"{E0}/eventTime", "malformed-time")},
    ),
    "time is a number": (document(of(OBJECT, eventTime=1714523400)), {(f"{E0}/eventTime", "wrong-type")}),
    "offset is a zone": (
        document(of(OBJECT, eventTimeZoneOffset="CST")),
        {(f"{E0}/eventTimeZoneOffset", "malformed-offset")},
    ),
    "offset beyond the world": (
        document(of(OBJECT, eventTimeZoneOffset="+14:30")),
        {(f"{E0}/eventTimeZoneOffset", "malformed-offset")},
    ),
    "wrong action": (document(of(OBJECT, action="CREATE")), {(f"{E0}/action", "wrong-action")}),
    "no action": (document(of(OBJECT, action=None)), {(f"{E0}/action", "missing-field")}),
    "unknown step": (document(of(OBJECT, bizStep="transforming")), {(f"{E0}/bizStep", "unknown-word")}),
    "unknown step as URI": (
        document(of(OBJECT, bizStep="https://ref.gs1.org/cbv/BizStep-transforming")),
        {(f"{E0}/bizStep", "unknown-word")},
    ),
    "a disposition for a step": (
        document(of(OBJECT, bizStep="urn:epcglobal:cbv:disp:active")),
        {(f"{E0}/bizStep", "unknown-word")},
    ),
    "step is a number": (document(of(OBJECT, bizStep=5)), {(f"{E0}/bizStep", "wrong-type")}),
    "step is hardly a URI": (document(of(OBJECT, bizStep="a: b")), {(f"{E0}/bizStep", "malformed-uri")}),
    "unknown disposition": (document(of(OBJECT, disposition="in_transport")), {(f"{E0}/disposition", "unknown-word")}),
    "unknown transaction type": (
        document(of(TRANSACTION, bizTransactionList=[{"type": "order", "bizTransaction": "urn:x:1"}])),
        {(f"{E0}/bizTransactionList/0/type", "unknown-word")},
    ),
    "unknown source type": (
        document(of(OBJECT, sourceList=[{"type": "place", "source": "urn:x:1"}])),
        {(f"{E0}/sourceList/0/type", "unknown-word")},
    ),
    "destination without type": (
        document(of(OBJECT, destinationList=[{"destination": "urn:x:1"}])),
        {(f"{E0}/destinationList/0/type", "missing-field")},
    ),
    "unknown error reason": (
        document(of(OBJECT, errorDeclaration={"declarationTime": "2024-06-01T00:00:00Z", "reason": "typo"})),
        {(f"{E0}/errorDeclaration/reason", "unknown-word")},
    ),
    "error declaration without time": (
        document(of(OBJECT, errorDeclaration={})),
        {(f"{E0}/errorDeclaration/declarationTime", "missing-field")},
    ),
    "field without namespace": (
        document(of(OBJECT, colour="red")),
        {(f"{E0}/colour", "field-without-namespace")},
    ),
    "ilmd field without namespace": (
        document(of(OBJECT, ilmd={"materialType": "soil"})),
        {(f"{E0}/ilmd/materialType", "field-without-namespace")},
    ),
    "undeclared prefix": (document(of(OBJECT, **{"my:c/o~1": 1})), {(f"{E0}/my:c~1o~01", "undeclared-prefix")}),
    "undeclared prefix inside": (
        document(of(OBJECT, **{"ex:a": [{"my:b": 1}]})),
        {(f"{E0}/ex:a/0/my:b", "undeclared-prefix")},
    ),
    "another event's names": (
        document(of(OBJECT, **{"@context": {"my": "urn:my:"}}), of(OBJECT, eventID=None, **{"my:field": 1})),
        {("/epcisBody/eventList/1/my:field", "undeclared-prefix")},
    ),
    "a field of another type of event": (
        document(of(AGGREGATION, ilmd={"ex:a": 1})),
        {(f"{E0}/ilmd", "unexpected-field")},
    ),
    "a transformation with an action": (
        document(of(TRANSFORMATION, action="ADD")),
        {(f"{E0}/action", "unexpected-field")},
    ),
    "ilmd of something seen": (
        document(of(OBJECT, action="OBSERVE", ilmd={"ex:a": 1})),
        {(f"{E0}/ilmd", "unexpected-field")},
    ),
    "no object": (document(of(OBJECT, quantityList=None)), {(E0, "incomplete-event")}),
    "empty objects": (document(of(OBJECT, quantityList=[], epcList=[])), {(E0, "incomplete-event")}),
    "sensing nowhere": (document(of(SENSING, quantityList=None, readPoint=None)), {(E0, "incomplete-event")}),
    "packing into nothing": (document(of(AGGREGATION, parentID=None)), {(f"{E0}/parentID", "missing-field")}),
    "unpacking from nothing": (
        document(of(AGGREGATION, action="DELETE", parentID=None)),
        {(f"{E0}/parentID", "missing-field")},
    ),
    "packing nothing": (document(of(AGGREGATION, childEPCs=[])), {(E0, "incomplete-event")}),
    "associating with nothing": (
        document(of(ASSOCIATION, action="OBSERVE", parentID=None)),
        {(f"{E0}/parentID", "missing-field")},
    ),
    "associating nothing": (document(of(ASSOCIATION, childEPCs=None)), {(E0, "incomplete-event")}),
    "transaction without papers": (
        document(of(TRANSACTION, bizTransactionList=[])),
        {(f"{E0}/bizTransactionList", "empty-list")},
    ),
    "transaction of nothing": (document(of(TRANSACTION, epcList=None)), {(E0, "incomplete-event")}),
    "only inputs": (document(of(TRANSFORMATION, outputQuantityList=None)), {(E0, "incomplete-event")}),
    "only outputs": (document(of(TRANSFORMATION, inputEPCList=[])), {(E0, "incomplete-event")}),
    "neither, but a name": (
        document(of(TRANSFORMATION, inputEPCList=None, outputQuantityList=None, transformationID="urn:x:t")),
        {(E0, "incomplete-event")},
    ),
    "inputs are an object": (
        document(of(TRANSFORMATION, inputEPCList={})),
        {(f"{E0}/inputEPCList", "wrong-type"), (E0, "incomplete-event")},
    ),
    "quantity as text": (
        document(of(OBJECT, quantityList=[{"epcClass": "urn:x:1", "quantity": "12"}])),
        {(f"{E0}/quantityList/0/quantity", "wrong-type")},
    ),
    "quantity is true": (
        document(of(OBJECT, quantityList=[{"epcClass": "urn:x:1", "quantity": True}])),
        {(f"{E0}/quantityList/0/quantity", "wrong-type")},
    ),
    "negative quantity": (
        document(of(OBJECT, quantityList=[{"epcClass": "urn:x:1", "quantity": -3, "uom": "KGM"}])),
        {(f"{E0}/quantityList/0/quantity", "negative-quantity")},
    ),
    "absurd quantity": (
        document(of(OBJECT, quantityList=[{"epcClass": "urn:x:1", "quantity": 1e30, "uom": "KGM"}])),
        {(f"{E0}/quantityList/0/quantity", "absurd-quantity")},
    ),
    "half a piece": (
        document(of(OBJECT, quantityList=[{"epcClass": "urn:x:1", "quantity": 0.5}])),
        {(f"{E0}/quantityList/0/quantity", "invalid-quantity")},
    ),
    "unit in words": (
        document(of(OBJECT, quantityList=[{"epcClass": "urn:x:1", "quantity": 1, "uom": "kilo"}])),
        {(f"{E0}/quantityList/0/uom", "malformed-uom")},
    ),
    "unit is a number": (
        document(of(OBJECT, quantityList=[{"epcClass": "urn:x:1", "quantity": 1, "uom": 5}])),
        {(f"{E0}/quantityList/0/uom", "wrong-type")},
    ),
    "unknown field of a quantity": (
        document(of(OBJECT, quantityList=[{"epcClass": "urn:x:1", "ex:grade": 1}])),
        {(f"{E0}/quantityList/0/ex:grade", "unexpected-field")},
    ),
    "quantity of nothing": (
        document(of(OBJECT, quantityList=[{"quantity": 1}, 5])),
        {(f"{E0}/quantityList/0/epcClass", "missing-field"), (f"{E0}/quantityList/1", "wrong-type")},
    ),
    "an EPC in the wrong words": (document(of(OBJECT, epcList=["12345", 5])), {
        (f"{E0}/epcList/0", "malformed-uri"),
        (f"{E0}/epcList/1", "wrong-type"),
    }),
    "an EPC twice": (document(of(OBJECT, epcList=["urn:x:1", "urn:x:1"])), {(f"{E0}/epcList/1", "repeated-item")}),
    "an endless identifier": (document(of(OBJECT, epcList=[f"urn:x:{LONG}"])), {(f"{E0}/epcList/0", "malformed-uri")}),
    "an identifier too long for an index": (
        document(of(OBJECT, epcList=[f"urn:x:{'菜' * 400}", f"urn:x:{'a' * 1000}", f"{LINK}/10/{'菜' * 120}"])),
        {(f"{E0}/epcList/0", "too-long"), (f"{E0}/epcList/2", "too-long")},
    ),
    "an event of the year 1": (
        document(of(OBJECT, eventTime="0001-01-01T00:00:00Z")),
        {(f"{E0}/eventTime", "malformed-time")},
    ),
    "numbers that no database takes": (
        document(of(OBJECT, **{"ex:number": Decimal("1E+400")})),
        {(f"{E0}/ex:number", "malformed-number")},
    ),
    "a number of a thousand digits": (
        document(of(OBJECT, **{"ex:number": Decimal("0." + "7" * 1000)})),
        {(f"{E0}/ex:number", "malformed-number")},
    ),
    "a place without a name": (document(of(OBJECT, bizLocation={})), {(f"{E0}/bizLocation/id", "missing-field")}),
    "a place as text": (document(of(OBJECT, readPoint="urn:x:1")), {(f"{E0}/readPoint", "wrong-type")}),
    "certificate is a number": (
        document(of(OBJECT, certificationInfo=42)),
        {(f"{E0}/certificationInfo", "wrong-type")},
    ),
    "disposition set to nothing": (
        document(of(OBJECT, persistentDisposition={})),
        {(f"{E0}/persistentDisposition", "incomplete-event")},
    ),
    "disposition set to an empty list": (
        document(of(OBJECT, persistentDisposition={"unset": []})),
        {(f"{E0}/persistentDisposition/unset", "empty-list")},
    ),
    "sensor without a report": (
        document(of(SENSING, sensorElementList=[{}])),
        {(f"{E0}/sensorElementList/0/sensorReport", "missing-field")},
    ),
    "sensor report askew": (
        document(
            of(
                SENSING,
                sensorElementList=[
                    {
                        "sensorMetadata": {"colour": "red"},
                        "sensorReport": [
                            {
                                "type": "Mood",
                                "exception": "PANIC",
                                "component": "w",
                                "value": "3",
                                "booleanValue": "true",
                                "hexBinaryValue": "xyz",
                                "stringValue": 3,
                            },
                            {"type": "gs1:Mood", "time": "noon"},
                            {},
                        ],
                    }
                ],
            )
        ),
        {
            (f"{E0}/sensorElementList/0/sensorMetadata/colour", "field-without-namespace"),
            *(
                (f"{E0}/sensorElementList/0/sensorReport/{place}", slug)
                for place, slug in (
                    ("0/type", "unknown-word"),
                    ("0/exception", "unknown-word"),
                    ("0/component", "unknown-word"),
                    ("0/value", "wrong-type"),
                    ("0/booleanValue", "wrong-type"),
                    ("0/hexBinaryValue", "malformed-hex"),
                    ("0/stringValue", "wrong-type"),
                    ("1/type", "unknown-word"),
                    ("1/time", "malformed-time"),
                    ("2/type", "missing-field"),
                )
            ),
        },
    ),
    "not a number": (document(of(OBJECT, **{"ex:a": float("nan")})), {(f"{E0}/ex:a", "malformed-number")}),
    "beyond all numbers": (
        document(of(OBJECT, **{"ex:a": Decimal("Infinity")})),
        {(f"{E0}/ex:a", "malformed-number")},
    ),
    "an absurd integer": (document(of(OBJECT, **{"ex:a": 10**5000})), {(f"{E0}/ex:a", "malformed-number")}),
    "a NUL": (document(of(OBJECT, **{"ex:a": "a\0b"})), {(f"{E0}/ex:a", "malformed-text")}),
    "half a character in a name": (document(of(OBJECT, **{"ex:\ud800": 1})), {(E0, "malformed-text")}),
    "a text without end": (
        document(of(OBJECT, **{"ex:a": "x" * (MAX_TEXT + 1)})),
        {(f"{E0}/ex:a", "too-long")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", INVALID)
def test_invalid_documents(name: str) -> None:
    given, expected = INVALID[name]
    before = repr(given) if "absurd integer" not in name else None
    assert faults(given) == expected
    if before is not None:
        assert repr(given) == before


def test_details_speak_both_languages() -> None:
    for given, _ in INVALID.values():
        for fault in validate_document(given):
            zh, separator, en = fault.detail.partition(" · ")
            assert separator
            assert any("\u4e00" <= char <= "\u9fff" for char in zh), fault
            assert en.strip(), fault
            assert len(fault.detail) < 1_000


@pytest.mark.parametrize(
    "wrap", [lambda inner: [inner], lambda inner: {"ex:in": inner}, lambda inner: [{"epcisBody": inner}]]
)
def test_no_depth_overflows_the_stack(wrap: Callable[[Any], Any]) -> None:
    deep: Any = "x"
    for _ in range(30_000):
        deep = wrap(deep)
    for given in (deep, document(of(OBJECT, **{"ex:deep": deep})), document(epcisHeader=deep), {"@context": deep}):
        slugs = {slug for _, slug in faults(given)}
        assert slugs <= {"too-deep", "wrong-type"}
        assert slugs


def test_too_much_of_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.domain.epcis.faults.MAX_VALUES", 40)
    assert {slug for _, slug in faults(document(OBJECT, of(OBJECT, eventID=None)))} == {"too-many"}
    monkeypatch.undo()
    monkeypatch.setattr(fields, "MAX_ITEMS", 2)
    assert faults(document(of(OBJECT, epcList=["urn:x:1", "urn:x:2", "urn:x:3"]))) == {(f"{E0}/epcList", "too-many")}
    monkeypatch.undo()
    monkeypatch.setattr(validate, "MAX_TRANSFORMATION_LINKS", 1)
    assert faults(document(of(TRANSFORMATION, inputEPCList=["urn:x:1", "urn:x:2"]))) == {(E0, "too-many")}


def test_endless_faults_are_cut_off() -> None:
    found = validate_document(document(*[{}] * 500))
    assert len(found) == MAX_REFUSALS
    counter = Faults()
    assert not counter.refused
    counter.refuse("", "x", "某", "some")
    assert counter.refused


def test_malformed_identifiers_are_flags() -> None:
    event = of(
        OBJECT,
        eventID="urn:uuid:374d95fc",
        epcList=["urn:epc:id:sscc:08600031303.0004", "https://id.gs1.org/01/04012345999991/21/5"],
        bizLocation={"id": "https://id.gs1.org/414/4012345000116"},
        quantityList=[{"epcClass": "urn:epc:class:lgtin:4012345.12345.A"}],
    )
    assert faults(document(event)) == set()
    assert faults(document(event), "flag") == {
        (f"{E0}/{place}", "malformed_identifier")
        for place in ("eventID", "epcList/0", "epcList/1", "bizLocation/id", "quantityList/0/epcClass")
    }


def test_reused_event_ids_are_flags_that_no_order_changes() -> None:
    first, second, third = (of(OBJECT, eventTime=f"2024-05-0{day}T08:30:00+08:00") for day in (1, 2, 3))
    declared = of(third, errorDeclaration={"declarationTime": "2024-06-01T00:00:00Z"})
    other_id = of(OBJECT, eventID="urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a9")
    events = [first, second, third, declared, other_id]
    rng = random.Random(3)
    for _ in range(10):
        rng.shuffle(events)
        flagged = {pointer for pointer, _ in faults(document(*events), "flag")}
        assert flagged == {
            f"/epcisBody/eventList/{i}/eventID" for i, event in enumerate(events) if event in (second, third, declared)
        }
    again = of(first, recordTime="2024-05-09T08:30:00+08:00")
    assert faults(document(first, again), "flag") == set()


def test_a_single_event_under_a_given_context() -> None:
    context = context_of(document())
    (place, event), *_ = events_of(document(of(OBJECT, **{"ex:a": 1})))
    assert validate_event(event, context, place) == []
    assert [fault.pointer for fault in validate_event(event, Context(), place)] == [f"{E0}/ex:a"]
    assert [fault.slug for fault in validate_event(5, context)] == ["wrong-type"]
    assert [fault.slug for fault in validate_event({"x": "\0"}, context)] == ["malformed-text"]


def test_any_json_at_all_gives_an_answer() -> None:
    rng = random.Random(11)
    names = [
        *OBJECT, *SENSING, *AGGREGATION, *TRANSFORMATION, "ilmd", "errorDeclaration", "persistentDisposition",
        "epcisBody", "eventList", "queryResults", "resultsBody", "epcisHeader", "epcisMasterData", "vocabularyList",
        "sensorReport", "id", "set", "epcClass", "quantity", "uom", "ex:a", "none:b", "c", "@context", "",
    ]  # fmt: skip
    leaves = ["", "x", "ObjectEvent", "urn:x:1", "2024-05-01T08:30:00+08:00", 0, -1, 1.5, True, None, "ADD", [], {}]

    def anything(depth: int) -> Any:
        match rng.randint(0, 3 if depth else 0):
            case 1:
                return [anything(depth - 1) for _ in range(rng.randint(0, 3))]
            case 2 | 3:
                return {rng.choice(names): anything(depth - 1) for _ in range(rng.randint(0, 6))}
        return rng.choice(leaves)

    kinds = ["EPCISDocument", "EPCISQueryDocument", "ObjectEvent", "TransformationEvent", "AggregationEvent"]
    for _ in range(500):
        given = anything(5)
        if isinstance(given, dict):
            given["type"] = rng.choice(kinds)
        assert isinstance(validate_document(given), list)
        event = anything(4)
        assert isinstance(validate_document(document(event)), list)


def test_parts_of_faults() -> None:
    assert at("/a", "b/c~d") == "/a/b~1c~0d"
    assert at("", 0) == "/0"
    assert (shown({}), shown([1]), shown("x" * 100)[-1], shown(5)) == ("{…}", "[…]", "…", "5")
    assert readable({"a": [1, "x", None]}, "", Faults())
