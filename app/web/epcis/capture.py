"""/epcis/capture and POST /epcis/events: EPCIS 2.0 §12.2, events in."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID, uuid4
from xml.etree.ElementTree import Element, SubElement, tostring

from fastapi import Header, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from app.domain.epcis.event_names import in_json
from app.domain.epcis.validate import validate_document
from app.domain.errors import Invalid, Malformed, TooLarge
from app.domain.rights import Principal
from app.exchanging import capturing, importing, read_document, to_json
from app.exchanging.capturing import PIECE, Limits, Piece
from app.exchanging.media import MEDIA, read_media, require_media
from app.exchanging.querying import Cursor
from app.exchanging.recording import Take, follow, take_events
from app.exchanging.single import single
from app.store.capture_jobs import CaptureJob, packed
from app.store.engine import reading
from app.web.auth import PrincipalDep
from app.web.bodies import media_type_of, read_body, require_json, stream_of
from app.web.epcis import ground
from app.web.epcis.answering import PageToken, next_of
from app.web.epcis.tokens import Tokens
from app.web.problems import epcis_problem, problem
from app.web.service import Service, ServiceDep

router = ground.router()

CAPTURE: Final = f"{ground.PREFIX}/capture"
LARGEST_PAGE: Final = 200


def _limits(service: Service) -> Limits:
    return Limits(service.settings.capture_events, service.settings.capture_bytes)


def _abilities(request: Request, service: Service, principal: Principal) -> Mapping[str, str]:
    limits = _limits(service)
    return {
        "GS1-EPCIS-Capture-Limit": str(limits.events),
        "GS1-EPCIS-Capture-File-Size-Limit": str(limits.size),
        "GS1-Capture-Error-Behaviour": "all",  # both
    }


# --- documents ---

_DOCUMENT: dict[str, Any] = {"type": "object", "description": "EPCISDocument or EPCISQueryDocument of EPCIS 2.0"}
_JOB: dict[str, Any] = {
    "type": "object",
    "description": "A capture job, as the standard has it",
    "properties": {
        "captureID": {"type": "string"},
        "createdAt": {"type": "string", "format": "date-time"},
        "finishedAt": {"type": "string", "format": "date-time"},
        "running": {"type": "boolean"},
        "success": {"type": "boolean"},
        "captureErrorBehaviour": {"enum": ["rollback", "proceed"]},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Problem"}},
        "onecode:outcome": {"type": "object", "description": "what came of the document and of its first events"},
    },
}


@router.post(
    "/capture",
    status_code=202,
    summary="Hand a document over to be captured; the job that does it is at Location",
    response_class=Response,
    openapi_extra={
        "requestBody": {"required": True, "content": {kind: {"schema": _DOCUMENT} for kind in MEDIA}},
    },
)
async def post_capture(
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    behaviour: Annotated[str, Header(alias="GS1-Capture-Error-Behaviour", max_length=20)] = "rollback",
) -> Response:
    """The document is kept, and captured within seconds; a small one that is no document is refused at once."""
    media_type = media_type_of(request)
    require_media(media_type)
    if behaviour not in ("rollback", "proceed"):
        raise Malformed(
            "malformed",
            "GS1-Capture-Error-Behaviour 应为 rollback 或 proceed · GS1-Capture-Error-Behaviour is rollback or proceed",
        )
    await run_in_threadpool(importing.require_capturing, service.engine, principal)
    key = await _received(request, service, principal, media_type, behaviour)
    return Response(status_code=202, headers={"Location": f"{CAPTURE}/{key}"})


async def _received(request: Request, service: Service, principal: Principal, media_type: str, behaviour: str) -> UUID:
    """Writes the body as it comes, some of it in memory at a time."""
    limits, key = _limits(service), uuid4()
    job = capturing.new_job(key, principal, media_type, behaviour, datetime.now(UTC), 0)
    number = size = 0
    try:
        async for piece, last in _pieces(request, limits):
            size += len(piece)
            if last and number == 0:
                await run_in_threadpool(_check, piece, media_type, limits)
            data = await run_in_threadpool(packed, piece)
            command = Piece(key, number, data, None if number else job, size if last else None)
            await service.writer.write(capturing.receive, command, principal.recorder_id, capturing.weight)
            number += 1
    except Exception:
        if number:
            await service.writer.write(capturing.drop, key)
        raise
    return key


async def _pieces(request: Request, limits: Limits) -> AsyncIterator[tuple[bytes, bool]]:
    """The body in pieces of PIECE bytes, and whether it is the last. Raises TooLarge, and as `stream_of`."""
    kept, size = bytearray(), 0
    async for chunk in stream_of(request):
        size += len(chunk)
        if size > limits.size:
            raise TooLarge(
                "capture-limit",
                f"文档超过 {limits.size} 字节，请拆分后发送 · "
                f"The document is larger than {limits.size} bytes: split it",
            )
        kept += chunk
        while len(kept) > PIECE:
            yield bytes(kept[:PIECE]), False
            del kept[:PIECE]
    yield bytes(kept), True


def _check(raw: bytes, media_type: str, limits: Limits) -> None:
    """Of a short body: whether it is a document at all. What is wrong with its events is for the job to say."""
    source = read_media(raw, media_type)
    limits.require_events(source)
    if source.bare:
        raise Invalid(
            "invalid",
            "请发送 EPCISDocument 或 EPCISQueryDocument；单个事件请发到 /epcis/events · "
            "Send an EPCISDocument or EPCISQueryDocument; one event by itself goes to /epcis/events",
            pointer="/type",
        )
    faults = [fault for fault in validate_document(source.shell) if fault.severity == "refusal"]
    if faults:
        raise Invalid(
            "invalid",
            f"EPCIS 文档有 {len(faults)} 处错误，未接收，见 errors · "
            f"{len(faults)} faults in the EPCIS document, nothing was taken: see errors",
            errors=[(fault.pointer, fault.detail) for fault in faults],
        )


# --- jobs ---


@router.get(
    "/capture",
    summary="Your capture jobs, the newest first",
    response_class=Response,
    responses={200: {"description": "Jobs", "content": {ground.JSON: {"schema": {"type": "array", "items": _JOB}}}}},
)
def list_captures(
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    per_page: Annotated[int, Query(alias="perPage", ge=1)] = 30,
    token: PageToken = None,
) -> Response:
    shape, media_type = ground.shape_of(request)
    most, now = min(per_page, LARGEST_PAGE), datetime.now(UTC)
    tokens = Tokens.of(service.master, principal, CAPTURE, ())
    after = None if token is None else tokens.read(token, now).place
    place = None if after is None else (datetime.fromisoformat(after[0]), UUID(after[1]))
    rows = capturing.list_jobs(service.engine, principal, place, most + 1)
    more = len(rows) > most
    rows = rows[:most]
    cursor = Cursor((rows[-1].created_at.isoformat(), rows[-1].id.hex)) if more else None
    headers = next_of(request, tokens, cursor, now)
    jobs = [_told(service, row) for row in rows]
    if shape == "xml":
        root = Element("EPCISCaptureJobList")
        root.extend(_element(job) for job in jobs)
        return Response(tostring(root, encoding="UTF-8", xml_declaration=True), 200, headers, media_type)
    return Response(to_json(jobs), 200, headers, media_type)


@router.get(
    "/capture/{captureID}",
    summary="How far a capture job is, and what came of it",
    response_class=Response,
    responses={200: {"description": "The job", "content": {ground.JSON: {"schema": _JOB}}}},
)
def get_capture(
    capture_id: Annotated[UUID, Path(alias="captureID")],
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
) -> Response:
    shape, media_type = ground.shape_of(request)
    with reading(service.engine) as snapshot:
        job = _told(service, capturing.find_job(snapshot, principal, capture_id))
    if shape == "xml":
        return Response(tostring(_element(job), encoding="UTF-8", xml_declaration=True), 200, None, media_type)
    return Response(to_json(job), 200, None, media_type)


_STATUS: Final = {"capture-limit": 413, "too-large": 413, "role-may-not-record": 403, "capture-failed": 500}


def _told(service: Service, row: CaptureJob) -> dict[str, Any]:
    """The standard's members, and what we have to say beyond them in one of our own."""
    here = f"{CAPTURE}/{row.id}"
    told: dict[str, Any] = {
        "captureID": str(row.id),
        "createdAt": row.created_at.isoformat(),
        "running": row.state != "done",
        "success": row.success,
        "captureErrorBehaviour": row.behaviour,
        "errors": [_error(f"{service.settings.public_url}{here}", error) for error in row.errors],
        "onecode:outcome": {
            "events": row.events,
            "handled": row.handled,
            **{name: row.counts.get(name, 0) for name in ("recorded", "duplicate", "refused", "flagged")},
            "faults": row.faults,
            "document": None if row.capture_id is None else f"/api/v1/captures/{row.capture_id}",
        },
    }
    if row.finished_at is not None:
        told["finishedAt"] = row.finished_at.isoformat()
    if row.outcomes is not None:
        told["onecode:outcome"]["outcomes"] = row.outcomes
    return told


