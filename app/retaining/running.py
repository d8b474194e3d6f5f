"""The run: archives and thins page by page. It can be stopped, killed and gone on with; two never run at a time.

A batch is on disk in the archive before it is deleted, and its deletion and the archive's length are one transaction:
what was written to the archive and not deleted is written over by whoever goes on.
"""

import hmac
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

from app.domain.retention import CAPTURED, PERSONAL, RECALLS, RULES, Rule, of_goods
from app.recording.tasks import Step, TakeTurn, give_back, note_step, take_turns
from app.retaining import archive, papers
from app.retaining.erasing import KINDS, Erase, erase
from app.retaining.planning import Plan, before, before_months, plan, still
from app.store import captures, deposits, entwined, schema, tables, tasks, thinning
from app.store import retention as store
from app.store.deposits import Deposit
from app.store.engine import Database, reading
from app.store.entwined import Piece
from app.store.files import FileStore
from app.store.retention import Guarded
from app.store.tasks import Task
from app.store.thinning import Taken
from app.store.writer import Transaction, Writer

NAME: Final = "retention"


@dataclass(frozen=True, slots=True)
class Report:
    """`rows`: taken away by table; `custodies` of them, or, dry, that would be; `looked`: custodies that were looked
    at; `entangled`: too much hangs together; `changed`: groups that somebody had changed meanwhile; `whole`: the run
    came to its end; `archive`: None where nothing was taken."""

    rows: dict[str, int]
    custodies: int
    looked: int
    entangled: int
    changed: int
    erased: int
    whole: bool
    archive: Path | None


def state(database: Database) -> Task:
    """How far a run has come, or what came of the last."""
    with reading(database) as snapshot:
        return tasks.read(snapshot, NAME)


def run(
    database: Database,
    writer: Writer,
    files: FileStore,
    directory: Path,
    master: bytes,
    *,
    clock: Callable[[], datetime],
    rules: Sequence[Rule] = RULES,
    dry: bool = False,
    stop: Callable[[], bool] = lambda: False,
    told: Callable[[int, int], None] = lambda looked, all_: None,
) -> Report | None:
    """Archives into `directory` and thins; a run that was cut off is gone on with. `dry` only counts. `told` hears how
    many custodies were looked at, of how many. None where another process runs. Raises ArchiveUnusable, OSError."""
    now, last = clock(), state(database).counts
    with reading(database) as snapshot:
        guard, all_ = store.guarded(snapshot, before_months(RECALLS, now)), store.custodies(snapshot)
    if dry:
        return _dry(database, rules, files, guard, now, all_, told)
    holder = uuid4()
    task = writer.submit(take_turns, TakeTurn(NAME, holder))
    if task is None:
        return None
    work = _Run(
        database,
        writer,
        directory,
        master,
        holder,
        files,
        tuple(rules),
        guard,
        stop,
        told,
        all_,
        _previous(last),
    )
    try:
        return work.go(task, now)
    except BaseException:
        writer.submit(give_back, Step(NAME, holder, work.place or None, work.counts))
        raise


def _previous(counts: dict[str, Any]) -> str | None:
    """The archive before the next, by what is known of the last run."""
    name: str | None = counts.get("archive") or counts.get("previous")
    return name


def _dry(
    database: Database,
    rules: Sequence[Rule],
    files: FileStore,
    guard: Guarded,
    now: datetime,
    all_: int,
    told: Callable[[int, int], None],
) -> Report:
    going: set[UUID] = set()
    looked = entangled = 0
    rows: Counter[str] = Counter()
    after: UUID | None = None
    with reading(database) as snapshot:
        while page := store.pages(snapshot, before(rules, now), after):
            found = plan(snapshot, [key for key in page if key not in going], rules, guard, now)
            for keys, _ in found.groups:
                rows += archive.summed(thinning.gather(snapshot, keys))
                # Those of pages to come; the others are not met again.
                going |= {key for key in keys if key > page[-1]}
            going = {key for key in going if key > page[-1]}
            looked += len(page)
            entangled += found.entangled
            after = page[-1]
            told(looked, all_)
        place: int | None = 0
        going = set()  # events that later pages lead to again
        while place is not None:  # of what has no goods already, without what will have none
            listed, tangled, place = entwined.loose(snapshot, before_months(CAPTURED, now), place)
            pieces = [piece for piece in listed if going.isdisjoint(piece.events)]
            going |= {key for piece in pieces if len(piece.events) > 1 for key in piece.events}
            rows += archive.summed(thinning.gather_loose(snapshot, pieces)) if pieces else Counter()
            entangled += tangled
        oldest: UUID | None = None
        while True:  # what nothing names already, without what will be named no more
            some, oldest = papers.going(snapshot, files, rules, now, oldest)
            rows["document"] += len(some)
            if oldest is None:
                break
    return Report(dict(+rows), rows["custody"], looked, entangled, 0, 0, True, None)


