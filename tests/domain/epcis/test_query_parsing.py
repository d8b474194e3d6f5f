"""What is taken as a query, and what is refused and how."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.epcis.exceptions import (
    EpcisException,
    QueryParameterException,
    QueryTooComplexException,
    QueryValidationException,
)
from app.domain.epcis.query_parsing import MAX_PARAMETERS, MAX_SPANS, MAX_VALUES, declared, parse_body, parse_parameters
from tests.domain.epcis.asked import OBJECT, candidate, passes

REFUSED = [
    ("EQ_colour", "red"),
    ("MATCH_color", "urn:x:a"),
    ("perPage", "30"),
    ("", "x"),
    ("EQ_", "x"),
    ("EQ_INNER_", "x"),
    ("GT_eventTime", "2024-01-01T00:00:00Z"),
    ("GE_eventTime", "2024-01-01"),
    ("GE_eventTime", "2024-01-01T00:00:00"),
    ("GE_eventTime", ""),
    ("GE_eventTime", "2024-01-01T00:00:00Z|2024-01-02T00:00:00Z"),
    ("eventType", "QuantityEvents"),
    ("EQ_action", "ADD|REMOVE"),
    ("EQ_action", "add"),
    ("EQ_bizStep", "eating"),
    ("EQ_bizStep", "cbv:BizStep-eating|shipping"),
    ("EQ_bizStep", "|"),
    ("EQ_disposition", "tasty"),
    ("EQ_persistentDisposition_set", "tasty"),
    ("EQ_persistentDisposition_kept", "damaged"),
    ("EQ_readPoint", "here"),
    ("EQ_readPoint", "12:30"),
    ("WD_bizLocation", ""),
    ("EQ_bizTransaction_", "urn:x:a"),
    ("EQ_bizTransaction", "urn:x:a"),
    ("EQ_bizTransaction_bill", "urn:x:a"),
    ("EQ_source_thief", "urn:x:a"),
    ("EQ_destination_location", "here"),
    ("MATCH_epc", "4012345123456"),
    ("MATCH_epc", "urn:epc:idpat:sgtin:4012345.*.1"),
    ("MATCH_epcClass", "urn:x:a|urn:epc:idpat:lgtin:4012345.*"),
    ("EQ_quantity", "many"),
    ("EQ_quantity", ""),
    ("GT_quantity", "1|2"),
    ("GT_quantity", "NaN"),
    ("GT_quantity", "1e9999"),
    ("GT_quantity_kg", "1"),
    ("GE_value", "1"),
    ("GE_value_CELSIUS", "1"),
    ("EQ_type", "Sweetness"),
    ("EQ_booleanValue", "yes"),
    ("EQ_booleanValue", ""),
    ("EQ_booleanValue", "true|false"),
    ("EQ_errorReason", "because"),
    ("GE_ex:field", "tall"),
    ("GE_ex:field", ""),
    ("GE_ex:field", "2024-02-30"),
    ("GE_ex:field", "1|2"),
    ("EQ_ex:field", ""),
    ("EXISTS_colour", ""),
    ("EXISTS_ILMD_lot", ""),
    ("HASATTR_colour", "name"),
    ("HASATTR_bizLocation", ""),
    ("EQATTR_bizLocation", "x"),
    ("EQATTR_bizLocation_", "x"),
    ("EQATTR_colour_name", "x"),
    ("orderBy", "bizStep"),
    ("orderBy", "eventTime|recordTime"),
    ("orderDirection", "UP"),
    ("maxEventCount", "-1"),
    ("maxEventCount", "1.5"),
    ("maxEventCount", "1000000000"),
    ("maxEventCount", ""),
    ("eventCountLimit", "0"),
    ("MATCH_epc", "urn:x:a\0"),
    ("EQ_ex:field\ud800", "x"),
    ("EQ_stringValue", "x" * 3_000),
    ("EQ_" + "x:" * 2_000, "x"),
]


@pytest.mark.parametrize(("name", "value"), REFUSED, ids=[f"{name[:40]!r}={value[:40]!r}" for name, value in REFUSED])
def test_what_the_standard_does_not_know_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(QueryParameterException) as refused:
        parse_parameters([(name, value)])
    assert refused.value.parameter == name
    assert " · " in refused.value.detail
    with pytest.raises(QueryParameterException):
        parse_body({name: value.split("|")})


WRONG: list[dict[str, Any]] = [
    {"EQ_action": 1},
    {"EQ_action": [["ADD"]]},
    {"EQ_action": {"is": "ADD"}},
    {"EQ_action": [None]},
    {"EQ_action": None},
    {"EQ_action": []},
    {"EQ_action": True},
    {"GE_eventTime": 1},
    {"MATCH_epc": 5},
    {"GE_quantity": True},
    {"GE_quantity": 10**500},
    {"GE_quantity": float("inf")},
    {"EQ_quantity": [1, "x"]},
    {"EQ_ex:field": float("nan")},
    {"EQ_ex:field": [1, ""]},
    {"GE_ex:field": [1, 2]},
    {"GE_ex:field": ["2024-01-01T00:00:00Z", 2]},
    {"maxEventCount": True},
    {"maxEventCount": 1.0},
    {"maxEventCount": 10**12},
    {"EQ_booleanValue": 2},
    {"orderBy": 1},
]


@pytest.mark.parametrize("query", WRONG, ids=str)
def test_values_of_a_wrong_type_are_refused(query: dict[str, Any]) -> None:
    with pytest.raises(QueryParameterException):
        parse_body(query)


def test_a_query_is_an_object() -> None:
    for query in ([], "x", None, 1):
        with pytest.raises(QueryValidationException):
            parse_body(query)  # type: ignore[arg-type]


def test_what_is_given_once_is_not_given_twice() -> None:
    with pytest.raises(QueryParameterException):
        parse_parameters([("GE_eventTime", "2024-01-01T00:00:00Z"), ("GE_eventTime", "2024-01-02T00:00:00Z")])


def test_limits_of_count_need_an_order_and_exclude_each_other() -> None:
    for query in (
        {"eventCountLimit": 1},
        {"eventCountLimit": 1, "maxEventCount": 1, "orderBy": "eventTime"},
        {"eventCountLimit": 1, "maxEventCount": 1},
    ):
        with pytest.raises(QueryParameterException):
            parse_body(query)
    query = parse_body({"eventCountLimit": 5, "orderBy": "ex:field", "orderDirection": "ASC"})
    assert (query.event_count_limit, query.max_event_count, query.descending) == (5, None, False)
    query = parse_parameters([("maxEventCount", "0"), ("orderBy", "recordTime")])
    assert (query.event_count_limit, query.max_event_count, query.descending) == (None, 0, True)


def test_a_query_of_too_many_parts_is_too_complex() -> None:
    uris = [f"urn:x:{number}" for number in range(MAX_VALUES)]
    assert len(parse_body({"MATCH_epc": uris}).epc_filters[0].exact) == MAX_VALUES
    patterns = [f"urn:epc:idpat:sscc:40123{number:02}.*" for number in range(MAX_SPANS // 10)]
    assert len(parse_body({"MATCH_epc": patterns}).epc_filters[0].spans) == MAX_SPANS
    classes = [f"https://id.gs1.org/01/{number:014}" for number in range(MAX_VALUES)]
    assert len(parse_body({"MATCH_anyEPCClass": classes}).epc_filters[0].exact) == MAX_VALUES
    names = {f"EXISTS_ex:{number}": None for number in range(MAX_PARAMETERS)}
    assert len(parse_body(names).tests) == MAX_PARAMETERS
    for query in (
        {"MATCH_epc": [*uris, "urn:x:a"]},
        {"MATCH_epc": patterns, "MATCH_parentID": ["urn:epc:idpat:sgtin:4012345.012345.*"]},
        {"MATCH_epc": classes},
        {**names, "EQ_action": "ADD"},
    ):
        with pytest.raises(QueryTooComplexException):
            parse_body(query)
    with pytest.raises(QueryTooComplexException):
        parse_parameters([("EQ_action", "ADD")] * (MAX_VALUES + 1))


def test_a_header_declares_prefixes() -> None:
    context = declared("ex=https://ns.example.com/epcis/ , wrong, x=y,two=urn:example:two#")
    assert context.full_name("ex:field") == "{https://ns.example.com/epcis/}field"
    assert context.full_name("two:field") == "{urn:example:two#}field"
    assert context.full_name("cbvmda:lotNumber") == "{urn:epcglobal:cbv:mda:}lotNumber"
    assert not context.declares("x:field")


def test_what_an_index_is_asked_is_canonical() -> None:
    query = parse_parameters(
        [
            ("EQ_bizStep", "urn:epcglobal:cbv:bizstep:shipping|https://ns.example/step"),
            ("EQ_bizLocation", "urn:epc:id:sgln:4012345.12345.0"),
            (
                "MATCH_epc",
                "urn:epc:id:sgtin:4012345.012345.1|urn:epc:idpat:sscc:4012345.*|urn:epc:idpat:sscc:4012345.*",
            ),
            ("GE_eventTime", "2024-01-01T00:00:00+08:00"),
        ]
    )
    assert query.columns == {
        "biz_step": {"shipping", "https://ns.example/step"},
        "biz_location": {"https://id.gs1.org/414/4012345123456"},
    }
    [epcs] = query.epc_filters
    assert epcs.exact == {"https://id.gs1.org/01/04012345123456/21/1"}
    assert [(span.low, span.high) for span in epcs.spans] == [
        (f"https://id.gs1.org/00/{digit}4012345", f"https://id.gs1.org/00/{digit}4012346") for digit in range(10)
    ]
    assert query.event_time[0] is not None
    assert query.event_time[0].isoformat() == "2023-12-31T16:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00+00:00"),
        ("2024-01-01t08:00:00.5 08:00", "2024-01-01T00:00:00.500000+00:00"),
        ("2024-01-01T00:00:00.0007z", "2024-01-01T00:00:00.000700+00:00"),
        ("2024-01-01T00:00:00.123456789-01:00", "2024-01-01T01:00:00.123456+00:00"),
    ],
)
def test_record_times_are_compared_to_the_microsecond(text: str, exact: str) -> None:
    for query in (parse_parameters([("LT_recordTime", text)]), parse_body({"LT_recordTime": text})):
        assert query.record_time[1] is not None
        assert query.record_time[1].isoformat() == exact


def test_every_parameter_of_the_openapi_document_is_taken(vectors: Path) -> None:
    text = (vectors / "gs1-epcis/rest/openapi.yaml").read_text()
    start = text.index("\n    eventType:")
    part = text[start : text.index("\n  headers:\n", start)]
    names = re.findall(r"^      name: (\w+)$", part, re.MULTILINE)
    assert len(names) == part.count("      in: query\n") > 50
    for name in names:
        needed = [("orderBy", "recordTime")] if name == "eventCountLimit" else []
        parse_parameters([*needed, (name, SAMPLES.get(name) or _sample(name))])


SAMPLES = {
    "eventType": "ObjectEvent", "EQ_action": "ADD", "EQ_bizStep": "shipping", "EQ_disposition": "in_transit",
    "EQ_persistentDisposition_set": "in_transit", "EQ_persistentDisposition_unset": "in_transit",
    "EQ_errorReason": "did_not_occur", "orderBy": "eventTime", "orderDirection": "ASC", "eventCountLimit": "1",
    "maxEventCount": "1", "EQ_type": "Temperature", "EQ_booleanValue": "true", "EXISTS_errorDeclaration": "true",
}  # fmt: skip


def _sample(name: str) -> str:
    if "ime" in name:
        return "2024-01-01T00:00:00Z"
    return "1" if re.search("quantity|perc|_A1B|^[GL][TE]_", name) else "urn:x:a"


def test_every_parameter_of_the_json_schema_is_taken(vectors: Path) -> None:
    schema = json.loads((vectors / "gs1-epcis/rest/query-schema.json").read_text())["definitions"]["EPCIS-Query"]
    names = [*schema["properties"], *map(_example, schema["patternProperties"])]
    assert len(names) > 150
    for name in names:
        if name not in ("@context", "orderBy", "eventCountLimit"):
            value = SAMPLES.get(name) or _sample(name)
            assert parse_body({name: int(value) if value.isdigit() else [value]}) is not None


def _example(pattern: str) -> str:
    """A name that a pattern of the schema means; it escapes a colon and a word once too often."""
    name = pattern.strip("^$").replace("[a-z][a-zA-Z0-9]*\\\\:\\\\w+", "ex:field")
    if "_ATTR_" in name:
        return "EQ_ATTR_bizLocation_ex:name"
    words = {"bizTransaction": "po", "source": "location", "destination": "location"}
    for field, word in words.items():
        if name.startswith(f"EQ_{field}_"):
            return f"EQ_{field}_{word}"
    return name.replace("[A-Z0-9]{2,4}", "A1B")


WORDS = re.split(
    r"\s+",
    """EQ_ GT_ GE_ LT_ LE_ MATCH_ EXISTS_ HASATTR_ EQATTR_ EQ_ATTR_ WD_ INNER_ ILMD_ SENSORREPORT_ ERROR_DECLARATION_
    readPoint_ bizLocation_ bizLocation value_ quantity quantity_ CEL KGM epc anyEPC epcClass ex: https://ns.example/
    # field _ eventTime source_ location type : time percRank""",
)
NAMES = st.text(max_size=20) | st.lists(st.sampled_from(WORDS), max_size=5).map("".join)
PIECES = ["urn:epc:idpat:", "urn:epc:id:", "sgtin:", "gid:", "itip:", "4012345", ".", "*", "|"]
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["1", "-1e300", "2024-01-01T00:00:00Z", "urn:x:a", "true", "ex:a", "9999-12-31T23:59:59.9999Z"]),
    st.builds(
        "".join,
        st.lists(st.sampled_from(["urn:epc:idpat:", "urn:epc:id:", "sgtin:", "gid:", "4012345", ".", "*", "|"])),
    ),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2))


