"""An answer by way of an index is what looking at everything would give: for every query, page by page, to each
reader what is its own."""

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import Engine

from app.domain.epcis.exceptions import QueryTooComplexException, QueryTooLargeException
from app.domain.epcis.query import Query
from app.domain.epcis.query_fields import Candidate
from app.domain.epcis.query_parsing import parse_parameters
from app.domain.rights import Principal
from app.domain.rights import Role as Rights
from app.enrolling.keys import OPERATOR
from app.exchanging.querying import Found, follow, search
from app.store.engine import reading
from app.store.repository import Asked
from app.store.writer import Writer
from tests.epcis.corpus import LOTS, SERIALS, enrol, event, everything, pages, query, vendor
from tests.exchanging.world import STALL, bring, document, seen
from tests.support.statements import Statements


def filled(writer: Writer, engine: Engine, seed: int, count: int = 120) -> None:
    enrol(engine)
    random = Random(seed)
    events = [event(random, number) for number in range(count)]
    for start in range(0, count, 40):
        principal = vendor(start // 40 % 2)
        bring(writer, engine, document(*events[start : start + 40]), principal=principal)


def candidate(found: Found) -> Candidate:
    return Candidate(found.body, found.line.record_time, found.line.event_id, found.context)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 3))])
def test_an_index_finds_what_looking_at_everything_finds(
    writer: Writer, engine: Engine, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    filled(writer, engine, seed)
    # So small that pieces, windows and requests end within the corpus.
    monkeypatch.setattr("app.store.repository.WINDOW", 23)
    monkeypatch.setattr("app.exchanging.querying.READ", 7)
    monkeypatch.setattr("app.exchanging.querying.LOOKED", 30)
    for module in ("leading", "querying"):
        monkeypatch.setattr(f"app.exchanging.{module}.COUNTED", 40)
    monkeypatch.setattr("app.exchanging.leading._FEW", 5)
    monkeypatch.setattr("app.exchanging.leading.MERGED", 2)
    monkeypatch.setattr("app.store.repository_epcs._GROUP", 2)
    there = everything(engine)
    random = Random(seed)
    some = 0
    for _ in range(60):
        parameters = query(random)
        asked = parse_parameters(parameters)
        for principal in (OPERATOR, vendor(0)):
            wanted = {
                found.line.id: found
                for found, party in there
                if principal is OPERATOR or party == principal.party_id
                if asked.matches(candidate(found))
            }
            told = [
                one for page in pages(engine, principal, asked, random.choice((1, 3, 10, 200))) for one in page.events
            ]
            ids = [one.line.id for one in told]
            assert len(ids) == len(set(ids)), (parameters, "once")
            assert set(ids) == set(wanted), parameters
            keys = [asked.sort_key(candidate(one)) for one in told]
            assert keys == sorted(keys), (parameters, "in order")
            some += bool(ids)
    assert some > 40


def test_pages_stay_what_they_are_while_events_come(writer: Writer, engine: Engine) -> None:
    filled(writer, engine, 5)
    before = {found.line.id for found, _ in everything(engine)}
    for parameters in (
        [], [("EQ_bizStep", "shipping")], [("orderBy", "eventTime")],
        [("orderBy", "recordTime"), ("orderDirection", "ASC")],
        [("MATCH_anyEPCClass", "urn:epc:idpat:lgtin:4012345.*.*")], [("orderBy", "quantity")],
    ):  # fmt: skip
        asked = parse_parameters(parameters)
        wanted = {found.line.id for found, _ in everything(engine) if asked.matches(candidate(found))}
        told = []
        for number, page in enumerate(pages(engine, OPERATOR, asked, 9)):
            told += [found.line.id for found in page.events]
            if number % 2 == 0:
                fresh = event(Random(f"{parameters} {number}"), 500 + number)
                bring(writer, engine, document({**fresh, "eventTime": f"2026-02-01T{number % 24:02}:30:00+08:00"}))
        assert len(told) == len(set(told))
        assert set(told) >= wanted, parameters
    assert before < {found.line.id for found, _ in everything(engine)}


def test_each_reader_has_its_own(writer: Writer, engine: Engine) -> None:
    enrol(engine)
    bring(writer, engine, document(seen(1, STALL, "storing", {"epcClass": LOTS[0]})), principal=vendor(0))
    asked = Query()
    for principal, count in (
        (OPERATOR, 1), (vendor(0), 1), (vendor(1), 0),
        (Principal(vendor(0).key_id, Rights.MARKET, vendor(1).party_id, None, None, None), 0),
        (Principal(vendor(0).key_id, Rights.REGULATOR, None, "3301", None, None), 0),
        (Principal(vendor(0).key_id, Rights.LAB, vendor(1).party_id, None, None, None), 0),
        (Principal(vendor(0).key_id, Rights.AUDITOR, vendor(1).party_id, None, None, None), 0),
    ):  # fmt: skip
        assert len(search(engine, principal, asked, limit=10).events) == count, principal


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_criteria_that_exclude_each_other_find_nothing(writer: Writer, engine: Engine) -> None:
    filled(writer, engine, 7, 40)
    of_value = parse_parameters([("EQ_bizStep", "shipping")])
    for parameters in ([], [("orderBy", "eventTime")], [("orderBy", "recordTime")]):
        both = parse_parameters([("EQ_bizStep", "receiving"), *parameters]).narrowed(of_value)
        assert search(engine, OPERATOR, both, limit=10).events == []


def test_limits_are_kept(writer: Writer, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(writer, engine, 9)
    limited = parse_parameters([("orderBy", "eventTime"), ("orderDirection", "DESC"), ("eventCountLimit", "25")])
    told = [one for page in pages(engine, OPERATOR, limited, 10) for one in page.events]
    assert len(told) == 25
    times = sorted((found.line.event_time for found, _ in everything(engine)), reverse=True)
    assert [one.line.event_time for one in told] == times[:25]
    few = parse_parameters([("MATCH_epc", SERIALS[0])])
    count = len(search(engine, OPERATOR, few, limit=1000).events)
    exactly = parse_parameters([("MATCH_epc", SERIALS[0]), ("maxEventCount", str(count))])
    assert sum(len(page.events) for page in pages(engine, OPERATOR, exactly, 3)) == count
    less = parse_parameters([("MATCH_epc", SERIALS[0]), ("maxEventCount", str(count - 1))])
    with pytest.raises(QueryTooLargeException):
        search(engine, OPERATOR, less, limit=3)
    monkeypatch.setattr("app.exchanging.querying.SORTED", 50)
    with pytest.raises(QueryTooComplexException):
        search(engine, OPERATOR, parse_parameters([("orderBy", "quantity")]), limit=3)
    monkeypatch.undo()
    # Where few are of concern it looks no further either.
    monkeypatch.setattr("app.store.repository.WINDOW", 20)
    added = parse_parameters([("orderBy", "quantity"), ("EQ_action", "ADD")])
    search(engine, OPERATOR, added, limit=3)
    monkeypatch.setattr("app.exchanging.querying.ROWS", 40)
    with pytest.raises(QueryTooComplexException):
        search(engine, OPERATOR, added, limit=3)
    monkeypatch.undo()
    monkeypatch.setattr("app.exchanging.querying.LOOKED", 50)
    with pytest.raises(QueryTooComplexException):
        search(engine, OPERATOR, parse_parameters([("maxEventCount", "1000")]), limit=3)


def test_a_page_is_of_so_many_bytes(writer: Writer, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(writer, engine, 11, 40)
    monkeypatch.setattr("app.exchanging.querying.BYTES", 100)
    page = search(engine, OPERATOR, Query(), limit=30, size_of=lambda body: 40)
    assert len(page.events) == 2
    assert page.next is not None
    page = search(engine, OPERATOR, Query(), limit=30, size_of=lambda body: 4_000)
    assert len(page.events) == 1
    ordered = parse_parameters([("orderBy", "quantity")])
    told, cursor = [], None
    while not told or cursor is not None:
        page = search(engine, OPERATOR, ordered, after=cursor, limit=30, size_of=lambda body: 40)
        assert len(page.events) <= 2
        told += [found.line.position for found in page.events]
        cursor = page.next
    whole = search(engine, OPERATOR, ordered, limit=1_000)
    assert told == [found.line.position for found in whole.events]


def test_a_large_event_is_read_when_it_is_its_turn(writer: Writer, engine: Engine, statements: Statements) -> None:
    """A hundred of them are looked at for one page, and would be gigabytes."""
    enrol(engine)
    random = Random(17)
    large = {1, 3}
    events = [event(random, number) for number in range(5)]
    for number in large:
        events[number]["ex:scans"] = {"ex:scan": [random.randbytes(40_000).hex() for _ in range(2)]}
    bring(writer, engine, document(*events))
    with reading(engine) as snapshot:
        lines = Asked(OPERATOR, Query()).lines(snapshot, range(1, 6))
        assert sum(line.captured is None for line in lines.values()) == len(large)
        assert all(("ex:scans" in line.body) == (line.captured is None) for line in lines.values())
    statements.clear()
    page = search(engine, OPERATOR, Query(), limit=30)
    assert sum("ex:scans" in found.body for found in page.events) == len(large)
    assert len(statements) == 2 + 2 * len(large), str(statements)
    ordered = search(engine, OPERATOR, parse_parameters([("orderBy", "eventTime"), ("orderDirection", "ASC")]), limit=9)
    assert {found.line.position: found.body for found in ordered.events} == {
        found.line.position: found.body for found in page.events
    }


def test_a_page_takes_three_statements(writer: Writer, engine: Engine, statements: Statements) -> None:
    filled(writer, engine, 13)
    for parameters, most in (
        ([("MATCH_anyEPC", SERIALS[1])], 3),
        ([("MATCH_anyEPC", "|".join(SERIALS))], 3),
        ([("MATCH_anyEPCClass", "urn:epc:idpat:lgtin:4012345.012345.*")], 3),
        ([], 2),
    ):
        statements.clear()
        page = search(engine, OPERATOR, parse_parameters(parameters), limit=5)
        assert page.events
        assert len(statements) <= most, f"{parameters}\n{statements}"


def test_a_window_ends_between_events_of_one_moment(
    writer: Writer, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events of one time are told apart by their positions, forwards and back."""
    for number in range(12):
        bring(writer, engine, document(seen(1, STALL, "storing", {"epcClass": f"{LOTS[0]}{number}"})))
    monkeypatch.setattr("app.store.repository.WINDOW", 4)
    monkeypatch.setattr("app.exchanging.querying.READ", 2)
    hour = everything(engine)[0][0].line.event_time
    for direction in ("ASC", "DESC"):
        asked = parse_parameters([
            ("orderBy", "eventTime"), ("orderDirection", direction), ("EQ_action", "OBSERVE"),
            ("GE_eventTime", hour.isoformat()), ("LT_eventTime", (hour + timedelta(hours=1)).isoformat()),
        ])  # fmt: skip
        told = [one.line.position for page in pages(engine, OPERATOR, asked, 3) for one in page.events]
        assert told == sorted(told, reverse=direction == "DESC")
        assert len(told) == 12


def wanted_of(engine: Engine, asked: Query) -> list[Found]:
    """What the query asks for, in its order."""
    found = [one for one, _ in everything(engine) if asked.matches(candidate(one))]
    return sorted(found, key=lambda one: (one.line.event_time, one.line.position), reverse=asked.descending)


@pytest.mark.parametrize("most", [20_000, 16])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_events_in_order_of_time_take_as_many_requests_as_they_need(
    writer: Writer, engine: Engine, monkeypatch: pytest.MonkeyPatch, direction: str, most: int
) -> None:
    """Those that an index of EPCs leads to are sorted; where they are many, all that there is is walked through."""
    filled(writer, engine, 17, 60)
    monkeypatch.setattr("app.exchanging.querying.READ", 4)
    monkeypatch.setattr("app.store.repository.PIECE", 8)
    monkeypatch.setattr("app.exchanging.querying.LOOKED", 10)
    for module in ("leading", "querying"):
        monkeypatch.setattr(f"app.exchanging.{module}.COUNTED", most)
    asked = parse_parameters([
        ("MATCH_anyEPC", "|".join(SERIALS)), ("orderBy", "eventTime"), ("orderDirection", direction),
        ("EXISTS_errorDeclaration", ""),
    ])  # fmt: skip
    wanted = wanted_of(engine, asked)
    assert 0 < len(wanted) < 50
    told = list(pages(engine, OPERATOR, asked, 50))
    assert [one.line.id for page in told for one in page.events] == [one.line.id for one in wanted]
    assert len(told) > 1, "short pages lead on"


def test_what_follows_a_position_is_told_up_to_where_the_look_stops(
    writer: Writer, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(writer, engine, 19, 40)
    monkeypatch.setattr("app.exchanging.querying.READ", 3)
    monkeypatch.setattr("app.exchanging.querying.ROWS", 1)
    asked = parse_parameters([("EQ_action", "ADD")])
    positions = [one.line.position for one in wanted_of(engine, asked)]
    told: list[int] = []
    stops = [0]
    with reading(engine) as snapshot:
        while len(stops) == 1 or stops[-1] > stops[-2]:
            look = list(follow(snapshot, OPERATOR, asked, stops[-1], 100, ""))
            told += [position for position, found in look if found is not None]
            stops += [position for position, found in look if found is None] or stops[-1:]
    assert len(stops) > 3, "several looks"
    assert told == sorted(positions)
