"""Queries over the published examples, and over whatever events there may be: what matches passes the index, and
matches as the Tag Data Standard says."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.epcis.context import context_of
from app.domain.epcis.documents import events_of
from app.domain.epcis.identifiers import canonical_uri
from app.domain.epcis.named import ANY_CLASS, ANY_EPC, Role, named_epcs
from app.domain.epcis.query import Candidate
from app.domain.epcis.query_parsing import parse_body, parse_parameters
from tests.domain.epcis.asked import OBJECT, candidate, passes
from tests.domain.epcis.vectors import EXAMPLES, load


def corpus() -> list[Candidate]:
    """The events of the published examples."""
    return [
        Candidate(event, candidate(OBJECT).record_time, str(event.get("eventID", "urn:x:none")), context_of(document))
        for path in EXAMPLES
        for document in [load(path)]
        for _, event in events_of(document)
    ]


LOTS = r":lgtin:4012345\.|/01/.4012345\d{6}/10/"
# query, and the same said by other means
SAME: list[tuple[dict[str, Any], Callable[[dict[str, Any], str], bool]]] = [
    ({}, lambda event, text: True),
    ({"eventType": ["ObjectEvent"]}, lambda event, text: event["type"] == "ObjectEvent"),
    ({"EQ_bizStep": ["shipping"]}, lambda event, text: event.get("bizStep") == "shipping"),
    ({"LT_eventTime": "2010-01-01T00:00:00Z"}, lambda event, text: event["eventTime"][:4] < "2010"),
    ({"EXISTS_errorDeclaration": 1}, lambda event, text: "errorDeclaration" in event),
    ({"EXISTS_sensorElementList": True}, lambda event, text: "sensorElementList" in event),
    ({"EQ_type": ["Temperature"]}, lambda event, text: bool(re.search(r'"type": "(gs1:)?Temperature"', text))),
    ({"MATCH_anyEPCClass": ["urn:epc:idpat:lgtin:4012345.*.*"]}, lambda event, text: bool(re.search(LOTS, text))),
    ({"EQ_persistentDisposition_set": ["completeness_verified"]}, lambda event, text: "_verified" in text),
    ({"EQ_correctiveEventID": ["urn:x:no"]}, lambda event, text: False),
    ({"EQ_INNER_ILMD_https://example.com/ext3#string": "no"}, lambda event, text: False),
    ({"GE_value_FAH": 78.8}, lambda event, text: any(r.get("value", 0) >= 26 for r in temperatures(event))),
    ({"LT_value_KEL": 273.15}, lambda event, text: any(r.get("value", 0) < 0 for r in temperatures(event))),
]  # fmt: skip


def temperatures(event: dict[str, Any]) -> list[dict[str, Any]]:
    reports = [report for element in event.get("sensorElementList", []) for report in element["sensorReport"]]
    return [report for report in reports if report.get("uom") == "CEL"]


@pytest.mark.usefixtures("vectors")
@pytest.mark.parametrize(("parameters", "expected"), SAME, ids=[str(parameters) for parameters, _ in SAME])
def test_the_published_examples_answer(
    parameters: dict[str, Any], expected: Callable[[dict[str, Any], str], bool]
) -> None:
    query = parse_body(parameters)
    for one in corpus():
        event = dict(one.body)
        assert query.matches(one) == expected(event, json.dumps(event)), event
        assert not query.matches(one) or passes(query, one)


@pytest.mark.usefixtures("vectors")
def test_whatever_a_published_example_names_leads_to_it() -> None:
    for one in corpus():
        for epc, roles in named_epcs(one.body).items():
            for role, parameter in MATCH.items():
                query = parse_parameters([(parameter, epc)])
                assert query.matches(one) or not roles & role, epc
                assert not query.matches(one) or passes(query, one)


MATCH = {
    Role.EPC: "MATCH_epc",
    Role.PARENT: "MATCH_parentID",
    Role.INPUT_EPC: "MATCH_inputEPC",
    Role.OUTPUT_EPC: "MATCH_outputEPC",
    Role.CLASS: "MATCH_epcClass",
    Role.INPUT_CLASS: "MATCH_inputEPCClass",
    Role.OUTPUT_CLASS: "MATCH_outputEPCClass",
    ANY_EPC: "MATCH_anyEPC",
    ANY_CLASS: "MATCH_anyEPCClass",
    Role.TRANSFORMATION: "EQ_transformationID",
}


DIGIT = st.sampled_from("12")
SCHEMES = {"sgtin": (6, "id"), "lgtin": (6, "class"), "sscc": (10, "id"), "sgln": (5, "id"), "grai": (5, "id")}
FIELDS = {
    "epcList": Role.EPC,
    "childEPCs": Role.EPC,
    "inputEPCList": Role.INPUT_EPC,
    "outputEPCList": Role.OUTPUT_EPC,
    "quantityList": Role.CLASS,
    "inputQuantityList": Role.INPUT_CLASS,
}
Parts = tuple[str, tuple[str, ...]]


@st.composite
def epcs(draw: st.DrawFn) -> Parts:
    """Scheme and parts of an EPC; few of each, so that they meet."""
    scheme = draw(st.sampled_from(sorted(SCHEMES)))
    company = draw(st.sampled_from(["4012345", "4012346"]))
    reference = draw(DIGIT) + "0" * (SCHEMES[scheme][0] - 2) + draw(DIGIT)
    return scheme, (company, reference) if scheme == "sscc" else (company, reference, draw(DIGIT))


def uri(epc: Parts, kind: str = "") -> str:
    return f"urn:epc:{kind or SCHEMES[epc[0]][1]}:{epc[0]}:{'.'.join(epc[1])}"


@st.composite
def patterns(draw: st.DrawFn) -> Parts:
    scheme, parts = draw(epcs())
    known = draw(st.integers(0, len(parts)))
    return scheme, parts[:known] + ("*",) * (len(parts) - known)


def fits(epc: Parts, pattern: Parts) -> bool:
    """As the Tag Data Standard says it of URNs."""
    return epc[0] == pattern[0] and all(wanted in ("*", part) for part, wanted in zip(epc[1], pattern[1], strict=True))


@given(
    st.dictionaries(st.sampled_from(sorted(FIELDS)), st.lists(epcs(), min_size=1, max_size=3), max_size=3),
    st.booleans(),
    st.sampled_from(sorted(MATCH)[:-1]),
    st.lists(patterns(), min_size=1, max_size=3),
)
def test_what_matches_is_what_the_tag_data_standard_says_and_passes_the_index(
    fields: dict[str, list[Parts]], as_links: bool, role: Role, wanted: list[Parts]
) -> None:
    body: dict[str, Any] = {"type": "ObjectEvent", "eventTime": "2024-01-01T00:00:00Z"}
    for field, named in fields.items():
        uris = [canonical_uri(uri(epc)) if as_links else uri(epc) for epc in named]
        body[field] = uris if "EPC" in field or field == "epcList" else [{"epcClass": each} for each in uris]
    query = parse_parameters([(MATCH[role], "|".join(uri(each, "idpat") for each in wanted))])
    expected = any(
        FIELDS[field] & role and fits(epc, each) for field, named in fields.items() for epc in named for each in wanted
    )
    one = candidate(body)
    assert query.matches(one) == query.matches(replace(one, named=named_epcs(body))) == expected
    assert not expected or passes(query, one)
