"""Case files: a chain as far as an office may know it, handed to the next region with everything that proves it."""

import csv
import hashlib
import io
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from app import tracing
from app.domain import ids
from app.domain.errors import Conflict, Forbidden, NotFound, TooLarge
from app.domain.rights import Principal, Role, owns_site, region_prefix
from app.domain.rows import Document
from app.exchanging.chain_epcis import chain_document
from app.exchanging.sheets import SHEETS
from app.exchanging.tables import BOM, Workbook, safe_row
from app.store import cases as store
from app.store import chain, documents, master
from app.store.cases import CaseFile
from app.store.chain import Direction
from app.store.engine import Database, reading
from app.store.files import FileStore
from app.store.writer import Transaction, decided
from app.tracing import Limits, Start, Trace
from app.tracing.reach import reach
from app.tracing.streaming import stream
from app.tracing.svg import draw

LARGEST = 20_000  # custodies of a case
DRAWN = 5_000  # nodes of one picture

_BOTH: tuple[Direction, Direction] = ("back", "forward")


@dataclass(frozen=True, slots=True)
class OpenCase:
    """The same `ref` of the same office is the same case."""

    principal: Principal
    ref: str
    starts: Sequence[Start]
    reason: str
    to_region: str
    custodies: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class ChangeCase:
    """`manifest_hash`: its file was sent to the end; without, it is closed."""

    principal: Principal
    case_id: UUID
    manifest_hash: bytes | None = None


def scope(database: Database, reader: Principal, starts: Iterable[Start], secret: bytes) -> list[UUID]:
    """The goods of a case: what the starts name and what lies up and down the chain, as far as the reader may know it,
    that is its region and one step across the border. Raises Forbidden where none of it is the reader's own, TooLarge,
    and as `trace` does."""
    if reader.role not in (Role.REGULATOR, Role.ADMIN):
        raise Forbidden("forbidden", "案卷由监管部门建立 · Case files are opened by regulators")
    found: dict[bytes, None] = {}
    own = reader.role is Role.ADMIN
    for start in starts:
        for rows in reach(database, reader, start, _BOTH, secret):
            found |= dict.fromkeys(row[0] for row in rows)
            if len(found) > LARGEST:
                raise TooLarge(
                    "too-large",
                    f"超过 {LARGEST} 批货，请缩小起点 · More than {LARGEST} custodies: start from less",
                    pointer="/starts",
                )
            own = own or _any_own(database, reader, [row[5] for row in rows if row[5] is not None])
    if not own:
        raise Forbidden(
            "outside-region",
            "这些货没有一批在您的辖区，请由所在地建立案卷 · "
            "None of these goods is in your region: its own office opens the case",
        )
    return [UUID(bytes=key) for key in found]


def _any_own(database: Database, reader: Principal, keys: Iterable[bytes]) -> bool:
    with reading(database) as snapshot:
        sites = master.sites(snapshot, {UUID(bytes=key) for key in keys})
        markets = master.markets(snapshot, sites.values())
    return any(owns_site(reader, site, markets[site.id]) for site in sites.values())


@dataclass(frozen=True, slots=True)
class Opened:
    case: CaseFile
    created: bool


def open_cases(transaction: Transaction, commands: Sequence[OpenCase]) -> Sequence[Opened | Exception]:
    """Job: puts case files down, with the goods that lie in them; one that is there stays as it is. Raises Conflict for
    a `ref` that was used for another."""
    keys = [ids.case_id(command.principal.recorder_id, command.ref) for command in commands]
    known = store.find(transaction.connection, keys)

    def put(command: OpenCase) -> Opened:
        principal = command.principal
        case = CaseFile(
            ids.case_id(principal.recorder_id, command.ref), transaction.now, principal.recorder_id, principal.person,
            principal.region, command.to_region,
            [{"kind": start.kind, "value": start.value} for start in command.starts], command.reason,
            len(command.custodies), "open",
        )  # fmt: skip
        before = known.setdefault(case.id, case)
        if before is not case:
            if (before.starts, before.reason, before.to_region) != (case.starts, case.reason, case.to_region):
                raise Conflict(
                    "ref-reused",
                    f"ref {command.ref} 已用于另一案卷，请换一个 · the ref was used for another case; use a new one",
                    identity=str(case.id),
                )
            return Opened(before, False)
        store.add(transaction.connection, case, command.custodies)
        return Opened(case, True)

    return decided(commands, put)


