"""Turns at long tasks: one process at a time, by a lease that each step renews; where it ends, another goes on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from app.store import tasks as store
from app.store.tasks import Task
from app.store.writer import Transaction

LEASE: Final = timedelta(minutes=5)  # longer than any step


@dataclass(frozen=True, slots=True)
class TakeTurn:
    """`every`: not before so long after the last run ended; a run that was cut off is gone on with at once."""

    name: str
    holder: UUID
    every: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """How far the holder has come; `done`: the run has ended."""

    name: str
    holder: UUID
    place: dict[str, Any] | None
    counts: dict[str, Any]
    done: bool = False


def take_turns(transaction: Transaction, commands: Sequence[TakeTurn]) -> Sequence[Task | None]:
    """Job: the task, whose holder the caller now is; None where another has it or it is not due."""
    return [_take(transaction, command) for command in commands]


def _take(transaction: Transaction, command: TakeTurn) -> Task | None:
    task, now = store.read(transaction.connection, command.name, lock=True), transaction.now
    if task.holder not in (None, command.holder) and task.lease_until is not None and task.lease_until > now:
        return None
    fresh = task.place is None
    if fresh and command.every is not None and task.finished_at is not None and task.finished_at + command.every > now:
        return None
    taken = replace(
        task, holder=command.holder, lease_until=now + LEASE, state="running",
        started_at=now if fresh else task.started_at, counts={} if fresh else task.counts,
    )  # fmt: skip
    store.save(transaction.connection, taken)
    return taken


def note_step(transaction: Transaction, step: Step) -> bool:
    """Notes a step within a job of the holder's; False where it is the holder no more: it stops, and what it was about
    to write is not written. A task that was cancelled takes this step, and has no holder then."""
    task, now = store.read(transaction.connection, step.name, lock=True), transaction.now
    if task.holder != step.holder:
        return False
    going_on = not step.done and task.state == "running"
    store.save(
        transaction.connection,
        replace(
            task,
            holder=step.holder if going_on else None,
            lease_until=now + LEASE if going_on else None,
            state=task.state if going_on else "idle",
            place=None if step.done else step.place,
            counts=step.counts,
            finished_at=now if step.done else task.finished_at,
        ),
    )
    return True


def give_back(transaction: Transaction, steps: Sequence[Step]) -> Sequence[None]:
    """Job: the holder stops before the end; whoever comes next goes on from there."""
    for step in steps:
        task = store.read(transaction.connection, step.name, lock=True)
        if task.holder == step.holder:
            given = replace(task, holder=None, lease_until=None, state="idle", place=step.place, counts=step.counts)
            store.save(transaction.connection, given)
    return [None] * len(steps)


def cancel(transaction: Transaction, names: Sequence[str]) -> Sequence[bool]:
    """Job: tells whoever runs the task to stop after its step; False where nobody runs it."""
    found = []
    for name in names:
        task = store.read(transaction.connection, name, lock=True)
        running = task.state == "running"
        if running:
            store.save(transaction.connection, replace(task, state="cancelled"))
        found.append(running)
    return found
