"""The books agree where the service does its work, and do not where anything at all was lost, doubled or changed."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.simulator import Plan, Report, SimulationFailed
from app.store import tables
from app.store.engine import writing
from app.web.service import Service
from tests.simulator.playing import ALL, SMALL, played
from tests.support.databases import Database


def test_a_day_with_all_that_goes_wrong_closes(service: Service) -> None:
    plan = Plan(2, 4, 30, days=2, seconds=1.0, batches=4, habits=ALL)
    report = played(service, plan)
    assert report.differences.told == []
    assert report.closed
    assert report.ours == report.theirs
    assert report.theirs.sales == 2 * 4 * 30 * 2
    assert min(report.ours.grams, report.ours.pieces, report.ours.fen) > 0
    answers, flags = report.tally.answers, report.tally.flags
    assert answers["recorded"] == report.theirs.sales
    # The copy of one scale: every number of it was claimed twice.
    assert sum(book.our_claims for book in report.books) == sum(book.their_claims for book in report.books) == 60
    assert answers["conflict"] >= 60
    assert answers["duplicate"] > 100
    assert answers["rejected"] == 0
    assert report.tally.kept == plan.total
    assert flags["sold_without_batch"] > 0
    assert flags["clock_ahead"] > 0
    assert 0 < report.tally.quantile(0.5) <= report.tally.quantile(0.99)


def test_every_scale_comes_back_at_once(service: Service) -> None:
    report = played(service, replace(SMALL, stalls=10, sales=25, backlog=True, connections=4))
    assert report.closed, report.differences.told
    assert (report.tally.uploads, report.tally.answers["recorded"]) == (10, 250)


def test_what_was_sold_until_it_was_stopped_is_compared(service: Service) -> None:
    report = played(service, Plan(1, 4, 50, seconds=60, batches=3, habits=ALL), stop_after=3)
    assert report.stopped
    assert report.closed, report.differences.told
    assert 3 <= report.theirs.sales < 200


# --- a service that does not do its work ---

one_database = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def told(report: Report, what: str) -> bool:
    assert not report.closed
    return any(what in difference for difference in report.differences.told)


@one_database
@pytest.mark.parametrize(
    ("change", "what"),
    [
        (
            lambda: update(tables.receipt_line).values(amount_fen=tables.receipt_line.c.amount_fen + 1),
            "not what the scale",
        ),
        (lambda: update(tables.receipt_line).values(amount=tables.receipt_line.c.amount + 1), "not what the scale"),
        (lambda: delete(tables.receipt_line).where(tables.receipt_line.c.line == 0), "not what the scale"),
        (lambda: update(tables.receipt).values(id=tables.receipt.c.id + 2**29), "nobody sold this"),
        (lambda: update(tables.custody).values(sold=tables.custody.c.sold + 1), "should be left of the batch"),
        (lambda: update(tables.receipt).values(event_time=tables.receipt.c.event_time), None),
    ],
)
def test_a_changed_row_is_found(
    service: Service, database: Database, change: Callable[[], Any], what: str | None
) -> None:
    database.damaged = True

    def damage() -> None:
        with writing(service.engine) as connection:
            connection.execute(change())

    report = played(service, SMALL, when_sold=damage)
    assert report.closed if what is None else told(report, what)


@one_database
def test_a_lost_receipt_is_found(service: Service, database: Database) -> None:
    database.damaged = True

    def lose() -> None:
        with writing(service.engine) as connection:
            (first,) = connection.execute(select(tables.receipt.c.id).limit(1)).one()
            connection.execute(delete(tables.receipt_line).where(tables.receipt_line.c.receipt_id == first))
            connection.execute(delete(tables.receipt).where(tables.receipt.c.id == first))

    report = played(service, SMALL, when_sold=lose)
    assert told(report, "acknowledged and lost")
    assert report.theirs.sales == report.ours.sales - 1
    assert report.theirs.fen < report.ours.fen


@one_database
def test_a_lost_claim_is_found(service: Service, database: Database) -> None:
    database.damaged = True

    def lose() -> None:
        with writing(service.engine) as connection:
            connection.execute(delete(tables.receipt_claim))

    plan = replace(SMALL, habits=replace(SMALL.habits, copied=1))
    report = played(service, plan, when_sold=lose)
    assert told(report, "acknowledged and lost")
    assert [(book.our_claims, book.their_claims) for book in report.books] == [(6, 0)]


class Between:
    """Stands between the scales and the service; `upload` sees each body of /sales, `answer` each answer to it."""

    def __init__(
        self,
        app: ASGIApp,
        upload: Callable[[list[Any]], list[Any]] = lambda sales: sales,
        answer: Callable[[int, dict[str, Any]], tuple[int, dict[str, Any]]] = lambda status, body: (status, body),
    ) -> None:
        self._app, self._upload, self._answer = app, upload, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/api/v1/sales" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        sales = json.loads(body)["sales"]
        sent = json.dumps({"sales": self._upload(sales)}).encode()
        started: Message = {}
        answered = b""

        async def given() -> Message:
            return {"type": "http.request", "body": sent, "more_body": False}

        async def taken(message: Message) -> None:
            nonlocal started, answered
            if message["type"] == "http.response.start":
                started = message
            else:
                answered += message.get("body", b"")

        headers = [(b"content-length", str(len(sent)).encode()) if n == b"content-length" else (n, v)
                   for n, v in scope["headers"]]  # fmt: skip
        await self._app({**scope, "headers": headers}, given, taken)
        status, told = self._answer(started["status"], json.loads(answered))
        content = json.dumps(told).encode()
        await send({"type": "http.response.start", "status": status, "headers": [
            (b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())
        ]})  # fmt: skip
        await send({"type": "http.response.body", "body": content})


@one_database
def test_a_sale_that_never_arrives_is_found(service: Service) -> None:
    """What lies between acknowledges the last sale of every upload and does not hand it on."""
    kept: list[Any] = []

    def upload(sales: list[Any]) -> list[Any]:
        kept[:] = sales[-1:] if sales[-1]["counter"] == 3 else []
        return sales[: len(sales) - len(kept)]

    def answer(status: int, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        for sale in kept:
            body["results"].append(
                {"status": "duplicate", "counter": sale["counter"], "flags": [], "receipt_code": "R"}
            )
        return status, body

    report = played(service, SMALL, between=lambda app: Between(app, upload, answer))
    assert told(report, "acknowledged and lost")
    assert told(report, "a duplicate when it was first sent")
    assert told(report, "not the one that the scale has printed")


@one_database
def test_a_sale_that_arrives_twice_under_two_numbers_is_found(service: Service) -> None:
    def upload(sales: list[Any]) -> list[Any]:
        return [*sales, *({**sale, "counter": sale["counter"] + 1_000} for sale in sales)]

    def answer(status: int, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return status, {**body, "results": body["results"][: len(body["results"]) // 2]}

    report = played(service, SMALL, between=lambda app: Between(app, upload, answer))
    assert told(report, "nobody sold this")
    assert told(report, "should be left of the batch")


@one_database
@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"status": "recorded"}, "recorded twice"),
        ({"status": "conflict"}, "no other scale has its numbers"),
        ({"status": "rejected", "problem": {"detail": "no"}}, "rejected: no"),
        ({"counter": 77}, "not those of the sales that were sent"),
    ],
)
def test_an_answer_that_is_not_true_is_found(service: Service, change: dict[str, Any], what: str) -> None:
    def answer(status: int, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return status, {**body, "results": [{**outcome, **change} for outcome in body["results"]]}

    plan = replace(SMALL, habits=replace(SMALL.habits, resends=1))
    report = played(service, plan, between=lambda app: Between(app, answer=answer))
    assert told(report, what)


@one_database
@pytest.mark.parametrize("status", [401, 500])
def test_a_service_that_will_not_have_them_is_said(service: Service, status: int) -> None:
    report = played(service, SMALL, between=lambda app: Between(app, answer=lambda _, body: (status, body)))
    assert told(report, str(status))
    # What was sent and not acknowledged may be there or not: it is compared, and nothing else is missing.
    assert report.ours == report.theirs
    assert report.tally.kept == 0


@one_database
def test_a_service_that_is_busy_is_asked_again(service: Service) -> None:
    turned = iter([503, 429, 503])

    def answer(status: int, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return next(turned, status), body

    report = played(service, SMALL, between=lambda app: Between(app, answer=answer))
    assert report.closed, report.differences.told
    assert report.tally.turned_away == 3
    assert report.tally.answers["duplicate"] >= 3  # it had recorded them all the same


@one_database
def test_a_key_that_may_not_is_said(service: Service) -> None:
    def unauthorised(app: ASGIApp) -> ASGIApp:
        async def without(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "headers": []}, receive, send)

        return without

    with pytest.raises(SimulationFailed, match="401"):
        played(service, SMALL, between=unauthorised)
