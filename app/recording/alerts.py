"""Alerts: raised with what causes them, in the same transaction, and read by who answers for the place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.alerts import SOLD, Alert, State, changed, raised
from app.domain.deciding import Decision, Record
from app.domain.errors import Forbidden, Invalid, NotFound
from app.domain.events import AnyEvent, Correct, Test
from app.domain.ledger import Ledger
from app.domain.rights import Principal, Role, authority
from app.domain.rows import Custody, Event, Site
from app.store import alerts as store
from app.store import master
from app.store.alerts import Asked
from app.store.engine import Database, reading
from app.store.writer import Transaction, decided


def find_alerts(
    database: Database, principal: Principal, asked: Asked, *, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[Alert]:
    """At most `limit` alerts that the principal may see, latest recorded first."""
    with reading(database) as snapshot:
        return store.search(snapshot, principal, asked, limit=limit, after=after)


def find_alert(database: Database, principal: Principal, key: UUID) -> Alert:
    """Raises NotFound for one that is not the principal's to see."""
    with reading(database) as snapshot:
        found = store.search(snapshot, principal, Asked(alert_id=key))
    if not found:
        raise _unknown(key)
    return found[0]


def count_alerts(database: Database, principal: Principal, asked: Asked) -> list[tuple[str, str, str, int]]:
    """(state, severity, slug, how many) of what the principal may see."""
    with reading(database) as snapshot:
        return store.counts(snapshot, principal, asked)


# --- the queue ---

WORKS_QUEUE = frozenset({Role.MARKET, Role.REGULATOR, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class ChangeAlert:
    """`assigned`: `owner` is to be set, None for nobody."""

    principal: Principal
    id: UUID
    state: State | None
    owner: UUID | None
    assigned: bool
    note: str | None


def change_alerts(transaction: Transaction, commands: Sequence[ChangeAlert]) -> Sequence[Alert | Exception]:
    """Job: what becomes of alerts, one change after another; the history has them all."""
    connection = transaction.connection
    rows = store.lock(connection, {command.id for command in commands})

    def decide(command: ChangeAlert) -> Alert:
        principal = command.principal
        if principal.role not in WORKS_QUEUE:
            raise Forbidden(
                "forbidden", "警报由市场和监管部门处理 · Alerts are for the market and the regulator to work on"
            )
        if command.id not in rows or not store.search(connection, principal, Asked(alert_id=command.id)):
            raise _unknown(command.id)
        owner = command.owner
        if owner is not None and owner != principal.key_id and not store.may_own(connection, owner):
            raise Invalid(
                "invalid", "owner 应为处理警报的密钥或人员 · owner is a key or person that works on alerts",
                pointer="/owner",
            )  # fmt: skip
        row = rows[command.id]
        rows[command.id] = changed(
            row, transaction.now, principal.key_id, authority(principal),
            own=principal.party_id is not None and principal.party_id == row.party_id,
            state=command.state, owner=owner, assigned=command.assigned, note=command.note,
        )  # fmt: skip
        return rows[command.id]

    results = decided(commands, decide)
    store.save(connection, rows.values())
    return results


def _unknown(key: UUID) -> NotFound:
    return NotFound("unknown-alert", f"没有这条警报：{key} · no alert {key}; check the id", identity=str(key))


# --- of sales ---


@dataclass(frozen=True, slots=True)
class Cause:
    """The first sale that an alert is about."""

    site_id: UUID
    device_id: UUID
    receipt_id: int
    custody_id: UUID | None
    event_time: datetime


def raise_for_sales(transaction: Transaction, causes: Mapping[tuple[str, UUID, date], Cause]) -> None:
    """`causes`: by slug, subject (a custody or a device) and day."""
    if not causes:
        return
    asked = [(cause.site_id, cause.event_time) for cause in causes.values()]
    sites = master.versions_at(transaction.connection, asked)
    for (slug, subject, day), cause in causes.items():
        site = sites.get((cause.site_id, cause.event_time))
        transaction.alerts.append(
            raised(
                slug, subject, day, None,
                site_id=cause.site_id, party_id=site.party_id if isinstance(site, Site) else None,
                device_id=cause.device_id, receipt_id=cause.receipt_id, custody_id=cause.custody_id,
                event_time=cause.event_time, record_time=transaction.now,
            )
        )  # fmt: skip


# --- of events ---


def raise_for_event(transaction: Transaction, ledger: Ledger, command: Record, decision: Decision) -> None:
    """What the flags of an event that has just been decided give rise to."""
    if decision.status != "recorded" or not decision.outcome["flags"]:
        return
    said = command.event
    if isinstance(said, Correct) and said.replacement is not None:
        said = said.replacement
    device_id = command.principal.device_id
    wanted = {"failed_test", *(SOLD if said.kind == "sell" else ()), *(("clock_ahead",) if device_id else ())}
    event = ledger.find(Event, UUID(decision.outcome["id"]))
    assert event is not None
    site = _where(ledger, event, said)
    for flag in decision.outcome["flags"]:
        if flag["slug"] in wanted:
            zh, _, en = flag["detail"].partition(" · ")
            transaction.alerts.append(
                raised(
                    flag["slug"], event.id, None, (zh, en),
                    site_id=site.id if site else event.site_id, party_id=site.party_id if site else None,
                    device_id=device_id, event_id=event.id, custody_id=getattr(said, "custody_id", None),
                    event_time=event.event_time, record_time=transaction.now,
                )
            )  # fmt: skip


def _where(ledger: Ledger, event: Event, said: AnyEvent) -> Site | None:
    """The site of the event; of a test the stall where the goods are, where that is within it: whose goods have failed
    is to know, and may contest it."""
    site = ledger.sites.get(event.site_id) if event.site_id else None
    goods = ledger.find(Custody, said.custody_id) if isinstance(said, Test) else None
    stall = ledger.sites.get(goods.site_id) if goods is not None and goods.site_id else None
    return stall if site is not None and stall is not None and stall.lies_in(site) else site


# --- of devices ---


@dataclass(frozen=True, slots=True)
class RefusedUse:
    """A device has shown a key that was its own and is not taken; `reason` as the refusal's slug."""

    device_id: UUID
    reason: str


_REASONS = {
    "device-locked": ("设备已锁定", "the device is locked"),
    "party-locked": ("摊位经营户已锁定", "the party of its stall is locked"),
    "key-revoked": ("密钥已作废", "its key is revoked"),
}


def note_refused(transaction: Transaction, uses: Sequence[RefusedUse]) -> Sequence[None]:
    """Job: an alert for each device and day of its site, however often it calls."""
    connection = transaction.connection
    devices = master.devices(connection, {use.device_id for use in uses})
    sites = master.sites(connection, {device.site_id for device in devices.values()})
    for use in uses:
        site = sites[devices[use.device_id].site_id]
        day = transaction.now.astimezone(ZoneInfo(site.time_zone)).date()
        transaction.alerts.append(
            raised(
                "refused_device", use.device_id, day, _REASONS[use.reason],
                site_id=site.id, party_id=site.party_id, device_id=use.device_id,
                event_time=transaction.now, record_time=transaction.now,
            )
        )  # fmt: skip
    return [None] * len(uses)
