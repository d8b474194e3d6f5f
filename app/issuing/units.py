"""Numbered units (N, anti-counterfeit): ordered in bulk, put in use and withdrawn by ranges of numbers.

Their codes carry their own proof and are computed when they are asked for: twenty million of them are one row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from app.domain import codes
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound
from app.domain.rights import Principal, Role, owns_site
from app.store import codes as code_store
from app.store import master
from app.store import units as store
from app.store.engine import Database, Snapshot, reading
from app.store.units import CodeJob, CodeRange
from app.store.writer import Transaction, decided

LARGEST = 20_000_000  # units of one job
PLACES = 2_000  # of one lot, among which those of who orders are looked for

ORDERS = frozenset({Role.PRODUCER, Role.VENDOR, Role.MARKET, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class OrderUnits:
    """`count` numbered units of a lot, 1 to LARGEST; the same `ref` again is the same order."""

    principal: Principal
    ref: str
    lot_id: UUID
    count: int


@dataclass(frozen=True, slots=True)
class Ordered:
    """`created` is False where the same was ordered before."""

    job: CodeJob
    created: bool


@dataclass(frozen=True, slots=True)
class ChangeUnits:
    """Puts the units first..last in use (`active`; at `site_id` they go on sale), or withdraws them (`revoked`)."""

    principal: Principal
    job_id: UUID
    state: str
    first: int
    last: int
    site_id: UUID | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """A job, and how many of its units are in use and withdrawn."""

    job: CodeJob
    active: int
    revoked: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ends a job: no more of its codes are handed out or put in use."""

    principal: Principal
    job_id: UUID


@dataclass(frozen=True, slots=True)
class Downloaded:
    """The codes of a job up to this number were handed out."""

    job_id: UUID
    number: int


def order_units(transaction: Transaction, commands: Sequence[OrderUnits]) -> Sequence[Ordered | Exception]:
    """Job: writes what was ordered; the codes are not computed here."""
    connection = transaction.connection
    known = store.jobs(connection, {_job_id(command) for command in commands})
    lots = code_store.lots(connection, {command.lot_id for command in commands})
    makers = code_store.makers(connection, lots)
    number = store.next_number(connection)
    made: list[CodeJob] = []

    def decide(command: OrderUnits) -> Ordered:
        nonlocal number
        principal, key = command.principal, _job_id(command)
        if principal.role not in ORDERS:
            raise Forbidden(
                "forbidden",
                "单品码由生产者、经营户、市场或管理员订制 · Producers, vendors, markets and the operator order units",
            )
        if key in known:
            if (known[key].lot_id, known[key].count) != (command.lot_id, command.count):
                raise Conflict(
                    "ref-reused",
                    "此 ref 已用于另一任务 · This ref names another job: use a new one",
                    identity=command.ref,
                )
            return Ordered(known[key], False)
        if command.lot_id not in lots:
            raise Invalid("unknown-lot", "没有这个批次 · There is no such lot", pointer="/lot_id")
        maker = makers.get(command.lot_id)
        here = _own_site(connection, principal, command.lot_id, maker)
        job = CodeJob(
            key, number, command.lot_id, here, principal.party_id, principal.recorder_id, command.ref, command.count,
            "ready", 0, transaction.now,
        )  # fmt: skip
        number += 1
        known[key] = job
        made.append(job)
        return Ordered(job, True)

    results = decided(commands, decide)
    store.add_jobs(connection, made)
    return results


def _job_id(command: OrderUnits) -> UUID:
    return uuid5(command.principal.recorder_id, f"code-job/{command.ref}")


def _own_site(connection: Snapshot, principal: Principal, lot_id: UUID, maker: UUID | None) -> UUID:
    """Where the lot is the principal's: where it was made, else the first place of theirs that it came to."""
    sites = master.sites(connection, {*store.sites_with(connection, lot_id, PLACES), *([maker] if maker else [])})
    roots = master.markets(connection, sites.values())
    own = [site for site in sites.values() if owns_site(principal, site, roots[site.id])]
    if not own:
        raise Forbidden(
            "not-yours",
            "批次不在您名下：单品码由生产者或持有者订制 · The lot is not yours: its maker or holder orders its codes",
        )
    return min(own, key=lambda site: (site.id != maker, site.record_time, site.id)).id


