"""XML with one fault in one place, as the schemas of EPCIS 1.2 and 2.0 see it: refused by name where it stands, or on
the list of what is taken because nothing is lost and it means one thing (docs/decisions/0062)."""

import pytest

from app.domain.epcis.validate import validate_document
from app.domain.errors import Malformed
from app.exchanging.xml import read_xml

from . import xml_documents as d

_WHERE = f"<readPoint><id>{d.SHELF}</id></readPoint><bizLocation><id>{d.PLACE}</id></bizLocation>"
_ORDERS = f'<bizTransactionList><bizTransaction type="po">{d.ORDER}</bizTransaction></bizTransactionList>'
_FROM = f'<sourceList><source type="owning_party">{d.PARTY}</source></sourceList>'
_WARM = (
    '<sensorElementList><sensorElement><sensorReport type="gs1:Temperature" value="3" uom="CEL"/></sensorElement>'
    "</sensorElementList>"
)
_WRONG = (
    "<errorDeclaration><declarationTime>2026-03-02T00:00:00Z</declarationTime><reason>did_not_occur</reason>"
    "</errorDeclaration>"
)
_SEEN = f"<epcList><epc>{d.ITEM}</epc></epcList><action>OBSERVE</action><bizStep>shipping</bizStep>{_WHERE}{_ORDERS}"
_LOTS = d.quantities("quantityList", d.LOT, "3")
_IDENTITY = f"<eventID>{d.ID}</eventID>{_WRONG}"
SAME = {
    "2.0": d.events(f"<ObjectEvent>{d.WHEN}{_IDENTITY}{_SEEN}{_LOTS}{_FROM}{_WARM}</ObjectEvent>", version="2.0"),
    "1.2": d.events(
        f"<ObjectEvent>{d.WHEN}<baseExtension>{_IDENTITY}</baseExtension>{_SEEN}<extension>{_LOTS}{_FROM}<extension>"
        f"{_WARM}</extension></extension></ObjectEvent>"
    ),
}
_EVENT = "/epcisBody/eventList/0"

