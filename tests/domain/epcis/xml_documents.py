"""EPCIS documents in XML as suppliers write them, in the element order of the schemas of 1.2 and 2.0, with the JSON-LD
that each of them says."""

from typing import Any

from app.domain.epcis.writing import CONTEXT

CREATED = "2026-03-02T01:00:00Z"
NAMES = {"shop": "http://shop.example.cn/epcis"}
_PREFIXES = (
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cbvmda="urn:epcglobal:cbv:mda" '
    'xmlns:gs1="https://gs1.org/voc/" xmlns:shop="http://shop.example.cn/epcis"'
)
WHEN = "<eventTime>2026-03-01T06:30:00.000+08:00</eventTime><eventTimeZoneOffset>+08:00</eventTimeZoneOffset>"
_WHEN = {"eventTime": "2026-03-01T06:30:00.000+08:00", "eventTimeZoneOffset": "+08:00"}
ID = "urn:uuid:0b3d2c1e-5a4f-4e6d-8c7b-9a0f1e2d3c4b"
LOT = "urn:epc:class:lgtin:4012345.012345.A"
OTHER = "urn:epc:class:lgtin:4012345.011122.B"
CRATE, ITEM = "urn:epc:id:grai:4012345.00022.7", "urn:epc:id:sgtin:4012345.011122.25"
PLACE, SHELF = "urn:epc:id:sgln:4012345.00005.0", "urn:epc:id:sgln:4012345.00005.12"
PARTY = "urn:epc:id:pgln:4012345.00225"
ORDER = "urn:epcglobal:cbv:bt:4012345000009:1152"


def xml(body: str, *, header: str = "", version: str = "1.2", query: bool = False) -> str:
    """A document around the content of its EPCISBody."""
    kind, prefix, name = ("epcis-query", "q", "EPCISQueryDocument") if query else ("epcis", "epcis", "EPCISDocument")
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{prefix}:{name} xmlns:{prefix}="urn:epcglobal:{kind}:xsd:'
        f'{version[0]}" {_PREFIXES} schemaVersion="{version}" creationDate="{CREATED}">\n{header}<EPCISBody>{body}'
        f"</EPCISBody>\n</{prefix}:{name}>"
    )


def events(*items: str, version: str = "1.2", header: str = "") -> str:
    return xml(f"<EventList>{''.join(items)}</EventList>", version=version, header=header)


def json(*listed: dict[str, Any], names: dict[str, str] | None = None, **members: Any) -> dict[str, Any]:
    return {
        "@context": [CONTEXT, names] if names else [CONTEXT],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": CREATED,
        **members,
        "epcisBody": {"eventList": list(listed)},
    }


def quantities(name: str, epc_class: str, amount: str) -> str:
    return (
        f"<{name}><quantityElement><epcClass>{epc_class}</epcClass><quantity>{amount}</quantity><uom>KGM</uom>"
        f"</quantityElement></{name}>"
    )


def weight(epc_class: str, amount: float) -> list[dict[str, Any]]:
    return [{"epcClass": epc_class, "quantity": amount, "uom": "KGM"}]


_PLACES = f"<readPoint><id>{SHELF}</id></readPoint><bizLocation><id>{PLACE}</id></bizLocation>"
_PLACES_JSON = {"readPoint": {"id": SHELF}, "bizLocation": {"id": PLACE}}
_PAPERS = (
    f'<bizTransactionList><bizTransaction type="urn:epcglobal:cbv:btt:desadv">{ORDER}</bizTransaction>'
    "<bizTransaction>http://orders.example.cn/7</bizTransaction></bizTransactionList>"
)
_PAPERS_JSON = {
    "bizTransactionList": [
        {"type": "desadv", "bizTransaction": ORDER},
        {"bizTransaction": "http://orders.example.cn/7"},
    ]
}
_PARTIES = (
    f'<sourceList><source type="urn:epcglobal:cbv:sdt:owning_party">{PARTY}</source></sourceList><destinationList>'
    f'<destination type="urn:epcglobal:cbv:sdt:location">{PLACE}</destination></destinationList>'
)
_PARTIES_JSON = {
    "sourceList": [{"type": "owning_party", "source": PARTY}],
    "destinationList": [{"type": "location", "destination": PLACE}],
}
_SENSED = """<sensorElementList><sensorElement>
  <sensorMetadata time="2026-03-01T06:00:00Z" deviceID="urn:epc:id:giai:4000001.111" shop:probe="7"/>
  <sensorReport type="gs1:Temperature" value="3.50" minValue="-1" maxValue="4.2E0" uom="CEL"/>
  <sensorReport type="shop:Ripeness" component="https://ref.gs1.org/cbv/Comp-x" stringValue=" ripe "
     booleanValue="1" hexBinaryValue="f0" uriValue="https://example.cn/x" exception="gs1:ALARM_CONDITION"/>
  <shop:note>kept cold</shop:note></sensorElement></sensorElementList>"""
