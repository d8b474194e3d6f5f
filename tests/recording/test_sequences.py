"""What is decided with everything in memory is decided the same with what was loaded for it."""

from collections.abc import Iterator
from random import Random

import pytest
from sqlalchemy import Engine

from app.domain import codes
from app.domain.codes import CodeKind
from app.domain.deciding import Decision, Record, decide
from app.domain.errors import Refusal
from app.domain.rows import Code
from app.recording import events as recording
from app.recording import record_events
from app.store import tables
from app.store.bulk import insert
from app.store.engine import writing
from app.store.writer import Writer
from tests.support.stage import NOW, Stage, body_of, minting, principal


@pytest.fixture
def writer(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    """A writer at the stage's hour, with its codes."""
    mint = minting()
    monkeypatch.setattr(recording.codes, "mint", mint)
    started = Writer(engine, clock=lambda: NOW)
    yield started
    started.close()


def furnish(engine: Engine, stage: Stage) -> None:
    """Puts down who and what is on the stage."""
    of = stage.ledger
    coded = [
        (row, kind) for rows, kind in ((of.parties, CodeKind.PARTY), (of.sites, CodeKind.SITE)) for row in rows.values()
    ]
    with writing(engine) as connection:
        for table, rows in (
            (tables.party, of.parties), (tables.site, of.sites), (tables.product, of.products),
            (tables.document, of.documents),
        ):  # fmt: skip
            names = [{"class": "class_"}.get(column.name, column.name) for column in table.columns]
            insert(connection, table, [[getattr(row, name) for name in names] for row in rows.values()])
        given = [Code(row.code, kind, row.id, "active", None, None, NOW) for row, kind in coded]
        names = [column.name for column in tables.code.columns]
        insert(connection, tables.code, [[getattr(row, name) for name in names] for row in given])


def alike(stage: Stage, writer: Writer, number: int) -> int:
    """Plays events on both; returns how many were recorded."""
    recorded = 0
    for _ in range(number):
        who, event = stage.event()
        command = Record(principal(who), event, body_of(event))
        try:
            expected: Decision | Refusal = decide(stage.ledger, command)
        except Refusal as refusal:
            expected = refusal
        try:
            found: Decision | Refusal = writer.submit(record_events, command)
        except Refusal as refusal:
            found = refusal
        if isinstance(expected, Refusal):
            assert isinstance(found, Refusal), (event, expected)
            assert (found.slug, found.detail) == (expected.slug, expected.detail)
        else:
            assert isinstance(found, Decision), (event, found)
            assert found.outcome == expected.outcome
            recorded += 1
    return recorded


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 12))])
def test_the_store_loads_all_that_a_decision_looks_at(engine: Engine, writer: Writer, seed: int) -> None:
    """One event at a time, so that each finds nothing but what was loaded for it; the ledger is verified afterwards."""
    stage = Stage(Random(seed).choice)
    furnish(engine, stage)
    assert alike(stage, writer, 200) > 60


def test_a_whole_batch_is_decided_as_one_after_another(engine: Engine, writer: Writer) -> None:
    stage = Stage(Random(7).choice)
    furnish(engine, stage)
    alike(stage, writer, 60)
    played, commands = [], []
    for _ in range(60):
        who, event = stage.event()
        command = Record(principal(who), event, body_of(event))
        try:
            played.append(decide(stage.ledger, command).outcome)
        except Refusal as refusal:
            played.append({"slug": refusal.slug})
        commands.append(command)
    found = writer.submit(_all_at_once, commands)
    assert [each.outcome if isinstance(each, Decision) else {"slug": each.slug} for each in found] == played


def _all_at_once(transaction, batches):  # type: ignore[no-untyped-def]
    return [list(record_events(transaction, batch)) for batch in batches]


def test_codes_of_the_stage_are_codes() -> None:
    assert codes.parse(minting()(CodeKind.CUSTODY)).kind is CodeKind.CUSTODY
