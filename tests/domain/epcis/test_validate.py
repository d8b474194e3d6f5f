import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.domain.epcis import fields, validate
from app.domain.epcis.context import Context, context_of
from app.domain.epcis.documents import events_of
from app.domain.epcis.faults import MAX_REFUSALS, Faults, at, readable, shown
from app.domain.epcis.validate import validate_document, validate_event

from .cases import AGGREGATION, OBJECT, SENSING, TRANSFORMATION, VALID, document, of
from .invalid import E0, INVALID
from .vectors import EXAMPLES, HASHES, TUNA, load


def faults(of: Any, severity: str = "refusal") -> set[tuple[str, str]]:
    return {(fault.pointer, fault.slug) for fault in validate_document(of) if fault.severity == severity}


class TestPublished:
    @pytest.mark.parametrize("path", [*EXAMPLES, *HASHES], ids=lambda path: path.stem)
    def test_documents_are_taken_without_a_flag(self, path: Path) -> None:
        assert validate_document(load(path)) == []

    @pytest.mark.usefixtures("vectors")
    def test_none_of_them_is_missing(self) -> None:
        assert (len(EXAMPLES), len(HASHES), TUNA.exists()) == (47, 11, True)

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


@pytest.mark.parametrize("name", VALID)
def test_valid_documents(name: str) -> None:
    assert validate_document(VALID[name]) == []


def test_there_are_enough_invalid_documents() -> None:
    assert len(INVALID) >= 100


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


def test_what_every_event_is_kept_with_is_short() -> None:
    """A context is kept with each event of its document; of many parts each was compared with all before it."""
    own = document(OBJECT)["@context"]
    prefixes = [{f"p{n}": f"https://ns.example.com/{n}/"} for n in range(100_000)]
    assert faults({**document(OBJECT), "@context": [*own, *prefixes[:300]]}) == set()
    assert faults({**document(OBJECT), "@context": [*own, *prefixes]}) == {("/@context", "too-long")}
    twice = [*own, {"a": "urn:a:", "b": "urn:b:"}, {"b": "urn:b:", "a": "urn:a:"}]
    assert faults({**document(OBJECT), "@context": twice}) == {(f"/@context/{len(own) + 1}", "repeated-item")}


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
