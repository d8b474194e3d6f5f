"""Three events that between them have every field that a query can ask for, and which of them a query finds."""

from datetime import UTC, datetime
from typing import Any

from app.domain.epcis.context import context_of
from app.domain.epcis.named import named_epcs, scalar_columns
from app.domain.epcis.query import Candidate, Query
from app.domain.epcis.query_parsing import parse_body, parse_parameters

CONTEXT = context_of({"@context": {"ex": "https://ns.example.com/epcis/", "ex2": "urn:example:two#"}})
NESTED = {"ex:inner": "deep", "ex:list": [{"ex2:number": "13.50"}, {"ex:when": "2024-05-01T02:00:00+02:00"}]}

OBJECT: dict[str, Any] = {
    "type": "ObjectEvent",
    "eventID": "urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8",
    "eventTime": "2024-05-01T08:00:00+08:00",
    "eventTimeZoneOffset": "+08:00",
    "action": "ADD",
    "bizStep": "commissioning",
    "disposition": "active",
    "persistentDisposition": {"set": ["completeness_verified"], "unset": ["https://ref.gs1.org/cbv/Disp-expired"]},
    "epcList": ["urn:epc:id:sgtin:4012345.012345.1", "https://id.gs1.org/00/140123451122233341"],
    "quantityList": [
        {"epcClass": "urn:epc:class:lgtin:4012345.012345.L-1", "quantity": 2.5, "uom": "KGM"},
        {"epcClass": "urn:epc:idpat:sgtin:4012345.066666.*", "quantity": 220},
        {"epcClass": "urn:epc:class:lgtin:4012345.012345.L-2"},
    ],
    "readPoint": {"id": "urn:epc:id:sgln:4012345.12345.7", "ex:zone": "north"},
    "bizLocation": {"id": "urn:epc:id:sgln:4012345.12345.0", "ex:zone": ["cold", {"ex:inner": "shelf"}]},
    "bizTransactionList": [
        {"type": "po", "bizTransaction": "urn:epc:id:gdti:0614141.00001.1618034"},
        {"bizTransaction": "urn:x:untyped"},
    ],
    "sourceList": [{"type": "urn:epcglobal:cbv:sdt:owning_party", "source": "urn:epc:id:pgln:4012345.00225"}],
    "destinationList": [{"type": "ex:depot", "destination": "urn:x:depot:1"}],
    "ilmd": {"cbvmda:lotNumber": "ABC123", "ex:best": "2024-06-01", "ex:nest": NESTED, "ex:none": []},
    "sensorElementList": [
        {
            "sensorMetadata": {
                "time": "2024-05-01T00:30:00Z",
                "startTime": "2024-05-01T00:00:00Z",
                "endTime": "2024-05-01T01:00:00Z",
                "deviceID": "urn:epc:id:giai:4000001.111",
                "bizRules": "https://example.com/253/4012345000054987",
                "ex:meta": {"ex:inner": "m"},
            },
            "sensorReport": [
                {
                    "type": "gs1:Temperature",
                    "value": 25,
                    "minValue": 24.5,
                    "maxValue": 26.5,
                    "meanValue": 25.25,
                    "sDev": 0.5,
                    "percRank": 50,
                    "percValue": 25.5,
                    "uom": "CEL",
                    "ex:note": 7,
                },
                {
                    "type": "RelativeHumidity",
                    "value": 51,
                    "time": "2024-05-01T00:45:00Z",
                    "dataProcessingMethod": "urn:x:method",
                },
                {
                    "type": "ex:Sourness",
                    "stringValue": "fine",
                    "booleanValue": False,
                    "hexBinaryValue": "f0f0f0",
                    "uriValue": "https://id.gs1.org/8004/4000001111",
                    "microorganism": "https://www.ncbi.nlm.nih.gov/taxonomy/1126011",
                    "chemicalSubstance": "https://identifiers.org/inchikey:CZMRCDWAGMRECN-UGDNZRGBSA-N",
                },
            ],
            "ex:element": "e",
        }
    ],
    "ex:field": ["alpha", 5, True, None],
    "ex:partner": {"id": "ex:party-7"},
    "ex:typed": {"@type": "xsd:dateTimeStamp", "@value": "2024-05-01T00:00:00.000+00:00"},
    "ex:nest": NESTED,
    "ex:snake_case_name": 1,
}
AGGREGATION: dict[str, Any] = {
    "@context": {"own": "https://ns.example.com/epcis/"},
    "type": "AggregationEvent",
    "eventTime": "2024-05-01T01:00:00Z",
    "eventTimeZoneOffset": "+08:00",
    "action": "OBSERVE",
    "bizStep": "urn:epcglobal:cbv:bizstep:packing",
    "disposition": "own:waiting",
    "parentID": "urn:epc:id:sscc:4012345.1112223334",
    "childEPCs": ["https://shop.example/01/04012345123456/21/2"],
    "childQuantityList": [{"epcClass": "urn:epc:class:lgtin:4012345.012345.L-2", "quantity": 12}],
    "readPoint": {"id": "geo:52.5,13.4"},
    "bizLocation": {"id": "urn:x:site:farm"},
    "errorDeclaration": {
        "declarationTime": "2024-05-02T00:00:00Z",
        "reason": "https://ref.gs1.org/cbv/ER-incorrect_data",
        "correctiveEventIDs": ["urn:uuid:1", "urn:uuid:2"],
        "own:by": {"own:inner": "clerk"},
    },
    "own:field": "beta",
}
TRANSFORMATION: dict[str, Any] = {
    "type": "TransformationEvent",
    "eventTime": "2024-05-03T00:00:00Z",
    "eventTimeZoneOffset": "+00:00",
    "transformationID": "urn:epc:id:gdti:0614141.12345.400",
    "inputEPCList": ["urn:epc:id:sgtin:4012345.012345.2"],
    "inputQuantityList": [{"epcClass": "urn:epc:class:lgtin:4012345.012345.L-1", "quantity": 2500, "uom": "GRM"}],
    "outputEPCList": ["urn:epc:id:sgtin:4012345.077889.25"],
    "outputQuantityList": [{"epcClass": "https://id.gs1.org/01/04012345123456", "quantity": 3, "uom": "XBX"}],
    "sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": 77, "uom": "FAH"}]}],
    "undeclared:field": "gamma",
}
MASTERS = {
    "https://id.gs1.org/414/4012345123456": {"urn:epcglobal:cbv:mda:countryCode": ["CN", "DE"]},
    "https://id.gs1.org/01/04012345123456/10/L-1": {"https://ns.example.com/epcis/grade_of_it": ["1.0"]},
    "https://ref.gs1.org/cbv/BizStep-packing": {"https://ns.example.com/epcis/who": ["robot"]},
    "https://ns.example.com/epcis/waiting": {"https://ns.example.com/epcis/who": ["person"]},
    "https://ns.example.com/epcis/party-7": {"https://ns.example.com/epcis/name": ["Seven"]},
    "urn:x:untyped": {"https://ns.example.com/epcis/name": []},
}
EVENTS = {"O": OBJECT, "A": AGGREGATION, "T": TRANSFORMATION}


