import hashlib
import random
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.domain.epcis.context import Context, context_of
from app.domain.epcis.documents import events_of
from app.domain.epcis.event_hash import MAX_DEPTH, NestingTooDeep, event_hash, prehash

from .vectors import EXAMPLES, HASHES, load

NS = "https://ns.example.com/epcis/"
CONTEXT = Context({**Context().names, "ex": NS})
EVENT: dict[str, Any] = {
    "type": "ObjectEvent",
    "eventTime": "2024-05-01T06:30:00+08:00",
    "eventTimeZoneOffset": "+08:00",
    "epcList": ["urn:epc:id:sgtin:4012345.011111.9876"],
    "action": "OBSERVE",
}
BASE = (
    "eventType=ObjectEventeventTime=2024-04-30T22:30:00.000ZeventTimeZoneOffset=+08:00"
    "epcListepc=https://id.gs1.org/01/04012345111118/21/9876action=OBSERVE"
)


def of(**fields: object) -> str:
    return prehash({**EVENT, **fields}, CONTEXT)


@pytest.mark.usefixtures("vectors")
def test_the_published_documents_are_there() -> None:
    assert len(HASHES) == 11
    assert len(EXAMPLES) == 47


@pytest.mark.parametrize("path", HASHES, ids=lambda path: path.stem)
def test_published_hashes_and_prehashes_are_reproduced(path: Path) -> None:
    document = load(path)
    context = context_of(document)
    hashes = path.with_suffix(".hashes").read_text().split()
    prehashes = path.with_suffix(".prehashes").read_text().split("\n")[: len(hashes)]
    events = [event for _, event in events_of(document)]
    assert [event_hash(event, context) for event in events] == hashes
    for event, published, expected in zip(events, prehashes, hashes, strict=True):
        digest = hashlib.sha256(published.encode()).hexdigest()
        # One published line is not what its own published hash was made of: it repeats the event before it.
        stale = path.stem == "epcisDocWithCustomSchemaInContext" and digest not in expected
        assert stale or prehash(event, context) == published


@pytest.mark.usefixtures("vectors")
def test_only_one_published_prehash_contradicts_its_hash() -> None:
    contradicting = [
        (path.stem, number)
        for path in HASHES
        for number, (line, expected) in enumerate(
            zip(
                path.with_suffix(".prehashes").read_text().split("\n"),
                path.with_suffix(".hashes").read_text().split(),
                strict=False,
            )
        )
        if hashlib.sha256(line.encode()).hexdigest() not in expected
    ]
    assert contradicting == [("epcisDocWithCustomSchemaInContext", 1)]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_published_example_has_a_hash_that_order_does_not_change(path: Path) -> None:
    document = load(path)
    context = context_of(document)
    events = events_of(document)
    assert events
    for _, event in events:
        assert event_hash(shuffled(event, random.Random(7)), context) == event_hash(event, context)


def shuffled(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict):
        items = [(key, shuffled(item, rng)) for key, item in value.items()]
        rng.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        items = [shuffled(item, rng) for item in value]
        rng.shuffle(items)
        return items
    return value


def test_what_does_not_identify_an_event_is_left_out() -> None:
    extra = {
        "eventID": "urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8",
        "recordTime": "2024-05-01T06:30:01Z",
        "errorDeclaration": {"declarationTime": "2024-05-02T00:00:00Z"},
        "rdfs:comment": "seen by hand",
        "http://www.w3.org/2000/01/rdf-schema#comment": "and again",
    }
    assert of(**extra) == of() == BASE


