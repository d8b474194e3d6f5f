"""What devices say of themselves as they call: off the way of the answer, one write a device and minute at most."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Header

from app.domain.rights import Principal
from app.recording import Said, note_reports
from app.store.errors import StoreUnavailable
from app.store.writer import Writer
from app.web.schemas import ClockTime, Short

log = logging.getLogger(__name__)

CAPACITY = 200_000  # devices
PERIOD = 60.0  # seconds between two notes of a device

DeviceTime = Annotated[
    ClockTime | None,
    Header(alias="X-Device-Time", description="the device's own clock as it sends this, RFC 3339 with an offset"),
]
DeviceFirmware = Annotated[
    Short | None, Header(alias="X-Device-Firmware", description="name and version, 64 characters")
]


class Reports:
    """The reports of one process."""

    def __init__(self, writer: Writer, tolerance: timedelta, clock: Callable[[], float] = time.monotonic) -> None:
        self._writer = writer
        self._tolerance = tolerance
        self._clock = clock
        self._noted: dict[UUID, float] = {}

    def note(self, principal: Principal, firmware: str | None, device_time: datetime | None) -> None:
        """Waits for nothing; where the queue is full the report is dropped: the next one is a minute away."""
        assert principal.device_id is not None
        now = self._clock()
        if now - self._noted.get(principal.device_id, -PERIOD) < PERIOD:
            return
        while len(self._noted) >= CAPACITY:
            self._noted.pop(next(iter(self._noted)), None)
        self._noted[principal.device_id] = now
        said = Said(principal.device_id, datetime.now(UTC), firmware, device_time, self._tolerance)
        try:
            self._writer.offer(note_reports, said, _noted)
        except StoreUnavailable as error:
            log.info("the report of device %s is not noted: %s", principal.device_id, error)


def _noted(result: Exception | None) -> None:
    if isinstance(result, Exception):
        log.info("the report of a device is not noted: %s", result)
