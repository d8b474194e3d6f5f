"""Loads the working set that a batch of decisions needs.

Loading goes in rounds, since what an event names leads to what that names in turn: the events themselves, then slips,
then custodies, then lots, holds and master data. Each round is a handful of IN-list statements for the whole batch.
Rows that a decision may change are locked, in key order, so that writers of several processes neither lose an update
nor deadlock; what lies further up the chain is only read, and walked last.
"""

from collections.abc import Callable, Collection, Iterable
from uuid import UUID

from app.domain import ids
from app.domain.codes import CodeKind, MistypedCode, parse
from app.domain.deciding import Record
from app.domain.events import (
    Admit,
    AnyEvent,
    Certify,
    Correct,
    Count,
    Destroy,
    Hold,
    Identify,
    Observe,
    Produce,
    Receive,
    Release,
    Return,
    Sell,
    Ship,
    Test,
    Transform,
)
from app.domain.forms import SlipPart
from app.domain.holds import ONWARD
from app.domain.ledger import Ledger
from app.domain.rights import Role
from app.domain.rows import (
    Attachment,
    Code,
    Correction,
    Custody,
    Document,
    Event,
    Link,
    Lot,
    Party,
    Product,
    Slip,
    SlipItem,
    TimelineEntry,
)
from app.domain.rows import Hold as HoldRow
from app.store.ledger import Loader
from app.store.writer import Transaction


def load(transaction: Transaction, commands: Collection[Record], mint: Callable[[CodeKind], str]) -> Ledger:
    """Everything that deciding the commands can ask for."""
    ledger = Ledger(transaction.now, mint)
    loader = Loader(transaction.connection, ledger)
    events: list[AnyEvent] = []
    own_ids: list[UUID] = []
    tested: set[UUID] = set()
    for command in commands:
        each = [command.event]
        if isinstance(command.event, Correct) and command.event.replacement is not None:
            each.append(command.event.replacement)
        events += each
        own_ids += [ids.event_id(command.principal.recorder_id, event.ref) for event in each]
        if command.principal.role in (Role.MARKET, Role.DEVICE):
            tested |= {event.custody_id for event in each if isinstance(event, Test)}
    corrected = {event.event_id for event in events if isinstance(event, Correct)}
    # Locked, so that of two corrections of one event in two processes the second sees the first.
    loader.rows(Event, "id", corrected, lock=True)
    loader.rows(Event, "id", own_ids)
    loader.rows(Correction, "event_id", corrected)
    loader.rows(Party, "id", {command.principal.party_id for command in commands})
    loader.rows(Document, "id", {key for event in events for key in _documents(event)})
    holds = loader.rows(HoldRow, "id", {e.hold_event_id for e in events if isinstance(e, Release)} | corrected)
    targets = [event for key in corrected if (event := ledger.find(Event, key)) is not None and event.outcome]
    loader.slips({code for event in events for code in _slips(event)} | {t.outcome["slip_code"] for t in targets})
    custodies = {key for event in events for key in _custodies(event)}
    custodies |= {item.custody_id for item in loader.all(SlipItem)}
    custodies |= {hold.custody_id for hold in holds}
    custodies |= {UUID(hex=entry[0]) for target in targets for entry in target.entries}
    loader.rows(Custody, "id", custodies)
    loader.heirs()
    load_carried(loader, tested | {event.parent_custody_id for event in events if isinstance(event, Identify)})
    _load_identified(loader, events, targets)
    _load_corrected(loader, targets)
    _load_lots(loader, events)
    # The parties and site of those who record; a gate asks for the chain behind what stands before it.
    loader.sites({key for event in events for key in _sites(event)} | {slip.to_site_id for slip in loader.all(Slip)})
    loader.sites(slip.site_id for slip in loader.all(Slip))
    loader.sites({command.principal.site_id for command in commands})
    loader.rows(Party, "id", {slip.party_id for slip in loader.all(Slip)})
    loader.rows(Product, "id", {key for event in events for key in _products(event)})
    _load_gate(loader, events)
    _load_ancestry(loader, events)
    loader.goods()
    loader.rows(Event, "id", {hold.id for hold in holds})
    return ledger