@dataclass(slots=True)
class _Run:
    database: Database
    writer: Writer
    directory: Path
    master: bytes
    holder: UUID
    files: FileStore
    rules: tuple[Rule, ...]
    guard: Guarded
    stop: Callable[[], bool]
    told: Callable[[int, int], None]
    all: int
    previous: str | None
    place: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)

    def go(self, task: Task, now: datetime) -> Report:
        self.counts = task.counts or {
            "rows": {}, "files": 0, "looked": 0, "entangled": 0, "changed": 0, "erased": 0, "archive": None,
            "previous": self.previous,
            "earliest": None, "latest": None, "all": self.all,
        }  # fmt: skip
        self.place = task.place or {
            "step": "custodies", "after": None, "begun": now.isoformat(), "path": None, "length": 0,
            "revision": schema.revision(self.database),
        }  # fmt: skip
        steps = (self._custodies, self._captured, self._receipts, self._papers, self._personal)
        whole = all(step(now) for step in steps)
        path = Path(self.place["path"]) if self.place["path"] else None
        if whole:
            if path is not None:
                kept = {name: self.counts[name] for name in ("rows", "files", "earliest", "latest", "erased")}
                archive.finish(path, self.place["length"], kept, now, self.rules, self.counts["previous"])
            self.writer.submit(_note, Step(NAME, self.holder, None, self.counts, done=True))
        else:
            self.writer.submit(give_back, Step(NAME, self.holder, self.place, self.counts))
        return Report(
            self.counts["rows"], self.counts["rows"].get("custody", 0), self.counts["looked"],
            self.counts["entangled"], self.counts["changed"], self.counts["erased"], whole, path,
        )  # fmt: skip

    def _custodies(self, now: datetime) -> bool:
        while self.place["step"] == "custodies":
            if self.stop():
                return False
            after = self.place["after"]
            with reading(self.database) as snapshot:
                page = store.pages(snapshot, before(self.rules, now), UUID(after) if after else None)
                found = plan(snapshot, page, self.rules, self.guard, now) if page else Plan([], 0)
            for keys, mark in found.groups:
                if not self._take(_Custodies(keys, mark, self, now)):
                    return False
            self.counts["looked"] += len(page)
            self.counts["entangled"] += found.entangled
            self.told(self.counts["looked"], self.all)
            self.place |= {"after": str(page[-1])} if page else {"step": "captured", "after": None}
            if not self.writer.submit(_note, self._step()):
                return False
        return True

    def _captured(self, now: datetime) -> bool:
        """Captured events of no goods, or of none that are left: of sensors, transactions, empty units."""
        limit = before_months(CAPTURED, now)
        while self.place["step"] == "captured":
            if self.stop():
                return False
            with reading(self.database) as snapshot:
                pieces, entangled, after = entwined.loose(snapshot, limit, int(self.place["after"] or 0))
            if pieces and not self._take(_Loose(pieces, self)):
                return False
            self.counts["entangled"] += entangled
            self.place |= {"step": "receipts", "after": None} if after is None else {"after": str(after)}
            if not self.writer.submit(_note, self._step()):
                return False
        return True

    def _receipts(self, now: datetime) -> bool:
        """Sales of no batch, after the longest time that any goods are kept for."""
        limit = before_months(max((rule.months for rule in of_goods(self.rules)), default=0), now)
        while self.place["step"] == "receipts":
            if self.stop():
                return False
            with reading(self.database) as snapshot:
                numbers, after = thinning.loose_receipts(snapshot, limit, int(self.place["after"] or 0))
            if numbers and not self._take(_Receipts(numbers, self)):
                return False
            self.place |= {"step": "papers", "after": None} if after is None else {"after": str(after)}
            if not self.writer.submit(_note, self._step()):
                return False
        return True

    def _papers(self, now: datetime) -> bool:
        """Papers that nothing names any more, with their files, which are taken away when their rows are."""
        while self.place["step"] == "papers":
            self._discard()
            if self.stop():
                return False
            after = self.place["after"]
            with reading(self.database) as snapshot:
                since = datetime.now(UTC)
                found, last = papers.going(
                    snapshot, self.files, self.rules, now, UUID(after) if after else None,
                    lambda: self.writer.submit(_note, self._step()),
                )  # fmt: skip
            for some in papers.batches(found):
                if not self._take(_Papers(some, since, self)):
                    return False
                self._discard()
            self.place |= {"step": "personal", "after": None} if last is None else {"after": str(last)}
            if not self.writer.submit(_note, self._step()):
                return False
        return True

    def _discard(self) -> None:
        """The files of what was taken in a step that is written; a later step notes that they are gone."""
        gone = self.place.get("files", {"hashes": (), "since": 0.0})
        for name in gone["hashes"]:
            self.counts["files"] += self.files.discard(bytes.fromhex(name), gone["since"])
        self.place.pop("files", None)

    def _personal(self, now: datetime) -> bool:
        """Who complained, answered for a recall or traded long ago is a hash; what it was about stays."""
        limit = before_months(PERSONAL, now)
        for kind in range(len(KINDS)):
            after: UUID | None = None
            while True:
                if self.stop():
                    return False
                erased = self.writer.submit(erase, Erase(kind, after, limit, self.hashed, self.counts, self._step))
                if erased is None:
                    return False
                after = erased.after
                if after is None:
                    break
        return True

    def _take(self, command: "_Custodies | _Loose | _Receipts | _Papers") -> bool:
        if self.place["path"] is None:
            begun = datetime.fromisoformat(self.place["begun"])
            path = self.directory / archive.name_of(begun)
            self.place |= {
                "path": str(path), "length": archive.header(path, begun, self.place["revision"], self.rules)
            }  # fmt: skip
            self.counts["archive"] = path.name
        return self.writer.submit(_thin, command)

    def _step(self) -> Step:
        return Step(NAME, self.holder, dict(self.place), dict(self.counts))

    def archived(self, taken: Taken) -> None:
        """Puts a batch into the archive, the files of its papers first, behind what is known to be whole."""
        path = Path(self.place["path"])
        for digest in sorted({row.file_hash for row in taken.gone[tables.document]}):
            line = archive.file_line(digest, self.files.get(digest))
            self.place["length"] = archive.append(path, self.place["length"], [line])
        self.place["length"] = archive.append(path, self.place["length"], archive.lines(taken))
        self.counts["rows"] = dict(Counter(self.counts["rows"]) + archive.summed(taken))
        times = [row.event_time.isoformat() for table in (tables.event, tables.receipt) for row in taken.gone[table]]
        for name, choose in (("earliest", min), ("latest", max)):
            known = [self.counts[name]] if self.counts[name] else []
            self.counts[name] = choose([*times, *known], default=None)

    def hashed(self, text: str) -> str:
        """Nobody finds a telephone number from it by trying all of them, without the master secret."""
        return f"hmac:{hmac.new(self.master, text.encode(), sha256).hexdigest()}"


