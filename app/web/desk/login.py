"""The login: name and password, then a one-time code where the person has turned them on, then a new password where one
is due. Each step ends in a session of a new token."""

import logging
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from app.domain.errors import Forbidden, Invalid, Refusal, TooMany, Unauthenticated
from app.domain.persons import Person, weakness
from app.enrolling import passwords, sessions
from app.enrolling.sessions import ChangePassword, LoggedIn, LogIn, LogOut, PassCode
from app.store.engine import reading
from app.web import cookies, forgery, hashing
from app.web.auth import session_of
from app.web.desk.rendering import page
from app.web.desk.visits import VisitDep, fields_of, inward
from app.web.problems import status_of
from app.web.service import Service, ServiceDep
from app.web.tries import client_of

log = logging.getLogger(__name__)

router = APIRouter()

_STEPS = {"code": "/desk/login/code", "change": "/desk/login/password"}


@router.get("/login")
async def login_page(request: Request, service: ServiceDep) -> Response:
    _, known = await session_of(request)
    if known is not None and known.session.stage == "full":
        return RedirectResponse(inward(request.query_params.get("next")), 303, {"Cache-Control": "no-store"})
    return _form(request, service, request.query_params.get("next", ""))


def _form(request: Request, service: Service, place: str, typed: str = "", refusal: Refusal | None = None) -> Response:
    bound_to = cookies.read(request, cookies.FORM) or cookies.fresh()
    response = page(
        request,
        "desk_login.html",
        status=status_of(refusal) if refusal else 200,
        csrf=forgery.token_of(bound_to),
        next=place,
        typed=typed[:64],
        error=refusal.detail if refusal else None,
        issuer=service.settings.oidc_issuer,
    )
    cookies.put(request, response, cookies.FORM, bound_to)
    _wait(response, refusal)
    return response


def refused_login(request: Request, service: Service, place: str, refusal: Refusal) -> Response:
    """The login's page, with why nobody was let in."""
    return _form(request, service, place, "", refusal)


def _wait(response: Response, refusal: Refusal | None) -> None:
    if isinstance(refusal, TooMany):
        response.headers["Retry-After"] = str(refusal.retry_after)


@router.post("/login")
async def log_in(request: Request, service: ServiceDep) -> Response:
    fields: dict[str, str] = {}
    try:
        fields = await fields_of(request, cookies.read(request, cookies.FORM))
        result = await _admitted(request, service, fields.get("login", ""), fields.get("password", ""))
        await require_standing(service, result)
    except (Unauthenticated, TooMany, Forbidden) as refusal:
        return _form(request, service, fields.get("next", ""), fields.get("login", ""), refusal)
    return entered(request, service, result, fields.get("next"))


async def _admitted(request: Request, service: Service, login: str, password: str) -> LoggedIn:
    """A session for whoever has this name and password. A name that nobody has costs what one costs that somebody has,
    waits as long and is refused in the same words.

    Where strangers try a name so often that it has to wait, its owner still gets in from a browser that they have
    logged in from before: it is counted by itself."""
    client = client_of(request)
    service.logins.begin(client)

    def find() -> Person | None:
        with reading(service.engine) as snapshot:
            return sessions.find_by_login(snapshot, login)

    person = await run_in_threadpool(find)
    key = _known_browser(request, service, person) or sessions.try_key("name", login.strip().lower())
    await service.writer.write(sessions.begin_tries, key)
    kept = person.password_hash if person is not None else None
    if not await hashing.work(passwords.matches, kept, password) or person is None or kept is None:
        log.info("a login failed")
        raise sessions.refused()
    anew = await hashing.work(passwords.hashed, password) if passwords.outdated(kept) else None
    agent = request.headers.get("user-agent")
    result = await service.writer.write(sessions.log_in, LogIn(person.id, kept, agent, key, anew))
    service.logins.right(client)
    return result


async def require_standing(service: Service, result: LoggedIn) -> None:
    """Raises Forbidden party-locked where the session opens nothing: what the person works for is locked."""
    if await service.sessions.admit(result.token) is None:
        raise Forbidden(
            "party-locked",
            "所属主体已被锁定，请联系市场或监管部门 · "
            "The party that you work for is locked: ask its market or the regulator",
        )


