import random
from collections.abc import Iterable

import pytest

from app.domain.epcis.captured import CapturedEvent, related_epcs
from app.domain.epcis.closure import closure
from app.domain.epcis.loops import in_loops
from app.domain.epcis.projection import Projection, project

from .cast import CRATE, FARM, MARKET, PALLET, STALL, happen, lot, make, pack, see, some, turn, unpack


class Archive:
    """Events found by what they name, as a store finds them; it remembers what it was asked for."""

    def __init__(self) -> None:
        self.events: set[CapturedEvent] = set()
        self.asked: set[str] = set()

    def load(self, epcs: frozenset[str]) -> Iterable[CapturedEvent]:
        assert not epcs & self.asked
        self.asked |= epcs
        return [event for event in self.events if related_epcs(event) & epcs]


class Rows:
    """A projection that is kept up to date by replacing the rows of affected EPCs only."""

    def __init__(self) -> None:
        self.rows: dict[str, set[object]] = {"custodies": set(), "links": set(), "packings": set(), "timeline": set()}

    def replace(self, affected: frozenset[str], graph: Projection) -> None:
        keep = {
            "custodies": lambda row: row.epc not in affected,
            "links": lambda row: row.child.epc not in affected,
            "packings": lambda row: not {row.unit_epc, row.content_epc} & affected,
            "timeline": lambda row: row.epc not in affected,
        }
        for name, kept in keep.items():
            self.rows[name] = {row for row in self.rows[name] if kept(row)} | set(getattr(graph, name))  # type: ignore[no-untyped-call]


def history(rng: random.Random) -> list[CapturedEvent]:
    """A random, mostly senseless history of a few lots, crates and places."""
    lots, sites = "ABCD", [FARM, MARKET, STALL, None]
    units = [CRATE, PALLET, "urn:epc:id:grai:4012345.00022.8", "urn:epc:id:sgtin:4012345.011111.5"]
    events: list[CapturedEvent] = []
    for _ in range(rng.randint(5, 25)):
        minute, site = rng.randint(0, 12), rng.choice(sites)
        goods = [some(rng.choice(lots), rng.choice([None, 2, 5])) for _ in range(rng.randint(0, 2))]
        things = [*goods, *rng.sample(units, rng.randint(0, 1))]
        match rng.randint(0, 9):
            case 0:
                event = make(minute, site, *goods)
            case 1 | 2:
                event = see(minute, site, rng.choice(["shipping", "receiving", "arriving", None]), *things)
            case 3 | 4:
                event = pack(minute, site, rng.choice(units), *things)
            case 5:
                event = unpack(minute, site, rng.choice(units), *things)
            case 6 | 7:
                one = {} if rng.random() < 0.6 else {"transformationID": f"urn:x:t:{rng.randint(0, 1)}"}
                event = turn(minute, site, things, [some(rng.choice(lots), 3)], **one)
            case 8:
                kind = rng.choice(["TransactionEvent", "AssociationEvent"])
                names = "quantityList" if kind == "TransactionEvent" else "childQuantityList"
                event = happen(
                    minute,
                    kind,
                    site,
                    action=rng.choice(["ADD", "DELETE"]),
                    parentID=rng.choice(units),
                    **{names: goods},
                )
            case _:
                if not events:
                    continue
                wrong = rng.choice(events)
                step = {} if rng.random() < 0.5 else {"disposition": "unknown"}
                body = {**wrong.body, **step}
                for name in ("type", "eventTime", "errorDeclaration"):
                    body.pop(name, None)
                declared = {"declarationTime": "2024-06-01T00:00:00Z"}
                offset = (wrong.event_time - happen(0, "x").event_time).total_seconds() / 60
                event = happen(offset, wrong.kind, **{**body, "errorDeclaration": declared})
        if rng.random() < 0.5:
            minute = int((event.event_time - happen(0, "x").event_time).total_seconds() // 60)
            rest = {name: value for name, value in event.body.items() if name not in ("type", "eventTime")}
            event = happen(minute, event.kind, **{**rest, "eventID": f"urn:x:id:{rng.randint(0, 2)}"})
        events.append(event)
    return events


@pytest.mark.parametrize("seed", range(100))
def test_projecting_only_what_an_event_affects_gives_the_whole_graph(seed: int) -> None:
    rng = random.Random(seed)
    events = list(dict.fromkeys(history(rng)))
    rng.shuffle(events)
    archive, rows = Archive(), Rows()
    for event in events:
        archive.events.add(event)
        archive.asked = set()
        affected = closure(related_epcs(event), archive.load)
        rows.replace(affected.affected, project(affected.events, only=affected.affected))
    whole = project(events)
    shuffled = events[:]
    rng.shuffle(shuffled)
    assert project(shuffled) == whole
    for name, found in rows.rows.items():
        assert found == set(getattr(whole, name)), name


def test_goods_that_only_shared_a_pallet_are_left_alone() -> None:
    archive = Archive()
    archive.events = {
        pack(1, FARM, PALLET, some("A", 1), some("B", 1)),
        pack(2, FARM, CRATE, some("B", 1), some("C", 1)),
        see(3, MARKET, "receiving", PALLET),
        see(4, STALL, None, some("C")),
    }
    seed = see(3, STALL, "receiving", some("A", 1))
    archive.events.add(seed)
    affected = closure(related_epcs(seed), archive.load)
    assert affected.affected == {lot("A")}
    assert len(affected.events) == 3
    assert lot("C") not in archive.asked


def test_loops_of_a_graph() -> None:
    edges = [(1, 2), (2, 3), (3, 1), (3, 4), (4, 5), (6, 6), (7, 8), (8, 7), (5, 9), (4, 9)]
    assert in_loops(edges) == {1, 2, 3, 6, 7, 8}
    assert in_loops([]) == set()


def test_a_long_chain_is_no_problem() -> None:
    chain = [(i, i + 1) for i in range(20_000)]
    assert in_loops(chain) == set()
    assert len(in_loops([*chain, (20_000, 0)])) == 20_001
