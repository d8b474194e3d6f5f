"""What came of a document: of every event of it, and of the whole."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from app.domain.epcis.faults import Fault

Status = Literal["recorded", "duplicate", "refused"]


@dataclass(frozen=True, slots=True)
class EventOutcome:
    """One event of the document. `id` is None where it was refused; `flags` are (slug, detail), `reasons` faults."""

    pointer: str
    status: Status
    id: UUID | None
    epcis_event_id: str | None
    flags: Sequence[tuple[str, str]] = ()
    reasons: Sequence[Fault] = ()


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code of goods that the document concerns; `minted` with this import."""

    code: str
    kind: Literal["custody", "lot"]
    epc: str
    product: str
    lot_number: str
    site: str | None
    minted: bool


@dataclass(frozen=True, slots=True)
class ImportReport:
    """`capture_id` is None where nothing was taken in. `events`: those whose outcome was asked for, the first of the
    document. `faults`: what is wrong with it outside its events. `counts`: how many events were recorded, duplicate,
    refused, and how many of all are flagged. `refused`: how many refusals there are, `refusals` lists the first."""

    capture_id: UUID | None
    events: Sequence[EventOutcome] = ()
    faults: Sequence[Fault] = ()
    codes: Sequence[IssuedCode] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0
    refusals: Sequence[Fault] = ()

    def shown(self, public_url: str) -> dict[str, Any]:
        """As `POST /captures` answers."""
        return {
            "id": str(self.capture_id) if self.capture_id is not None else None,
            **self.counts,
            "events": [
                {
                    "pointer": event.pointer,
                    "status": event.status,
                    "id": str(event.id) if event.id is not None else None,
                    "epcis_event_id": event.epcis_event_id,
                    "flags": [{"slug": slug, "detail": detail} for slug, detail in event.flags],
                    "reasons": [_fault(reason) for reason in event.reasons],
                }
                for event in self.events
            ],
            "faults": [{**_fault(fault), "severity": fault.severity} for fault in self.faults],
            "codes": [
                {
                    "code": code.code,
                    "url": f"{public_url}/c/{code.code}",
                    "kind": code.kind,
                    "epc": code.epc,
                    "product": code.product,
                    "lot_number": code.lot_number,
                    "site": code.site,
                    "minted": code.minted,
                }
                for code in self.codes
            ],
        }


def _fault(fault: Fault) -> dict[str, str]:
    return {"pointer": fault.pointer, "slug": fault.slug, "detail": fault.detail}


LISTED = 50  # lines of one sort for a terminal


def lines(name: str, report: ImportReport, public_url: str) -> Iterator[str]:
    """The report for a terminal, Chinese before English."""
    counts = report.counts
    if report.capture_id is None:
        yield f"{name}: 未接收，共 {report.refused} 处错误 · refused, {report.refused} faults"
    else:
        yield (
            f"{name}: 新增 {counts['recorded']}，已有 {counts['duplicate']}，拒绝 {counts['refused']}，"
            f"标记 {counts['flagged']} · recorded {counts['recorded']}, there already {counts['duplicate']}, "
            f"refused {counts['refused']}, flagged {counts['flagged']}; capture {report.capture_id}"
        )
    yield from _some([f"  ✗ {fault.pointer or '/'} {fault.slug}: {fault.detail}" for fault in report.refusals])
    if report.capture_id is not None:
        yield from _some(_notes(report))
    for code in report.codes:
        where = code.site if code.kind == "custody" else "源头批次 lot as made"
        new = "新 new" if code.minted else "已有 kept"
        yield f"  {public_url}/c/{code.code}  {code.product} {code.lot_number} · {where or '?'} · {new}"


def _notes(report: ImportReport) -> list[str]:
    """Flags, each once with the places of all events that bear it."""
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for fault in report.faults:
        places[fault.slug, fault.detail].append(fault.pointer or "/")
    for event in report.events:
        for said in event.flags:
            places[said].append(f"#{event.pointer.rpartition('/')[2]}" if event.pointer else "/")
    shown = {said: " ".join(where[:LISTED]) + (" …" if len(where) > LISTED else "") for said, where in places.items()}
    return [
        f"  ! {slug}: {detail} ({shown[slug, detail]})" for slug, detail in sorted(places, key=lambda said: said[0])
    ]


def _some(listed: list[str]) -> Iterator[str]:
    yield from listed[:LISTED]
    if len(listed) > LISTED:
        yield f"  … 还有 {len(listed) - LISTED} 处 · and {len(listed) - LISTED} more"
