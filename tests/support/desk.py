"""Somebody at the desk: a browser that keeps cookies and sends what its forms hold, as a person's does."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

import pytest
from argon2 import PasswordHasher
from httpx2 import Client, Response

from app.enrolling import passwords
from tests.support.cast import Cast

ORIGIN = "https://food.example.cn"
PASSWORD = "long enough to keep"


@contextmanager
def cheap_hashes() -> Iterator[None]:
    """Passwords hashed with little work: what is tested is who gets in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        passwords._nobodys.cache_clear()
        yield
    passwords._nobodys.cache_clear()


class Browser:
    """Speaks through a client that keeps nothing itself."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.jar: dict[str, str] = {}
        self.page: Response | None = None

    def request(self, method: str, path: str, **options: Any) -> Response:
        headers = {"Accept": "text/html", "Origin": ORIGIN} | dict(options.pop("headers", {}))
        if method == "GET":
            headers.pop("Origin")
        if self.jar:
            headers.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.jar.items()))
        self.client.cookies.clear()
        answer = self.client.request(method, path, headers={k: v for k, v in headers.items() if v}, **options)
        self.client.cookies.clear()
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.jar.pop(name, None)
                else:
                    self.jar[name] = morsel.value
        return answer

    def open(self, path: str, status: int = 200) -> str:
        """A page, redirects followed."""
        answer = self.request("GET", path)
        while answer.status_code == 303:
            answer = self.request("GET", answer.headers["location"])
        assert answer.status_code == status, answer.text.partition("</style>")[2]
        self.page = answer
        return answer.text

    def submit(self, action: str, **fields: str) -> Response:
        """Sends the form of the open page that goes to `action`, filled in; the answer as it is."""
        assert self.page is not None
        form = self.page.text.split(f'action="{action}"', 1)[1].split("</form>", 1)[0]
        hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
        return self.post(action, {name: unescape(value) for name, value in hidden.items()} | fields)

    def post(self, action: str, fields: dict[str, str], **options: Any) -> Response:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        headers = kind | dict(options.pop("headers", {}))
        answer = self.request("POST", action, content=urlencode(fields).encode(), headers=headers, **options)
        if answer.headers.get("content-type", "").startswith("text/html"):
            self.page = answer
        return answer

    def log_in(self, login: str, password: str = PASSWORD, next: str = "") -> Response:
        """Fills in the login's form."""
        self.open(f"/desk/login?next={next}")
        return self.submit("/desk/login", login=login, password=password)


def new_browser(cast: Cast) -> Browser:
    """One that stands before the login."""
    browser = Browser(cast.client)
    browser.open("/desk/login")
    return browser


def enrolled(cast: Cast, login: str = "insp.a", role: str = "regulator", **fields: Any) -> dict[str, Any]:
    """A person of the region, who has chosen PASSWORD."""
    if role in ("regulator", "auditor"):
        fields.setdefault("region", "3301")
    person = cast.admin.made("/persons", {"login": login, "role": role, "name": "值班员", **fields})
    browser = Browser(cast.client)
    answer = browser.log_in(login, person["password"])
    assert answer.headers["location"].startswith("/desk/login/password"), answer.text
    browser.open(answer.headers["location"])
    answer = browser.submit("/desk/login/password", old=person["password"], new=PASSWORD, again=PASSWORD)
    assert answer.status_code == 303, answer.text
    browser.open("/desk/account")
    browser.submit("/desk/account/sessions")
    return person


def at_desk(cast: Cast, login: str = "insp.a", role: str = "regulator", **fields: Any) -> Browser:
    """The browser of a person who has logged in."""
    enrolled(cast, login, role, **fields)
    browser = Browser(cast.client)
    assert browser.log_in(login).status_code == 303
    return browser
