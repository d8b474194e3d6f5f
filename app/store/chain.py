"""What a trace reads of the chain of custody: one statement a generation and table, in raw rows (see `raw`).

Keys are the 16 bytes of an id. Every row is a plain tuple in the order of the columns named beside the function.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, or_, select

from app.domain.graph import Bounds, Link, Position, Walk, walk
from app.store import raw, tables
from app.store.engine import Snapshot
from app.store.master import chunks
from app.store.raw import Row
from app.store.types import micros

Direction = Literal["back", "forward"]

FAR: dict[Direction, int] = {"back": 0, "forward": 1}  # of LINK: where a walk gets to
LINK = ("parent_id", "child_id", "event_id", "kind", "grams", "pieces", "claimed_by")
NODE = (
    "id", "kind", "code", "lot_id", "product_id", "site_id", "party_id", "measure", "arrived_at", "expires_on",
    "amount_in", "sold", "shipped", "processed", "destroyed", "returned", "unexplained", "receipts", "admission",
    "gap_reason", "paper", "reported_by", "voided_by",
)  # fmt: skip
HANDS = ("id", "kind", "lot_id", "site_id", "party_id")
LOT = ("id", "lot_number", "expires_on")
TOUCH = ("custody_id", "event_id")
EVENT = (
    "id", "epcis_event_id", "kind", "event_time", "utc_offset", "record_time", "site_id", "party_id"
)  # fmt: skip
ENTRY = ("custody_id", "event_id", "entry", "kind", "event_time", "amount")
MAKING = ("id", "code", "lot_number", "epc", "made_event_id", "produced_on")
SOLD = ("custody_id", "receipt_id", "line", "amount", "value", "unit")
RECEIPT = ("event_time", "utc_offset", "site_id")
TOLD = ("id", "body", "outcome")
ATTACHMENT = ("subject_id", "document_id")
DOCUMENT = ("id", "type", "number", "issuer", "issued_on", "expires_on", "class")
FLAG = ("event_id", "position", "slug", "detail")
CORRECTION = ("event_id", "record_time", "correcting_event_id")
SITE = ("id", "code", "name", "kind", "region", "version", "time_zone")
PARTY = ("id", "code", "name", "kind", "region", "version")
PRODUCT = ("id", "gtin", "name", "category", "version", "grams_per_piece")


@dataclass(frozen=True, slots=True)
class Among:
    """Which custodies: by when they arrived (until: exclusive), by product, or by its category and what is below
    that; None for any."""

    since: datetime | None = None
    until: datetime | None = None
    product: UUID | None = None
    category: str | None = None


ANYTHING = Among()

# Starts of one question: the newest of a site or party that has more.
STARTS = 100_000


def follow(
    snapshot: Snapshot,
    starts: Iterable[bytes],
    direction: Direction,
    bounds: Bounds,
    position: Position[bytes] | None = None,
    out_of_time: Any = lambda: False,
) -> Walk[bytes]:
    """The frontier walk along custody links; links as LINK. See `app.domain.graph.walk`."""
    far = FAR[direction]

    def expand(keys: list[bytes]) -> list[Link]:
        return ahead(snapshot, keys, direction)

    return walk(starts, expand, far, bounds, position, out_of_time, raw.CHUNK)


def neighbours(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """The links one step up and one step down, as LINK."""
    return into(snapshot, keys) + out_of(snapshot, keys)


def ahead(snapshot: Snapshot, keys: list[bytes], direction: Direction) -> list[Row]:
    """The links that a walk goes on along, as LINK."""
    near = "child_id" if direction == "back" else "parent_id"
    return raw.select(snapshot, tables.custody_link, LINK, near, keys)


def into(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """The links one step up, as LINK."""
    return raw.select(snapshot, tables.custody_link, LINK, "child_id", keys)


def out_of(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """The links one step down, as LINK."""
    return raw.select(snapshot, tables.custody_link, LINK, "parent_id", keys)


def attachments(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """Which documents speak for which custodies or sites, as ATTACHMENT."""
    return raw.select(snapshot, tables.attachment, ATTACHMENT, "subject_id", keys)


def documents(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """As DOCUMENT."""
    return raw.select(snapshot, tables.document, DOCUMENT, "id", keys)


def told(snapshot: Snapshot, events: Collection[bytes]) -> list[Row]:
    """What events said, and what came of them, as TOLD."""
    return raw.select(snapshot, tables.event, TOLD, "id", events)


def nodes(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """As NODE."""
    return raw.select(snapshot, tables.custody, NODE, "id", keys)


def hands(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """What custodies are of and whose, as HANDS."""
    return raw.select(snapshot, tables.custody, HANDS, "id", keys)


def lots(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """As LOT."""
    return raw.select(snapshot, tables.lot, LOT, "id", keys)


def touches(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """Which events touch which custodies, as TOUCH; a pair may come more than once."""
    return raw.select(snapshot, tables.timeline, TOUCH, "custody_id", keys)


def events(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """As EVENT."""
    return raw.select(snapshot, tables.event, EVENT, "id", keys)


def sided(snapshot: Snapshot, captured: Collection[bytes]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """(id, body) of captured events that say from whom goods come, or to whom they go."""
    for some in chunks(list(captured)):
        for key, body in raw.select(snapshot, tables.event, ("id", "body"), "id", some):
            if '"sourceList"' in body or '"destinationList"' in body:
                yield key, msgspec.json.decode(body)


def flags(snapshot: Snapshot, events: Collection[bytes]) -> list[Row]:
    """As FLAG, in the order in which they were raised."""
    return sorted(raw.select(snapshot, tables.flag, FLAG, "event_id", events))


def corrected(snapshot: Snapshot, events: Collection[bytes]) -> list[Row]:
    """As CORRECTION with the reason and what came instead; the last one last."""
    columns = (*CORRECTION, "reason", "replacement_event_id")
    return sorted(raw.select(snapshot, tables.correction, columns, "event_id", events))


def corrections(snapshot: Snapshot, events: Collection[bytes]) -> list[Row]:
    """As CORRECTION, the last one last."""
    return sorted(raw.select(snapshot, tables.correction, CORRECTION, "event_id", events))


def identified(snapshot: Snapshot, gaps: Collection[bytes]) -> list[Row]:
    """The links that name the source of gaps, as LINK."""
    return raw.select(snapshot, tables.custody_link, LINK, "child_id", gaps, "kind = 'identify'")


def sites(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """As they are now, as SITE; with `parties` and `products` a tenth of what reading all of their columns takes."""
    return raw.select(snapshot, tables.site, SITE, "id", keys)


def paths(snapshot: Snapshot, codes: Collection[str]) -> list[Row]:
    """(code, path) of sites by their codes."""
    return raw.select(snapshot, tables.site, ("code", "path"), "code", codes)


def parties(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """As PARTY."""
    return raw.select(snapshot, tables.party, PARTY, "id", keys)


def products(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """As PRODUCT."""
    return raw.select(snapshot, tables.product, PRODUCT, "id", keys)


def entries(snapshot: Snapshot, custodies: Collection[bytes]) -> list[Row]:
    """What changed the balances of custodies, as ENTRY."""
    return raw.select(snapshot, tables.timeline, ENTRY, "custody_id", custodies, "entry <> 'touched'")


def makings(snapshot: Snapshot, keys: Collection[bytes]) -> list[Row]:
    """Where lots come from, as MAKING."""
    return raw.select(snapshot, tables.lot, MAKING, "id", keys)


def sales(snapshot: Snapshot, custodies: Collection[bytes]) -> list[Row]:
    """The lines of scales' sales booked on the custodies with what their receipts say, as SOLD and then RECEIPT. A
    receipt and its lines lie on one shard."""
    return raw.joined(
        snapshot, (tables.receipt_line, SOLD), (tables.receipt, RECEIPT), ("receipt_id", "id"), "custody_id", custodies
    )


# --- where a trace starts ---


def code_of(snapshot: Snapshot, text: str) -> tuple[str, UUID] | None:
    """(kind, subject) of a code that was issued, revoked or not."""
    code = tables.code.c
    row = snapshot.execute(select(code.kind, code.subject_id).where(code.code == text)).one_or_none()
    return None if row is None else (row.kind, row.subject_id)


def is_lot(snapshot: Snapshot, lot: UUID) -> bool:
    return snapshot.execute(select(tables.lot.c.id).where(tables.lot.c.id == lot)).first() is not None


def is_custody(snapshot: Snapshot, custody: UUID) -> bool:
    return snapshot.execute(select(tables.custody.c.id).where(tables.custody.c.id == custody)).first() is not None


def of_lot(snapshot: Snapshot, lot: UUID, among: Among = ANYTHING) -> list[bytes]:
    """Its custodies, the newest STARTS + 1 first, as those below."""
    return _newest(snapshot, tables.custody.c.lot_id == lot, among)


def at_sites(snapshot: Snapshot, sites: Collection[UUID], among: Among = ANYTHING) -> list[bytes]:
    found: list[tuple[Any, bytes]] = []
    for some in chunks(sites):
        found += _newest_of(snapshot, tables.custody.c.site_id.in_(some), among)
    found.sort(key=lambda one: (-micros(one[0]), one[1]))
    return [key for _, key in found[: STARTS + 1]]


def of_party(snapshot: Snapshot, party: UUID, among: Among = ANYTHING) -> list[bytes]:
    return _newest(snapshot, tables.custody.c.party_id == party, among)


def _newest(snapshot: Snapshot, condition: ColumnElement[bool], among: Among) -> list[bytes]:
    return [key for _, key in _newest_of(snapshot, condition, among)]


def _newest_of(snapshot: Snapshot, condition: ColumnElement[bool], among: Among) -> list[tuple[Any, bytes]]:
    custody = tables.custody.c
    statement = (
        select(custody.arrived_at, custody.id)
        .where(condition, custody.kind == "custody", *_conditions(among))
        .order_by(custody.arrived_at.desc(), custody.id)
        .limit(STARTS + 1)
    )
    return [(row.arrived_at, row.id.bytes) for row in snapshot.execute(statement)]


def kept(snapshot: Snapshot, keys: Collection[bytes], among: Among) -> list[bytes]:
    """Those of the keys that are among them, in their order."""
    custody = tables.custody.c
    found: set[bytes] = set()
    for some in chunks(keys):
        statement = select(custody.id).where(custody.id.in_([UUID(bytes=key) for key in some]), *_conditions(among))
        found |= {key.bytes for key in snapshot.scalars(statement)}
    return [key for key in keys if key in found]


def _conditions(among: Among) -> list[ColumnElement[bool]]:
    custody = tables.custody.c
    conditions: list[ColumnElement[bool]] = []
    if among.since is not None:
        conditions.append(custody.arrived_at >= among.since)
    if among.until is not None:
        conditions.append(custody.arrived_at < among.until)
    if among.product is not None:
        conditions.append(custody.product_id == among.product)
    if among.category is not None:
        product = tables.product.c
        within = product.category.startswith(f"{among.category}.", autoescape=True)
        listed = select(product.id).where(or_(product.category == among.category, within))
        conditions.append(custody.product_id.in_(listed))
    return conditions


def on_slip(snapshot: Snapshot, code: str) -> list[bytes]:
    item = tables.slip_item.c
    statement = select(item.custody_id).where(item.slip_code == code).order_by(item.position, item.custody_id)
    return [key.bytes for key in snapshot.scalars(statement)]


def on_receipt(snapshot: Snapshot, receipt: int) -> list[bytes] | None:
    """The custodies of a sale's lines, without other claims to its number; None where it has not come in."""
    if snapshot.execute(select(tables.receipt.c.id).where(tables.receipt.c.id == receipt)).first() is None:
        return None
    line = tables.receipt_line.c
    statement = select(line.custody_id).where(line.receipt_id == receipt, line.custody_id.is_not(None))
    return [key.bytes for key in snapshot.scalars(statement.order_by(line.line))]


