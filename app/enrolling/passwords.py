"""Passwords of persons: argon2id, and as much work for a name that nobody has as for one that somebody has."""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

# RFC 9106 §4, the second recommended option, in one lane: 64 MiB and about a tenth of a second.
_hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)


def hashed(password: str) -> str:
    """The hash to keep, with its parameters and salt. Blocks for a tenth of a second and takes 64 MiB."""
    return _hasher.hash(password)


def temporary_password() -> str:
    """80 random bits, to be typed once."""
    return "-".join(secrets.token_hex(2) for _ in range(5))


@cache
def _nobodys() -> str:
    return hashed("nobody has this password")


def matches(kept: str | None, password: str) -> bool:
    """Whether the password is the one; False, after the same work, where there is none. Blocks as `hashed` does."""
    try:
        return _hasher.verify(kept or _nobodys(), password) and kept is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def outdated(kept: str) -> bool:
    """Whether it was made with less work than today's."""
    return _hasher.check_needs_rehash(kept)