_SENSED_JSON = {
    "sensorElementList": [
        {
            "sensorMetadata": {
                "time": "2026-03-01T06:00:00Z",
                "deviceID": "urn:epc:id:giai:4000001.111",
                "shop:probe": "7",
            },
            "sensorReport": [
                {"type": "Temperature", "value": 3.5, "minValue": -1, "maxValue": 4.2, "uom": "CEL"},
                {
                    "type": "shop:Ripeness",
                    "component": "x",
                    "stringValue": "ripe",
                    "booleanValue": True,
                    "hexBinaryValue": "f0",
                    "uriValue": "https://example.cn/x",
                    "exception": "ALARM_CONDITION",
                },
            ],
            "shop:note": "kept cold",
        }
    ]
}

OBJECT_1_2 = events(
    f"""<ObjectEvent>{WHEN}<epcList/><action>ADD</action>
<bizStep>urn:epcglobal:cbv:bizstep:commissioning</bizStep><disposition>urn:epcglobal:cbv:disp:active</disposition>
{_PLACES}{_PAPERS}<extension>{quantities("quantityList", LOT, "120.50")}{_PARTIES}
<ilmd><cbvmda:lotNumber>A</cbvmda:lotNumber>
<cbvmda:netWeight measurementUnitCode="KGM">3.5</cbvmda:netWeight></ilmd></extension>
<shop:greenhouse>3</shop:greenhouse></ObjectEvent>"""
)
OBJECT_1_2_JSON = json(
    {
        "type": "ObjectEvent", **_WHEN, "epcList": [], "action": "ADD", "bizStep": "commissioning",
        "disposition": "active", **_PLACES_JSON, **_PAPERS_JSON, "quantityList": weight(LOT, 120.5), **_PARTIES_JSON,
        "ilmd": {"cbvmda:lotNumber": "A", "cbvmda:netWeight": {"measurementUnitCode": "KGM", "#text": "3.5"}},
        "shop:greenhouse": "3",
    },
    names=NAMES,
)  # fmt: skip

ERROR_1_2 = events(
    f"""<ObjectEvent><eventTime>2026-03-01T06:30:00.000+08:00</eventTime><recordTime>2026-03-01T07:00:00Z</recordTime>
<eventTimeZoneOffset>+08:00</eventTimeZoneOffset><baseExtension><eventID>{ID}</eventID><errorDeclaration>
<declarationTime>2026-03-02T00:00:00Z</declarationTime><reason>urn:epcglobal:cbv:er:incorrect_data</reason>
<correctiveEventIDs><correctiveEventID>urn:uuid:1b3d2c1e-5a4f-4e6d-8c7b-9a0f1e2d3c4b</correctiveEventID>
</correctiveEventIDs><shop:by>7</shop:by></errorDeclaration></baseExtension>
<epcList><epc>{ITEM}</epc></epcList><action>OBSERVE</action></ObjectEvent>"""
)
ERROR_1_2_JSON = json(
    {
        "type": "ObjectEvent", "eventTime": "2026-03-01T06:30:00.000+08:00", "recordTime": "2026-03-01T07:00:00Z",
        "eventTimeZoneOffset": "+08:00", "eventID": ID,
        "errorDeclaration": {
            "declarationTime": "2026-03-02T00:00:00Z", "reason": "incorrect_data",
            "correctiveEventIDs": ["urn:uuid:1b3d2c1e-5a4f-4e6d-8c7b-9a0f1e2d3c4b"], "shop:by": "7",
        },
        "epcList": [ITEM], "action": "OBSERVE",
    },
    names=NAMES,
)  # fmt: skip

