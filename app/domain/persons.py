"""Persons who log in: what a login name and a password look like, how long a guesser waits."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

FREE = 5  # wrong tries before anybody waits
LONGEST = timedelta(minutes=15)
FORGOTTEN = timedelta(hours=1)  # after the last try a guesser begins anew
SHORTEST, LONGEST_PASSWORD = 10, 200  # characters
DIFFERENT = 5  # characters at least

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may log in. Role, party and region are as a key's; status active | locked. `totp_epoch` counts the
    secrets that were given out, `totp_step` is the last step of which a code was taken; `recovery` has the SHA-256, in
    hex, of codes that are left."""

    id: UUID
    login: str
    name: str
    role: str
    party_id: UUID | None
    region: str | None
    email: str | None
    status: str
    password_hash: str | None
    must_change: bool
    record_time: datetime
    oidc_issuer: str | None = None
    oidc_subject: str | None = None
    totp_on: bool = False
    totp_epoch: int = 0
    totp_step: int = 0
    recovery: list[str] = field(default_factory=list)
    last_login: datetime | None = None


def login_of(typed: str) -> str | None:
    """The login name as it is kept, or None for what cannot be one."""
    login = typed.strip().lower()
    return login if _LOGIN.fullmatch(login) else None


def weakness(password: str, login: str) -> str | None:
    """Why the password is not taken, as "中文 · English", or None. Length counts, and that it is not the name
    (NIST SP 800-63B §3.1.1.2)."""
    if not SHORTEST <= len(password) <= LONGEST_PASSWORD:
        bounds = f"{SHORTEST} 至 {LONGEST_PASSWORD} 个字符", f"{SHORTEST} to {LONGEST_PASSWORD} characters"
        return f"密码须有 {bounds[0]} · A password has {bounds[1]}"
    if login in password.lower() or len(set(password)) < DIFFERENT:
        return (
            f"密码不得含登录名，且至少有 {DIFFERENT} 个不同的字符 · "
            f"A password does not hold the login name, and has at least {DIFFERENT} different characters"
        )
    return None


def wait_after(failures: int) -> timedelta:
    """How long nothing is heard after so many wrong tries: a second after the FREE ones, doubled with each more."""
    if failures < FREE:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(failures - FREE, 20)), LONGEST)
