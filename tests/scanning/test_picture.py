"""The way of goods from several sources as a graph: who stands on it, what is left out, and what shows of each."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from sqlalchemy import Engine

from app import scanning
from app.scanning import Answer, Place, picture
from app.store.engine import reading, writing
from tests.support.chains import Chains
from tests.support.databases import Database
from tests.support.ledger import named

SECRET = b"s" * 32
NOW = datetime(2026, 3, 4, tzinfo=UTC)


class Kitchen:
    """Shops and farms of one product, put down row by row."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.writing = writing(engine)
        self.chains = Chains(self.writing.__enter__())
        self.chains.product("cabbage")

    def batch(self, name: str, *parents: str, link: str = "transform", **values: object) -> None:
        self.chains.party(f"{name}'s", kind="producer")
        self.chains.site(f"at {name}", f"{name}'s", kind="plant")
        self.chains.lot(f"lot {name}", maker_id=named(f"{name}'s"))
        self.chains.custody(name, f"lot {name}", f"at {name}", f"{name}'s", *parents, link=link, **values)

    def read(self, name: str) -> Answer:
        self.writing.__exit__(None, None, None)
        with reading(self.engine) as snapshot:
            return scanning.scan(snapshot, self.chains.codes[name], NOW, None, SECRET)


@pytest.fixture
def kitchen(engine: Engine, database: Database) -> Kitchen:
    database.damaged = True
    return Kitchen(engine)


def graph(answer: Answer, *names: str) -> dict[str, set[str]]:
    known: dict[UUID, str] = {named(name): name for name in names}
    return {known[place.id]: {known[source] for source in place.sources} for place in answer.picture}


def of(answer: Answer, name: str) -> Place:
    return next(place for place in answer.picture if place.id == named(name))


def test_goods_of_one_source_need_no_picture(kitchen: Kitchen) -> None:
    kitchen.batch("farm", link="produce")
    kitchen.batch("shop", "farm", link="move")
    assert kitchen.read("shop").picture == []


def test_what_came_together_is_drawn_the_nearest_first(kitchen: Kitchen) -> None:
    kitchen.batch("pork", link="produce")
    kitchen.batch("salt", link="produce")
    kitchen.batch("ham", "pork", "salt")
    kitchen.batch("shop", "ham", link="move")
    answer = kitchen.read("shop")
    assert [place.id for place in answer.picture][:2] == [named("shop"), named("ham")]
    assert graph(answer, "shop", "ham", "pork", "salt") == {
        "shop": {"ham"}, "ham": {"pork", "salt"}, "pork": set(), "salt": set()
    }  # fmt: skip
    shown = of(answer, "pork").shown
    assert shown is not None
    assert shown["code"] == kitchen.chains.codes["pork"]
    assert (shown["site"]["name"], shown["party"]["name"]) == ("at pork", "pork's")
    assert (shown["product"]["name"], shown["lot_number"], shown["status"]) == ("cabbage", "no lot pork", "ok")


def test_what_may_not_be_sold_shows_and_a_date_long_past_does_not(kitchen: Kitchen) -> None:
    kitchen.batch("pork", link="produce", expires_on=date(2026, 3, 2))
    kitchen.batch("salt", link="produce")
    kitchen.chains.hold("stop", "downstream", "salt", "lot salt")
    kitchen.batch("ham", "pork", "salt")
    answer = kitchen.read("ham")
    assert answer.status == "held"
    statuses = {key: (of(answer, key).shown or {})["status"] for key in ("ham", "pork", "salt")}
    assert statuses == {"ham": "held", "pork": "ok", "salt": "held"}


def test_a_captured_recall_shows(kitchen: Kitchen) -> None:
    kitchen.batch("tuna", link="produce")
    kitchen.batch("oil", link="produce")
    body = {"persistentDisposition": {"set": ["recalled"]}, "bizStep": "holding"}
    kitchen.chains.event("recall", "epcis.ObjectEvent", "tuna", body=body)
    kitchen.batch("tin", "tuna", "oil")
    answer = kitchen.read("tin")
    assert (of(answer, "tuna").shown or {})["status"] == "recalled"
    assert (of(answer, "oil").shown or {})["status"] == "ok"