def change_cases(transaction: Transaction, commands: Sequence[ChangeCase]) -> Sequence[CaseFile | Exception]:
    """Job: closes cases, or notes that their file was sent."""
    known = store.find(transaction.connection, [command.case_id for command in commands])

    def change(command: ChangeCase) -> CaseFile:
        case = _seen(command.principal, known.get(command.case_id), command.case_id)
        if command.manifest_hash is not None:
            changed = store.save(
                transaction.connection, case, handed_at=transaction.now, manifest_hash=command.manifest_hash
            )
        else:
            changed = store.save(
                transaction.connection, case, state="closed", closed_at=case.closed_at or transaction.now
            )
        known[command.case_id] = changed
        return changed

    return decided(commands, change)


def find_case(database: Database, reader: Principal, case_id: UUID) -> CaseFile:
    """Raises NotFound for none that is the reader's."""
    with reading(database) as snapshot:
        return _seen(reader, store.find(snapshot, [case_id]).get(case_id), case_id)


def find_cases(
    database: Database, reader: Principal, after: tuple[datetime, UUID] | None, limit: int
) -> list[CaseFile]:
    """Those of the reader's region, the latest first. Raises Forbidden for who is no regulator."""
    if reader.role not in (Role.REGULATOR, Role.ADMIN):
        raise Forbidden("forbidden", "案卷由监管部门查阅 · Case files are for regulators to read")
    with reading(database) as snapshot:
        return store.page(snapshot, _prefix(reader), after, limit)


def _prefix(reader: Principal) -> str | None:
    return None if reader.role is Role.ADMIN else region_prefix(reader.region or "-")


def _seen(reader: Principal, case: CaseFile | None, case_id: UUID) -> CaseFile:
    theirs = reader.role is Role.ADMIN or (
        reader.role is Role.REGULATOR
        and case is not None
        and case.region is not None
        and case.region.startswith(_prefix(reader) or "")
    )
    if case is None or not theirs:
        raise NotFound("unknown-case", f"没有这个案卷：{case_id} · no case {case_id} of yours", identity=str(case_id))
    return case


# --- the file ---


