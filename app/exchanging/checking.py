"""Looking at a document event by event: what is wrong with each, and what of each must be known to record it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID

from app.domain.epcis.captured import CapturedEvent, capture
from app.domain.epcis.context import Context, context_of, own_context
from app.domain.epcis.event_hash import hash_uri
from app.domain.epcis.faults import Fault, at
from app.domain.epcis.validate import validate_document
from app.exchanging.documents import envelope_of, fingerprint
from app.exchanging.helper import Helper
from app.exchanging.looking import Look, look
from app.exchanging.recording import Noted, Said
from app.exchanging.sources import Source, pointer_of
from app.store.published import Bearer
from app.store.types import from_micros

REASONS: Final = 10_000
"""Faults that are kept; of events beyond it is known that they are refused."""
AT_HAND: Final = 4_000_000
"""Bytes of events that are not taken apart a second time to be recorded."""


class Entry(NamedTuple):
    """A good event: where in the document, its id, hash and fingerprint, and a number that all have in common that have
    to do with one another. `event` where it is at hand."""

    at: int
    key: UUID
    own_id: str | None
    kind: str
    time: int  # microseconds since 1970 UTC
    digest: bytes
    print: bytes
    group: int
    event: CapturedEvent | None


class Checked:
    """A document's events. `entries` are those to be recorded, without a refusal; `of_document` is what is wrong
    outside of them; `whole`: nothing keeps all of it from being stored; `refusals` counts them all."""

    def __init__(self, source: Source, tick: Callable[["Checked"], None], helper: Helper | None = None) -> None:
        """Calls `tick` after every event. `helper` looks at them, if there is one."""
        self.source = source
        shell = source.shell if isinstance(source.shell, dict) else {}
        self.context: Context = context_of(shell, of_xml=source.of_xml)
        self.own_context = own_context(shell)
        self.envelope = {} if source.bare else envelope_of(shell)
        self.of_document: list[Fault] = [] if source.bare else list(validate_document(source.shell))
        self.refusals = sum(fault.severity == "refusal" for fault in self.of_document)
        self.whole = not self.refusals
        self.refused = 0
        self.entries: list[Entry] = []
        self.reasons: dict[int, list[Fault]] = {}
        self.names: dict[int, str] = {}  # eventIDs of events that are no entries
        self.ours: dict[int, UUID] = {}  # events that we have published ourselves
        self._flags: dict[int, list[Said]] = {}
        self._groups = _Groups()
        self._kept = 0
        self._prints: list[bytes] = [fingerprint(self.envelope)]
        looks = self._looks() if helper is None else helper.looks(source, self.context)
        for i, seen in enumerate(looks):
            self._note(i, seen)
            tick(self)

    def _looks(self) -> Iterator[Look]:
        source = self.source
        for i in range(len(source)):
            yield look(partial(source.event, i), self.context, pointer_of(source, i), source.bare)

    @property
    def fingerprint(self) -> bytes:
        """The document, whatever the order of names in it; of one without refusals."""
        return fingerprint({"shell": self._prints[0].hex(), "events": [one.hex() for one in self._prints[1:]]})

    def flags(self, entry: Entry) -> Sequence[Said]:
        return self._flags.get(entry.at, ())

    def _note(self, i: int, seen: Look) -> None:
        if seen.print is None:
            self.whole = False
        else:
            self._prints.append(seen.print)
        good = seen.good
        if good is None or seen.print is None:
            self._refuse(i, seen.faults)
            if seen.own_id is not None and i in self.reasons:
                self.names[i] = seen.own_id
            return
        if seen.faults:
            self._flags[i] = [(fault.slug, fault.detail) for fault in seen.faults]
        self._kept += self.source.size(i)
        at_hand = good.event if self._kept <= AT_HAND else None
        self.entries.append(
            Entry(
                i, UUID(bytes=good.key), good.own_id, good.kind, good.time, good.digest, seen.print,
                self._groups.of(good.epcs), at_hand,
            )
        )  # fmt: skip

    def _refuse(self, i: int, faults: Sequence[Fault]) -> None:
        refusals = [fault for fault in faults if fault.severity == "refusal"]
        self.refused += 1
        if self.refusals < REASONS:
            self.reasons[i] = refusals
        self.refusals += len(refusals)

    # --- events of ours that come back ---

    def leave_out_ours(self, native: Iterable[Bearer]) -> None:
        """`native`: those that go by eventIDs of the document. One that comes back as it was published is there
        already; nothing else may bear its eventID, and nobody else takes it back."""
        known = identities(native)
        if not known:
            return
        entries, self.entries = self.entries, []
        for entry in entries:
            same = known.get(entry.own_id or "")
            if same is None:
                self.entries.append(entry)
                continue
            self.names[entry.at] = str(entry.own_id)
            if entry.key in same:
                self.ours[entry.at] = same[entry.key]
            else:
                self._refuse(entry.at, [not_yours(at(pointer_of(self.source, entry.at), "eventID"))])

    # --- what is recorded of it ---

    def noted(self, entry: Entry) -> Noted:
        event = entry.event or captured_again(entry, self.source.event(entry.at))
        return Noted(event, self.flags(entry), self.own_context)

    def chunks(self, size: int) -> Iterator[list[Entry]]:
        """So many entries at most together: events that have to do with one another as far as that goes, so that what
        they concern is computed once."""
        together: dict[int, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            together[self._groups.leader(entry.group)].append(entry)
        chunk: list[Entry] = []
        for group in together.values():
            if chunk and len(chunk) + len(group) > size:
                yield chunk
                chunk = []
            # Of one story the beginning comes first: what is computed of it stays.
            chunk += sorted(group, key=lambda entry: (entry.time, entry.key.int))
            while len(chunk) > size:
                yield chunk[:size]
                chunk = chunk[size:]
        if chunk:
            yield chunk

    def inventory(self, kept: Mapping[UUID, bytes]) -> list[str | dict[str, Any]]:
        """What the document's list of events was: see `Capture.event_ids`. `kept`: fingerprints of the events as they
        are kept."""
        good = {entry.at: entry for entry in self.entries}
        listed: list[str | dict[str, Any]] = []
        for i in range(len(self.source)):
            entry = good.get(i)
            if entry is not None and kept[entry.key] == entry.print:
                listed.append(str(entry.key))
            else:
                named = {} if entry is None else {"id": str(entry.key)}
                listed.append({**named, "body": self.source.event(i)})
        return listed


def captured_again(entry: Entry, body: Mapping[str, Any]) -> CapturedEvent:
    """The event of an entry, of which all but the body is known."""
    time = from_micros(entry.time)
    return CapturedEvent(entry.key, entry.own_id, entry.kind, time, hash_uri(entry.digest), body)


def identities(native: Iterable[Bearer]) -> dict[str, dict[UUID, UUID]]:
    """By eventID: what each event would be as a captured one → what it is."""
    known: dict[str, dict[UUID, UUID]] = defaultdict(dict)
    for one in native:
        known[one.own_id][capture(one.body, context_of({"@context": one.context})).event_id] = one.id
    return known


def not_yours(pointer: str) -> Fault:
    return Fault(
        pointer,
        "native-event",
        "此 eventID 属于本系统自己记录的事件，内容不同或为更正声明；请在本系统内用 correct 事件更正 · "
        "This eventID is of an event that was recorded here, and this is other content or a declaration that it was "
        "wrong: correct it here, by an event of kind correct",
    )


class _Groups:
    """Which EPCs are named together, by numbers: two that share one are taken together for nothing."""

    def __init__(self) -> None:
        self._leader: dict[int, int] = {}

    def leader(self, one: int) -> int:
        leader = self._leader
        while leader.setdefault(one, one) != one:
            leader[one] = one = leader[leader[one]]
        return one

    def of(self, numbers: Sequence[int]) -> int:
        """Joins what one event names; the number of any of it, 0 where it names nothing."""
        first = self.leader(numbers[0]) if numbers else 0
        for number in numbers[1:]:
            self._leader[self.leader(number)] = first
        return first
