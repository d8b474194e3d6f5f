"""What was in a logistic unit (pallet, crate, carton: whatever events pack things in) at a time, however deep."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select

from app.store import tables
from app.store.engine import Snapshot
from app.store.master import chunks

_packing = tables.packing.c


@dataclass(frozen=True, slots=True)
class Packed:
    """`content_epc` was in `unit_epc` from one event to another, both times included; until None: it still is."""

    unit_epc: str
    content_epc: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Opened:
    """`packed`: outer units before inner ones. `at`: when they were, None: they still are; `last`: the unit was empty
    then, and these were in it last. `loop`: a unit was inside itself. `cut`: there is more in it."""

    packed: Sequence[Packed]
    at: datetime | None
    last: bool
    loop: bool
    cut: bool

    @property
    def contents(self) -> list[str]:
        """What is in it, each once, inner units included."""
        return list(dict.fromkeys(one.content_epc for one in self.packed))


def open_unit(snapshot: Snapshot, unit: str, time: datetime | None, limit: int) -> Opened | None:
    """What was in the unit (a canonical URI) at `time`. None: what is in it now, else what was in it last. At most
    `limit` packings. None where nothing was in it then, or ever.

    What a unit inside held counts at that same time, or, if it was emptied before while nobody recorded that it left
    the outer unit, when it was last full in there.
    """
    inside = _covering(snapshot, [unit], time)
    last = not inside
    if last:
        inside = _before(snapshot, [unit], None) if time is None else []
        if not inside:
            return None
        time = inside[0].until
    found: list[Packed] = []
    seen = {unit}
    loop = False
    while inside and len(found) <= limit:
        found += inside
        fresh: dict[str, datetime] = {}
        for one in inside:
            loop |= one.content_epc == unit
            if one.content_epc not in seen:
                fresh[one.content_epc] = min(one.since, fresh.get(one.content_epc, one.since))
        seen |= fresh.keys()
        inside = _covering(snapshot, fresh, time)
        empty = fresh.keys() - {one.unit_epc for one in inside}
        before = _before(snapshot, sorted(empty), time)
        inside += [one for one in before if one.until is not None and one.until >= fresh[one.unit_epc]]
    return Opened(found[:limit], time, last, loop, len(found) > limit)


def is_unit(snapshot: Snapshot, epc: str) -> bool:
    """Whether anything was ever packed in it."""
    return snapshot.execute(select(_packing.unit_epc).where(_packing.unit_epc == epc).limit(1)).first() is not None


def _covering(snapshot: Snapshot, units: Collection[str], time: datetime | None) -> list[Packed]:
    """What is in the units at the time, both ends of a packing included."""
    then = (
        [_packing.to_time.is_(None)]
        if time is None
        else [_packing.from_time <= time, or_(_packing.to_time.is_(None), _packing.to_time >= time)]
    )
    found: list[Packed] = []
    for chunk in chunks(units):
        statement = select(_packing.unit_epc, _packing.content_epc, _packing.from_time, _packing.to_time)
        found += [Packed(*row) for row in snapshot.execute(statement.where(_packing.unit_epc.in_(chunk), *then))]
    return _ordered(found)


def _before(snapshot: Snapshot, units: Iterable[str], time: datetime | None) -> list[Packed]:
    """What was in the units when they were last emptied before the time, of those that were."""
    found: list[Packed] = []
    for chunk in chunks(units):
        among: list[ColumnElement[bool]] = [_packing.unit_epc.in_(chunk), _packing.to_time.is_not(None)]
        if time is not None:
            among.append(_packing.to_time < time)
        emptied = select(_packing.unit_epc, func.max(_packing.to_time)).where(*among).group_by(_packing.unit_epc)
        ends: dict[str, datetime] = {row[0]: row[1] for row in snapshot.execute(emptied)}
        statement = select(_packing.unit_epc, _packing.content_epc, _packing.from_time, _packing.to_time).where(
            _packing.unit_epc.in_(ends), _packing.to_time.in_(set(ends.values()))
        )
        rows = [Packed(*row) for row in snapshot.execute(statement)] if ends else []
        found += [one for one in rows if one.until == ends[one.unit_epc]]
    return _ordered(found)


def _ordered(packed: list[Packed]) -> list[Packed]:
    return sorted(packed, key=lambda one: (one.unit_epc, one.since, one.content_epc))
