"""How long records are kept (留存期): by category of the goods and by law, the longest rule that applies wins.

A rule counts from the last day on which anything happened to the goods, or from the end of their shelf life. Rules are
data: an operator's own come before the shipped ones of the same category.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from app.domain.balance import covers, read_rules
from app.domain.errors import Invalid


@dataclass(frozen=True, slots=True)
class Rule:
    """`months` after the last day ("last"), after the shelf life where there is one ("expiry"), or after the last day
    where there is none ("no_expiry"). Of the rules that cover a category the most specific apply, all of them."""

    category: str
    months: int
    after: str
    source: str


_PRODUCE = (
    "vegetables", "fruit", "tea", "eggs", "aquatic", "pork", "beef", "mutton", "poultry", "meat", "grain",
)  # fmt: skip
RULES: Final[tuple[Rule, ...]] = (
    Rule("*", 6, "expiry", "Food Safety Law §50, §53: shelf life and six months"),
    Rule("*", 24, "no_expiry", "Food Safety Law §50, §53: two years where there is no shelf life"),
    *(Rule(name, 6, "last", "Food Safety Law §65: edible farm produce, six months") for name in _PRODUCE),
    *(Rule(name, 6, "expiry", "no less than their shelf life and six months") for name in _PRODUCE),
    # Papers on which nothing that is kept rests: a paper is kept as long as what it speaks for, and at least so long.
    *(
        Rule("document", 24, after, "Food Safety Law §53: papers of a purchase, two years")
        for after in ("last", "expiry")
    ),
    *(
        Rule("document.conformity_certificate", 6, after, "承诺达标合格证: six months (order 4 of 2025)")
        for after in ("last", "expiry")
    ),
    *(
        Rule(f"document.{name}", 24, "expiry", "two years after the licence ended, for ever where it has no end")
        for name in ("production_licence", "business_licence")
    ),
)
CAPTURED: Final = 24  # months after the last of it was captured: 21 CFR 1.1455 (FSMA 204), two years
RECALLS: Final = 24  # months after a recall was closed: its goods and its record, two years
PAPERS: Final = "document"  # their category begins with it, then the type
PERSONAL: Final = 24  # months after which who complained, answered for a recall, or traded once is erased
_AFTER = ("last", "expiry", "no_expiry")


def own_rules(data: Mapping[str, Any]) -> tuple[Rule, ...]:
    """{"retention": [Rule…]}: the rules of a category take the place of all shipped ones of it. Raises Invalid."""
    own: list[Rule] = read_rules(Rule, data, "retention")
    for i, rule in enumerate(own):
        if rule.after not in _AFTER:
            raise Invalid(
                "invalid-rule", f"after 只能是 {_AFTER} · after is one of {_AFTER}", pointer=f"/retention/{i}/after"
            )
    named = {rule.category for rule in own}
    return (*own, *(rule for rule in RULES if rule.category not in named))


def keep_until(category: str, last: date, expires_on: date | None, rules: Iterable[Rule] = RULES) -> date | None:
    """The last day on which the records are kept; None, for ever, where no rule applies. A rule that counts from the
    shelf life never ends before one that counts from the last day would: goods are sold after it, too."""
    fitting = [rule for rule in rules if covers(rule.category, category)]
    length = max((_specific(rule) for rule in fitting), default=(False, 0))
    ends = [end for rule in fitting if _specific(rule) == length and (end := _end(rule, last, expires_on)) is not None]
    return max(ends, default=None)


def _specific(rule: Rule) -> tuple[bool, int]:
    return rule.category != "*", len(rule.category)


def _end(rule: Rule, last: date, expires_on: date | None) -> date | None:
    match rule.after:
        case "expiry":
            return later(max(expires_on, last), rule.months) if expires_on is not None else None
        case "no_expiry":
            return later(last, rule.months) if expires_on is None else None
        case _:
            return later(last, rule.months)


def of_goods(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Those of goods, without those of papers."""
    return tuple(rule for rule in rules if not covers(PAPERS, rule.category))


def of_papers(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    return tuple(rule for rule in rules if covers(PAPERS, rule.category))


def shortest(rules: Iterable[Rule] = RULES) -> int:
    """Months before which nothing is thinned, whatever it is."""
    return min((rule.months for rule in rules), default=0)


def later(day: date, months: int) -> date:
    """So many months later, the last of a month where the day is missing."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def earlier(day: date, months: int) -> date:
    """The last day of which `later` is the day or before it."""
    return later(day, -months)


def kept_with(kept: Iterable[bytes], links: Iterable[tuple[bytes, bytes, str]], among: Iterable[bytes]) -> set[bytes]:
    """All that stays with what is kept: what it came from, and, as slips and balances name both, where the goods of one
    lot went on from it. `links`: (parent, child, kind). What was made of kept goods may go."""
    nodes = set(among)
    beside: dict[bytes, list[bytes]] = {}
    for parent, child, kind in links:
        beside.setdefault(child, []).append(parent)
        if kind != "transform":
            beside.setdefault(parent, []).append(child)
    found = set(kept) & nodes
    ahead = list(found)
    while ahead:
        for other in beside.get(ahead.pop(), ()):
            if other in nodes and other not in found:
                found.add(other)
                ahead.append(other)
    return found


def families(keys: Iterable[bytes], links: Iterable[tuple[bytes, bytes, str]]) -> list[list[bytes]]:
    """The keys in groups that links join, the smallest key of each first."""
    head = {key: key for key in keys}

    def top(key: bytes) -> bytes:
        while head[key] != key:
            head[key] = head[head[key]]
            key = head[key]
        return key

    for parent, child, _ in links:
        if parent in head and child in head:
            one, other = sorted((top(parent), top(child)))
            head[other] = one
    groups: dict[bytes, list[bytes]] = {}
    for key in sorted(head):
        groups.setdefault(top(key), []).append(key)
    return list(groups.values())
