"""The shape of a trace, as the contract has it. An id is its text; times carry the offset of the recorder's clock.

Structs of msgspec rather than dataclasses: a trace may have a hundred thousand nodes, and these are made ten times as
fast and are JSON without another pass.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

Status = Literal["ok", "gap", "voided", "recalled", "held", "refused", "expired"]


class Place(Struct, frozen=True, gc=False):
    """A site or party as it was when the goods arrived; a product with its category for kind and its GTIN for code."""

    code: str | None
    name: str
    kind: str
    region: str | None


class Amount(Struct, frozen=True, gc=False):
    """`value` in `unit` (kg or pcs); whole grams or pieces, both where the product says what a piece weighs."""

    value: str
    unit: str
    grams: int | None
    pieces: int | None


class Confidence(Struct, frozen=True, gc=False):
    """Whether a custody's quantities close. `claimed`: what of it came in by its receiver's word alone; `unexplained`:
    what went out beyond what came in, came in beyond or short of what was sent, was missed or found when it was
    counted. A tolerance for drying and trimming is the balance's to apply."""

    state: Literal["closed", "claimed", "unexplained"]
    claimed: Amount | None
    unexplained: Amount | None


class Node(Struct, frozen=True, gc=False, rename={"in_": "in"}):
    """A custody, or a gap: goods whose origin is not known. `depth`: the fewest steps from the start.

    `in_` what came, `out` what is no longer there, `on_hand` the rest (negative: more went out than came in); null, as
    `confidence`, for gaps, and where the reader may not know.
    """

    id: str
    kind: Literal["custody", "gap"]
    code: str | None
    lot_id: str
    lot_number: str | None
    product: Place | None
    site: Place | None
    party: Place | None
    status: Status
    depth: int
    in_: Amount | None
    out: Amount | None
    on_hand: Amount | None
    confidence: Confidence | None


class Link(Struct, frozen=True, gc=False):
    """kind: move, transform, return, outside or identify."""

    parent_id: str
    child_id: str
    event_id: str
    kind: str
    quantity: Amount | None


class Flag(Struct, frozen=True, gc=False):
    slug: str
    detail: str


class Event(Struct, frozen=True, gc=False):
    """`flags` are null where the reader may not know; `corrected_by` is the event that corrected this one."""

    id: str
    epcis_event_id: str | None
    kind: str
    event_time: datetime
    record_time: datetime
    site_id: str | None
    flags: list[Flag] | None
    corrected_by: str | None


class Source(Struct, frozen=True, gc=False):
    """What the paper, or the one side alone that reports it, says of where goods came from."""

    name: str | None
    contact: str | None
    address: str | None
    document_ids: list[str] | None
    reported_by: Place | None


class Gap(Struct, frozen=True, gc=False, rename={"from_": "from"}):
    """reason: outside (bought from outside the system), voided (its source was corrected away), claimed (one side has
    named a source, the other has not confirmed)."""

    node_id: str
    reason: Literal["outside", "unrecorded", "voided", "claimed"]
    from_: Source


class Document(Struct, frozen=True, gc=False, rename={"class_": "class"}):
    """What speaks for the goods of these nodes; its file is at `/documents/{id}/file`, for whom it is. `number` is null
    where a paper of no named kind may be an identity card."""

    id: str
    type: str
    number: str | None
    issuer: str | None
    issued_on: str | None
    expires_on: str | None
    class_: str | None
    node_ids: list[str]


class Test(Struct, frozen=True, gc=False):
    """A rapid or laboratory test of a node's goods; a rapid verdict is presumptive (Food Safety Law §88, §112).
    `tester` and `sample_number` are null where the reader may not know."""

    event_id: str
    node_id: str
    stage: str
    item: str
    method: str | None
    value: str | None
    unit: str | None
    limit: str | None
    verdict: str | None
    sample_number: str | None
    tester: str | None


class Recipient(Struct, frozen=True, gc=False):
    """Somebody outside the system who got some of a node's goods: a buyer, or whom a slip names. Of the nodes whose
    amounts the reader may know."""

    node_id: str
    event_id: str
    kind: Literal["sell", "ship"]
    event_time: datetime
    name: str
    contact: str | None
    address: str | None
    quantity: Amount


class Share(Struct, frozen=True, gc=False):
    """Going back: how much of the goods of `start_id` came from the source `node_id`. Going forward (`start_id` null):
    how much of what came to `node_id` came from where the trace starts. A range, where goods were mixed."""

    node_id: str
    start_id: str | None
    at_least: Amount
    at_most: Amount


class Totals(Struct, frozen=True, gc=False):
    """Of this answer. `grams` and `pieces` sum what came no further at its nodes (sold to its last buyer, destroyed,
    lost, still there), so that nothing counts twice; they and `receipts` are null unless the reader may see all."""

    nodes: int
    links: int
    events: int
    gaps: int
    receipts: int | None
    grams: int | None
    pieces: int | None


class Packing(Struct, frozen=True, gc=False):
    """`content` was in `unit`, both as canonical URIs; until null: it still is."""

    unit: str
    content: str
    since: datetime
    until: datetime | None


class Opened(Struct, frozen=True, gc=False):
    """What was in a unit, inner units opened as well. state: `now`, what is in it; `then`, what was at the time that
    was asked for; `last`, it was empty, and this was in it last. `at`: when, null for now. `count`: of all packings, of
    which the first PACKINGS are told. `loop`: a unit was inside itself."""

    state: Literal["now", "then", "last"]
    at: datetime | None
    packings: list[Packing]
    count: int
    loop: bool


class Begun(Struct, frozen=True, gc=False):
    """What was understood of an EPC. `epc`: in canonical form; `lots`: the EPC classes of the lots that the goods are
    of, where the trace begins at those too, or at those alone; `opened`: of a unit that holds things."""

    epc: str
    lots: list[str]
    opened: Opened | None


PACKINGS = 1_000


class NamedParty(Struct, frozen=True, gc=False):
    """Whom a captured event names as owner or possessor of its goods: side source | destination, role owning_party |
    possessing_party, as `uri`. `party`: who is enrolled here with that GLN of party (417), by whose own word alone it
    is not; else the number, without a code. That an event names somebody is the word of whoever brought it."""

    event_id: str
    side: str
    role: str
    uri: str
    party: Place


class Trace(Struct, frozen=True):
    """nodes: from the start outward, by generation, then by time of arrival. events: from source to table, by
    generation, then by event time. `truncated`: there is more; `next` is the cursor that goes on. shares: of a chain
    that is whole and in this answer, as far as the reader may know; null otherwise, and where there are too many.
    start: of a trace from an EPC. parties: whom captured events name as owners and possessors."""

    nodes: list[Node]
    links: list[Link]
    events: list[Event]
    gaps: list[Gap]
    totals: Totals
    truncated: bool
    next: str | None
    documents: list[Document]
    tests: list[Test]
    recipients: list[Recipient]
    shares: list[Share] | None
    start: Begun | None = None
    parties: list[NamedParty] = []


_encode = msgspec.json.Encoder().encode


def to_json(trace: Trace) -> bytes:
    """The JSON of `GET /api/v1/trace`."""
    return _encode(trace)


def json_schema() -> tuple[dict[str, Any], dict[str, Any]]:
    """(the schema of Trace, the components it refers to), for the OpenAPI document; each is named Trace.…"""
    (schema,), components = msgspec.json.schema_components([Trace], ref_template="#/components/schemas/Trace.{name}")
    return schema, {f"Trace.{name}": component for name, component in components.items()}
