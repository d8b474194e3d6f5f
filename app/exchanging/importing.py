"""Taking an EPCIS 2.0 document in: checked as a whole, recorded in pieces, reported event by event.

A document with a fault is refused as a whole (capture error behaviour `rollback` of EPCIS 2.0), or its good events are
taken (`proceed`). Nothing is written before everything has been checked. An import that is cut off is completed by the
same import again.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from app.domain import ids
from app.domain.epcis.captured import CapturedEvent, capture, related_epcs
from app.domain.epcis.context import context_of, own_context
from app.domain.epcis.documents import events_of, master_data_of
from app.domain.epcis.faults import MAX_REFUSALS, Fault
from app.domain.epcis.validate import validate_document, validate_event
from app.domain.epcis.values import parse_time
from app.domain.errors import Forbidden
from app.domain.rights import CAPTURES, Principal
from app.exchanging.codes import issued_codes
from app.exchanging.documents import envelope_of, fingerprint
from app.exchanging.masters import records_of
from app.exchanging.recording import Noted, Take, Taken, take_events
from app.exchanging.report import EventOutcome, ImportReport, Status
from app.store import captures, master
from app.store import events as store_events
from app.store.engine import Database, reading
from app.store.writer import Writer

CHUNK = 250  # events, records or EPCs in one transaction: sales wait for it


def import_document(
    writer: Writer,
    database: Database,
    document: Any,
    *,
    principal: Principal,
    issue: bool = False,
    proceed: bool = False,
) -> ImportReport:
    """Takes a parsed document (EPCISDocument, EPCISQueryDocument or a bare event) in for the principal.

    `issue` mints codes for all lots and custodies it concerns. Blocks until all is on disk. Raises Forbidden for a
    principal who brings nothing in, StoreUnavailable.
    """
    _may(database, principal)
    faults = validate_document(document)
    if not isinstance(document, dict):
        return ImportReport(None, faults=faults)
    checked = _Checked(document, faults)
    if checked.refused and not (proceed and checked.whole and checked.good):
        return ImportReport(None, checked.outcomes({}, {}), checked.of_document)
    return _record(writer, database, checked, principal, issue)


def _may(database: Database, principal: Principal) -> None:
    if principal.role not in CAPTURES:
        raise Forbidden(
            "role-may-not-record",
            f"{principal.role} 无权导入 EPCIS 文档 · a {principal.role} brings no EPCIS documents in; use another key",
        )
    if principal.party_id is not None:
        with reading(database) as snapshot:
            party = master.parties(snapshot, [principal.party_id]).get(principal.party_id)
        if party is not None and party.status != "active":
            raise Forbidden(
                f"party-{party.status}",
                f"{party.name} 尚未启用或已被锁定，请联系市场或监管部门 · "
                f"{party.name} is not active; ask the market or the regulator",
            )


class _Checked:
    """A document's events, each with its faults; `good` are those without a refusal, `whole` that nothing else is."""

    def __init__(self, document: dict[str, Any], faults: Sequence[Fault]) -> None:
        self.document = document
        self.listed = events_of(document)
        self.of_document: list[Fault] = []
        self._of_event: dict[str, list[Fault]] = defaultdict(list)
        places = {pointer for pointer, _ in self.listed}
        for fault in faults:
            place = _place(fault.pointer, places)
            if place is None:
                self.of_document.append(fault)
            elif fault.slug != "reused_event_id":  # what else bears the eventID is for the store to say
                self._of_event[place].append(fault)
        self.whole = not any(fault.severity == "refusal" for fault in self.of_document)
        context = context_of(document)
        self.context = own_context(document)
        if sum(fault.severity == "refusal" for fault in faults) >= MAX_REFUSALS and self.whole:
            # Beyond so many no more were listed: look at each event by itself.
            self._of_event = defaultdict(
                list, {pointer: validate_event(event, context, pointer) for pointer, event in self.listed}
            )
        self.refused = not self.whole or any(self._refusals(pointer) for pointer in places)
        self.good: dict[str, CapturedEvent] = {}
        if self.whole:
            for pointer, event in self.listed:
                if not self._refusals(pointer):
                    self.good[pointer] = capture(event, context)

    def _refusals(self, pointer: str) -> list[Fault]:
        return [fault for fault in self._of_event.get(pointer, ()) if fault.severity == "refusal"]

    def noted(self, pointer: str) -> Noted:
        flags = [(fault.slug, fault.detail) for fault in self._of_event.get(pointer, ()) if fault.severity == "flag"]
        return Noted(self.good[pointer], flags, self.context)

    def outcomes(
        self, there: Mapping[str, bool], flags: Mapping[UUID, Sequence[tuple[str, str]]]
    ) -> list[EventOutcome]:
        """`there`: of events that were taken, whether they had been recorded before."""
        found = []
        for pointer, event in self.listed:
            own_id = event.get("eventID")
            named = own_id if isinstance(own_id, str) else None
            if pointer in there:
                key = self.good[pointer].event_id
                status: Status = "duplicate" if there[pointer] else "recorded"
                found.append(EventOutcome(pointer, status, key, named, flags.get(key, ())))
            else:
                found.append(EventOutcome(pointer, "refused", None, named, reasons=self._refusals(pointer)))
        return found


