"""Another process looks at events and drafts their rows: what comes of it is the same, whatever becomes of it."""

import gc
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.domain.epcis.captured import CapturedEvent, capture
from app.domain.epcis.context import Context
from app.domain.rows import Product
from app.enrolling.keys import OPERATOR
from app.exchanging import ImportReport, Order, helper, import_document, importing, read_source
from app.exchanging.helper import Helper
from app.exchanging.recording import Noted, Take, Taken, take_events
from app.store import bulk, drafts, master, tables
from app.store.check import verify
from app.store.engine import writing
from app.store.writer import Transaction, Writer
from tests.domain.epcis.test_closure import history
from tests.exchanging.test_large import stories
from tests.exchanging.world import FARM, MARKET, declared, document, ledger, made, rows, seen, some, turned

SECONDS = 60
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper, "PATIENCE", SECONDS)
    monkeypatch.setattr(importing, "DRAFTED", 250)  # several of a document


@pytest.fixture
def helped() -> Iterator[Helper]:
    made = Helper()
    yield made
    made.close()


def bring(writer: Writer, engine: Engine, helper: Helper | None, *events: dict[str, Any], **order: Any) -> ImportReport:
    source = read_source(json.dumps(document(*events)).encode())
    return import_document(writer, engine, source, Order(OPERATOR, **order), helper)


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not done():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def of_itself(events: list[CapturedEvent]) -> list[CapturedEvent]:
    """Those of them that a draft can be made of."""
    own_ids: set[str | None] = set()
    found = []
    for event in events:
        if not event.is_error_declaration and (event.epcis_event_id is None or event.epcis_event_id not in own_ids):
            own_ids.add(event.epcis_event_id)
            found.append(event)
    return found


@pytest.mark.parametrize("seed", [6, 10, 42, 58])
def test_what_is_drafted_is_what_would_be_computed(engine: Engine, other: Engine, seed: int) -> None:
    events = of_itself(list(dict.fromkeys(history(random.Random(seed)))))
    said = {event: [("malformed_identifier", f"x {i}")] * (i % 3) for i, event in enumerate(events)}
    now = max(event.event_time for event in events) - timedelta(minutes=6)  # one is yet to happen
    context = [{"ex": "https://ns.example.com/epcis/"}]
    drafted = drafts.draft(list(said.items()), context, engine.dialect.name == "postgresql")
    assert drafted is not None
    ours, theirs = Writer(engine, clock=lambda: now), Writer(other, clock=lambda: now)
    try:
        assert ours.submit(take_events, Take(OPERATOR, draft=drafted)).fits
        theirs.submit(take_events, Take(OPERATOR, [Noted(event, said[event], context) for event in events]))
        # A draft of what is there by now is of no use.
        assert not ours.submit(take_events, Take(OPERATOR, draft=drafted)).fits
    finally:
        ours.close()
        theirs.close()
    assert ledger(engine) == ledger(other)
    for table in (tables.event, tables.epcis_event, tables.epc_event, tables.flag):
        assert rows(engine, table) == rows(other, table)
    assert {row["slug"] for row in rows(engine, tables.flag)} > {"malformed_identifier", "clock_ahead"}
    assert verify(engine) == []


def test_what_is_for_no_draft() -> None:
    event, again = made(1, FARM, some("A", 5)), made(2, FARM, some("B", 5))
    for events in (
        [event, declared(event)],
        [event, event],
        [{**event, "eventID": "urn:x:1"}, {**again, "eventID": "urn:x:1"}],
        [event, turned(4, FARM, [some("A")], [some("B")]), turned(5, FARM, [some("B")], [some("A")])],
    ):
        captured = [capture(each, Context()) for each in events]
        assert drafts.draft([(each, ()) for each in captured], None, False) is None, events
    assert drafts.draft([(capture(each, Context()), ()) for each in (event, again)], None, False) is not None


def test_goods_at_a_site_of_ours_or_sent_there_and_of_a_product_of_ours_are_not_drafted(
    engine: Engine, writer: Writer
) -> None:
    sent = seen(
        2, MARKET, "shipping", some("B", 5), destinationList=[{"type": "location", "destination": FARM}],
    )  # fmt: skip
    with writing(engine) as connection:
        bulk.insert(connection, tables.site_alias, [(FARM, uuid4(), NOW, True)])
        native = Product(
            uuid4(), "豆腐", "soy", "04012345123456", "count", None, None, [], None, 1, NOW, NOW
        )  # fmt: skip
        master.save(connection, [native])
    gtin = {"epcClass": "urn:epc:class:lgtin:4012345.012345.C", "quantity": 5, "uom": "KGM"}
    for event in (made(1, FARM, some("A", 5)), sent, made(1, MARKET, gtin)):
        drafted = drafts.draft([(capture(event, Context()), ())], None, engine.dialect.name == "postgresql")
        assert not writer.submit(take_events, Take(OPERATOR, draft=drafted)).fits
        assert rows(engine, tables.event) == rows(engine, tables.site) == []


