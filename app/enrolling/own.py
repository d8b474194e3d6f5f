"""What a device is told of itself: its place, the header of its receipts, where its numbering goes on; and what it said
of itself when it last called."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.domain import codes
from app.domain.errors import Forbidden
from app.domain.rights import Principal
from app.domain.rows import Device, DeviceReport, Party, Site
from app.store import master
from app.store import reports as store
from app.store.engine import Snapshot
from app.store.stock import highest_receipt


@dataclass(frozen=True, slots=True)
class OwnDevice:
    """`market` is the topmost site above (itself for a shop that stands alone), `party` who runs the stall.

    `next_counter` is one above the highest that has come in under this epoch: where a reset scale goes on, unless it
    has printed receipts that it has not uploaded."""

    device: Device
    site: Site
    market: Site
    party: Party
    next_counter: int


def find_own(snapshot: Snapshot, principal: Principal) -> OwnDevice:
    """Raises Forbidden for anybody but a device."""
    require_device(principal)
    assert principal.device_id is not None
    device = master.devices(snapshot, [principal.device_id])[principal.device_id]
    site = master.sites(snapshot, [device.site_id])[device.site_id]
    market = master.markets(snapshot, [site])[site.id]
    party = master.parties(snapshot, [site.party_id])[site.party_id]
    first = codes.receipt_id(device.number, device.epoch, 0)
    highest = highest_receipt(snapshot, first, first + codes.COUNTERS)
    return OwnDevice(device, site, market, party, 0 if highest is None else highest - first + 1)


def last_reports(snapshot: Snapshot, device_ids: Sequence[UUID]) -> dict[UUID, DeviceReport]:
    """What each of the devices last said of itself, for those that ever called. Any call counts as having been seen,
    to the minute."""
    said = store.reports(snapshot, device_ids)
    for key, called in store.last_calls(snapshot, device_ids).items():
        report = said.get(key, DeviceReport(key, called, None, None))
        said[key] = replace(report, seen_at=max(report.seen_at, called))
    return said


def require_device(principal: Principal) -> None:
    """Raises Forbidden for anybody but a device."""
    if principal.device_id is None:
        raise Forbidden(
            "forbidden",
            "此地址供设备自己使用，请用激活得到的密钥 · This address is for a device: use the key from its activation",
        )
