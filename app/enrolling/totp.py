"""One-time codes (RFC 6238) of persons. A secret is derived from the master, the person and how many they have had: it
is not kept, and a new one makes the old worthless."""

import hmac
import secrets
from base64 import b32encode
from hashlib import sha256

from pyotp import TOTP

from app.domain.persons import Person

DRIFT = 1  # steps of 30 seconds that a clock may be off
RECOVERY = 8  # codes


def authenticator(master: bytes, person: Person) -> TOTP:
    """That of the person's present secret."""
    secret = hmac.digest(master, b"onecode one-time code" + person.id.bytes + person.totp_epoch.to_bytes(4), sha256)
    return TOTP(b32encode(secret[:20]).decode(), name=person.login, issuer="OneCode 一码")


def step_of(master: bytes, person: Person, code: str, now: float) -> int | None:
    """The step that the code is of, in seconds of 1970; None for a wrong one and for one of a step that was used, or
    passed over: what was looked over a shoulder does not work again."""
    totp = authenticator(master, person)
    current = int(now) // totp.interval
    for step in range(current - DRIFT, current + DRIFT + 1):
        if step > person.totp_step and hmac.compare_digest(totp.generate_otp(step), code):
            return step
    return None


def new_recovery() -> tuple[list[str], list[str]]:
    """(codes to show once, what is kept of them)"""
    codes = ["-".join(secrets.token_hex(2) for _ in range(4)) for _ in range(RECOVERY)]
    return codes, [recovery_hash(code) for code in codes]


def recovery_hash(code: str) -> str:
    """SHA-256 in hex; 64 random bits need no slow hash behind a delay that grows."""
    return sha256("".join(filter(str.isalnum, code.lower())).encode()).hexdigest()
