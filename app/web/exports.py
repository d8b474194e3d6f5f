"""/api/v1/exports: what the law of others asks for, in their form."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.enrolling.looks import Look
from app.exchanging import fsma
from app.exchanging.tables import csv_bytes, workbook_bytes
from app.store.chain import Among, Direction
from app.tracing.reach import reach
from app.web.auth import PrincipalDep
from app.web.handing import CSV, XLSX, attached, begun
from app.web.looking import note
from app.web.service import ServiceDep
from app.web.starts import StartDep

router = APIRouter(prefix="/api/v1/exports", tags=["exports"])

_TITLE = "FSMA 204"
_FILES: dict[str, Any] = {kind: {"schema": {"type": "string"}} for kind in (CSV.partition(";")[0], XLSX)}


@router.get(
    "/fsma204",
    summary="FSMA 204 sortable spreadsheet · 可排序的追溯电子表",
    response_class=Response,
    responses={200: {"description": "A row for each critical tracking event of each lot", "content": _FILES}},
)
def fsma204(
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    start: StartDep,
    direction: Annotated[
        Literal["back", "forward", "both"] | None, Query(description="along the chain, too; else the goods themselves")
    ] = None,
    format: Annotated[Literal["csv", "xlsx"], Query()] = "csv",
) -> Response:
    """每个关键追踪事件一行，含全部关键数据要素，未知的写 unknown · A row for each critical tracking event (harvest or
    initial packing, transformation, shipping, receiving) of the goods that the query names, with every key data
    element, or `unknown`. from and to are of the events here. Only goods that the key may know in full are listed.
    """
    directions: list[Direction] = ["back", "forward"] if direction == "both" else [direction] if direction else []
    among = start.among
    since, until = among.since, among.until
    if start.kind != "window":
        start = replace(start, among=Among(None, None, among.product, among.category))

    def looked(looks: list[Look]) -> None:
        note(request, principal, looks)

    pages = begun(reach(service.engine, principal, start, directions, service.master))
    rows = fsma.sortable(service.engine, principal, pages, service.settings.public_url, looked, since, until)
    name = f"fsma204-{datetime.now(UTC):%Y%m%d}"
    if format == "csv":
        return attached(csv_bytes(fsma.COLUMNS, rows), CSV, f"{name}.csv")
    book = workbook_bytes({_TITLE: fsma.COLUMNS}, ((_TITLE, row) for row in rows))
    return attached(book, XLSX, f"{name}.xlsx")
