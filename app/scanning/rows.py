"""Everything that pages are told from, looked up in rounds of one statement each: what a round finds says what the next
asks for.

Goods name what they came from, as far as it was known when they arrived, and all of that is read at once; it counts as
far as the links lead there. Beyond, the walk back takes a generation a round, and the papers, tests and names of one
are read beside the next.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from app.domain.codes import MistypedCode, parse
from app.domain.inspections import Inspection
from app.domain.rows import Attachment, Custody, Document, Event, Hold, Link, Lot, Site, Slip, TimelineEntry
from app.scanning.names import Names
from app.store import scan as store
from app.store.engine import Snapshot
from app.store.lookups import Found, Source, look_up

# A page is no place for more; /trace walks on.
GENERATIONS = 40
NODES = 2_000


class Rows:
    """Custodies from some roots back, and what hangs on them. `cut` are those beyond which the walk did not go;
    `corrected` leads from an event to what has taken its place, None where nothing has."""

    def __init__(self, snapshot: Snapshot, names: Names) -> None:
        self.custodies: dict[UUID, Custody] = {}
        self.parents: dict[UUID, list[Link]] = defaultdict(list)
        self.cut: set[UUID] = set()
        self.lots: dict[UUID, Lot] = {}
        self.holds: dict[UUID, list[Hold]] = defaultdict(list)
        self.recalls: dict[UUID, store.Recalled] = {}
        self.entries: list[TimelineEntry] = []
        self.events: dict[UUID, Event] = {}
        self.corrected: dict[UUID, UUID | None] = {}
        self.slips: dict[str, Slip] = {}
        self.attachments: list[Attachment] = []
        self.documents: dict[UUID, Document] = {}
        self.inspections: list[Inspection] = []
        self._snapshot = snapshot
        self._names = names
        self._asked: dict[Source[Any], set[Any]] = defaultdict(set)
        self._next: dict[Source[Any], set[Any]] = defaultdict(set)
        self._versions: list[store.Version] = []
        self._run: set[UUID] = set()
        self._sites: set[UUID] = set()
        self._links: dict[UUID, list[Link]] = {}  # by the child; of all that were asked for
        self._seen: set[UUID] = set()
        self._frontier: set[UUID] = set()
        self._generation = 0

    def want(self, source: Source[Any], keys: Iterable[Any]) -> None:
        """Asks for rows in the next round, unless they were asked for before."""
        fresh = {key for key in keys if key is not None} - self._asked[source]
        self._asked[source] |= fresh
        if fresh:
            self._next[source] |= fresh

    def begin(self, named: Iterable[UUID | None], sites: Iterable[UUID]) -> None:
        """Asks for what is told beside the goods: names, of places with those who run them, and the papers of sites."""
        self._run = {key for key in named if key is not None}
        self.name(*self._run)
        self._sites = set(sites)
        self.want(store.ATTACHMENTS, self._sites)

    def records_of(self, site_id: UUID, party_id: UUID) -> None:
        """Asks what authorities recorded about a place, and about who runs it."""
        self.want(store.INSPECTED_HERE, [site_id])
        self.want(store.INSPECTED_WHOLE, [party_id])

    def name(self, *keys: UUID | None) -> None:
        """Asks what parties, sites and products are called."""
        self.want(store.VERSIONS, self._names.unknown(keys))

    def have(self, custodies: Iterable[Custody] = (), slips: Iterable[Slip] = ()) -> None:
        """Takes what was read before."""
        for custody in custodies:
            self._asked[store.CUSTODIES].add(custody.id)
            self._custody(custody)
        for slip in slips:
            self._asked[store.SLIPS].add(slip.code)
            self._slip(slip)

    def read(self, roots: Iterable[UUID]) -> None:
        """Looks up until nothing more is asked for. Call it once."""
        self._reach(set(roots))
        while self._next:
            wanted, self._next = self._next, defaultdict(set)
            self._links |= {key: [] for key in wanted[store.LINKS]}
            self._take(look_up(self._snapshot, {source: sorted(keys) for source, keys in wanted.items()}))
            while self._frontier and self._frontier <= self._links.keys():
                self._walk([link for key in self._frontier for link in self._links[key]])
        self._names.learn(self._versions, self._asked[store.VERSIONS])
        self.custodies = {key: custody for key, custody in self.custodies.items() if key in self._seen}
        self.entries = [entry for entry in self.entries if entry.custody_id in self._seen]
        self.attachments = [row for row in self.attachments if row.subject_id in self._seen | self._sites]

    def _take(self, found: Found) -> None:
        for custody in found.of(store.CUSTODIES):
            self._custody(custody)
        for link in found.of(store.LINKS):
            self._links[link.child_id].append(link)
        self.lots |= {lot.id: lot for lot in found.of(store.LOTS)}
        for hold in found.of(store.HOLDS):
            self.holds[hold.lot_id].append(hold)
            self.want(store.RECALLS, [hold.recall_id])
        self.recalls |= {recall.id: recall for recall in found.of(store.RECALLS)}
        for entry in found.of(store.TIMELINE):
            if entry.kind != "correct":
                self.entries.append(entry)
                self._event(entry.event_id)
        for event in found.of(store.EVENTS):
            self.events[event.id] = event
            self.name(event.party_id, event.site_id)
            self.want(store.SLIPS, [slip_of(event)])
        for correction in found.of(store.CORRECTIONS):
            self.corrected[correction.event_id] = correction.replacement_event_id
            self._event(correction.replacement_event_id)
        for slip in found.of(store.SLIPS):
            self._slip(slip)
        for attachment in sorted(found.of(store.ATTACHMENTS), key=lambda row: (row.subject_id, row.document_id)):
            self.attachments.append(attachment)
            self.want(store.DOCUMENTS, [attachment.document_id])
        self.documents |= {document.id: document for document in found.of(store.DOCUMENTS)}
        self.inspections += [*found.of(store.INSPECTED_HERE), *found.of(store.INSPECTED_WHOLE)]
        for version in found.of(store.VERSIONS):
            self._versions.append(version)
            if version.subject_id in self._run and isinstance(version.row, Site):
                self.name(version.row.party_id)

    def _walk(self, links: list[Link]) -> None:
        """One generation further back, as far as the bounds allow."""
        frontier = self._frontier
        beyond = {link.parent_id for link in links} - self._seen
        if self._generation == GENERATIONS or len(self._seen) + len(beyond) > NODES:
            links = [link for link in links if link.parent_id in self._seen]
            self.cut = {link.child_id for link in links} & frontier if not beyond else frontier
            beyond = set()
        for link in sorted(links, key=lambda link: (link.child_id, link.parent_id, link.event_id)):
            self.parents[link.child_id].append(link)
        self._generation += 1
        self._reach(beyond)

    def _reach(self, keys: set[UUID]) -> None:
        self._seen |= keys
        self._frontier = keys
        self._look(keys)

    def _look(self, keys: Iterable[UUID]) -> None:
        for source in (store.LINKS, store.CUSTODIES, store.TIMELINE, store.ATTACHMENTS):
            self.want(source, keys)

    def _custody(self, custody: Custody) -> None:
        self.custodies[custody.id] = custody
        ahead = custody.lineage or b""
        self._look([UUID(bytes=ahead[start : start + 16]) for start in range(0, len(ahead), 16)])
        self.want(store.LOTS, [custody.lot_id])
        self.want(store.HOLDS, [custody.lot_id])
        if custody.kind == "custody":
            self._event(custody.arrived_event_id)
        self.want(store.DOCUMENTS, [UUID(key) for key in (custody.paper or {}).get("document_ids", ())])
        self.name(custody.site_id, custody.party_id, custody.product_id, custody.reported_by)

    def _event(self, key: UUID | None) -> None:
        self.want(store.EVENTS, [key])
        self.want(store.CORRECTIONS, [key])

    def _slip(self, slip: Slip) -> None:
        self.slips[slip.code] = slip
        self.name(slip.site_id, slip.party_id)


def slip_of(event: Event) -> str | None:
    """The slip that goods came or were judged with."""
    text = event.outcome.get("slip_code") or event.body.get("slip_code")
    if event.kind not in ("receive", "admit") or not isinstance(text, str):
        return None
    try:
        return parse(text.rsplit("/", 1)[-1]).text
    except MistypedCode:
        return None
