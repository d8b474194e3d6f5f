"""Login by an issuer of OpenID Connect: code flow with PKCE, state and nonce (OpenID Connect Core §3.1). The issuer
says who somebody is; what they may do is enrolled here."""

import json
import logging
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
from authlib.common.security import generate_token  # type: ignore[import-untyped]
from authlib.oauth2.client import OAuth2Client  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from fastapi import APIRouter, Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from app.domain.errors import Forbidden, NotFound, Unauthenticated
from app.enrolling import sessions
from app.enrolling.sessions import Believe, LogIn
from app.settings import Settings
from app.web import cookies
from app.web.desk.login import entered, refused_login, require_standing
from app.web.service import Service, ServiceDep

log = logging.getLogger(__name__)

router = APIRouter()

SECONDS = 600  # that a login at the issuer may take
TIMEOUT = 5.0  # seconds that the issuer has to answer
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]


class IssuerFailed(Exception):
    """The issuer did not answer as it must; says how."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Where the issuer's doors are."""

    name: str
    authorization: str
    token: str
    keys: str


@router.get("/login/oidc")
async def begin(request: Request, service: ServiceDep) -> Response:
    """To the issuer, with what its answer will be known by in a cookie of this browser."""
    settings = _configured(service)
    under_way = {
        "state": generate_token(32),
        "nonce": generate_token(32),
        "verifier": generate_token(48),
        "next": request.query_params.get("next", ""),
        "until": time.time() + SECONDS,
    }

    def address() -> str:
        with _http() as http:
            url, _ = _client(settings, http).create_authorization_url(
                discovered(settings, http).authorization,
                state=under_way["state"],
                code_verifier=under_way["verifier"],
                nonce=under_way["nonce"],
            )
            return str(url)

    try:
        url = await run_in_threadpool(address)
    except (IssuerFailed, httpx.HTTPError, AuthlibBaseError) as error:
        return _failed(request, service, error)
    response = RedirectResponse(url, 303, {"Cache-Control": "no-store"})
    kept = cookies.signed(service.master, "oidc", json.dumps(under_way).encode().hex())
    cookies.put(request, response, cookies.OIDC, kept, SECONDS)
    return response


@router.get("/login/oidc/callback")
async def answered(request: Request, service: ServiceDep) -> Response:
    """Back from the issuer."""
    settings = _configured(service)
    kept = cookies.unsigned(service.master, "oidc", cookies.read(request, cookies.OIDC))
    under_way: dict[str, Any] = json.loads(bytes.fromhex(kept)) if kept else {"until": 0}
    query = request.query_params
    if time.time() > under_way["until"] or query.get("state") != under_way["state"] or not query.get("code"):
        return _failed(request, service, IssuerFailed(f"no answer to a question of ours: {query.get('error')}"))
    try:
        claims = await run_in_threadpool(_claims, settings, query["code"], under_way)
    except (IssuerFailed, httpx.HTTPError, AuthlibBaseError, JoseError, ValueError) as error:
        return _failed(request, service, error)
    email = claims.get("email") if claims.get("email_verified") is True else None
    try:
        person = await service.writer.write(
            sessions.believe, Believe(str(settings.oidc_issuer), str(claims["sub"]), email and str(email))
        )
        result = await service.writer.write(sessions.log_in, LogIn(person.id, None, request.headers.get("user-agent")))
        await require_standing(service, result)
    except (Forbidden, Unauthenticated) as refusal:
        return _done(request, refused_login(request, service, under_way["next"], refusal))
    return _done(request, entered(request, service, result, under_way["next"]))


def _configured(service: Service) -> Settings:
    if service.settings.oidc_issuer is None:
        raise NotFound("not-found", "未设置统一认证 · No issuer of OpenID Connect is set")
    return service.settings


def _http() -> httpx.Client:
    return httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False)


def _client(settings: Settings, http: httpx.Client) -> Any:
    return OAuth2Client(
        http,
        client_id=settings.oidc_client_id,
        scope="openid email",
        redirect_uri=f"{settings.public_url}/desk/login/oidc/callback",
        code_challenge_method="S256",
    )


def discovered(settings: Settings, http: httpx.Client) -> Issuer:
    """What the issuer says of itself (OpenID Connect Discovery §4). Only its own host is asked for anything: that is
    the one which the operator has named. Raises IssuerFailed, httpx.HTTPError."""
    issuer = str(settings.oidc_issuer)
    said = _json(http, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    try:
        found = Issuer(said["issuer"], said["authorization_endpoint"], said["token_endpoint"], said["jwks_uri"])
    except KeyError as error:
        raise IssuerFailed(f"the issuer does not say its {error}") from None
    if found.name != issuer:
        raise IssuerFailed(f"it calls itself {found.name}, not {issuer}")
    own = urlsplit(issuer)
    for door in (found.token, found.keys):
        if urlsplit(door)[:2] != own[:2]:
            raise IssuerFailed(f"{door} is not at {own.netloc}")
    if urlsplit(found.authorization).scheme != own.scheme:
        raise IssuerFailed(f"{found.authorization} is not {own.scheme}")
    return found


def _json(http: httpx.Client, url: str) -> dict[str, Any]:
    answer = http.get(url, headers={"Accept": "application/json"})
    if answer.status_code != 200:
        raise IssuerFailed(f"{url} answers {answer.status_code}")
    try:
        body = answer.json()
    except ValueError:
        raise IssuerFailed(f"{url} answers no JSON") from None
    if not isinstance(body, dict):
        raise IssuerFailed(f"{url} answers no object")
    return body


def _claims(settings: Settings, code: str, under_way: dict[str, Any]) -> dict[str, Any]:
    """What the ID token says, once it is known to be the issuer's, for us, and the answer to what was asked. Raises as
    `discovered`, AuthlibBaseError, JoseError, ValueError."""
    secret = settings.oidc_client_secret
    with _http() as http:
        issuer = discovered(settings, http)
        auth = httpx.BasicAuth(str(settings.oidc_client_id), secret.get_secret_value()) if secret else httpx.Auth()
        token = _client(settings, http).fetch_token(
            issuer.token,
            auth=auth,
            grant_type="authorization_code",
            code=code,
            code_verifier=under_way["verifier"],
            redirect_uri=f"{settings.public_url}/desk/login/oidc/callback",
            client_id=settings.oidc_client_id,
        )
        keys = KeySet.import_key_set(_json(http, issuer.keys))  # type: ignore[arg-type]
    decoded = jwt.decode(token["id_token"], keys, algorithms=ALGORITHMS)
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        {"iss": {"value": issuer.name}, "aud": {"value": settings.oidc_client_id}},
        {"nonce": under_way["nonce"], "client_id": settings.oidc_client_id, "access_token": token.get("access_token")},
    )
    claims.validate(leeway=60)
    return dict(claims)


def _failed(request: Request, service: Service, why: Exception) -> Response:
    log.warning("a login at the issuer failed: %s", why)
    refusal = Unauthenticated(
        "issuer-failed",
        "统一认证未完成，请重试，或用密码登录 · The login at the issuer did not finish: try again, or use a password",
    )
    return _done(request, refused_login(request, service, "", refusal))


def _done(request: Request, response: Response) -> Response:
    cookies.drop(request, response, cookies.OIDC)
    return response
