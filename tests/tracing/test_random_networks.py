"""Random networks, posted through the public door, are traced as a tracer of its own traces them: who, and how much."""

import random
from collections import Counter
from typing import Any

import pytest

from tests.support.cast import Cast
from tests.tracing.networks import Network
from tests.tracing.reference import Direction

STEPS = 26


def grown(cast: Cast, number: int, seed: int) -> list[Network]:
    """So many networks, side by side: an event of each in one request."""
    hall = cast.enrol("vendor", f"批发行{seed}", "wholesaler", "wholesale", region="330203")
    places = (cast.farm, cast.plant, cast.stall, cast.other_stall, hall)
    sites = [actor.site["id"] for actor in places]
    products = [cast.product(f"货{seed}-{i}")["id"] for i in range(3)]
    networks = [Network(random.Random(seed + i), sites, products, f"{seed + i}") for i in range(number)]
    for _ in range(STEPS):
        events = [network.next() for network in networks]
        answer = cast.admin.post("/events", {"events": events})
        assert answer.status_code == 200, answer.text
        for network, event, outcome in zip(networks, events, answer.json()["results"], strict=True):
            assert outcome["status"] == "recorded", (event, outcome, network.name)
            network.told(event, outcome)
    return networks


def compare(cast: Cast, network: Network, start: str, direction: Direction) -> None:
    book = network.book
    reached, links = book.trace(start, direction)
    found = cast.admin.get("/trace", params={"custody": start, "direction": direction}).json()
    where = (network.name, start, direction)
    assert not found["truncated"]
    goods = {node["id"]: node for node in found["nodes"] if node["kind"] == "custody"}
    assert goods.keys() == {key for key in reached if not book.goods[key].gap}, where
    assert len(found["gaps"]) == sum(book.goods[key].gap for key in reached), where
    gaps = {node["id"] for node in found["nodes"] if node["kind"] == "gap"}
    for key, node in goods.items():
        mine = book.goods[key]
        shown = tuple(node[name]["grams"] for name in ("in", "out", "on_hand"))
        assert shown == (mine.came, mine.came - mine.on_hand, mine.on_hand), (where, key)

    def end(key: str) -> str:
        return "gap" if key in gaps or (key in book.goods and book.goods[key].gap) else key

    theirs = Counter((end(li["parent_id"]), end(li["child_id"]), li["quantity"]["grams"]) for li in found["links"])
    mine = Counter((end(link.parent), end(link.child), link.grams) for link in links)
    assert theirs == mine, where
    _add_up(found, direction, where)


def _add_up(found: dict[str, Any], direction: Direction, where: Any) -> None:
    """Whatever is where, the shares of all sources make the whole."""
    assert found["shares"] is not None
    if direction == "back":
        whole = found["nodes"][0]["in"]["grams"]
        least = sum(share["at_least"]["grams"] for share in found["shares"])
        most = sum(share["at_most"]["grams"] for share in found["shares"])
        assert least <= whole, where
        # A network in which something is unexplained may lack some of the whole; here every link is known.
        assert most >= whole or any((node["confidence"] or {}).get("unexplained") for node in found["nodes"]), where
    assert all(share["at_least"]["grams"] <= share["at_most"]["grams"] for share in found["shares"])


def agree(cast: Cast, number: int, seed: int) -> None:
    for network in grown(cast, number, seed):
        luck = random.Random(network.name)
        known = [key for key, goods in network.book.goods.items() if not goods.gap]
        for start in luck.sample(known, min(2, len(known))):
            for direction in ("back", "forward"):
                compare(cast, network, start, direction)


@pytest.mark.parametrize("seed", [1_000, 2_000])
def test_random_networks_are_traced_alike(cast: Cast, seed: int) -> None:
    agree(cast, 40, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100_000, 104_000, 1_000))
def test_thousands_of_networks_are_traced_alike(cast: Cast, seed: int) -> None:
    agree(cast, 300, seed)
