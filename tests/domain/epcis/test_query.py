"""Every parameter of a query: what it finds among three events."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.domain.epcis.exceptions import QueryParameterException
from app.domain.epcis.query import Candidate
from app.domain.epcis.query_parsing import of_epc, parse_body, parse_parameters
from tests.domain.epcis.asked import CONTEXT, EVENTS, OBJECT, TRANSFORMATION, by_body, by_url, candidate, found

NS = "https://ns.example.com/epcis"
GTIN = "https://id.gs1.org/01/04012345123456"
# parameter, value as in a URL, the events found
FINDS = [
    ("eventType", "ObjectEvent", "O"),
    ("eventType", "AggregationEvent|epcis:TransformationEvent", "AT"),
    ("eventType", "https://ns.example.com/OurEvent", ""),
    ("GE_eventTime", "2024-05-01T01:00:00Z", "AT"),
    ("GE_eventTime", "2024-05-01T00:00:00 01:00", "OAT"),
    ("LT_eventTime", "2024-05-01T01:00:00.000Z", "O"),
    ("GE_recordTime", "2024-06-02T00:00:00Z", "AT"),
    ("LT_recordTime", "2024-06-02T00:00:00Z", "O"),
    ("EQ_action", "ADD", "O"),
    ("EQ_action", "OBSERVE|DELETE", "A"),
    ("EQ_bizStep", "commissioning", "O"),
    ("EQ_bizStep", "cbv:BizStep-packing|https://ref.gs1.org/cbv/BizStep-commissioning", "OA"),
    ("EQ_bizStep", "urn:epcglobal:cbv:bizstep:packing", "A"),
    ("EQ_bizStep", "urn:x:step", ""),
    ("EQ_disposition", "active", "O"),
    ("EQ_disposition", f"ex:waiting|{NS}/resting", "A"),
    ("EQ_persistentDisposition_set", "cbv:Disp-completeness_verified", "O"),
    ("EQ_persistentDisposition_set", "expired", ""),
    ("EQ_persistentDisposition_unset", "expired|damaged", "O"),
    ("EQ_readPoint", "https://id.gs1.org/414/4012345123456/254/7", "O"),
    ("EQ_readPoint", "geo:52.5,13.4", "A"),
    ("EQ_readPoint", "urn:epc:id:sgln:4012345.12345.0", ""),
    ("WD_readPoint", "urn:epc:id:sgln:4012345.12345.0", "O"),
    ("WD_readPoint", "geo:52.5,13.4|urn:epc:id:sgln:4012345.12345.7", "OA"),
    ("WD_readPoint", "urn:epc:id:sgln:4012345.12346.0", ""),
    ("EQ_bizLocation", "urn:epc:id:sgln:4012345.12345.0|urn:x:site:farm", "OA"),
    ("WD_bizLocation", "https://anywhere.example/414/4012345123456", "O"),
    ("WD_bizLocation", "urn:x:site", ""),
    ("EQ_bizTransaction_po", "https://id.gs1.org/253/06141410000121618034", "O"),
    ("EQ_bizTransaction_urn:epcglobal:cbv:btt:po", "urn:epc:id:gdti:0614141.00001.1618034", "O"),
    ("EQ_bizTransaction_inv", "urn:epc:id:gdti:0614141.00001.1618034", ""),
    ("EQ_source_owning_party", "urn:epc:id:pgln:4012345.00225", "O"),
    ("EQ_source_possessing_party", "urn:epc:id:pgln:4012345.00225", ""),
    ("EQ_destination_ex:depot", "urn:x:depot:1|urn:x:depot:2", "O"),
    (f"EQ_destination_{NS}/depot", "urn:x:depot:1", "O"),
    (f"EQ_destination_{NS}/depot", "urn:x:depot:2", ""),
    ("EQ_transformationID", "https://id.gs1.org/253/0614141123452400", "T"),
    ("MATCH_epc", "urn:epc:id:sgtin:4012345.012345.2", "A"),
    ("MATCH_epc", "urn:epc:idpat:sgtin:4012345.*.*", "OA"),
    ("MATCH_epc", GTIN, "OA"),
    ("MATCH_epc", "urn:epc:idpat:sscc:4012345.*|urn:epc:id:sgtin:9999999.012345.1", "O"),
    ("MATCH_parentID", "urn:epc:idpat:sscc:*.*", "A"),
    ("MATCH_inputEPC", "urn:epc:id:sgtin:4012345.012345.2", "T"),
    ("MATCH_outputEPC", "urn:epc:id:sgtin:4012345.012345.2", ""),
    ("MATCH_outputEPC", "urn:epc:idpat:sgtin:4012345.077889.*", "T"),
    ("MATCH_anyEPC", "urn:epc:id:sgtin:4012345.012345.2", "AT"),
    ("MATCH_anyEPC", "https://id.gs1.org/00/140123451122233341", "OA"),
    ("MATCH_anyEPC", "urn:epc:class:lgtin:4012345.012345.L-1", ""),
    ("MATCH_epcClass", "https://id.gs1.org/01/04012345123456/10/L-2", "OA"),
    ("MATCH_epcClass", "urn:epc:idpat:lgtin:4012345.*.*", "OA"),
    ("MATCH_epcClass", GTIN, ""),
    ("MATCH_anyEPCClass", GTIN, "T"),
    ("MATCH_epcClass", "urn:epc:idpat:sgtin:4012345.*.*", "O"),
    ("MATCH_inputEPCClass", "urn:epc:idpat:lgtin:4012345.012345.*", "T"),
    ("MATCH_outputEPCClass", "urn:epc:idpat:sgtin:4012345.012345.*", "T"),
    ("MATCH_anyEPCClass", "urn:epc:class:lgtin:4012345.012345.L-1", "OT"),
    ("EQ_quantity", "220|12", "OA"),
    ("EQ_quantity", "12.0", "A"),
    ("GT_quantity", "220", "T"),
    ("GE_quantity", "220", "OT"),
    ("LT_quantity", "3", "O"),
    ("LE_quantity", "3", "OT"),
    ("EQ_quantity_KGM", "2.5", "OT"),
    ("EQ_quantity_GRM", "2500", "OT"),
    ("GT_quantity_KGM", "2.5", ""),
    ("LE_quantity_XBX", "3", "T"),
    ("EQ_eventID", "urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8", "O"),
    ("EQ_eventID", "ni:///sha-256;AggregationEvent?ver=CBV2.0", "A"),
    ("EXISTS_errorDeclaration", "", "A"),
    ("EXISTS_errorDeclaration", "true", "A"),
    ("EXISTS_errorDeclaration", "false", "OAT"),
    ("GE_errorDeclarationTime", "2024-05-02T00:00:00Z", "A"),
    ("GE_errorDeclaration_Time", "2024-05-02T00:00:01Z", ""),
    ("LT_errorDeclarationTime", "2024-05-02T00:00:00Z", ""),
    ("LT_errorDeclaration_Time", "2024-05-02T00:00:01Z", "A"),
    ("EQ_errorReason", "incorrect_data", "A"),
    ("EQ_errorReason", "urn:epcglobal:cbv:er:did_not_occur", ""),
    ("EQ_correctiveEventID", "urn:uuid:2", "A"),
    ("EQ_correctiveEventID", "urn:uuid:3", ""),
    ("EXISTS_sensorElementList", "1", "OT"),
    ("EXISTS_sensorElement", "", "OT"),
    ("GE_time", "2024-05-01T00:40:00Z", "O"),
    ("LT_time", "2024-05-01T00:30:00Z", ""),
    ("GE_startTime", "2024-05-01T00:00:00Z", "O"),
    ("LT_startTime", "2024-05-01T00:00:00Z", ""),
    ("GE_endTime", "2024-05-01T01:00:01Z", ""),
    ("LT_endTime", "2024-05-01T01:00:01Z", "O"),
    ("EQ_type", "Temperature", "OT"),
    ("EQ_type", "gs1:RelativeHumidity", "O"),
    ("EQ_type", f"https://gs1.org/voc/Mass|{NS}/Sourness", "O"),
    ("EQ_deviceID", "https://id.gs1.org/8004/4000001111", "O"),
    ("EQ_dataProcessingMethod", "urn:x:method", "O"),
    ("EQ_dataProcessingMethod", "urn:x:methods", ""),
    ("EQ_bizRules", "https://id.gs1.org/253/4012345000054987", "O"),
    ("EQ_microorganism", "https://www.ncbi.nlm.nih.gov/taxonomy/1126011", "O"),
    ("EQ_chemicalSubstance", "https://identifiers.org/inchikey:CZMRCDWAGMRECN-UGDNZRGBSA-N", "O"),
    ("EQ_stringValue", "good|fine", "O"),
    ("EQ_stringValue", "FINE", ""),
    ("EQ_uriValue", "urn:epc:id:giai:4000001.111", "O"),
    ("EQ_booleanValue", "false", "O"),
    ("EQ_booleanValue", "true", ""),
    ("EQ_hexBinaryValue", "F0F0F0", "O"),
    ("EQ_hexBinaryValue", "F0F0", ""),
    ("EQ_value_CEL", "25", "OT"),
    ("EQ_value_KEL", "298.15|0", "OT"),
    ("GE_value_FAH", "77.0", "OT"),
    ("GT_value_FAH", "77.0", ""),
    ("LT_value_KGM", "100", ""),
    ("LE_minValue_CEL", "24.5", "O"),
    ("GE_maxValue_CEL", "26.5", "O"),
    ("LT_meanValue_CEL", "25.25", ""),
    ("GE_sDev_FAH", "0.9", "O"),
    ("GT_sDev_FAH", "0.9", ""),
    ("GE_sDev", "0.5", "O"),
    ("GE_percRank", "50", "O"),
    ("LT_percRank", "50", ""),
    ("GE_percValue", "25.5", "O"),
    ("GE_percValue_CEL", "25.6", ""),
    (f"EQ_{NS}#field", "alpha", "O"),
    (f"EQ_{NS}/field", "alpha|beta", "OA"),
    ("EQ_ex:field", "beta", "A"),
    ("EQ_ex:field", "5.0", "O"),
    ("EQ_ex:field", "true", "O"),
    ("EQ_ex:partner", f"{NS}/party-7", "O"),
    ("EQ_ex:typed", "2024-05-01T08:00:00+08:00", "O"),
    ("EQ_undeclared:field", "gamma", "T"),
    ("EQ_own:field", "beta", "A"),
    ("GE_ex:field", "5", "O"),
    ("GT_ex:field", "5", ""),
    ("LE_ex:field", "5", "O"),
    ("LT_ex:field", "6", "O"),
    ("GT_ex:typed", "2024-04-30T23:59:59Z", "O"),
    ("EQ_ex:inner", "deep", ""),
    ("EQ_INNER_ex:inner", "deep", "O"),
    ("EQ_INNER_ex:field", "alpha", ""),
    ("GE_INNER_urn:example:two#number", "13.5", "O"),
    ("LT_INNER_ex:when", "2024-05-01T00:00:00Z", ""),
    ("EQ_ILMD_cbvmda:lotNumber", "ABC123", "O"),
    ("EQ_ILMD_urn:epcglobal:cbv:mda#lotNumber", "ABC123", "O"),
    ("EQ_ILMD_ex:best", "2024-06-02", ""),
    ("LT_ILMD_ex:best", "2024-06-02", "O"),
    ("GE_ILMD_ex:best", "2024-06-02", ""),
    ("GE_ILMD_ex:best", "2024-06-01T00:00:00Z", ""),
    ("LT_ILMD_cbvmda:lotNumber", "9999-12-31", ""),
    ("EQ_cbvmda:lotNumber", "ABC123", ""),
    ("EQ_INNER_ILMD_ex:inner", "deep", "O"),
    ("GT_INNER_ILMD_ex2:number", "13.5", ""),
    ("EXISTS_ex:nest", "", "O"),
    ("EXISTS_INNER_ex:inner", "", "O"),
    ("EXISTS_ILMD_ex:best", "true", "O"),
    ("EXISTS_ILMD_ex:none", "true", ""),
    ("EXISTS_ILMD_ex:nothing", "false", "OAT"),
    ("EXISTS_INNER_ILMD_ex:when", "", "O"),
    ("EXISTS_ERROR_DECLARATION_ex:by", "", "A"),
    ("EXISTS_INNER_ERROR_DECLARATION_ex:inner", "", "A"),
    ("EQ_ERROR_DECLARATION_ex:by", "clerk", ""),
    ("EQ_INNER_ERROR_DECLARATION_ex:inner", "clerk", "A"),
    ("EQ_SENSORELEMENT_ex:element", "e", "O"),
    ("EXISTS_SENSORMETADATA_ex:meta", "", "O"),
    ("EQ_INNER_SENSORMETADATA_ex:inner", "m", "O"),
    ("GE_SENSORREPORT_ex:note", "7", "O"),
    ("LT_SENSORREPORT_ex:note", "7", ""),
    ("EQ_INNER_SENSORREPORT_ex:note", "7", ""),
    ("EQ_readPoint_ex:zone", "north", "O"),
    ("EQ_bizLocation_ex:zone", "cold", "O"),
    ("EQ_INNER_bizLocation_ex:inner", "shelf", "O"),
    ("HASATTR_bizLocation", "urn:epcglobal:cbv:mda:countryCode", "O"),
    ("HASATTR_bizLocation", "cbvmda:street|cbvmda:countryCode", "O"),
    ("HASATTR_readPoint", "cbvmda:countryCode", ""),
    ("HASATTR_ex:partner", "ex:name", "O"),
    ("HASATTR_bizTransaction", "ex:name", ""),
    ("HASATTR_source", "ex:name", ""),
    ("HASATTR_destination", "ex:name", ""),
    ("HASATTR_transformationID", "ex:name", ""),
    ("EQATTR_bizLocation_cbvmda:countryCode", "FR|DE", "O"),
    ("EQATTR_bizLocation_cbvmda:countryCode", "FR", ""),
    ("EQ_ATTR_epcClass_ex:grade_of_it", "1", "OT"),
    ("EQATTR_bizStep_ex:who", "robot", "A"),
    ("EQATTR_disposition_ex:who", "person", "A"),
    ("EQATTR_ex:partner_ex:name", "Seven", "O"),
    ("EQATTR_ex:snake_case_name_ex:name", "Seven", ""),
    ("orderBy", "eventTime", "OAT"),
    ("orderDirection", "ASC", "OAT"),
    ("maxEventCount", "0", "OAT"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "letters"), FINDS, ids=[f"{name}={value}" for name, value, _ in FINDS])
def test_a_parameter_finds_what_it_says(name: str, value: str, letters: str) -> None:
    assert by_url((name, value)) == letters
    listed: Any = value.split("|") if value else None
    if name.split("_")[0] != "GE" or " " not in value:
        assert by_body({name: listed if not listed or len(listed) > 1 else listed[0]}) == letters
        assert by_body({name: listed}) == letters


NUMBERS = [
    ({"EQ_quantity": [12, 220]}, "OA"),
    ({"GT_quantity": 220.0}, "T"),
    ({"EQ_ex:field": 5}, "O"),
    ({"EQ_ex:field": [5.0, "beta"]}, "OA"),
    ({"EQ_ex:field": True}, "O"),
    ({"GE_ex:field": 5}, "O"),
    ({"GE_ex:field": "5"}, "O"),
    ({"EQ_booleanValue": False}, "O"),
    ({"EQ_booleanValue": True}, ""),
    ({"EXISTS_errorDeclaration": None}, "A"),
    ({"EXISTS_errorDeclaration": 1}, "A"),
    ({"EXISTS_errorDeclaration": 0}, "OAT"),
    ({"EXISTS_errorDeclaration": False}, "OAT"),
    ({"maxEventCount": 3}, "OAT"),
    ({}, "OAT"),
]


@pytest.mark.parametrize(("query", "letters"), NUMBERS, ids=[str(query) for query, _ in NUMBERS])
def test_json_says_numbers_as_numbers(query: dict[str, Any], letters: str) -> None:
    assert by_body(query) == letters


def test_parameters_are_anded_and_their_values_ored() -> None:
    pattern = "urn:epc:idpat:sgtin:4012345.*.*"
    assert by_url(("MATCH_epc", pattern), ("MATCH_parentID", "urn:epc:idpat:sscc:*.*")) == "A"
    assert by_url(("MATCH_epc", pattern), ("EQ_action", "ADD"), ("GE_quantity", "100")) == "O"
    assert by_url(("EQ_action", "ADD"), ("EQ_action", "OBSERVE")) == "OA"
    assert by_url(("EQ_readPoint", "geo:52.5,13.4"), ("WD_readPoint", "urn:epc:id:sgln:4012345.12345.0")) == ""


def test_a_query_that_is_narrowed_by_another_finds_what_both_find() -> None:
    one = parse_parameters(
        [("EQ_bizStep", "packing|commissioning"), ("GE_eventTime", "2024-05-01T00:30:00Z"), ("orderBy", "eventTime")]
    )
    two = parse_parameters(
        [
            ("EQ_bizStep", "packing"),
            ("EQ_action", "OBSERVE"),
            ("MATCH_parentID", "urn:epc:idpat:sscc:*.*"),
            ("WD_bizLocation", "urn:x:site:farm"),
            ("GE_eventTime", "2024-05-01T00:00:00Z"),
            ("LT_eventTime", "2024-05-02T00:00:00Z"),
            ("LT_recordTime", "2024-07-02T00:00:00Z"),
        ]
    )
    both = one.narrowed(two)
    assert found(both) == "A"
    assert both.event_time == (one.event_time[0], two.event_time[1])
    assert both.record_time == two.record_time
    assert both.columns == {"biz_step": {"packing"}, "action": {"OBSERVE"}}
    assert both.order_by == "eventTime"
    assert found(one.narrowed(parse_parameters([("EQ_bizStep", "shipping")]))) == ""


def test_an_epc_is_found_in_every_role() -> None:
    assert found(of_epc("https://id.gs1.org/00/140123451122233341")) == "OA"
    assert found(of_epc("urn:epc:class:lgtin:4012345.012345.L-1")) == "OT"
    assert found(of_epc(GTIN)) == "OAT"
    assert found(of_epc("urn:epc:id:gdti:0614141.12345.400")) == ""
    for wrong in ("", "4012345", "urn:epc:idpat:sgtin:*.1.*"):
        with pytest.raises(QueryParameterException):
            of_epc(wrong)


def test_descendants_by_master_data_widen_a_query() -> None:
    query = parse_parameters([("WD_bizLocation", "urn:x:region|urn:x:other")])
    assert query.roots == {"urn:x:region", "urn:x:other"}
    assert found(query) == ""
    wider = query.widened({"urn:x:region": ["https://id.gs1.org/414/4012345123456", "urn:x:site:farm"]})
    assert found(wider) == "OA"
    assert [span.low for span in wider.place_filters[0].spans] == ["https://id.gs1.org/414/4012345123456/254/"]


def test_the_elements_whose_master_data_decide_are_told() -> None:
    query = parse_parameters(
        [("HASATTR_bizLocation", "cbvmda:countryCode"), ("EQATTR_bizStep_ex:who", "robot")], CONTEXT
    )
    assert query.uses_masters
    assert query.elements(candidate(OBJECT)) == {
        "https://id.gs1.org/414/4012345123456",
        "https://ref.gs1.org/cbv/BizStep-commissioning",
    }
    assert query.elements(candidate(TRANSFORMATION)) == set()
    assert not parse_parameters([("EQ_action", "ADD")]).uses_masters


def order(*parameters: tuple[str, str], events: Mapping[str, dict[str, Any]] = EVENTS) -> str:
    query = parse_parameters(parameters, CONTEXT)
    days = {"O": 2, "A": 3, "T": 1}
    return "".join(
        sorted(events, key=lambda letter: query.sort_key(candidate(events[letter], day=days.get(letter, 4))))
    )


def test_events_come_in_the_order_asked_for_those_without_the_field_last() -> None:
    assert order(("orderBy", "eventTime")) == "TAO"
    assert order(("orderBy", "eventTime"), ("orderDirection", "DESC")) == "TAO"
    assert order(("orderBy", "eventTime"), ("orderDirection", "ASC")) == "OAT"
    assert order(("orderBy", "recordTime"), ("orderDirection", "ASC")) == "TOA"
    assert order(("orderBy", "recordTime")) == "AOT"
    assert order(("orderBy", "quantity"), ("orderDirection", "ASC")) == "OTA"
    assert order(("orderBy", "quantity")) == "TOA"
    assert order(("orderBy", f"{NS}#snake_case_name"))[0] == "O"
    assert order() == "OAT"


@pytest.mark.parametrize(
    ("values", "ascending"),
    [
        (["b", "ab", "a", "Ä", ""], ["", "a", "ab", "b", "Ä"]),
        ([10, "9", 9.5, -1], [-1, "9", 9.5, 10]),
        (["2024-01-02T00:00:00+01:00", "2024-01-01T23:30:00Z"], ["2024-01-02T00:00:00+01:00", "2024-01-01T23:30:00Z"]),
        (["x", 1, "2024-01-01T00:00:00Z"], ["2024-01-01T00:00:00Z", 1, "x"]),
    ],
)
def test_extension_fields_sort_by_their_type(values: list[Any], ascending: list[Any]) -> None:
    def sorted_by(direction: str) -> list[Any]:
        query = parse_parameters([("orderBy", "ex:rank"), ("orderDirection", direction)], CONTEXT)
        return sorted(values, key=lambda value: query.sort_key(candidate({**TRANSFORMATION, "ex:rank": value})))

    assert sorted_by("ASC") == ascending
    one_type = len({isinstance(value, str) for value in values}) == 1 or "9" in values
    if one_type:
        assert sorted_by("DESC") == ascending[::-1]


# Nothing in these depends on the fields of the body.
HARMLESS = ("orderBy", "orderDirection", "maxEventCount", "recordTime", "EXISTS_errorDeclaration", "sensorElementList")


def test_fields_of_a_wrong_form_are_as_if_they_were_not_there() -> None:
    """No event is captured like this; a query does not fall over it."""
    odd: dict[str, Any] = {
        "type": 1,
        "eventTime": 5,
        "bizStep": ["packing"],
        "disposition": " ",
        "readPoint": "urn:x:place",
        "bizLocation": {"id": 7},
        "epcList": "urn:x:epc",
        "quantityList": [1, {"epcClass": 3, "quantity": "many"}, {"quantity": True}, {"quantity": 1e400}],
        "bizTransactionList": {"type": "po"},
        "sourceList": ["x", {"type": "owning_party", "source": 4}],
        "persistentDisposition": [],
        "errorDeclaration": "x",
        "sensorElementList": [{"sensorReport": {"type": "Temperature"}}, None],
        "ilmd": [],
    }
    one = Candidate(odd, candidate(OBJECT).record_time, "urn:uuid:1")
    for name, value, _ in FINDS:
        query = parse_parameters([(name, value)], CONTEXT)
        if query.matches(one):
            assert name in (
                "orderBy",
                "orderDirection",
                "maxEventCount",
                "EXISTS_errorDeclaration",
                "GE_recordTime",
            ) or (value == "false" or name.endswith(("eventID", "recordTime", "sensorElementList", "sensorElement"))), (
                name
            )


def test_fields_of_the_same_name_in_other_namespaces_are_others() -> None:
    event = {**TRANSFORMATION, "@context": {"ex": "https://other.example/"}, "ex:field": "alpha"}
    query = parse_body({"@context": {"ex": f"{NS}/"}, "EQ_ex:field": ["alpha"]})
    assert not query.matches(candidate(event))
    assert query.matches(candidate({**TRANSFORMATION, "ex:field": "alpha"}))
    term = parse_body({"@context": {"ours": "https://other.example/field"}, "EQ_ours": "alpha"})
    assert term.matches(candidate(event))