def _known_browser(request: Request, service: Service, person: Person | None) -> bytes | None:
    """What tries of this person are counted by in a browser that they have logged in from; None in another one."""
    if person is None:
        return None
    nonce = cookies.unsigned(service.master, f"browser {person.id}", cookies.read(request, cookies.BROWSER))
    return sessions.try_key("browser", nonce, person.id.bytes) if nonce else None


def entered(request: Request, service: Service, result: LoggedIn, place: str | None) -> Response:
    """On to where the person wanted to go, or to the next step of the login; with the cookie of the new session."""
    step = _STEPS.get(result.session.stage)
    to = inward(place) if step is None else f"{step}?{urlencode({'next': place or ''})}"
    response = RedirectResponse(to, 303, {"Cache-Control": "no-store"})
    cookies.put(request, response, cookies.SESSION, result.token)
    cookies.drop(request, response, cookies.FORM)
    if step is None:
        known = cookies.signed(service.master, f"browser {result.person.id}", cookies.fresh())
        cookies.put(request, response, cookies.BROWSER, known, cookies.YEAR)
    return response


@router.get("/login/code")
async def code_page(request: Request) -> Response:
    return await _step(request, "code")


async def _step(request: Request, stage: str, refusal: Refusal | None = None, place: str | None = None) -> Response:
    token, known = await session_of(request)
    if known is None or known.session.stage != stage:
        return RedirectResponse("/desk/login", 303, {"Cache-Control": "no-store"})
    response = page(
        request,
        f"desk_{stage}.html",
        status=status_of(refusal) if refusal else 200,
        csrf=forgery.token_of(token),
        next=request.query_params.get("next", "") if place is None else place,
        login=known.person.login,
        error=(refusal.errors[0][1] if isinstance(refusal, Invalid) else refusal.detail) if refusal else None,
    )
    _wait(response, refusal)
    return response


@router.post("/login/code")
async def pass_code(request: Request, service: ServiceDep) -> Response:
    token, _ = await session_of(request)
    fields: dict[str, str] = {}
    try:
        fields = await fields_of(request, token)
        command = PassCode(sessions.token_hash(token), fields.get("code", ""), service.master)
        result = await service.writer.write(sessions.pass_codes, command)
    except (Unauthenticated, TooMany, Forbidden) as refusal:
        return await _step(request, "code", refusal, fields.get("next", ""))
    return entered(request, service, result, fields.get("next"))


@router.get("/login/password")
async def password_page(request: Request) -> Response:
    return await _step(request, "change")


@router.post("/login/password")
async def first_password(request: Request, service: ServiceDep) -> Response:
    token, known = await session_of(request)
    fields: dict[str, str] = {}
    try:
        fields = await fields_of(request, token)
        if known is None or known.session.stage != "change":
            raise sessions.refused()
        result = await changed_password(request, service, known.person, fields)
    except (Unauthenticated, TooMany, Forbidden, Invalid) as refusal:
        return await _step(request, "change", refusal, fields.get("next", ""))
    return entered(request, service, result, fields.get("next"))


async def changed_password(request: Request, service: Service, person: Person, fields: dict[str, str]) -> LoggedIn:
    """A new session after a new password; all others are ended. Raises Invalid weak-password, Unauthenticated,
    TooMany."""
    old, new = fields.get("old", ""), fields.get("new", "")
    if new != fields.get("again"):
        why: str | None = "两次输入的新密码不同 · The new password is not the same both times"
    elif new == old:
        why = "新密码不能与原密码相同 · The new password must be another one"
    else:
        why = weakness(new, person.login)
    if why is not None:
        raise Invalid("weak-password", why, pointer="/new")
    key = sessions.try_key("password", person.id.bytes)
    await service.writer.write(sessions.begin_tries, key)
    if not await hashing.work(passwords.matches, person.password_hash, old):
        raise Unauthenticated("wrong-login", "原密码不正确 · The old password is wrong")
    kept = await hashing.work(passwords.hashed, new)
    agent = request.headers.get("user-agent")
    return await service.writer.write(
        sessions.change_passwords, ChangePassword(person.id, person.password_hash, kept, agent, key)
    )


@router.post("/logout")
async def log_out(request: Request, service: ServiceDep, visit: VisitDep) -> Response:
    await fields_of(request, visit.token)
    await service.writer.write(sessions.log_out, LogOut(visit.person.id, visit.known.session.id))
    response = RedirectResponse("/desk/login", 303, {"Cache-Control": "no-store", "Clear-Site-Data": '"cache"'})
    cookies.drop(request, response, cookies.SESSION)
    return response
