"""What answers show of natural persons to readers with a key."""

from collections.abc import Iterable

from app.enrolling.looks import Look, at_paper
from app.scanning.answer import Answer, Shown


def at_answer(answer: Answer) -> list[Look]:
    """Looks at the contacts of suppliers, of papers and of one side's word."""
    region = (answer.site or {}).get("region")
    gaps = [*answer.gaps, *(gap for line in answer.lines or () for gap in line.gaps)]
    found = [
        look for gap in gaps for look in at_paper("gap", str(gap.node_id or answer.code), gap.source or {}, region)
    ]
    suppliers = (answer.own or {}).get("suppliers") or ()
    found += [
        look
        for supplier in suppliers
        for look in at_paper("supplier", supplier["code"] or answer.code, supplier, region)
    ]
    return list(dict.fromkeys(found))


def at_complaints(complaints: Iterable[Shown]) -> list[Look]:
    """Looks at how to reach reporters."""
    return [
        Look("complaint", str(shown["id"]), ("contact",), shown["region"]) for shown in complaints if shown["contact"]
    ]