AGGREGATION_1_2 = events(
    f"""<AggregationEvent>{WHEN}<parentID>{CRATE}</parentID><childEPCs><epc>{ITEM}</epc></childEPCs>
<action>ADD</action><bizStep>urn:epcglobal:cbv:bizstep:packing</bizStep>{_PLACES}<extension>
{quantities("childQuantityList", LOT, "5")}{_PARTIES}</extension></AggregationEvent>"""
)
AGGREGATION_1_2_JSON = json(
    {
        "type": "AggregationEvent", **_WHEN, "parentID": CRATE, "childEPCs": [ITEM], "action": "ADD",
        "bizStep": "packing", **_PLACES_JSON, "childQuantityList": weight(LOT, 5), **_PARTIES_JSON,
    }
)  # fmt: skip

TRANSACTION_1_2 = events(
    f"""<TransactionEvent>{WHEN}{_PAPERS}<parentID>{CRATE}</parentID><epcList><epc>{ITEM}</epc></epcList>
<action>ADD</action><bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep>
<extension>{quantities("quantityList", LOT, ".5")}</extension></TransactionEvent>"""
)
TRANSACTION_1_2_JSON = json(
    {
        "type": "TransactionEvent", **_WHEN, **_PAPERS_JSON, "parentID": CRATE, "epcList": [ITEM], "action": "ADD",
        "bizStep": "shipping", "quantityList": weight(LOT, 0.5),
    }
)  # fmt: skip

TRANSFORMATION_1_2 = events(
    f"""<extension><TransformationEvent>{WHEN}<baseExtension><eventID>{ID}</eventID></baseExtension>
<inputEPCList><epc>{ITEM}</epc></inputEPCList>{quantities("inputQuantityList", LOT, "10")}
<outputQuantityList><quantityElement><epcClass>{OTHER}</epcClass><quantity xsi:nil="true"/></quantityElement>
</outputQuantityList><transformationID>urn:epc:id:gdti:4012345.55555.1</transformationID>
<bizStep>urn:epcglobal:cbv:bizstep:commissioning</bizStep><ilmd><shop:recipe><step>wash</step><step>cut</step></shop:recipe>
</ilmd></TransformationEvent></extension>"""
)
TRANSFORMATION_1_2_JSON = json(
    {
        "type": "TransformationEvent", **_WHEN, "eventID": ID, "inputEPCList": [ITEM],
        "inputQuantityList": weight(LOT, 10), "outputQuantityList": [{"epcClass": OTHER}],
        "transformationID": "urn:epc:id:gdti:4012345.55555.1", "bizStep": "commissioning",
        "ilmd": {"shop:recipe": {"step": ["wash", "cut"]}},
    },
    names=NAMES,
)  # fmt: skip

QUANTITY_1_1 = events(
    f"<QuantityEvent>{WHEN}<epcClass>{LOT}</epcClass><quantity>200</quantity>"
    "<bizStep>urn:epcglobal:cbv:bizstep:receiving</bizStep></QuantityEvent>",
    version="1.1",
)
QUANTITY_1_1_JSON = json(
    {
        "type": "ObjectEvent", "action": "OBSERVE", **_WHEN, "bizStep": "receiving",
        "quantityList": [{"epcClass": LOT, "quantity": 200}],
    }
)  # fmt: skip

_VOCABULARY = f"""<VocabularyList><Vocabulary type="urn:epcglobal:epcis:vtype:Location"><VocabularyElementList>
<VocabularyElement id="{PLACE}"><attribute id="urn:epcglobal:cbv:mda#name">东市场</attribute>
<attribute id="http://shop.example.cn/epcis#hours"><shop:from>6</shop:from><until unit="h">18</until></attribute>
<children><id>{SHELF}</id></children></VocabularyElement><VocabularyElement id="{PARTY}"/></VocabularyElementList>
</Vocabulary></VocabularyList>"""
_VOCABULARY_JSON = [
    {
        "type": "urn:epcglobal:epcis:vtype:Location",
        "vocabularyElementList": [
            {
                "id": PLACE,
                "attributes": [
                    {"id": "urn:epcglobal:cbv:mda#name", "attribute": "东市场"},
                    {
                        "id": "http://shop.example.cn/epcis#hours",
                        "attribute": {"shop:from": "6", "until": {"unit": "h", "#text": "18"}},
                    },
                ],
                "children": [SHELF],
            },
            {"id": PARTY},
        ],
    }
]
_DELETE = f"<ObjectEvent>{WHEN}<epcList><epc>{ITEM}</epc></epcList><action>DELETE</action></ObjectEvent>"
_DELETE_JSON = {"type": "ObjectEvent", **_WHEN, "epcList": [ITEM], "action": "DELETE"}

