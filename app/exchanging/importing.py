"""Taking an EPCIS 2.0 document in: checked as a whole, recorded in pieces, reported event by event.

A document with a fault is refused as a whole (capture error behaviour `rollback` of EPCIS 2.0), or its good events are
taken (`proceed`). Nothing is written before everything has been checked. An import that is cut off is completed by the
same import again.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.domain import ids
from app.domain.epcis.context import context_of
from app.domain.epcis.documents import master_data_of
from app.domain.epcis.values import parse_time
from app.domain.errors import Forbidden
from app.domain.rights import CAPTURES, Principal
from app.exchanging.checking import Checked, Entry
from app.exchanging.codes import issued_codes
from app.exchanging.documents import fingerprint
from app.exchanging.helper import Helper
from app.exchanging.masters import records_of
from app.exchanging.recording import CHUNK, Take, Taken, follow, slices, take_events
from app.exchanging.report import EventOutcome, ImportReport, IssuedCode, Status
from app.exchanging.sources import Source, pointer_of
from app.store import events as store_events
from app.store import master, published
from app.store.captures import Known
from app.store.drafts import Draft
from app.store.engine import Database, reading
from app.store.writer import Writer, weight_of

ROWS: Final = 14
"""That are left of an event, some."""
MISFITS: Final = 2
"""Drafts in turn that were in vain."""
DRAFTED: Final = 2 * CHUNK
"""Events of a draft: to write them takes less time than to compute and write CHUNK."""


@dataclass(frozen=True, slots=True)
class Order:
    """How a document is to be taken in, and for whom.

    `issue` mints codes for all lots and custodies that it concerns; `proceed` takes the good events of one with faults.
    `listed`: of so many events the outcome is reported one by one. `since`: when it was begun, where this may be a
    second try: what was recorded since then is not called a duplicate. `told` is called after every event that was
    looked at and every piece that was recorded, with how many were recorded; what it raises ends the import.
    """

    principal: Principal
    issue: bool = False
    proceed: bool = False
    listed: int = 1_000_000
    since: datetime | None = None
    told: Callable[[Checked, int], None] = lambda checked, done: None


def import_document(
    writer: Writer, database: Database, source: Source, order: Order, helper: Helper | None = None
) -> ImportReport:
    """Takes an EPCISDocument, an EPCISQueryDocument or a bare event in. Blocks until all is on disk. `helper`: what
    computes for it. Raises Forbidden for a principal who brings nothing in, StoreUnavailable."""
    require_capturing(database, order.principal)
    checked = Checked(source, lambda checked: order.told(checked, 0), helper)
    for slice_ in slices([entry.own_id for entry in checked.entries if entry.own_id is not None]):
        with reading(database) as snapshot:
            checked.leave_out_ours(published.native_bearers(snapshot, slice_))
    if checked.refusals and not (order.proceed and checked.whole and (checked.entries or checked.ours)):
        return _report(checked, order)
    return _Recording(writer, database, checked, order, helper).all()


def require_capturing(database: Database, principal: Principal) -> None:
    """Raises Forbidden for one who brings no events in."""
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


class _Recording:
    """Takes what is good in a checked document, piece by piece."""

    def __init__(
        self, writer: Writer, database: Database, checked: Checked, order: Order, helper: Helper | None
    ) -> None:
        self._writer, self._database, self._checked, self._order = writer, database, checked, order
        self._helper = None if order.issue else helper
        self._misfits = 0
        shell = {} if checked.source.bare else checked.source.shell
        self._dated = parse_time(str(shell.get("creationDate", "")))
        self._records = records_of(master_data_of(shell), context_of(shell))
        self._joined: set[str] = set()
        self._affected: set[str] = set()
        self._minted: set[str] = set()
        self._kept: dict[UUID, bytes] = {}
        self._there: set[int] = set()

    def _take(self, count: int = 0, **what: Any) -> Taken:
        """`count`: of events, so that one transaction has those of one: sales wait for it."""
        take = Take(self._order.principal, **what)
        taken = self._writer.submit(take_events, take, max(1, weight_of(count * ROWS)))
        self._note(taken)
        return taken

    def _note(self, taken: Taken) -> None:
        self._joined.update(taken.joined)
        if self._order.issue:
            self._affected.update(taken.affected)
        self._minted.update(taken.minted)

    def all(self) -> ImportReport:
        checked, order, records = self._checked, self._order, self._records
        described = (*records.parties, *records.sites, *records.products, *records.attributes)
        for slice_ in slices(list(dict.fromkeys(described))):
            self._take(records=records, described=slice_, dated=self._dated)
            order.told(checked, 0)
        done = 0
        for chunk, draft in self._drafts(checked.chunks(CHUNK if self._helper is None else DRAFTED)):
            fits = self._fits(chunk, draft)
            for some in [chunk] if fits else slices(chunk):
                if not fits:
                    self._events(some)
                done += len(some)
                order.told(checked, done)
        for take in follow(self._database, order.principal, self._joined):
            self._note(self._writer.submit(take_events, take))
            order.told(checked, done)
        capture_id = ids.capture_id(order.principal.recorder_id, checked.fingerprint.hex())
        self._take(document=(capture_id, checked.envelope, checked.inventory(self._kept)))
        return self._report(capture_id)

    def _drafts(self, chunks: Iterable[Sequence[Entry]]) -> Iterator[tuple[Sequence[Entry], Draft | None]]:
        """Each with its draft, if there is one: the next is made while one is written. It is made for goods that nobody
        knows, and not tried any more of a document whose goods are mostly known."""
        helper, postgres = self._helper, self._database.dialect.name == "postgresql"
        if helper is None:
            yield from ((chunk, None) for chunk in chunks)
            return
        with ThreadPoolExecutor(1, "drafts") as pool:
            coming: deque[tuple[Sequence[Entry], Future[Draft | None] | None]] = deque()
            for chunk in chunks:
                known = self._misfits >= MISFITS
                coming.append((chunk, None if known else pool.submit(helper.draft, self._checked, chunk, postgres)))
                if len(coming) > 1:
                    yield _ready(*coming.popleft())
            yield from (_ready(*one) for one in coming)

    def _fits(self, chunk: Sequence[Entry], draft: Draft | None) -> bool:
        """Whether the events were taken by their draft."""
        if draft is not None and self._take(len(chunk), draft=draft, records=self._records, dated=self._dated).fits:
            self._kept.update((entry.key, entry.print) for entry in chunk)
            self._misfits = 0
            return True
        self._misfits += 1
        return False

    def _events(self, chunk: Sequence[Entry]) -> None:
        noted = [self._checked.noted(entry) for entry in chunk]
        taken = self._take(len(noted), events=noted, records=self._records, dated=self._dated, issue=self._order.issue)
        for entry in chunk:
            known = taken.there.get(entry.key)
            if entry.key in self._kept or (known is not None and not self._ours(known)):
                self._there.add(entry.at)
            self._kept.setdefault(entry.key, entry.print if known is None else fingerprint(known.body))

    def _ours(self, known: Known) -> bool:
        """Whether it was recorded in an earlier try to record this document."""
        return self._order.since is not None and known.record_time >= self._order.since

    def _report(self, capture_id: UUID) -> ImportReport:
        flags: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
        with reading(self._database) as snapshot:
            for slice_ in slices(list(self._kept)):
                for flag in store_events.flags(snapshot, slice_):
                    flags[flag.event_id].append((flag.slug, flag.detail))
            codes = issued_codes(snapshot, self._affected, self._minted) if self._order.issue else ()
        return _report(self._checked, self._order, capture_id, self._there, flags, codes)


def _ready(chunk: Sequence[Entry], draft: "Future[Draft | None] | None") -> tuple[Sequence[Entry], Draft | None]:
    return chunk, None if draft is None else draft.result()


def _report(
    checked: Checked,
    order: Order,
    capture_id: UUID | None = None,
    there: Set[int] = frozenset(),
    flags: Mapping[UUID, Sequence[tuple[str, str]]] | None = None,
    codes: Sequence[IssuedCode] = (),
) -> ImportReport:
    """`there`: events that had been recorded before. Without a `capture_id`, nothing was taken."""
    flags = flags or {}
    entries = {entry.at: entry for entry in checked.entries}
    good, ours = ({}, {}) if capture_id is None else (entries, checked.ours)
    outcomes = []
    for i in range(min(len(checked.source), order.listed)):
        entry, pointer = good.get(i), pointer_of(checked.source, i)
        named = entries[i].own_id if i in entries else checked.names.get(i)
        if entry is not None:
            status: Status = "duplicate" if i in there else "recorded"
            outcomes.append(EventOutcome(pointer, status, entry.key, named, flags.get(entry.key, ())))
        elif i in ours:
            outcomes.append(EventOutcome(pointer, "duplicate", ours[i], named))
        else:
            outcomes.append(EventOutcome(pointer, "refused", None, named, reasons=checked.reasons.get(i, [])))
    counts = {
        "recorded": len(good) - len(there),
        "duplicate": len(there) + len(ours),
        "refused": len(checked.source) - len(good) - len(ours),
        "flagged": sum(1 for entry in good.values() if flags.get(entry.key)),
    }
    refusals = [fault for fault in checked.of_document if fault.severity == "refusal"]
    refusals += [reason for reasons in checked.reasons.values() for reason in reasons]
    return ImportReport(capture_id, outcomes, checked.of_document, codes, counts, checked.refusals, refusals)