@dataclass(frozen=True, slots=True)
class _Custodies:
    keys: list[UUID]
    mark: int
    run: _Run
    now: datetime


@dataclass(frozen=True, slots=True)
class _Loose:
    pieces: list[Piece]
    run: _Run


@dataclass(frozen=True, slots=True)
class _Receipts:
    numbers: list[int]
    run: _Run


@dataclass(frozen=True, slots=True)
class _Papers:
    papers: list[Deposit]
    since: datetime
    run: _Run


def _thin(transaction: Transaction, commands: Sequence[_Custodies | _Loose | _Receipts | _Papers]) -> Sequence[bool]:
    """Job: archives and deletes a group that is as it was planned; False where it is no longer this run's turn."""
    return [_thinned(transaction, command) for command in commands]


def _thinned(transaction: Transaction, command: _Custodies | _Loose | _Receipts | _Papers) -> bool:
    connection, run = transaction.connection, command.run
    files: set[bytes] = set()
    if isinstance(command, _Custodies):
        captures.serialise(connection)  # nothing is captured or published meanwhile
        store.lock(connection, command.keys)
        if not still(connection, command.keys, command.mark, run.rules, run.guard, command.now):
            run.counts["changed"] += 1
            return note_step(transaction, run._step())
        taken = thinning.gather(connection, command.keys)
    elif isinstance(command, _Loose):
        captures.serialise(connection)
        if not entwined.still_loose(connection, command.pieces):
            run.counts["changed"] += 1
            return note_step(transaction, run._step())
        taken = thinning.gather_loose(connection, command.pieces)
    elif isinstance(command, _Receipts):
        taken = thinning.gather_receipts(connection, command.numbers)
    else:
        taken, files = papers.gather(connection, command.papers, command.since)
    before = dict(run.place), dict(run.counts)
    try:
        run.archived(taken)
        if files:
            run.place["files"] = {"hashes": sorted(map(bytes.hex, files)), "since": time.time() - papers.FRESH}
        if not note_step(transaction, run._step()):
            run.place, run.counts = before
            return False
        thinning.take(connection, taken)
        deposits.mark(connection, taken.gone[tables.receipt])
    except BaseException:
        run.place, run.counts = before
        raise
    for table in (tables.custody, tables.lot):
        transaction.touched.update(row.id.hex for row in taken.gone[table])
    transaction.touched.update(row.code for row in taken.gone[tables.code])
    return True


def _note(transaction: Transaction, steps: Sequence[Step]) -> Sequence[bool]:
    """Job: how far the run has come."""
    return [note_step(transaction, step) for step in steps]