HEADER_1_2 = events(
    _DELETE,
    header=f"""<EPCISHeader>
<sbdh:StandardBusinessDocumentHeader
   xmlns:sbdh="http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader">
 <sbdh:HeaderVersion>1.0</sbdh:HeaderVersion>
 <sbdh:Sender><sbdh:Identifier Authority="GS1">{PARTY}</sbdh:Identifier></sbdh:Sender>
 <sbdh:Receiver><sbdh:Identifier>{PLACE}</sbdh:Identifier></sbdh:Receiver>
 <sbdh:DocumentIdentification><sbdh:InstanceIdentifier>7</sbdh:InstanceIdentifier></sbdh:DocumentIdentification>
</sbdh:StandardBusinessDocumentHeader><extension><EPCISMasterData>{_VOCABULARY}</EPCISMasterData></extension>
<shop:guideline>R1.3</shop:guideline></EPCISHeader>""",
)
HEADER_1_2_JSON = json(
    _DELETE_JSON,
    names={"sbdh": "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader", **NAMES},
    sender=PARTY,
    receiver=PLACE,
    instanceIdentifier="7",
    epcisHeader={
        "sbdh:StandardBusinessDocumentHeader": {
            "sbdh:HeaderVersion": "1.0",
            "sbdh:Sender": {"sbdh:Identifier": {"Authority": "GS1", "#text": PARTY}},
            "sbdh:Receiver": {"sbdh:Identifier": PLACE},
            "sbdh:DocumentIdentification": {"sbdh:InstanceIdentifier": "7"},
        },
        "shop:guideline": "R1.3",
        "epcisMasterData": {"vocabularyList": _VOCABULARY_JSON},
    },
)

QUERY_1_2 = xml(
    "<q:QueryResults><queryName>SimpleEventQuery</queryName><subscriptionID>7</subscriptionID>"
    f"<resultsBody><EventList>{_DELETE}</EventList></resultsBody></q:QueryResults>",
    query=True,
)
QUERY_1_2_JSON: dict[str, Any] = {
    **json(), "type": "EPCISQueryDocument",
    "epcisBody": {
        "queryResults": {
            "queryName": "SimpleEventQuery", "subscriptionID": "7", "resultsBody": {"eventList": [_DELETE_JSON]}
        }
    },
}  # fmt: skip

SENSOR_2_0 = events(
    f"""<ObjectEvent>{WHEN}<eventID>{ID}</eventID><certificationInfo>https://example.cn/c/1</certificationInfo>
<action>OBSERVE</action><bizStep>https://ref.gs1.org/cbv/BizStep-sensor_reporting</bizStep>
<disposition>http://shop.example.cn/disp/ripening</disposition><readPoint><id>{SHELF}</id></readPoint>{_SENSED}
<persistentDisposition><unset>urn:epcglobal:cbv:disp:completeness_inferred</unset>
<set>urn:epcglobal:cbv:disp:completeness_verified</set><set>urn:epcglobal:cbv:disp:conformant</set>
</persistentDisposition></ObjectEvent>""",
    version="2.0",
)
SENSOR_2_0_JSON = json(
    {
        "type": "ObjectEvent", **_WHEN, "eventID": ID, "certificationInfo": "https://example.cn/c/1",
        "action": "OBSERVE", "bizStep": "sensor_reporting", "disposition": "http://shop.example.cn/disp/ripening",
        "readPoint": {"id": SHELF}, **_SENSED_JSON,
        "persistentDisposition": {
            "unset": ["completeness_inferred"], "set": ["completeness_verified", "conformant"]
        },
    },
    names=NAMES,
)  # fmt: skip

# A default namespace, which the schema forbids and tools write; the elements are EPCIS's all the same.
AGGREGATION_2_0 = f"""<EPCISDocument xmlns="urn:epcglobal:epcis:xsd:2" schemaVersion="2.0" creationDate="{CREATED}">
<EPCISBody><EventList><AggregationEvent>{WHEN}<parentID>{CRATE}</parentID><childEPCs/><action>DELETE</action>
<bizStep>urn:epcglobal:cbv:bizstep:unpacking</bizStep>
<extension><any:crates xmlns:any="urn:any:x">4</any:crates></extension>
<mark xmlns="http://other.example.cn/"><colour>red</colour></mark></AggregationEvent></EventList></EPCISBody>
</EPCISDocument>"""
AGGREGATION_2_0_JSON = json(
    {
        "type": "AggregationEvent", **_WHEN, "parentID": CRATE, "childEPCs": [], "action": "DELETE",
        "bizStep": "unpacking", "any:crates": "4", "ns:mark": {"ns:colour": "red"},
    },
    names={"any": "urn:any:x", "ns": "http://other.example.cn/"},
)  # fmt: skip

