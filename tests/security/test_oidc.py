"""Login at an issuer of OpenID Connect, and what a false one, or somebody in between, may try."""

import json
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr, ValidationError

from app.settings import Settings
from tests.support.cast import Cast
from tests.support.desk import Browser, cheap_hashes, enrolled

CLIENT, SECRET = "onecode", "shared with the issuer"
KEY = RSAKey.generate_key(2048, {"kid": "k1"}, private=True)
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "k1"}, private=True)


class Issuer:
    """A small one. `claims` overrides what its ID tokens say; `says` what it says of itself."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.says: dict[str, Any] = {}
        self.key = KEY
        self.asked: dict[str, str] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.raw: bytes | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/.well-known/openid-configuration":
                    outer._send(self, outer.configuration())
                elif self.path == "/keys":
                    outer._send(self, {"keys": [KEY.as_dict(private=False)]})
                else:
                    self.send_error(404)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer._token(self, dict(parse_qsl(body)))

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token", "jwks_uri": f"{self.url}/keys",
        } | self.says  # fmt: skip

    def _send(self, handler: BaseHTTPRequestHandler, body: Any, status: int = 200) -> None:
        content = self.raw if self.raw is not None else json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def authorize(self, address: str) -> str:
        """What the person does at the issuer: the query of the way back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{self.url}/authorize?")
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert set(asked["scope"].split()) == {"openid", "email"}
        self.asked = asked
        self.codes["the-code"] = asked
        return f"code=the-code&state={asked['state']}"

    def _token(self, handler: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        asked = self.codes.pop(form.get("code", ""), None)
        scheme, _, credentials = handler.headers.get("Authorization", "").partition(" ")
        known = scheme == "Basic" and b64decode(credentials).decode() == f"{CLIENT}:{SECRET}"
        challenge = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        if asked is None or not known or challenge != asked["code_challenge"]:
            self._send(handler, {"error": "invalid_grant"}, 400)
            return
        now = int(time.time())
        claims = {
            "iss": self.url, "sub": "s-1", "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": asked["nonce"],
            "email": "Wang@food.example.cn", "email_verified": True,
        } | self.claims  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.key)
        self._send(handler, {"access_token": "x", "token_type": "Bearer", "id_token": token})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    with cheap_hashes():
        yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def settings(settings: Settings, issuer: Issuer) -> Settings:
    return settings.model_copy(
        update={"oidc_issuer": issuer.url, "oidc_client_id": CLIENT, "oidc_client_secret": SecretStr(SECRET)}
    )


pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def log_in(cast: Cast, issuer: Issuer, browser: Browser | None = None, next: str = "") -> tuple[Browser, Any]:
    browser = browser or Browser(cast.client)
    assert "/desk/login/oidc" in browser.open("/desk/login")
    begun = browser.request("GET", "/desk/login/oidc", params={"next": next})
    assert begun.status_code == 303, begun.text
    return browser, browser.request("GET", f"/desk/login/oidc/callback?{issuer.authorize(begun.headers['location'])}")


def test_whom_the_operator_has_enrolled_gets_in(cast: Cast, issuer: Issuer) -> None:
    person = enrolled(cast, email="wang@food.example.cn")
    browser, answer = log_in(cast, issuer, next="/desk/account")
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/account"), answer.text
    assert browser.request("GET", "/api/v1/reports").status_code == 200
    assert cast.admin.get(f"/persons/{person['id']}").json()["issuer"] == issuer.url
    issuer.claims = {"email": "new@food.example.cn"}
    assert log_in(cast, issuer)[1].status_code == 303, "from then on by the subject"
    issuer.claims = {"sub": "s-2"}
    assert log_in(cast, issuer)[1].status_code == 403, "another subject with the same address is somebody else"
    told = cast.admin.patch(f"/persons/{person['id']}", {"email": "wang.li@food.example.cn"}).json()
    assert told["issuer"] is None, "who has the new address is to be known by it"
    cast.admin.patch(f"/persons/{person['id']}", {"status": "locked"})
    issuer.claims = {}
    assert log_in(cast, issuer)[1].status_code == 403


