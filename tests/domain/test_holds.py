"""How far holds reach, over random chains: looked at from the held goods forward and from any goods back."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from app.domain.holds import SCOPES, Goods, Stop, reached, reasons_by_goods

LOTS, SITES = 4, 3


@dataclass(frozen=True)
class World:
    """Goods by number with their lots and sites, and links (parent, child); with circles, as captured events have
    them."""

    goods: dict[int, Goods[int]]
    links: list[tuple[int, int]]
    stops: list[Stop[int]]

    def behind(self, key: int) -> set[int]:
        """The goods and everything that they came from."""
        found, ahead = {key}, [key]
        while ahead:
            here = ahead.pop()
            for parent, child in self.links:
                if child == here and parent not in found:
                    found.add(parent)
                    ahead.append(parent)
        return found


@st.composite
def worlds(draw: st.DrawFn, circles: bool = True) -> World:
    number = draw(st.integers(1, 9))
    goods: dict[int, Goods[int]] = {
        key: (100 + draw(st.integers(0, LOTS - 1)), draw(st.none() | st.integers(200, 199 + SITES)))
        for key in range(number)
    }
    pairs = st.tuples(st.integers(0, number - 1), st.integers(0, number - 1))
    drawn = draw(st.lists(pairs, max_size=14))
    links = [(a, b) if circles else (min(a, b), max(a, b)) for a, b in drawn if a != b]
    spares = draw(st.frozensets(st.integers(0, number - 1) | st.integers(200, 199 + SITES), max_size=2))
    held = draw(st.lists(st.tuples(st.sampled_from(SCOPES), st.integers(0, number - 1)), max_size=3))
    return World(goods, links, [Stop(scope, key, goods[key][0], spares) for scope, key in held])


@given(worlds())
def test_what_is_reached_forward_says_so_itself(world: World) -> None:
    whole = reached(world.stops, world.goods, world.links)
    for key in world.goods:
        behind = world.behind(key)
        goods = {each: world.goods[each] for each in behind}
        links = [link for link in world.links if link[1] in behind]
        assert (key in reached(world.stops, goods, links)) == (key in whole)


@given(worlds())
def test_together_they_reach_what_each_reaches(world: World) -> None:
    each = [reached([stop], world.goods, world.links) for stop in world.stops]
    assert reached(world.stops, world.goods, world.links) == set().union(*each)
    by_goods = reasons_by_goods(dict(enumerate(world.stops)), world.goods, world.links)
    assert {(hold, key) for key, holds in by_goods.items() for hold in holds} == {
        (hold, key) for hold, keys in enumerate(each) for key in keys
    }


@given(worlds())
def test_what_is_spared_is_never_reached_onward(world: World) -> None:
    for stop in world.stops:
        if stop.scope not in ("custody", "lot"):
            for key in reached([stop], world.goods, world.links):
                assert key not in stop.spares
                assert world.goods[key][1] not in stop.spares


@given(worlds(circles=False))
def test_nothing_is_spared_but_what_came_through_the_spared_alone(world: World) -> None:
    """By its definition: what is reached without sparing is reached with it, unless it is spared itself or each of the
    ways by which it came is."""
    for stop in world.stops:
        if stop.scope in ("custody", "lot"):
            continue
        wide = reached([Stop(stop.scope, stop.custody, stop.lot)], world.goods, world.links)
        narrow = reached([stop], world.goods, world.links)
        assert narrow <= wide
        for key in wide - narrow:
            lot, site = world.goods[key]
            if key in stop.spares or site in stop.spares:
                continue
            parents = {parent for parent, child in world.links if child == key and parent in wide}
            assert not parents & narrow, "it came by a way that is not spared"
            named = key == stop.custody if stop.scope == "downstream" else lot == stop.lot
            moved = any(world.goods[parent][0] == lot for parent in parents)
            assert not named or (stop.scope == "lot_downstream" and moved), "it is named itself"


def test_a_lot_in_all_hands_and_what_was_made_of_any_of_it() -> None:
    goods: dict[str, Goods[str]] = {
        "farm": ("lot", "field"), "hall": ("lot", "market"), "dish": ("pot", "kitchen"), "sold on": ("lot", "stall"),
        "other": ("else", "field"),
    }  # fmt: skip
    links = [("farm", "hall"), ("hall", "dish"), ("farm", "sold on"), ("other", "dish")]

    def stopped(scope: str, *spares: str, at: str = "hall") -> set[str]:
        return reached([Stop(scope, at, goods[at][0], frozenset(spares))], goods, links)

    assert stopped("custody") == {"hall"}
    assert stopped("lot") == {"farm", "hall", "sold on"}
    assert stopped("downstream") == {"hall", "dish"}
    assert stopped("lot_downstream") == {"farm", "hall", "dish", "sold on"}
    assert stopped("lot_downstream", "hall") == {"farm", "sold on"}
    assert stopped("lot_downstream", "market") == {"farm", "sold on"}, "all goods at the place"
    assert stopped("lot_downstream", "farm") == set(), "all of it came through the farm"
    assert stopped("downstream", "kitchen") == {"hall"}


def test_a_lot_in_a_circle_has_no_beginning_and_is_reached() -> None:
    goods: dict[str, Goods[str]] = {"a": ("lot", "x"), "b": ("lot", "y"), "c": ("lot", "z")}
    links = [("a", "b"), ("b", "a"), ("b", "c")]
    assert reached([Stop("lot_downstream", "a", "lot", frozenset({"z"}))], goods, links) == {"a", "b"}
