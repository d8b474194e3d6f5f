"""Master data in bulk: NDJSON in, an outcome a line out."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.domain.errors import Conflict, Refusal
from app.domain.rights import Principal
from app.domain.rows import Party, Product, Site
from app.enrolling.forms import Enrol, Enrolled
from app.store.writer import Job
from app.web.bodies import MAX_LINE, NDJSON, Line, parse_json, too_large
from app.web.outcomes import ndjson_answer
from app.web.problems import problem_of
from app.web.service import Service
from app.web.validation import invalid

M = TypeVar("M", Party, Site, Product)
Form = TypeVar("Form", bound=BaseModel)
R = TypeVar("R")


class Command(Protocol):
    """Whose it is."""

    @property
    def principal(self) -> Principal: ...


C = TypeVar("C", bound=Command)

OPENAPI: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {NDJSON: {"schema": {"type": "string", "description": "one form a line, as in POST"}}},
    }
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One outcome a line, in order, then the summary",
        "content": {
            NDJSON: {
                "schema": {"type": "string"},
                "example": '{"line":1,"status":"recorded","id":"…","code":"P…","warnings":[],"problem":null}\n'
                '{"summary":{"recorded":1,"duplicate":0,"conflict":0,"rejected":0}}\n',
            }
        },
    }
}


async def enrol_lines(
    request: Request,
    service: Service,
    shape: type[Form],
    command: Callable[[Form], Enrol],
    job: Job[Enrol, Enrolled[M]],
) -> Response:
    """Reads forms line by line and enrols them in slices, in memory that does not grow with the body."""
    return await take_lines(request, service, shape, command, job, _enrolled)


async def take_lines(
    request: Request,
    service: Service,
    shape: type[Form],
    command: Callable[[Form], C],
    job: Job[C, R],
    outcome: Callable[[R], dict[str, Any]],
) -> Response:
    """As `enrol_lines`, of any forms: `outcome` says what became of one."""

    async def take(lines: list[Line]) -> list[dict[str, Any]]:
        # Scans of this process go on while a thread reads the forms.
        read = await run_in_threadpool(lambda: [_read(line, shape, command) for line in lines])
        forms = [found for found in read if not isinstance(found, Refusal)]
        origin = forms[0].principal.recorder_id if forms else None
        results = iter(await service.writer.settle(job, forms, origin))
        return [
            _outcome(line, found if isinstance(found, Refusal) else next(results), request.url.path, outcome)
            for line, found in zip(lines, read, strict=True)
        ]

    return await ndjson_answer(request, take)


def _read(line: Line, shape: type[Form], command: Callable[[Form], C]) -> C | Refusal:
    try:
        if line.raw is None:
            raise too_large(MAX_LINE)
        return command(shape.model_validate(parse_json(line.raw)))
    except ValidationError as error:
        return invalid([(fault, fault["loc"]) for fault in error.errors(include_url=False)])
    except Refusal as refusal:
        return refusal


def _enrolled(result: Enrolled[Any]) -> dict[str, Any]:
    return {
        "status": "recorded" if result.created else "duplicate",
        "id": str(result.row.id),
        "code": getattr(result.row, "code", None),
        "warnings": getattr(result.row, "warnings", []),
    }


def _outcome(line: Line, result: R | Exception, path: str, told: Callable[[R], dict[str, Any]]) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "line": line.number,
        "status": None,
        "id": None,
        "code": None,
        "warnings": [],
        "problem": None,
    }
    if not isinstance(result, Exception):
        return empty | told(result)
    if not isinstance(result, Refusal):
        raise result
    return empty | {
        "status": "conflict" if isinstance(result, Conflict) else "rejected",
        "id": result.identity,
        "problem": problem_of(result, instance=f"{path}#{line.number}"),
    }
