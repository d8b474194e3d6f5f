"""Who is at the desk: the session of a request, what its forms must carry, and where whoever has none is led."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl, quote

from fastapi import Depends, FastAPI, Request
from starlette.responses import RedirectResponse, Response

from app.domain.errors import Forbidden, Malformed, UnsupportedType
from app.domain.persons import Person
from app.domain.rights import Principal, Role
from app.enrolling.sessions import Known
from app.web import cookies, forgery
from app.web.auth import session_of
from app.web.bodies import media_type_of, read_body
from app.web.i18n import CATALOGUES, Language, choose
from app.web.schemas import printable

FORM = "application/x-www-form-urlencoded"
LARGEST = 100_000  # bytes of a form
HOME = "/desk"
_INWARD = ("/desk", "/c/")


class LoginNeeded(Exception):
    """Leads to the login, and back to `place` after it."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


@dataclass(frozen=True, slots=True)
class Visit:
    """A person at the desk. `csrf` stands in every form."""

    known: Known
    token: str
    language: Language

    @property
    def principal(self) -> Principal:
        return self.known.principal

    @property
    def person(self) -> Person:
        return self.known.person

    @property
    def csrf(self) -> str:
        return forgery.token_of(self.token)


def language_of(request: Request) -> Language:
    """What `?lang=` says, else what was chosen last, else Accept-Language."""
    asked = request.query_params.get("lang") or cookies.read(request, cookies.LANGUAGE)
    return choose(asked, request.headers.get("accept-language"))


async def visit(request: Request) -> Visit:
    """Raises LoginNeeded."""
    token, known = await session_of(request)
    if known is None or known.session.stage != "full":
        raise LoginNeeded(_here(request))
    return Visit(known, token, language_of(request))


VisitDep = Annotated[Visit, Depends(visit)]


def only(*roles: Role) -> Callable[..., object]:
    """A dependency: the visit of somebody in one of these roles. Raises Forbidden."""

    async def admitted(found: VisitDep) -> Visit:
        if found.principal.role not in roles:
            raise Forbidden("forbidden", "您的角色不使用此页 · This page is not for your role")
        return found

    return admitted


def _here(request: Request) -> str:
    """Where to go after the login: only what can be asked for again."""
    if request.method != "GET":
        return HOME
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def inward(place: str | None) -> str:
    """The place, where it is one of ours and no other host's; else the start of the desk."""
    if not place or not place.startswith(_INWARD) or "\\" in place or not place.isprintable():
        return HOME
    return quote(place, safe="/?&=%:+,.-_~")


async def fields_of(request: Request, bound_to: str | None) -> dict[str, str]:
    """The fields of a form that one of our own pages sent. Raises Forbidden forged-form, Malformed, TooLarge."""
    if media_type_of(request) != FORM:
        raise UnsupportedType("unsupported-type", f"请以 {FORM} 提交表单 · Send the form as {FORM}")
    raw = await read_body(request, LARGEST)
    try:
        fields = dict(parse_qsl(raw.decode(), keep_blank_values=True, strict_parsing=bool(raw), max_num_fields=2_000))
        for value in fields.values():
            printable(value.replace("\r\n", "\n"))
    except ValueError as error:
        raise Malformed("malformed", f"表单无法读取 · The form cannot be read: {error}") from None
    forgery.require(request, bound_to, fields.pop("csrf", None))
    return {name: value.replace("\r\n", "\n").strip() for name, value in fields.items()}


def back(place: str, done: str | None = None) -> Response:
    """To a page after what a form did, which it tells of."""
    mark = "&" if "?" in place else "?"
    return RedirectResponse(f"{place}{mark}done={done}" if done else place, 303, {"Cache-Control": "no-store"})


def install(app: FastAPI) -> None:
    async def led(_: Request, error: Exception) -> Response:
        assert isinstance(error, LoginNeeded)
        return RedirectResponse(f"/desk/login?next={quote(error.place, safe='')}", 303, {"Cache-Control": "no-store"})

    app.add_exception_handler(LoginNeeded, led)


def remember_language(request: Request, response: Response) -> None:
    """Keeps the language that was asked for by name."""
    asked = request.query_params.get("lang")
    if asked in CATALOGUES:
        cookies.put(request, response, cookies.LANGUAGE, asked, cookies.YEAR)
