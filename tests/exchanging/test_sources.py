"""Documents whose events are pieces of their bytes: in any encoding, however they are written, whatever is in one."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine

from app.domain.errors import Malformed, TooLarge
from app.enrolling.keys import OPERATOR
from app.exchanging import ImportReport, Order, checking, import_document, read_source, sources
from app.exchanging.sources import Parsed, Spooled
from app.store import tables
from app.store.writer import Writer
from tests.exchanging.test_large import stories
from tests.exchanging.world import FARM, bring, document, ledger, made, rows, some

ONE, TWO = made(1, FARM, some("A", 5)), made(2, FARM, some("B", 5))
MARK = json.dumps("MARK").encode()
MANY_DIGITS = b"9" * 5_000


def text(*events: dict[str, Any], **fields: Any) -> bytes:
    return json.dumps(document(*events, **fields)).encode()


def brought(writer: Writer, engine: Engine, raw: bytes, **options: Any) -> ImportReport:
    return import_document(writer, engine, read_source(raw), Order(OPERATOR, **options))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32-le"])
def test_an_encoding_of_json_is_read(encoding: str) -> None:
    source = read_source(text(ONE, TWO).decode().encode(encoding))
    assert isinstance(source, Spooled)
    assert [source.event(i) for i in range(len(source))] == [ONE, TWO]


def test_bytes_that_are_not_of_their_encoding() -> None:
    with pytest.raises(Malformed) as refused:
        read_source(text(ONE).decode().encode("utf-16-le") + b"\x00\xd8")
    assert refused.value.slug == "bad-json"


def test_a_list_whose_name_is_written_with_escapes() -> None:
    source = read_source(text(ONE, TWO).replace(b'"eventList"', rb'"event\u004cist"'))
    assert isinstance(source, Parsed)
    assert [source.event(i) for i in range(len(source))] == [ONE, TWO]
    assert source.shell == document()


def test_a_list_of_equal_content_elsewhere_is_not_that_of_the_events() -> None:
    decoy = {"ex:before": {"eventList": [ONE]}}
    source = read_source(json.dumps(decoy | document(ONE)).encode())
    assert isinstance(source, Spooled)
    assert (source.shell, source.event(0)) == (decoy | document(), ONE)


def test_a_long_text_that_is_no_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_PART", 100)
    with pytest.raises(Malformed) as refused:
        read_source(text(ONE)[:-1])
    assert refused.value.slug == "bad-json"


def test_much_that_is_not_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_PART", 1_000)
    assert len(read_source(text(*[ONE] * 50))) == 50, "events are taken apart one by one"
    with pytest.raises(TooLarge):
        read_source(text(ONE, sender="x" * 1_000))


@pytest.mark.parametrize("proceed", [False, True])
def test_an_event_that_cannot_be_read_is_refused_by_its_place(engine: Engine, writer: Writer, proceed: bool) -> None:
    """And the whole document with it, which could not be given back."""
    raw = text(ONE, TWO | {"ex:n": "MARK"}).replace(MARK, MANY_DIGITS)
    report = brought(writer, engine, raw, proceed=proceed)
    assert [(fault.pointer, fault.slug) for fault in report.refusals] == [("/epcisBody/eventList/1", "bad-json")]
    assert (report.capture_id, report.counts["refused"]) == (None, 2)
    assert rows(engine, tables.event) == []


def test_an_event_that_is_too_long_is_refused_by_its_place(
    engine: Engine, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MAX_PART", 1_000)
    report = brought(writer, engine, text(ONE, TWO | {"ex:text": "x" * 1_000}))
    assert [(fault.pointer, fault.slug) for fault in report.refusals] == [("/epcisBody/eventList/1", "too-large")]
    assert rows(engine, tables.event) == []


def test_events_that_are_not_at_hand_are_recorded_as_those_that_are(
    engine: Engine, writer: Writer, other: Engine, other_writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = stories(6)
    bring(other_writer, other, document(*events))
    monkeypatch.setattr(checking, "AT_HAND", 2_000)
    assert brought(writer, engine, text(*events)).counts["recorded"] == 30
    assert ledger(engine) == ledger(other)
