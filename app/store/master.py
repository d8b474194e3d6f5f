"""Master data: parties, sites, products, devices and their history. Small tables, read in chunks of ids."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import Column, ColumnElement, Table, and_, delete, func, or_, select

from app.domain.rows import Device, ExternalCode, Party, Product, Site
from app.store import bulk, raw, tables
from app.store.engine import Snapshot
from app.store.lookups import Source, look_up
from app.store.types import micros

CHUNK = 500

Master = Party | Site | Product | Device
T = TypeVar("T")
M = TypeVar("M", Party, Site, Product, Device)
K = TypeVar("K")

KINDS: dict[type[Master], str] = {Party: "party", Site: "site", Product: "product", Device: "device"}
_TABLES: dict[type[Master], Table] = {
    Party: tables.party,
    Site: tables.site,
    Product: tables.product,
    Device: tables.device,
}

_BY_ID: dict[type[Master], Source[Any]] = {kind: Source(KINDS[kind], _TABLES[kind], kind, "id") for kind in KINDS}


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """The distinct values in lists of at most CHUNK."""
    distinct = list(dict.fromkeys(values))
    for start in range(0, len(distinct), CHUNK):
        yield distinct[start : start + CHUNK]


def parties(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Party]:
    return by_id(snapshot, Party, ids)


def sites(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Site]:
    return by_id(snapshot, Site, ids)


def products(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Product]:
    return by_id(snapshot, Product, ids)


def devices(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Device]:
    return by_id(snapshot, Device, ids)


def by_id(snapshot: Snapshot, kind: type[M], ids: Iterable[UUID]) -> dict[UUID, M]:
    """The rows of a kind by id."""
    source: Source[M] = _BY_ID[kind]
    return {row.id: row for row in look_up(snapshot, {source: ids}).of(source)}


def where_in(snapshot: Snapshot, kind: type[M], column: ColumnElement[Any], values: Iterable[Any]) -> list[M]:
    """The rows whose column is one of the values, in no order."""
    found: list[M] = []
    for chunk in chunks(values):
        found += where(snapshot, kind, column.in_(chunk))
    return found


def where(snapshot: Snapshot, kind: type[M], *conditions: ColumnElement[bool]) -> list[M]:
    return [kind(*row) for row in snapshot.execute(select(_TABLES[kind]).where(*conditions))]


def parties_by_credit_code(snapshot: Snapshot, codes: Iterable[str]) -> dict[str, Party]:
    found = where_in(snapshot, Party, tables.party.c.credit_code, codes)
    return {party.credit_code: party for party in found if party.credit_code is not None}


def products_by_gtin(snapshot: Snapshot, gtins: Iterable[str]) -> list[Product]:
    return where_in(snapshot, Product, tables.product.c.gtin, gtins)


def roots_of(sites: Iterable[Site]) -> set[UUID]:
    """The topmost ancestor of each site: the market of a stall, the site itself for one that stands alone."""
    return {UUID(hex=site.path[:32]) for site in sites}


def markets(snapshot: Snapshot, stalls: Iterable[Site]) -> dict[UUID, Site]:
    """For each site, by its id, its topmost ancestor (itself for a root)."""
    listed = list(stalls)
    found = sites(snapshot, roots_of(listed))
    return {site.id: found[UUID(hex=site.path[:32])] for site in listed}


def below(path: str) -> ColumnElement[bool]:
    """The sites at and below a path. `0` follows `/` in ASCII: one range of the index."""
    column = tables.site.c.path
    return and_(column >= path, column < path[:-1] + "0")


def sites_below(snapshot: Snapshot, paths: Sequence[str]) -> list[Site]:
    """Every site at or below one of the paths."""
    return where(snapshot, Site, or_(*(below(path) for path in paths))) if paths else []


def sites_of_party(snapshot: Snapshot, party_id: UUID) -> list[Site]:
    return where(snapshot, Site, tables.site.c.party_id == party_id)


def sites_of_parties(snapshot: Snapshot, party_ids: Iterable[UUID]) -> list[Site]:
    return where_in(snapshot, Site, tables.site.c.party_id, party_ids)


def any_device(snapshot: Snapshot) -> bool:
    """Whether a scale was ever enrolled here."""
    return snapshot.execute(select(tables.device.c.id).limit(1)).first() is not None


def page(
    snapshot: Snapshot,
    kind: type[M],
    conditions: Sequence[ColumnElement[bool]],
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[M]:
    """At most `limit` rows in the order of enrolment (record_time, id), after the given place."""
    table = _TABLES[kind]
    place = [] if after is None else [_later(table.c.record_time, table.c.id, after)]
    statement = select(table).where(*conditions, *place).order_by(table.c.record_time, table.c.id).limit(limit)
    return [kind(*row) for row in snapshot.execute(statement)]


def _later(time: Column[Any], key: Column[Any], after: tuple[datetime, UUID]) -> ColumnElement[bool]:
    return and_(time >= after[0], or_(time > after[0], key > after[1]))


def there(snapshot: Snapshot, kind: type[Master], keys: Iterable[UUID]) -> list[UUID]:
    """Those of the keys that are there."""
    rows = raw.select(snapshot, _TABLES[kind], ("id",), "id", sorted(key.bytes for key in keys))
    return [UUID(bytes=key) for (key,) in rows]


# --- history ---


def versions(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, list[Master]]:
    """All versions of each subject, in the order in which they were written."""
    table = tables.master_version
    found: dict[UUID, list[Master]] = defaultdict(list)
    for chunk in chunks(ids):
        statement = (
            select(table.c.subject_id, table.c.kind, table.c.body)
            .where(table.c.subject_id.in_(chunk))
            .order_by(table.c.subject_id, table.c.version)
        )
        for row in snapshot.execute(statement):
            found[row.subject_id].append(read_version(row.kind, row.body))
    return found


def changers(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, list[tuple[UUID | None, datetime]]]:
    """For each version of each subject, in the order in which they were written: who wrote it, and when."""
    table = tables.master_version
    found: dict[UUID, list[tuple[UUID | None, datetime]]] = defaultdict(list)
    for chunk in chunks(ids):
        statement = (
            select(table.c.subject_id, table.c.changed_by, table.c.record_time)
            .where(table.c.subject_id.in_(chunk))
            .order_by(table.c.subject_id, table.c.version)
        )
        for row in snapshot.execute(statement):
            found[row.subject_id].append((row.changed_by, row.record_time))
    return found


def first_versions(snapshot: Snapshot, ids: Iterable[UUID]) -> dict[UUID, Master]:
    """What was enrolled, before any change."""
    table = tables.master_version
    found = {}
    for chunk in chunks(ids):
        statement = select(table.c.subject_id, table.c.kind, table.c.body).where(
            table.c.subject_id.in_(chunk), table.c.version == 1
        )
        for row in snapshot.execute(statement):
            found[row.subject_id] = read_version(row.kind, row.body)
    return found


def versions_at(snapshot: Snapshot, wanted: Iterable[tuple[UUID, datetime]]) -> dict[tuple[UUID, datetime], Master]:
    """What each subject was at an instant: the last written of the versions valid from then or earlier; before its
    enrolment, what it was enrolled as. Subjects without history are left out."""
    asked = list(dict.fromkeys(wanted))
    history = versions(snapshot, (subject for subject, _ in asked))
    found = {}
    for subject, instant in asked:
        if known := history.get(subject):
            valid = [version for version in known if version.valid_from <= instant]
            found[subject, instant] = (valid or known[:1])[-1]
    return found


class _Run(msgspec.Struct):
    """Of a site's version: who runs it."""

    party_id: UUID


