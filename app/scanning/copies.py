"""Copies: what the scans of single things give away, raised as alerts with the counts that it came with."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain import codes
from app.domain.alerts import Alert, raised
from app.domain.codes import CodeKind
from app.domain.copies import Seen, burst, place_name, too_far
from app.domain.rows import Site
from app.store import master, scans, units
from app.store.engine import Snapshot
from app.store.scans import ScanCount
from app.store.writer import Transaction

log = logging.getLogger(__name__)

ALERTS = 200  # of one transaction; somebody with a list of codes must not flood whoever looks into them
_CHINA = ZoneInfo("Asia/Shanghai")

# Those that later scans of the unit are told of as well.
_LASTING = ("copied_code", "sold_elsewhere")


@dataclass(frozen=True, slots=True)
class Forged:
    """A code whose signature is not ours was shown."""

    code: str
    time: datetime
    place: str | None


def note_forged(transaction: Transaction, commands: Sequence[Forged]) -> Sequence[None]:
    """Job: one alert a day for each job or device whose numbers were forged, however many."""
    owners = _Owners(transaction.connection, [command.code for command in commands])
    for command in commands:
        name = _named(codes.parse(command.code))
        transaction.alerts.append(owners.alert("forged_code", name, command, transaction.now))
    return [None] * len(commands)


def judge(
    transaction: Transaction,
    seen: Iterable[Seen],
    added: Mapping[str, int],
    now: Mapping[str, tuple[int, datetime, int]],
) -> None:
    """Holds new sightings of units against the earlier ones, notes where the units are now, and raises what is
    doubtful; `added` are the scans that were just written, whose rows are this transaction's alone, `now` what
    `scans.counted` has told since of those that may be too many."""
    wanted = sorted(seen, key=lambda each: each.time)
    single = [code for code in now if code[0] in (CodeKind.UNIT, CodeKind.RECEIPT)]
    busy = [code for code in single if burst(now[code][2] - added[code], now[code][2])]
    rows = scans.find(transaction.connection, {*busy, *(each.code for each in wanted if each.code in added)})
    found: dict[tuple[str, str], Seen] = {}
    changed: dict[str, ScanCount] = {}
    for each in wanted:
        row = rows.get(each.code)
        if row is None:  # there was no room to count it
            continue
        doubts = list(each.doubts)
        if each.place is not None:
            if too_far(each.place, each.time, row.place, row.placed_time):
                doubts.append("copied_code")
            first = row.first_place if row.placed_time else each.place
            row = replace(row, first_place=first, place=each.place, placed_time=each.time)
            rows[each.code] = changed[each.code] = row
        for doubt in doubts:
            found.setdefault((doubt, each.code), each)
            if doubt in _LASTING and row.doubt != "copied_code":
                row = replace(row, doubt=doubt, doubt_time=each.time)
                rows[each.code] = changed[each.code] = row
    for code in busy:
        found.setdefault(("scan_burst", code), Seen(code, transaction.now, rows[code].place))
    scans.place(transaction.connection, changed.values())
    _raise(transaction, found)


def _raise(transaction: Transaction, found: Mapping[tuple[str, str], Seen]) -> None:
    if len(found) > ALERTS:
        log.warning("%d doubts about codes, %d are raised", len(found), ALERTS)
    kept = sorted(found.items())[:ALERTS]
    owners = _Owners(transaction.connection, [code for (_, code), _ in kept])
    for (doubt, code), seen in kept:
        transaction.alerts.append(owners.alert(doubt, code, seen, transaction.now))


def _named(code: codes.Code) -> str:
    """What a code says that it is of: a job or a device."""
    if code.kind is CodeKind.UNIT:
        return f"{code.kind}{codes.unit_name(code).job}"
    return f"{code.kind}{codes.receipt_name(codes.receipt_id_of(code)).device_number}"


class _Owners:
    """Whose units and receipts these are, as far as they say; a forged one may name nobody."""

    def __init__(self, connection: Snapshot, texts: Iterable[str]) -> None:
        parsed = [codes.parse(text) for text in dict.fromkeys(texts)]
        of_units = {code.text: codes.unit_name(code).job for code in parsed if code.kind is CodeKind.UNIT}
        receipts = {
            code.text: codes.receipt_name(codes.receipt_id_of(code)).device_number
            for code in parsed
            if code.kind is CodeKind.RECEIPT
        }
        jobs = units.numbered(connection, of_units.values())
        devices = master.device_numbers(connection, receipts.values())
        self._devices = {text: devices[n].id for text, n in receipts.items() if n in devices}
        places = {text: jobs[n].site_id for text, n in of_units.items() if n in jobs}
        places |= {text: devices[n].site_id for text, n in receipts.items() if n in devices}
        self._parties = {text: jobs[n].party_id for text, n in of_units.items() if n in jobs}
        sites = master.sites(connection, places.values())
        self._sites: dict[str, Site] = {text: sites[key] for text, key in places.items()}

    def alert(self, slug: str, subject: str, seen: Seen | Forged, now: datetime) -> Alert:
        """About a code, or about a job or device, on the day of its place."""
        site = self._sites.get(seen.code)
        party: UUID | None = self._parties.get(seen.code) or (site.party_id if site else None)
        zh, en = place_name(seen.place)
        about = (f"{seen.code}{'，' + zh if zh else ''}", f"{seen.code}{'; ' + en if en else ''}")
        day = now.astimezone(ZoneInfo(site.time_zone) if site else _CHINA).date()
        return raised(
            slug,
            subject,
            day,
            about,
            site_id=site.id if site else None,
            party_id=party,
            device_id=self._devices.get(seen.code),
            event_time=seen.time,
            record_time=now,
        )
