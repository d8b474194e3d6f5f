"""The working set: a refused command leaves it exactly as it was, and no sequence of events breaks its books."""

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain import ids
from app.domain.codes import CodeKind, parse
from app.domain.deciding import Decision, Record, decide
from app.domain.errors import Refusal
from app.domain.events import Produce
from app.domain.forms import Entered, Output
from app.domain.rows import Custody, Slip
from tests.support.stage import KINDS, NOW, Stage, body_of, faults, ledger, named, picture, principal


def outcome_of(stage: Stage, command: Record) -> Decision | Refusal:
    try:
        return decide(stage.ledger, command)
    except Refusal as refusal:
        return refusal


@pytest.mark.parametrize("number", [25, pytest.param(300, marks=pytest.mark.soak)])
def test_no_sequence_of_events_breaks_the_books(number: int) -> None:
    run = settings(max_examples=number, deadline=None, suppress_health_check=list(HealthCheck))(given(st.data())(play))
    run()


def play(data: st.DataObject) -> None:
    """Events one after another, each checked."""
    stage = Stage(lambda options: data.draw(st.sampled_from(options)))
    for _ in range(20):
        who, event = stage.event()
        before = picture(stage.ledger)
        command = Record(principal(who), event, body_of(event))
        done = outcome_of(stage, command)
        if isinstance(done, Refusal):
            assert " · " in done.detail
            assert picture(stage.ledger) == before, done
            continue
        assert done.status == "recorded"
        assert list(faults(stage.ledger)) == []
        # The same again changes nothing and is answered the same; other content is refused.
        after = picture(stage.ledger)
        assert decide(stage.ledger, command) == Decision("duplicate", done.outcome)
        with pytest.raises(Refusal, match="ref-reused"):
            decide(stage.ledger, Record(command.principal, event, command.body | {"x": 1}))
        assert picture(stage.ledger) == after


def test_every_kind_is_met_and_recorded_by_the_sequences() -> None:
    """The sequences above would prove nothing were everything refused."""
    stage, recorded, met = Stage(Random(1).choice), set(), 0
    for _ in range(400):
        who, event = stage.event()
        if isinstance(outcome_of(stage, Record(principal(who), event, body_of(event))), Decision):
            recorded.add(event.kind)
            met += 1
    assert recorded >= {*KINDS, "correct"}
    assert met > 150


def test_changes_are_undone_in_their_order() -> None:
    stage = ledger()
    event = Produce(
        kind="produce", event_time=NOW, ref="r", site_id=named("farm"),
        outputs=(Output(product_id=named("cabbage"), quantity=Entered("5", "kg"), produced_on=date(2026, 2, 28)),),
    )  # fmt: skip
    decide(stage, Record(principal("farm"), event, body_of(event)))
    custody = next(iter(stage.rows[Custody].values()))
    before = picture(stage)
    stage.edit(custody, sold=1)
    stage.edit(custody, sold=2, admission="refused")
    slip = Slip("T1", named("e"), named("farm"), None, None, None, NOW, "open")
    stage.add(slip)
    stage.edit(slip, status="voided")
    stage.rollback()
    assert picture(stage) == before
    stage.rollback()
    assert picture(stage) == before


def test_rows_that_are_loaded_twice_stay_as_they_are() -> None:
    stage = ledger()
    first = Slip("T1", named("e"), named("farm"), None, None, None, NOW, "open")
    stage.load([first])
    stage.edit(first, status="voided")
    stage.load([Slip("T1", named("e"), named("farm"), None, None, None, NOW + timedelta(days=1), "open")])
    assert stage.slip("T1") is first
    assert stage.slip("T1").status == "voided"


@pytest.mark.parametrize("kind", ["custody", "lot", "event", "hold", "site", "product", "party", "document"])
def test_what_is_not_there_is_named(kind: str) -> None:
    with pytest.raises(Refusal) as refused:
        getattr(ledger(), kind)(named("nothing"))
    assert (refused.value.slug, refused.value.identity) == (f"unknown-{kind}", str(named("nothing")))


def test_codes_are_minted_by_kind() -> None:
    assert parse(ledger().mint(CodeKind.SLIP)).kind is CodeKind.SLIP
    assert ids.event_id(principal("regulator").recorder_id, "x") != ids.event_id(principal("admin").recorder_id, "x")