_run = msgspec.json.Decoder(_Run).decode


def ran_at(snapshot: Snapshot, wanted: Iterable[tuple[UUID, datetime]]) -> dict[tuple[UUID, datetime], UUID]:
    """As versions_at, of sites: who ran each, in a tenth of the time."""
    asked = list(dict.fromkeys(wanted))
    keys = sorted({site.bytes for site, _ in asked})
    columns = ("subject_id", "version", "valid_from", "body")
    history: dict[bytes, list[Any]] = defaultdict(list)
    for key, *version in sorted(raw.select(snapshot, tables.master_version, columns, "subject_id", keys)):
        history[key].append(version)
    found = {}
    for site, instant in asked:
        if known := history.get(site.bytes):
            at = micros(instant)
            _, _, body = ([version for version in known if version[1] <= at] or known[:1])[-1]
            found[site, instant] = _run(body).party_id
    return found


@cache
def _class(kind: str) -> type[Master]:
    return next(row for row, name in KINDS.items() if name == kind)


def read_version(kind: str, body: Any) -> Master:
    """What a version was written as."""
    return msgspec.convert(body, _class(kind))


# --- writing ---


def values(row: Any) -> tuple[Any, ...]:
    """A dataclass of app.domain.rows in the order of its table's columns."""
    read = _READERS.get(type(row))
    if read is None:
        read = _READERS[type(row)] = attrgetter(*(field.name for field in fields(row)))
    found: tuple[Any, ...] = read(row)
    return found


