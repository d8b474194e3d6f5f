"""/api/v1/code-jobs: numbered unit codes (一物一码) in bulk."""

import hashlib
import re
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

from app import issuing
from app.domain import codes
from app.domain.errors import Invalid
from app.store.errors import StoreUnavailable
from app.store.units import CodeJob
from app.web.auth import PrincipalDep
from app.web.bodies import JsonRoute
from app.web.problems import problem, respond
from app.web.schemas import Given, Long, Short, Told
from app.web.service import Service, ServiceDep

router = APIRouter(prefix="/api/v1/code-jobs", tags=["codes"], route_class=JsonRoute)

SLICE = 2_000  # codes computed at a time: ten milliseconds of a thread
NOTED = 1.0  # seconds between two notes of how far a download is

Number = Annotated[int, Field(ge=1, le=issuing.LARGEST)]


class CodeJobForm(Given):
    """So many numbered units of a lot that is made by, or is with, who asks; the same `ref` again is the same job."""

    ref: Short = Field(examples=["2026-spring-liquor"])
    lot_id: UUID
    count: Number = Field(examples=[20_000_000])


class Activation(Given):
    """Units `from`..`to`, both included, that are on goods now; `site_id`: where these go on sale, where that is known.
    A first scan in another city than that is an alert."""

    first: Number = Field(alias="from")
    last: Number = Field(alias="to")
    site_id: UUID | None = None


class Withdrawal(Given):
    """Units `from`..`to`, both included, that must not be used any more: labels that were stolen or spoilt."""

    first: Number = Field(alias="from")
    last: Number = Field(alias="to")
    reason: Long = Field(examples=["标签被盗"])


class CodeJobTold(Told):
    """A job. All its codes can be downloaded at once: they are computed from its number, theirs and our secret."""

    id: UUID
    number: int = Field(description="in its codes")
    ref: str
    lot_id: UUID
    count: int = Field(description="units are numbered 1..count")
    status: str = Field(description="ready | cancelled")
    downloaded: int = Field(description="the highest number that was handed out")
    active: int = Field(description="units in use")
    revoked: int = Field(description="units withdrawn")
    record_time: datetime
    cancelled_at: datetime | None


def _told(found: issuing.Progress) -> CodeJobTold:
    job = found.job
    return CodeJobTold(
        id=job.id,
        number=job.number,
        ref=job.ref,
        lot_id=job.lot_id,
        count=job.count,
        status=job.status,
        downloaded=job.downloaded,
        active=found.active,
        revoked=found.revoked,
        record_time=job.record_time,
        cancelled_at=job.cancelled_at,
    )


@router.post("", status_code=201, summary="Order numbered unit codes, up to 20 million; the same again answers 200")
async def order(body: CodeJobForm, service: ServiceDep, principal: PrincipalDep, response: Response) -> CodeJobTold:
    command = issuing.OrderUnits(principal, body.ref, body.lot_id, body.count)
    ordered = await service.writer.write(issuing.order_units, command, principal.recorder_id)
    response.status_code = 201 if ordered.created else 200
    response.headers["Location"] = f"/api/v1/code-jobs/{ordered.job.id}"
    found = await run_in_threadpool(issuing.find_job, service.engine, principal, ordered.job.id)
    return _told(found)


@router.get("/{job_id}", summary="How far a job is: handed out, in use, withdrawn")
def get_job(job_id: UUID, service: ServiceDep, principal: PrincipalDep) -> CodeJobTold:
    return _told(issuing.find_job(service.engine, principal, job_id))


@router.post("/{job_id}/activate", summary="Put units in use: their labels are on goods now")
async def activate(job_id: UUID, body: Activation, service: ServiceDep, principal: PrincipalDep) -> CodeJobTold:
    command = issuing.ChangeUnits(principal, job_id, "active", body.first, body.last, body.site_id)
    return _told(await service.writer.write(issuing.change_units, command, principal.recorder_id))


@router.post("/{job_id}/revoke", summary="Withdraw units for good, in use or not")
async def withdraw(job_id: UUID, body: Withdrawal, service: ServiceDep, principal: PrincipalDep) -> CodeJobTold:
    command = issuing.ChangeUnits(principal, job_id, "revoked", body.first, body.last, reason=body.reason)
    return _told(await service.writer.write(issuing.change_units, command, principal.recorder_id))


@router.post("/{job_id}/cancel", summary="Cancel a job: no more codes are handed out or put in use")
async def cancel(job_id: UUID, service: ServiceDep, principal: PrincipalDep) -> CodeJobTold:
    return _told(await service.writer.write(issuing.cancel_jobs, issuing.Cancel(principal, job_id)))


