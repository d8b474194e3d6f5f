"""Where boxes of a drawing go: no two on one another, lines between the layers, whatever the graph."""

import random
from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.domain.layers import BEND, arrange


def crossings(place: dict[str, tuple[int, float]], lines: list[tuple[str, str]]) -> int:
    return sum(
        (place[a][1] - place[c][1]) * (place[b][1] - place[d][1]) < 0 for (a, b), (c, d) in combinations(lines, 2)
    )


def test_lines_that_need_not_cross_do_not() -> None:
    layer = {"a": 0, "b": 0, "c": 0, "x": 1, "y": 1, "z": 1}
    lines = [("a", "z"), ("b", "y"), ("c", "x")]
    drawn = arrange(layer, lines)
    assert crossings(drawn.place, lines) == 0
    assert all(drawn.place[one][1] == drawn.place[other][1] for one, other in lines), "and run straight"


def test_a_long_line_goes_round_what_stands_between() -> None:
    drawn = arrange({"a": 0, "b": 1, "c": 2}, [("a", "b"), ("b", "c"), ("a", "c"), ("c", "c"), ("a", "nowhere")])
    route = drawn.route["a", "c"]
    assert [layer for layer, _ in route] == [0, 1, 2]
    assert abs(route[1][1] - drawn.place["b"][1]) >= (1 + BEND) / 2 - 1e-9
    assert set(drawn.route) == {("a", "b"), ("b", "c"), ("a", "c")}
    assert arrange({}, []).height == 0


@given(st.integers(0, 2**32))
def test_boxes_never_lie_on_one_another(seed: int) -> None:
    luck = random.Random(seed)
    layer = {f"n{i}": luck.randint(0, 5) for i in range(luck.randint(1, 60))}
    names = sorted(layer)
    lines = [(luck.choice(names), luck.choice(names)) for _ in range(luck.randint(0, 120))]
    drawn = arrange(layer, lines)
    assert drawn.place.keys() == layer.keys()
    for level in set(layer.values()):
        heights = sorted(height for at, height in drawn.place.values() if at == level)
        assert all(later - earlier >= 1 - 1e-6 for earlier, later in pairwise(heights))
        assert heights[0] >= 0.5 - 1e-6
        assert heights[-1] <= drawn.height - 0.5 + 1e-6
