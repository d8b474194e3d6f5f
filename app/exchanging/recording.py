"""The job that takes captured events in: some of a document's events a command, with all that they change."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from app.domain import codes, ids
from app.domain.epcis.book import product_uri
from app.domain.epcis.captured import CapturedEvent, related_epcs
from app.domain.epcis.event_hash import hash_digest
from app.domain.errors import Conflict
from app.domain.rights import Principal, owns_site
from app.domain.rows import Measure
from app.exchanging.masters import Office, Records
from app.store import aliases, captures, drafts, master
from app.store.captures import Capture, Known
from app.store.drafts import Draft
from app.store.engine import Database, Snapshot, reading
from app.store.reprojection import Fresh, Reprojection
from app.store.writer import Transaction, decided

CHUNK = 250  # events, records or EPCs in one transaction: sales wait for it

T = TypeVar("T")

Said = tuple[str, str]  # slug, detail

_RECEIVED: Said = (
    "received_though_void",
    "撤销的发货已按单收货，请与收货方核对 · goods taken back were received off the slip: settle it",
)


@dataclass(frozen=True, slots=True)
class Noted:
    """An event of a document with (slug, detail) of what is wrong with it, and what the document's `@context` declares
    beside the standard's."""

    event: CapturedEvent
    flags: Sequence[Said] = ()
    context: Sequence[Any] | None = None


@dataclass(frozen=True, slots=True)
class Take:
    """Events to take in, no more than a transaction should hold. `records`: what the document says of parties, sites
    and products; `described`: those to enrol whether an event names them or not. `goods`: EPCs to compute again.
    `issue`: mint a code for every lot and custody. `alone`: the events are posted by themselves, and no other may bear
    their eventIDs. `settled`: places whose goods have all been computed again. `document`: (id, envelope, event ids),
    once all its events are there. `draft`: events whose rows are drafted; nothing else is taken with it."""

    principal: Principal
    events: Sequence[Noted] = ()
    draft: Draft | None = None
    records: Records = field(default_factory=Records)
    described: Collection[str] = ()
    dated: datetime | None = None
    goods: Collection[str] = ()
    issue: bool = False
    alone: bool = False
    settled: Collection[str] = ()
    document: tuple[UUID, dict[str, Any], list[str | dict[str, Any]]] | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """`there`: events that had been recorded, as they are kept. `joined`: places that have turned out to be sites of
    ours, or to be run by others than was thought, whose goods are to be computed again. `affected`: EPCs that were
    computed again. `minted`: new codes. `fits`: the draft, if it was one, has been written."""

    there: Mapping[UUID, Known]
    joined: frozenset[str] = frozenset()
    affected: frozenset[str] = frozenset()
    minted: frozenset[str] = frozenset()
    fits: bool = True


def take_events(transaction: Transaction, commands: Sequence[Take]) -> Sequence[Taken | Exception]:
    """Job: records events that are new, and computes again what they concern. A command of events `alone` is refused
    (Conflict) where an eventID is of another event."""
    captures.serialise(transaction.connection)
    return decided(commands, lambda command: (_take if command.draft is None else _take_draft)(transaction, command))


def follow(database: Database, principal: Principal, joined: Collection[str]) -> Iterator[Take]:
    """What is to be taken after events whose `Taken` said `joined`: the goods of these places again."""
    settled = frozenset(joined)
    if not settled:
        return
    with reading(database) as snapshot:
        goods = sorted(
            {*captures.goods_at(snapshot, map(ids.captured_site_id, settled)), *captures.told_of(snapshot, settled)}
        )
    for some in slices(goods):
        yield Take(principal, goods=some)
    yield Take(principal, settled=settled)


