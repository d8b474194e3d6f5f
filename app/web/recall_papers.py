"""/api/v1/recalls/{id}/…: what is printed of a recall: each party's notice, and the office's report."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request
from markupsafe import Markup
from starlette.responses import Response

from app import recalling
from app.domain.recalls import Recall
from app.domain.rights import Principal
from app.enrolling.looks import Look
from app.store.engine import reading
from app.web.announcements import address, office_of
from app.web.auth import PrincipalDep
from app.web.handing import PRIVATE, XLSX, attached, begun
from app.web.i18n import Language, Words, choose, tag_of
from app.web.looking import note
from app.web.pages import HOME, POLICY, STYLE, environment
from app.web.paper.recall_notice import notice_pdf
from app.web.paper.recall_report import report_pdf
from app.web.recall_workbook import workbook
from app.web.representations import HTML
from app.web.service import Service, ServiceDep

router = APIRouter(prefix="/api/v1/recalls", tags=["recalls"])

PDF = "application/pdf"
# A document takes a core for a second or two: two at a time in a process, and beside the event loop.
_turn = CapacityLimiter(2)

Lang = Annotated[str | None, Query(max_length=20, description="zh or en; else Accept-Language")]
_FILES: dict[str, Any] = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in (PDF, XLSX)}


@router.get(
    "/{recall_id}/notices/{party_id}/paper",
    summary="召回通知书 · the notice of one party, to print",
    response_class=Response,
    responses={200: {"description": "The notice", "content": {PDF: _FILES[PDF], HTML: {}}}},
)
async def notice_paper(
    recall_id: UUID,
    party_id: UUID,
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    format: Annotated[Literal["pdf", "html"], Query()] = "pdf",
    lang: Lang = None,
) -> Response:
    """What is recalled, what of it is the party's, what to do, by when, and how to answer. For the office, the party
    itself and its market."""
    language = choose(lang, request.headers.get("accept-language"))

    def make() -> Response:
        with reading(service.engine) as snapshot:
            paper = recalling.paper(snapshot, principal, recall_id, party_id, datetime.now(UTC))
        words = Words(language)
        office = office_of(words, paper.recall.region)
        headers = {**PRIVATE, "Content-Language": tag_of(language), "Vary": "Accept-Language"}
        if format == "html":
            page = environment.get_template("notice.html").render(
                words=words, t=words.t, style=Markup(STYLE.decode()), zone=HOME, paper=paper, row=paper.recall,
                told=paper.told, office=office,
            )  # fmt: skip
            return Response(page, headers=headers | {"Content-Security-Policy": POLICY}, media_type=HTML)
        url = address(service.settings.public_url, paper.recall.number)
        headers["Content-Disposition"] = f'inline; filename="notice-{paper.recall.number}.pdf"'
        return Response(notice_pdf(paper, words, office, url), headers=headers, media_type=PDF)

    return await to_thread.run_sync(make, limiter=_turn)


@router.get(
    "/{recall_id}/report",
    summary="召回报告 · the report of a recall, an interim one until it is closed",
    response_class=Response,
    responses={200: {"description": "The report", "content": _FILES}},
)
async def recall_report(
    recall_id: UUID,
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    format: Annotated[Literal["pdf", "xlsx"], Query()] = "pdf",
    lang: Lang = None,
) -> Response:
    """Scope and exclusions with their reasons, history, effectiveness, every party, evidence; as a workbook also every
    batch and answer. For the office that recalls, one above it, and the operator. It names who is responsible: that
    somebody looked is in the log of looks."""
    language = choose(lang, request.headers.get("accept-language"))
    now = datetime.now(UTC)

    def looked(recall: Recall) -> None:
        if recall.persons:
            note(request, principal, [Look("recall", str(recall.id), ("persons",), recall.region)])

    def pdf() -> Response:
        with reading(service.engine) as snapshot:
            report = recalling.report(snapshot, principal, recall_id, now)
            words = Words(language)
            body = report_pdf(
                report,
                recalling.parties(snapshot, report.recall, now),
                recalling.evidence(snapshot, report.recall),
                words,
                office_of(words, report.recall.region),
                address(service.settings.public_url, report.recall.number),
            )
        looked(report.recall)
        name = f'inline; filename="recall-{report.recall.number}.pdf"'
        return Response(body, headers={**PRIVATE, "Content-Disposition": name}, media_type=PDF)

    def sheets() -> Response:
        with reading(service.engine) as snapshot:
            recall = recalling.report(snapshot, principal, recall_id, now).recall
        looked(recall)
        parts = begun(_sheets(service, principal, recall_id, language, now))
        return attached(parts, XLSX, f"recall-{recall.number}.xlsx")

    return await to_thread.run_sync(pdf if format == "pdf" else sheets, limiter=_turn)


def _sheets(
    service: Service, principal: Principal, recall_id: UUID, language: Language, now: datetime
) -> Iterator[bytes]:
    words = Words(language)
    with reading(service.engine) as snapshot:
        report = recalling.report(snapshot, principal, recall_id, now)
        yield from workbook(
            report,
            recalling.parties(snapshot, report.recall, now),
            recalling.custodies(snapshot, principal, report.recall),
            recalling.evidence(snapshot, report.recall),
            words,
            office_of(words, report.recall.region),
        )
