"""One's own account: password, one-time codes, sessions."""

from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.domain.errors import Conflict, Forbidden, Invalid, Refusal, TooMany, Unauthenticated
from app.enrolling import second_factor, sessions, totp
from app.enrolling.second_factor import Codes
from app.enrolling.sessions import LogOut
from app.store import persons as store
from app.store.engine import reading
from app.web import cookies, symbols
from app.web.desk.login import changed_password, entered
from app.web.desk.rendering import page
from app.web.desk.visits import Visit, VisitDep, back, fields_of
from app.web.problems import status_of
from app.web.service import Service, ServiceDep

router = APIRouter()

HERE = "/desk/account"


@router.get("/account")
async def account(request: Request, service: ServiceDep, visit: VisitDep) -> Response:
    return await _page(request, service, visit)


async def _page(
    request: Request, service: Service, visit: Visit, refusal: Refusal | None = None, recovery: list[str] | None = None
) -> Response:
    now = datetime.now(UTC)

    def find() -> tuple[list[store.Session], bytes]:
        with reading(service.engine) as snapshot:
            return sessions.find_sessions(snapshot, visit.person.id, now), visit.known.session.token_hash

    found, own = await run_in_threadpool(find)
    person = visit.person
    pending = request.query_params.get("codes") == "new" and not person.totp_on and person.totp_epoch > 0
    secret = totp.authenticator(service.master, person) if pending else None
    response = page(
        request,
        "desk_account.html",
        visit,
        here="account",
        status=status_of(refusal) if refusal else 200,
        sessions=[(session, session.token_hash == own) for session in found if session.stage == "full"],
        secret=secret.secret if secret else None,
        symbol=Markup(symbols.svg(secret.provisioning_uri(), person.login)) if secret else None,
        recovery=recovery,
        error=(refusal.errors[0][1] if isinstance(refusal, Invalid) else refusal.detail) if refusal else None,
    )
    if isinstance(refusal, TooMany):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


@router.post("/account/password")
async def change_password(request: Request, service: ServiceDep, visit: VisitDep) -> Response:
    fields = await fields_of(request, visit.token)
    try:
        result = await changed_password(request, service, visit.person, fields)
    except (Unauthenticated, TooMany, Invalid) as refusal:
        return await _page(request, service, visit, refusal)
    return entered(request, service, result, f"{HERE}?done=password")


@router.post("/account/codes/start")
async def start_codes(request: Request, service: ServiceDep, visit: VisitDep) -> Response:
    await fields_of(request, visit.token)
    try:
        await service.writer.write(second_factor.start_codes, Codes(visit.person.id))
    except Conflict as refusal:
        return await _page(request, service, visit, refusal)
    return back(f"{HERE}?codes=new")


@router.post("/account/codes/confirm")
async def confirm_codes(request: Request, service: ServiceDep, visit: VisitDep) -> Response:
    fields = await fields_of(request, visit.token)
    command = Codes(visit.person.id, fields.get("code", ""), service.master)
    try:
        _, shown = await service.writer.write(second_factor.confirm_codes, command)
    except (Unauthenticated, TooMany, Conflict) as refusal:
        return await _page(request, service, visit, refusal)
    return await _page(request, service, visit, recovery=shown)


@router.post("/account/codes/stop")
async def stop_codes(request: Request, service: ServiceDep, visit: VisitDep) -> Response:
    fields = await fields_of(request, visit.token)
    command = Codes(visit.person.id, fields.get("code", ""), service.master)
    try:
        await service.writer.write(second_factor.stop_codes, command)
    except (Unauthenticated, TooMany) as refusal:
        return await _page(request, service, visit, refusal)
    return back(HERE, "codes_off")


@router.post("/account/sessions")
async def end_sessions(request: Request, service: ServiceDep, visit: VisitDep) -> Response:
    """Ends one session, or all of them, this one too."""
    fields = await fields_of(request, visit.token)
    try:
        one = UUID(fields["session"]) if fields.get("session") else None
    except ValueError:
        raise Forbidden("forbidden", "没有这个登录 · There is no such session") from None
    await service.writer.write(sessions.log_out, LogOut(visit.person.id, one))
    if one is not None and one != visit.known.session.id:
        return back(HERE, "session")
    response = back("/desk/login")
    cookies.drop(request, response, cookies.SESSION)
    return response
