"""`onecode db check`: proves what no constraint of a sharded database can, from the events up, without the writer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Column, Connection, Engine, Row, Table, exists, func, literal, select, union_all

from app.domain import ids
from app.domain.codes import CodeKind
from app.domain.deciding import content_hash
from app.domain.rows import ENTRIES, TOUCHED
from app.store import captured_check, published_check, tables
from app.store.engine import reading
from app.store.projections import balances, chunks, found, pages, received, timeline_at, timeline_of

LIMIT = 1_000  # findings in one answer; a ledger with more is beyond reading


class Reference(NamedTuple):
    """Every value of the column that is not null names a row of the other table."""

    column: Column[Any]
    target: Column[Any]
    unless: Column[Any] | None = None  # rows with a value here name something else


_t = tables
REFERENCES = (
    Reference(_t.site.c.party_id, _t.party.c.id),
    Reference(_t.site.c.parent_site_id, _t.site.c.id),
    Reference(_t.device.c.site_id, _t.site.c.id),
    Reference(_t.api_key.c.party_id, _t.party.c.id),
    Reference(_t.api_key.c.device_id, _t.device.c.id),
    Reference(_t.document.c.owner_party_id, _t.party.c.id),
    Reference(_t.correction.c.event_id, _t.event.c.id),
    Reference(_t.epcis_subscription.c.query_id, _t.epcis_query.c.id),
    Reference(_t.correction.c.correcting_event_id, _t.event.c.id),
    Reference(_t.correction.c.replacement_event_id, _t.event.c.id),
    Reference(_t.flag.c.event_id, _t.event.c.id),
    Reference(_t.event.c.site_id, _t.site.c.id),
    Reference(_t.event.c.party_id, _t.party.c.id),
    Reference(_t.lot.c.product_id, _t.product.c.id),
    Reference(_t.lot.c.made_event_id, _t.event.c.id),
    Reference(_t.custody.c.lot_id, _t.lot.c.id),
    Reference(_t.custody.c.product_id, _t.product.c.id),
    Reference(_t.custody.c.site_id, _t.site.c.id),
    Reference(_t.custody.c.arrived_event_id, _t.event.c.id),
    Reference(_t.custody.c.voided_by, _t.event.c.id),
    Reference(_t.custody_link.c.child_id, _t.custody.c.id),
    Reference(_t.custody_link.c.parent_id, _t.custody.c.id),
    Reference(_t.custody_link.c.event_id, _t.event.c.id),
    Reference(_t.timeline.c.custody_id, _t.custody.c.id),
    Reference(_t.slip.c.event_id, _t.event.c.id),
    Reference(_t.slip.c.site_id, _t.site.c.id),
    Reference(_t.slip.c.to_site_id, _t.site.c.id),
    Reference(_t.slip_item.c.slip_code, _t.slip.c.code),
    Reference(_t.slip_item.c.custody_id, _t.custody.c.id),
    Reference(_t.slip_item.c.lot_id, _t.lot.c.id),
    Reference(_t.hold.c.id, _t.event.c.id, _t.hold.c.recall_id),
    Reference(_t.hold.c.recall_id, _t.recall.c.id),
    Reference(_t.recall_place.c.recall_id, _t.recall.c.id),
    Reference(_t.recall_place.c.site_id, _t.site.c.id),
    Reference(_t.recall_place.c.product_id, _t.product.c.id),
    Reference(_t.recall_notice.c.recall_id, _t.recall.c.id),
    Reference(_t.recall_notice.c.party_id, _t.party.c.id),
    Reference(_t.recall_answer.c.notice_id, _t.recall_notice.c.id),
    Reference(_t.hold.c.released_by, _t.event.c.id),
    Reference(_t.hold.c.custody_id, _t.custody.c.id),
    Reference(_t.hold.c.lot_id, _t.lot.c.id),
    Reference(_t.attachment.c.document_id, _t.document.c.id),
    Reference(_t.attachment.c.event_id, _t.event.c.id),
    Reference(_t.receipt.c.device_id, _t.device.c.id),
    Reference(_t.receipt.c.site_id, _t.site.c.id),
    Reference(_t.receipt_line.c.receipt_id, _t.receipt.c.id),
    Reference(_t.receipt_claim.c.receipt_id, _t.receipt.c.id),
    Reference(_t.alert.c.site_id, _t.site.c.id),
    Reference(_t.alert.c.party_id, _t.party.c.id),
    Reference(_t.alert.c.device_id, _t.device.c.id),
    Reference(_t.alert.c.event_id, _t.event.c.id),
    Reference(_t.alert.c.receipt_id, _t.receipt.c.id),
    Reference(_t.alert.c.custody_id, _t.custody.c.id),
    Reference(_t.complaint.c.site_id, _t.site.c.id),
    Reference(_t.complaint.c.party_id, _t.party.c.id),
    Reference(_t.epc_event.c.event_id, _t.event.c.id),
    Reference(_t.epcis_event.c.event_id, _t.event.c.id),
    Reference(_t.unpublished.c.event_id, _t.event.c.id),
    Reference(_t.unpublishable.c.event_id, _t.event.c.id),
    Reference(_t.packing.c.from_event_id, _t.event.c.id),
    Reference(_t.packing.c.to_event_id, _t.event.c.id),
    Reference(_t.code_job.c.lot_id, _t.lot.c.id),
    Reference(_t.code_job.c.site_id, _t.site.c.id),
    Reference(_t.code_job.c.party_id, _t.party.c.id),
    Reference(_t.code_range.c.job_id, _t.code_job.c.id),
    Reference(_t.code_range.c.site_id, _t.site.c.id),
)

_TABLES = tables.metadata.sorted_tables
_REFERENCES: dict[Table, dict[Column[Any], list[Reference]]] = {}
for _reference in REFERENCES:
    _REFERENCES.setdefault(_reference.column.table, {}).setdefault(_reference.target, []).append(_reference)

# What a code of a kind names. Receipts and units are derived from what they name; a row is only a note on one.
SUBJECTS = {
    CodeKind.PARTY: _t.party,
    CodeKind.SITE: _t.site,
    CodeKind.LOT: _t.lot,
    CodeKind.CUSTODY: _t.custody,
    CodeKind.SLIP: _t.event,
}
# Rows that carry a code of their own, with the column that the code's subject is.
CODED = (
    (_t.party, _t.party.c.id),
    (_t.site, _t.site.c.id),
    (_t.lot, _t.lot.c.id),
    (_t.custody, _t.custody.c.id),
    (_t.slip, _t.slip.c.event_id),
)
MASTERS = {"party": _t.party, "site": _t.site, "product": _t.product, "device": _t.device}


def verify(engine: Engine) -> list[str]:
    """What is wrong with the ledger, a sentence each (at most LIMIT); an empty list where nothing is.

    Reads one snapshot, in bounded memory. Raises StoreUnavailable.
    """
    with reading(engine) as snapshot:
        return list(islice(_findings(snapshot), LIMIT))


def _findings(snapshot: Connection) -> Iterator[str]:
    entries = 0
    checks = {**CHECKS, _t.epc_event: (captured_check.Walk().projected, *CHECKS[_t.epc_event])}
    for table in _with_rows(snapshot):
        for rows in pages(snapshot, table):
            yield from _dangling(snapshot, _REFERENCES.get(table, {}), rows)
            for check in checks.get(table, ()):
                yield from check(snapshot, rows)
            if table is tables.event:
                entries += len(timeline_of(rows))
    # Every row of the timeline was found in its event: with equal numbers none is missing either.
    if entries != snapshot.scalar(select(func.count()).select_from(tables.timeline)):
        for rows in pages(snapshot, tables.event):
            yield from _missing_entries(snapshot, rows)


# One question for all tables: most have something in a city, and few in a market that opens tomorrow.
_FILLED = union_all(*(select(literal(table.name)).where(exists(select(1).select_from(table))) for table in _TABLES))


def _with_rows(snapshot: Connection) -> list[Table]:
    there = set(snapshot.scalars(_FILLED))
    return [table for table in _TABLES if table.name in there]


def _dangling(
    snapshot: Connection, references: Mapping[Column[Any], Sequence[Reference]], rows: Sequence[Row[Any]]
) -> Iterator[str]:
    """Of each table that the rows refer to its ids are read once, whichever columns name them."""
    for target, named in references.items():
        known = found(snapshot, target, [row._mapping[reference.column] for reference in named for row in rows])
        for reference in named:
            for row in rows:
                value = row._mapping[reference.column]
                excused = reference.unless is not None and row._mapping[reference.unless] is not None
                if value is not None and value not in known and not excused:
                    yield (
                        f"{_name(row, reference.column.table)}: {reference.column.name} {value} "
                        f"is not in {target.table.name}"
                    )


def _name(row: Row[Any], table: Table) -> str:
    return f"{table.name} {'/'.join(str(row._mapping[column]) for column in table.primary_key)}"


def _balances(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
    sums = balances(snapshot, [row.id for row in rows])
    for row in rows:
        for column in (*ENTRIES.values(), "receipts"):
            kept, computed = row._mapping[column], sums[row.id][column]
            if kept != computed:
                yield f"custody {row.id}: {column} is {kept}, its events and receipts make {computed}"


def _timeline(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
    computed = timeline_at(snapshot, rows)
    for row in rows:
        expected = computed.get((row.custody_id, row.event_id, row.entry))
        if row.entry not in ENTRIES and row.entry != TOUCHED:
            yield f"{_name(row, tables.timeline)}: there is no such entry"
        if expected != (row.kind, row.event_time, row.amount):
            yield (
                f"{_name(row, tables.timeline)}: is {row.kind} {row.event_time} {row.amount}, its event says {expected}"
            )


def _contents(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
    """What was posted is what is kept, under the id that it names."""
    for row in rows:
        if row.kind.startswith("epcis."):
            continue
        if row.content_hash != content_hash(row.body):
            yield f"event {row.id}: its body is not what was recorded: the hash differs"
        if row.id != ids.event_id(row.recorder_id, row.ref):
            yield f"event {row.id}: is not the id of its recorder and ref"


def _missing_entries(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
    computed = timeline_of(rows)
    line = tables.timeline.c
    there: set[tuple[UUID, UUID, str]] = set()
    for chunk in chunks(custody_id for custody_id, _, _ in computed):
        there |= {
            (row.custody_id, row.event_id, row.entry)
            for row in snapshot.execute(
                select(line.custody_id, line.event_id, line.entry).where(line.custody_id.in_(chunk))
            )
        }
    for custody_id, event_id, entry in computed:
        if (custody_id, event_id, entry) not in there:
            yield f"event {event_id}: its entry {entry} of custody {custody_id} is not in timeline"


def _received(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
    sums = received(snapshot, rows)
    for row in rows:
        computed = sums[row.slip_code, row.custody_id]
        if row.received != computed:
            yield f"{_name(row, tables.slip_item)}: received is {row.received}, its links make {computed}"


def _loops(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
    """A loop has a link whose parent did not arrive before its child: walk up from those alone.

    Captured events are others' and may contradict each other; their loops are flags.
    """
    custody = tables.custody.c
    arrived = found(
        snapshot,
        custody.id,
        [i for row in rows for i in (row.child_id, row.parent_id)],
        custody.arrived_at,
        custody.epc,
    )
    graph: dict[UUID, set[UUID]] = {}
    frontier: set[UUID] = set()
    for row in rows:
        child, parent = arrived.get(row.child_id), arrived.get(row.parent_id)
        if child and parent and child.epc is None and parent.arrived_at >= child.arrived_at:
            frontier |= {row.child_id, row.parent_id}
    while frontier:
        graph |= {node: set() for node in frontier}
        for chunk in chunks(frontier):
            link = tables.custody_link.c
            for edge in snapshot.execute(select(link.child_id, link.parent_id).where(link.child_id.in_(chunk))):
                graph[edge.child_id].add(edge.parent_id)
        frontier = {parent for node in frontier for parent in graph[node]} - graph.keys()
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield f"custody_link: goods come from themselves: {' ← '.join(map(str, error.args[1]))}"


def _subjects(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
    for kind, table in SUBJECTS.items():
        of_kind = [row for row in rows if row.kind == kind]
        known = found(snapshot, table.c.id, [row.subject_id for row in of_kind])
        for row in of_kind:
            if row.subject_id not in known:
                yield f"code {row.code}: {row.subject_id} is not in {table.name}"
    replacements = found(snapshot, tables.code.c.code, [row.replacement for row in rows])
    for row in rows:
        if row.replacement is not None and row.replacement not in replacements:
            yield f"code {row.code}: its replacement {row.replacement} is not in code"
        if (row.status == "revoked") != (row.revoked_at is not None):
            yield f"code {row.code}: is {row.status}, revoked at {row.revoked_at}"


def _coded(table: Table, subject: Column[Any]) -> "Check":
    def check(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
        code = tables.code.c
        known = found(snapshot, code.code, [row.code for row in rows], code.subject_id)
        for row in rows:
            if row.code is not None and (row.code not in known or known[row.code].subject_id != row._mapping[subject]):
                yield f"{_name(row, table)}: its code {row.code} is not in code, or names something else"

    return check


def _versions(kind: str, table: Table) -> "Check":
    def check(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
        version = tables.master_version.c
        newest = {
            row.subject_id: row.newest
            for row in snapshot.execute(
                select(version.subject_id, func.max(version.version).label("newest"))
                .where(version.subject_id.in_([row.id for row in rows]), version.kind == kind)
                .group_by(version.subject_id)
            )
        }
        for row in rows:
            if row.id in newest and newest[row.id] != row.version:
                yield f"{_name(row, table)}: is version {row.version}, its history ends at {newest[row.id]}"

    return check


def _paths(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
    parents = found(snapshot, tables.site.c.id, [row.parent_site_id for row in rows], tables.site.c.path)
    for row in rows:
        above = parents[row.parent_site_id].path if row.parent_site_id in parents else ""
        if row.path != f"{above}{row.id.hex}/":
            yield f"site {row.id}: its path does not lead through its parent"


def _holds(snapshot: Connection, rows: Sequence[Row[Any]]) -> Iterator[str]:
    kinds = found(
        snapshot, tables.event.c.id, [i for row in rows for i in (row.id, row.released_by)], tables.event.c.kind
    )
    for row in rows:
        placed = kinds.get(row.id)
        if placed is not None and placed.kind not in ("hold", "test"):
            yield f"hold {row.id}: was placed by an event of kind {placed.kind}"
        released = kinds.get(row.released_by)
        if released is not None and released.kind not in ("release", "correct", "recall"):
            yield f"hold {row.id}: was released by an event of kind {released.kind}"


Check = Callable[[Connection, Sequence[Row[Any]]], Iterator[str]]

CHECKS: dict[Table, tuple[Check, ...]] = {
    _t.event: (_contents, captured_check.indexed, published_check.shown),
    _t.capture: (captured_check.complete,),
    _t.epc_event: (published_check.placed,),
    _t.epcis_event: (published_check.named,),
    _t.unpublishable: (published_check.aside,),
    _t.custody: (_balances,),
    _t.timeline: (_timeline,),
    _t.slip_item: (_received,),
    _t.custody_link: (_loops,),
    _t.code: (_subjects,),
    _t.site: (_paths,),
    _t.hold: (_holds,),
}
for _table, _subject in CODED:
    CHECKS[_table] = (*CHECKS.get(_table, ()), _coded(_table, _subject))
for _kind, _table in MASTERS.items():
    CHECKS[_table] = (*CHECKS.get(_table, ()), _versions(_kind, _table))
