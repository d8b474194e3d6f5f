"""`GET /c/R…` at the cost of one read: what receipts of the same goods have in common is rendered once and kept.

A receipt is scanned once or never, so it is not kept itself. What it tells (stall, goods, ways, states, papers) it
shares with every other sale of the same batches at the same stall; its own are the code, the sale's id and the times.
The first of them makes a form with holes; of every further one a row is read, together with all that are asked for in
the same tick of the event loop, and fills the holes. What is told of a line is kept for itself: of twenty batches there
are more sets than receipts, and a form of goods that were told of before reads nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import msgspec

from app.domain import codes
from app.domain.ids import event_text
from app.scanning.counting import NEVER, Scans
from app.scanning.receipts import Stall, Told, goods_told
from app.store.dependencies import depends_on
from app.store.engine import Database, reading
from app.store.errors import QueueFull, StoreUnavailable
from app.store.receipts import ReceiptReader, Sold, goods_of, lines_of
from app.store.types import from_micros
from app.web.counts import ScanCounts
from app.web.forms import KINDS, Filled, Form, Own, form, line_drawn
from app.web.gathering import Gathered
from app.web.i18n import Language
from app.web.memo import Made, Memo, Usage
from app.web.middleware import completing
from app.web.pages import HOME
from app.web.representations import next_quarter, own_headers
from app.web.together import Together

FORMS = 16_000_000  # bytes of forms, beside what is told of lines
TOLD = 32_000_000  # bytes of what is told of lines and stalls
APART = 8  # lines told of together that are kept each for itself: whatever changes of one drops them all
SIGNERS = 10_000  # devices whose secret is remembered
_OVERHEAD = 2_000  # bytes a form, beside its text
_OBJECTS = 6  # times the JSON of a line are the objects that it is kept as, and what is drawn of it

Key = tuple[str, str, str, Language]  # site, lines, representation


_uuid = lru_cache(SIGNERS)(UUID)


@lru_cache(2_000)
def _epoch(minutes: int) -> datetime:
    """1970 UTC in a zone so many minutes east: what is added to it is told there."""
    return from_micros(0).astimezone(timezone(timedelta(minutes=minutes)))


class Piece(NamedTuple):
    """What is told of a line or a stall, and what of the feed it depends on. `drawn`: the line in each representation
    and language that it was asked for in, alone or not, and of which year its days are told without it."""

    told: Told | Stall
    depends_on: frozenset[str]
    drawn: dict[tuple[str, Language, bool, int], bytes]


class ReceiptScans:
    """The receipts that this process is asked for."""

    def __init__(
        self, engine: Database, master: bytes, public_url: str, counts: ScanCounts, feed_age: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._master = master
        self._public_url = public_url
        self._counts = counts
        self._complete = completing(public_url)
        self._forms: Memo[Key, Form] = Memo(feed_age, FORMS)
        self._pieces: Memo[str, Piece] = Memo(feed_age, TOLD)
        self._together: Together[Key, Form] = Together()
        self._signers: dict[tuple[int, int], codes.ReceiptSigner] = {}
        self._reader = ReceiptReader(engine)
        self._sold: Gathered[tuple[int, str], Sold | None] = Gathered(self._reader.read, self._reader.most)

    async def find(self, code: codes.Code, kind: str, language: Language, compressed: bool) -> Filled | None:
        """The answer to a parsed receipt code; None where the route has to give it: forged, not come in yet, claimed
        twice, sold under another name, or the database is away. Raises QueueFull."""
        number, mac = codes.receipt_parts(code)
        name = codes.receipt_name(number)
        if kind not in KINDS or not self._authentic(number, mac, name):
            return None
        try:
            sold = await self._sold.ask((number, code.text))
            if sold is None or sold.claimed:
                return None
            now = datetime.now(UTC)
            key = sold.site_id, sold.lines, kind, language
            found = self._forms.get(key, now) or await self._form(key)
        except QueueFull:
            raise
        except StoreUnavailable:
            return None
        sold_at = _epoch(sold.utc_offset) + timedelta(microseconds=sold.event_time)
        if sold_at < found.since:  # it names what was called otherwise then
            return None
        own = Own(
            code,
            event_text(_uuid(sold.device_id), f"{name.epoch}/{name.counter}"),
            sold_at,
            max(found.record_time, from_micros(sold.record_time)),
            self._counts.with_one_more(code.text, Scans(sold.scans, sold.first_scan) if sold.scans else NEVER, now),
        )
        return found.filled(own, compressed)

    def forget(self, touched: Iterable[str]) -> None:
        """What the feed calls for every change."""
        # Pieces first: a form that is begun in between is made of new ones.
        self._pieces.forget(touched)
        self._forms.forget(touched)

    def forget_all(self) -> None:
        """What the feed calls where it was lost."""
        self._pieces.forget_all()
        self._forms.forget_all()

    @property
    def usage(self) -> Usage:
        """How the forms have served."""
        return self._forms.usage

    @property
    def lines_usage(self) -> Usage:
        """How what is told of lines has served."""
        return self._pieces.usage

    def close(self) -> None:
        self._reader.close()

    def _authentic(self, number: int, mac: int, name: codes.ReceiptName) -> bool:
        key = name.device_number, name.epoch
        signer = self._signers.get(key)
        if signer is None:
            if len(self._signers) >= SIGNERS:
                self._signers.clear()
            signer = self._signers[key] = codes.ReceiptSigner(codes.receipt_secret(self._master, *key))
        return signer.signed(number, mac)

    # --- forms ---

    async def _form(self, key: Key) -> Form:
        return await self._together.get(key, lambda: self._forms.make(key, lambda: self._make(key)))

    def _make(self, key: Key) -> Made[Form]:
        site, sold, kind, language = key
        lines = lines_of(sold)
        now = datetime.now(UTC)
        wanted = list(dict.fromkeys([site, *lines]))
        pieces = {each: piece for each in wanted if (piece := self._pieces.get(each, now)) is not None}
        missing = [each for each in wanted if each not in pieces]
        if len(missing) > APART:
            pieces |= {each: made.value for each, made in self._told(site, missing, now).items()}
        elif missing:
            pieces |= self._pieces.make_all(lambda: self._told(site, missing, now))
        stall = pieces[site].told
        assert isinstance(stall, Stall)
        told: list[Told] = []
        drawn: list[bytes] = []
        look = kind, language, len(lines) == 1, now.astimezone(HOME).year
        for line in lines:
            its = pieces[line].told
            assert isinstance(its, Told)
            told.append(its)
            text = pieces[line].drawn.get(look)
            if text is None:
                text = pieces[line].drawn[look] = line_drawn(its, kind, language, now, len(lines) == 1)
            drawn.append(text)
        headers = self._complete(own_headers(kind, language))
        made, size = form(stall, told, drawn, kind, language, now, headers)
        names = frozenset[str]().union(*(piece.depends_on for piece in pieces.values()))
        return Made(made, names, size + _OVERHEAD, next_quarter(now), now)

    def _told(self, site: str, wanted: Sequence[str], now: datetime) -> dict[str, Made[Piece]]:
        """What is told of the stall, where that is wanted, and of lines, read together."""
        lines = [each for each in wanted if each != site]
        here = UUID(site) if site in wanted else None
        with reading(self._engine) as snapshot, depends_on(snapshot) as noted:
            stall, told = goods_told(snapshot, here, [goods_of(line) for line in lines], now)
        names = frozenset(noted)
        found: dict[str, Told | Stall] = dict(zip(lines, told, strict=True))
        if stall is not None:
            found[site] = stall
        return {
            each: Made(Piece(its, names, {}), names, _size(its), next_quarter(now), now) for each, its in found.items()
        }


def _size(told: Told | Stall) -> int:
    return _OVERHEAD + (_OBJECTS * len(msgspec.json.encode(told.line.json())) if isinstance(told, Told) else 0)
