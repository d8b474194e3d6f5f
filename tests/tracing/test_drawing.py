"""The picture of a chain: valid, safe, folded where it is large, and quick whatever the graph."""

import re
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from app.tracing.answer import Amount, Confidence, Gap, Link, Node, Place, Source, Status, Totals, Trace
from app.tracing.folding import BOXES, MEMBERS, fold
from app.tracing.svg import draw
from tests.support.cast import Cast
from tests.web.test_trace import market_day

SVG = "{http://www.w3.org/2000/svg}"


def node(key: int, depth: int, place: str = "stall", status: Status = "ok", **fields: Any) -> Node:
    amount = Amount("2", "kg", 2_000, None)
    said: dict[str, Any] = {
        "id": str(key), "kind": "custody", "code": f"B{key}", "lot_id": "L", "lot_number": "260301-1",
        "product": Place(None, "小白菜", "vegetables", None), "site": Place(f"S{key}", f"{key}号", place, "330106"),
        "party": Place(None, "合作社", "vendor", None), "status": status, "depth": depth, "in_": amount, "out": amount,
        "on_hand": amount, "confidence": Confidence("closed", None, None),
    }  # fmt: skip
    return Node(**said | fields)


def chain(nodes: list[Node], links: list[tuple[int, int]], gaps: list[Gap] | None = None) -> Trace:
    joined = [Link(str(a), str(b), "e", "move", Amount("2", "kg", 2_000, None)) for a, b in links]
    totals = Totals(len(nodes), len(joined), 0, len(gaps or ()), 0, 0, 0)
    return Trace(nodes, joined, [], gaps or [], totals, False, None, [], [], [], None)


def fan(buyers: int) -> Trace:
    nodes = [node(0, 0, "farm"), *(node(i, 1, status="held" if i % 10 == 0 else "ok") for i in range(1, buyers + 1))]
    return chain(nodes, [(0, i) for i in range(1, buyers + 1)])


def texts(svg: str) -> list[str]:
    return [text for each in ElementTree.fromstring(svg).iter(f"{SVG}text") for text in each.itertext()]


def test_a_small_chain_shows_every_node() -> None:
    gap = Gap("2", "outside", Source("外地 <合作社> & 'co'", None, "外省", None, None))
    unknown = dict.fromkeys(("site", "party", "code", "in_", "out", "on_hand", "confidence"))
    nodes = [node(0, 0), node(1, 1, "farm", "recalled"), node(2, 1, kind="gap", status="gap", **unknown)]
    svg = draw(chain(nodes, [(1, 0), (2, 0)], [gap]), "back", page=lambda code: f"/c/{code}")
    tree = ElementTree.fromstring(svg)
    shown = " ".join(texts(svg))
    for said in ("起点", "已召回", "来源不明", "外地 <合作社>", "小白菜", "2 kg", "1 处来源不明"):
        assert said in shown, said
    assert [each.text for each in tree.findall(f"{SVG}title")] == ["溯源图：从哪里来"]
    assert tree.find(f"{SVG}desc") is not None
    assert {a.get("href") for a in tree.iter(f"{SVG}a")} == {"/c/B0", "/c/B1"}
    assert "<script" not in svg
    assert not re.search(r"(?:src|href)=\"https?:", svg)
    assert "@import" not in svg
    assert "prefers-color-scheme:dark" in svg
    assert "Where it came from" in draw(chain(nodes, [(1, 0)]), "back", "en")


def test_a_part_of_a_chain_a_claim_and_long_names() -> None:
    gap = Gap("1", "claimed", Source(None, None, None, None, Place(None, "某某" * 20, "vendor", None)))
    unknown = dict.fromkeys(("site", "party", "code", "in_", "out", "on_hand", "confidence"))
    trace = chain([node(0, 0), node(1, 1, kind="gap", status="gap", **unknown)], [(1, 0)], [gap])
    shown = " ".join(texts(draw(msgspec.structs.replace(trace, truncated=True), "back")))
    assert "未取全" in shown
    assert "一方指认" in shown
    assert "某某某某某某某某某某某某某某某…" in shown