def test_a_gap_is_a_place_and_one_that_was_closed_is_none(kitchen: Kitchen) -> None:
    kitchen.batch("farm", link="produce")
    kitchen.chains.party("cook's")
    kitchen.chains.lot("bought")
    kitchen.chains.gap("closed", "bought", "cook's")
    kitchen.chains.link("farm", "closed", kitchen_event(kitchen), kind="identify")
    kitchen.chains.gap("open", "bought", "cook's", paper={"name": "路边菜农"})
    kitchen.batch("dish", "closed", "open")
    answer = kitchen.read("dish")
    assert graph(answer, "dish", "farm", "open") == {"dish": {"farm", "open"}, "farm": set(), "open": set()}
    gap = of(answer, "open")
    assert gap.shown is None
    assert gap.gap is not None
    assert (gap.gap.source or {})["name"] == "路边菜农"


def kitchen_event(kitchen: Kitchen) -> str:
    kitchen.chains.event("who it was", "identify")
    return "who it was"


def test_what_was_used_up_where_it_came_to_is_no_place_of_its_own(kitchen: Kitchen) -> None:
    kitchen.batch("pork", link="produce")
    kitchen.batch("salt", link="produce")
    kitchen.chains.party("cook's")
    kitchen.chains.site("kitchen", "cook's")
    kitchen.chains.custody("raw", "lot pork", "kitchen", "cook's", "pork")
    kitchen.chains.lot("broth")
    kitchen.chains.custody("stock", "broth", "kitchen", "cook's")
    kitchen.chains.lot("ham")
    kitchen.chains.custody("dish", "ham", "kitchen", "cook's", "raw", "salt", "stock", link="transform")
    assert graph(kitchen.read("dish"), "dish", "pork", "salt", "stock") == {
        "dish": {"pork", "salt", "stock"}, "pork": set(), "salt": set(), "stock": set()
    }, "what began there stays"  # fmt: skip


def test_hands_that_goods_pass_through_are_left_out_first(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "PLACES", 4)
    kitchen.batch("pork", link="produce")
    kitchen.batch("dealer", "pork", link="move")
    kitchen.batch("salt", link="produce")
    kitchen.batch("ham", "dealer", "salt")
    kitchen.batch("carrier", "ham", link="move")
    kitchen.batch("shop", "carrier", link="move")
    answer = kitchen.read("shop")
    assert graph(answer, "shop", "ham", "pork", "salt") == {
        "shop": {"ham"}, "ham": {"pork", "salt"}, "pork": set(), "salt": set()
    }  # fmt: skip
    assert {key: of(answer, key).hidden for key in ("shop", "ham", "pork", "salt")} == {
        "shop": 1, "ham": 1, "pork": 0, "salt": 0
    }  # fmt: skip


def test_the_farthest_are_left_out_next(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "PLACES", 3)
    for name in ("a", "b", "c"):
        kitchen.batch(name, link="produce")
    kitchen.batch("curd", "a", "b", "c")
    kitchen.batch("salt", link="produce")
    kitchen.batch("cheese", "curd", "salt")
    answer = kitchen.read("cheese")
    assert graph(answer, "cheese", "curd", "salt") == {"cheese": {"curd", "salt"}, "curd": set(), "salt": set()}
    assert of(answer, "curd").hidden == 3


def test_links_in_a_circle_are_not_drawn(kitchen: Kitchen) -> None:
    kitchen.batch("a", link="produce")
    kitchen.batch("b", "a")
    kitchen.chains.link("b", "a", "arrival of b", kind="transform")
    kitchen.batch("dish", "a", "b")
    answer = kitchen.read("dish")
    assert graph(answer, "dish", "a", "b") == {"dish": {"a", "b"}, "a": set(), "b": set()}
