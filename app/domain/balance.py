"""Balances: what came and what became of it, in grams and in pieces, for a custody or for any set of them.

opening + received + made = sold + shipped + processed + returned + destroyed + unexplained + on hand, for every set and
every span of time. A gram is in no column twice: what moves between two custodies of the set is neither received nor
shipped by it (while it is under way it counts as shipped), and what was processed is made again as other goods.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from app.domain.errors import Invalid

INFLOWS: Final = ("received", "made")
OUTFLOWS: Final = ("sold", "shipped", "processed", "returned", "destroyed", "unexplained")
FLOWS: Final = INFLOWS + OUTFLOWS

State = Literal["ok", "loss", "excess"]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much of the goods of a category ("pork" covers "pork.belly", "*" every one) may go missing, or come out too
    much, in thousandths of what came in; `source`: why."""

    category: str
    loss: int
    excess: int
    source: str


# What goods lose by drying, trimming and weighing; figures of the trade, none of them is law [check].
TOLERANCES: Final[tuple[Tolerance, ...]] = (
    Tolerance("vegetables", 100, 20, "drying and trimming of leaves"),
    Tolerance("fruit", 60, 20, "drying, spoilage"),
    Tolerance("tea", 50, 20, "drying"),
    Tolerance("aquatic", 80, 20, "drip, deaths in the tank"),
    Tolerance("eggs", 30, 10, "breakage"),
    *(
        Tolerance(name, 30, 10, "drip, trimming of cuts")
        for name in ("pork", "beef", "mutton", "poultry", "meat")
    ),
    Tolerance("prepackaged", 5, 5, "counted goods"),
    Tolerance("*", 30, 10, "weighing"),
)  # fmt: skip


def tolerance_for(category: str, rules: Iterable[Tolerance] = TOLERANCES) -> Tolerance:
    """The most specific rule that covers the category; none lost and none gained where there is no rule."""
    fitting = [rule for rule in rules if covers(rule.category, category)]
    return max(fitting, key=lambda rule: (rule.category != "*", len(rule.category)), default=Tolerance("*", 0, 0, ""))


def covers(rule: str, category: str) -> bool:
    return rule == "*" or category == rule or category.startswith(rule + ".")


@dataclass(slots=True)
class Sums:
    """Columns of FLOWS in grams and in pieces. Pieces whose weight is known are in both; `weighed` is false where some
    are in pieces alone. `loss` and `excess`: what the tolerances of the goods allow, in thousandths of a unit."""

    grams: list[int] = field(default_factory=lambda: [0] * len(FLOWS))
    pieces: list[int] = field(default_factory=lambda: [0] * len(FLOWS))
    opening_grams: int = 0
    opening_pieces: int = 0
    weighed: bool = True
    loss: list[int] = field(default_factory=lambda: [0, 0])
    excess: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, flow: int, amount: int, goods: "Goods") -> None:
        """`flow`: a position of FLOWS."""
        if goods.counted:
            self.pieces[flow] += amount
            if goods.each is None:
                self.weighed = self.weighed and not amount
            else:
                self.grams[flow] += amount * goods.each
        else:
            self.grams[flow] += amount
        if flow < len(INFLOWS):
            self._allow(amount, goods)

    def open(self, amount: int, goods: "Goods") -> None:
        """What was there before."""
        if goods.counted:
            self.opening_pieces += amount
            if goods.each is None:
                self.weighed = self.weighed and not amount
            else:
                self.opening_grams += amount * goods.each
        else:
            self.opening_grams += amount
        self._allow(amount, goods)

    def _allow(self, amount: int, goods: "Goods") -> None:
        for place, allowed in ((self.loss, goods.tolerance.loss), (self.excess, goods.tolerance.excess)):
            if goods.counted:
                place[1] += amount * allowed
                place[0] += amount * (goods.each or 0) * allowed
            else:
                place[0] += amount * allowed

    @property
    def on_hand(self) -> tuple[int, int]:
        """(grams, pieces) at the end."""
        inflows = len(INFLOWS)
        return (
            self.opening_grams + sum(self.grams[:inflows]) - sum(self.grams[inflows:]),
            self.opening_pieces + sum(self.pieces[:inflows]) - sum(self.pieces[inflows:]),
        )

    @property
    def state(self) -> State:
        """excess: more went out, or was counted, than there was; loss: more is gone than the goods may lose."""
        missing = (self.grams[-1], self.pieces[-1])
        for kept, gone, loss, excess in zip(self.on_hand, missing, self.loss, self.excess, strict=True):
            if min(kept, gone) * 1000 < -max(excess, 0):
                return "excess"
            if gone * 1000 > max(loss, 0):
                return "loss"
        return "ok"


