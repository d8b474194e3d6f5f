"""What the simulator knows itself: which sales were sent, what was answered, and everything that cannot be right."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.domain import codes
from app.simulator.sales import Book

UNSENT, SENT, KEPT, REJECTED = range(4)
"""What became of a sale: never sent; sent, and no answer came; acknowledged; refused."""

_TOLD = 1_000  # differences that are kept in words


class Differences:
    """What does not agree, the first in words and all of it counted."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.number = 0

    def add(self, text: str) -> None:
        self.number += 1
        if len(self.told) < _TOLD:
            self.told.append(text)


@dataclass(slots=True)
class Device:
    """A scale as the service knows it: `hands` are the physical scales that share its key and numbers."""

    id: str
    number: int
    epoch: int
    key: str
    secret: bytes
    site_id: str
    name: str
    hands: "list[Hand]" = field(default_factory=list)

    def receipt_code(self, counter: int) -> str:
        """What the scale prints, without any network."""
        return codes.receipt_code(self.secret, codes.receipt_id(self.number, self.epoch, counter))


class Hand:
    """One physical scale: `states` of its sales by number, and the numbers that the service called recorded."""

    def __init__(self, device: Device, book: Book) -> None:
        self.device = device
        self.book = book
        self.states = bytearray(book.total)
        self.recorded = bytearray(book.total)
        device.hands.append(self)

    @property
    def copied(self) -> bool:
        return len(self.device.hands) > 1


@dataclass(slots=True)
class Tally:
    """Counts of a run. `answers` by status of the outcome, `times` of uploads of one sale by millisecond, rounded
    up."""

    uploads: int = 0
    silences: int = 0
    turned_away: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    times: Counter[int] = field(default_factory=Counter)
    kept: int = 0

    def quantile(self, share: float) -> int:
        """Milliseconds within which that share of single sales was answered; 0 where there was none."""
        left = share * self.times.total()
        for milliseconds in sorted(self.times):
            left -= self.times[milliseconds]
            if left <= 0:
                return milliseconds
        return 0


class Ledger:
    """All scales, and what was said to them."""

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}
        self.tally = Tally()
        self.differences = Differences()

    @property
    def hands(self) -> list[Hand]:
        return [hand for device in self.devices.values() for hand in device.hands]

    def sending(self, hand: Hand, counters: Sequence[int]) -> frozenset[int]:
        """Notes that the sales are on their way; those of them that had never been sent."""
        fresh = frozenset(counter for counter in counters if hand.states[counter] == UNSENT)
        for counter in fresh:
            hand.states[counter] = SENT
        return fresh

    def answered(
        self, hand: Hand, counters: Sequence[int], fresh: frozenset[int], outcomes: Sequence[Mapping[str, Any]]
    ) -> None:
        """Takes the outcomes of an upload, one for each of its sales in order."""
        if [outcome["counter"] for outcome in outcomes] != list(counters):
            self.differences.add(
                f"{hand.device.name}: 应答与上传不符 · outcomes are not those of the sales that were sent"
            )
            return
        for counter, outcome in zip(counters, outcomes, strict=True):
            self._outcome(hand, counter, counter in fresh, outcome)

    def _outcome(self, hand: Hand, counter: int, fresh: bool, outcome: Mapping[str, Any]) -> None:
        status = outcome["status"]
        self.tally.answers[status] += 1
        where = f"{hand.device.name} #{counter}"
        if status == "rejected":
            if hand.states[counter] != KEPT:
                hand.states[counter] = REJECTED
            self.differences.add(f"{where}: 被拒绝 · rejected: {outcome['problem']['detail']}")
            return
        if outcome["receipt_code"] != hand.device.receipt_code(counter):
            self.differences.add(f"{where}: 小票码不符 · the receipt's code is not the one that the scale has printed")
        if status == "recorded":
            if any(other.recorded[counter] for other in hand.device.hands):
                self.differences.add(f"{where}: 记录了两次 · recorded twice")
            hand.recorded[counter] = 1
            for flag in outcome["flags"]:
                self.tally.flags[flag["slug"]] += 1
        elif status == "duplicate":
            if fresh:
                self.differences.add(f"{where}: 首次上传即为重复 · called a duplicate when it was first sent")
        elif not hand.copied:
            self.differences.add(f"{where}: 不该冲突 · called a conflict, and no other scale has its numbers")
        if hand.states[counter] != KEPT:
            hand.states[counter] = KEPT
            self.tally.kept += 1
