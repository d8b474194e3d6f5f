"""A place's part of a board, of what the database should not hold."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from app.domain.errors import NotFound
from app.scanning.stands import stand
from app.store import tables
from app.store.engine import reading, writing
from tests.support.databases import Database
from tests.support.ledger import AT_FARM, AT_STALL, CABBAGE, LOT, NOW, STALL, event_key, make, named, put


@pytest.fixture
def ledger(database: Database, engine: Engine) -> dict[str, str]:
    database.damaged = True  # put down by hand, without what the writer keeps beside
    with writing(engine) as connection:
        return dict(make(connection))


def test_a_place_that_is_not_there_has_none(engine: Engine) -> None:
    with reading(engine) as snapshot, pytest.raises(NotFound, match="unknown-code"):
        stand(snapshot, named("nowhere"), NOW)


def test_what_was_made_elsewhere_is_no_ingredient_of_the_place(engine: Engine, ledger: dict[str, str]) -> None:
    """A dish names what it was cooked of in its kitchen, and not what a farm or somebody unknown made of what."""
    dish = named("dish")
    with writing(engine) as connection:
        put(
            connection, tables.custody, id=dish, kind="custody", code="B0", lot_id=LOT, product_id=CABBAGE,
            measure="weight", site_id=STALL, arrived_event_id=event_key("cooked"), arrived_at=NOW, amount_in=500,
        )  # fmt: skip
        for parent in (AT_FARM, AT_STALL, named("gone")):
            put(
                connection, tables.custody_link, child_id=dish, parent_id=parent, event_id=event_key("cooked"),
                kind="transform", grams=500,
            )  # fmt: skip
    with reading(engine) as snapshot:
        batches = {batch["code"]: batch for batch in stand(snapshot, STALL, NOW + timedelta(hours=1)).batches}
    [ingredient] = batches["B0"]["ingredients"]
    assert ingredient["code"] == ledger["at stall"]
