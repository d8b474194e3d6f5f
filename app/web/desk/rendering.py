"""How pages of the desk are drawn and sent: one style sheet, nothing that runs, nothing from elsewhere."""

from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from markupsafe import Markup
from starlette.responses import Response

from app.domain import codes
from app.domain.rights import Role
from app.web.desk.visits import Visit, language_of, remember_language
from app.web.i18n import Language, Words, tag_of
from app.web.pages import HOME as CHINA
from app.web.pages import environment, policy, stylesheet

_STYLE = stylesheet("desk.css")
# Drawings come from this service or stand in the page.
POLICY = policy(_STYLE).replace("img-src data:", "img-src 'self' data:")

# What stands in the navigation, for whom; each is a path below /desk and a text `desk.nav.…`.
_OFFICE = (Role.REGULATOR, Role.MARKET, Role.ADMIN)
PLACES: tuple[tuple[str, tuple[Role, ...]], ...] = (
    ("overview", _OFFICE),
    ("deliveries", (Role.MARKET, Role.VENDOR, Role.PRODUCER)),
    ("alerts", _OFFICE),
    ("complaints", _OFFICE),
    ("recalls", _OFFICE),
    ("trace", tuple(Role)),
    ("cases", (Role.REGULATOR, Role.ADMIN)),
    ("coverage", _OFFICE),
    ("findings", _OFFICE),
    ("tests", _OFFICE),
    ("audit", (Role.AUDITOR, Role.ADMIN)),
    ("persons", (Role.ADMIN,)),
)


def places_of(role: Role) -> list[str]:
    """The places of the desk that are for the role."""
    return [name for name, roles in PLACES if role in roles]


def moment(words: Words, value: datetime) -> str:
    """Day and time in China."""
    return words.moment(value.astimezone(CHINA))


def page(
    request: Request, template: str, visit: Visit | None = None, *, status: int = 200, here: str = "", **values: Any
) -> Response:
    """A page of the desk; without a visit one that comes before the login."""
    language: Language = visit.language if visit is not None else language_of(request)
    words = Words(language)
    done = request.query_params.get("done", "")
    body = environment.get_template(template).render(
        words=words,
        t=words.t,
        style=Markup(_STYLE),
        visit=visit,
        places=places_of(visit.principal.role) if visit is not None else [],
        here=here,
        languages=_languages(request, words),
        done=f"desk.done.{done}" if words.has(f"desk.done.{done}") else None,
        moment=lambda value: moment(words, value),
        grouped=codes.grouped,
        link=partial(_link, request),
        **values,
    )
    response = Response(body, status, media_type="text/html")
    response.headers.update(
        {
            "Cache-Control": "private, no-store",
            "Content-Language": tag_of(language),
            "Content-Security-Policy": POLICY,
            "Referrer-Policy": "same-origin",  # no-referrer would take the Origin from our own forms
            "Vary": "Accept-Language, Cookie",
            "X-Frame-Options": "DENY",
        }
    )
    remember_language(request, response)
    return response


def _link(request: Request, **changes: str | None) -> str:
    """The address of this page with other parameters; a cursor goes on with what it was given for alone."""
    kept = {name: value for name, value in request.query_params.items() if name not in ("lang", "done", "cursor")}
    return "?" + urlencode({name: value for name, value in (kept | changes).items() if value})


def _languages(request: Request, words: Words) -> list[tuple[str, str, str]]:
    """(address of this page in it, tag, name) of each other language."""
    kept = {name: value for name, value in request.query_params.items() if name not in ("lang", "done")}
    return [("?" + urlencode(kept | {"lang": other.language}), other.tag, other.name) for other in words.others]
