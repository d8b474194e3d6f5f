"""GET /api/v1/findings: what the books cannot mean, with what shows it."""

from collections.abc import Generator, Iterator
from datetime import UTC, date, datetime
from itertools import islice
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from app.domain import codes
from app.domain.alerts import Severity
from app.domain.findings import KINDS, Finding, Proof
from app.store.engine import reading
from app.tracing import findings as verb
from app.tracing import scope as scopes
from app.web.auth import PrincipalDep
from app.web.bodies import NDJSON
from app.web.handing import Streamed
from app.web.negotiation import preferred
from app.web.schemas import Moment, Told
from app.web.service import Service, ServiceDep

router = APIRouter(prefix="/api/v1/findings", tags=["oversight"])

AT_ONCE = 100


class ProofTold(Told):
    kind: str = Field(description="custody | event | receipt | document")
    id: str
    detail: str
    grams: int | None
    pieces: int | None
    link: str = Field(description="address of the row")


class FindingTold(Told):
    """`id` is that of its alert; `evidence` has the first twenty of `evidence_count` rows."""

    id: UUID
    kind: str = Field(description=" | ".join(KINDS))
    severity: Severity
    detail: str
    on: date | None
    site_id: UUID
    party_id: UUID | None
    custody_id: UUID | None
    event_id: UUID | None
    event_time: datetime
    excess_grams: int | None = Field(description="by how much it cannot be")
    excess_pieces: int | None
    evidence: list[ProofTold]
    evidence_count: int


class FindingPage(Told):
    items: list[FindingTold]
    next: str | None


_LINKS = {
    "custody": "/api/v1/trace?custody={}&direction=back",
    "event": "/api/v1/events/{}",
    "document": "/api/v1/documents/{}",
    "receipt": "/api/v1/receipts/{}",
}


@router.get(
    "",
    summary="What the books cannot mean: sold more than came in, impossible yields, papers used twice, …",
    responses={200: {"model": FindingPage, "content": {NDJSON: {"schema": {"type": "string"}}}}},
    response_model=None,
)
def list_findings(
    request: Request,
    service: ServiceDep,
    principal: PrincipalDep,
    kind: Annotated[str | None, Query(pattern=f"^({'|'.join(KINDS)})$")] = None,
    region: Annotated[str | None, Query(pattern=r"^\d{2,6}$", description="GB/T 2260 prefix")] = None,
    market: Annotated[UUID | None, Query(description="a market with all of its stalls")] = None,
    site: UUID | None = None,
    since: Annotated[Moment | None, Query(alias="from", description="inclusive; thirty days back if left out")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="exclusive; now if left out")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=400, description="`next` of the answer before")] = None,
) -> Response:
    """疑点 · The gravest kind first, within a few hundred sites by how much it is. With
    `Accept: application/x-ndjson` all from the cursor on, one a line, then `{"summary":{"findings":…}}`."""
    after = verb.Place.decode(cursor) if cursor is not None else None
    kinds = KINDS if kind is None else (kind,)

    def found() -> Generator[tuple[verb.Place, Finding], None, None]:
        with reading(service.engine) as snapshot:
            asked = scopes.scope(
                snapshot, principal, region=region, site=site or market, since=since, until=until,
                now=datetime.now(UTC),
            )  # fmt: skip
            yield from verb.findings(snapshot, asked, kinds=kinds, rules=service.rules, after=after)

    walk = found()
    first = list(islice(walk, limit + 1))  # refusals are told before anything is sent
    if preferred(request.headers.get("accept"), ("application/json", NDJSON)) == NDJSON:
        return Streamed(_lines(service, first, walk), media_type=NDJSON)
    walk.close()
    kept = first[:limit]
    body = {
        "items": [told(service, finding) for _, finding in kept],
        "next": kept[-1][0].encode() if len(first) > limit else None,
    }
    return Response(msgspec.json.encode(body), media_type="application/json")


def _lines(
    service: Service, first: list[tuple[verb.Place, Finding]], walk: Iterator[tuple[verb.Place, Finding]]
) -> Iterator[bytes]:
    number = 0
    while first:
        number += len(first)
        yield b"".join(msgspec.json.encode(told(service, finding)) + b"\n" for _, finding in first)
        first = list(islice(walk, AT_ONCE))
    yield msgspec.json.encode({"summary": {"findings": number}}) + b"\n"


def told(service: Service, finding: Finding) -> dict[str, Any]:
    fields = {name: getattr(finding, name) for name in FindingTold.model_fields}
    return {**fields, "evidence": [_proof(service, proof) for proof in finding.evidence]}


def _proof(service: Service, proof: Proof) -> dict[str, Any]:
    key = proof.id
    if proof.kind == "receipt":
        number = int(proof.id)
        name = codes.receipt_name(number)
        key = codes.receipt_code(codes.receipt_secret(service.master, name.device_number, name.epoch), number)
    return {
        "kind": proof.kind, "id": key, "detail": " · ".join(proof.said), "grams": proof.grams, "pieces": proof.pieces,
        "link": _LINKS[proof.kind].format(key),
    }  # fmt: skip
