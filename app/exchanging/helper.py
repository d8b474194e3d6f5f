"""Another process that computes for this one: it looks at the events of documents and drafts their rows, while this one
answers scans and writes.

All that it does are pure functions of what it is sent. Where it is killed it is started again and asked once more;
where that fails as well, this process computes for itself. It is started when it is first needed, sent away when it has
had nothing to do, and ends by itself when this process does, however that ended: nobody writes to it any more.
"""

import fcntl
import gc
import logging
import os
import pickle
import selectors
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from heapq import heappop, heappush
from itertools import count
from time import monotonic
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from app.domain.epcis.captured import CapturedEvent
from app.domain.epcis.context import Context
from app.domain.epcis.event_hash import hash_uri
from app.exchanging.looking import Look, look
from app.exchanging.sources import Source, Spooled, pointer_of, read_event
from app.store import drafts
from app.store.drafts import Draft
from app.store.types import from_micros

if TYPE_CHECKING:
    from app.exchanging.checking import Checked, Entry

log = logging.getLogger(__name__)

TOGETHER: Final = 500
"""Events that are sent at a time, and"""
SIZE: Final = 1_000_000
"""their bytes, unless one has more."""
REMEMBERED: Final = 2_000
"""Events that are not taken apart a second time to be drafted, of"""
SHORT: Final = 8_000
"""bytes at most."""
PATIENCE: Final = 3.0
"""Seconds to wait for it to begin; until it has, this process computes for itself."""
RESTS: Final = 60.0
"""Seconds without work, after which it is sent away."""
TURN: Final = 8
"""Questions of a document before another has its turn: those of one of 2,000 events."""
_TRIES: Final = 2
_PIPE: Final = 1 << 20  # bytes on the way, so that neither waits for the other to read
_COLLECTED: Final = 200  # questions between two looks for what refers to itself
_LENGTH = struct.Struct(">Q")


