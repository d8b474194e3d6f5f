"""What the code of one numbered unit answers (N, 一物一码): its lot's way, its own number, and whether to trust it."""

from dataclasses import replace
from datetime import datetime

from app.domain import codes
from app.domain.copies import BURST, DOUBTS, SHOWN, elsewhere, place_name, too_far
from app.domain.rights import Principal
from app.domain.rows import Code, Site
from app.issuing.units import holds, unit_job
from app.scanning import batches
from app.scanning.answer import Answer, Reason, Sightings
from app.scanning.names import Names
from app.store import scan as store
from app.store.engine import Snapshot
from app.store.lookups import Found, look_up
from app.store.scans import ScanCount, hour_of
from app.store.units import CodeRange, within

_INACTIVE = Reason(
    "pending",
    "这个码是真的，但还没有启用，不应出现在在售商品上 · "
    "The code is genuine but not in use yet: it should be on nothing that is sold",
)
_COPIED = (
    "这个码在相距很远的两地先后被扫，商品可能是仿冒的",
    "this code was scanned in places far apart within a short time: the item may be a copy",
)
_ELSEWHERE = (
    "这件商品不是在首次扫码的城市上架的，可能窜货或仿冒",
    "this item was put on sale in another city than where it was first scanned: it may be diverted or a copy",
)
_BURST = (
    "这个码在一小时内被扫了很多次，可能被复制",
    "this code was scanned many times within an hour: it may have been copied",
)
_WORDS = {"copied_code": _COPIED, "sold_elsewhere": _ELSEWHERE, "scan_burst": _BURST}


def unit(
    snapshot: Snapshot,
    code: codes.Code,
    found: Found,
    now: datetime,
    reader: Principal | None,
    place: str | None = None,
) -> Answer:
    """A unit, `found` with its job, as its lot, to somebody at a place (GB/T 2260), if that is known; the code's MAC
    has been checked."""
    number = codes.unit_name(code).counter
    job = found.one(store.JOBS)
    if job is None or not holds(job, number):
        raise batches.unknown(code.text)
    ranges = (store.IN_USE, store.WITHDRAWN)
    asked = dict.fromkeys(batches.LOT, (job.lot_id,)) | dict.fromkeys(ranges, (job.id,))
    behind = look_up(snapshot, asked, dict.fromkeys(ranges, (number,)))
    active, withdrawn = (within(behind.one(source), number) for source in ranges)
    before = found.one(store.COUNTS)
    row = Code(
        code.text,
        "unit",
        job.lot_id,
        "revoked" if withdrawn else "active",
        withdrawn.reason if withdrawn else None,
        None,
        job.record_time,
        withdrawn.record_time if withdrawn else None,
    )
    names = Names(snapshot, reader)
    on_sale_at = active.site_id if active is not None else None
    answer = batches.of_lot(snapshot, names, row, behind, now, reader, [on_sale_at])
    site = names.site(on_sale_at)
    doubts = _doubts(before, now, place if reader is None else None, active, withdrawn, site)
    reasons = [_INACTIVE] if "inactive_code" in doubts else []
    reasons += [Reason("incomplete", " · ".join(_WORDS[doubt])) for doubt in doubts if doubt in _WORDS]
    return replace(
        answer,
        kind="unit",
        lot={**(answer.lot or {}), "unit_number": number},
        reasons=reasons + answer.reasons,
        doubts=doubts,
        seen=_sightings(before),
    )


def at_once(answer: Answer) -> tuple[str, ...]:
    """What is doubtful of a unit by this scan alone; the rest is found as scans are noted."""
    fresh = ("revoked_code", "inactive_code", *(("sold_elsewhere",) if answer.seen is None else ()))
    return tuple(doubt for doubt in answer.doubts if doubt in fresh)


def _sightings(before: ScanCount | None) -> Sightings | None:
    if before is None:
        return None
    return Sightings(place_name(before.first_place), place_name(before.place), before.last_time)


def _doubts(
    before: ScanCount | None,
    now: datetime,
    place: str | None,
    active: CodeRange | None,
    withdrawn: CodeRange | None,
    site: Site | None,
) -> list[str]:
    """What speaks against the unit, which goes on sale at the site, the gravest first."""
    found = set()
    if withdrawn is not None:
        found.add("revoked_code")
    elif active is None:
        found.add("inactive_code")
    if before is not None:
        if before.doubt is not None and before.doubt_time is not None and now - before.doubt_time < SHOWN:
            found.add(before.doubt)
        if place is not None and too_far(place, now, before.place, before.placed_time):
            found.add("copied_code")
        if before.hour == hour_of(now) and before.hour_count >= BURST:
            found.add("scan_burst")
    elif place is not None and site is not None and elsewhere(place, site.region):
        found.add("sold_elsewhere")
    return [doubt for doubt in DOUBTS if doubt in found]


def exists(snapshot: Snapshot, code: codes.Code) -> bool:
    """Whether the unit was ever ordered."""
    return unit_job(snapshot, code) is not None