@router.get(
    "/{job_id}/download",
    summary="The codes as CSV: code, url, number; resumable by Range or from=",
    response_class=Response,
    responses={
        200: {"description": "Every line has the same length", "content": {"text/csv": {"schema": {"type": "string"}}}},
        206: {"description": "The bytes asked for", "content": {"text/csv": {"schema": {"type": "string"}}}},
    },
)
async def download(
    job_id: UUID,
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    first: Annotated[
        int, Query(alias="from", ge=1, le=issuing.LARGEST, description="the first number; from its line on")
    ] = 1,
) -> Response:
    """下载单品码 · The codes of a job, computed as they are sent."""
    job = await run_in_threadpool(issuing.codes_to_hand_out, service.engine, principal, job_id)
    if first > job.count:
        raise Invalid(
            "invalid", f"编号在 1 至 {job.count} 之间 · Numbers lie between 1 and {job.count}", pointer="?from"
        )
    sheet = Sheet(job, first, service)
    tag = sheet.tag
    begin, end, status = 0, sheet.size, 200
    wanted = request.headers.get("range")
    if wanted is not None and request.headers.get("if-range", tag) == tag:
        asked = byte_range(wanted, sheet.size)
        if asked is not None:
            (begin, end), status = asked, 206
    if begin >= end:
        detail = f"请求的字节超出文件（共 {sheet.size}） · The file has {sheet.size} bytes, less than was asked for"
        body = problem(416, "range-not-satisfiable", detail, instance=request.url.path)
        return respond(body, request.headers.get("accept"), {"Content-Range": f"bytes */{sheet.size}"})
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'attachment; filename="{job.number}.csv"',
        "Content-Length": str(end - begin),
        "ETag": tag,
    }
    if status == 206:
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{sheet.size}"
    return StreamingResponse(sheet.stream(begin, end), status, headers, media_type="text/csv; charset=utf-8")


_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """Begin and end (not included) of a Range header (RFC 9110 §14.1.2); None for one that is to be ignored: several
    ranges, another unit, nonsense. Begin is not before end where there is nothing of it."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        return max(size - int(last), 0), size
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1, size) if last else size


class Sheet:
    """The CSV of a job from a number on. Every line has the same length, so that any part of it can be made alone."""

    def __init__(self, job: CodeJob, first: int, service: Service) -> None:
        self._job, self._first, self._service = job, first, service
        self._secret = codes.unit_secret(service.master, job.number)
        sample = codes.unit_code(self._secret, job.number, 1)
        url = codes.qr_url(service.settings.public_url, sample)
        before = url.removesuffix(sample)
        quote = '"' if set(before) & set(',"') else ""
        self._form = f"%s,{quote}{before.replace('%', '%%')}%s{quote},%08d\r\n"
        self._head = b"code,url,number\r\n"
        self._line = len(self._form % (sample, sample, 1))
        self.size = len(self._head) + (job.count - first + 1) * self._line
        self.tag = f'"{hashlib.blake2b(f"{job.id}/{first}/{url}".encode(), digest_size=12).hexdigest()}"'

    def lines(self, first: int, last: int) -> bytes:
        """The lines of these numbers, both included. It takes five microseconds a line."""
        form, counter = self._form, first
        found = []
        for code in codes.unit_codes(self._secret, self._job.number, first, last):
            found.append(form % (code, code, counter))
            counter += 1
        return "".join(found).encode()

    async def stream(self, begin: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from begin to end. Computed in a thread as fast as they are taken; ends in the middle, so that the
        client notices, where the job is cancelled meanwhile."""
        head = self._head[begin:end]
        if head:
            yield head
        at = max(begin, len(self._head))
        noted = time.monotonic()
        while at < end:
            index, skipped = divmod(at - len(self._head), self._line)
            number = self._first + index
            last = min(number + SLICE - 1, self._first + (end - 1 - len(self._head)) // self._line)
            part = (await run_in_threadpool(self.lines, number, last))[skipped : skipped + end - at]
            at += len(part)
            if time.monotonic() - noted >= NOTED or at >= end:
                noted = time.monotonic()
                if await self._note(last) == "cancelled":
                    raise ClientDisconnect
            yield part

    async def _note(self, last: int) -> str:
        try:
            return await self._written(last)
        except StoreUnavailable:
            return "ready"  # as it was; the next note is a second away

    async def _written(self, last: int) -> str:
        return await self._service.writer.write(issuing.note_downloads, issuing.Downloaded(self._job.id, last))
