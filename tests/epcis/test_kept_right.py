"""The repository is a projection of the events: what is wrong with it is named, and put right."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Engine, delete, select, update

from app.domain.epcis.named import Role
from app.exchanging.publishing import Publisher
from app.store import tables
from app.store.check import verify
from app.store.engine import writing
from app.store.rebuild import rebuild
from app.store.writer import Writer
from tests.epcis.shown import index
from tests.exchanging.world import STALL, bring, document, made, seen, some
from tests.support import ledger

_shown, _index = tables.epcis_event, tables.epc_event

UNSHOWN = "is neither in epcis_event nor in unpublished"
DAMAGES: dict[str, tuple[Callable[[Connection], object], str]] = {
    "native events lost": (
        lambda c: c.execute(delete(_shown).where(_shown.c.body.is_not(None))), UNSHOWN,
    ),
    "captured events lost": (
        lambda c: c.execute(delete(_shown).where(_shown.c.body.is_(None))), UNSHOWN,
    ),
    "index lost": (lambda c: c.execute(delete(_index).where(_index.c.roles >= 1 << 14)), "epc_event at position"),
    "roles wrong": (
        lambda c: c.execute(update(_index).where(_index.c.roles == int(Role.CLASS)).values(roles=int(Role.PARENT))),
        "epc_event at position",
    ),
    "astray": (
        lambda c: c.execute(update(_index).where(_index.c.roles >= 1 << 14).values(position=_index.c.position + 1000)),
        "its event is not shown there",
    ),
}  # fmt: skip


@pytest.fixture
def publisher(engine: Engine, writer: Writer) -> Publisher:
    """Of a ledger of three native events, and two captured ones, all shown."""
    with writing(engine) as connection:
        ledger.make(connection)
    bring(writer, engine, document(made(1, STALL, some("A", 5)), seen(2, STALL, "storing", some("A"))))
    found = Publisher(engine, writer, "https://food.example.cn")
    found.catch_up()
    return found


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_lost_is_named_and_comes_back(publisher: Publisher, engine: Engine, name: str) -> None:
    assert verify(engine) == []
    assert rebuild(engine) == []
    before = {(epc, key, roles) for epc, _, key, roles in index(engine)}
    damage, finding = DAMAGES[name]
    with writing(engine) as connection:
        damage(connection)
    assert any(finding in told for told in verify(engine))
    assert rebuild(engine) != []
    assert verify(engine) == []
    publisher.catch_up()
    assert verify(engine) == []
    assert rebuild(engine) == []
    assert {(epc, key, roles) for epc, _, key, roles in index(engine)} == before
    with engine.connect() as connection:
        assert len(connection.scalars(select(_shown.c.position)).all()) == 5