_READERS: dict[type, Callable[[Any], Any]] = {}


def save(connection: Snapshot, rows: Iterable[Master]) -> None:
    """Writes present rows, new or changed."""
    by_kind: dict[type[Master], list[Sequence[Any]]] = defaultdict(list)
    for row in rows:
        by_kind[type(row)].append(values(row))
    for kind in _TABLES:
        bulk.upsert(connection, _TABLES[kind], by_kind[kind])


def add_versions(connection: Snapshot, versions: Iterable[Master], changed_by: UUID, now: datetime) -> None:
    """Writes versions; one that another process has just written raises IntegrityError, and the writer tries again."""
    bulk.insert(
        connection,
        tables.master_version,
        [
            (
                version.id,
                version.version,
                KINDS[type(version)],
                version.valid_from,
                now,
                changed_by,
                _body(version),
            )
            for version in versions
        ],
    )


def _body(row: Master) -> Any:
    # The hash of a code that works for 15 minutes is no history.
    return msgspec.to_builtins(replace(row, activation_hash=None) if isinstance(row, Device) else row)


# --- what others call it ---


def add_external_codes(connection: Snapshot, codes: Iterable[ExternalCode]) -> None:
    bulk.insert_new(connection, tables.external_code, [values(code) for code in codes])


def external_codes(snapshot: Snapshot, wanted: Iterable[str]) -> list[ExternalCode]:
    """Every subject that anybody calls by one of the values."""
    table = tables.external_code
    found: list[ExternalCode] = []
    for chunk in chunks(wanted):
        found += [ExternalCode(*row) for row in snapshot.execute(select(table).where(table.c.value.in_(chunk)))]
    return found


def remove_external_codes(connection: Snapshot, codes: Iterable[ExternalCode]) -> None:
    table = tables.external_code
    for code in codes:
        connection.execute(
            delete(table).where(
                table.c.value == code.value, table.c.scheme == code.scheme, table.c.subject_id == code.subject_id
            )
        )


def markets_of_parties(snapshot: Snapshot, party_ids: Iterable[UUID]) -> dict[UUID, set[UUID]]:
    """For each party, the parties that run the topmost sites above its own sites (itself for a stand-alone site)."""
    own = where_in(snapshot, Site, tables.site.c.party_id, party_ids)
    roots = markets(snapshot, own)
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for site in own:
        found[site.party_id].add(roots[site.id].party_id)
    return found


def device_numbers(snapshot: Snapshot, numbers: Iterable[int]) -> dict[int, Device]:
    return {device.number: device for device in where_in(snapshot, Device, tables.device.c.number, numbers)}


def next_device_number(snapshot: Snapshot) -> int:
    """The lowest number above all that are in use; numbers are in receipt codes and never used again."""
    highest = snapshot.execute(select(func.max(tables.device.c.number))).scalar_one()
    return (highest or 0) + 1
