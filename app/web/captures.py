"""/api/v1/captures: EPCIS documents in, JSON-LD or XML, and out again as they came."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from app.domain.epcis.xml_writing import document_xml
from app.domain.errors import Invalid, UnsupportedType
from app.exchanging import ImportReport, Order, export_capture, import_document, read_source, read_xml_source, to_json
from app.exchanging.documents import in_json_ld
from app.store.engine import reading
from app.web.auth import PrincipalDep
from app.web.bodies import media_type_of, read_body
from app.web.negotiation import preferred
from app.web.schemas import Told
from app.web.service import ServiceDep

router = APIRouter(prefix="/api/v1/captures", tags=["captures"])

LD_JSON = "application/ld+json"
XML = ("application/xml", "text/xml")


class ToldFlag(Told):
    slug: str
    detail: str


class ToldReason(Told):
    pointer: str
    slug: str
    detail: str


class ToldFault(ToldReason):
    severity: Literal["refusal", "flag"]


class CapturedEventTold(Told):
    """What came of one event; `pointer` (RFC 6901) says where in the document it is."""

    pointer: str
    status: Literal["recorded", "duplicate", "refused"]
    id: UUID | None
    epcis_event_id: str | None
    flags: list[ToldFlag]
    reasons: list[ToldReason]


class CapturedCodeTold(Told):
    code: str
    url: str
    kind: Literal["lot", "custody"]
    epc: str
    product: str
    lot_number: str
    site: str | None
    minted: bool


class CaptureTold(Told):
    """What came of a document. `faults` are outside its events; `codes` those of all its goods, with `issue`."""

    id: UUID
    recorded: int
    duplicate: int
    refused: int
    flagged: int
    events: list[CapturedEventTold]
    faults: list[ToldFault]
    codes: list[CapturedCodeTold]


_DOCUMENT: dict[str, Any] = {
    "type": "object",
    "description": "EPCISDocument, EPCISQueryDocument or one event, in the JSON-LD of EPCIS 2.0",
    "examples": [
        {
            "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-03-01T02:00:00Z",
            "epcisBody": {
                "eventList": [
                    {
                        "type": "ObjectEvent",
                        "eventTime": "2026-03-01T06:30:00+08:00",
                        "eventTimeZoneOffset": "+08:00",
                        "action": "ADD",
                        "bizStep": "commissioning",
                        "bizLocation": {"id": "https://id.gs1.org/414/6901234567892"},
                        "quantityList": [
                            {"epcClass": "https://id.gs1.org/01/06901234567892/10/A1", "quantity": 120, "uom": "KGM"}
                        ],
                    }
                ]
            },
        }
    ],
}
_IN_XML: dict[str, Any] = {
    "schema": {
        "type": "string",
        "description": "EPCISDocument, EPCISQueryDocument, EPCISMasterDataDocument or one event, of EPCIS 1.x or 2.0",
    }
}


@router.post(
    "",
    summary="Bring an EPCIS document in, JSON-LD or XML; the same again changes nothing",
    response_model=CaptureTold,
    openapi_extra={"requestBody": {"required": True, "content": {LD_JSON: {"schema": _DOCUMENT}, XML[0]: _IN_XML}}},
)
async def post_capture(
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    issue: Annotated[bool, Query(description="mint codes for all lots and custodies that it concerns")] = False,
    proceed: Annotated[bool, Query(description="take the good events of a document with faults")] = False,
) -> Response:
    """A document with a fault is refused as a whole (422), every fault named by its JSON pointer, unless `proceed`.
    XML is read as the JSON-LD that says the same, and named by its pointers."""
    media_type = media_type_of(request)
    if media_type not in ("application/json", *XML) and not media_type.endswith("+json"):
        raise UnsupportedType(
            "unsupported-type",
            f"请以 Content-Type: {LD_JSON} 或 {XML[0]} 发送 · Send it as {LD_JSON} or {XML[0]}",
        )
    raw = await read_body(request, service.settings.max_body_bytes)

    def take() -> ImportReport:
        source = read_xml_source(raw) if media_type in XML else read_source(raw)
        return import_document(service.writer, service.engine, source, Order(principal, issue, proceed))

    report = await run_in_threadpool(take)
    if report.capture_id is None:
        refusals = report.refusals
        raise Invalid(
            "invalid",
            f"EPCIS 文档有 {len(refusals)} 处错误，未接收，见 errors · "
            f"{len(refusals)} faults in the EPCIS document, nothing was taken: see errors",
            errors=[(fault.pointer, fault.detail) for fault in refusals],
        )
    headers = {"Location": f"{router.prefix}/{report.capture_id}"}
    shown = report.shown(service.settings.public_url)
    return Response(to_json(shown), headers=headers, media_type="application/json")


@router.get(
    "/{capture_id}",
    summary="A document as it came, for whoever brought it",
    response_class=Response,
    responses={200: {"description": "The document", "content": {LD_JSON: {"schema": _DOCUMENT}, XML[0]: _IN_XML}}},
)
def get_capture(capture_id: UUID, request: Request, service: ServiceDep, principal: PrincipalDep) -> Response:
    """JSON-LD, or XML of EPCIS 2.0 where the client rather has that."""
    with reading(service.engine) as snapshot:
        document = export_capture(snapshot, capture_id, principal)
    headers = {"Vary": "Accept"}
    media_type = preferred(request.headers.get("accept"), (LD_JSON, *XML))
    if media_type in XML:
        return Response(document_xml(document), headers=headers, media_type=media_type)
    return Response(to_json(in_json_ld(document)), headers=headers, media_type=media_type)
