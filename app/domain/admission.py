"""Admission to a market (入场查验) as data: what paper, test and chain a category of goods needs to be let in.

Source of the defaults: SAMR Order 81 (in force 2023-12-01) art. 13 and following; Food Safety Law §65; order 4 of
2025 on the 承诺达标合格证. A market's own rules replace the default of the same category. Settings of a market that go
beyond the law (only complete chains, only with an e-ticket, five papers from another province) are fields of a rule.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from app.domain.errors import Invalid

DOCUMENT_TYPES: Mapping[str, str] = {
    "conformity_certificate": "承诺达标合格证",
    "quarantine_certificate": "动物检疫合格证明",
    "meat_quality_certificate": "肉品品质检验合格证",
    "import_inspection": "入境货物检验检疫证明",
    "origin_proof": "产地证明",
    "purchase_slip": "购货凭证",
    "test_report": "检测报告",
    "production_licence": "食品生产许可证",
    "business_licence": "营业执照",
    "other": "其他凭证",
}

Need = Literal["never", "without_paper", "always"]


@dataclass(frozen=True, slots=True)
class Rule:
    """For goods of a category ("pork" covers "pork.belly"; "*" every one) from an origin.

    requires: groups of document types, one of each group is enough. test: a passed test is needed always, only where
    the papers are missing (and then stands for them), or never. chain: "complete" admits only goods whose way back to
    the source has no gap. slip: only goods that come with an e-ticket. classes: accepted classes of certificates,
    empty for any.
    """

    category: str
    requires: tuple[tuple[str, ...], ...] = ()
    origin: Literal["any", "outside_province"] = "any"
    test: Need = "never"
    chain: Literal["any", "complete"] = "any"
    slip: bool = False
    classes: tuple[str, ...] = ()


_PRODUCE_PAPERS = (("conformity_certificate", "origin_proof", "purchase_slip"),)

DEFAULTS: tuple[Rule, ...] = (
    *(Rule(c, _PRODUCE_PAPERS, test="without_paper") for c in ("vegetables", "fruit", "eggs", "aquatic", "tea")),
    Rule("pork", (("quarantine_certificate",), ("meat_quality_certificate",))),
    *(Rule(c, (("quarantine_certificate",),)) for c in ("beef", "mutton", "poultry", "meat")),
    Rule("imported", (("import_inspection",),)),
    Rule("prepackaged", (("production_licence",), ("test_report",))),
    Rule("*", (("conformity_certificate", "origin_proof", "purchase_slip", "test_report", "production_licence"),),
         test="without_paper"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Paper:
    """A document as admission sees it."""

    type: str
    class_: str | None
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class Goods:
    """What is known at the gate of one custody. `locked_sender` names who sent it and may not trade now."""

    name: str
    category: str
    papers: Sequence[Paper]
    passed_test: bool
    failed_test: bool
    held: bool
    expired: bool
    chain_complete: bool
    has_slip: bool
    outside_province: bool
    locked_sender: str | None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why goods are refused; `missing` are document types, "test", "slip" or "chain"."""

    slug: str
    detail: str
    missing: tuple[str, ...] = ()


def rule_for(goods: Goods, own: Iterable[Rule]) -> list[Rule]:
    """Every rule that applies: the most specific category of the market's own rules, else of the defaults.

    A rule for goods from another province comes on top of the others.
    """
    own = list(own)
    special = [r for r in own if r.origin == "outside_province" and _covers(r.category, goods.category)]
    general = _most_specific(goods, [r for r in own if r.origin == "any"]) or _most_specific(goods, DEFAULTS)
    return ([general] if general else []) + (special if goods.outside_province else [])


def refusals(goods: Goods, own: Iterable[Rule], today: date) -> list[Reason]:
    """All reasons to refuse the goods; none means that they are admitted."""
    reasons: list[Reason] = []
    if goods.held:
        reasons.append(Reason("goods-on-hold", f"{goods.name}：已暂停销售 · {goods.name}: on hold"))
    if goods.locked_sender is not None:
        name = goods.locked_sender
        reasons.append(
            Reason("sender-locked", f"{goods.name}：发货方 {name} 已被锁定 · {goods.name}: its sender {name} is locked")
        )
    if goods.expired:
        reasons.append(Reason("expired-goods", f"{goods.name}：已过保质期 · {goods.name}: past its date"))
    if goods.failed_test:
        reasons.append(Reason("failed-test", f"{goods.name}：检测不合格 · {goods.name}: a test failed"))
    missing: dict[str, None] = {}
    for rule in rule_for(goods, own):
        for need in _missing(goods, rule, today):
            missing[need] = None
    return reasons + [
        Reason(_SLUGS.get(need, "paper-missing"), _says(goods.name, need), tuple(need.split("|"))) for need in missing
    ]


