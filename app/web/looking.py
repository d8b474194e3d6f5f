"""Notes who looks at personal data, before it is told."""

from collections.abc import Sequence

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from app.domain.rights import Principal
from app.enrolling.looks import Look, NoteLooks, note_looks
from app.logs import REQUEST_ID
from app.store.writer import weight_of
from app.web import service


def note(request: Request, principal: Principal, looks: Sequence[Look]) -> None:
    """Returns when the looks are on disk; for endpoints that run in a thread. Raises StoreUnavailable, in which case
    nothing may be told."""
    if looks:
        query = f"?{request.url.query}" if request.url.query else ""
        command = NoteLooks(principal, looks, f"{request.method} {request.url.path}{query}", REQUEST_ID.get())
        service.of(request).writer.submit(note_looks, command, weight_of(len(looks)))


async def noted(request: Request, principal: Principal, looks: Sequence[Look]) -> None:
    """As note, for endpoints of the event loop."""
    if looks:
        await run_in_threadpool(note, request, principal, looks)
