"""Hearing that the server is about to stop. It tells the application only when every answer is out, and waits for those
that never end."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def hearing_the_end(told: Callable[[], None]) -> Iterator[None]:
    """Calls `told` on SIGINT and SIGTERM, before whoever listens to them already. Off the main thread nobody hears
    signals: whoever runs a server there ends the streams himself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def heard(number: int, frame: FrameType | None) -> None:
        told()
        listener = before[signal.Signals(number)]
        if callable(listener):
            listener(number, frame)

    for number, listener in before.items():
        if callable(listener):  # else the process just ends
            signal.signal(number, heard)
    try:
        yield
    finally:
        for number, listener in before.items():
            if callable(listener):
                signal.signal(number, listener)