def test_many_in_one_layer_are_drawn_low() -> None:
    svg = draw(fan(60), "forward", "en")
    assert 'height="48"' in svg
    assert texts(svg).count("ok · in 2 kg left 2 kg") == 54
    bare = dict.fromkeys(("in_", "on_hand", "confidence"))
    hidden = chain([node(0, 0, **bare), *(node(i, 1, **bare) for i in range(1, 300))], [(0, i) for i in range(1, 300)])
    assert "together" not in " ".join(texts(draw(hidden, "forward", "en"))), "amounts that the reader may not know"
    alone = chain([node(i, 0, product=None, lot_number=None, **bare) for i in range(30)], [])
    assert texts(draw(alone, "forward", "en")).count("start · ok") == 30


def test_a_fan_of_1300_buyers_is_folded_and_opens() -> None:
    trace = fan(1_300)
    folded = fold(trace, "forward", (), {f"S{i}": f"market {i % 3}" for i in range(1_301)})
    assert [(len(box.nodes), box.markets) for box in folded.boxes] == [(1, 1), (1_170, 3), (130, 3)]
    assert folded.lines[0].grams == 2_000 * 1_170
    shown = " ".join(texts(draw(trace, "forward", markets={f"S{i}": f"market {i % 3}" for i in range(1_301)},
                                unfolded=lambda group: f"?unfold={group}")))  # fmt: skip
    assert "1,170 个摊位，3 个市场" in shown
    assert "合计 2340 kg" in shown
    assert "暂停销售 130" in shown
    held = folded.boxes[2].id
    opened = fold(trace, "forward", (held,), {})
    assert sum(not box.folded for box in opened.boxes) == 1 + 130
    many = fold(trace, "forward", (folded.boxes[1].id,), {})
    assert sum(not box.folded for box in many.boxes) == 1 + MEMBERS
    assert sum(len(box.nodes) for box in many.boxes) == 1_301


def test_two_hundred_are_drawn_one_by_one() -> None:
    folded = fold(fan(199), "forward", (), {})
    assert len(folded.boxes) == 200 == BOXES
    assert len(fold(fan(200), "forward", (), {}).boxes) == 3


@pytest.mark.parametrize("shape", ["line", "circle", "stars", "wide", "sorts"])
def test_no_graph_is_too_much(shape: str) -> None:
    number = 5_000
    if shape == "line":
        trace = chain([node(i, i) for i in range(number)], [(i, i + 1) for i in range(number - 1)])
    elif shape == "circle":
        trace = chain([node(i, i) for i in range(number)], [(i, (i + 1) % number) for i in range(number)])
    elif shape == "stars":
        trace = chain(
            [node(i, 0 if i % 10 == 0 else 1) for i in range(number)],
            [(i - i % 10, i) for i in range(number) if i % 10],
        )
    elif shape == "wide":
        trace = chain([node(i, i % 50) for i in range(number)], [(i, i + 1) for i in range(number - 1)])
    else:
        product = [Place(None, f"品{i}", "vegetables", None) for i in range(number)]
        trace = chain([node(i, 0, product=product[i]) for i in range(number)], [])
    folded = fold(trace, "forward", (), {})
    assert len(folded.boxes) <= BOXES
    assert sum(len(box.nodes) for box in folded.boxes) == number == folded.nodes
    assert len(draw(trace, "forward")) < 400_000
    assert fold(trace, "forward", (), {}).boxes == folded.boxes


def test_it_is_drawn_in_the_readers_language(cast: Cast) -> None:
    goods = market_day(cast)
    query = {"code": goods["received"]["code"], "format": "svg"}
    answer = cast.stall.get("/trace", params=query)
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "private, no-store"
    assert "溯源图" in answer.text
    assert goods["made"]["code"] in answer.text
    english = cast.stall.get("/trace", params=query, headers={"Accept-Language": "en"}).text
    assert "Where it came from" in english
    assert "追踪图" in cast.stall.get("/trace", params={**query, "direction": "forward", "lang": "zh"}).text
    assert cast.stall.get("/trace", params={**query, "unfold": "no group"}).status_code == 400
    empty = cast.stall.get("/trace", params={**query, "category": "pork"})
    assert "没有可画的节点" in empty.text
