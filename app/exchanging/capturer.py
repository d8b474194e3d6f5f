"""The capturer: threads of a process that take in what was posted. Several processes share the work by leases."""

import logging
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final

from app.domain.errors import Refusal
from app.domain.rights import Principal, Role
from app.exchanging import capturing
from app.exchanging.capturing import LEASE, PIECE, GiveBack, Limits
from app.exchanging.checking import Checked
from app.exchanging.helper import Helper
from app.exchanging.importing import Order, import_document
from app.exchanging.media import read_media
from app.exchanging.report import ImportReport
from app.exchanging.sources import Spooled
from app.store import capture_jobs as store
from app.store.capture_jobs import CaptureJob
from app.store.engine import Database, reading
from app.store.errors import StoreUnavailable
from app.store.writer import Writer

log = logging.getLogger(__name__)

IDLE: Final = 5.0  # seconds between two looks, however quiet it is: what another process left behind
NOTED: Final = LEASE.total_seconds() / 4  # seconds between two notes
PRUNE_SECONDS: Final = 3_600.0
TOGETHER: Final = 50
"""Events that are looked at before another job has its turn."""
TRIES: Final = 5
"""Of a document at which processes die."""
HELPED: Final = 100
"""Events of a document that another process looks at: fewer are done before it has begun."""
ERRORS: Final = 100
OUTCOMES: Final = 1_000
"""Of so many faults and events of a document a job tells one by one."""


class _GivenUp(Exception):
    """The process stops, or somebody else has the job."""


class _Turn:
    """One thread at a time computes, and whoever waits comes next: each write lets go of the interpreter for every row,
    and would wait to get it back from another thread that computes."""

    def __init__(self) -> None:
        self._held, self._next = threading.Lock(), threading.Lock()

    def __enter__(self) -> "_Turn":
        with self._next:
            self._held.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._held.release()

    def offer(self) -> None:
        """Lets another come in between."""
        self._held.release()
        self.__enter__()


