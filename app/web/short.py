"""An answer as a short text: what an SMS holds, and what a hotline reads out."""

from collections.abc import Iterator
from datetime import datetime

from app.scanning import Answer
from app.web.i18n import Language, Words
from app.web.pages import GOODS_KINDS, GRAVE, doubt_of, stops_of, title_of

LIMIT = 300  # characters


def short_text(answer: Answer, language: Language, url: str, now: datetime) -> str:
    """At most 300 characters: status first, then who, whence, tests, what is not known; the address at the end. What
    does not fit is left out whole."""
    words = Words(language)
    end = words.t("text.more", url=url)
    text = ""
    for part in _parts(answer, words, now.year):
        if len(text) + len(part) + len(end) <= LIMIT:
            text += part
    return text + end


def _parts(answer: Answer, words: Words, year: int) -> Iterator[str]:
    """Sentences, the most important first."""
    doubt = doubt_of(answer)
    said = words.t(doubt) if doubt else words.best(f"status.{answer.status}.{answer.kind}", f"status.{answer.status}")
    lot = words.t("text.lot", text=answer.lot["lot_number"]) if answer.lot else ""
    yield f"【{words.t('brand')}】{title_of(answer, words)}{lot}" + words.t("text.status", text=said)
    if answer.status_reason and answer.status != "ok":
        yield words.t("text.reason", text=words.half(answer.status_reason))
    for recall in answer.recalls:
        yield words.half(f"{recall['advice']['zh']} · {recall['advice']['en']}") + words.space
    if answer.status in GRAVE and answer.kind in GOODS_KINDS and not answer.recalls:
        yield words.t(f"means.{answer.status}") + words.space
    if doubt == "held_sources":
        held = dict.fromkeys(str((source["product"] or {}).get("name") or "") for source in answer.held_sources)
        yield words.t("text.held_sources", text=words.list.join(held))
    if answer.party is not None:
        region = words.region((answer.site or answer.party).get("region"))
        yield words.t("text.trader", text=words.comma.join(filter(None, (answer.party["name"], region))))
    if answer.stock:
        names = dict.fromkeys(str((item.shown["product"] or {}).get("name")) for item in answer.stock)
        yield words.t("text.stock", n=len(answer.stock), text=words.list.join(list(names)[:8]))
    for line in answer.lines or ():
        name = (line.product or {}).get("name") or ""
        yield words.t("text.line", name=name, text=words.t(f"status.{line.status}"))
    if answer.tests:
        results = [words.t("text.test", item=test["item"], text=verdict(words, test)) for test in answer.tests]
        yield words.t("text.tests", text=words.list.join(list(dict.fromkeys(results))[:6]))
    if answer.kind in ("custody", "lot") and (way := _way(answer, words, year)):
        yield words.t("text.way", text=way)
    if answer.gaps:
        yield words.t("text.gap", text=words.t(f"gap.{answer.gaps[0].reason}"))


def verdict(words: Words, test: dict[str, object]) -> str:
    """A test's verdict, a rapid failure as the first screening that it is."""
    return words.t("verdict.presumptive") if test["presumptive"] else words.t(f"verdict.{test['verdict'] or 'none'}")


def _way(answer: Answer, words: Words, year: int) -> str:
    """The stops by their first day; the middle of a long way is left out."""
    first: dict[str, str] = {}
    for stop in stops_of(answer.steps, answer.gaps):
        if stop.goods:
            name = str((stop.site or stop.party or {}).get("name"))
            first.setdefault(name, words.day(stop.goods[0].steps[0].event_time.date(), year))
    stops = [f"{day} {name}" for name, day in first.items()]
    return " → ".join(stops if len(stops) <= 6 else [*stops[:3], "…", *stops[-2:]])