def _place(pointer: str, places: set[str]) -> str | None:
    """The event that a fault's pointer lies in."""
    if "" in places:
        return ""
    parts = pointer.split("/")
    return next((place for cut in range(len(parts), 0, -1) if (place := "/".join(parts[:cut])) in places), None)


def _record(writer: Writer, database: Database, checked: _Checked, principal: Principal, issue: bool) -> ImportReport:
    document = checked.document
    dated = parse_time(str(document.get("creationDate", "")))
    records = records_of(master_data_of(document))
    moved: set[UUID] = set()
    affected: set[str] = set()
    minted: set[str] = set()

    def take(**what: Any) -> Taken:
        taken = writer.submit(take_events, Take(principal, **what))
        moved.update(taken.moved)
        affected.update(taken.affected)
        minted.update(taken.minted)
        return taken

    described = list(dict.fromkeys((*records.parties, *records.sites, *records.products)))
    for slice_ in _slices(described):
        take(records=records, described=slice_, dated=dated)
    there: dict[str, bool] = {}
    kept: dict[UUID, dict[str, Any]] = {}
    for pointers in _chunks(checked.good):
        noted = [checked.noted(pointer) for pointer in pointers]
        taken = take(events=noted, records=records, dated=dated, issue=issue)
        for pointer, one in zip(pointers, noted, strict=True):
            key = one.event.event_id
            there[pointer] = key in taken.there or key in kept
            kept.setdefault(key, taken.there.get(key) or dict(one.event.body))
    if moved:
        with reading(database) as snapshot:
            goods = captures.goods_at(snapshot, moved)
        for slice_ in _slices(goods):
            take(goods=slice_)
    capture_id = ids.capture_id(principal.recorder_id, fingerprint(document).hex())
    take(document=(capture_id, envelope_of(document), _inventory(checked, kept)))
    with reading(database) as snapshot:
        flags: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
        for flag in store_events.flags(snapshot, kept):
            flags[flag.event_id].append((flag.slug, flag.detail))
        codes = issued_codes(snapshot, affected, minted) if issue else ()
    return ImportReport(capture_id, checked.outcomes(there, flags), checked.of_document, codes)


def _slices(items: Sequence[str]) -> Iterator[Sequence[str]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


def _inventory(checked: _Checked, kept: Mapping[UUID, dict[str, Any]]) -> list[str | dict[str, Any]]:
    """What the document's list of events was: see `Capture.event_ids`."""
    listed: list[str | dict[str, Any]] = []
    for pointer, body in checked.listed:
        event = checked.good.get(pointer)
        if event is None:
            listed.append({"body": body})
        elif fingerprint(kept[event.event_id]) == fingerprint(body):
            listed.append(str(event.event_id))
        else:
            listed.append({"id": str(event.event_id), "body": body})
    return listed


def _chunks(events: Mapping[str, CapturedEvent]) -> Iterator[list[str]]:
    """Pointers, CHUNK at most together: events that have to do with one another as far as that goes, so that what they
    concern is computed once."""
    leader: dict[str, str] = {}

    def find(epc: str) -> str:
        while leader[epc] != epc:
            leader[epc] = epc = leader[leader[epc]]
        return epc

    named = {pointer: sorted(related_epcs(event)) for pointer, event in events.items()}
    for epcs in named.values():
        for epc in epcs:
            leader.setdefault(epc, epc)
            leader[find(epc)] = find(epcs[0])
    together: dict[str, list[str]] = defaultdict(list)
    for pointer, epcs in named.items():
        together[find(epcs[0]) if epcs else ""].append(pointer)
    chunk: list[str] = []
    for group in together.values():
        if chunk and len(chunk) + len(group) > CHUNK:
            yield chunk
            chunk = []
        # Of one story the beginning comes first: what is computed of it stays.
        chunk += sorted(group, key=lambda pointer: events[pointer].order)
        while len(chunk) > CHUNK:
            yield chunk[:CHUNK]
            chunk = chunk[CHUNK:]
    if chunk:
        yield chunk