def parse_rules(data: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """Rules from JSON objects with Rule's fields; Invalid names the fault by its JSON pointer."""
    rules = []
    for i, item in enumerate(data):
        unknown = set(item) - set(Rule.__dataclass_fields__)
        if unknown:
            raise _invalid(f"/{i}/{sorted(unknown)[0]}", "没有这个字段", "no such field")
        category = item.get("category")
        if not isinstance(category, str) or not 0 < len(category) <= 100:
            raise _invalid(f"/{i}/category", "需要品类", "a category is needed")
        for name, allowed in _CHOICES.items():
            if item.get(name, allowed[0]) not in allowed:
                raise _invalid(f"/{i}/{name}", f"只能是 {allowed}", f"one of {allowed}")
        rules.append(
            Rule(
                category,
                _groups(item.get("requires", []), f"/{i}/requires"),
                item.get("origin", "any"),
                item.get("test", "never"),
                item.get("chain", "any"),
                item.get("slip", False),
                _names(item.get("classes", []), f"/{i}/classes"),
            )
        )
    return rules


_CHOICES: dict[str, tuple[Any, ...]] = {
    "origin": ("any", "outside_province"),
    "test": ("never", "without_paper", "always"),
    "chain": ("any", "complete"),
    "slip": (False, True),
}
_SLUGS = {"test": "test-missing", "slip": "slip-missing", "chain": "chain-incomplete"}
_NEEDS = {
    "test": ("合格的检测", "a passed test"),
    "slip": ("电子一票通", "an e-ticket (slip)"),
    "chain": ("完整的来源链", "a complete chain back to the source"),
}


def _says(name: str, need: str) -> str:
    if need in _NEEDS:
        zh, en = _NEEDS[need]
    else:
        types = need.split("|")
        zh = "或".join(DOCUMENT_TYPES[t] for t in types)
        en = " or ".join(t.replace("_", " ") for t in types)
    return f"{name}：缺少{zh} · {name}: {en} is missing"


def _missing(goods: Goods, rule: Rule, today: date) -> list[str]:
    valid = {
        paper.type
        for paper in goods.papers
        if (paper.expires_on is None or paper.expires_on >= today)
        and (not rule.classes or paper.type != "conformity_certificate" or paper.class_ in rule.classes)
    }
    papers = ["|".join(group) for group in rule.requires if not valid & set(group)]
    if rule.test == "without_paper" and papers and goods.passed_test:
        papers = []
    missing = papers
    if rule.test == "always" and not goods.passed_test:
        missing = [*missing, "test"]
    if rule.chain == "complete" and not goods.chain_complete:
        missing = [*missing, "chain"]
    if rule.slip and not goods.has_slip:
        missing = [*missing, "slip"]
    return missing


def _covers(rule: str, category: str) -> bool:
    return rule == "*" or category == rule or category.startswith(rule + ".")


def _most_specific(goods: Goods, rules: Iterable[Rule]) -> Rule | None:
    fitting = [rule for rule in rules if _covers(rule.category, goods.category)]
    return max(fitting, key=lambda rule: (rule.category != "*", len(rule.category)), default=None)


def _invalid(pointer: str, zh: str, en: str) -> Invalid:
    return Invalid("invalid-rule", f"入场规则有误：{zh} · admission rule: {en}", pointer=pointer)


def _groups(value: Any, pointer: str) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list | tuple) or len(value) > 20:
        raise _invalid(pointer, "需要列表", "a list of at most 20 groups")
    groups = []
    for i, group in enumerate(value):
        names = _names(group, f"{pointer}/{i}")
        if not names:
            raise _invalid(f"{pointer}/{i}", "至少一种凭证", "a group names one document type at least")
        for name in names:
            if name not in DOCUMENT_TYPES:
                raise _invalid(f"{pointer}/{i}", f"没有这种凭证：{name}", f"no document type {name}")
        groups.append(names)
    return tuple(groups)


def _names(value: Any, pointer: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or len(value) > 20 or not all(isinstance(v, str) for v in value):
        raise _invalid(pointer, "需要文字列表", "a list of at most 20 words")
    return tuple(value)
