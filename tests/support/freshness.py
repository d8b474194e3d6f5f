"""Whatever is kept of answers is what would be read now: held against the database when a test is over."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from sqlalchemy import select

from app import scanning
from app.domain import codes
from app.scanning.stands import stand
from app.store import tables
from app.store.engine import reading
from app.web.representations import KINDS, render
from app.web.service import Service

RECEIPTS = 5


def settled(service: Service) -> None:
    """Waits until the feed has told whatever was written before: a page that is kept from now on stays."""
    begun = time.monotonic()
    while time.monotonic() - service.tail.age < begun:
        time.sleep(0.01)


def stale_answers(service: Service) -> list[str]:
    """Codes, representations and languages of answers that a scan would get and that are not right, but for the count
    of scans in them."""
    now = datetime.now(UTC)
    found = []
    for key, made in service.scans.kept():
        code, kind, language = key
        if made.value is None or not made.right(now):
            continue
        with reading(service.engine) as snapshot:
            answer = scanning.scan(snapshot, code, now, None, service.master)
        rendering = render(answer, kind, language, now, service.settings.public_url)
        kept = made.value.body
        whole = kept == rendering.head if rendering.tail is None else _holds(kept, rendering.head, rendering.tail)
        if not whole:
            found.append(f"{code} {kind} {language}")
    with reading(service.engine) as snapshot:
        numbers = snapshot.scalars(select(tables.receipt.c.id).limit(RECEIPTS)).all()
    if not numbers:
        return found
    # In a thread of its own: the one that drives a browser has an event loop already.
    with ThreadPoolExecutor(1) as thread:
        return found + thread.submit(lambda: asyncio.run(_stale_receipts(service, numbers, now))).result()


async def _stale_receipts(service: Service, numbers: Sequence[int], now: datetime) -> list[str]:
    """Of these receipts, what a form that is kept makes of them and their own page does not say."""
    found = []
    with reading(service.engine) as snapshot:
        for number in numbers:
            name = codes.receipt_name(number)
            text = codes.receipt_code(codes.receipt_secret(service.master, name.device_number, name.epoch), number)
            answer = scanning.scan(snapshot, text, now, None, service.master)
            for kind in KINDS:
                told = await service.receipts.find(codes.parse(text), kind, "zh", compressed=False)
                wanted = render(answer, kind, "zh", now, service.settings.public_url)
                if told and not _holds(told.body, wanted.head, wanted.tail or b""):
                    found.append(f"{text} {kind}")
    return found


def stale_stands(service: Service) -> list[str]:
    """Places whose part of a board is kept and not right."""
    now = datetime.now(UTC)
    found = []
    for key, made in service.boards.kept():
        with reading(service.engine) as snapshot:
            if made.right(now) and stand(snapshot, key, now) != made.value:
                found.append(f"the stand of {key}")
    return found


def _holds(kept: bytes, head: bytes, tail: bytes) -> bool:
    return len(kept) > len(head) + len(tail) and kept.startswith(head) and kept.endswith(tail)
