"""The pages of a kiosk: large type, one field that a barcode scanner types into, and nothing that leads away."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from app.domain import codes
from app.issuing import Match
from app.scanning import Answer, Tag
from app.web import assets, symbols
from app.web.board_pages import SCRIPTS
from app.web.i18n import Language, Words
from app.web.pages import (
    GOODS_KINDS,
    GRAVE,
    STOPS,
    doubt_of,
    environment,
    policy,
    stops_of,
    stylesheet,
    title_of,
    zone_of,
)

GOODS = 40  # rows of a list: more is not read standing
SECONDS = 60  # of nothing, after which the next person finds the start

_STYLE = stylesheet("style.css", "kiosk.css")
_SCRIPT = assets.address("kiosk.js")
POLICY = policy(_STYLE, SCRIPTS)
_INWARD = re.compile(r'href="/c/([^"/?]+)"')


def start_page(language: Language, lang: str | None) -> str:
    """`lang`: the language that was asked for by name, to be kept on the way."""
    return _render("kiosk_start.html", language, lang, again="/kiosk", start=True)


def matches_page(typed: str, matches: Sequence[tuple[Match, Tag | None]], language: Language, lang: str | None) -> str:
    """What may be meant by what was typed; nothing, where there is none."""
    return _render("kiosk_matches.html", language, lang, again=_again(typed), typed=typed, matches=matches)


def unread_page(typed: str, slug: str, detail: str, near: Iterable[Tag], language: Language, lang: str | None) -> str:
    """A code that is mistyped, unknown or forged."""
    return _render(
        "kiosk_unread.html",
        language,
        lang,
        again=_again(typed),
        busy=False,
        forged=slug == "not-authentic",
        detail=detail,
        near=list(near),
    )


def busy_page(typed: str, language: Language, lang: str | None) -> str:
    """For when nothing can be looked up for a moment."""
    return _render("kiosk_unread.html", language, lang, again=_again(typed), busy=True, forged=False, near=[])


def answer_page(
    answer: Answer, trader: Answer | None, language: Language, lang: str | None, now: datetime, public_url: str
) -> str:
    """The public answer to a code, and that to its trader's own, where it is another."""
    words = Words(language)
    here_and_now = now.astimezone(zone_of(answer))
    lines = answer.lines or []
    bad = [line for line in lines if line.status == answer.status]
    url = codes.qr_url(public_url, answer.code)
    page = _render(
        "kiosk_answer.html",
        language,
        lang,
        again=f"/kiosk/{answer.code}",
        answer=answer,
        doubt=doubt_of(answer),
        grave=answer.status in GRAVE,
        goods=answer.kind in GOODS_KINDS,
        affected=[line.product["name"] for line in bad if line.product] if answer.status in GRAVE else [],
        title=title_of(answer, words),
        stops=[] if answer.lines is not None else stops_of(answer.steps, answer.gaps),
        lines=[(line, stops_of(line.steps, line.gaps)) for line in lines[:GOODS]],
        licences=trader.documents if trader else [],
        records=(trader or answer).inspections,
        this_year=here_and_now.year,
        today=here_and_now.date(),
        symbol=Markup(symbols.svg(url, words.t("kiosk.take_along"))),
    )
    # What is told with the words of every page leads on within the kiosk.
    kept = f"?lang={quote(lang)}" if lang else ""
    return _INWARD.sub(rf'href="/kiosk/\1{kept}"', page)


def _again(typed: str) -> str:
    return f"/kiosk?q={quote(typed)}"


def _render(template: str, language: Language, lang: str | None, *, again: str, **values: Any) -> str:
    words = Words(language)
    return environment.get_template(template).render(
        words=words,
        t=words.t,
        style=Markup(_STYLE),
        script=_SCRIPT,
        seconds=SECONDS,
        again=again,
        lang=lang,
        kept=f"?lang={quote(lang)}" if lang else "",
        shown=STOPS,
        rows=GOODS,
        grouped=codes.grouped,
        **{"start": False, "typed": "", **values},
    )