TRANSACTION_2_0 = events(
    f"""<TransactionEvent shop:weigher="9">{WHEN}<bizTransactionList>
<bizTransaction type="https://ref.gs1.org/cbv/BTT-po">{ORDER}</bizTransaction></bizTransactionList>
<epcList><epc>https://id.gs1.org/01/09520123456788/21/1</epc></epcList><action>OBSERVE</action>
<bizStep>shop:haggling</bizStep>{quantities("quantityList", LOT, "+007")}{_PARTIES}
<shop:list>1</shop:list><shop:list/><shop:list><shop:in shop:a="b"><c>d</c> mixed <c>e</c> text</shop:in></shop:list>
<shop:none xsi:nil="true"/><shop:typed xsi:type="xsd:integer">10</shop:typed></TransactionEvent>""",
    version="2.0",
)
TRANSACTION_2_0_JSON = json(
    {
        "type": "TransactionEvent", "shop:weigher": "9", **_WHEN,
        "bizTransactionList": [{"type": "po", "bizTransaction": ORDER}],
        "epcList": ["https://id.gs1.org/01/09520123456788/21/1"], "action": "OBSERVE", "bizStep": "shop:haggling",
        "quantityList": weight(LOT, 7), **_PARTIES_JSON,
        "shop:list": ["1", "", {"shop:in": {"shop:a": "b", "c": ["d", "e"], "#text": "mixed  text"}}],
        "shop:none": None, "shop:typed": "10",
    },
    names=NAMES,
)  # fmt: skip

TRANSFORMATION_2_0 = events(
    f"""<TransformationEvent>{WHEN}{quantities("inputQuantityList", LOT, "10")}
{quantities("outputQuantityList", OTHER, "8")}<bizStep>urn:epcglobal:cbv:bizstep:commissioning</bizStep>
{_SENSED}<persistentDisposition><set>urn:epcglobal:cbv:disp:conformant</set></persistentDisposition>
<ilmd><cbvmda:lotNumber>B</cbvmda:lotNumber></ilmd></TransformationEvent>""",
    version="2.0",
)
TRANSFORMATION_2_0_JSON = json(
    {
        "type": "TransformationEvent", **_WHEN, "inputQuantityList": weight(LOT, 10),
        "outputQuantityList": weight(OTHER, 8), "bizStep": "commissioning", **_SENSED_JSON,
        "persistentDisposition": {"set": ["conformant"]}, "ilmd": {"cbvmda:lotNumber": "B"},
    },
    names=NAMES,
)  # fmt: skip

ASSOCIATION_2_0 = events(
    f"""<AssociationEvent>{WHEN}<parentID>{CRATE}</parentID><childEPCs><epc>{ITEM}</epc></childEPCs>
{quantities("childQuantityList", LOT, "4")}<action>ADD</action>
<bizStep>urn:epcglobal:cbv:bizstep:installing</bizStep>{_PLACES}{_PAPERS}{_PARTIES}{_SENSED}</AssociationEvent>""",
    version="2.0",
)
ASSOCIATION_2_0_JSON = json(
    {
        "type": "AssociationEvent", **_WHEN, "parentID": CRATE, "childEPCs": [ITEM],
        "childQuantityList": weight(LOT, 4), "action": "ADD", "bizStep": "installing", **_PLACES_JSON, **_PAPERS_JSON,
        **_PARTIES_JSON, **_SENSED_JSON,
    },
    names=NAMES,
)  # fmt: skip
# As GS1's own conversion of 2.0 to 1.2 has it.
ASSOCIATION_1_2 = events(
    f"<extension><extension><AssociationEvent>{WHEN}<parentID>{CRATE}</parentID><childEPCs><epc>{ITEM}</epc>"
    "</childEPCs><action>ADD</action></AssociationEvent></extension></extension>"
)
ASSOCIATION_1_2_JSON = json(
    {"type": "AssociationEvent", **_WHEN, "parentID": CRATE, "childEPCs": [ITEM], "action": "ADD"}
)

