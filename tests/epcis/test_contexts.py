"""`@context` of documents from anywhere: what the standard's says is known here under every address; no other is ever
fetched, and a name that only another could explain is refused where it stands (docs/decisions/0061)."""

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


def test_what_only_an_unknown_context_could_explain_is_refused_where_it_stands(cast: Cast, reached: list[Any]) -> None:
    for context in (UNKNOWN, [CONTEXT, UNKNOWN], [UNKNOWN, {"own": "https://own.example.cn/"}]):
        sent = {**document(made(1, FARM, some("U", 5), **{"dairy:fat": 3.5})), "@context": context}
        job = captured(cast.farm, sent)
        assert (job["success"], pointers(job)) == (False, ["/epcisBody/eventList/0/dairy:fat"])
        assert "no other is fetched" in job["errors"][0]["detail"]
        one = {**made(1, FARM, some("U", 5), fat=3.5), "@context": context}
        refused = cast.farm.post("/epcis/events", one)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/fat")
    for wrong in ("dairy.jsonld", "//contexts.example.org/dairy.jsonld", ["", CONTEXT]):
        sent = {**document(made(1, FARM, some("U", 5))), "@context": wrong}
        answer = cast.farm.post("/epcis/capture", sent)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"].startswith("/@context")
    assert reached == []


def test_an_unknown_context_that_no_name_needs_does_no_harm(cast: Cast, reached: list[Any]) -> None:
    """It comes out again with the event, which is not to mean anything else in another document."""
    sent = {**document(made(1, FARM, some("H", 5))), "@context": [CONTEXT, UNKNOWN]}
    assert counts(captured(cast.farm, sent)) == (1, 0, 0)
    (event,) = asked(cast, "H")["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    assert event["@context"] == [UNKNOWN]
    assert reached == []