def slices(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


def _take(transaction: Transaction, command: Take) -> Taken:
    connection = transaction.connection
    there = captures.there(connection, {noted.event.event_id for noted in command.events})
    new: dict[UUID, Noted] = {}
    for noted in command.events:
        if noted.event.event_id not in there:
            new.setdefault(noted.event.event_id, noted)
    if command.alone:
        _require_unused(connection, new.values())
    records, described = command.records, command.described
    office = Office(transaction, command.principal, records, command.dated)
    office.parties(uri for uri in described if uri in records.parties)
    captures.add_children(connection, [(uri, child) for uri in described for child in records.children.get(uri, ())])
    captures.say(
        connection, command.principal.recorder_id,
        {uri: records.attributes[uri] for uri in described if uri in records.attributes},
    )  # fmt: skip
    places = {uri for uri in described if uri in records.sites}
    places |= {site for one in new.values() if (site := one.event.site)}
    # Nobody is enrolled for being sent goods.
    sent_to = {place for one in new.values() if (place := one.event.destination)}
    joined = frozenset(aliases.join(connection, places | sent_to, transaction.now))
    ours = aliases.sites_of(connection, places)
    office.sites(places - ours.keys())
    office.write()
    joined |= aliases.unsettle(connection, office.moved, transaction.now)
    measures: dict[str, Measure | None] = dict.fromkeys(uri for uri in described if uri in records.products)
    named = set().union(*(related_epcs(noted.event) for noted in (command.events if command.issue else new.values())))
    affected: frozenset[str] = frozenset()
    minted: frozenset[str] = frozenset()
    projection: Reprojection | None = None
    fresh: list[Fresh] = []
    if new or named or command.goods:
        foreign = _foreign(transaction, command.principal, ours)
        fresh = [_fresh(noted, command.principal, transaction, ours, foreign) for noted in new.values()]
        projection = Reprojection(connection, named | set(command.goods), transaction.now, fresh, lock=True)
        measures |= projection.book.products
        affected = projection.affected
    office = Office(transaction, command.principal, records, command.dated)
    office.products(measures)
    office.write()
    _flag_products(fresh, office.conflicts())
    if projection is not None:
        void = projection.received_though_void()
        _flag([one for one in fresh if one.event.event_id in void], _RECEIVED)
        if command.issue:
            projection.issue(codes.mint)
        minted = frozenset(code.code for code in projection.write(transaction.touched))
    if command.document is not None:
        key, envelope, event_ids = command.document
        row = Capture(key, transaction.now, command.principal.recorder_id, envelope, event_ids)
        captures.add_capture(connection, row)
    aliases.settle(connection, command.settled)
    return Taken(there, joined, affected, minted)


def _flag_products(fresh: Iterable[Fresh], conflicts: Mapping[str, str]) -> None:
    for one in fresh:
        for uri in sorted({product_uri(epc) for epc in related_epcs(one.event)} & conflicts.keys())[: drafts.MAX_FLAGS]:
            _flag([one], ("product_conflict", conflicts[uri]))


def _flag(events: Iterable[Fresh], said: Said) -> None:
    for one in events:
        one.flags.append(said)
        one.row.outcome["flags"].append({"slug": said[0], "detail": said[1]})


def _take_draft(transaction: Transaction, command: Take) -> Taken:
    connection, draft, records = transaction.connection, command.draft, command.records
    if draft is None or not drafts.fits(connection, draft):
        return Taken({}, fits=False)
    joined = frozenset(aliases.join(connection, {*draft.places, *draft.sent_to}, transaction.now))
    if joined or aliases.sites_of(connection, {*draft.places, *draft.sent_to}):
        return Taken({}, joined=joined, fits=False)
    office = Office(transaction, command.principal, records, command.dated)
    office.sites(draft.places)
    office.products(draft.products)
    if office.conflicts():
        return Taken({}, fits=False)
    office.write()
    drafts.write(connection, draft, command.principal.party_id, transaction.now, transaction.skew)
    transaction.touched.update(draft.touched)
    return Taken({}, aliases.unsettle(connection, office.moved, transaction.now))


def _require_unused(connection: Snapshot, fresh: Iterable[Noted]) -> None:
    """Error declarations repeat the eventID of what they take back (EPCIS 2.0 §7.4.1.2); nothing else repeats one."""
    new = {one.event.epcis_event_id: one.event for one in fresh if one.event.epcis_event_id is not None}
    for bearer in captures.bearers(connection, new):
        event = new[bearer.epcis_event_id]
        if bearer.content_hash != hash_digest(event.content_hash) and not event.is_error_declaration:
            raise Conflict(
                "event-id-taken",
                "此 eventID 已属于内容不同的事件，请换一个，或不写 eventID · "
                "Another event of other content has this eventID: give it another, or none",
                pointer="/eventID",
            )


def _foreign(transaction: Transaction, principal: Principal, ours: Mapping[str, UUID]) -> frozenset[UUID]:
    """Sites of ours that are not the principal's own."""
    sites = master.sites(transaction.connection, ours.values())
    markets = master.markets(transaction.connection, sites.values())
    return frozenset(key for key, site in sites.items() if not owns_site(principal, site, markets[key]))


def _fresh(
    noted: Noted,
    principal: Principal,
    transaction: Transaction,
    ours: Mapping[str, UUID],
    foreign: Collection[UUID],
) -> Fresh:
    event, now = noted.event, transaction.now
    site_id = None if event.site is None else ours.get(event.site) or ids.captured_site_id(event.site)
    flags = drafts.flags_of(noted.flags, site_id in foreign, event.event_time > now + transaction.skew)
    row = drafts.row_of(event, principal.party_id, site_id, now)
    row.outcome = drafts.outcome_of(str(row.id), row.kind, flags, now)
    return Fresh(row, event, flags, noted.context)