class Here(Helper):
    """Computes in this process what it would send to the other."""

    def _ask(self, what: Callable[..., Any], *given: Any, document: object | None = None) -> Any:
        return pickle.loads(pickle.dumps(what(*pickle.loads(pickle.dumps(given)))))


@pytest.mark.parametrize("remembered", [2_000, 0])
def test_it_need_not_remember_what_it_has_seen(
    engine: Engine, writer: Writer, drafted: list[bool], monkeypatch: pytest.MonkeyPatch, remembered: int
) -> None:
    monkeypatch.setattr(helper, "REMEMBERED", remembered)
    assert bring(writer, engine, Here(), *stories(30)).counts["recorded"] == 150
    assert drafted == [True]
    assert verify(engine) == []


def test_what_does_not_fit_is_computed_in_pieces(
    engine: Engine, writer: Writer, drafted: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []

    def noting(transaction: Transaction, commands: Sequence[Take]) -> Sequence[Taken | Exception]:
        taken.extend(len(command.events) for command in commands if command.events)
        return take_events(transaction, commands)

    bring(writer, engine, None, made(1, FARM, some("L3", 1)))
    monkeypatch.setattr(importing, "take_events", noting)
    monkeypatch.setattr(importing, "DRAFTED", 500)
    told: list[int] = []
    report = bring(writer, engine, Here(), *stories(60), told=lambda _, done: told.append(done))
    assert report.counts["recorded"] == 300
    assert (drafted, taken, [done for done in told if done]) == ([False], [250, 50], [250, 300])
    assert verify(engine) == []


def test_the_document_that_came_first_is_next_until_it_has_had_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper, "TURN", 2)
    line, served = helper._Line(), list[str]()
    documents = {name: read_source(b"{}") for name in ("first", "second")}

    def ask(name: str) -> None:
        with line.turn(documents[name]):
            served.append(name)

    def wait(waiting: int) -> None:
        until(lambda: len(line._waiting) == waiting)

    ask("first")
    ask("second")
    for order in (("second", "first"), ("second", "first")):
        with ThreadPoolExecutor() as pool, line.turn(None):
            for waiting, name in enumerate(order, 1):
                pool.submit(ask, name)
                wait(waiting)
            assert not line.free
    assert served[2:] == ["first", "second", "second", "first"]
    assert line.free


def test_it_answers_as_long_as_somebody_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked, answers, elsewhere = BytesIO(), tmp_path / "answers", tmp_path / "elsewhere"
    for question in ((int, ("5",)), (int, ("no number",))):
        helper._send(asked, helper._packed(question))
    asked.seek(0)
    ignored: list[int] = []
    with answers.open("wb") as out, elsewhere.open("wb") as errors:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=asked))
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", errors)
        monkeypatch.setattr(signal, "signal", lambda number, _: ignored.append(number))
        collected: list[int] = []
        monkeypatch.setattr(helper, "_COLLECTED", 2)
        for name in ("freeze", "disable"):
            monkeypatch.setattr(gc, name, lambda: None)
        monkeypatch.setattr(gc, "collect", lambda: collected.append(1))
        monkeypatch.setattr(os, "_exit", sys.exit)
        with pytest.raises(SystemExit) as ended:
            helper.serve()
        out.write(b"said by a library")
    assert (ended.value.code, ignored, collected) == (0, [signal.SIGINT, signal.SIGTERM], [1])
    assert elsewhere.read_bytes() == b"said by a library"
    with answers.open("rb") as told:
        assert [pickle.loads(helper._receive(told)) for _ in range(2)] == [None, 5]
        assert "invalid literal" in str(pickle.loads(helper._receive(told)))
        assert told.read() == b""