class Capturer:
    """Three threads: one for whatever has waited longest, two for what is small, so that nobody waits behind a document
    of an hour, and the helper not for what of a document it has no part in. `count` is told how jobs ended."""

    def __init__(
        self, engine: Database, writer: Writer, limits: Limits, count: Callable[[str], None] = lambda name: None
    ) -> None:
        self._engine, self._writer, self._limits, self._count = engine, writer, limits, count
        self._ready = threading.Condition()
        self._turn = _Turn()
        self.helper = Helper()
        self._woken = 0
        self._closing = False
        self._pruned = monotonic()
        self._threads = [
            threading.Thread(target=self._run, args=(most,), name="capturer", daemon=True)
            for most in (None, PIECE, PIECE)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """What is at work is given back, and gone on with by whoever comes next."""
        with self._ready:
            self._closing = True
            self._ready.notify_all()
        self.helper.close()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def wake(self) -> None:
        """There is something to be captured. From any thread."""
        with self._ready:
            self._woken += 1
            self._ready.notify_all()

    def _run(self, most: int | None) -> None:
        while True:
            with self._ready:
                seen = self._woken
            found = False
            try:
                found = self._look(most)
                if most is None and monotonic() - self._pruned > PRUNE_SECONDS:
                    self._pruned = monotonic()
                    self._writer.submit(capturing.prune, None)
            except StoreUnavailable as error:
                log.warning("capture jobs cannot be worked at: %s", error)
            except Exception:
                log.exception("capture jobs could not be worked at")  # the others' must not end with this one
            if not found:
                self.helper.rest()
            with self._ready:
                if not found and not self._closing and self._woken == seen:
                    self._ready.wait(IDLE)
                if self._closing:
                    return

    def _look(self, most: int | None) -> bool:
        """Works at one job, if there is one to be worked at."""
        with reading(self._engine) as snapshot:
            key = store.due(snapshot, datetime.now(UTC), most)
        if key is None:
            return False
        row = self._writer.submit(capturing.take, key)
        if row is not None:
            self._work(row)
        return True

    def _work(self, row: CaptureJob) -> None:
        try:
            done = self._done(row)
        except _GivenUp:
            if self._closing:
                self._writer.submit(capturing.give_back, GiveBack(row, timedelta(0)))
            return
        except StoreUnavailable:
            self._writer.submit(capturing.give_back, GiveBack(row, timedelta(seconds=IDLE)))
            raise
        if self._writer.submit(capturing.finish, done):
            self._count("captures_done" if done.success else "captures_failed")

    def _done(self, row: CaptureJob) -> CaptureJob:
        """The job as it is to be finished. What fails is tried again when its lease has ended."""
        if row.attempts > TRIES:
            return _failed(
                row,
                "capture-failed",
                "处理该文档时服务多次中断，请拆分后重发，并告知运维方 · "
                "The service broke down several times over this document: split it, and tell the operator",
            )
        principal = Principal(row.key_id, Role(row.role), row.party_id, row.region, None, None)
        try:
            source = read_media(self._bytes(row), row.media_type)
            self._limits.require_events(source)
            since = row.created_at if row.attempts > 1 else None
            helper = self.helper if len(source) >= HELPED and isinstance(source, Spooled) else None
            with nullcontext() if helper is not None else self._turn as turn:
                progress = _Progress(self._writer, row, turn, lambda: self._closing)
                order = Order(principal, False, row.behaviour == "proceed", OUTCOMES, since, progress.told)
                report = import_document(self._writer, self._engine, source, order, helper)
            return _reported(row, len(source), report)
        except Refusal as refusal:
            return _failed(row, refusal.slug, refusal.detail, refusal.pointer or "")

    def _bytes(self, row: CaptureJob) -> bytearray:
        """Filled piece by piece: it is never there twice."""
        raw, at = bytearray(row.size), 0
        with reading(self._engine) as snapshot:
            for piece in store.pieces(snapshot, row.id):
                raw[at : at + len(piece)] = piece
                at += len(piece)
        return raw


class _Progress:
    """Notes every few seconds how far a job is, which keeps it ours; lets others come in between."""

    def __init__(self, writer: Writer, row: CaptureJob, turn: _Turn | None, closing: Callable[[], bool]) -> None:
        self._writer, self._row, self._turn, self._closing = writer, row, turn, closing
        self._noted = monotonic()
        self._told = 0

    def told(self, checked: Checked, recorded: int) -> None:
        """Raises _GivenUp."""
        if self._closing():
            raise _GivenUp
        self._told += 1
        if self._turn is not None and (recorded or self._told % TOGETHER == 0):
            self._turn.offer()
        if monotonic() - self._noted < NOTED:
            return
        self._noted = monotonic()
        row = replace(self._row, success=not checked.refusals, events=len(checked.source), handled=recorded)
        if not self._writer.submit(capturing.note, row):
            raise _GivenUp


def _reported(row: CaptureJob, events: int, report: ImportReport) -> CaptureJob:
    return replace(
        row,
        success=report.refused == 0,
        events=events,
        handled=events,
        counts=dict(report.counts),
        faults=report.refused,
        errors=[
            {"pointer": fault.pointer, "slug": fault.slug, "detail": fault.detail} for fault in report.refusals[:ERRORS]
        ],
        outcomes=[
            {
                "pointer": event.pointer,
                "status": event.status,
                "id": None if event.id is None else str(event.id),
                "eventID": event.epcis_event_id,
                "flags": [{"slug": slug, "detail": detail} for slug, detail in event.flags],
            }
            for event in report.events
        ],
        capture_id=report.capture_id,
    )


def _failed(row: CaptureJob, slug: str, detail: str, pointer: str = "") -> CaptureJob:
    return replace(row, success=False, faults=1, errors=[{"pointer": pointer, "slug": slug, "detail": detail}])