class _Line:
    """Of the documents that ask, the one that came first is next: while it is written the others are looked at. Were
    they served in turn, all would be looked at together, and then all be written together."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = count(1)
        self._places: WeakKeyDictionary[object, tuple[int, int]] = WeakKeyDictionary()
        self._waiting: list[int] = []
        self._taken = False

    @contextmanager
    def turn(self, document: object | None) -> Iterator[None]:
        """Waits until it is the document's, or nobody's in particular, who goes first."""
        with self._changed:
            number = 0 if document is None else self._place(document)
            heappush(self._waiting, number)
            self._changed.wait_for(lambda: not self._taken and self._waiting[0] == number)
            heappop(self._waiting)
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()

    @property
    def free(self) -> bool:
        return not self._taken and not self._waiting

    def _place(self, document: object) -> int:
        number, asked = self._places.get(document, (0, TURN))
        if asked >= TURN:  # a long one begins again at the end
            number, asked = next(self._numbers), 0
        self._places[document] = number, asked + 1
        return number


class Helper:
    """The other process, as this one sees it. For several threads."""

    def __init__(self) -> None:
        self._line = _Line()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = self._begun = self._awaited = False
        self._used = monotonic()

    @property
    def pid(self) -> int | None:
        """Of the process, where there is one."""
        process = self._process
        return None if process is None else process.pid

    def close(self) -> None:
        """Whoever waits for it computes for himself."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
        with self._line.turn(None):
            self._end()

    def rest(self) -> None:
        """Sends it away if it has had nothing to do for RESTS."""
        if self._line.free:
            with self._line.turn(None):
                if self._process is not None and monotonic() - self._used > RESTS:
                    self._end()

    def looks(self, source: Source, context: Context) -> Iterator[Look]:
        """What there is to see of each event."""
        for slice_ in _slices(source):
            pointers = [pointer_of(source, i) for i in slice_]
            seen = None
            if isinstance(source, Spooled):
                raws = [source.raw(i) for i in slice_]
                seen = self._ask(_looks, raws, context, pointers, document=source)
            if seen is not None:
                yield from seen
                continue
            for i, pointer in zip(slice_, pointers, strict=True):
                yield look(partial(source.event, i), context, pointer, source.bare)

    def draft(self, checked: "Checked", chunk: Sequence["Entry"], postgres: bool) -> Draft | None:
        """The rows of some events, where they can be drafted; see `drafts.draft`."""
        source = checked.source
        assert isinstance(source, Spooled)  # the pieces of others are not at hand
        named = [
            _Named(source.raw(one.at), one.key.bytes, one.own_id, one.kind, one.time, one.digest, checked.flags(one))
            for one in chunk
        ]
        found: Draft | None = self._ask(_draft, named, checked.own_context, postgres, document=source)
        return found

    def _ask(self, what: Callable[..., Any], *given: Any, document: object | None = None) -> Any:
        """What the function makes of what it is given; None where it cannot be had."""
        question = _packed((what, given))
        with self._line.turn(document):
            found = self._asked(question)
        try:  # while the next question is under way
            answer = None if found is None else pickle.loads(found)
        except Exception as error:
            answer = error
        if isinstance(answer, Exception):
            log.error("the capture helper could not do it", exc_info=answer)
            return None
        return answer

    def _asked(self, question: bytes) -> bytes | None:
        for _ in range(_TRIES):
            if self._closed:
                return None
            try:
                if self._process is None:
                    self._process, self._used = _started(), monotonic()
                process = self._process
                if not self._awake(process):
                    return None
                _send(process.stdin, question)
                answer = _receive(process.stdout)
            except Exception as error:  # whatever it was, nobody knows any more which question is answered next
                if not self._closed:
                    log.warning("the capture helper has ended, it is started again: %r", error)
                self._end()
                continue
            self._used = monotonic()
            return answer
        return None

    def _awake(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether it has begun: nobody waits long for it, since jobs are leased for seconds."""
        if self._begun:
            return True
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(0 if self._awaited else PATIENCE):
                self._awaited = True
                return False
        _receive(process.stdout)
        self._begun = True
        return True

    def _end(self) -> None:
        process, self._process = self._process, None
        self._begun = self._awaited = False
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    _closed(pipe)


def _slices(source: Source) -> Iterator[range]:
    start = size = 0
    for i in range(len(source)):
        size += source.size(i)
        if i > start and (i - start >= TOGETHER or size > SIZE):
            yield range(start, i)
            start, size = i, source.size(i)
    if len(source):
        yield range(start, len(source))


def _started() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        # -P: of what lies where the service was started it reads nothing.
        [sys.executable, "-P", "-c", f"from {__name__} import serve; serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    for pipe in (process.stdin, process.stdout):
        _widened(pipe)
    return process


def _widened(pipe: IO[bytes] | None) -> None:
    if sys.platform == "linux" and pipe is not None:
        try:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)
        except OSError:  # the system has less for everybody: both wait for each other more often
            log.debug("the pipes of the capture helper stay as they are", exc_info=True)


def _closed(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:  # what was still to be sent to a process that has ended
        log.debug("the capture helper ended before it was told all", exc_info=True)


def _packed(value: Any) -> bytes:
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def _send(pipe: IO[bytes] | None, data: bytes) -> None:
    assert pipe is not None
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def _receive(pipe: IO[bytes] | None) -> bytes:
    """Raises EOFError where nobody is there to send any more."""
    return _exactly(pipe, _LENGTH.unpack(_exactly(pipe, _LENGTH.size))[0])


def _exactly(pipe: IO[bytes] | None, size: int) -> bytes:
    assert pipe is not None
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data


# --- in the other process ---


class _Named(NamedTuple):
    """An event as it is written, with what is known of it by then, and what is wrong with it."""

    raw: bytes
    key: bytes
    own_id: str | None
    kind: str
    time: int
    digest: bytes
    said: Sequence[drafts.Said]


_seen: dict[bytes, CapturedEvent] = {}
"""Events as they are written, of those that were looked at last: their rows are likely to be drafted next."""


def _looks(raws: Sequence[bytes], context: Context, pointers: Sequence[str]) -> list[Look]:
    found = []
    for raw, pointer in zip(raws, pointers, strict=True):
        seen = look(partial(read_event, raw), context, pointer)
        if seen.good is not None and seen.good.event is not None:
            if len(raw) <= SHORT:
                _seen[raw] = seen.good.event
            seen = seen._replace(good=seen.good._replace(event=None))
        found.append(seen)
    if len(_seen) > REMEMBERED:
        _seen.clear()
    return found


def _draft(named: Sequence[_Named], context: Any, postgres: bool) -> Draft | None:
    return drafts.draft([(_event(one), one.said) for one in named], context, postgres)


def _event(one: _Named) -> CapturedEvent:
    key = UUID(bytes=one.key)
    event = _seen.pop(one.raw, None)
    if event is not None and event.event_id == key:  # in a document that declares other names it would be another
        return event
    return CapturedEvent(key, one.own_id, one.kind, from_micros(one.time), hash_uri(one.digest), read_event(one.raw))


def serve() -> None:
    """Answers one question after another, until nobody asks any more."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # they are for the service, which ends this when it has ended
    gc.freeze()
    gc.disable()  # what it makes refers to nothing that refers to it
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        try:
            _send(answers, _packed(None))  # it has begun
            for asked in count(1):
                what, given = pickle.loads(_receive(sys.stdin.buffer))
                try:
                    answer = what(*given)
                except Exception as error:  # who asked is told of it, and computes for himself
                    answer = RuntimeError(repr(error))
                _send(answers, _packed(answer))
                if asked % _COLLECTED == 0:
                    gc.collect()
        except (EOFError, BrokenPipeError):
            os._exit(0)
