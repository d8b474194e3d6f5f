"""Who may read a few of very many events: full pages, in every order, for what few events cost."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Engine, event

from app.domain.epcis.query_parsing import parse_parameters
from app.enrolling.keys import OPERATOR
from app.exchanging.querying import Cursor, search
from app.exchanging.values import values
from tests.epcis.corpus import pages
from tests.epcis.crowd import COUNT, READERS, STALLS, WE, Looked, One, crowd, looking, one
from tests.support.databases import Database
from tests.support.statements import Statements

QUESTIONS: list[tuple[dict[str, str], Callable[[One], bool]]] = [
    ({}, lambda e: True),
    ({"EQ_bizStep": "shipping"}, lambda e: e.step == "shipping"),
    ({"EQ_bizStep": "inspecting"}, lambda e: e.step == "inspecting"),
    ({"GE_eventTime": "2026-03-05T00:00:00Z"}, lambda e: e.event_time.isoformat() >= "2026-03-05"),
    ({"LT_recordTime": "2026-03-05T00:00:00Z"}, lambda e: e.record_time.isoformat() < "2026-03-05"),
    ({"MATCH_epcClass": "urn:epc:idpat:lgtin:4012345.*.*"}, lambda e: True),
    ({"EQ_bizLocation": "https://id.gs1.org/414/4012345000001"}, lambda e: e.place.endswith("001")),
]
ORDERS: list[dict[str, str]] = [
    {},
    {"orderBy": "eventTime", "orderDirection": "ASC"},
    {"orderBy": "eventTime", "orderDirection": "DESC"},
    {"orderBy": "recordTime", "orderDirection": "ASC"},
]


@pytest.fixture
def everybody(engine: Engine, database: Database) -> list[One]:
    database.damaged = True  # the events are of no chain
    return crowd(engine)


def test_pages_are_full_and_cost_what_few_events_cost(
    everybody: list[One], engine: Engine, statements: Statements
) -> None:
    for name, (principal, theirs) in READERS.items():
        for parameters, meant in QUESTIONS:
            wanted = [each for each in everybody if theirs(each) and meant(each)]
            for order in ORDERS:
                asked = parse_parameters([*parameters.items(), *order.items()])
                statements.clear()
                with looking(engine) as looked:
                    page = search(engine, principal, asked, limit=7)
                about = (name, parameters, order, looked)
                assert len(page.events) == min(7, len(wanted)), about
                assert len(statements) <= 8, f"{about}\n{statements}"
                assert not looked.much, about
                told = [found.line.position for page in pages(engine, principal, asked, 15) for found in page.events]
                if order:
                    key = _key(order["orderBy"])
                    wanted.sort(key=key, reverse=order.get("orderDirection") == "DESC")
                    assert told == [each.position for each in wanted], about
                else:
                    assert sorted(told) == [each.position for each in wanted], about


def test_places_below_others_and_what_is_deleted_are_sought(everybody: list[One], engine: Engine) -> None:
    place = "https://id.gs1.org/414/4012345000150"
    there = [each for each in everybody if each.place == place]
    for order in ORDERS[:3]:
        for parameters, wanted in (
            ({"WD_bizLocation": place}, there),
            ({"WD_bizLocation": place, "EQ_action": "OBSERVE"}, there),
            ({"WD_bizLocation": "https://id.gs1.org/414/4012345000999"}, []),
            ({"WD_readPoint": place}, []),
            ({"EQ_action": "DELETE"}, []),
        ):
            with looking(engine) as looked:
                page = search(engine, OPERATOR, parse_parameters([*parameters.items(), *order.items()]), limit=7)
            about = (parameters, order, looked)
            assert len(page.events) == min(7, len(wanted)), about
            assert (page.next is None) == (len(wanted) <= 7), about
            assert not looked.much, about


def _key(name: str) -> Callable[[One], object]:
    return lambda each: (each.event_time if name == "eventTime" else each.record_time, each.position)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_of_more_sites_than_are_merged_the_next_event_of_any_is_leapt_to(
    everybody: list[One], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.store.repository_rows.MERGED", 2)
    monkeypatch.setattr("app.store.repository.WINDOW", 50)
    for name in ("market", "regulator"):
        principal, theirs = READERS[name]
        for parameters, meant in QUESTIONS[:4]:
            for order in ORDERS:
                asked = parse_parameters([*parameters.items(), *order.items()])
                told = [found.line.position for page in pages(engine, principal, asked, 7) for found in page.events]
                wanted = [each.position for each in everybody if theirs(each) and meant(each)]
                assert sorted(told) == wanted, (name, parameters, order)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_page_goes_on_where_sites_became_too_many_to_be_told(
    everybody: list[One], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    principal, theirs = READERS["regulator"]
    asked = parse_parameters([])
    page = search(engine, principal, asked, limit=7)
    told = [found.line.position for found in page.events]
    monkeypatch.setattr("app.store.repository_readers.MOST", 1)
    while page.next is not None:
        page = search(engine, principal, asked, after=page.next, limit=7)
        told += [found.line.position for found in page.events]
    assert told == [each.position for each in everybody if theirs(each)]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_page_goes_on_where_places_became_too_many_to_be_told(
    everybody: list[One], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "https://id.gs1.org/414/4012345000150"
    asked = parse_parameters([("WD_bizLocation", place)])
    page = search(engine, OPERATOR, asked, limit=7)
    told = [found.line.position for found in page.events]
    monkeypatch.setattr("app.exchanging.leading.MERGED", 0)
    while page.next is not None:
        page = search(engine, OPERATOR, asked, after=page.next, limit=7)
        told += [found.line.position for found in page.events]
    there = [each for each in everybody if each.place == place]
    assert told == [each.position for each in sorted(there, key=_key("eventTime"))]


def listed(engine: Engine, name: str, column: str | None, limit: int) -> tuple[list[str], Looked]:
    principal = READERS[name][0] if name in READERS else OPERATOR
    found: list[str] = []
    cursor: Cursor | None = None
    with looking(engine) as looked:
        while True:
            page, cursor = values(engine, principal, column, cursor, limit)
            found += page
            if cursor is None:
                return found, looked
            assert len(page) == limit, "pages are full"


def test_collections_are_of_ones_own_events(everybody: list[One], engine: Engine) -> None:
    for name, (_, theirs) in READERS.items():
        own = [each for each in everybody if theirs(each)]
        for column, value in (("biz_step", _step), ("biz_location", _place), (None, _lot)):
            told, looked = listed(engine, name, column, 100)
            assert told == sorted({value(each) for each in own}), (name, column)
            assert not looked.much, (name, column, looked)
    told, looked = listed(engine, "operator", "biz_location", 20)
    assert told == sorted({each.place for each in everybody})
    assert not looked.much


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_plans_that_are_made_for_any_reader_read_no_more(everybody: list[One], engine: Engine) -> None:
    """After some runs of a statement the server may plan it for all values at once."""
    event.listen(engine, "begin", _plan_for_any)
    try:
        for name, (principal, _) in READERS.items():
            for column in ("biz_step", "biz_location", None):
                _, looked = listed(engine, name, column, 100)
                assert not looked.much, (name, column, looked)
            for parameters, _ in QUESTIONS:
                for order in ORDERS:
                    with looking(engine) as looked:
                        search(engine, principal, parse_parameters([*parameters.items(), *order.items()]), limit=7)
                    assert not looked.much, (name, parameters, order, looked)
    finally:
        event.remove(engine, "begin", _plan_for_any)


def _plan_for_any(connection: Connection) -> None:
    with connection.connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")


def _step(each: One) -> str:
    return each.step


def _place(each: One) -> str:
    return each.place


def _lot(each: One) -> str:
    return each.lot


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_collections_of_who_reads_much_lead_on_in_short_pages(
    everybody: list[One], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request goes from value to value, and in each no further than it may."""
    monkeypatch.setattr("app.exchanging.values.SORTED", 1)
    monkeypatch.setattr("app.exchanging.values.ROWS", 400)
    monkeypatch.setattr("app.store.repository.WINDOW", 300)
    principal, theirs = READERS["market"]
    always = ["receiving", "zz"]
    found: list[str] = []
    cursor: Cursor | None = None
    requests = 0
    while requests == 0 or cursor is not None:
        page, cursor = values(engine, principal, "biz_step", cursor, 2, always)
        found += page
        requests += 1
    assert found == [*always, *sorted({each.step for each in everybody if theirs(each)} - set(always))]
    assert requests > 4, "short pages lead on"


def test_the_readers_are_as_the_tests_think() -> None:
    everybody = [one(number) for number in range(COUNT)]
    assert {name: sum(map(theirs, everybody)) for name, (_, theirs) in READERS.items()} == {
        "vendor": 32, "market": 40, "regulator": 32, "device": 8, "nobody": 0
    }  # fmt: skip
    assert sum(each.party == WE for each in everybody) == 24
    assert {each.site for each in everybody} >= set(STALLS)