def change_units(transaction: Transaction, commands: Sequence[ChangeUnits]) -> Sequence[Progress | Exception]:
    """Job: puts ranges in use or withdraws them; what is so already stays as it was. Nobody puts back in use what was
    withdrawn."""
    connection = transaction.connection
    jobs = store.lock(connection, {command.job_id for command in commands})
    sites = master.sites(connection, {command.site_id for command in commands if command.site_id})

    def decide(command: ChangeUnits) -> Progress:
        job = _theirs(command.principal, jobs.get(command.job_id))
        if not 1 <= command.first <= command.last <= job.count:
            raise Invalid(
                "invalid",
                f"编号在 1 至 {job.count} 之间，from 不大于 to · Numbers lie between 1 and {job.count}, from before to",
                pointer="/from",
            )
        if command.state == "active" and job.status == "cancelled":
            raise _cancelled()
        if command.site_id is not None and command.site_id not in sites:
            raise Invalid("unknown-site", "没有这个场所 · There is no such site", pointer="/site_id")
        there = store.ranges(connection, job.id, command.state, command.first, command.last)
        fresh = [
            CodeRange(
                job.id, command.state, first, last, command.site_id, command.reason, command.principal.recorder_id,
                transaction.now,
            )
            for first, last in uncovered(command.first, command.last, [(each.first, each.last) for each in there])
        ]  # fmt: skip
        store.add_ranges(connection, fresh)
        return progress(connection, job)

    return decided(commands, decide)


def uncovered(first: int, last: int, covered: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """What of first..last lies in none of the ranges, which are in order and do not overlap."""
    found = []
    for begin, end in covered:
        if first < begin:
            found.append((first, min(begin - 1, last)))
        first = max(first, end + 1)
    return [*found, (first, last)] if first <= last else found


def cancel_jobs(transaction: Transaction, commands: Sequence[Cancel]) -> Sequence[Progress | Exception]:
    """Job: cancels. Again changes nothing; units that are in use stay so."""
    connection = transaction.connection
    jobs = store.lock(connection, {command.job_id for command in commands})

    def decide(command: Cancel) -> Progress:
        job = _theirs(command.principal, jobs.get(command.job_id))
        if job.status == "ready":
            job = jobs[job.id] = replace(job, status="cancelled", cancelled_at=transaction.now)
            store.save_jobs(connection, [job])
        return progress(connection, job)

    return decided(commands, decide)


def note_downloads(transaction: Transaction, commands: Sequence[Downloaded]) -> Sequence[str]:
    """Job: how far codes were handed out; tells the status of each job, so that a download ends where it is
    cancelled."""
    connection = transaction.connection
    for command in sorted(commands, key=lambda command: (command.job_id, command.number)):
        store.note_downloaded(connection, command.job_id, command.number)
    jobs = store.jobs(connection, {command.job_id for command in commands})
    return [jobs[command.job_id].status for command in commands]


def find_job(database: Database, principal: Principal, job_id: UUID) -> Progress:
    """Raises NotFound for a job of others."""
    with reading(database) as snapshot:
        return progress(snapshot, _theirs(principal, store.jobs(snapshot, [job_id]).get(job_id)))


def codes_to_hand_out(database: Database, principal: Principal, job_id: UUID) -> CodeJob:
    """The job, where its codes may be handed out. Raises NotFound, Conflict where it is cancelled."""
    job = find_job(database, principal, job_id).job
    if job.status == "cancelled":
        raise _cancelled()
    return job


def progress(snapshot: Snapshot, job: CodeJob) -> Progress:
    totals = store.totals(snapshot, job.id)
    return Progress(job, totals.get("active", 0), totals.get("revoked", 0))


def unit_job(snapshot: Snapshot, code: codes.Code) -> CodeJob | None:
    """The job that a unit's code is of, where it was issued; its MAC has been checked."""
    name = codes.unit_name(code)
    job = store.numbered(snapshot, [name.job]).get(name.job)
    return job if job is not None and holds(job, name.counter) else None


def holds(job: CodeJob, number: int) -> bool:
    """Whether a unit of that number was ordered."""
    return 1 <= number <= job.count


def _theirs(principal: Principal, job: CodeJob | None) -> CodeJob:
    if job is None or (principal.role is not Role.ADMIN and principal.recorder_id != job.recorder_id):
        raise NotFound(
            "unknown-code-job", "没有这个赋码任务，或不在您名下 · There is no such job of yours: check the id"
        )
    return job


def _cancelled() -> Conflict:
    return Conflict("code-job-cancelled", "赋码任务已取消，请新建任务 · The job was cancelled: make a new one")
