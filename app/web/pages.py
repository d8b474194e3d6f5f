"""What a shopper sees: an answer as one HTML document without script or outside request, or as a short text."""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.domain import codes
from app.scanning import Answer, Gap, Line, Shown, Step, Tag
from app.scanning.counting import Scans
from app.web import deflating
from app.web.i18n import Language, Words
from app.web.lanes import rows_of

# More would not be read on a telephone; the JSON has it all.
STOPS = 40
GOODS = 60
PAPERS = 40

# A reader must not overlook these.
GRAVE = ("recalled", "held", "refused", "expired", "revoked")
HOME = ZoneInfo("Asia/Shanghai")
GOODS_KINDS = ("custody", "lot", "unit", "slip", "receipt")

# What the first letter of a code says, as kinds are called on a page.
LETTERS = {
    "S": "site",
    "P": "party",
    "B": "custody",
    "G": "lot",
    "N": "unit",
    "T": "slip",
    "R": "receipt",
}

# The dashes of a code, which is read as one.
_SPELLED = re.compile(r"(?<=[0-9A-Z])-(?=[0-9A-Z])")

_TEMPLATES = Path(__file__).parent / "templates"
environment = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,  # it would look at the files for every page
)


def stylesheet(*names: str) -> str:
    """The style sheets together, on one line."""
    return "".join(line.strip() for name in names for line in (_TEMPLATES / name).read_text("utf-8").splitlines())


_STYLE = stylesheet("style.css")
# The same in every page: kept once, compressed once.
STYLE = _STYLE.encode()
STYLE_DEFLATED = deflating.deflated(STYLE)
_LABEL_STYLE = stylesheet("labels.css")