def candidate(body: dict[str, Any], *, day: int = 1) -> Candidate:
    """An event as the repository has it; one without an eventID goes by another."""
    shown = str(body.get("eventID", f"ni:///sha-256;{body['type']}?ver=CBV2.0"))
    return Candidate(body, datetime(2024, 6, day, tzinfo=UTC), shown, CONTEXT, MASTERS)


def found(query: Query) -> str:
    """The letters of the events that a query finds, none of which its filters leave out."""
    letters = ""
    for day, (letter, body) in enumerate(EVENTS.items(), 1):
        if query.matches(one := candidate(body, day=day)):
            letters += letter
            assert passes(query, one), letter
    return letters


def passes(query: Query, one: Candidate) -> bool:
    """Whether an index that looks at what the store keeps would hand the event on."""
    scalars = {**scalar_columns(one.body, one.context), "event_id": one.event_id}
    named = named_epcs(one.body)
    return (
        all(scalars[column] in wanted for column, wanted in query.columns.items())
        and all(
            any(
                role & each.roles and (epc in each.exact or any(span.low <= epc < span.high for span in each.spans))
                for epc, role in named.items()
            )
            for each in query.epc_filters
        )
        and all(
            (place := scalars[each.column]) is not None
            and (place in each.exact or any(span.low <= place < span.high for span in each.spans))
            for each in query.place_filters
        )
    )


def by_url(*parameters: tuple[str, str]) -> str:
    return found(parse_parameters(parameters, CONTEXT))


def by_body(query: dict[str, Any]) -> str:
    return found(parse_body({"@context": {"ex": "https://ns.example.com/epcis/", "ex2": "urn:example:two#"}, **query}))
