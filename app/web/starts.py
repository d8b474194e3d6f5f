"""What a trace or an export starts from, as its query says it."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from app.domain.errors import Invalid
from app.store.chain import Among
from app.tracing import Start
from app.tracing.starts import Kind
from app.web.schemas import Moment, Short


def start_of(
    code: Annotated[
        str | None, Query(max_length=300, description="S, P, B, G, T or R code, its URL, or a GS1 Digital Link")
    ] = None,
    custody: UUID | None = None,
    lot: Annotated[UUID | None, Query(description="all of its custodies")] = None,
    epc: Annotated[str | None, Query(max_length=300, description="EPC, EPC class or SSCC, URN or Digital Link")] = None,
    site: Annotated[UUID | None, Query(description="what came to it and to what lies below it")] = None,
    party: Annotated[UUID | None, Query(description="what was ever in its hands")] = None,
    document: Annotated[UUID | None, Query(description="the goods that it speaks for")] = None,
    since: Annotated[Moment | None, Query(alias="from", description="of those that arrived from then on")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="before then")] = None,
    product: UUID | None = None,
    category: Annotated[Short | None, Query(description="of products: pork covers pork.belly")] = None,
    time: Annotated[
        Moment | None, Query(description="of an SSCC: what was packed in it then; by default, what is")
    ] = None,
) -> Start:
    """Raises Invalid for none and for several."""
    given: dict[Kind, object] = {
        "code": code, "custody": custody, "lot": lot, "epc": epc, "site": site, "party": party, "document": document,
    }  # fmt: skip
    among = Among(since, until, product, category)
    starts = [
        # A pasted address or URN says itself what it is.
        Start.read(str(value), among, time) if kind in ("code", "epc") and ":" in str(value) else
        Start(kind, str(value), among, time)
        for kind, value in given.items()
        if value is not None
    ]  # fmt: skip
    if not starts and (since is not None or until is not None):
        starts = [Start("window", "", among)]
    if len(starts) != 1:
        raise Invalid(
            "one-start",
            "code、custody、lot、epc、site、party、document 须只给出一个，或仅给出 from、to · "
            "give one of code, custody, lot, epc, site, party and document, or from and to alone",
            pointer="?code",
        )
    return starts[0]


StartDep = Annotated[Start, Depends(start_of)]
