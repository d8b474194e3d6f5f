"""Rows of the working set: read in bulk into a Ledger, and written back where decisions changed them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Table, delete, tuple_

from app.domain import codes
from app.domain.epcis.writing import TOLD
from app.domain.ledger import Ledger
from app.domain.rows import (
    Attachment,
    Code,
    Correction,
    Custody,
    Document,
    Event,
    ExternalCode,
    Flag,
    Link,
    Lot,
    Party,
    Product,
    Site,
    Slip,
    SlipItem,
    TimelineEntry,
)
from app.domain.rows import Hold as HoldRow
from app.store import tables
from app.store.bulk import insert, upsert
from app.store.holds import any_onward
from app.store.lookups import Source, look_up
from app.store.published import UNPUBLISHED, note
from app.store.writer import Transaction

R = TypeVar("R")
CHUNK = 500
GENERATIONS = 50  # no food passes through more hands; bounds the walk for holds and complete chains
ANCESTORS = 20_000

TABLES: dict[type, Table] = {
    Attachment: tables.attachment,
    Code: tables.code,
    Correction: tables.correction,
    Custody: tables.custody,
    Document: tables.document,
    Event: tables.event,
    ExternalCode: tables.external_code,
    Flag: tables.flag,
    HoldRow: tables.hold,
    Link: tables.custody_link,
    Lot: tables.lot,
    Party: tables.party,
    Product: tables.product,
    Site: tables.site,
    Slip: tables.slip,
    SlipItem: tables.slip_item,
    TimelineEntry: tables.timeline,
}
_LOCKED = (Custody, SlipItem, Slip, HoldRow)
# Written in this order by every transaction.
_WRITTEN: tuple[type, ...] = (
    Event, Correction, Flag, Code, Lot, Custody, Link, TimelineEntry, Slip, SlipItem, HoldRow, Attachment, ExternalCode,
)  # fmt: skip


def fetch(connection: Connection, kind: type[R], column: str, keys: Iterable[Any], *, lock: bool = False) -> list[R]:
    """Rows of a kind whose column is one of the keys; `lock` locks them in key order until the transaction ends."""
    (found,) = fetch_all(connection, {(kind, column, lock): keys})
    return found


def fetch_all(connection: Connection, wanted: Mapping[tuple[type, str, bool], Iterable[Any]]) -> list[list[Any]]:
    """As `fetch`, of several kinds at once: (kind, column, lock) → keys."""
    sources = [_source(*which) for which in wanted]
    found = look_up(connection, {source: sorted(keys) for source, keys in zip(sources, wanted.values(), strict=True)})
    return [sorted(found.of(source), key=_order(source.table)) for source in sources]


@lru_cache(maxsize=64)
def _source(kind: type[R], column: str, lock: bool) -> Source[R]:
    where = '"released_by" IS NULL' if kind is HoldRow and column == "lot_id" else ""
    return Source(f"{kind.__name__} {column}", TABLES[kind], kind, column, where, lock=lock)


@lru_cache(maxsize=64)
def _order(table: Table) -> Callable[[Any], Any]:
    return attrgetter(*(column.name for column in table.primary_key))


class Loader:
    """Fills one Ledger; never asks for the same key twice. Without `locking` it is only to be read."""

    def __init__(self, connection: Connection, ledger: Ledger, *, locking: bool = True) -> None:
        self._connection = connection
        self.ledger = ledger
        self._locking = locking
        self._asked: dict[tuple[type, str], set[Any]] = {}

    def rows(self, kind: type[R], column: str, keys: Iterable[Any], *, lock: bool | None = None) -> list[R]:
        """Loads what has not been asked for yet; rows of kinds that decisions change are locked, unless `lock` says
        otherwise."""
        found: list[R]
        (found,) = self.several({(kind, column): keys}, lock=lock)
        return found

    def several(
        self, wanted: Mapping[tuple[type, str], Iterable[Any]], *, lock: bool | None = None
    ) -> Sequence[list[Any]]:
        """As `rows`, for several kinds in as few statements as can be: by kind and column."""
        fresh: dict[tuple[type, str, bool], set[Any]] = {}
        for (kind, column), keys in wanted.items():
            asked = self._asked.setdefault((kind, column), set())
            new = {key for key in keys if key is not None} - asked
            asked |= new
            fresh[kind, column, self._locking and (kind in _LOCKED if lock is None else lock)] = new
        if not any(fresh.values()):
            return [[] for _ in wanted]
        found = fetch_all(self._connection, fresh)
        for (kind, _), rows in zip(wanted, found, strict=True):
            match kind.__name__:
                case "Party" | "Site" | "Product" | "Document":
                    self._master(kind).update({row.id: row for row in rows})
                case _:
                    self.ledger.load(rows)
        return found

    def all(self, kind: type[R]) -> list[R]:
        """The rows of a kind that are in the ledger now."""
        return list(self.ledger.rows[kind].values())

    def _master(self, kind: type) -> dict[UUID, Any]:
        known: dict[type, dict[UUID, Any]] = {
            Party: self.ledger.parties,
            Site: self.ledger.sites,
            Product: self.ledger.products,
            Document: self.ledger.documents,
        }
        return known[kind]

    def sites(self, keys: Iterable[UUID | None]) -> None:
        """Sites with everything above them."""
        wanted = {key for key in keys if key is not None}
        self.rows(Site, "id", wanted)
        known = [self.ledger.sites[key] for key in wanted if key in self.ledger.sites]
        self.rows(Site, "id", {UUID(hex=part) for site in known for part in site.path.strip("/").split("/")})

    def goods(self) -> None:
        """What hangs on every custody in the ledger: lots, holds, products, sites."""
        custodies = self.all(Custody)
        lots = {custody.lot_id for custody in custodies}
        products = {custody.product_id for custody in custodies}
        sites = {custody.site_id for custody in custodies}
        self.several({(HoldRow, "lot_id"): lots, (Lot, "id"): lots, (Product, "id"): products, (Site, "id"): sites})
        self.sites(sites)

    def heirs(self) -> None:
        """What has taken the place of voided custodies."""
        voided = [custody for custody in self.all(Custody) if custody.voided_by]
        while voided:
            codes = self._codes(custody.code for custody in voided)
            leading = self._codes(code.replacement for code in codes)
            found = self.rows(Custody, "id", {code.subject_id for code in leading})
            voided = [custody for custody in found if custody.voided_by]

    def slips(self, texts: Iterable[str | None]) -> None:
        """Slips with their items and codes, and the slips that have taken their place."""
        texts = {text for text in texts if text is not None}
        while texts:
            self.rows(Slip, "code", texts)
            self.rows(SlipItem, "slip_code", texts)
            texts = {code.replacement for code in self.rows(Code, "code", texts) if code.replacement}

    def _codes(self, texts: Iterable[str | None]) -> list[Code]:
        wanted = set(texts)
        self.rows(Code, "code", wanted)
        return [code for text in wanted if text and (code := self.ledger.find(Code, text)) is not None]

    def judged(self, keys: Collection[UUID], *kinds: str) -> None:
        """Events of these kinds on the custodies' timelines, with their corrections."""
        self.rows(TimelineEntry, "custody_id", keys)
        lines = [entry for key in keys for entry in self.ledger.timeline[key] if entry.kind in kinds]
        self.rows(Event, "id", {entry.event_id for entry in lines})
        self.rows(Correction, "event_id", {entry.event_id for entry in lines})

    def ancestry(self, keys: Collection[UUID]) -> None:
        """Links and custodies upward, generation by generation; only to be read, so everything that a decision may
        change is loaded before."""
        frontier = set(keys)
        seen = set(frontier)
        for _ in range(GENERATIONS):
            if not frontier or len(seen) > ANCESTORS:
                break
            self.rows(Link, "child_id", frontier)
            frontier = {link.parent_id for key in frontier for link in self.ledger.links_up[key]} - seen
            seen |= frontier
        self.rows(Custody, "id", seen, lock=False)

    @classmethod
    def alone(cls, transaction: Transaction) -> "Loader":
        """A loader with a ledger of its own, for sales."""
        return cls(transaction.connection, Ledger(transaction.now, codes.mint))

    def heirs_of(self, keys: Collection[UUID]) -> dict[UUID, UUID]:
        """For those of the custodies that were voided and replaced: what has taken their place."""
        rows = self.rows(Custody, "id", keys, lock=False)
        self.heirs()
        return {row.id: self.ledger.standing(row).id for row in rows if self.ledger.standing(row) is not row}

    def onward_holds(self) -> bool:
        """True where any hold reaches what comes from the goods that it was placed on."""
        return any_onward(self._connection)

    def children(self, keys: Iterable[UUID]) -> None:
        found = self.rows(Link, "parent_id", keys)
        self.rows(Custody, "id", {link.child_id for link in found})
        self.rows(Event, "id", {link.event_id for link in found})