def _load_ancestry(loader: Loader, events: Collection[AnyEvent]) -> None:
    """The way back, where a decision looks at it: for loops, for returns, and for holds that reach onward."""
    ledger = loader.ledger
    starts = {event.parent_custody_id for event in events if isinstance(event, Identify)}
    starts |= {item.custody_id for event in events if isinstance(event, Return) for item in event.items}
    placing = any(isinstance(event, Correct) or (isinstance(event, Hold) and event.scope in ONWARD) for event in events)
    if placing or loader.onward_holds():
        starts |= ledger.rows[Custody].keys()
    loader.ancestry(starts)


def load_carried(loader: Loader, goods: Collection[UUID]) -> None:
    """For tests of a market, and sources of gaps: the slips that these goods travel with. For what is received off the
    slip of a captured shipment: all slips of the goods, and what else came of them."""
    captured = {item.custody_id for item in loader.all(SlipItem) if loader.ledger.custody(item.custody_id).epc}
    loader.children(captured)
    keys = captured | set(goods)
    loader.rows(TimelineEntry, "custody_id", keys)
    carried = {entry.event_id for key in keys for entry in loader.ledger.timeline[key] if entry.entry == "shipped"}
    loader.slips(slip.code for slip in loader.rows(Slip, "event_id", carried))


def _load_lots(loader: Loader, events: Iterable[AnyEvent]) -> None:
    """Lots that outputs may name: by maker, product and number, the maker being the party of the site."""
    makers = [event for event in events if isinstance(event, Produce | Transform)]
    loader.sites({event.site_id for event in makers})
    keys = set()
    for event in makers:
        site = loader.ledger.sites.get(event.site_id)
        if site is not None:
            keys |= {
                ids.lot_id(site.party_id, output.product_id, output.lot_number.strip())
                for output in event.outputs
                if output.lot_number
            }
    loader.rows(Lot, "id", keys)


def _load_gate(loader: Loader, events: Iterable[AnyEvent]) -> None:
    """For admission: the way back, the papers on it, its tests and how the goods arrived; what came off the slip."""
    gates = [event for event in events if isinstance(event, Admit)]
    if not gates:
        return
    ledger = loader.ledger
    carried = {item.custody_id for gate in gates for code in _slips(gate) for item in ledger.items[code]}
    loader.children(carried)
    loader.slips(event.outcome.get("slip_code") for event in loader.all(Event))
    starts = carried | {key for gate in gates for key in gate.custody_ids or ()}
    loader.ancestry(starts)
    known = [custody for key in starts for custody in ledger.ancestors(key)]
    loader.sites(custody.site_id for custody in known)
    loader.rows(Party, "id", {custody.party_id for custody in known})
    subjects = {custody.id for custody in known} | {custody.site_id for custody in known}
    attached = loader.rows(Attachment, "subject_id", subjects)
    loader.rows(Document, "id", {attachment.document_id for attachment in attached})
    loader.judged({custody.id for custody in known}, "test")
    loader.rows(Event, "id", {custody.arrived_event_id for custody in known})


def _load_identified(loader: Loader, events: Iterable[AnyEvent], targets: Iterable[Event]) -> None:
    """Gaps with what is said of their source and what came out of them; what has left the source that is named."""
    gaps = {event.gap_custody_id for event in events if isinstance(event, Identify)}
    gaps |= {UUID(target.body["gap_custody_id"]) for target in targets if target.kind == "identify"}
    sources = {event.parent_custody_id for event in events if isinstance(event, Identify)}
    loader.rows(Custody, "id", gaps)
    loader.children(gaps | sources)
    found = loader.rows(Link, "child_id", gaps)
    loader.rows(Event, "id", {link.event_id for link in found})
    loader.rows(Custody, "id", {link.parent_id for link in found})
    loader.judged(sources, "ship", "identify")


