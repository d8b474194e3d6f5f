"""`@context` of documents from anywhere: what the standard's says is known here under every address; no other is ever
fetched, and one that is not known is refused (docs/decisions/0061)."""

import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from app.domain.epcis.writing import CONTEXT
from tests.epcis.capturing import captured, counts, pointers
from tests.epcis.shown import faults
from tests.exchanging.world import FARM, document, lot, made, some
from tests.support.cast import Cast

PUBLISHED = (
    CONTEXT,
    "https://ref.gs1.org/standards/epcis/2.0.1/epcis-context.jsonld",
    "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
    "http://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    "https://gs1.github.io/EPCIS/epcis-context.jsonld",
    "https://id.gs1.org/epcis-context.jsonld",
    "https://mirror.example.cn/gs1/epcis-context.jsonld",
)
UNKNOWN = "https://contexts.example.org/dairy.jsonld"
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # which opens no socket of its own


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Whatever the process wants to reach."""
    wanted: list[Any] = []

    def refuse(*arguments: Any, **_: Any) -> None:
        wanted.append(arguments[-1])
        raise OSError("no network here")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    return wanted


def asked(cast: Cast, name: str) -> dict[str, Any]:
    answer = cast.farm.get(f"/epcis/events?MATCH_anyEPCClass={quote(lot(name), safe='')}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_standards_context_is_known_in_every_spelling(cast: Cast, vectors: Path, reached: list[Any]) -> None:
    for number, address in enumerate(PUBLISHED):
        name = f"C{number}"
        fields = {"bizStep": "cbv:BizStep-commissioning", "ilmd": {"cbvmda:lotNumber": name, "gs1:grade": "A"}}
        for context in (address, [address], [{"shop": "https://shop.example.cn/"}, address]):
            own = {"shop:field": "x"} if isinstance(context, list) and len(context) > 1 else {}
            sent = {**document(made(1, FARM, some(name, 5), **fields, **own)), "@context": context}
            job = captured(cast.farm, sent)
            assert job["success"], (address, job["errors"])
        told = asked(cast, name)
        assert faults(vectors, told) == []
        assert told["@context"] == [CONTEXT, {"shop": "https://shop.example.cn/"}]
        assert all("@context" not in event for event in told["epcisBody"]["queryResults"]["resultsBody"]["eventList"])
    assert reached == []


def test_a_context_that_is_not_known_is_refused_whatever_needs_it(cast: Cast, reached: list[Any]) -> None:
    """It might give any name another meaning. What of it a document uses, it may declare itself."""
    for context, at in (
        (UNKNOWN, ""),
        ([CONTEXT, UNKNOWN], "/1"),
        ([UNKNOWN, {"dairy": "https://d.example.cn/"}], "/0"),
    ):
        for own in ({}, {"dairy:fat": 3.5}):
            sent = {**document(made(1, FARM, some("U", 5), **own)), "@context": context}
            one = {**made(1, FARM, some("U", 5), **own), "@context": context}
            for path, body in (("capture", sent), ("events", one)):
                refused = cast.farm.post(f"/epcis/{path}", body)
                assert refused.status_code == 400
                details = {error["pointer"]: error["detail"] for error in refused.json()["errors"]}
                assert "no context is fetched" in details[f"/@context{at}"]
    inside = document(made(1, FARM, some("U", 5), **{"@context": [UNKNOWN]}), made(1, FARM, some("V", 5)))
    job = captured(cast.farm, inside)
    assert (job["success"], pointers(job)) == (False, ["/epcisBody/eventList/0/@context/0"])
    for wrong in ("dairy.jsonld", "//contexts.example.org/dairy.jsonld", ["", CONTEXT]):
        sent = {**document(made(1, FARM, some("U", 5))), "@context": wrong}
        answer = cast.farm.post("/epcis/capture", sent)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"].startswith("/@context")
    declared = {
        **document(made(1, FARM, some("D", 5), **{"dairy:fat": 3.5})),
        "@context": [CONTEXT, {"dairy": UNKNOWN}],
    }
    assert counts(captured(cast.farm, declared)) == (1, 0, 0)
    assert reached == []
