"""Master data in bulk: NDJSON in, an outcome a line out."""

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.domain.errors import Conflict, Refusal
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

    async def take(lines: list[Line]) -> list[dict[str, Any]]:
        # Scans of this process go on while a thread reads the forms.
        read = await run_in_threadpool(lambda: [_read(line, shape, command) for line in lines])
        forms = [found for found in read if isinstance(found, Enrol)]
        origin = forms[0].principal.recorder_id if forms else None
        results = iter(await service.writer.settle(job, forms, origin))
        return [
            _outcome(line, next(results) if isinstance(found, Enrol) else found, request.url.path)
            for line, found in zip(lines, read, strict=True)
        ]

    return await ndjson_answer(request, take)


def _read(line: Line, shape: type[Form], command: Callable[[Form], Enrol]) -> Enrol | Refusal:
    try:
        if line.raw is None:
            raise too_large(MAX_LINE)
        return command(shape.model_validate(parse_json(line.raw)))
    except ValidationError as error:
        return invalid([(fault, fault["loc"]) for fault in error.errors(include_url=False)])
    except Refusal as refusal:
        return refusal


def _outcome(line: Line, result: Enrolled[M] | Exception, path: str) -> dict[str, Any]:
    if isinstance(result, Enrolled):
        return {
            "line": line.number,
            "status": "recorded" if result.created else "duplicate",
            "id": str(result.row.id),
            "code": getattr(result.row, "code", None),
            "warnings": getattr(result.row, "warnings", []),
            "problem": None,
        }
    if not isinstance(result, Refusal):
        raise result
    return {
        "line": line.number,
        "status": "conflict" if isinstance(result, Conflict) else "rejected",
        "id": result.identity,
        "code": None,
        "warnings": [],
        "problem": problem_of(result, instance=f"{path}#{line.number}"),
    }