# --- writing ---


def write(transaction: Transaction, ledger: Ledger) -> None:
    """Writes every new or changed row, sorted by key, tables in their fixed order."""
    for kind in _WRITTEN:
        removed = ledger.removed[kind]
        if removed:
            _delete(transaction.connection, TABLES[kind], removed.values())
        changed = ledger.changed[kind]
        if changed:
            names = _names(kind)
            rows = [tuple(getattr(row, name) for name in names) for row in changed.values()]
            # An event is written once: where another process was faster, the batch is decided again.
            put = insert if kind is Event else upsert
            put(transaction.connection, TABLES[kind], rows)
            if kind is Event:
                told = [row.id for row in changed.values() if row.kind in TOLD]
                if told:
                    note(transaction.connection, told)
                    transaction.touched.add(UNPUBLISHED)


_NAMES: dict[type, tuple[str, ...]] = {}


def _names(kind: type[Any]) -> tuple[str, ...]:
    if kind not in _NAMES:
        _NAMES[kind] = tuple(field.name for field in fields(kind))
    return _NAMES[kind]


def _delete(connection: Connection, table: Table, rows: Iterable[Any]) -> None:
    columns = list(table.primary_key.columns)
    keys = sorted(
        (tuple(getattr(row, column.name) for column in columns) for row in rows),
        key=lambda key: tuple(part.bytes if isinstance(part, UUID) else part for part in key),
    )
    for start in range(0, len(keys), CHUNK):
        condition: ColumnElement[bool] = tuple_(*columns).in_(keys[start : start + CHUNK])
        connection.execute(delete(table).where(condition))
