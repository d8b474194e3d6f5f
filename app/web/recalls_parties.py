"""/api/v1/recalls/{id}/…: what a recall reaches, whom it concerns, and what they say."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from app import recalling
from app.domain.errors import Malformed
from app.domain.recalls import NoticeState
from app.domain.rights import Principal
from app.exchanging.sheets import Cell
from app.exchanging.tables import csv_bytes
from app.recalling import Answered, GiveAnswer
from app.store.engine import reading
from app.web.auth import PrincipalDep
from app.web.bodies import NDJSON, JsonRoute
from app.web.handing import CSV, PRIVATE, Streamed, attached, begun
from app.web.lists import Page, PagingDep, answer
from app.web.recalls_forms import AffectedTold, AnswerForm, AnswerTold, NoticeTold
from app.web.service import Service, ServiceDep

router = APIRouter(prefix="/api/v1/recalls", tags=["recalls"], route_class=JsonRoute)

_encode = msgspec.json.Encoder().encode


@router.get(
    "/{recall_id}/affected",
    summary="What a recall reaches now, generation by generation",
    response_model=Page[AffectedTold],
    responses={200: {"description": "A page; all of it, line by line, for Accept: application/x-ndjson"}},
)
def list_affected(
    recall_id: UUID,
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    limit: Annotated[int, Query(ge=1, le=10_000, description="items in one answer")] = 1_000,
    cursor: Annotated[str | None, Query(max_length=100, description="`next` of the answer before")] = None,
) -> Any:
    """Walked anew for every answer: what arrived since is in it. Of a mock, what it would reach."""
    after = None if cursor is None else _place(cursor)
    if NDJSON in request.headers.get("accept", ""):
        with reading(service.engine) as snapshot:  # a refusal comes before the first line
            recalling.find_recall(snapshot, principal, recall_id)
        return Streamed(_lines(service, principal, recall_id), media_type=NDJSON)
    with reading(service.engine) as snapshot:
        recall = recalling.find_recall(snapshot, principal, recall_id)
        found = list(islice(recalling.affected(snapshot, principal, recall, after), limit + 1))
    more = _cursor(found[limit - 1][0]) if len(found) > limit else None
    return Page(items=[AffectedTold.model_validate(item) for _, item in found[:limit]], next=more)


@router.get(
    "/{recall_id}/receipts",
    summary="Every receipt on which goods stand that a recall reaches, once each",
    response_class=Response,
    responses={
        200: {
            "description": "A line a receipt, the last of them a summary: one without it was cut off",
            "content": {NDJSON: {}, CSV: {}},
        }
    },
)
def list_receipts(
    recall_id: UUID,
    service: ServiceDep,
    principal: PrincipalDep,
    format: Annotated[Literal["ndjson", "csv"], Query()] = "ndjson",
) -> Response:
    """Walked anew for every answer, and sent as it is read; of goods whose amounts the key may know."""
    with reading(service.engine) as snapshot:
        recall = recalling.find_recall(snapshot, principal, recall_id)
    found = begun(recalling.receipts(service.engine, principal, recall, service.master))
    if format == "csv":
        return attached(csv_bytes(_COLUMNS, _rows(found)), CSV, f"recall-{recall.number}-receipts.csv")
    return Streamed(_told_once(found), media_type=NDJSON, headers=PRIVATE)


_COLUMNS = ("小票 receipt", "时间 time", "场所 site", "批次 batches", "商品 products", "数量 quantities")


def _rows(found: Iterator[dict[str, Any]]) -> Iterator[list[Cell]]:
    for one in found:
        lines, site = one["lines"], one["site"]
        yield [
            one["code"],
            one["time"].isoformat(),
            site["name"] if site else None,
            "; ".join(line["code"] or line["lot_number"] or "" for line in lines),
            "; ".join(line["product"]["name"] for line in lines),
            "; ".join(f"{line['quantity']['value']} {line['quantity']['unit']}" for line in lines),
        ]


def _told_once(found: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    number = 0
    for number, one in enumerate(found, 1):  # noqa: B007
        yield _encode(one) + b"\n"
    yield _encode({"summary": {"receipts": number}}) + b"\n"


def _lines(service: Service, principal: Principal, recall_id: UUID) -> Iterator[bytes]:
    with reading(service.engine) as snapshot:
        recall = recalling.find_recall(snapshot, principal, recall_id)
        number = 0
        for _, item in recalling.affected(snapshot, principal, recall):
            number += 1
            yield _encode(item) + b"\n"
        yield _encode({"summary": {"custodies": number}}) + b"\n"


def _cursor(place: tuple[int, bytes]) -> str:
    return urlsafe_b64encode(place[0].to_bytes(2, "big") + place[1]).decode()


def _place(text: str) -> tuple[int, bytes]:
    try:
        raw = urlsafe_b64decode(text)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != 18:
        raise Malformed(
            "bad-cursor",
            "cursor 无效，请从第一页重新开始 · not a cursor of ours: begin with the first page",
            pointer="?cursor",
        )
    return int.from_bytes(raw[:2], "big"), raw[2:]


@router.get("/{recall_id}/notices", summary="Whom a recall concerns, and what each has said")
def list_notices(
    recall_id: UUID,
    service: ServiceDep,
    principal: PrincipalDep,
    paging: PagingDep,
    state: NoticeState | None = None,
) -> Page[NoticeTold]:
    with reading(service.engine) as snapshot:
        recall = recalling.find_recall(snapshot, principal, recall_id)
        rows = recalling.find_notices(
            snapshot, principal, recall, datetime.now(UTC), state=state, after=paging.after, limit=paging.limit + 1
        )
    return answer([NoticeTold.model_validate(told) for _, told in rows], paging, NoticeTold)


@router.post(
    "/{recall_id}/acknowledgements",
    status_code=201,
    summary="Say that a recall was heard of, and what has become of the goods",
    responses={200: {"description": "The same again"}},
)
async def give_answer(
    recall_id: UUID, form: AnswerForm, response: Response, service: ServiceDep, principal: PrincipalDep
) -> AnswerTold:
    """By the party itself, or the market of its stall. An answer stands until the next one of the same goods."""
    await run_in_threadpool(_seen, service, principal, recall_id)
    command = GiveAnswer(
        principal,
        recall_id,
        form.ref,
        form.model_dump(mode="json"),
        form.party_id,
        [line.model_dump() for line in form.lines],
        form.note,
        form.evidence,
    )
    given = await service.writer.write(recalling.give_answers, command, principal.recorder_id)
    if not given.created:
        response.status_code = 200
    return await run_in_threadpool(_told, service, recall_id, given)


def _seen(service: Service, principal: Principal, recall_id: UUID) -> None:
    with reading(service.engine) as snapshot:
        recalling.find_recall(snapshot, principal, recall_id)


def _told(service: Service, recall_id: UUID, given: Answered) -> AnswerTold:
    with reading(service.engine) as snapshot:
        [told] = recalling.notices_told(snapshot, recall_id, [given.notice], datetime.now(UTC))
    status = "recorded" if given.created else "duplicate"
    fields: dict[str, Any] = {"status": status, "answer_id": given.answer.id, "notice": told}
    return AnswerTold.model_validate(fields)
