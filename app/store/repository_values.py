"""The values that events of the repository have: seeks from one to the next, however often each stands there."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from sqlalchemy import select, tuple_

from app.domain.epcis.named import Role
from app.domain.epcis.patterns import Span
from app.store import raw, tables
from app.store.engine import Snapshot
from app.store.published import NATIVE
from app.store.repository import PIECE, Asked, Place, column
from app.store.repository_epcs import LAST
from app.store.repository_rows import Key

_PIECES: Final = 20
_ROUNDS: Final = 100
NO_EPCS: Final = int(Role.TRANSFORMATION | Role.DESTINATION) | NATIVE
"""Roles of what is no EPC."""
# Nobody needs it: a plan made for any key, and any number of rows, reads the whole table where nothing is ordered.
_IN_ORDER: Final = 'ORDER BY "record_time", "position"'
_named = tables.epc_event.c


def value_after(snapshot: Snapshot, name: str, last: str | None) -> str | None:
    """The next value of an indexed column, in any event."""
    here = column(name)
    beyond = here.is_not(None) if last is None else here > last
    found: str | None = snapshot.scalar(select(here).where(beyond).order_by(here).limit(1))
    return found


def values_within(snapshot: Snapshot, name: str, spans: Sequence[Span], most: int) -> set[str] | None:
    """Values of an indexed column that lie in the spans, in any event; None where they are more than so many, or too
    many in one span to be told one by one."""
    ordered = sorted(spans, key=lambda span: span.low)
    lows = [span.low for span in ordered]
    rest = f'WHERE "{name}" > {{}} AND "{name}" < {{}} ORDER BY "{name}" LIMIT {{}}'
    waiting = [(span.low, span.high) for span in ordered]
    found: set[str] = set()
    for _ in range(_ROUNDS):
        branches = [(rest, (*bounds, 1)) for bounds in waiting]
        values = {value for (value,) in raw.merged(snapshot, tables.epcis_event, (name,), branches)}
        if not values:
            return found
        found |= values
        if len(found) > most:
            return None
        waiting = [(value, ordered[bisect_right(lows, value) - 1].high) for value in values]
    return None


def values_of(snapshot: Snapshot, keys: Sequence[Key], name: str, most: int) -> set[str]:
    """Those in the events of the keys, each of which has fewer than `most`."""
    branches = [
        (f'WHERE "{key.column}" = {{}}{f" AND {key.also}" if key.also else ""} {_IN_ORDER} LIMIT {{}}',
         (raw.value(snapshot, key.value), most))
        for key in keys
    ]  # fmt: skip
    return {value for (value,) in raw.merged(snapshot, tables.epcis_event, (name,), branches) if value is not None}


def epcs(snapshot: Snapshot, asked: Asked, after: Place | None, limit: int) -> tuple[list[str], Place | None]:
    """EPCs and classes that events of concern name, and the place where the next ones begin."""
    found: list[str] = []
    place = after or ("", 0)
    for _ in range(_PIECES):
        beyond = tuple_(_named.epc, _named.position) > place
        ordered = select(_named.epc, _named.position, _named.roles).where(beyond).order_by(_named.epc, _named.position)
        rows = snapshot.execute(ordered.limit(PIECE)).all()
        there = asked.among(snapshot, {row.position for row in rows})
        for row in rows:
            if row.roles & ~NO_EPCS and row.position in there and (not found or found[-1] != row.epc):
                if len(found) == limit:
                    return found, (found[-1], LAST)
                found.append(row.epc)
        if len(rows) < PIECE:
            return found, None
        place = (rows[-1].epc, rows[-1].position) if not found or found[-1] != rows[-1].epc else (found[-1], LAST)
    return found, place
