"""From the projection of captured events to rows of the ledger: a pure function, so that the rows can be computed again
and compared."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID

from app.domain import ids
from app.domain.epcis.captured import OBJECTS, OUTPUTS, UNKNOWN_SITE, Amount, CapturedEvent, epcs_of, related_epcs
from app.domain.epcis.identifiers import class_parts
from app.domain.epcis.named import SHIPPING_STEPS
from app.domain.epcis.packing import Packing
from app.domain.epcis.projection import RECEIVING_STEPS, CustodyKey, Projection, TimelineEntry
from app.domain.epcis.projection import Custody as Stay
from app.domain.epcis.values import printable
from app.domain.epcis.vocabulary import STANDARD_PREFIXES
from app.domain.rows import ENTRIES, TOUCHED, Custody, Link, Lot, Measure
from app.domain.rows import TimelineEntry as Line

CAPTURED = "epcis."
MAX_KIND = 64
MAX_LOT_NUMBER = 200
UNRECORDED = "unrecorded"  # the reason of a gap that captured goods come from

# Of several steps that tell of one departure the first in this list counts, as RECEIVING_STEPS do for an arrival.
_SHIPPING = ("shipping", "consigning", "departing", "loading")
assert set(_SHIPPING) == SHIPPING_STEPS
_SOLD = frozenset(("retail_selling", "dispensing"))
_MASTER_DATA = ("", "cbvmda:", "gs1:", STANDARD_PREFIXES["cbvmda"], "urn:epcglobal:cbv:mda#", STANDARD_PREFIXES["gs1"])

NOTES = {
    "loop": ("货物来自其自身，或单元装在其自身之中", "these goods come from themselves, or a unit is inside itself"),
    "class_without_lot": ("只写明产品，没有批号", "goods named by their product only, without a lot"),
    "transformation_too_wide": (
        "投入与产出的组合过多，未建立环节",
        "too many inputs times outputs: nothing was linked",
    ),
    "nothing_to_void": (
        "撤销发货，但此前没有可撤销的发货记录",
        "void_shipping of goods of which no earlier shipment is known that it could take back",
    ),
    "arrived_though_void": (
        "已撤销发货的货物有到货记录，请与收货方核对",
        "goods that are said not to have been shipped have arrived: settle it with their receiver",
    ),
}
"""What the projection flags of an EPC. It stands with the event that it is of, else with the earliest that names it."""
UNHEEDED = (
    "declared_by_others",
    "撤销的是别人上报的事件，未予撤销 · What it takes back somebody else has reported: nothing is taken back",
)
"""(slug, detail) of error declarations that change nothing."""


def note(slug: str, epc: str) -> str:
    """The detail of a flag of NOTES."""
    zh, en = NOTES[slug]
    return f"{zh}：{epc} · {en}: {epc}"


def kind_of(event: CapturedEvent) -> str:
    """`epcis.` and the short name of the business step (`epcis.receiving`, `epcis.farmHarvest` for
    `urn:gdst:bizStep:farmHarvest`), else of the event type (`epcis.ObjectEvent`)."""
    return _kind(event.biz_step, event.kind)


@lru_cache(maxsize=1_024)
def _kind(step: str, kind: str) -> str:
    return f"{CAPTURED}{(last_part(step) or last_part(kind))[:MAX_KIND]}"


def last_part(uri: str) -> str:
    """What follows the last of `/ : #`, where something does."""
    for separator in "/:#":
        uri = uri.rstrip(separator).rpartition(separator)[2]
    return uri


def product_uri(epc: str) -> str:
    """The product class of an EPC; the EPC itself where that says nothing of a product."""
    parts = class_parts(epc)
    return epc if parts is None else parts.product


@dataclass(frozen=True, slots=True)
class Book:
    """All rows of some EPCs that captured events make. Lots and custodies have no codes, makers and parties here: those
    are the store's to keep. `entries`: event id → what it did to which custodies (id, entry, amount); `notes`: flags by
    event id; `declared`: (event taken back, error declaration); `products`: measure by class URI."""

    lots: dict[UUID, Lot] = field(default_factory=dict)
    custodies: dict[UUID, Custody] = field(default_factory=dict)
    links: dict[tuple[UUID, UUID, UUID], Link] = field(default_factory=dict)
    lines: dict[tuple[UUID, UUID, str], Line] = field(default_factory=dict)
    entries: dict[UUID, list[tuple[UUID, str, int]]] = field(default_factory=lambda: defaultdict(list))
    packings: dict[tuple[str, str, UUID], Packing] = field(default_factory=dict)
    notes: dict[UUID, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    declared: frozenset[tuple[UUID, UUID]] = frozenset()
    made_at: dict[UUID, UUID] = field(default_factory=dict)  # lot → custody in which it was made
    products: dict[str, Measure] = field(default_factory=dict)


def book_of(
    projection: Projection, events: Iterable[CapturedEvent], site_id: Callable[[str], UUID] = ids.captured_site_id
) -> Book:
    """The rows of `projection`, made of `events` with or without `only`. `site_id`: whose site a place's URI is."""
    known = {event.event_id: event for event in events}
    taken_back = frozenset(projection.voided)
    book = Book(declared=frozenset(projection.declared))
    stays: dict[str, list[Stay]] = defaultdict(list)
    entries: dict[str, list[TimelineEntry]] = defaultdict(list)
    for stay in projection.custodies:
        stays[stay.epc].append(stay)
    for entry in projection.timeline:
        entries[entry.epc].append(entry)
    left: dict[CustodyKey, Amount] = {}
    for link in projection.links:
        if link.kind == "move":
            left[link.parent] = left.get(link.parent, Amount()).plus(Amount(link.grams, link.pieces))
    telling = _telling((event for key, event in known.items() if key not in taken_back), set(stays))
    for epc, places in stays.items():
        _put(book, epc, places, entries[epc], left, known, telling.get(epc, ()), site_id)
    for link in projection.links:
        child, parent = ids.captured_custody_id(*link.child), ids.captured_custody_id(*link.parent)
        book.links[child, parent, link.event_id] = Link(
            child, parent, link.event_id, link.kind, link.grams, link.pieces
        )
    _open(book, (stay for stay in projection.custodies if not stay.is_origin), known)
    for packing in projection.packings:
        book.packings[packing.unit_epc, packing.content_epc, packing.from_event] = packing
    first = earliest(known.values(), {flag.epc for flag in projection.flags})
    for flag in projection.flags:
        book.notes[flag.event_id or first[flag.epc]].add((flag.slug, note(flag.slug, flag.epc)))
    for event_id in projection.unheeded:
        book.notes[event_id].add(UNHEEDED)
    return book