# What is written instead of what → slug, and the pointer of the fault, within the event unless it begins with a slash.
FAULTS: dict[str, tuple[str, str, str, str]] = {
    "no body": ("EPCISBody>", "EPCISBodies>", "missing-field", "/epcisBody"),
    "no version": ("schemaVersion=", "shop:version=", "missing-field", "/schemaVersion"),
    "no date": ("creationDate=", "shop:date=", "missing-field", "/creationDate"),
    "a date that is none": (d.CREATED, "yesterday", "malformed-time", "/creationDate"),
    "an element of the document": ("<EPCISBody>", "<Body/><EPCISBody>", "field-without-namespace", "/Body"),
    "an element of the body": ("<EventList>", "<Events/><EventList>", "field-without-namespace", "/epcisBody/Events"),
    "results of a query": (
        "<EventList>", "<QueryResults/><EventList>", "field-without-namespace", "/epcisBody/QueryResults",
    ),
    "two headers": (
        "<EPCISBody>", "<EPCISHeader/><EPCISHeader/><EPCISBody>", "not-epcis", "/EPCISDocument/EPCISHeader",
    ),
    "two bodies": ("</EPCISBody>", "</EPCISBody><EPCISBody/>", "not-epcis", "/EPCISDocument/EPCISBody"),
    "two lists": ("</EPCISBody>", "<EventList/></EPCISBody>", "not-epcis", "/EPCISDocument/EPCISBody/EventList"),
    "text in the document": ("<EPCISBody>", "or so<EPCISBody>", "not-epcis", "/EPCISDocument"),
    "text in the body": ("</EPCISBody>", "or so</EPCISBody>", "not-epcis", "/EPCISDocument/EPCISBody"),
    "text in the list": ("<EventList>", "<EventList>or so", "not-epcis", "/EPCISDocument/EPCISBody/EventList"),
    "an event of no type": ("ObjectEvent>", "SubjectEvent>", "unknown-event-type", "type"),
    "no event": ("ObjectEvent>", "extension>", "unknown-event-type", "type"),
    "an element of no namespace": ("<action>", "<colour>red</colour><action>", "field-without-namespace", "colour"),
    "an element in the standard's": (
        "<action>", '<e:colour xmlns:e="urn:epcglobal:epcis:xsd:2">red</e:colour><action>', "field-without-namespace",
        "colour",
    ),
    "an attribute": ("<ObjectEvent>", '<ObjectEvent colour="red">', "field-without-namespace", "colour"),
    "text in the event": ("<ObjectEvent>", "<ObjectEvent>or so", "field-without-namespace", "#text"),
    "a type as an element": ("<action>", "<type>x</type><action>", "unknown-event-type", "type"),
    "no time": ("eventTime>", "shop:time>", "missing-field", "eventTime"),
    "no offset": ("eventTimeZoneOffset>", "shop:offset>", "missing-field", "eventTimeZoneOffset"),
    "two times": (d.WHEN, d.WHEN + "<eventTime>2026-03-01T00:00:00Z</eventTime>", "wrong-type", "eventTime"),
    "a time that is none": ("2026-03-01T06:30:00.000+08:00", "1 March", "malformed-time", "eventTime"),
    "no text in a time": ("2026-03-01T06:30:00.000+08:00", "", "malformed-time", "eventTime"),
    "an element in a time": ("<eventTime>", "<eventTime><hour/>", "wrong-type", "eventTime"),
    "an attribute of a time": ("<eventTime>", '<eventTime zone="8">', "wrong-type", "eventTime"),
    "nothing for a time": ("<eventTime>", '<eventTime xsi:nil="1">', "missing-field", "eventTime"),
    "an offset that is none": ("Offset>+08:00", "Offset>8", "malformed-offset", "eventTimeZoneOffset"),
    "recorded at no time": (d.WHEN, d.WHEN + "<recordTime>x</recordTime>", "malformed-time", "recordTime"),
    "two eventIDs": ("</eventID>", f"</eventID><eventID>{d.ID}</eventID>", "wrong-type", "eventID"),
    "a declaration of no time": (
        "declarationTime>", "shop:time>", "missing-field", "errorDeclaration/declarationTime",
    ),
    "a reason of no list": ("did_not_occur", "sorry", "unknown-word", "errorDeclaration/reason"),
    "no action": ("<action>OBSERVE</action>", "", "missing-field", "action"),
    "two actions": ("</action>", "</action><action>ADD</action>", "wrong-type", "action"),
    "an action of no list": ("OBSERVE", "WATCH", "wrong-action", "action"),
    "a list for an action": ("OBSERVE", "ADD OBSERVE", "wrong-action", "action"),
    "two lists of EPCs": ("</epcList>", "</epcList><epcList/>", "wrong-type", "epcList/0"),
    "something else among EPCs": ("<epc>", "<serial>1</serial><epc>", "wrong-type", "epcList/0"),
    "text among EPCs": ("<epcList>", "<epcList>or so", "wrong-type", "epcList/1"),
    "an EPC that is none": (d.ITEM, "7", "malformed-uri", "epcList/0"),
    "no text in an EPC": (d.ITEM, "", "malformed-uri", "epcList/0"),
    "an element in an EPC": ("<epc>", "<epc><id/>", "wrong-type", "epcList/0"),
    "an EPC outside": ("<epcList>", f"<epc>{d.ITEM}</epc><epcList>", "field-without-namespace", "epc"),
    "two steps": ("</bizStep>", "</bizStep><bizStep>packing</bizStep>", "wrong-type", "bizStep"),
    "a step of no list": ("shipping", "flying", "unknown-word", "bizStep"),
    "an empty step": ("shipping", "", "unknown-word", "bizStep"),
    "a place without id": (f"<id>{d.SHELF}</id>", "", "missing-field", "readPoint/id"),
    "a place as text": (f"<id>{d.SHELF}</id>", d.SHELF, "missing-field", "readPoint/id"),
    "a place with two ids": (
        f"<id>{d.SHELF}</id>", f"<id>{d.SHELF}</id><id>{d.PLACE}</id>", "wrong-type", "readPoint/id",
    ),
    "two places": ("</readPoint>", f"</readPoint><readPoint><id>{d.PLACE}</id></readPoint>", "wrong-type", "readPoint"),
    "a place with a name": ("<bizLocation>", "<bizLocation><name/>", "field-without-namespace", "bizLocation/name"),
    "a transaction of no type": ('type="po"', 'type="letter"', "unknown-word", "bizTransactionList/0/type"),
    "an attribute of a transaction": ('type="po"', 'kind="po"', "unexpected-field", "bizTransactionList/0/kind"),
    "an element of a transaction": (
        f'"po">{d.ORDER}', f'"po"><id>{d.ORDER}</id>', "missing-field", "bizTransactionList/0/bizTransaction",
    ),
    "a quantity of nothing": ("epcClass>", "shop:class>", "missing-field", "quantityList/0/epcClass"),
    "a quantity in words": ("<quantity>3<", "<quantity>three<", "wrong-type", "quantityList/0/quantity"),
    "a quantity that is no number": ("<quantity>3<", "<quantity>NaN<", "wrong-type", "quantityList/0/quantity"),
    "two quantities": (
        "<quantity>3<", "<quantity>3</quantity><quantity>4<", "wrong-type", "quantityList/0/quantity",
    ),
    "a unit that is none": ("KGM", "kilogram", "malformed-uom", "quantityList/0/uom"),
    "an element of a quantity": ("<quantity>3<", "<amount/><quantity>3<", "unexpected-field", "quantityList/0/amount"),
    "a source of no type": (' type="owning_party"', "", "missing-field", "sourceList/0/type"),
    "a value in words": ('value="3"', 'value="warm"', "wrong-type", "sensorElementList/0/sensorReport/0/value"),
    "an attribute of a report": (
        'value="3"', 'value="3" by="x"', "field-without-namespace", "sensorElementList/0/sensorReport/0/by",
    ),
    "nothing measured": ("gs1:Temperature", "Warmth", "unknown-word", "sensorElementList/0/sensorReport/0/type"),
    "no report": ("sensorReport", "shop:report", "missing-field", "sensorElementList/0/sensorReport"),
    "a parent of an object": ("<action>", f"<parentID>{d.CRATE}</parentID><action>", "unexpected-field", "parentID"),
    "children of an object": ("<action>", "<childEPCs/><action>", "unexpected-field", "childEPCs"),
    "a paper that is no URI": (
        "<action>", "<certificationInfo>mine</certificationInfo><action>", "malformed-uri", "certificationInfo",
    ),
}  # fmt: skip