@given(st.lists(st.tuples(NAMES, TEXTS), max_size=3))
@example([("EQ_quantity", "1" * 5_000)])
@example([("GE_eventTime", "9999-12-31T23:59:59-23:59")])
@example([("GE_recordTime", "0001-01-01T00:00:00+14:00")])
@example([("LT_recordTime", "9999-12-31T23:59:59.9999999999Z")])
@example([("LT_recordTime", "2024-02-30T23:59:60Z")])
def test_whatever_the_url_it_is_a_query_or_refused(items: list[tuple[str, str]]) -> None:
    _tried(lambda: parse_parameters(items))


@given(st.dictionaries(NAMES | st.just("@context"), VALUES, max_size=3))
@example({"GE_quantity": 10**5_000})
@example({"@context": {"ex": 1}, "EQ_ex:a": 10**5_000})
def test_whatever_the_body_it_is_a_query_or_refused(query: dict[str, Any]) -> None:
    _tried(lambda: parse_body(query))


def _tried(parse: Any) -> None:
    try:
        query = parse()
    except EpcisException:
        return
    one = candidate(OBJECT)
    query.sort_key(one)
    assert not query.matches(one) or passes(query, one)


@pytest.mark.parametrize(
    ("name", "values"),
    [("EQ_action", ["ADD", "DELETE"]), ("MATCH_anyEPC", ["urn:epc:idpat:sgtin:4012345.*.*", "urn:x:a"])],
)
def test_a_url_and_a_body_say_the_same(name: str, values: list[str]) -> None:
    ways = [
        parse_parameters([(name, "|".join(values))]),
        parse_parameters([(name, value) for value in values]),
        parse_body({name: values}),
    ]
    for query in ways:
        assert (query.columns, query.epc_filters) == (ways[0].columns, ways[0].epc_filters)
