"""How often a decision waits for the database: the commands of a transaction do so together."""

from typing import Any

import pytest

from app.store.engine import Database
from tests.scanning.chains import Market, open_market
from tests.support.statements import Statements
from tests.support.story import Story


@pytest.fixture
def town(story: Story) -> Market:
    return open_market(story)


@pytest.mark.parametrize(("by", "most"), [("admin", 5), ("market", 7)])
def test_a_passed_test_is_decided_in_few_statements(
    town: Market, engine: Database, service_statements: Statements, by: str, most: int
) -> None:
    goods: dict[str, Any] = town.move(town.farm, town.stall, town.harvest())
    who = {"admin": town.story.admin, "market": town.market}[by]
    said = {"custody_id": goods["custody_id"], "stage": "rapid", "item": "毒死蜱", "value": "阴性"}
    who.record("test", **said)
    service_statements.clear()
    who.record("test", **said)
    read = [text for text in service_statements.texts if text.startswith("SELECT") and "FROM feed" not in text]
    # What is locked on PostgreSQL takes a statement of its own.
    assert len(read) <= most + (engine.dialect.name == "postgresql"), read
