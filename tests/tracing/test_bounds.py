"""Where a question is too much, or the chain runs in a circle: the answer says less, and never takes for ever."""

from xml.etree import ElementTree

import pytest

from app.tracing import confidence
from app.tracing.answer import Confidence
from app.tracing.svg import draw
from tests.recording.conftest import deliver, harvest
from tests.support.cast import Cast
from tests.tracing.test_drawing import SVG, chain, node


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_shares_that_are_too_many_are_not_told(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    made = harvest(cast, "10")
    here = deliver(cast, made, "5", cast.stall)
    for name, bound in (("SHARED", 1), ("RANGES", 1), ("SHARED", 10_000), ("RANGES", 100_000)):
        monkeypatch.setattr(confidence, name, bound)
        for direction in ("back", "forward"):
            shares = cast.admin.trace(direction, code=here["code"] if direction == "back" else made["code"])["shares"]
            assert (shares is None) is (confidence.SHARED == 1 or confidence.RANGES == 1), (name, bound, direction)
    monkeypatch.setattr(confidence, "SHARED", 2)
    lot = cast.admin.trace("back", lot=made["lot_id"])
    assert lot["shares"] is not None
    third = harvest(cast, "10")
    deliver(cast, third, "5", cast.stall)
    assert cast.admin.trace("back", party=cast.farm.party["id"])["shares"] is None, "two sources of two starts"


def test_a_circle_is_drawn_beside_its_layer() -> None:
    trace = chain([node(i, i) for i in range(3)], [(0, 1), (1, 2), (2, 0)])
    tree = ElementTree.fromstring(draw(trace, "forward"))
    paths = [path.get("d") or "" for path in tree.iter(f"{SVG}path") if path.get("class")]
    assert len(paths) == 3
    assert len({box.get("x") for box in tree.iter(f"{SVG}rect") if box.get("class") == "box"}) == 1


def test_what_does_not_add_up_is_marked_by_colour_and_by_word() -> None:
    wrong = node(0, 0, confidence=Confidence("unexplained", None, None))
    svg = draw(chain([wrong], []), "back")
    assert '<g class="warn start">' in svg
    assert "账对不上" in svg
