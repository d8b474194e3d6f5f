"""Events over HTTP: recorded one by one, in a list or as NDJSON; read with filters."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import JSONResponse, Response

from app.domain.errors import Conflict, Invalid, Malformed, Refusal
from app.domain.events import KINDS, AnyEvent, Correct, Original
from app.domain.forms import ITEMS, NAME, TEXT
from app.domain.rights import Principal
from app.recording import Decision, Record, at_events, find_event, find_events, record_events
from app.web.auth import PrincipalDep
from app.web.bodies import Line, is_ndjson, parse_json, read_body, require_json
from app.web.events_openapi import LIST_EXAMPLE, REQUEST_BODY, RESPONSES
from app.web.looking import note
from app.web.outcomes import ndjson_answer, summed
from app.web.paging import Cursor, decode_cursor, encode_cursor
from app.web.problems import problem_of
from app.web.schemas import DATED, Moment, printable
from app.web.service import Service, ServiceDep
from app.web.validation import invalid

router = APIRouter(prefix="/api/v1/events", tags=["events"])

_ADAPTERS: dict[str, TypeAdapter[AnyEvent]] = {kind: TypeAdapter(model) for kind, model in KINDS.items()}


_WORD = r"^[a-zA-Z0-9_.-]{1,50}$"


class _Many(msgspec.Struct, forbid_unknown_fields=True):
    events: list[msgspec.Raw]


_MANY = msgspec.json.Decoder(_Many)


def _event_of(body: Any, raw: bytes, prefix: str = "") -> AnyEvent:
    """The event of a body, `raw` being its JSON; Invalid with JSON pointers for every fault of form."""
    kind = body.get("kind") if isinstance(body, dict) else None
    adapter = _ADAPTERS.get(kind) if isinstance(kind, str) else None
    if adapter is None:
        raise Invalid(
            "unknown-kind",
            f"kind 须为 {'、'.join(KINDS)} 之一 · kind is one of {', '.join(KINDS)}",
            pointer=f"{prefix}/kind",
        )
    _bounded(body, prefix)
    replacement: Original | None = None
    if kind == "correct" and body.get("replacement") is not None:
        inner = body["replacement"]
        if isinstance(inner, dict) and inner.get("kind") == "correct":
            raise Invalid(
                "unknown-kind",
                "替代记录不能是更正 · a replacement is no correction",
                pointer=f"{prefix}/replacement/kind",
            )
        replacing = _event_of(inner, msgspec.json.encode(inner), f"{prefix}/replacement")
        assert not isinstance(replacing, Correct)
        replacement = replacing
        raw = msgspec.json.encode({name: value for name, value in body.items() if name != "replacement"})
    try:
        event = adapter.validate_json(raw, strict=True)
        if replacement is not None:
            assert isinstance(event, Correct)
            event = replace(event, replacement=replacement)
    except ValidationError as error:
        raise invalid([(fault, fault["loc"]) for fault in error.errors(include_url=False)], prefix) from None
    except ValueError as error:
        raise Invalid("invalid", str(error), errors=[(prefix, str(error))]) from None
    return event


_DAYS = ("/event_time", "/produced_on", "/expires_on", "/used_on", "/withdrawal_until")


def _bounded(body: dict[str, Any], prefix: str) -> None:
    """No text and no list longer than any form has need of."""
    stack: list[tuple[str, Any]] = [(f"{prefix}/{name}", value) for name, value in body.items()]
    while stack:
        pointer, value = stack.pop()
        if isinstance(value, str):
            limit = TEXT if pointer.endswith(("/reason", "/address", "/detail")) else NAME
            if len(value) > limit:
                raise Invalid("too-long", f"超过 {limit} 字 · longer than {limit} characters", pointer=pointer)
            try:
                printable(value)
            except ValueError as error:
                raise Invalid("bad-text", str(error), pointer=pointer) from None
            # Left to itself pydantic takes digits for seconds since 1970.
            if pointer.endswith(_DAYS) and not DATED.match(value):
                raise Invalid("invalid", "应为日期或时间，如 2026-03-01 · a date, such as 2026-03-01", pointer=pointer)
        elif isinstance(value, list):
            if len(value) > ITEMS:
                raise Invalid("too-long", f"超过 {ITEMS} 项 · more than {ITEMS} items", pointer=pointer)
            stack += [(f"{pointer}/{i}", item) for i, item in enumerate(value)]
        elif isinstance(value, dict):
            stack += [(f"{pointer}/{name}", item) for name, item in value.items()]


@router.post("", status_code=201, openapi_extra=REQUEST_BODY, responses=RESPONSES)
async def record(request: Request, service: ServiceDep, principal: PrincipalDep) -> Response:
    """记录一个或多个事件 · Records one event, `{"events": [at most 1,000]}`, or NDJSON.

    One event: 201 with its outcome, 200 for the same again, 409 for its `ref` with other content. A list: 200 with an
    outcome each; one bad event never blocks its neighbours. NDJSON: one outcome a line, then `{"summary": …}`; if the
    body is cut off, the lines before the cut may have been recorded: post it again.
    """
    if is_ndjson(request):

        async def take(lines: list[Line]) -> list[dict[str, Any]]:
            return await _record_all(service, principal, [line.raw for line in lines], request.url.path)

        return await ndjson_answer(request, take)
    require_json(request)
    raw = await read_body(request, service.settings.max_body_bytes)
    body = parse_json(raw)
    if isinstance(body, dict) and "events" in body:
        return JSONResponse(await _record_list(service, principal, raw, request.url.path))
    event = _event_of(body, raw)
    decision = await service.writer.write(record_events, Record(principal, event, body), principal.recorder_id, _weight)
    _count(service, [decision])
    return JSONResponse(decision.outcome | {"status": decision.status}, 201 if decision.status == "recorded" else 200)


async def _record_list(service: Service, principal: Principal, raw: bytes, path: str) -> dict[str, Any]:
    try:
        items = _MANY.decode(raw).events
    except msgspec.ValidationError as error:
        raise Invalid("invalid", f"events 须为列表 · events is a list, alone: {error}", pointer="/events") from None
    if len(items) > ITEMS:
        raise Invalid(
            "too-long",
            f"一次最多 {ITEMS} 个事件，更多请用 NDJSON · at most {ITEMS} events, use NDJSON",
            pointer="/events",
        )
    outcomes = await _record_all(service, principal, [bytes(item) for item in items], path)
    return {"results": outcomes, **summed(outcomes)}


async def _record_all(
    service: Service, principal: Principal, raws: Sequence[bytes | None], path: str
) -> list[dict[str, Any]]:
    """An outcome for each, in order; raises StoreUnavailable where one could not be written: post again."""
    outcomes: list[dict[str, Any] | None] = []
    commands: list[Record] = []
    for raw in raws:
        body: Any = None
        try:
            if raw is None:
                raise Malformed("too-large", "这一行过长 · this line is too long")
            body = parse_json(raw)
            event = _event_of(body, raw)
        except Refusal as refusal:
            outcomes.append(rejected(refusal, _said(body, "ref"), _said(body, "kind"), path))
            continue
        commands.append(Record(principal, event, body))
        outcomes.append(None)
    results = iter(await service.writer.settle(record_events, commands, principal.recorder_id, _weight))
    waiting = iter(commands)
    answered: list[dict[str, Any]] = []
    decisions: list[Decision] = []
    for outcome in outcomes:
        if outcome is not None:
            answered.append(outcome)
            continue
        command, result = next(waiting), next(results)
        if isinstance(result, Refusal):
            answered.append(rejected(result, command.event.ref, command.event.kind, path))
        elif isinstance(result, Exception):
            raise result
        else:
            decisions.append(result)
            answered.append(result.outcome | {"status": result.status})
    _count(service, decisions)
    return answered


def _weight(command: Record) -> int:
    return max(1, _listed(command.body))


def _listed(body: Mapping[str, Any]) -> int:
    """How many items, outputs and the like: each is some rows to write."""
    return sum(
        len(value) if isinstance(value, list) else _listed(value) if isinstance(value, dict) else 0
        for value in body.values()
    )


def _said(body: Any, name: str) -> str | None:
    """What a body that is no event says of itself, for its sender to know it by."""
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) and len(value) <= NAME else None


def rejected(refusal: Refusal, ref: str | None, kind: str | None, path: str) -> dict[str, Any]:
    """The outcome of an event that changed nothing: `conflict` for a ref with other content, else `rejected`."""
    conflict = isinstance(refusal, Conflict) and refusal.slug == "ref-reused"
    return {
        "ref": ref,
        "id": refusal.identity if conflict else None,
        "kind": kind,
        "status": "conflict" if conflict else "rejected",
        "record_time": None,
        "flags": [],
        "outputs": [],
        "slip_code": None,
        "receipt_code": None,
        "decision": None,
        "reasons": [],
        "problem": problem_of(refusal, instance=path),
    }


def _count(service: Service, decisions: Sequence[Decision]) -> None:
    service.metrics.count("events_recorded", sum(decision.status == "recorded" for decision in decisions))


@router.get("", responses={200: {"content": {"application/json": {"example": LIST_EXAMPLE}}}})
def list_events(
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    kind: Annotated[str | None, Query(pattern=_WORD)] = None,
    site: UUID | None = None,
    lot: UUID | None = None,
    custody: UUID | None = None,
    party: UUID | None = None,
    since: Annotated[Moment | None, Query(alias="from", description="event_time, inclusive")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="event_time, exclusive")] = None,
    flag: Annotated[str | None, Query(pattern=_WORD)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> dict[str, Any]:
    """事件列表 · Events that the key may see, latest recorded first."""
    after = decode_cursor(cursor) if cursor else None
    found = find_events(
        service.engine, principal, kind=kind, site_id=site, lot_id=lot, custody_id=custody, party_id=party,
        since=since, until=until, flag=flag, limit=limit + 1, after=(after.time, after.id) if after else None,
    )  # fmt: skip
    items = found[:limit]
    note(request, principal, at_events(items))
    last = items[-1] if len(found) > limit else None
    return {
        "items": [item.shown() for item in items],
        "next": encode_cursor(Cursor(last.event.record_time, last.event.id)) if last else None,
    }


@router.get("/{event_id}", responses={200: {"content": {"application/json": {"example": LIST_EXAMPLE["items"][0]}}}})
def get_event(event_id: UUID, request: Request, service: ServiceDep, principal: PrincipalDep) -> dict[str, Any]:
    """一个事件 · One event with its outcome, flags and corrections."""
    found = find_event(service.engine, principal, event_id)
    note(request, principal, at_events([found]))
    return found.shown()