VOCABULARY_2_0 = xml(
    f"<q:QueryResults><queryName>SimpleMasterDataQuery</queryName><resultsBody>{_VOCABULARY}</resultsBody>"
    "</q:QueryResults>",
    version="2.0",
    query=True,
)
VOCABULARY_2_0_JSON: dict[str, Any] = {
    **json(names=NAMES), "type": "EPCISQueryDocument",
    "epcisBody": {
        "queryResults": {
            "queryName": "SimpleMasterDataQuery",
            "resultsBody": {"eventList": [], "vocabularyList": _VOCABULARY_JSON},
        }
    },
}  # fmt: skip

MASTER_DATA_1_2 = f"""<m:EPCISMasterDataDocument xmlns:m="urn:epcglobal:epcis-masterdata:xsd:1"
 xmlns:shop="http://shop.example.cn/epcis" schemaVersion="1.2" creationDate="{CREATED}"><EPCISBody>{_VOCABULARY}
</EPCISBody></m:EPCISMasterDataDocument>"""
MASTER_DATA_1_2_JSON = json(names=NAMES, epcisHeader={"epcisMasterData": {"vocabularyList": _VOCABULARY_JSON}})

# Comments, CDATA, instructions and blanks between and in the words; prefixes that stand for several namespaces, for
# something else than in the standard's context, for nothing, or for what begins URIs.
MIXED_2_0 = f"""<?xml version="1.0"?><!DOCTYPE EPCISDocument><?xml-stylesheet href="http://x.cn/s.xsl"?><!-- 1 -->
<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:2" xmlns:p="urn:p:1" xmlns:gs1="urn:mine" xmlns:urn="urn:odd:"
 xmlns:g="https://gs1.org/voc/" xmlns:unused="no URI" schemaVersion="2.0" creationDate="{CREATED}" tool="x" p:run="5">
<EPCISBody><EventList><ObjectEvent xmlns:p="urn:p:2">
<eventTime>
  2026-03-01T06:30:00.000+08:00 <!-- half past six --> </eventTime>
<eventTimeZoneOffset><![CDATA[+08:00]]></eventTimeZoneOffset>
<epcList><?pi?><epc>{ITEM}</epc></epcList><action>OBSERVE</action><bizStep>p:own</bizStep>
<sensorElementList><sensorElement><sensorReport type="g:Temperature" value="1"/></sensorElement></sensorElementList>
<p:a>1 &lt; 2 &amp; <![CDATA[<b>]]></p:a><gs1:b/><urn:c xml:lang="de">ja</urn:c></ObjectEvent>
<ObjectEvent>{WHEN}<epcList><epc>{ITEM}</epc></epcList><action>OBSERVE</action><bizStep>p:other</bizStep>
</ObjectEvent></EventList></EPCISBody><p:end>.</p:end></e:EPCISDocument>"""
MIXED_2_0_JSON: dict[str, Any] = {
    **json(
        {
            "type": "ObjectEvent", **_WHEN, "epcList": [ITEM], "action": "OBSERVE", "bizStep": "p:own",
            "sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": 1}]}],
            "p:a": "1 < 2 & <b>", "gs1-2:b": "", "urn-2:c": {"ns:lang": "de", "#text": "ja"},
        },
        {"type": "ObjectEvent", **_WHEN, "epcList": [ITEM], "action": "OBSERVE", "bizStep": "p-2:other"},
        names={
            "p": "urn:p:2", "gs1-2": "urn:mine", "urn-2": "urn:odd:", "ns": "http://www.w3.org/XML/1998/namespace",
            "p-2": "urn:p:1",
        },
    ),
    "p-2:run": "5",
    "p-2:end": ".",
}  # fmt: skip

BARE = f'<ObjectEvent schemaVersion="2.0" xmlns:shop="http://shop.example.cn/epcis">{_DELETE[13:-14]}<shop:x>1</shop:x></ObjectEvent>'
BARE_JSON: dict[str, Any] = {"@context": [CONTEXT, NAMES], **_DELETE_JSON, "shop:x": "1"}

DOCUMENTS = {
    name.lower(): (value, globals()[f"{name}_JSON"])
    for name, value in list(globals().items())
    if f"{name}_JSON" in globals() and not name.startswith("_")
}
