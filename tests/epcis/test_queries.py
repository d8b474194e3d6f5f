"""Named queries: made, listed, read and deleted by their owners alone."""

from typing import Any

import pytest

from app.exchanging import subscribing
from tests.epcis.listening import named
from tests.support.cast import Cast

RECEIVED = {"eventType": ["ObjectEvent"], "EQ_bizStep": ["receiving"]}


def test_a_query_is_made_read_listed_and_deleted(cast: Cast) -> None:
    answer = cast.stall.post("/epcis/queries", {"name": "received 1/2".replace("/", "-"), "query": RECEIVED})
    assert answer.status_code == 201
    assert answer.headers["location"] == "/epcis/queries/received%201-2"
    assert answer.headers["gs1-epcis-version"] == "2.0.0"
    place = answer.headers["location"]
    assert cast.stall.get(place).json() == {"name": "received 1-2", "query": RECEIVED}
    assert cast.stall.get("/epcis/queries").json() == [{"name": "received 1-2", "query": RECEIVED}]
    assert cast.stall.request("OPTIONS", place).headers["allow"] == "GET, HEAD, OPTIONS, DELETE"
    assert cast.stall.request("DELETE", place).status_code == 204
    gone = cast.stall.get(place)
    assert (gone.status_code, gone.json()["type"]) == (404, "epcisException:NoSuchNameException")
    assert cast.stall.request("DELETE", place).status_code == 404
    assert cast.stall.get("/epcis/queries").json() == []


def test_a_name_is_used_once_by_each_owner(cast: Cast) -> None:
    named(cast.stall, "mine", RECEIVED)
    for query in (RECEIVED, {}):
        again = cast.stall.post("/epcis/queries", {"name": "mine", "query": query})
        assert (again.status_code, again.json()["type"]) == (409, "epcisException:ResourceAlreadyExistsException")
    # Another may use it as well, and neither knows of the other's.
    place = named(cast.other_stall, "mine", {})
    assert cast.stall.get(place).json()["query"] == RECEIVED
    assert cast.other_stall.get(place).json()["query"] == {}
    assert cast.other_stall.request("DELETE", place).status_code == 204
    assert cast.stall.get(place).status_code == 200
    assert cast.market.get(place).status_code == 404
    assert cast.admin.get("/epcis/queries").json() == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_pages_of_queries(cast: Cast) -> None:
    for name in ("丙", "a", "b", "c", "a b&c=d"):
        named(cast.stall, name)
    found, place = [], "/epcis/queries?perPage=2"
    for _ in range(3):
        answer = cast.stall.get(place)
        found += [query["name"] for query in answer.json()]
        place = answer.links["next"]["url"] if "next" in answer.links else ""
    assert place == ""
    assert found == sorted(["丙", "a", "b", "c", "a b&c=d"])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("body", "status", "exception"),
    [
        ({"query": {}}, 400, "QueryValidation"),
        ({"name": "x"}, 400, "QueryValidation"),
        ({"name": "", "query": {}}, 400, "QueryValidation"),
        ({"name": "a/b", "query": {}}, 400, "QueryValidation"),
        ({"name": "..", "query": {}}, 400, "QueryValidation"),
        ({"name": " a", "query": {}}, 400, "QueryValidation"),
        ({"name": "a\nb", "query": {}}, 400, "QueryValidation"),
        ({"name": "x" * 101, "query": {}}, 400, "QueryValidation"),
        ({"name": 1, "query": {}}, 400, "QueryValidation"),
        ({"name": "x", "query": []}, 400, "QueryValidation"),
        ({"name": "x", "query": {}, "more": 1}, 400, "QueryValidation"),
        ({"name": "x", "query": {"EQ_nothing": ["x"]}}, 400, "QueryParameter"),
        ({"name": "x", "query": {"GE_eventTime": "yesterday"}}, 400, "QueryParameter"),
        ({"name": "x", "query": {"MATCH_epc": ["urn:epc:id:sgtin:1.1.1"] * 1_001}}, 413, "QueryTooComplex"),
        ({"name": "x", "query": {"EQ_eventID": ["https://e.cn/" + "x" * 70_000]}}, 413, "QueryTooComplex"),
        ([], 400, "Validation"),
    ],
)
def test_what_is_no_query_is_refused(cast: Cast, body: Any, status: int, exception: str) -> None:
    answer = cast.stall.post("/epcis/queries", body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"epcisException:{exception}Exception")
    assert " · " in answer.json()["detail"]
    assert cast.stall.get("/epcis/queries").json() == []


@pytest.mark.parametrize(
    ("query", "status", "exception"),
    [
        (rb'{"EXISTS_errorDeclaration": "\u0000"}', 400, "Validation"),
        (rb'{"@context": {"ex": "\u0000"}}', 400, "Validation"),
        (rb'{"EQ_bizStep": ["\ud800:"]}', 400, "Validation"),
        (b'{"EQ_eventID": ["' + b"x" * 8_000_001 + b'"]}', 413, "QueryTooComplex"),
    ],
    ids=["NUL in a value that nobody looks at", "NUL in a context", "half a character", "more than is read"],
)
def test_what_no_database_takes_is_refused_at_the_door(cast: Cast, query: bytes, status: int, exception: str) -> None:
    body, named_json = b'{"name": "n", "query": ' + query + b"}", {"Content-Type": "application/json"}
    answer = cast.stall.request("POST", "/epcis/queries", content=body, headers=named_json)
    assert (answer.status_code, answer.json()["type"]) == (status, f"epcisException:{exception}Exception")


@pytest.mark.parametrize("query", ['{"maxEventCount": 1%s}' % ("0" * 40), '{"EQ_quantity": [1e400, -1e-400, 1e308]}'])
def test_numbers_of_any_size_are_no_fault_of_ours(cast: Cast, query: str) -> None:
    body = f'{{"name": "n", "query": {query}}}'.encode()
    answer = cast.stall.request("POST", "/epcis/queries", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (201, 400), answer.text
    if answer.status_code == 201:
        assert cast.stall.get("/epcis/queries/n").status_code == 200
        form = {"dest": "https://e.cn/", "stream": True}
        assert cast.stall.post("/epcis/queries/n/subscriptions", form).status_code in (400, 403)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_bad_input_is_no_fault_of_ours(cast: Cast) -> None:
    for path in ("/epcis/queries?nextPageToken=%00", "/epcis/queries?perPage=0", "/epcis/queries?perPage=x"):
        assert cast.stall.get(path).status_code == 400, path
    for path in ("/epcis/queries/%00", "/epcis/queries/%ff", "/epcis/queries/" + "x" * 5_000):
        assert cast.stall.get(path).status_code == 404, path
    raw = cast.stall.request("POST", "/epcis/queries", content=b"{", headers={"Content-Type": "application/json"})
    assert raw.status_code == 400
    assert cast.public.get("/epcis/queries").status_code == 401


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_owner_has_so_many(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribing, "QUERIES", 2)
    named(cast.stall, "1")
    place = named(cast.stall, "2")
    answer = cast.stall.post("/epcis/queries", {"name": "3", "query": {}})
    assert (answer.status_code, answer.json()["type"]) == (403, "epcisException:SecurityException")
    cast.stall.request("DELETE", place)
    named(cast.stall, "3")
    named(cast.other_stall, "1")
