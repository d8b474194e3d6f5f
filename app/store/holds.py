"""Active holds, and how far they reach: looked back for along the chain only where any hold reaches what comes from the
goods that it was placed on. Keys are the 16 bytes of an id."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import text

from app.domain.graph import Bounds
from app.domain.holds import Goods, Stop, reasons_by_goods
from app.store import chain, raw, tables
from app.store.engine import Snapshot
from app.store.raw import Row
from app.store.tables.custody import ONWARD

HOLD = ("id", "scope", "custody_id", "lot_id", "recall_id", "spares", "reason", "automatic")

# As far as a hold is looked for; no food passes through more hands.
BOUNDS = Bounds(depth=50, nodes=20_000)

_ANY = text(f"SELECT 1 FROM hold WHERE {ONWARD} LIMIT 1")


def any_onward(snapshot: Snapshot) -> bool:
    """Whether any active hold reaches what comes from the goods it was placed on."""
    return snapshot.execute(_ANY).first() is not None


def of_lots(snapshot: Snapshot, lots: Collection[bytes]) -> list[Row]:
    """Holds of the lots that nobody has released, as HOLD."""
    return raw.select(snapshot, tables.hold, HOLD, "lot_id", lots, '"released_by" IS NULL')


def stop(row: Row) -> Stop[bytes]:
    """How far a row of HOLD reaches."""
    spares = frozenset(map(_id, msgspec.json.decode(row[5]))) if row[5] is not None else frozenset()
    return Stop(row[1], row[2], row[3], spares)


def _id(text: str) -> bytes:
    return bytes.fromhex(text.replace("-", ""))


@dataclass(frozen=True, slots=True)
class Stopped:
    """`holds`: of each custody asked for the rows of HOLD that reach it, those with none left out; `behind`: the ids of
    everything that they came from and of its lots, as far as it was looked for."""

    holds: Mapping[bytes, list[Row]]
    behind: set[bytes]


def on(snapshot: Snapshot, here: Mapping[bytes, Goods[bytes]], *, back: bool) -> Stopped:
    """The holds on goods, by their lots and sites; `back`: also those on what they came from, along `custody_link`."""
    goods: dict[bytes, Goods[bytes]] = dict(here)
    links: list[Any] = []
    if back and here:
        links = chain.follow(snapshot, here, "back", BOUNDS).links
        behind = {end for link in links for end in link[:2]} - here.keys()
        goods |= {row[0]: (row[2], row[3]) for row in chain.hands(snapshot, behind)}
    rows = {row[0]: row for row in of_lots(snapshot, _lots(goods.values()))}
    if not rows:
        return Stopped({}, _names(goods, here))
    found = reasons_by_goods({key: stop(row) for key, row in rows.items()}, goods, links)
    return Stopped(
        {key: [rows[hold] for hold in holds] for key, holds in found.items() if key in here}, _names(goods, here)
    )


def _lots(goods: Iterable[Goods[bytes]]) -> set[bytes]:
    return {lot for lot, _ in goods}


def _names(goods: Mapping[bytes, Goods[bytes]], here: Mapping[bytes, Any]) -> set[bytes]:
    behind = goods.keys() - here.keys()
    return set(behind) | {goods[key][0] for key in behind}
