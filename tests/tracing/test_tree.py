"""The tree of a chain for a terminal names what proves it and what each source accounts for."""

import msgspec

from app.tracing import answer
from app.tracing.answer import Amount, Document, Share
from app.tracing.tree import tree_lines
from tests.tracing.test_drawing import chain, node


def test_papers_tests_and_shares_stand_in_the_tree() -> None:
    two, five = Amount("2", "kg", 2_000, None), Amount("5", "kg", 5_000, None)
    trace = msgspec.structs.replace(
        chain([node(0, 0), node(1, 1, "farm")], [(1, 0)]),
        documents=[Document("d", "conformity_certificate", "A-1", None, None, None, "A", ["1"])],
        tests=[
            answer.Test("e", "0", "rapid", "毒死蜱", None, None, None, None, verdict, None, None)
            for verdict in ("pass", None)
        ],
        shares=[Share("1", "0", two, five)],
    )
    start, farm, heading, share, _ = tree_lines(trace, "back", "en")
    assert start.endswith("tests: 毒死蜱 passed, 毒死蜱 ?")
    assert farm.endswith("papers: conformity_certificate A-1")
    assert heading == "what each source accounts for of the start:"
    assert share == "  1号 · 小白菜 260301-1: 2 kg to 5 kg"
