"""A chain as a picture: SVG without a script and without anything that is loaded from elsewhere."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from html import escape
from itertools import accumulate, pairwise
from typing import Literal

from app.domain.layers import arrange
from app.store.chain import Direction
from app.tracing.answer import Amount, Node, Place, Status, Trace
from app.tracing.folding import Box, Folded, Line, fold
from app.tracing.texts import Amounts

Language = Literal["zh", "en"]

WIDTH, HEIGHT, LOW = 216, 84, 48  # of a box, in pixels; low where many stand in one layer
ACROSS, GAP = 330, 14  # from a layer to the next; between boxes of one
MANY = 24
MARGIN, HEAD = 28, 64
LABELLED = 80  # lines that bear their amount
TEXT = 33  # letters that a line of a box holds; a Chinese one counts for two

WORDS: dict[Language, dict[str, str]] = {
    "zh": {
        "ok": "正常", "gap": "来源不明", "voided": "已作废", "recalled": "已召回", "held": "暂停销售",
        "refused": "未获准入场", "expired": "已过期", "back": "溯源图：从哪里来", "forward": "追踪图：到哪里去",
        "nodes": "{} 个节点", "gaps": "{} 处来源不明", "folded": "图中并为 {} 个框，点击合并框可展开",
        "more": "未取全，图中只是一部分", "in": "进", "kept": "存", "claimed": "单方说法", "unexplained": "账对不上",
        "group": "{number} 个{kind}", "markets": "，{} 个市场", "together": "合计 {}",
        "unfold": "展开", "start": "起点", "nothing": "没有可画的节点", "flow": "货物自左向右流转",
        "claim": "一方指认", "via": "{} 笔",
        "farm": "农场", "plant": "工厂", "warehouse": "仓库", "wholesale": "批发市场", "market": "市场",
        "stall": "摊位", "shop": "门店", "canteen": "食堂", "machine": "售货机", "place": "场所",
    },
    "en": {
        "ok": "ok", "gap": "origin unknown", "voided": "voided", "recalled": "recalled", "held": "held",
        "refused": "refused entry", "expired": "expired", "back": "Where it came from", "forward": "Where it went",
        "nodes": "{} nodes", "gaps": "{} of unknown origin",
        "folded": "drawn as {} boxes; a folded box opens when clicked", "more": "part of a longer chain",
        "in": "in", "kept": "left", "claimed": "one side's word", "unexplained": "does not add up",
        "group": "{number} {kind}", "markets": " in {} markets", "together": "{} together", "unfold": "unfold",
        "start": "start", "nothing": "nothing to draw", "flow": "goods go from left to right",
        "claim": "named by one side", "via": "{} times",
        "farm": "farms", "plant": "plants", "warehouse": "warehouses", "wholesale": "wholesale halls",
        "market": "markets", "stall": "stalls", "shop": "shops", "canteen": "canteens", "machine": "machines",
        "place": "places",
    },
}  # fmt: skip

STYLE = """
svg{--paper:#fff;--ink:#1a1f24;--soft:#57606a;--line:#8a939c;--box:#f6f8fa;--edge:#c5ccd3;--ok:#1a7f37;--bad:#b42318;
--warn:#8a5a00;--grey:#6b7280;--start:#0b5cad;background:var(--paper);
font-family:"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",system-ui,sans-serif}
@media (prefers-color-scheme:dark){svg{--paper:#0f1318;--ink:#e8edf2;--soft:#a3adb8;--line:#77828e;--box:#1a2027;
--edge:#3a444f;--ok:#4cc46f;--bad:#ff8a80;--warn:#f0b849;--grey:#a0a8b3;--start:#6cb6ff}}
text{fill:var(--ink);font-size:13px}.soft{fill:var(--soft);font-size:12px}.name{font-weight:600}
h1,.head{font-size:18px;font-weight:600}.box{fill:var(--box);stroke:var(--edge)}.start .box{stroke:var(--start);
stroke-width:2.5}.pile{fill:var(--box);stroke:var(--edge)}.line{fill:none;stroke:var(--line);stroke-width:1.4}
.claim{stroke-dasharray:5 4}.bar{fill:var(--ok)}.state{fill:var(--ok);font-size:12px;font-weight:600}
.bad .bar{fill:var(--bad)}.bad .state{fill:var(--bad)}.warn .bar{fill:var(--warn)}.warn .state{fill:var(--warn)}
.grey .bar{fill:var(--grey)}.grey .state{fill:var(--grey)}.gap .box{stroke-dasharray:6 4;stroke:var(--warn)}
.amount{font-size:11px;fill:var(--soft);paint-order:stroke;stroke:var(--paper);stroke-width:4px}
#tip{fill:var(--line)}a{cursor:pointer}a:focus-visible .box{stroke:var(--start);stroke-width:3}
""".strip().replace("\n", "")

_GRAVITY: tuple[Status, ...] = ("recalled", "held", "refused", "expired", "gap", "voided", "ok")
_COLOURS = {"ok": "", "gap": "warn", "voided": "grey"}


def draw(
    trace: Trace,
    direction: Direction,
    language: Language = "zh",
    *,
    unfold: Collection[str] = (),
    markets: Mapping[str, str] | None = None,
    page: Callable[[str], str | None] = lambda _: None,
    unfolded: Callable[[str], str | None] = lambda _: None,
) -> str:
    """The chain from left, where it comes from, to right. More than 200 nodes are folded: siblings of one kind and
    state stand together, and open by the links that `unfolded` gives for a group; `page` gives the address of a code.
    `markets`: code of a site → its topmost site."""
    folded = fold(trace, direction, unfold, markets or {})
    return "".join(_Svg(trace, direction, language, folded, page, unfolded).parts())


class _Svg:
    def __init__(
        self,
        trace: Trace,
        direction: Direction,
        language: Language,
        folded: Folded,
        page: Callable[[str], str | None],
        unfolded: Callable[[str], str | None],
    ) -> None:
        self._trace, self._folded, self._page, self._unfolded = trace, folded, page, unfolded
        self._language = language
        self._words = WORDS[language]
        self._title = self._words[direction]
        self._amounts = Amounts()
        self._drawn = arrange(
            {box.id: box.layer for box in folded.boxes}, ((line.parent, line.child) for line in folded.lines)
        )
        rows = Counter(box.layer for box in folded.boxes)
        self._low = max(rows.values(), default=0) > MANY
        self._tall = LOW if self._low else HEIGHT
        self._layers = max((box.layer for box in folded.boxes), default=0) + 1

    def parts(self) -> Iterator[str]:
        width = max(2 * MARGIN + (self._layers - 1) * ACROSS + WIDTH, 520)
        height = HEAD + MARGIN + max(self._drawn.height, 1) * (self._tall + GAP)
        title, about = escape(self._title), escape(self._about())
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" lang="{"zh-CN" if self._language == "zh" else "en"}" '
            f'role="img" aria-labelledby="t d"><title id="t">{title}</title><desc id="d">{about}</desc>'
            f"<style>{STYLE}</style>"
            '<defs><marker id="m" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path id="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
            f'<text class="head" x="{MARGIN}" y="30">{title}</text>'
            f'<text class="soft" x="{MARGIN}" y="50">{about}</text>'
        )
        labelled = len(self._folded.lines) <= LABELLED
        for line in self._folded.lines:
            yield self._line(line, labelled)
        for box in self._folded.boxes:
            yield self._box(box)
        yield "</svg>"

    def _about(self) -> str:
        words, folded = self._words, self._folded
        if not folded.boxes:
            return words["nothing"]
        said = [words["nodes"].format(f"{folded.nodes:,}")]
        gaps = self._trace.totals.gaps
        if gaps:
            said.append(words["gaps"].format(gaps))
        if len(folded.boxes) < folded.nodes:
            said.append(words["folded"].format(len(folded.boxes)))
        if self._trace.truncated:
            said.append(words["more"])
        return ("，" if self._language == "zh" else ", ").join([*said, words["flow"]])

    def _at(self, place: tuple[int, float]) -> tuple[float, float]:
        """Middle of a place, in pixels."""
        return MARGIN + place[0] * ACROSS + WIDTH / 2, HEAD + place[1] * (self._tall + GAP)

    def _line(self, line: Line, labelled: bool) -> str:
        route = [self._at(place) for place in self._drawn.route[line.parent, line.child]]
        (x, y), (last, end) = route[0], route[-1]
        if abs(last - x) < 1:  # in a circle: an arc beside the layer
            edge = x + WIDTH / 2
            path = f"M{edge:.0f} {y:.0f}C{edge + 60:.0f} {y:.0f} {edge + 60:.0f} {end:.0f} {edge:.0f} {end:.0f}"
        else:
            side = WIDTH / 2 if last > x else -WIDTH / 2
            points = [(x + side, y), *route[1:-1], (last - side, end)]
            path = f"M{points[0][0]:.0f} {points[0][1]:.0f}"
            for (x, y), (to, height) in pairwise(points):
                middle = (x + to) / 2
                path += f"C{middle:.0f} {y:.0f} {middle:.0f} {height:.0f} {to:.0f} {height:.0f}"
        claimed = " claim" if line.kinds <= {"identify"} else ""
        drawn = f'<path class="line{claimed}" d="{path}" marker-end="url(#m)"/>'
        said = self._sum(line.grams, line.pieces)
        if line.links > 1:
            said = (
                f"{said} · {self._words['via'].format(line.links)}" if said else self._words["via"].format(line.links)
            )
        if labelled and said:
            first, second = route[-2], route[-1]
            x, y = (first[0] + second[0]) / 2, (first[1] + second[1]) / 2
            drawn += f'<text class="amount" text-anchor="middle" x="{x:.0f}" y="{y - 4:.0f}">{escape(said)}</text>'
        return drawn

    def _sum(self, grams: int | None, pieces: int | None) -> str:
        amount = self._amounts[grams, pieces]
        return f"{amount.value} {amount.unit}" if amount is not None else ""

    def _box(self, box: Box) -> str:
        x, y = self._at(self._drawn.place[box.id])
        left, top = x - WIDTH / 2, y - self._tall / 2
        lines, whole = self._group(box) if box.folded else self._node(box)
        state = min((node.status for node in box.nodes), key=_GRAVITY.index)
        doubtful = any(node.confidence is not None and node.confidence.state == "unexplained" for node in box.nodes)
        marks = ["warn" if state == "ok" and doubtful else _COLOURS.get(state, "bad")]
        if any(node.depth == 0 for node in box.nodes):
            marks.append("start")
        if box.nodes[0].kind == "gap":
            marks.append("gap")
        pile = (
            f'<rect class="pile" x="{left + 6:.0f}" y="{top - 5:.0f}" width="{WIDTH}" height="{self._tall}" rx="8"/>'
            if box.folded
            else ""
        )
        texts = "".join(
            f'<text class="{kind}" x="{left + 14:.0f}" y="{top + 19 + 19 * i:.0f}">{escape(_short(text))}</text>'
            for i, (kind, text) in enumerate(self._packed(lines))
        )
        href = self._unfolded(box.id) if box.folded else self._page(box.nodes[0].code) if box.nodes[0].code else None
        opened, closed = (f'<a href="{escape(href)}">', "</a>") if href else ("", "")
        return (
            f'<g class="{" ".join(mark for mark in marks if mark)}">{opened}<title>{escape(whole)}</title>{pile}'
            f'<rect class="box" x="{left:.0f}" y="{top:.0f}" width="{WIDTH}" height="{self._tall}" rx="8"/>'
            f'<rect class="bar" x="{left:.0f}" y="{top + 8:.0f}" width="5" height="{self._tall - 16}"/>'
            f"{texts}{closed}</g>"
        )

    def _packed(self, lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """The lines of a low box: its name, and below it what fits of its state and amounts."""
        if not self._low:
            return lines
        name, *_, amount, state = [lines[0], *lines] if len(lines) < 3 else lines
        return [name, (state[0], f"{state[1]} · {amount[1]}" if amount is not name else state[1])]

    def _node(self, box: Box) -> tuple[list[tuple[str, str]], str]:
        (node,) = box.nodes
        words = self._words
        goods = " · ".join(part for part in (_called(node.product), node.lot_number) if part)
        where = _called(node.site) or _called(node.party) or "?"
        if box.gap is not None:
            said = box.gap.from_
            where = said.name or said.address or (_called(said.reported_by) or "?")
        elif node.party is not None and node.party.name != where:
            where = f"{where}（{node.party.name}）" if self._language == "zh" else f"{where} ({node.party.name})"
        state = [words[node.status]]
        if box.gap is not None and box.gap.reason == "claimed":
            state.append(words["claim"])
        if node.depth == 0:
            state.insert(0, words["start"])
        sure = node.confidence
        if sure is not None and sure.state != "closed":
            state.append(words[sure.state])
        amounts = " ".join(
            f"{words[word]} {_told(amount)}" for word, amount in (("in", node.in_), ("kept", node.on_hand)) if amount
        )
        lines = [("name", where), ("soft", goods), ("soft", amounts), ("state", " · ".join(state))]
        whole = "\n".join([text for _, text in lines if text] + ([node.code] if node.code else []))
        return [line for line in lines if line[1]], whole

    def _group(self, box: Box) -> tuple[list[tuple[str, str]], str]:
        words, nodes = self._words, box.nodes
        kinds = Counter(node.site.kind if node.site is not None else "place" for node in nodes)
        kind = next(iter(kinds)) if len(kinds) == 1 else "place"
        name = words["group"].format(number=f"{len(nodes):,}", kind=words.get(kind, words["place"]))
        if box.markets > 1 or (box.markets == 1 and kind == "stall"):
            name += words["markets"].format(box.markets)
        products = Counter(_called(node.product) or "?" for node in nodes)
        goods = "、".join(product for product, _ in products.most_common(3)) + ("…" if len(products) > 3 else "")
        state = Counter(node.status for node in nodes)
        states = " ".join(f"{words[one]} {state[one]:,}" for one in _GRAVITY if one in state)
        lines = [("name", name), ("soft", goods), ("soft", self._together(nodes)), ("state", states)]
        return [line for line in lines if line[1]], "\n".join([text for _, text in lines if text] + [words["unfold"]])

    def _together(self, nodes: list[Node]) -> str:
        """What came to them, where all of that is known."""
        amounts = [node.in_ for node in nodes]
        known = [amount for amount in amounts if amount is not None]
        if len(known) < len(amounts):
            return ""
        weighed = sum(amount.grams or 0 for amount in known if amount.unit == "kg")
        counted = sum(amount.pieces or 0 for amount in known if amount.unit == "pcs")
        sums = [self._sum(weighed, None)] if weighed else []
        sums += [self._sum(None, counted)] if counted else []
        return self._words["together"].format(" + ".join(sums)) if sums else ""


def _called(place: Place | None) -> str:
    return place.name if place is not None else ""


def _told(amount: Amount) -> str:
    return f"{amount.value} {amount.unit}"


def _width(letter: str) -> float:
    """In halves of a Chinese letter; of the widths that Latin letters have in the fonts of the drawing the larger ones:
    a lot number in capitals stays in its box."""
    if letter in "·…" or unicodedata.east_asian_width(letter) in "WF":
        return 2
    if letter in "ijl.,:;'|()- ":
        return 0.7
    return 1.35 if letter.isupper() or letter in "mw@%" else 1.12


def _short(text: str) -> str:
    """As much as a line of a box holds."""
    widths = [_width(letter) for letter in text]
    if sum(widths) <= TEXT:
        return text
    room = TEXT - _width("…")
    kept = sum(1 for width in accumulate(widths) if width <= room)
    return text[:kept].rstrip() + "…"
