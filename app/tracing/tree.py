"""A trace as lines of text for a terminal: a tree from the start outward."""

from collections.abc import Iterator
from typing import Literal

from app.store.chain import Direction
from app.tracing.answer import Begun, Gap, Node, Share, Trace

Language = Literal["zh", "en"]

TOLD = 20  # packings of a unit
_CONTINUED = {"": "", "├─ ": "│  ", "└─ ": "   "}
_WORDS: dict[Language, dict[str, str]] = {
    "zh": {
        "ok": "正常", "gap": "来源不明", "voided": "已作废", "recalled": "已召回", "held": "暂停销售",
        "refused": "未获准入场", "expired": "已过期", "outside": "系统外购入", "unrecorded": "没有更早的记录",
        "claimed": "一方指认、待另一方确认",
        "seen": "见上", "in": "进", "kept": "存", "reported": "{} 填报", "batch": "批次",
        "more": "未完，继续：cursor={}", "closed": "来源已由双方确认", "cut": "未完：起点过多，只列出最新的",
        "claimed_of": "其中 {} 只有一方说法", "unexplained_of": "{} 对不上账", "from": "各来源占起点的数量",
        "share": "{}：{} 至 {}", "exact": "{}：{}", "contact": "联系 {}", "tests": "检测：{}", "pass": "合格",
        "fail": "不合格", "papers": "凭证：{}",
        "lots": "所属批次：{}", "inside": "装于 {}", "opened_now": "单元里现有", "opened_then": "单元里当时有",
        "opened_last": "单元是空的，最后一次所装",
        "totals": "{nodes} 个节点，{links} 个环节，{events} 条记录，{gaps} 处来源不明",
    },
    "en": {
        "ok": "ok", "gap": "origin unknown", "voided": "voided", "recalled": "recalled", "held": "held",
        "refused": "refused at the gate", "expired": "expired", "outside": "bought from outside the system",
        "unrecorded": "nothing earlier is on record",
        "claimed": "named by one side, not confirmed by the other", "seen": "see above", "in": "in", "kept": "left",
        "reported": "reported by {}", "batch": "lot", "more": "there is more, go on with cursor={}",
        "closed": "origin confirmed by both sides",
        "cut": "there is more: only the newest starts are listed",
        "claimed_of": "{} of it by one side's word", "unexplained_of": "{} do not add up",
        "from": "what each source accounts for of the start", "share": "{}: {} to {}", "exact": "{}: {}",
        "contact": "call {}", "tests": "tests: {}", "pass": "passed", "fail": "failed", "papers": "papers: {}",
        "lots": "of the lot {}", "inside": "in {}", "opened_now": "in the unit now", "opened_then": "in the unit then",
        "opened_last": "the unit is empty; in it last were",
        "totals": "{nodes} nodes, {links} links, {events} events, {gaps} gaps",
    },
}  # fmt: skip


def tree_lines(trace: Trace, direction: Direction, language: Language = "zh") -> Iterator[str]:
    """One line a node, indented under what it was reached from; a node reached again is named once more and not
    followed. What hangs on nodes of an earlier answer stands at the margin."""
    words = _WORDS[language]
    yield from _start(trace.start, words)
    nodes = {node.id: node for node in trace.nodes}
    place = {key: i for i, key in enumerate(nodes)}
    gaps = {gap.node_id: gap for gap in trace.gaps}
    proof = _proof(trace, words)
    below: dict[str, set[str]] = {key: set() for key in nodes}
    reached: set[str] = set()
    for link in trace.links:
        near, far = (link.child_id, link.parent_id) if direction == "back" else (link.parent_id, link.child_id)
        if near in nodes and far in nodes:
            below[near].add(far)
            reached.add(far)
    seen: set[str] = set()
    # Where everything hangs on something else there is a circle: it is entered at its first node.
    for top in [*(key for key in nodes if key not in reached), *nodes]:
        waiting = [(top, "", "")] if top not in seen else []
        while waiting:
            key, stem, branch = waiting.pop()
            again = f" ({words['seen']})" if key in seen else ""
            yield stem + branch + _line(nodes[key], gaps.get(key), proof.get(key, []), words) + again
            if again:
                continue
            seen.add(key)
            inner = stem + _CONTINUED[branch]
            last = True
            for far in sorted(below[key], key=place.__getitem__, reverse=True):
                waiting.append((far, inner, "└─ " if last else "├─ "))
                last = False
    if direction == "back" and trace.shares:
        yield f"{words['from']}:"
        for share in trace.shares:
            yield "  " + _share(share, nodes[share.node_id], gaps.get(share.node_id), words)
    totals = trace.totals
    yield words["totals"].format(nodes=totals.nodes, links=totals.links, events=totals.events, gaps=totals.gaps)
    if trace.next is not None:
        yield words["more"].format(trace.next)
    elif trace.truncated:
        yield words["cut"]