def with_epcs(snapshot: Snapshot, epcs: Collection[str]) -> list[bytes]:
    """Custodies of captured goods by their EPC or EPC class, and those of lots that carry it."""
    found = raw.select(snapshot, tables.custody, ("id",), "epc", epcs, "kind = 'custody'")
    lots = raw.select(snapshot, tables.lot, ("id",), "epc", epcs)
    found += raw.select(snapshot, tables.custody, ("id",), "lot_id", [key for (key,) in lots], "kind = 'custody'")
    return sorted({key for (key,) in found})


def of_lots(snapshot: Snapshot, lots: Collection[bytes]) -> list[bytes]:
    """All custodies of some lots."""
    found = raw.select(snapshot, tables.custody, ("id",), "lot_id", lots, "kind = 'custody'")
    return sorted(key for (key,) in found)


def numbers(snapshot: Snapshot, epcs: Collection[str]) -> list[tuple[UUID, str, str]]:
    """(product, lot number, EPC) of captured goods by their EPC; the number is what their making says of them."""
    found = raw.select(snapshot, tables.lot, ("product_id", "lot_number", "epc"), "epc", epcs)
    return sorted((UUID(bytes=product), number, epc) for product, number, epc in found)


def lots_of_products(snapshot: Snapshot, products: Collection[UUID], limit: int) -> list[bytes]:
    """The lots of these products, at most so many."""
    lot = tables.lot.c
    found: list[bytes] = []
    for some in chunks(products):
        statement = select(lot.id).where(lot.product_id.in_(some)).limit(limit - len(found))
        found += [key.bytes for key in snapshot.scalars(statement)]
    return found


def numbered(
    snapshot: Snapshot, products: Collection[UUID], lot_numbers: Collection[str]
) -> list[tuple[UUID, UUID, str, str | None]]:
    """(id, product, lot number, EPC) of the lots of these products under these numbers, STARTS + 1 at most."""
    lot = tables.lot.c
    found: list[tuple[UUID, UUID, str, str | None]] = []
    for some in chunks(products):
        for texts in chunks(lot_numbers):
            statement = select(lot.id, lot.product_id, lot.lot_number, lot.epc).where(
                lot.product_id.in_(some), lot.lot_number.in_(texts)
            )
            found += [(row.id, row.product_id, row.lot_number, row.epc)
                      for row in snapshot.execute(statement.limit(STARTS + 1 - len(found)))]  # fmt: skip
            if len(found) > STARTS:
                return found
    return found
