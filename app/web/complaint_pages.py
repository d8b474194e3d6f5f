"""The pages of a complaint: the form, and how it goes. Without script, like all pages."""

from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from app.domain import codes
from app.domain.complaints import PHOTOS, TEXT, grouped_reference
from app.scanning import Shown, Tag
from app.scanning.names import HOME
from app.web.i18n import Language, Words
from app.web.pages import environment, policy, stylesheet

_STYLE = stylesheet("style.css", "complaint.css")
POLICY = policy(_STYLE)


def form_page(
    tag: Tag, language: Language, megabytes: int, *, text: str = "", contact: str = "", error: str | None = None
) -> str:
    """Where a complaint about a code is written; again with what was written, where something was wrong with it."""
    words = Words(language)
    return _render(
        "complaint.html",
        words,
        code=tag.code,
        kind=tag.kind,
        about=tag.title or words.word("kind", tag.kind),
        where=tag.place,
        text=text,
        contact=contact,
        error=words.half(error) if error else None,
        typed="",
        text_limit=TEXT,
        photo_limit=PHOTOS,
        megabytes=megabytes,
    )


def state_page(reference: str, shown: Shown, language: Language) -> str:
    """What became of a complaint, for whoever has its reference."""
    words = Words(language)
    zone = ZoneInfo(HOME)
    return _render(
        "complaint_state.html",
        words,
        reference=grouped_reference(reference),
        shown=shown,
        filed=words.moment(shown["record_time"].astimezone(zone)),
        updated=words.moment(shown["changed_at"].astimezone(zone)),
    )


def unknown_page(typed: str, status: int, detail: str, language: Language) -> str:
    """A reference that is mistyped or nobody's, and a field to type it again."""
    return _render("complaint_state.html", Words(language), shown=None, typed=typed, status=status, detail=detail)


def _render(template: str, words: Words, **values: Any) -> str:
    return environment.get_template(template).render(
        words=words, t=words.t, style=Markup(_STYLE), grouped=codes.grouped, **values
    )
