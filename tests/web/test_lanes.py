"""Lines of a picture lead from every place to just those that its goods went into."""

from collections import defaultdict
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.scanning import Place
from app.web.lanes import LANES, Row, rows_of

Point = tuple[int, int, str]  # row from the head, lane, level


def place(number: int, *sources: int) -> Place:
    shown = {"site": {"name": str(number)}, "party": None, "product": None}
    return Place(UUID(int=number), [UUID(int=source) for source in sources], shown, None, 0)


def drawn(rows: list[Row]) -> dict[str, set[str]]:
    """Name → names of the places that its lines lead down to, read off the strokes alone."""
    ahead: dict[Point, set[Point]] = defaultdict(set)
    dots = {(i, row.lane, "dot"): row.name for i, row in enumerate(rows)}
    for i, row in enumerate(rows):
        for stroke in row.strokes:
            start, end = (i, stroke.from_lane, stroke.from_level), (i, stroke.to_lane, stroke.to_level)
            assert stroke.from_level != "foot"
            assert stroke.to_level != "head"
            for level, lane in ((stroke.from_level, stroke.from_lane), (stroke.to_level, stroke.to_lane)):
                assert level != "dot" or lane == row.lane
            # A line that passes a row stays clear of its dot.
            assert stroke.from_level == "dot" or stroke.to_level == "dot" or stroke.from_lane != row.lane
            ahead[start].add(end)
            if stroke.to_level == "foot":
                ahead[end].add((i + 1, stroke.to_lane, "head"))
    found = {}
    for dot, name in dots.items():
        reached: set[str] = set()
        todo = list(ahead[dot])
        while todo:
            point = todo.pop()
            if point in dots:
                reached.add(dots[point])
            else:
                assert ahead[point], "a line that ends nowhere"
                todo += ahead[point]
        found[name] = reached
    return found


def leading(places: list[Place]) -> dict[str, set[str]]:
    return {str(p.id.int): {str(t.id.int) for t in places if p.id in t.sources} for p in places}


def test_one_after_another_is_one_line() -> None:
    rows = rows_of([place(0, 1), place(1, 2), place(2)])
    assert [(row.name, row.lane, row.lanes) for row in rows] == [("2", 0, 1), ("1", 0, 1), ("0", 0, 1)]


def test_a_branch_joins_the_longer_one_from_the_right() -> None:
    rows = rows_of([place(0, 1, 2), place(1, 3), place(2), place(3)])
    assert [(row.name, row.lane) for row in rows] == [("3", 0), ("1", 0), ("2", 1), ("0", 0)]
    assert [row.into for row in rows] == [["1"], ["0"], ["0"], []]
    assert drawn(rows) == {"3": {"1"}, "1": {"0"}, "2": {"0"}, "0": set()}


def test_twenty_sources_take_two_lanes() -> None:
    rows = rows_of([place(0, *range(1, 20)), *(place(i) for i in range(1, 20))])
    assert max(row.lanes for row in rows) == 2


def test_a_lot_that_was_divided_and_mixed_again_has_a_line_beside() -> None:
    rows = rows_of([place(0, 1, 2), place(1, 3), place(2, 3), place(3)])
    assert rows[0].name == "3", "what both came from stands above both"
    assert drawn(rows)["3"] == {"1", "2"}


@given(st.data())
def test_every_line_leads_where_the_goods_went(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 12))
    # Every place leads to some nearer one, so that all are on the way.
    targets = [data.draw(st.sets(st.integers(0, key - 1), min_size=1, max_size=3)) for key in range(1, size)]
    places = [place(key, *(1 + i for i, its in enumerate(targets) if key in its)) for key in range(size)]
    rows = rows_of(places)
    assert sorted(row.name for row in rows) == sorted(str(p.id.int) for p in places)
    assert rows[-1].name == "0"
    found, wanted = drawn(rows), leading(places)
    for row in rows:
        assert found[row.name] == set(row.into)
        assert set(row.into) | set(row.also) == wanted[row.name]
        assert not set(row.into) & set(row.also)
        assert not row.also or max(each.lanes for each in rows) >= LANES - 1
    order = [row.name for row in rows]
    for name, its in wanted.items():
        assert all(order.index(name) < order.index(target) for target in its)