class TestProcess:
    """With a real one."""

    def test_it_changes_nothing(
        self, engine: Engine, writer: Writer, other: Engine, other_writer: Writer, helped: Helper, drafted: list[bool]
    ) -> None:
        documents = (
            # Goods that nobody knows, in pieces; what is refused and flagged among them; more of the same goods.
            stories(60),
            some_wrong(),
            [made(1, FARM, some("new", 1)), *(seen(600 + i, MARKET, "inspecting", some(f"L{i}")) for i in range(20))],
        )
        for events in documents:
            ours, theirs = (
                bring(its, where, by, *events, proceed=True)
                for its, where, by in ((writer, engine, helped), (other_writer, other, None))
            )
            assert [one.status for one in ours.events] == [one.status for one in theirs.events]
            assert (ours.counts, ours.refusals) == (theirs.counts, theirs.refusals)
        assert ledger(engine) == ledger(other)
        assert drafted == [True, True, True, False]
        assert verify(engine) == []
        assert helped.pid is not None

    def test_where_it_is_killed_it_is_asked_again(
        self, engine: Engine, writer: Writer, monkeypatch: pytest.MonkeyPatch, drafted: list[bool]
    ) -> None:
        mortal = Helper()
        asked = mortal._ask

        def killed(*given: Any, **document: Any) -> Any:
            if mortal.pid is not None:
                os.kill(mortal.pid, signal.SIGKILL)
            return asked(*given, **document)

        monkeypatch.setattr(mortal, "_ask", killed)
        report = bring(writer, engine, mortal, *stories(60))
        mortal.close()
        assert report.counts["recorded"] == 300
        assert drafted == [True, True]
        assert verify(engine) == []

    def test_where_it_does_not_live_this_process_computes(
        self, engine: Engine, writer: Writer, monkeypatch: pytest.MonkeyPatch, drafted: list[bool]
    ) -> None:
        monkeypatch.setattr(helper, "serve", None)
        monkeypatch.setattr(helper, "__name__", "no.such.module")
        dying = Helper()
        report = bring(writer, engine, dying, *stories(30))
        assert report.counts["recorded"] == 150
        assert drafted == []
        assert dying.pid is None
        dying.close()

    def test_what_it_cannot_do_is_told_and_done_here(self, helped: Helper, caplog: pytest.LogCaptureFixture) -> None:
        assert helped._ask(int, "no number") is None
        assert "invalid literal" in caplog.text
        caplog.clear()
        unreadable = "type('Unreadable', (), {'__reduce__': lambda self: (int, ('an answer',))})()"
        assert helped._ask(eval, unreadable) is None
        assert "invalid literal" in caplog.text
        assert helped._ask(int, "5") == 5

    def test_nobody_waits_long_for_it_to_begin(self, helped: Helper, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(helper, "PATIENCE", 0.0)
        assert helped._ask(int, "5") is None
        first = helped.pid
        until(lambda: helped._ask(int, "5") == 5)
        assert helped.pid == first is not None

    def test_it_rests_and_comes_again(self, helped: Helper, monkeypatch: pytest.MonkeyPatch) -> None:
        helped.rest()
        assert helped._ask(int, "5") == 5
        first = helped.pid
        helped.rest()
        assert helped.pid == first is not None
        monkeypatch.setattr(helper, "RESTS", 0.0)
        helped.rest()
        assert helped.pid is None
        assert not alive(first)
        assert helped._ask(int, "5") == 5

    def test_who_waits_when_it_is_closed_computes_for_himself(self, helped: Helper) -> None:
        assert helped._ask(int, "5") == 5
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(helped._ask, time.sleep, SECONDS)
            time.sleep(0.1)
            helped.close()
            assert waiting.result(SECONDS / 2) is None
        assert helped._ask(int, "5") is None

    def test_an_answer_that_cannot_be_read_is_none_of_the_next_question(
        self, helped: Helper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert helped._ask(int, "5") == 5
        receive = helper._receive

        def broken(pipe: Any) -> Any:
            monkeypatch.setattr(helper, "_receive", receive)
            raise pickle.UnpicklingError

        monkeypatch.setattr(helper, "_receive", broken)
        assert helped._ask(int, "6") == 6
        assert helped._ask(int, "7") == 7

    def test_where_the_system_has_no_room_for_wide_pipes_they_stay_as_they_are(
        self, helped: Helper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(helper, "_PIPE", 1 << 31)
        assert helped._ask(int, "5") == 5

    def test_it_reads_nothing_of_the_directory_it_is_started_in(
        self, helped: Helper, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "selectors.py").write_text("raise SystemExit")
        monkeypatch.chdir(tmp_path)
        assert helped._ask(int, "5") == 5

    def test_it_is_not_sent_away_before_it_has_begun(self, helped: Helper, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(helper, "PATIENCE", 0.0)
        helped._used -= helper.RESTS + 1  # the service has had nothing for it until now
        assert helped._ask(int, "5") is None
        first = helped.pid
        helped.rest()
        assert helped.pid == first is not None

    def test_what_it_was_not_told_any_more_is_let_go(self, helped: Helper) -> None:
        assert helped._ask(int, "5") == 5
        process = helped._process
        assert process is not None
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.write(b"half a question")
        helped.close()
        assert helped.pid is None
        assert process.stdin.closed

    def test_it_does_not_outlive_the_service(self) -> None:
        program = (
            "import time\nfrom app.exchanging import helper\nhelper.PATIENCE = 60\n"
            "one = helper.Helper()\nassert one._ask(int, '5') == 5\nprint(one.pid, flush=True)\ntime.sleep(60)"
        )
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as service:
            assert service.stdout is not None
            pid = int(service.stdout.readline())
            os.kill(pid, signal.SIGTERM)  # which is for the service: systemd tells every process of it
            os.kill(pid, signal.SIGINT)
            assert alive(pid)
            service.kill()
        until(lambda: not alive(pid))


@pytest.fixture
def drafted(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each draft was written."""
    found: list[bool] = []

    def noting(*given: Any) -> bool:
        found.append(fits(*given))
        return found[-1]

    fits = drafts.fits
    monkeypatch.setattr(drafts, "fits", noting)
    return found


def some_wrong() -> list[dict[str, Any]]:
    good = made(1, FARM, some("W", 5))
    return [
        {**good, "bizStep": "eating"},
        {**good, "eventID": "urn:uuid:no", "ex:deep": {"ex:note": [1.50, None]}},
    ]