class _Pipe(io.RawIOBase):
    """Where a zip is written to, and taken from in parts."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


@dataclass(slots=True)
class Handing:
    """One file of a case while it is sent. `looked` is called with each part of the chain before it is told."""

    database: Database
    files: FileStore
    reader: Principal
    case: CaseFile
    public_url: str
    secret: bytes
    now: datetime
    looked: Callable[[Trace], None]
    papers: Callable[[Sequence[Document]], None]
    done: Callable[[bytes], None]
    _listed: list[dict[str, Any]] = field(default_factory=list)

    def parts(self) -> Iterator[bytes]:
        """A zip: EPCIS, tables, pictures, papers, and at its end the manifest with the SHA-256 of each; `done` is
        called with the manifest's own before the last part is sent."""
        pipe = _Pipe()
        with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive, tempfile.TemporaryDirectory() as directory:
            epcis, sheets = Path(directory) / "epcis.jsonld", Path(directory) / "trace"
            with reading(self.database) as snapshot, epcis.open("wb") as file:
                keys = [key.bytes for key in store.custodies(snapshot, self.case.id)]
                file.writelines(chain_document(snapshot, keys, self.public_url, self.now))
            yield from self._put(archive, pipe, epcis.name, _read(epcis))
            sheets.mkdir()
            self._tables(sheets)
            for path in sorted(sheets.iterdir()):
                yield from self._put(archive, pipe, f"trace/{path.name}", _read(path))
            for number, start in enumerate(self._starts(), 1):
                for direction in _BOTH:
                    drawn = self._drawn(start, direction)
                    yield from self._put(archive, pipe, f"chain-{number}-{direction}.svg", [drawn.encode()])
            yield from self._documents(archive, pipe, keys)
            manifest = msgspec.json.format(msgspec.json.encode(self._manifest()), indent=1)
            with archive.open("manifest.json", "w") as entry:
                entry.write(manifest)
            self.done(hashlib.sha256(manifest).digest())
        yield pipe.take()

    def _starts(self) -> list[Start]:
        return [Start(start["kind"], start["value"]) for start in self.case.starts]

    def _put(self, archive: zipfile.ZipFile, pipe: _Pipe, name: str, parts: Iterable[bytes]) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        with archive.open(name, "w", force_zip64=True) as entry:
            for part in parts:
                entry.write(part)
                digest.update(part)
                size += len(part)
                if taken := pipe.take():
                    yield taken
        self._listed.append({"name": name, "bytes": size, "sha256": digest.hexdigest()})

    def _tables(self, directory: Path) -> None:
        """All sheets of the chains, as CSV and in one workbook."""
        with ExitStack() as stack:
            book = Workbook(directory / "trace.xlsx", {sheet.title: sheet.columns for sheet in SHEETS.values()})
            writers, told = {}, set[int]()
            for name, sheet in SHEETS.items():
                file = stack.enter_context((directory / f"{name}.csv").open("w", encoding="utf-8", newline=""))
                file.write(BOM)
                writers[name] = csv.writer(file)
                writers[name].writerow(sheet.columns)
            for start in self._starts():
                for direction in _BOTH:
                    pieces = stream(
                        self.database, self.reader, start, direction, now=self.now, secret=self.secret,
                        looked=self.looked,
                    )  # fmt: skip
                    for piece in pieces:
                        for name, sheet in SHEETS.items():
                            for row in sheet.rows(piece):
                                # A start stands in its chain back and in its chain forward.
                                if (key := hash((name, *row))) in told:
                                    continue
                                told.add(key)
                                writers[name].writerow(safe_row(row))
                                book.add(sheet.title, row)
            book.close()

    def _drawn(self, start: Start, direction: Direction) -> str:
        with reading(self.database) as snapshot:
            found = tracing.trace(
                snapshot, self.reader, start, direction, now=self.now, secret=self.secret, limits=Limits(nodes=DRAWN)
            )
            return draw(found, direction, markets=tracing.markets(snapshot, found))

    def _documents(self, archive: zipfile.ZipFile, pipe: _Pipe, keys: Sequence[bytes]) -> Iterator[bytes]:
        """The papers that speak for the goods, and those that came with what was bought outside."""
        with reading(self.database) as snapshot:
            listed = {UUID(bytes=row[1]) for row in chain.attachments(snapshot, keys)}
            papers = sorted(documents.find(snapshot, listed).values(), key=lambda paper: paper.id)
        self.papers(papers)
        for paper in papers:
            suffix = paper.media_type.rpartition("/")[2]
            name = f"documents/{paper.type}-{paper.id}.{suffix}"
            yield from self._put(archive, pipe, name, [self.files.get(paper.file_hash)])

    def _manifest(self) -> dict[str, Any]:
        case = self.case
        return {
            "case_id": str(case.id), "opened_at": case.record_time.isoformat(), "made_at": self.now.isoformat(),
            "region": case.region, "to_region": case.to_region, "reason": case.reason, "starts": case.starts,
            "custodies": case.custodies, "service": self.public_url, "files": self._listed,
        }  # fmt: skip


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(1 << 16):
            yield part