@pytest.mark.parametrize(
    "claims", [{"email": "someone@else.example"}, {"email_verified": False}, {"email_verified": None}, {"email": None}]
)
def test_nobody_becomes_a_person_by_an_issuer(cast: Cast, issuer: Issuer, claims: dict[str, Any]) -> None:
    enrolled(cast, email="wang@food.example.cn")
    issuer.claims = claims
    browser, answer = log_in(cast, issuer)
    assert answer.status_code == 403
    assert "__Host-onecode-session" not in browser.jar
    assert len(cast.admin.get("/persons").json()["items"]) == 1


def test_an_address_of_two_persons_names_neither(cast: Cast, issuer: Issuer) -> None:
    enrolled(cast, email="wang@food.example.cn")
    enrolled(cast, "insp.b", email="wang@food.example.cn")
    assert log_in(cast, issuer)[1].status_code == 403


@pytest.mark.parametrize(
    "claims",
    [{"nonce": "replayed"}, {"aud": "another"}, {"iss": "http://evil.example"}, {"exp": 1}, {"sub": None},
     {"nonce": None}, {"azp": "another"}],
)  # fmt: skip
def test_a_token_that_is_not_for_us_is_none(cast: Cast, issuer: Issuer, claims: dict[str, Any]) -> None:
    enrolled(cast, email="wang@food.example.cn")
    issuer.claims = claims
    assert log_in(cast, issuer)[1].status_code == 401


def test_a_token_of_another_key_is_none(cast: Cast, issuer: Issuer) -> None:
    enrolled(cast, email="wang@food.example.cn")
    issuer.key = OTHER_KEY
    assert log_in(cast, issuer)[1].status_code == 401


def test_an_answer_counts_in_the_browser_that_asked_once(cast: Cast, issuer: Issuer) -> None:
    enrolled(cast, email="wang@food.example.cn")
    browser = Browser(cast.client)
    begun = browser.request("GET", "/desk/login/oidc")
    back = f"/desk/login/oidc/callback?{issuer.authorize(begun.headers['location'])}"
    victim = Browser(cast.client)
    assert victim.request("GET", back).status_code == 401, "nobody is logged in as another"
    other = Browser(cast.client)
    other.request("GET", "/desk/login/oidc")
    assert other.request("GET", back).status_code == 401
    forged = Browser(cast.client)
    forged.jar["__Host-onecode-oidc"] = json.dumps({"state": "x"}).encode().hex() + "." + "0" * 64
    assert forged.request("GET", "/desk/login/oidc/callback?code=x&state=x").status_code == 401
    assert browser.request("GET", back.replace("code=the-code", "error=access_denied")).status_code == 401
    assert browser.request("GET", back).status_code == 401, "what it was known by is gone"


@pytest.mark.parametrize(
    "says",
    [{"issuer": "http://127.0.0.1:1"}, {"token_endpoint": "http://169.254.169.254/latest"},
     {"jwks_uri": "http://127.0.0.1:1/keys"}, {"authorization_endpoint": "javascript:alert(1)"}],
)  # fmt: skip
def test_only_the_issuers_own_host_is_asked(cast: Cast, issuer: Issuer, says: dict[str, Any]) -> None:
    issuer.says = says
    assert Browser(cast.client).request("GET", "/desk/login/oidc").status_code == 401


def test_an_issuer_that_fails_is_said_so(cast: Cast, issuer: Issuer) -> None:
    browser = Browser(cast.client)
    for raw in (b"<html>", b"[]", b"{}"):
        issuer.raw = raw
        answer = browser.request("GET", "/desk/login/oidc")
        assert answer.status_code == 401
        assert "统一认证未完成" in answer.text
    issuer.raw = None
    begun = browser.request("GET", "/desk/login/oidc")
    back = issuer.authorize(begun.headers["location"])
    issuer.says = {"jwks_uri": f"{issuer.url}/nothing"}
    assert browser.request("GET", f"/desk/login/oidc/callback?{back}").status_code == 401
    issuer.server.shutdown()
    issuer.server.server_close()
    assert browser.request("GET", "/desk/login/oidc").status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [{"oidc_issuer": "http://login.example.cn", "oidc_client_id": "x"}, {"oidc_issuer": "https://login.example.cn"},
     {"oidc_issuer": "login.example.cn", "oidc_client_id": "x"}],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(database: object, wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)  # type: ignore[arg-type]
