"""What documents say of vocabulary elements, as it is kept for queries."""

from app.domain.epcis.attributes import NAMES, ROOM, attributes_of, joined
from app.domain.epcis.context import Context
from app.domain.epcis.documents import master_data_of
from app.domain.epcis.query_given import MAX_TEXT

SHED = "urn:epc:id:sgln:6901234.00000.1"


def kept(*attributes: tuple[str, object]) -> dict[str, dict[str, list[object]]]:
    elements = [{"id": SHED, "attributes": [{"id": name, "attribute": value} for name, value in attributes]}]
    listed = [{"type": "urn:epcglobal:epcis:vtype:Location", "vocabularyElementList": elements}]
    data = master_data_of({"epcisHeader": {"epcisMasterData": {"vocabularyList": listed}}})
    return {uri: {**said} for uri, said in attributes_of(data, Context()).items()}


def test_names_are_of_one_spelling_and_values_of_any_form() -> None:
    [(uri, said)] = kept(
        ("cbvmda:name", "棚"), ("urn:epcglobal:cbv:mda#name", "Shed"), ("urn:x:n", 3), ("urn:x:o", {"@value": "v"}),
        ("urn:x:none", {"nested": {"deeper": 1}}),
    ).items()  # fmt: skip
    assert uri.startswith("https://id.gs1.org/414/6901234")
    assert said == {
        "urn:epcglobal:cbv:mda:name": ["棚", "Shed"], "urn:x:n": [3], "urn:x:o": ["v"], "urn:x:none": [""]
    }  # fmt: skip


def test_no_more_is_kept_than_queries_may_ask_for() -> None:
    many = [(f"urn:x:{n}", "v") for n in range(NAMES + 10)]
    [said] = kept(("urn:x:long", "v" * (MAX_TEXT + 1)), ("urn:x:" + "n" * MAX_TEXT, "v"), *many).values()
    assert len(said) == NAMES
    assert said["urn:x:long"] == [""], "it is there, and equals nothing that can be asked for"
    [said] = kept(*[("urn:x:n", n) for n in range(100)]).values()
    assert len(said["urn:x:n"]) == 20
    assert kept() == {}
    assert joined({"a": [1], "b": [2]}, {"a": [3]}) == {"a": [3], "b": [2]}
    assert len(joined({f"b{n}": [1] for n in range(NAMES)}, {f"a{n}": [1] for n in range(NAMES)})) == NAMES
    [said] = kept(*[(f"urn:x:{n}", "v" * MAX_TEXT) for n in range(NAMES)]).values()
    assert 0 < len(said) < ROOM / MAX_TEXT
    assert joined(dict(said), {"urn:x:new": ["v"]}).keys() == said.keys() | {"urn:x:new"}