def _start(start: Begun | None, words: dict[str, str]) -> Iterator[str]:
    """What was opened, where the start is a unit, and whose lot single goods are of."""
    if start is None:
        return
    if start.lots:
        yield words["lots"].format(", ".join(start.lots))
    opened = start.opened
    if opened is not None:
        when = "" if opened.at is None else f" ({opened.at:%Y-%m-%d %H:%M} UTC)"
        yield f"{words[f'opened_{opened.state}']}{when}: {start.epc}"
        for one in opened.packings[:TOLD]:
            yield f"  {one.content}" + ("" if one.unit == start.epc else f" ({words['inside'].format(one.unit)})")
        if opened.count > TOLD:
            yield f"  … +{opened.count - TOLD}"


def _proof(trace: Trace, words: dict[str, str]) -> dict[str, list[str]]:
    """What each node is proved by, in words."""
    found: dict[str, list[str]] = {}
    papers: dict[str, list[str]] = {}
    tests: dict[str, list[str]] = {}
    for document in trace.documents:
        for key in document.node_ids:
            papers.setdefault(key, []).append(" ".join(text for text in (document.type, document.number) if text))
    for test in trace.tests:
        verdict = words.get(test.verdict or "", "?")
        tests.setdefault(test.node_id, []).append(f"{test.item} {verdict}")
    for word, said in (("papers", papers), ("tests", tests)):
        for key, listed in said.items():
            found.setdefault(key, []).append(words[word].format(", ".join(listed)))
    return found


def _share(share: Share, node: Node, gap: Gap | None, words: dict[str, str]) -> str:
    name = gap.from_.name if gap is not None else None
    place = name or next((p.name for p in (node.site, node.party) if p is not None), "?")
    goods = f"{place} · {node.product.name if node.product else '?'} {node.lot_number or ''}".rstrip()
    least, most = (f"{amount.value} {amount.unit}" for amount in (share.at_least, share.at_most))
    return words["exact"].format(goods, most) if least == most else words["share"].format(goods, least, most)


def _line(node: Node, gap: Gap | None, proof: list[str], words: dict[str, str]) -> str:
    product = node.product.name if node.product else "?"
    if gap is not None:
        source = gap.from_
        said = [words[gap.reason], *(text for text in (source.name, source.address) if text)]
        if source.reported_by is not None:
            said.append(words["reported"].format(source.reported_by.name))
        if source.contact:
            said.append(words["contact"].format(source.contact))
        return f"[{words['gap']}] {product} · " + " · ".join(said)
    parts = [f"{product} {words['batch']} {node.lot_number or '?'}"]
    if node.kind == "gap":
        return f"[{words[node.status]}] {product} · {words['closed']}"
    site, party = (place.name if place else None for place in (node.site, node.party))
    parts.append(site if party in (None, site) and site else f"{site or '?'} ({party or '?'})")
    if node.on_hand is not None and node.in_ is not None:
        amounts = ((words["in"], node.in_), (words["kept"], node.on_hand))
        parts.append(" ".join(f"{word} {amount.value} {amount.unit}" for word, amount in amounts))
    if node.confidence is not None:
        sure = node.confidence
        for word, amount in (("claimed_of", sure.claimed), ("unexplained_of", sure.unexplained)):
            if amount is not None:
                parts.append(words[word].format(f"{amount.value} {amount.unit}"))
    if node.code is not None:
        parts.append(node.code)
    parts += proof
    return f"[{words[node.status]}] " + " · ".join(parts)
