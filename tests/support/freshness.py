"""Whatever is kept of answers is what would be read now: held against the database when a test is over."""

from datetime import UTC, datetime

from app import scanning
from app.store.engine import reading
from app.web.representations import render
from app.web.service import Service


def stale_answers(service: Service) -> list[str]:
    """Codes, representations and languages of answers that a scan would get and that are not right, but for the count
    of scans in them."""
    now = datetime.now(UTC)
    found = []
    for key, made in service.scans.kept():
        code, kind, language = key
        if made.value is None or made.valid_until <= now:
            continue
        with reading(service.engine) as snapshot:
            answer = scanning.scan(snapshot, code, now, None, service.master)
        rendering = render(answer, kind, language, now, service.settings.public_url)
        kept = made.value.body
        whole = kept == rendering.head if rendering.tail is None else _holds(kept, rendering.head, rendering.tail)
        if not whole:
            found.append(f"{code} {kind} {language}")
    return found


def _holds(kept: bytes, head: bytes, tail: bytes) -> bool:
    return len(kept) > len(head) + len(tail) and kept.startswith(head) and kept.endswith(tail)