def _load_corrected(loader: Loader, targets: Collection[Event]) -> None:
    """What hangs on what is corrected: codes, links both ways, whoever received, slips that carry it on, documents,
    earlier decisions, and what was said of gaps."""
    if not targets:
        return
    ledger = loader.ledger
    made = {UUID(output["custody_id"]) for target in targets for output in target.outcome["outputs"]}
    touched = made | {UUID(hex=entry[0]) for target in targets for entry in target.entries}
    loader.rows(Custody, "id", made)
    loader.rows(Custody, "lot_id", {custody.lot_id for custody in map(ledger.custody, made)})
    loader.rows(Code, "code", {ledger.custody(key).code for key in made})
    loader.rows(Link, "child_id", made)
    parents = {link.parent_id for key in made for link in ledger.links_up[key]}
    loader.rows(Custody, "id", parents)
    loader.children(touched | {item.custody_id for item in loader.all(SlipItem)})
    # Codes of slips that others came with, since replaced, lead to those that stand.
    loader.slips(event.outcome.get("slip_code") for event in loader.all(Event))
    gaps = {key for key in touched | parents if (row := ledger.find(Custody, key)) is not None and row.kind == "gap"}
    loader.judged(touched | gaps, "admit", "identify", "certify", "receive")
    said = [event for event in loader.all(Event) if event.kind == "identify"]
    loader.rows(Custody, "id", {UUID(hex=entry[0]) for event in said for entry in event.entries})
    loader.rows(Link, "child_id", gaps)
    carried = {entry.event_id for key in made for entry in ledger.timeline[key] if entry.entry == "shipped"}
    loader.slips(event.outcome["slip_code"] for event in loader.rows(Event, "id", carried))
    loader.rows(HoldRow, "id", {UUID(target.body["hold_event_id"]) for target in targets if target.kind == "release"})
    subjects = {
        UUID(target.body[name]) for target in targets for name in ("custody_id", "site_id") if target.body.get(name)
    }
    loader.rows(Attachment, "subject_id", subjects | made)
    loader.heirs()


# --- what an event names ---


def _custodies(event: AnyEvent) -> Iterable[UUID]:
    match event:
        case Transform(inputs=items) | Ship(items=items) | Destroy(items=items):
            return [item.custody_id for item in items]
        case Count(items=counted):
            return [item.custody_id for item in counted]
        case Return(items=items, to_custody_id=to):
            return [item.custody_id for item in items] + ([to] if to else [])
        case Receive(items=parts):
            return [part.custody_id for part in parts or () if isinstance(part, SlipPart)]
        case Sell(lines=lines):
            return [line.custody_id for line in lines if line.custody_id]
        case Identify(gap_custody_id=gap, parent_custody_id=parent):
            return [gap, parent]
        case Admit(custody_ids=keys):
            return keys or ()
        case Test(custody_id=key) | Hold(custody_id=key):
            return [key]
        case Certify(custody_id=key) | Observe(custody_id=key) if key is not None:
            return [key]
    return []


def _slips(event: AnyEvent) -> Iterable[str]:
    text = event.slip_code if isinstance(event, Receive | Admit) else None
    if text is None:
        return []
    try:
        return [parse(text.rsplit("/", 1)[-1]).text]
    except MistypedCode:
        return []  # the decision says so


def _sites(event: AnyEvent) -> Iterable[UUID | None]:
    named: list[UUID | None] = [event.site_id]
    if isinstance(event, Ship | Return):
        named.append(event.to_site_id)
    return named


def _products(event: AnyEvent) -> Iterable[UUID | None]:
    match event:
        case Produce(outputs=outputs) | Transform(outputs=outputs):
            return [output.product_id for output in outputs]
        case Receive():
            return [item.product_id for item in event.outside_items()]
        case Sell(lines=lines):
            return [line.product_id for line in lines]
    return []


def _documents(event: AnyEvent) -> Iterable[UUID]:
    match event:
        case Certify(document_id=key):
            return [key]
        case Receive(from_=source) if source is not None:
            return source.document_ids
        case Ship(to=party) | Sell(buyer=party) if party is not None:
            return party.document_ids
        case Return(evidence=keys) | Destroy(evidence=keys):
            return keys
    return []
