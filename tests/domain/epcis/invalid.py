"""Documents that are refused, with the place and the kind of every fault."""

from decimal import Decimal
from typing import Any

from app.domain.epcis.faults import MAX_TEXT

from .cases import AGGREGATION, ASSOCIATION, LINK, OBJECT, SENSING, TRANSACTION, TRANSFORMATION, document, of

E0 = "/epcisBody/eventList/0"
STANDARD = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
LONG = "x" * 3_000
ELEMENT = "/epcisHeader/epcisMasterData/vocabularyList/0/vocabularyElementList/0"
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
    "event of an unknown namespace": (
        document(of(OBJECT, type="nowhere:SaleEvent")),
        {(f"{E0}/type", "unknown-event-type")},
    ),
    "standard's event in other words": (
        document(of(OBJECT, type="epcis:ObjectEvent")),
        {(f"{E0}/type", "unknown-event-type")},
    ),
    "extended event without time, with odd fields": (
        document(of(OBJECT, type="ex:SaleEvent", eventTime=None, price=3, epcList="urn:x:1")),
        {
            (f"{E0}/eventTime", "missing-field"),
            (f"{E0}/price", "field-without-namespace"),
            (f"{E0}/epcList", "wrong-type"),
        },
    ),
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
        document(of(OBJECT, epcList=[f"urn:x:{'a' * 1100}", f"urn:x:{'a' * 1000}", f"{LINK}/10/{'!' * 340}"])),
        {(f"{E0}/epcList/0", "too-long"), (f"{E0}/epcList/2", "too-long")},
    ),
    "Chinese in an identifier": (
        document(of(OBJECT, bizLocation={"id": "https://市场.example/摊位/3"})),
        {(f"{E0}/bizLocation/id", "malformed-uri")},
    ),
    "an identifier with half an escape": (
        document(of(OBJECT, readPoint={"id": "https://x.example/%4"})),
        {(f"{E0}/readPoint/id", "malformed-uri")},
    ),
    "a field with a name that is no URI": (
        document(of(OBJECT, **{"ex:品名": 1}, ilmd={"ex:a b": 1})),
        {(f"{E0}/ex:品名", "malformed-uri"), (f"{E0}/ilmd/ex:a b", "malformed-uri")},
    ),
    "a step in the words of XML": (
        document(of(OBJECT, bizStep="urn:epcglobal:cbv:bizstep:packing")),
        {(f"{E0}/bizStep", "unknown-word")},
    ),
    "a step with a blank": (document(of(OBJECT, bizStep=" packing")), {(f"{E0}/bizStep", "unknown-word")}),
    "a measurement type in full": (
        document(of(SENSING, sensorElementList=[{"sensorReport": [{"type": "https://gs1.org/voc/Temperature"}]}])),
        {(f"{E0}/sensorElementList/0/sensorReport/0/type", "unknown-word")},
    ),
    "a temperature in kilograms": (
        document(
            of(
                SENSING,
                sensorElementList=[
                    {
                        "sensorReport": [
                            {"type": "Temperature", "value": 3, "uom": "CEL"},
                            {"type": "gs1:Temperature", "value": 3, "uom": "KGM"},
                            {"type": "RelativeHumidity", "value": 3, "uom": "CEL"},
                            {"type": "Altitude", "value": 3, "uom": "SEC"},
                        ]
                    }
                ],
            )
        ),
        {(f"{E0}/sensorElementList/0/sensorReport/{i}/uom", "wrong-unit") for i in (1, 2, 3)},
    ),
    "a unit without a quantity": (
        document(of(OBJECT, quantityList=[{"epcClass": "urn:x:1", "uom": "KGM"}])),
        {(f"{E0}/quantityList/0/uom", "unexpected-field")},
    ),
    "an instance by weight": (
        document(of(OBJECT, quantityList=[{"epcClass": f"{LINK}/21/7", "quantity": 1, "uom": "KGM"}])),
        {(f"{E0}/quantityList/0/uom", "invalid-quantity")},
    ),
    "two of one instance": (
        document(of(OBJECT, quantityList=[{"epcClass": "urn:epc:id:sgtin:4012345.011111.7", "quantity": 2}])),
        {(f"{E0}/quantityList/0/quantity", "invalid-quantity")},
    ),
    "set and unset of one disposition": (
        document(of(OBJECT, persistentDisposition={"set": ["recalled"], "unset": ["damaged", "cbv:Disp-recalled"]})),
        {(f"{E0}/persistentDisposition/unset/1", "contradiction")},
    ),
    "a disposition set twice": (
        document(of(OBJECT, persistentDisposition={"set": ["recalled", "cbv:Disp-recalled"]})),
        {(f"{E0}/persistentDisposition/set/1", "repeated-item")},
    ),
    "a persistent disposition as text": (
        document(of(OBJECT, persistentDisposition="recalled")),
        {(f"{E0}/persistentDisposition", "wrong-type")},
    ),
    "corrected by itself": (
        document(
            of(
                OBJECT,
                errorDeclaration={
                    "declarationTime": "2024-06-01T00:00:00Z",
                    "correctiveEventIDs": ["urn:x:1", OBJECT["eventID"], 5],
                },
            )
        ),
        {
            (f"{E0}/errorDeclaration/correctiveEventIDs/1", "contradiction"),
            (f"{E0}/errorDeclaration/correctiveEventIDs/2", "wrong-type"),
        },
    ),
    "an error declaration of one's own making": (
        document(of(OBJECT, errorDeclaration={"declarationTime": "2024-06-01", "why": "typo"})),
        {
            (f"{E0}/errorDeclaration/declarationTime", "malformed-time"),
            (f"{E0}/errorDeclaration/why", "field-without-namespace"),
        },
    ),
    "certificates that are no addresses": (
        document(of(OBJECT, certificationInfo=["https://a.example/1", "none"])),
        {(f"{E0}/certificationInfo/1", "malformed-uri")},
    ),
    "a context that is not read and nothing seems to need": (
        document(of(OBJECT, **{"my:field": 1}), **{"@context": ["https://example.org/x.jsonld", {"my": "urn:my:"}]}),
        {("/@context/0", "unknown-context")},
    ),
    "names of a context that is not read": (
        document(of(OBJECT, **{"their:field": 1, "@context": "https://example.org/theirs.jsonld"})),
        {(f"{E0}/@context", "unknown-context"), (f"{E0}/their:field", "undeclared-prefix")},
    ),
    "a term of a context that is not read": (
        document(of(OBJECT, ilmd={"harvestDay": 1}, **{"@context": ["https://example.org/theirs.jsonld"]})),
        {(f"{E0}/@context/0", "unknown-context"), (f"{E0}/ilmd/harvestDay", "field-without-namespace")},
    ),
    "a context twice": (
        document(**{"@context": [STANDARD, {"a": "urn:a:"}, STANDARD, {"a": "urn:a:"}]}),
        {("/@context/2", "repeated-item"), ("/@context/3", "repeated-item")},
    ),
    "another meaning of eventTime": (
        document(**{"@context": [STANDARD, {"eventTime": "urn:x:time"}]}),
        {("/@context/1/eventTime", "malformed-context")},
    ),
    "an event with a bad context": (
        document(of(OBJECT, **{"@context": {"my": 5}})),
        {(f"{E0}/@context/my", "malformed-context")},
    ),
    "a parent alone in a transaction": (
        document(of(TRANSACTION, epcList=None, parentID="urn:epc:id:sscc:4012345.1112223334")),
        {(E0, "incomplete-event")},
    ),
    "a paper that is none": (
        document(of(TRANSACTION, bizTransactionList=[{"type": "po"}, {"bizTransaction": "4711"}])),
        {
            (f"{E0}/bizTransactionList/0/bizTransaction", "missing-field"),
            (f"{E0}/bizTransactionList/1/bizTransaction", "malformed-uri"),
        },
    ),
    "a transaction without its list": (
        document(of(TRANSACTION, bizTransactionList=None)),
        {(f"{E0}/bizTransactionList", "missing-field")},
    ),
    "attributes that are neither text nor number": (
        document(
            epcisHeader={
                "epcisMasterData": {
                    "vocabularyList": [
                        {
                            "type": "urn:epcglobal:epcis:vtype:Location",
                            "vocabularyElementList": [
                                {
                                    "id": "urn:x:1",
                                    "attributes": [
                                        {"id": "urn:x:a", "attribute": value} for value in (True, [], None, 5, "x", {})
                                    ],
                                }
                            ],
                        }
                    ]
                }
            }
        ),
        {(f"{ELEMENT}/attributes/{i}/attribute", "wrong-type") for i in (0, 1, 2)},
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
