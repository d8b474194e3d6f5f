"""An event of many lots is checked and put right at once, however many pages of the index lead to it."""

from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import Engine, update

from app.domain.epcis.captured import CapturedEvent
from app.domain.epcis.projection import Projection, project
from app.store import raw, reprojection, tables
from app.store.check import verify
from app.store.engine import writing
from app.store.projections import PAGE
from app.store.rebuild import rebuild
from app.store.writer import Writer
from tests.exchanging.world import STALL, bring, document, made, seen, some

LOTS = 2 * PAGE + 200


@pytest.fixture
def projected(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of each projection: how many names its events had. Less counts as large here."""
    names: list[int] = []

    def counting(events: Iterable[CapturedEvent], **options: Any) -> Projection:
        names.append(sum(len(event.named) for event in events))
        return project(events, **options)

    monkeypatch.setattr(reprojection, "project", counting)
    monkeypatch.setattr(raw, "LARGE", 20_000)
    monkeypatch.setattr(raw, "_LARGE_KEPT", 1_000)
    return names


def test_an_event_of_several_pages_is_projected_once(engine: Engine, writer: Writer, projected: list[int]) -> None:
    lots = [some(f"L{i:04}", 5) for i in range(LOTS)]
    bring(
        writer, engine, document(made(1, STALL, *lots), seen(2, STALL, "storing", *lots), seen(3, STALL, None, lots[7]))
    )
    bring(writer, engine, document(made(4, STALL, some("Z", 5))))  # beyond them in the index, and of none of theirs
    projected.clear()
    assert verify(engine) == []
    assert projected == [2 * LOTS + 1, 1]
    with writing(engine) as connection:
        of_last = tables.lot.c.epc.endswith(f"/10/L{LOTS - 1:04}")
        assert connection.execute(update(tables.lot).where(of_last).values(lot_number="X")).rowcount == 1
    assert len(verify(engine)) == 1
    projected.clear()
    assert len(rebuild(engine)) == 1
    assert projected == [2 * LOTS + 1, 1]
    assert verify(engine) == []