@dataclass(frozen=True, slots=True)
class Goods:
    """What a custody is of: counted or weighed, grams of a piece, what may be lost of it."""

    category: str
    counted: bool
    each: int | None
    tolerance: Tolerance


# --- yields ---


@dataclass(frozen=True, slots=True)
class Yield:
    """What comes out of a process, in thousandths of the weight that went in; `category` is that of the input."""

    process: str
    category: str
    least: int
    most: int
    source: str


# Figures of the trade [check]; whoever knows better puts them into the file of rules.
YIELDS: Final[tuple[Yield, ...]] = (
    Yield("slaughter", "pork", 600, 880, "carcass and offal of a pig"),
    Yield("slaughter", "beef", 450, 750, "carcass and offal of cattle"),
    Yield("slaughter", "mutton", 400, 700, "carcass and offal of sheep"),
    Yield("slaughter", "poultry", 600, 900, "carcass of poultry"),
    Yield("slaughter", "*", 350, 1000, "no carcass weighs more than the animal"),
    *(Yield("process", name, 500, 5000, "milling; tofu and dough take up water") for name in ("soy", "grain")),
    Yield("process", "rice", 550, 3000, "milling; cooking takes up water"),
    Yield("process", "flour", 700, 2500, "dough takes up water"),
    Yield("process", "oilseeds", 100, 600, "pressing of oil"),
    *(Yield("process", name, 350, 1200, "cooking, curing") for name in ("pork", "beef", "mutton", "poultry", "meat")),
    Yield("process", "aquatic", 250, 1200, "filleting, drying"),
    Yield("process", "*", 50, 2000, "drying to a twentieth; as much water as goods"),
    *(Yield(name, "*", 850, 1020, "goods are sorted, not made") for name in ("pack", "repack", "mix", "split")),
)  # fmt: skip


def yield_for(process: str, category: str, rules: Iterable[Yield] = YIELDS) -> Yield | None:
    """The most specific rule of the process for goods of the category."""
    fitting = [rule for rule in rules if rule.process == process and covers(rule.category, category)]
    return max(fitting, key=lambda rule: (rule.category != "*", len(rule.category)), default=None)


# --- rules of an operator's own ---


@dataclass(frozen=True, slots=True)
class Rules:
    """Which hold here: the operator's own come before the shipped ones."""

    tolerances: tuple[Tolerance, ...] = TOLERANCES
    yields: tuple[Yield, ...] = YIELDS


def own_rules(data: Mapping[str, Any]) -> Rules:
    """{"tolerances": [Tolerance…], "yields": [Yield…]}; a rule of the same category (and process) takes the place of
    the shipped one. Raises Invalid with the JSON pointer of the fault."""
    own_tolerances = read_rules(Tolerance, data, "tolerances")
    own_yields = read_rules(Yield, data, "yields")
    named = {rule.category for rule in own_tolerances}
    both = {(rule.process, rule.category) for rule in own_yields}
    return Rules(
        (*own_tolerances, *(rule for rule in TOLERANCES if rule.category not in named)),
        (*own_yields, *(rule for rule in YIELDS if (rule.process, rule.category) not in both)),
    )


def read_rules(kind: type[Any], data: Mapping[str, Any], name: str) -> list[Any]:
    """The objects under a name as rules of a kind: texts, and whole numbers from 0. Raises Invalid."""
    listed = data.get(name, [])
    if not isinstance(listed, list):
        raise _invalid(f"/{name}", "需要列表", "a list is needed")
    found = []
    for i, item in enumerate(listed):
        fields = kind.__dataclass_fields__
        if not isinstance(item, dict) or set(item) != set(fields):
            raise _invalid(f"/{name}/{i}", f"须有且仅有 {', '.join(fields)}", f"exactly {', '.join(fields)}")
        for key, value in item.items():
            wanted = fields[key].type
            texts = wanted is str or "str" in str(wanted)
            fits = isinstance(value, str) if texts else type(value) is int and value >= 0
            if not fits and not (value is None and "None" in str(wanted)):
                raise _invalid(f"/{name}/{i}/{key}", "值不对", "a text, or a whole number from 0")
        found.append(kind(**item))
    return found


def _invalid(pointer: str, zh: str, en: str) -> Invalid:
    return Invalid("invalid-rule", f"规则有误：{zh} · rule: {en}", pointer=pointer)
