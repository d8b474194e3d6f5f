"""What the tables beside the events must hold, computed from the events: the check compares it, the rebuild writes it.

Everything goes by pages of one table in the order of its key, and looks into the next table by lists of ids, so that
memory stays bounded and no big table is joined to another.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, bindparam, func, select, tuple_

from app.domain.codes import MistypedCode, parse
from app.domain.rows import ENTRIES
from app.store import tables

PAGE = 500

# (custody, event, entry) → (kind, event time, amount)
Timeline = dict[tuple[UUID, UUID, str], tuple[str, datetime, int]]


def pages(connection: Connection, table: Table, *where: ColumnElement[bool]) -> Iterator[Sequence[Row[Any]]]:
    """Every row of the table in the order of its primary key, PAGE at a time."""
    key = list(table.primary_key.columns)
    query = _page(table).where(*where) if where else _page(table)
    rows = connection.execute(query).all()
    while rows:
        yield rows
        if len(rows) < PAGE:
            return
        last = [rows[-1]._mapping[column] for column in key]
        # Typed by the columns: a UUID bound as it comes would be text on SQLite, and every blob stands after it.
        beyond = tuple_(*key) > tuple(last) if len(key) > 1 else key[0] > last[0]
        rows = connection.execute(query.where(beyond)).all()


# Built once: the check of a ledger asks for many pages and keys in few forms.
@cache
def _page(table: Table) -> Select[Any]:
    return select(table).order_by(*table.primary_key.columns).limit(PAGE)


@cache
def _known(column: ColumnElement[Any], *more: Any) -> Select[Any]:
    return select(column, *more).where(column.in_(bindparam("keys", expanding=True)))


def chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    """The distinct values in lists of at most PAGE, None left out."""
    distinct = list(dict.fromkeys(value for value in values if value is not None))
    for start in range(0, len(distinct), PAGE):
        yield distinct[start : start + PAGE]


def found(connection: Connection, column: ColumnElement[Any], values: Iterable[Any], *more: Any) -> dict[Any, Row[Any]]:
    """Rows (column, *more) by the value of the column, which must be unique, for the values that are there."""
    return {
        row[0]: row for chunk in chunks(values) for row in connection.execute(_known(column, *more), {"keys": chunk})
    }


def timeline_of(events: Iterable[Row[Any]], only: Set[str] | None = None) -> Timeline:
    """The timeline rows that these events' entries make: of all custodies, or of those whose id in hex is in `only`."""
    rows: Timeline = {}
    for event in events:
        for custody, entry, amount in event.entries:
            if only is None or custody in only:
                key = (UUID(hex=custody), event.id, entry)
                rows[key] = (event.kind, event.event_time, rows[key][2] + amount if key in rows else amount)
    return rows


def timeline_at(connection: Connection, rows: Sequence[Row[Any]]) -> Timeline:
    """What the events that these timeline rows name make of the timelines of their custodies."""
    event = tables.event.c
    told = (event.kind, event.event_time, event.entries)
    events = found(connection, event.id, (row.event_id for row in rows), *told).values()
    return timeline_of(events, {row.custody_id.hex for row in rows})


def balances(connection: Connection, custody_ids: Sequence[UUID]) -> dict[UUID, Counter[str]]:
    """Column of a custody → its sum over the timeline and the receipts' lines; `receipts` counts distinct receipts."""
    sums: dict[UUID, Counter[str]] = {custody_id: Counter() for custody_id in custody_ids}
    entry = tables.timeline.c
    for row in connection.execute(
        select(entry.custody_id, entry.entry, func.sum(entry.amount).label("amount"))
        .where(entry.custody_id.in_(custody_ids), entry.entry.in_(ENTRIES))
        .group_by(entry.custody_id, entry.entry)
    ):
        sums[row.custody_id][ENTRIES[row.entry]] += int(row.amount)
    line = tables.receipt_line.c
    for row in connection.execute(
        select(
            line.custody_id,
            func.sum(line.amount).label("amount"),
            func.count(line.receipt_id.distinct()).label("receipts"),
        )
        .where(line.custody_id.in_(custody_ids))
        .group_by(line.custody_id)
    ):
        sums[row.custody_id]["sold"] += int(row.amount)
        sums[row.custody_id]["receipts"] += row.receipts
    return sums


def received(connection: Connection, items: Sequence[Row[Any]]) -> Counter[tuple[str, UUID]]:
    """(slip code, custody) → the sum of what receive events took of it.

    From the links that leave the custody to the events that made them; an event names the slip it took from, and where
    that slip was replaced, what was taken counts on the one that stands.
    """
    link = tables.custody_link
    links = [
        row
        for chunk in chunks(item.custody_id for item in items)
        for row in connection.execute(select(link).where(link.c.parent_id.in_(chunk), link.c.kind == "move"))
    ]
    event = tables.event.c
    named = {
        key: _slip(row.body)
        for key, row in found(connection, event.id, [row.event_id for row in links], event.body).items()
    }
    standing = _standing(connection, named.values())
    sums: Counter[tuple[str, UUID]] = Counter()
    for row in links:
        text = named.get(row.event_id)
        if text is not None:
            sums[standing[text], row.parent_id] += row.grams if row.pieces is None else row.pieces
    return sums


def _slip(body: dict[str, Any]) -> str | None:
    text = body.get("slip_code")
    try:
        return parse(text.rsplit("/", 1)[-1]).text if isinstance(text, str) else None
    except MistypedCode:
        return None


def _standing(connection: Connection, texts: Iterable[str | None]) -> dict[str, str]:
    """Each slip code → the one that has taken its place, itself where none has."""
    code = tables.code.c
    replaced: dict[str, str] = {}
    frontier = {text for text in texts if text is not None}
    first = frozenset(frontier)
    while frontier:
        rows = found(connection, code.code, frontier, code.replacement)
        new = {text: row.replacement for text, row in rows.items() if row.replacement is not None}
        replaced |= new
        frontier = set(new.values()) - replaced.keys()
    standing = {}
    for text in first:
        last, seen = text, {text}
        while last in replaced and replaced[last] not in seen:
            last = replaced[last]
            seen.add(last)
        standing[text] = last
    return standing