def _open(book: Book, stays: Iterable[Stay], known: Mapping[UUID, CapturedEvent]) -> None:
    """Where goods appear that nothing captured has made or brought, the chain has a gap: its records begin there."""
    came = {child for child, _, _ in book.links}
    for stay in stays:
        child = book.custodies[ids.captured_custody_id(*stay.key)]
        if child.id in came:
            continue
        event = known[stay.first_event]
        gap = replace(
            child, id=ids.captured_gap_id(stay.epc), kind="gap", site_id=None, expires_on=None, amount_in=0, sold=0,
            shipped=0, processed=0, destroyed=0, gap_reason=UNRECORDED,
        )  # fmt: skip
        book.custodies[gap.id] = gap
        book.lines[gap.id, event.event_id, TOUCHED] = Line(
            gap.id, event.event_id, TOUCHED, kind_of(event), event.event_time, 0
        )
        book.entries[event.event_id].append((gap.id, TOUCHED, 0))
        grams, pieces = (stay.grams, None) if child.measure == "weight" else (None, stay.pieces)
        book.links[child.id, gap.id, event.event_id] = Link(child.id, gap.id, event.event_id, "outside", grams, pieces)


def earliest(events: Iterable[CapturedEvent], epcs: set[str]) -> dict[str, UUID]:
    """The earliest event that names each of the EPCs."""
    found: dict[str, CapturedEvent] = {}
    for event in events if epcs else ():
        for epc in related_epcs(event) & epcs:
            if epc not in found or event.order < found[epc].order:
                found[epc] = event
    return {epc: event.event_id for epc, event in found.items()}


def _put(
    book: Book,
    epc: str,
    stays: list[Stay],
    entries: list[TimelineEntry],
    left: Mapping[CustodyKey, Amount],
    known: Mapping[UUID, CapturedEvent],
    telling: Sequence[CapturedEvent],
    site_id: Callable[[str], UUID],
) -> None:
    """One EPC: its lot, its custodies and what each event did to them."""
    lot_id = ids.captured_lot_id(epc)
    counted = [(stay.grams, stay.pieces) for stay in stays] + [(entry.grams, entry.pieces) for entry in entries]
    by_count = all(grams is None for grams, _ in counted) and any(pieces is not None for _, pieces in counted)
    measure: Measure = "count" if by_count else "weight"
    product = product_uri(epc)
    if book.products.get(product) != "weight":
        book.products[product] = measure
    origin = min(stays, key=lambda stay: (not stay.is_origin, stay.arrived_at, stay.first_event.int))
    book.made_at[lot_id] = ids.captured_custody_id(*origin.key)
    expires_on = _day(telling, "itemExpirationDate", "bestBeforeDate")
    book.lots[lot_id] = Lot(
        id=lot_id,
        code=None,
        product_id=ids.captured_product_id(product),
        maker_id=None,
        lot_number=_lot_number(epc, telling),
        produced_on=_day(telling, "productionDate"),
        expires_on=expires_on,
        made_event_id=origin.first_event,
        epc=epc,
    )
    by_site: dict[str, list[TimelineEntry]] = defaultdict(list)
    for entry in entries:
        by_site[entry.site_uri].append(entry)
    for stay in stays:
        custody = Custody(
            id=ids.captured_custody_id(*stay.key),
            kind="custody",
            code=None,
            lot_id=lot_id,
            product_id=ids.captured_product_id(product),
            site_id=None if stay.site_uri == UNKNOWN_SITE else site_id(stay.site_uri),
            party_id=None,
            measure=measure,
            arrived_event_id=stay.first_event,
            arrived_at=stay.arrived_at,
            expires_on=expires_on,
            epc=epc,
        )
        book.custodies[custody.id] = custody
        _enter(book, custody, stay, by_site[stay.site_uri], left.get(stay.key, Amount()), known)


