"""A sweep (巡查): goes through the books step by step and raises what it finds as alerts.

It can be cut off anywhere: alerts and the place to go on from are one transaction, and an alert that was raised is not
raised again. Several processes take turns by a lease.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final
from uuid import UUID, uuid4

from app.domain.alerts import Alert, raised
from app.domain.balance import Rules
from app.domain.findings import KINDS, Finding
from app.domain.rights import Principal, Role
from app.overseeing import watching
from app.overseeing.watching import Watch
from app.recording.tasks import Step, TakeTurn, give_back, note_step, take_turns
from app.store import alerts as alert_store
from app.store import windows
from app.store.engine import Database, Snapshot, reading
from app.store.tasks import Task
from app.store.writer import Transaction, Writer
from app.tracing import findings
from app.tracing.findings import Place
from app.tracing.scope import Scope

NAME: Final = "sweep"
AT_ONCE: Final = 500  # alerts in one transaction
RECENT: Final = timedelta(days=2)  # what every sweep looks at
WHOLE: Final = timedelta(days=35)  # what the first of a day looks at
STEPS: Final = ("findings", "devices", "licences", "papers")
DAILY: Final = ("licences", "papers")

_EVERYTHING = Principal(UUID(int=0), Role.ADMIN, None, None, None, None)


@dataclass(frozen=True, slots=True)
class Sweep:
    """What came of one: alerts that were raised, by kind; `whole`: it came to its end."""

    raised: dict[str, int]
    whole: bool


@dataclass(frozen=True, slots=True)
class _Raise:
    alerts: Sequence[Alert]
    step: Step


def sweep(
    database: Database,
    writer: Writer,
    *,
    clock: Callable[[], datetime],
    rules: Rules = Rules(),
    watch: Watch = Watch(),
    every: timedelta | None = None,
    stop: Callable[[], bool] = lambda: False,
    told: Callable[[str, int], None] = lambda step, number: None,
) -> Sweep | None:
    """One sweep, from where the last was cut off; None where it is another's turn or not due (`every`). `stop` ends it
    after its step; `told` hears of each step and of how many alerts it raised."""
    holder = uuid4()
    task = writer.submit(take_turns, TakeTurn(NAME, holder, every))
    if task is None:
        return None
    run = _Run(database, writer, holder, rules, watch, stop, told, Counter(task.counts.get("raised", {})))
    whole = run.go(task, clock())
    return Sweep(dict(run.counts), whole)


@dataclass(slots=True)
class _Run:
    database: Database
    writer: Writer
    holder: UUID
    rules: Rules
    watch: Watch
    stop: Callable[[], bool]
    told: Callable[[str, int], None]
    counts: Counter[str]
    place: dict[str, Any] = field(default_factory=dict)

    def go(self, task: Task, now: datetime) -> bool:
        begun = task.place or {"step": STEPS[0], "until": now.isoformat(), "daily": _daily(task, now), "cursor": None}
        self.place = begun
        until = datetime.fromisoformat(begun["until"])
        try:
            for step in STEPS[STEPS.index(begun["step"]) :]:
                if step in DAILY and not begun["daily"]:
                    continue
                self.place = {**self.place, "step": step, "cursor": begun["cursor"] if step == begun["step"] else None}
                for alerts in self._found(step, until, begun["daily"]):
                    if not self._write(step, alerts):
                        return False
        except _Stopped:
            self.writer.submit(give_back, Step(NAME, self.holder, self.place, self._counted()))
            return False
        return self.writer.submit(raise_alerts, _Raise((), replace(self._step(), done=True))) is not None

    def _found(self, step: str, until: datetime, daily: bool) -> Iterator[list[Alert]]:
        if step == "findings":
            yield from self._findings(until, daily)
            return
        with reading(self.database) as snapshot:
            blocks = {
                "devices": lambda: watching.silent_devices(snapshot, self.watch, until),
                "licences": lambda: watching.licences(snapshot, until),
                "papers": lambda: watching.papers(snapshot, until),
            }[step]()
            for block in blocks:
                self._look()
                yield block

    def _findings(self, until: datetime, daily: bool) -> Iterator[list[Alert]]:
        """A snapshot for each block: a sweep of hours keeps no old rows alive."""
        cursor = self.place["cursor"]
        after = Place.decode(cursor) if cursor else None
        while True:
            with reading(self.database) as snapshot:
                scope = Scope(_everywhere(snapshot), until - (WHOLE if daily else RECENT), until)
                walk = findings.findings(
                    snapshot, scope, rules=self.rules, kinds=KINDS, after=after, passed=self._passed
                )
                block: list[Finding] = []
                stopped = False
                try:
                    for after, finding in islice(walk, AT_ONCE):
                        block.append(finding)
                        self.place = {**self.place, "cursor": after.encode()}
                except _Stopped:
                    stopped = True
            if block:
                yield [_alert(finding, until) for finding in block]
            if stopped:
                raise _Stopped
            if len(block) < AT_ONCE:
                return

    def _passed(self, at: Place) -> None:
        """A part is done: if it is to stop, it goes on from the next."""
        if self.stop():
            self.place = {**self.place, "cursor": at.encode()}
            raise _Stopped

    def _look(self) -> None:
        if self.stop():
            raise _Stopped

    def _write(self, step: str, alerts: list[Alert]) -> bool:
        new = self.writer.submit(raise_alerts, _Raise(alerts, self._step()))
        if new is None:
            return False
        self.counts.update(alert.slug for alert in new)
        self.told(step, len(new))
        return True

    def _step(self) -> Step:
        return Step(NAME, self.holder, self.place, self._counted())

    def _counted(self) -> dict[str, Any]:
        return {"raised": dict(self.counts), "step": self.place.get("step")}


class _Stopped(Exception):
    pass


def raise_alerts(transaction: Transaction, commands: Sequence[_Raise]) -> Sequence[list[Alert] | None]:
    """Job: raises what is not raised yet and notes how far the sweep has come; None where it is no longer the turn of
    who asks."""
    results: list[list[Alert] | None] = []
    for command in commands:
        if not note_step(transaction, command.step):
            results.append(None)
            continue
        known = alert_store.known(transaction.connection, [alert.id for alert in command.alerts])
        new = {alert.id: alert for alert in command.alerts if alert.id not in known}
        transaction.alerts += new.values()
        results.append(list(new.values()))
    return results


def _everywhere(snapshot: Snapshot) -> list[windows.Spot]:
    return windows.spots(snapshot, _EVERYTHING)


def _daily(task: Task, now: datetime) -> bool:
    """Whether this is the first of the day."""
    last = task.finished_at
    return last is None or last.astimezone(watching.HOME).date() < now.astimezone(watching.HOME).date()


def _alert(finding: Finding, now: datetime) -> Alert:
    return raised(
        finding.kind, finding.subject, finding.on, finding.about, site_id=finding.site_id, party_id=finding.party_id,
        custody_id=finding.custody_id, event_id=finding.event_id, event_time=finding.event_time, record_time=now,
    )  # fmt: skip
