"""Random goods that travel packed, traced by the service and by a book of its own, whatever order their documents come
in."""

import random
from typing import Any

import pytest
from sqlalchemy import select

from app.store import tables
from app.store.check import verify
from app.web.service import Service
from tests.exchanging.world import document
from tests.support.cast import Cast
from tests.tracing.packings import Packings, Place

WORLDS, EVENTS = 6, 40


def posted(cast: Cast, events: list[dict[str, Any]]) -> None:
    answer = cast.admin.post("/captures", document(*events))
    assert answer.status_code == 200, answer.text
    assert (answer.json()["recorded"], answer.json()["refused"]) == (len(events), 0), answer.text


def ids(service: Service) -> dict[str, Place]:
    """(item, site) of every custody."""
    site, custody = tables.site.c, tables.custody.c
    with service.engine.connect() as connection:
        places = {row.id: row.uri for row in connection.execute(select(site.id, site.uri))}
        rows = connection.execute(select(custody.id, custody.epc, custody.site_id).where(custody.epc.is_not(None)))
        return {str(row.id): (row.epc, places.get(row.site_id, "")) for row in rows}


def checked(cast: Cast, service: Service, world: Packings) -> None:
    known = ids(service)
    own = {place for place in known.values() if place[0] in set(world.items)}
    assert own == world.places()
    for item in world.items:
        for back in (True, False):
            chain = cast.admin.trace("back" if back else "forward", epc=item)
            assert not chain["truncated"]
            reached = world.reached(item, back=back)
            assert {known[node["id"]] for node in chain["nodes"]} == reached, (item, back)
            told = {(known[link["parent_id"]], known[link["child_id"]]) for link in chain["links"]}
            assert told == {link for link in world.links if link[1 if back else 0] in reached}, (item, back)


def run(cast: Cast, service: Service, seeds: range) -> None:
    for seed in seeds:
        luck = random.Random(f"packing {seed}")
        world = Packings(luck, f"p{seed}")
        events = list(world.events(EVENTS))
        luck.shuffle(events)
        third = max(1, len(events) // 3)
        for start in range(0, len(events), third):
            posted(cast, events[start : start + third])
        checked(cast, service, world)


def test_what_travels_packed_is_traced_through_its_crates(cast: Cast, service: Service) -> None:
    run(cast, service, range(WORLDS))
    assert verify(service.engine) == []


@pytest.mark.soak
def test_many_worlds_of_crates(cast: Cast, service: Service) -> None:
    run(cast, service, range(100, 140))
