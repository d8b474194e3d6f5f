"""Whatever order events come in, and in however many pieces, the ledger is the same, and its check finds nothing."""

import random
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.domain.epcis.captured import CapturedEvent
from app.store import tables
from app.store.check import verify
from app.store.writer import Writer
from tests.domain.epcis.test_closure import history
from tests.exchanging.world import codes, ledger, rows, take


def pieces(events: list[CapturedEvent], rng: random.Random) -> Iterator[list[CapturedEvent]]:
    rest = events[:]
    rng.shuffle(rest)
    while rest:
        size = rng.randint(1, len(rest))
        yield rest[:size]
        rest = rest[size:]


@pytest.mark.parametrize("seed", range(4))
def test_senseless_histories_make_one_ledger(
    engine: Engine, writer: Writer, other: Engine, other_writer: Writer, seed: int
) -> None:
    rng = random.Random(seed)
    events = list(dict.fromkeys(history(rng)))
    take(other_writer, events)
    for piece in pieces(events, rng):
        take(writer, piece)
    take(writer, rng.sample(events, len(events) // 2))
    assert ledger(engine) == ledger(other)
    assert verify(engine) == verify(other) == []


@pytest.mark.parametrize("seed", range(4))
def test_a_code_once_minted_stays_with_its_goods(engine: Engine, writer: Writer, seed: int) -> None:
    rng = random.Random(1000 + seed)
    events = list(dict.fromkeys(history(rng)))
    known: dict[str, object] = {}
    for piece in pieces(events, rng):
        take(writer, piece, issue=True)
        now = codes(engine)
        assert known.items() <= now.items()
        known = now
    assert verify(engine) == []
    active = {row["code"] for row in rows(engine, tables.code) if row["status"] == "active"}
    standing = {
        row["code"] for row in rows(engine, tables.custody) if row["voided_by"] is None and row["kind"] == "custody"
    }
    revoked = {row["code"] for row in rows(engine, tables.custody) if row["voided_by"] is not None}
    assert standing <= active
    assert not revoked & active
    minted = take(writer, events, issue=True).minted
    assert minted == frozenset()