def _enter(
    book: Book,
    custody: Custody,
    stay: Stay,
    entries: list[TimelineEntry],
    left: Amount,
    known: Mapping[UUID, CapturedEvent],
) -> None:
    """What came in is what was made there, else what was received, else what the first event found there. What left is
    what was shipped, else what came to the next places (`left`), with the last event before."""
    told = [(entry, known[entry.event_id]) for entry in entries]
    arrival = None if stay.is_origin else _first_step(told, "received", RECEIVING_STEPS)
    departure = _first_step(told, "shipped", _SHIPPING)
    weighed = custody.measure == "weight"
    # By the numbers of events, which are compared in a fourth of the time that their ids take.
    did: dict[tuple[int, str], int] = defaultdict(int)
    shipped = 0
    for entry, event in told:
        role = entry.role
        amount = (entry.grams if weighed else entry.pieces) or 0
        shipped += amount if role == "shipped" else 0
        if role in ("commissioned", "output") or (role == "received" and event.biz_step == arrival):
            name = "in"
        elif role == "shipped" and event.biz_step == departure:
            name = "shipped"
        elif role == "input":
            name = "processed"
        elif role == "decommissioned":
            name = "sold" if event.biz_step in _SOLD else "destroyed"
        else:
            name, amount = TOUCHED, 0
        did[entry.event_id.int, name] += amount
    if not stay.is_origin and arrival is None:
        did[stay.first_event.int, "in"] += _amount(stay, custody.measure)
    gone = _amount(left, custody.measure)
    if gone and not shipped:
        those = [event for entry, event in told if entry.role == "shipped"] or [event for _, event in told]
        did[max(those, key=lambda event: event.order).event_id.int, "shipped"] += gone
    events = {event.event_id.int: event for _, event in told}
    moved = {number for number, name in did if name != TOUCHED}
    for (number, name), amount in sorted(did.items()):
        if name == TOUCHED and number in moved:
            continue
        event = events[number]
        key = event.event_id
        book.entries[key].append((custody.id, name, amount))
        book.lines[custody.id, key, name] = Line(custody.id, key, name, kind_of(event), event.event_time, amount)
        if name in ENTRIES:
            setattr(custody, ENTRIES[name], getattr(custody, ENTRIES[name]) + amount)


def _first_step(told: Iterable[tuple[TimelineEntry, CapturedEvent]], role: str, steps: tuple[str, ...]) -> str | None:
    taken = {event.biz_step for entry, event in told if entry.role == role}
    return next((step for step in steps if step in taken), None) if taken else None


def _amount(thing: TimelineEntry | Stay | Amount, measure: Measure) -> int:
    return (thing.grams if measure == "weight" else thing.pieces) or 0


# --- what the making of a lot says of it (instance and lot master data, EPCIS 2.0 §7.3.6) ---


def _telling(events: Iterable[CapturedEvent], epcs: set[str]) -> dict[str, list[CapturedEvent]]:
    """Events with master data of the goods they make, the earliest first, by EPC."""
    found: dict[str, list[CapturedEvent]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.order):
        if isinstance(event.body.get("ilmd"), dict) and not event.is_error_declaration:
            for epc in epcs_of(event, OUTPUTS if event.kind == "TransformationEvent" else OBJECTS) & epcs:
                found[epc].append(event)
    return found


def _said(events: Sequence[CapturedEvent], name: str) -> str | None:
    for event in events:
        for prefix in _MASTER_DATA:
            value = event.body["ilmd"].get(prefix + name)
            if isinstance(value, str) and value.strip():
                return value.strip()
    return None


def _day(events: Sequence[CapturedEvent], *names: str) -> date | None:
    """A date as its writer's clock has it."""
    for name in names:
        said = _said(events, name)
        if said is not None:
            try:
                return datetime.fromisoformat(said[:10]).date()
            except ValueError:
                continue
    return None


def _lot_number(epc: str, events: Sequence[CapturedEvent]) -> str:
    """The lot number in the EPC, in the capitals of the making event's; else that event's, else the serial number."""
    parts, said = class_parts(epc), _said(events, "lotNumber")
    own = parts.lot if parts is not None else None
    if said is not None and (own is None or own.casefold() == said.casefold()):
        own = said
    serial = parts.serial if parts is not None else None
    return printable(own or serial or last_part(epc) or epc)[:MAX_LOT_NUMBER]
