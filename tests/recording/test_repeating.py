"""The same again is the same answer, however, wherever and how often at once it is posted."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from app import web
from app.main import close_service, open_service
from app.settings import Settings
from tests.recording.conftest import Books, harvest, whole, without
from tests.support.cast import Cast, quantity
from tests.support.story import ndjson, outcomes


def test_the_same_again_is_a_duplicate_and_other_content_a_conflict(cast: Cast, books: Books) -> None:
    body = cast.farm.event("produce", outputs=[cast.output(cast.product("蒜"), "5")])
    first = cast.farm.post("/events", body)
    assert first.status_code == 201
    again = cast.farm.post("/events", dict(reversed(body.items())))
    assert (again.status_code, again.json()) == (200, first.json() | {"status": "duplicate"})
    answer = cast.farm.post("/events", body | {"outputs": [body["outputs"][0] | {"quantity": quantity("6")}]})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/ref-reused")
    assert books.balance(first.json()["outputs"][0]) == {"amount_in": 5_000, "on_hand": 5_000}
    # A reference is one's own: another party's is another event.
    other = cast.plant.post("/events", body | {"site_id": cast.plant.site["id"]})
    assert other.status_code == 201
    assert other.json()["id"] != first.json()["id"]
    # What was refused was never recorded: mended, it may come under the same reference.
    wrong = cast.farm.event("produce", outputs=[cast.output({"id": cast.farm.site["id"]}, "5")])
    assert cast.farm.post("/events", wrong).status_code == 404
    assert cast.farm.post("/events", wrong | {"outputs": body["outputs"]}).status_code == 201


def test_a_list_answers_for_each_and_one_bad_event_blocks_no_other(cast: Cast) -> None:
    product = cast.product("韭黄")
    good = cast.farm.event("produce", outputs=[cast.output(product, "5")])
    other = good | {"event_time": "2026-03-01T06:30:00+08:00"}
    second = cast.farm.event("produce", outputs=[cast.output(product, "6")])
    unreadable = second | {"ref": "x", "outputs": "none", "kind": "produce"}
    events = [good, unreadable, 7, {"ref": "a", "kind": "dance"}, good, other, cast.farm.event("hold"), second]
    answer = cast.farm.post("/events", {"events": events})
    assert answer.status_code == 200
    body = answer.json()
    assert without(body, "results") == {"recorded": 2, "duplicate": 1, "conflict": 1, "rejected": 4}
    results = [whole(outcome) for outcome in body["results"]]
    assert [outcome["status"] for outcome in results] == [
        "recorded", "rejected", "rejected", "rejected", "duplicate", "conflict", "rejected", "recorded"
    ]  # fmt: skip
    assert results[4] == results[0] | {"status": "duplicate"}
    # A rejected event is named by what could be read of it.
    assert [(o["ref"], o["kind"]) for o in results[1:4]] == [("x", "produce"), (None, None), ("a", "dance")]
    assert [o["problem"]["status"] for o in results if o["problem"]] == [422, 422, 422, 409, 422]
    assert results[1]["problem"]["errors"][0]["pointer"] == "/outputs"
    assert (results[5]["id"], results[5]["problem"]["type"]) == (results[0]["id"], "/problems/ref-reused")
    empty = cast.farm.post("/events", {"events": []})
    assert (empty.status_code, empty.json()["results"]) == (200, [])


def test_ndjson_answers_line_by_line(cast: Cast) -> None:
    product = cast.product("韭黄")
    good = [cast.farm.event("produce", outputs=[cast.output(product, "5")]) for _ in range(3)]
    sent = ndjson([*good, {"kind": "produce"}, good[0]])
    sent["content"] = b"\n" + sent["content"].rstrip(b"\n") + b"\r\n\r\n{\n" + b'"' + b"x" * 1_000_001 + b'"\n'
    answer = cast.farm.request("POST", "/events", **sent)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    lines, summary = outcomes(answer.text)
    assert [whole(line)["status"] for line in lines] == ["recorded"] * 3 + ["rejected", "duplicate"] + ["rejected"] * 2
    assert summary == {"recorded": 3, "duplicate": 1, "conflict": 0, "rejected": 3}
    assert [line["problem"]["type"] for line in lines if line["problem"]] == [
        "/problems/invalid", "/problems/bad-json", "/problems/too-large"
    ]  # fmt: skip
    assert lines[4] == lines[0] | {"status": "duplicate"}
    # The same body again changes nothing.
    again, summary = outcomes(cast.farm.request("POST", "/events", **sent).text)
    assert [without(line, "status") for line in again[:3]] == [without(line, "status") for line in lines[:3]]
    assert summary == {"recorded": 0, "duplicate": 4, "conflict": 0, "rejected": 3}
    nothing = cast.farm.request("POST", "/events", **ndjson([]))
    assert json.loads(nothing.text) == {"summary": dict.fromkeys(("recorded", "duplicate", "conflict", "rejected"), 0)}


def test_many_threads_post_the_same_at_once(cast: Cast, books: Books) -> None:
    batch = harvest(cast, "100")
    sales = [cast.farm.event("sell", lines=[cast.item(batch, "1")]) for _ in range(4)]
    other = sales[0] | {"lines": [cast.item(batch, "2")]}

    def post(body: dict[str, Any]) -> tuple[int, str]:
        answer = cast.farm.post("/events", body)
        return answer.status_code, json.dumps(without(answer.json(), "status"), sort_keys=True)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, [*sales * 6, other]))
    assert Counter(status for status, _ in answers) == {201: 4, 200: 20, 409: 1}
    assert len({text for status, text in answers if status != 409}) == 4
    assert books.balance(batch) == {"amount_in": 100_000, "sold": 4_000, "on_hand": 96_000}


@pytest.fixture
def neighbour(settings: Settings, client: TestClient, unfrozen: None) -> Iterator[TestClient]:
    """A second process on the same database, as another `--workers` is."""
    service = open_service(settings)
    with TestClient(web.create_app(service), base_url=service.settings.public_url) as opened:
        yield opened
    close_service(service)


def test_two_processes_record_the_same_once(cast: Cast, books: Books, neighbour: TestClient) -> None:
    batch = harvest(cast, "100")
    wrong = [cast.farm.record("sell", lines=[cast.item(batch, "1")]) for _ in range(10)]
    bodies = [cast.farm.event("sell", lines=[cast.item(batch, "1")]) for _ in range(10)]
    # Two corrections of one event: the second sees the first.
    bodies += [
        cast.farm.event("correct", event_id=sale["id"], reason="did_not_occur") for sale in wrong for _ in range(2)
    ]
    headers = {"Authorization": f"Bearer {cast.farm.key}"}

    def post(job: tuple[Any, dict[str, Any]]) -> tuple[int, str]:
        client, body = job
        answer = client.post("/api/v1/events", json=body, headers=headers)
        return answer.status_code, str(answer.json().get("type"))

    jobs = [(client, body) for body in bodies for client in (cast.client, neighbour)]
    with ThreadPoolExecutor(4) as pool:
        answers = Counter(pool.map(post, jobs))
    # Of two corrections one is recorded, and told again; the other is late, twice.
    assert answers == {(201, "None"): 20, (200, "None"): 20, (409, "/problems/already-corrected"): 20}
    assert books.balance(batch) == {"amount_in": 100_000, "sold": 10_000, "on_hand": 90_000}
