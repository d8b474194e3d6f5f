"""Passwords are hashed two at a time: each takes 64 MiB, and whoever sends many fills no memory."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from app.domain.errors import TooMany

AT_ONCE = 2
WAITING = 10

T = TypeVar("T")

_limiter = CapacityLimiter(AT_ONCE)


async def work(task: Callable[..., T], *arguments: object) -> T:
    """Runs what hashes in a thread. Raises TooMany where WAITING others wait already."""
    if _limiter.statistics().tasks_waiting >= WAITING:
        raise TooMany(
            "too-many-logins",
            "登录的人过多，请稍后再试 · Too many are logging in: try again in a moment",
            retry_after=2,
        )
    return await to_thread.run_sync(task, *arguments, limiter=_limiter)