_ACTION = "<action>OBSERVE</action>"
TAKEN = {
    "another order": (f"{_ACTION}<bizStep>shipping</bizStep>", f"<bizStep>shipping</bizStep>{_ACTION}"),
    "a wrapper where none is needed": (_ACTION, f"<extension>{_ACTION}</extension>"),
    "an element with the namespace of another schema of EPCIS": (
        _ACTION, '<q:action xmlns:q="urn:epcglobal:epcis-query:xsd:2">OBSERVE</q:action>',
    ),
    "an id as an attribute": (f"<readPoint><id>{d.SHELF}</id></readPoint>", f'<readPoint id="{d.SHELF}"/>'),
    "what a tool says of itself": ("schemaVersion=", 'tool="x" schemaVersion='),
}  # fmt: skip


def refusals(text: str) -> list[tuple[str, str | None]]:
    try:
        found = validate_document(read_xml(text.encode()), of_xml=True)
    except Malformed as refusal:
        return [(refusal.slug, refusal.pointer)]
    return [(fault.slug, fault.pointer) for fault in found if fault.severity == "refusal"]


@pytest.mark.parametrize("version", SAME)
def test_a_fault_in_one_place_is_refused_by_name(version: str) -> None:
    assert refusals(SAME[version]) == []
    for name, (old, new, slug, place) in FAULTS.items():
        text = SAME[version].replace(old, new)
        assert text != SAME[version], name
        pointer = place if place.startswith("/") else f"{_EVENT}/{place}"
        assert (slug, pointer) in refusals(text), (name, refusals(text))


@pytest.mark.parametrize("version", SAME)
def test_what_means_one_thing_is_taken_and_means_it(version: str) -> None:
    expected = read_xml(SAME[version].encode())
    for name, (old, new) in TAKEN.items():
        text = SAME[version].replace(old, new)
        assert read_xml(text.encode()) == expected, name
    wrapped = (
        SAME["2.0"]
        .replace("<ObjectEvent>", "<extension><ObjectEvent>")
        .replace("</ObjectEvent>", "</ObjectEvent></extension>")
    )
    assert read_xml(wrapped.encode()) == read_xml(SAME["2.0"].encode())