def policy(style: str, scripts: str = "") -> str:
    """The Content-Security-Policy of a page with this style sheet: nothing else is loaded, nothing is run but what
    `scripts` allows."""
    digest = base64.b64encode(sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; {scripts}img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


# The one style sheet stands in each page, and nothing else is allowed to.
POLICY = policy(_STYLE)


@dataclass(slots=True)
class Goods:
    """What happened to one batch at a stop."""

    product: Shown | None
    lot_number: str | None
    steps: list[Step]


@dataclass(slots=True)
class Stop:
    """One place on the way, with what happened there; or a gap."""

    generation: int
    site: Shown | None = None
    party: Shown | None = None
    goods: list[Goods] = field(default_factory=list)
    gap: Gap | None = None

    @property
    def refused(self) -> bool:
        """A gate let them not in."""
        return any(step.decision == "refused" for batch in self.goods for step in batch.steps)


def stops_of(steps: Iterable[Step], gaps: Iterable[Gap]) -> list[Stop]:
    """Steps by the place they happened at, and the gaps between, from the farm to the reader."""
    found: dict[Any, Stop] = {}
    for step in steps:
        # A gate is a place of its own, between two pairs of hands.
        gate = (step.site or {}).get("code") if step.kind == "admit" else None
        stop = found.setdefault(
            (step.custody_id, gate),
            Stop(step.generation, step.site, step.party, [Goods(step.product, step.lot_number, [])]),
        )
        stop.goods[0].steps.append(step)
        if step.kind not in ("test", "admit"):
            stop.site, stop.party = step.site or stop.site, step.party or stop.party
    stops = list(found.values())
    stops += [Stop(gap.generation, gap=gap) for gap in gaps if gap.node_id is not None]
    merged: list[Stop] = []
    for stop in sorted(stops, key=lambda stop: -stop.generation):
        last = merged[-1] if merged else None
        if last is not None and stop.site is not None and (last.site, last.party) == (stop.site, stop.party):
            last.goods += stop.goods
        else:
            merged.append(stop)
    return merged


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to know at a glance."""

    name: str
    value: str
    bad: bool = False


def doubt_of(answer: Answer) -> str | None:
    """The key of the words that are said in place of "incomplete" where more is in doubt than a way: a copied unit, a
    receipt number of two sales; and in place of "ok" too where the goods were made of such as are on hold."""
    if answer.status == "incomplete" and answer.doubts:
        return "doubt"
    if answer.status == "incomplete" and any(gap.reason == "two_claims" for gap in answer.gaps):
        return "two_claims"
    if answer.status == "incomplete" and any(gap.reason == "archived" for gap in answer.gaps):
        return "archived"
    return "held_sources" if answer.held_sources and answer.status in ("ok", "incomplete") else None


def _facts(answer: Answer, words: Words) -> list[Fact]:
    if answer.kind == "party" or answer.status in ("pending", "revoked") or doubt_of(answer) == "archived":
        return []
    facts = []
    if answer.stock is not None:
        facts.append(Fact(words.t("fact.stock"), words.t("count.batches", n=len(answer.stock))))
    elif answer.kind not in ("receipt", "slip"):
        regions = {
            words.region_short((step.site or {}).get("region")): None for step in answer.steps if step.kind == "produce"
        }
        regions.pop("", None)
        if regions:
            few = " · ".join(regions) if len(regions) < 3 else words.t("count.places", n=len(regions))
            facts.append(Fact(words.t("fact.origin"), few))
        hands = {(step.party or {}).get("name") for step in answer.steps if step.kind not in ("test", "admit")} - {None}
        if hands:
            facts.append(Fact(words.t("fact.hands"), words.t("count.hands", n=len(hands))))
    failed = sum(test["verdict"] == "fail" for test in answer.tests)
    passed = sum(test["verdict"] == "pass" for test in answer.tests)
    if failed:
        facts.append(Fact(words.t("fact.tests"), words.t("count.failed", n=failed), bad=True))
    else:
        told = words.t("count.passed", n=passed) if passed else words.t("no_tests")
        facts.append(Fact(words.t("fact.tests"), told))
    if answer.kind != "site" and answer.documents:
        facts.append(Fact(words.t("fact.papers"), words.t("count.papers", n=len(answer.documents))))
    return facts


def _description(answer: Answer, words: Words, facts: Iterable[Fact]) -> str:
    """What a shared link shows below its title."""
    if doubt := doubt_of(answer):
        return words.t(f"means.{doubt}")
    means = words.best(f"means.{answer.status}.{answer.kind}", f"means.{answer.status}")
    told = " · ".join(f"{fact.name} {fact.value}" for fact in facts)
    return f"{means}{words.space}{told}" if told and answer.status not in GRAVE else means


def _tested(answer: Answer, now: datetime) -> list[tuple[str, list[Shown]]]:
    """Tests under the headings of a page; those of a place by whether they are of today, by the tester's clock."""
    if answer.kind != "site" or not answer.tests:
        return [("tests", answer.tests)] if answer.tests else []
    today: list[Shown] = []
    before: list[Shown] = []
    for test in answer.tests:
        at: datetime = test["event_time"]
        (today if at.date() == now.astimezone(at.tzinfo).date() else before).append(test)
    return [("tests_today", today), *([("tests_before", before)] if before else [])]


def line_drawn(line: Line, language: Language, now: datetime, alone: bool) -> str:
    """A line of a receipt as its page has it; `alone`: where there is no other."""
    macros: Any = environment.get_template("macros.html").module
    stops = stops_of(line.steps, line.gaps)
    return str(macros.line(Words(language), line, stops, alone, True, now.astimezone(HOME).year, STOPS))


def scan_page(answer: Answer, language: Language, now: datetime, scans: str, drawn: Sequence[str] = ()) -> str:
    """The answer for a browser; `scans`: markup that tells how often the code was scanned, `drawn`: markup in place of
    lines, one for each."""
    words = Words(language)
    facts = _facts(answer, words)
    here_and_now = now.astimezone(HOME)
    lines = answer.lines or []
    affected = [str((line.product or {}).get("name") or "") for line in lines if line.status == answer.status]
    unfit = [
        str((item.shown["product"] or {}).get("name") or "")
        for item in answer.stock or ()
        if item.shown["status"] in GRAVE
    ]
    return _render(
        "scan.html",
        language,
        answer=answer,
        doubt=doubt_of(answer),
        grave=answer.status in GRAVE,
        goods=answer.kind in GOODS_KINDS,
        facts=facts,
        description=_description(answer, words, facts),
        tested=_tested(answer, now),
        stops=[] if answer.lines is not None else stops_of(answer.steps, answer.gaps),
        picture=rows_of(answer.picture) if answer.picture else [],
        lines=[(line, [] if drawn else stops_of(line.steps, line.gaps)) for line in lines],
        drawn=[Markup(line) for line in drawn],
        unfit=list(dict.fromkeys(unfit)),
        affected=affected if answer.status in GRAVE else [],
        title=title_of(answer, words),
        this_year=here_and_now.year,
        today=here_and_now.date(),
        recorded=words.moment(answer.record_time.astimezone(zone_of(answer))) if answer.record_time else "",
        scans=Markup(scans),
        last_seen=words.moment(answer.seen.last_time.astimezone(zone_of(answer))) if answer.seen else "",
    )


def deflated(part: bytes) -> bytes:
    """A part of a page as `app.web.deflating.deflated` has it; the style in it is not compressed again."""
    before, style, after = part.partition(STYLE)
    return deflating.deflated(before) + (STYLE_DEFLATED + deflating.deflated(after) if style else b"")


def scans_told(words: Words, zone: tzinfo, scans: Scans) -> bytes:
    """How often a code was scanned, for its page."""
    if scans.first_time is None:
        return words.t("scans.none").encode()
    return _scans_since(words.language, zone, scans.count, int(scans.first_time.timestamp()) // 60)


@lru_cache(5_000)
def _scans_since(language: Language, zone: tzinfo, number: int, minute: int) -> bytes:
    words = Words(language)
    first = datetime.fromtimestamp(minute * 60, zone)
    return words.t("scans", n=number, time=words.moment(first)).encode()


def zone_of(answer: Answer) -> tzinfo:
    """That of the last clock on the way."""
    return next((zone for step in reversed(answer.steps) if (zone := step.event_time.tzinfo)), HOME)


def error_page(status: int, slug: str, detail: str, typed: str, meant: Iterable[Tag], language: Language) -> str:
    """A code that is mistyped, unknown or forged: what may have been meant, and a field to type it again."""
    return _render(
        "error.html",
        language,
        status=status,
        forged=slug == "not-authentic",
        detail=_SPELLED.sub("\N{NON-BREAKING HYPHEN}", detail),
        typed=typed,
        meant=list(meant),
        letters=LETTERS,
    )


def labels_page(drawn: Iterable[str], size: tuple[float, float], language: Language) -> tuple[str, str]:
    """Pages (SVG elements) of `size` millimetres to print, and the policy of their one style sheet."""
    style = f"@page{{size:{size[0]:g}mm {size[1]:g}mm;margin:0}}{_LABEL_STYLE}"
    words = Words(language)
    template = environment.get_template("labels.html")
    return template.render(words=words, t=words.t, style=Markup(style), drawn=map(Markup, drawn)), policy(style)


def title_of(answer: Answer, words: Words) -> str:
    """What the code names, in a word."""
    for shown in (answer.product, answer.site, answer.party):
        if shown is not None and not (shown is answer.product and answer.kind == "receipt"):
            return str(shown["name"])
    return words.word("kind", answer.kind)


def _render(template: str, language: Language, **values: Any) -> str:
    words = Words(language)
    return environment.get_template(template).render(
        words=words,
        t=words.t,
        style=Markup(_STYLE),
        stops_shown=STOPS,
        goods_shown=GOODS,
        papers_shown=PAPERS,
        grouped=codes.grouped,
        **values,
    )
