"""What devices say of themselves when they call: that they are there, their firmware, and their own time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.alerts import raised
from app.domain.rows import DeviceReport
from app.store import master
from app.store import reports as store
from app.store.writer import Transaction

MOST = 2**31 - 1  # seconds that a clock is ahead as it is kept, 68 years


@dataclass(frozen=True, slots=True)
class Said:
    """`seen_at` is our clock, `device_time` the device's own at the same moment; None for what it did not say.
    `tolerance`: a clock that differs by more is an alert."""

    device_id: UUID
    seen_at: datetime
    firmware: str | None
    device_time: datetime | None
    tolerance: timedelta


def note_reports(transaction: Transaction, said: Sequence[Said]) -> Sequence[None]:
    """Job: keeps the latest of each device, and what it left out as it was; one alert a device, day and direction for a
    clock that is wrong. Touches nothing that anybody caches."""
    connection = transaction.connection
    known = store.reports(connection, [one.device_id for one in said])
    wrong: dict[UUID, Said] = {}
    for one in said:
        before = known.get(one.device_id, DeviceReport(one.device_id, one.seen_at, None, None))
        skew = before.clock_skew_seconds
        if one.device_time is not None:
            skew = min(round((one.device_time - one.seen_at).total_seconds()), MOST)
            if abs(skew) > one.tolerance.total_seconds():
                wrong[one.device_id] = one
        known[one.device_id] = DeviceReport(
            one.device_id, max(one.seen_at, before.seen_at), one.firmware or before.firmware, skew
        )
    store.save(connection, known.values())
    _raise(transaction, wrong, known)
    return [None] * len(said)


def _raise(transaction: Transaction, wrong: Mapping[UUID, Said], told: Mapping[UUID, DeviceReport]) -> None:
    if not wrong:
        return
    devices = master.devices(transaction.connection, wrong)
    sites = master.sites(transaction.connection, {device.site_id for device in devices.values()})
    for key, said in wrong.items():
        site, skew = sites[devices[key].site_id], told[key].clock_skew_seconds or 0
        assert said.device_time is not None
        transaction.alerts.append(
            raised(
                "clock_ahead" if skew > 0 else "clock_behind",
                key,
                said.seen_at.astimezone(ZoneInfo(site.time_zone)).date(),
                (f"{abs(skew)} 秒", f"{abs(skew)} seconds"),
                site_id=site.id,
                party_id=site.party_id,
                device_id=key,
                event_time=said.device_time,
                record_time=transaction.now,
            )
        )
