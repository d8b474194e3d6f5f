"""Documents that are in order, and the parts that others are made of."""

from copy import deepcopy
from typing import Any

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


def of(event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy of an event; a field changed to None is left out."""
    changed = {**deepcopy(event), **changes}
    return {name: value for name, value in changed.items() if value is not None}


LINK = "https://x.example/01/04012345123456"


VALID = {
    "object": document(OBJECT),
    "aggregation": document(AGGREGATION),
    "association": document(ASSOCIATION),
    "transaction": document(TRANSACTION),
    "transaction about a parent": document(of(TRANSACTION, epcList=[], parentID="urn:epc:id:sscc:4012345.1112223334")),
    "transformation": document(TRANSFORMATION),
    "inputs of a longer transformation": document(
        of(TRANSFORMATION, outputQuantityList=None, transformationID="urn:x:t:1")
    ),
    "sensing": document(SENSING),
    "measurement that the web vocabulary got later": document(
        of(SENSING, sensorElementList=[{"sensorReport": [{"type": "gs1:EffectiveDoseRate", "value": 1, "uom": "P71"}]}])
    ),
    "an EPC twice, as URN and as Digital Link": document(
        of(OBJECT, epcList=["urn:epc:id:sgtin:4012345.011111.7", "https://x.example/01/04012345111118/21/7?11=240501"])
    ),
    "extended event": document({**WHEN, "type": "ex:SaleEvent", "ex:price": "3.50", "epcList": ["urn:x:1"]}),
    "extended event, its type an IRI": document({**WHEN, "type": "https://ns.example.com/SaleEvent"}),
    "only sensing": document(of(SENSING, quantityList=None)),
    "master data": document(epcisHeader=MASTER),
    "nothing at all": document(),
    "emptying": document(of(AGGREGATION, action="DELETE", childEPCs=None)),
    "children without a parent seen": document(of(AGGREGATION, action="OBSERVE", parentID=None)),
    "cancelling a transaction": document(of(TRANSACTION, action="DELETE", epcList=None)),
    "own words as URIs": document(of(OBJECT, bizStep="urn:gdst:bizStep:landing", disposition="ex:fresh")),
    "words in every form": document(
        of(OBJECT, bizStep="https://ref.gs1.org/cbv/BizStep-packing", disposition="cbv:Disp-active"),
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
                "correctiveEventIDs": ["urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a9"],
                "ex:by": "Li",
            },
        )
    ),
    "persistent disposition": document(of(OBJECT, persistentDisposition={"set": ["recalled"]})),
    "one certificate": document(of(OBJECT, certificationInfo="https://a.example/1")),
    "Chinese in a URI": document(of(OBJECT, bizLocation={"id": "https://market.example/%E6%91%8A%E4%BD%8D/3"})),
    "one instance in a quantity list": document(
        of(OBJECT, quantityList=[{"epcClass": "urn:epc:id:sgtin:4012345.011111.1", "quantity": 1}])
    ),
    "a unit that nobody lists": document(
        of(SENSING, sensorElementList=[{"sensorReport": [{"type": "Temperature", "value": 1, "uom": "ZZ"}]}])
    ),
    "set and unset of different words": document(
        of(OBJECT, persistentDisposition={"set": ["recalled"], "unset": ["in_transit"]})
    ),
    "event time and offset of different zones": document(
        of(OBJECT, eventTime="2024-05-01T00:30:00Z", eventTimeZoneOffset="+08:00"),
        of(OBJECT, eventID=None, eventTime="2024-04-30T19:30:00-05:00", eventTimeZoneOffset="-05:00"),
    ),
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