def test_a_bare_event_brings_its_own_names() -> None:
    own = {"@context": ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld", {"own": "urn:example:"}]}
    assert of(**own, **{"own:colour": "red"}) == BASE + "{urn:example:}colour=red"


def test_every_way_to_write_a_vocabulary_word_is_one() -> None:
    forms = (
        "receiving",
        " receiving ",
        "urn:epcglobal:cbv:bizstep:receiving",
        "cbv:BizStep-receiving",
        "https://ref.gs1.org/cbv/BizStep-receiving",
    )
    assert {of(bizStep=form) for form in forms} == {BASE + "bizStep=https://ref.gs1.org/cbv/BizStep-receiving"}
    assert of(bizStep="urn:gdst:bizStep:landing") == BASE + "bizStep=urn:gdst:bizStep:landing"
    assert of(bizStep="urn:epcglobal:cbv:bt:1:2") == BASE + "bizStep=urn:epcglobal:cbv:bt:1:2"


def test_extension_fields_are_written_with_their_namespace_and_sorted() -> None:
    fields = {
        "ex:b": ["2", {"ex:inner": True, "plain": 0.30}, "1"],
        "https://other.example/voc#a": {"ex:n": None},
        "ex:a": Decimal("23.0"),
        "bare": "x",
    }
    expected = (
        f"bare=x{{{NS}}}a=23{{{NS}}}b=1{{{NS}}}b=2{{{NS}}}bplain=0.3{{{NS}}}inner=true"
        f"{{https://other.example/voc#}}a{{{NS}}}n="
    )
    assert sorted(of(**fields)) == sorted(BASE + expected)
    assert of(**fields).startswith(BASE + "bare=x")


@pytest.mark.parametrize("namespace", ["urn:epcglobal:cbv:mda", "urn:epcglobal:cbv:mda#"])
def test_master_data_has_one_namespace_whatever_version_spells_it(namespace: str) -> None:
    event = {
        "type": "ObjectEvent",
        "action": "ADD",
        "ilmd": {"cbvmda:lotNumber": "A", "m:bestBeforeDate": "2027-01-31"},
    }
    mine = context_of({"@context": {"cbvmda": namespace, "m": namespace}})
    assert "{urn:epcglobal:cbv:mda:}bestBeforeDate=2027-01-31{urn:epcglobal:cbv:mda:}lotNumber=A" in prehash(
        event, mine
    )


def test_extension_values_of_equal_meaning_are_equal() -> None:
    assert of(**{"ex:t": "2024-05-01T06:30:00+08:00"}) == of(**{"ex:t": "2024-04-30T22:30:00Z"})
    assert of(**{"ex:n": "23.50"}) == of(**{"ex:n": 23.5})
    assert of(**{"ex:n": " 7.0 "}) == of(**{"ex:n": 7})
    assert of(**{"ex:p": "urn:epc:id:pgln:4012345.00000"}) == of(**{"ex:p": "https://x.example/417/4012345000009"})
    assert of(**{"ex:lot": "0010"}) != of(**{"ex:lot": "10"})


def test_places_and_ilmd_keep_their_extensions_beside_them() -> None:
    text = of(readPoint={"id": "geo:1,2", "ex:door": "7"}, action="ADD", ilmd={"ex:colour": "red"})
    assert "readPointid=geo:1,2{https://ns.example.com/epcis/}door=7ilmd{https://ns" in text


def test_odd_shapes_still_have_one_string() -> None:
    assert of(epcList=[]).count("epcList") == 0
    assert of(epcList="urn:x:y").count("epcList") == 0
    assert "readPoint=here" in of(readPoint=" here ")
    assert "ilmd=3" in of(ilmd=3)
    assert "bizStep=3" in of(bizStep=3)
    assert "bizStep=https://ref.gs1.org/cbv/BizStep-packing" in of(bizStep=["packing", ["deep"]])
    assert "bizStep=" in of(bizStep="")
    assert "parentID=urn:x:1parentID=urn:x:2" in of(parentID=["urn:x:2", "urn:x:1", ["urn:x:0"]])
    assert "sensorElementListsensorElement=5" in of(sensorElementList=[5])
    assert of(sensorElementList=[{"sensorReport": {"type": "Temperature", "value": 1}}]) == of(
        sensorElementList={"sensorReport": [{"type": "gs1:Temperature", "value": 1.0}]}
    )
    assert "eventTime=5" in of(eventTime=5)
    assert prehash({}, CONTEXT) == "eventType="


def test_ignored_fields_are_the_documents_own_choice() -> None:
    document = {
        "@context": [{"r": "https://repository.example/"}],
        "type": "EPCISDocument",
        "r:ignoreFields": ["r:hash", 3, "eventTime"],
        "epcisBody": {"eventList": []},
    }
    context = context_of(document)
    assert prehash({**EVENT, "r:hash": "abc"}, context) == BASE
    assert prehash({**EVENT, "r:other": "abc"}, context) != BASE
    query = {**document, "epcisBody": {"queryResults": {"r:ignoreFields": ["r:other"]}}}
    assert prehash({**EVENT, "r:other": "abc", "r:hash": "abc"}, context_of(query)) == BASE


def test_a_change_of_any_field_changes_the_hash() -> None:
    base = {**EVENT, "bizStep": "packing", "quantityList": [{"epcClass": "urn:x:y", "quantity": 3, "uom": "KGM"}]}
    hashes = {event_hash(base, CONTEXT)}
    for name in base:
        changed = deepcopy(base)
        changed[name] = "other"
        hashes.add(event_hash(changed, CONTEXT))
    assert len(hashes) == len(base) + 1


def test_bottomless_nesting_is_an_error_and_no_crash() -> None:
    for wrap in (lambda inner: [inner], lambda inner: {"ex:in": inner}):
        deep: object = "x"
        for _ in range(20_000):
            deep = wrap(deep)
        with pytest.raises(NestingTooDeep, match=str(MAX_DEPTH)):
            event_hash({**EVENT, "ex:deep": deep}, CONTEXT)


def test_text_that_is_no_unicode_still_has_a_hash() -> None:
    assert event_hash({**EVENT, "ex:x": "\ud800"}, CONTEXT).startswith("ni:///sha-256;")