def _error(url: str, error: Mapping[str, str]) -> dict[str, object]:
    slug, pointer = error["slug"], error["pointer"]
    status = 403 if slug.startswith("party-") else _STATUS.get(slug, 400)
    body = problem(
        status, slug, error["detail"], instance=f"{url}#{quote(pointer)}", faults=[(pointer, error["detail"])]
    )
    return epcis_problem(body)


def _element(job: Mapping[str, Any]) -> Element:
    """A job as XML: attributes and elements as the OpenAPI document of the standard has them."""
    attributes = {"captureID": job["captureID"], **{name: str(job[name]).lower() for name in ("running", "success")}}
    root = Element(f"{{{_XML}}}EPCISCaptureJob", attributes)
    for name in ("createdAt", "finishedAt", "captureErrorBehaviour"):
        if name in job:
            SubElement(root, name).text = str(job[name])
    for error in job["errors"]:
        item = SubElement(SubElement(root, "errors"), "EPCISException")
        for name in ("type", "title", "status", "detail", "instance"):
            SubElement(item, name).text = str(error[name])
    return root


_XML = "urn:epcglobal:epcis:xsd:2"

ground.discover(router, "/capture", abilities=_abilities)
ground.discover(router, "/capture/{captureID}")


# --- one event ---


@router.post(
    "/events",
    status_code=201,
    summary="Capture one event while you wait; the same again changes nothing",
    response_class=Response,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {"type": "object"}} for kind in (ground.JSON, ground.LD_JSON)},
        }
    },
)
async def post_event(
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    extensions: Annotated[str, Header(alias="GS1-Extensions", max_length=4_000)] = "",
) -> Response:
    """An event without an eventID goes by the hash of its content (CBV 2.0 §8.9). Every fault is named (400)."""
    shape, media_type = ground.shape_of(request)
    require_json(request)
    raw = await read_body(request, service.settings.max_body_bytes)
    names = _extensions(extensions)

    def checked() -> tuple[str, dict[str, Any], Take]:
        event = read_document(raw)
        named, take = single(service.engine, principal, event, names)
        return named, event, take

    named, event, take = await run_in_threadpool(checked)
    taken = await service.writer.write(take_events, take, principal.recorder_id)
    for later in await run_in_threadpool(lambda: list(follow(service.engine, principal, taken.joined))):
        await service.writer.write(take_events, later, principal.recorder_id)
    for known in taken.there.values():
        # The same content under another eventID, or none, is the same event: it goes by what it was first told with.
        event = in_json(known.body)
        named = event.get("eventID") or take.events[0].event.content_hash
    headers = {"Location": f"{ground.PREFIX}/events/{quote(named, safe=':')}"}
    return Response(to_json({**event, "eventID": named}), 201, headers, media_type if shape == "json" else ground.JSON)


def _extensions(header: str) -> dict[str, str]:
    """`GS1-Extensions: prefix=namespace, …`. Raises Malformed."""
    names = {}
    for part in filter(None, (part.strip() for part in header.split(","))):
        name, equals, namespace = part.partition("=")
        if not equals or not name.strip() or ":" not in namespace:
            raise Malformed(
                "malformed",
                "GS1-Extensions 应为 前缀=命名空间，以逗号分隔 · GS1-Extensions is prefix=namespace, …, with commas",
            )
        names[name.strip()] = namespace.strip()
    return names
