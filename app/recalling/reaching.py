"""What a scope reaches: the goods that it names and everything that came from them, generation by generation.

One walk serves the mock and the live recall, the list of what is affected and the keeper. Memory grows with the keys of
what is reached, 16 bytes each and what a set takes beside; rows are read in chunks and let go.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from app.domain.errors import Conflict, NotFound
from app.domain.recalls_scope import Exclusion, Scope, Window
from app.store import chain, master, raw
from app.store import recalls_reach as store
from app.store.engine import Snapshot
from app.store.links import alike

HOLDS = 20_000  # that one recall may place: a wholesale market's busiest day has fewer arrivals
REACHED = 1_000_000  # custodies


@dataclass(frozen=True, slots=True)
class Subjects:
    """What a scope holds: of each lot one of its custodies, of each custody its lot; and what is spared of that, goods
    and sites; `sites`: where goods that come later are in the scope as well."""

    lots: Mapping[bytes, bytes]
    custodies: Mapping[bytes, bytes]
    spares: frozenset[bytes]
    sites: frozenset[UUID] = frozenset()
    goods: Mapping[bytes, tuple[bytes, bytes | None, bytes]] = field(default_factory=dict)  # lot, site, product


def subjects_of(snapshot: Snapshot, scope: Scope, *, over: bool = False) -> Subjects:
    """Raises NotFound for lots, goods and sites that do not exist, Conflict scope-too-wide, empty-scope. `over`: the
    recall is closed, and what is there no more has been archived since: that is left out."""
    of_lots = store.of_lots(snapshot, [key.bytes for key in scope.lots])
    lots: dict[bytes, bytes] = {}
    for key, lot, *_ in sorted(of_lots):
        lots.setdefault(lot, key)
    missing = [key for key in scope.lots if key.bytes not in lots]
    if missing and not over:
        raise _unknown("lot", "批次", missing[0])
    named = {row[0]: row for row in store.by_id(snapshot, [key.bytes for key in scope.custodies])}
    missing = [key for key in scope.custodies if key.bytes not in named]
    if missing and not over:
        raise _unknown("custody", "流转批次", missing[0])
    goods = {row[0]: (row[1], row[2], row[3]) for row in of_lots}
    goods |= {key: (row[1], row[2], row[3]) for key, row in named.items()}
    custodies = {key: row[1] for key, row in named.items()}
    sites: set[UUID] = set()
    for window in scope.windows:
        there, within = _came(snapshot, window)
        sites |= within
        custodies |= {row[0]: row[1] for row in there}
        goods |= {row[0]: (row[1], row[2], row[3]) for row in there}
    require_few(len(custodies) + len(lots))
    return Subjects(lots, custodies, _spares(snapshot, scope.exclusions, over), frozenset(sites), goods)


def require_few(batches: int) -> None:
    """Raises Conflict scope-too-wide for more than one recall may hold."""
    if batches > HOLDS:
        raise too_wide()


def too_wide() -> Conflict:
    return Conflict(
        "scope-too-wide",
        f"范围内货物超过 {HOLDS} 批，请按产品或时间分成几次召回 · "
        f"more than {HOLDS} batches are named: divide the recall by product or time",
    )


def _came(snapshot: Snapshot, window: Window) -> tuple[list[raw.Row], set[UUID]]:
    within: set[UUID] = set()
    if window.site_id is not None:
        within = {site.id for site in _below(snapshot, [window.site_id])}
        rows = store.that_came(snapshot, "site_id", [key.bytes for key in within], window.since, window.until)
    else:
        assert window.party_id is not None
        within = {site.id for site in master.sites_of_party(snapshot, window.party_id)}
        rows = store.that_came(snapshot, "party_id", [window.party_id.bytes], window.since, window.until)
    if window.categories or window.products:
        # A product is one under its GTIN, whoever enrolled it.
        same = {row.id for listed in alike(snapshot, window.products).values() for row in listed}
        window = replace(window, products=(*window.products, *same))
        products = {row[0]: row[3] for row in chain.products(snapshot, {row[3] for row in rows})}
        rows = [row for row in rows if window.takes(UUID(bytes=row[3]), products.get(row[3], ""))]
    return rows, within


def _below(snapshot: Snapshot, sites: Collection[UUID]) -> list[Any]:
    found = master.sites(snapshot, sites)
    missing = [key for key in sites if key not in found]
    if missing:
        raise _unknown("site", "场所", missing[0])
    return master.sites_below(snapshot, [site.path for site in found.values()])


def _spares(snapshot: Snapshot, exclusions: Collection[Exclusion], over: bool) -> frozenset[bytes]:
    goods = [each.custody_id for each in exclusions if each.custody_id is not None]
    known = {row[0] for row in store.by_id(snapshot, [key.bytes for key in goods])}
    missing = [key for key in goods if key.bytes not in known]
    if missing and not over:
        raise _unknown("custody", "流转批次", missing[0])
    sites = [each.site_id for each in exclusions if each.site_id is not None]
    below = _below(snapshot, sites) if sites else []
    return frozenset(known | {site.id.bytes for site in below})


def _unknown(name: str, name_zh: str, key: UUID) -> NotFound:
    return NotFound(f"unknown-{name}", f"没有这个{name_zh}：{key} · no {name} {key}; check the id", identity=str(key))


@dataclass(slots=True)
class Walked:
    """How far the walk has come; `truncated`: it stopped at REACHED."""

    keys: set[bytes] = field(default_factory=set)
    truncated: bool = False


def generations(
    snapshot: Snapshot, subjects: Subjects, walked: Walked | None = None
) -> Iterator[tuple[int, list[bytes]]]:
    """Everything that the subjects reach, each key once: (generation, keys in their order, at most a chunk of them)."""
    seen = walked if walked is not None else Walked()
    spares = subjects.spares
    fresh = sorted(_starts(snapshot, subjects))
    generation = 0
    while fresh:
        if len(seen.keys) + len(fresh) > REACHED:
            fresh = fresh[: REACHED - len(seen.keys)]
            seen.truncated = True
        seen.keys.update(fresh)
        for at in range(0, len(fresh), raw.CHUNK):
            yield generation, fresh[at : at + raw.CHUNK]
        if seen.truncated:
            return
        ahead: set[bytes] = set()
        for at in range(0, len(fresh), raw.CHUNK):
            ahead.update(link[1] for link in store.onward(snapshot, fresh[at : at + raw.CHUNK]))
        ahead -= seen.keys
        if spares and ahead:
            ahead -= spares
            ahead -= {row[0] for row in chain.hands(snapshot, ahead) if row[3] in spares}
        fresh = sorted(ahead)
        generation += 1


def _starts(snapshot: Snapshot, subjects: Subjects) -> set[bytes]:
    """The goods named; of a lot all hands, or, where something is spared, those where it begins: what has come through
    the spared alone is reached from nowhere."""
    spares = subjects.spares
    of_lots = {row[0]: (row[1], row[2]) for row in store.of_lots(snapshot, subjects.lots)} if subjects.lots else {}
    starts = set(of_lots)
    if spares and of_lots:
        moved = {
            child
            for parent, child in store.behind(snapshot, of_lots)
            if parent != child and parent in of_lots and of_lots[parent][0] == of_lots[child][0]
        }
        begun = {of_lots[key][0] for key in starts - moved}
        starts = {key for key in starts if key not in moved or of_lots[key][0] not in begun}
    starts |= subjects.custodies.keys()
    if spares:
        places = {key: site for key, (_, site) in of_lots.items()} | {
            key: subjects.goods[key][1] for key in subjects.custodies
        }
        starts = {key for key in starts if key not in spares and places[key] not in spares}
    return starts


def of_lots_and_custodies(snapshot: Snapshot, scope: Scope) -> dict[bytes, tuple[bytes, bytes | None]]:
    """The goods that a scope names as such, each with its lot and site."""
    rows = store.of_lots(snapshot, [key.bytes for key in scope.lots])
    rows += store.by_id(snapshot, [key.bytes for key in scope.custodies])
    return {row[0]: (row[1], row[2]) for row in rows}
