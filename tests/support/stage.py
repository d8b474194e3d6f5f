"""A small world without a database, and events about what is in it: mostly right, often not."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid5

from app.domain.codes import CodeKind, mint
from app.domain.events import (
    Admit,
    AnyEvent,
    Certify,
    Correct,
    Count,
    Destroy,
    Hold,
    Identify,
    Observe,
    Original,
    Produce,
    Receive,
    Release,
    Return,
    Sell,
    Ship,
    Test,
    Transform,
)
from app.domain.forms import (
    Counted,
    CountItem,
    Entered,
    Item,
    Output,
    Outside,
    OutsideItem,
    Reading,
    SaleLine,
    SlipPart,
)
from app.domain.ledger import Ledger
from app.domain.rights import Principal, Role
from app.domain.rows import ENTRIES, Code, Custody, Document, Event, Party, Product, Site, Slip
from app.domain.rows import Hold as HoldRow

Choose = Callable[[Sequence[Any]], Any]  # one of these

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
_SPACE = UUID("00000000-0000-5000-8000-000000000000")


def named(name: str) -> UUID:
    return uuid5(_SPACE, name)


SITES = ("farm", "plant", "market", "stall")
PRODUCTS = {"cabbage": ("weight", None), "pig": ("count", 100_000)}
PARTIES = {"farm": Role.PRODUCER, "plant": Role.VENDOR, "market": Role.MARKET, "stall": Role.VENDOR, "lab": Role.LAB}


def minting() -> Callable[[CodeKind], str]:
    """Mints the same codes in the same order every time."""
    numbers = itertools.count()
    return lambda kind: mint(kind, lambda size: next(numbers).to_bytes(size, "big"))


def ledger() -> Ledger:
    """Four sites of four parties, the stall in the market; two products; one paper of each party."""
    made = Ledger(NOW, minting())
    for name in (*PARTIES,):
        made.parties[named(name)] = Party(
            named(name),
            mint(CodeKind.PARTY),
            name,
            "vendor",
            "330106",
            None,
            [],
            None,
            [],
            "active",
            None,
            [],
            None,
            1,
            NOW,
            NOW,
        )
        made.documents[named(f"paper {name}")] = Document(
            named(f"paper {name}"), "origin_proof", None, None, None, None, None, None, named(name), b"", None, "", 1,
            NOW,
        )  # fmt: skip
    for name in SITES:
        above = f"{named('market').hex}/" if name == "stall" else ""
        made.sites[named(name)] = Site(
            named(name), mint(CodeKind.SITE), named(name), name, "stall", named("market") if above else None,
            f"{above}{named(name).hex}/", "330106", None, None, "Asia/Shanghai", [], None, "active", None, None, 1,
            NOW, NOW,
        )  # fmt: skip
    for name, (measure, grams) in PRODUCTS.items():
        made.products[named(name)] = Product(
            named(name),
            name,
            "vegetables",
            None,
            measure,
            grams,
            9,
            [],
            None,
            1,
            NOW,
            NOW,  # type: ignore[arg-type]
        )
    return made


def principal(name: str) -> Principal:
    role = PARTIES.get(name) or Role(name)
    own = named(name) if name in PARTIES else None
    return Principal(named(f"key {name}"), role, own, "3301" if role is Role.REGULATOR else None, None, None)


WHO = (*PARTIES, "regulator", "admin")


def picture(of: Ledger) -> dict[str, Any]:
    """Everything that a command may change, by value; where there is nothing, no key either."""
    names = ("rows", "changed", "removed", "links_up", "links_down", "items", "attached", "timeline", "holds_of_lot")
    return {
        name: {
            str(key): {str(inner): repr(row) for inner, row in rows.items()} if isinstance(rows, dict) else repr(rows)
            for key, rows in getattr(of, name).items()
            if rows
        }
        for name in names
    }


# --- events about what is there: mostly right, often not ---


class Stage:
    """Makes the next event from the state of the ledger and the draws of a test."""

    def __init__(self, choose: Choose) -> None:
        self.ledger = ledger()
        self._choose = choose
        self._numbers = itertools.count(1)

    def pick(self, choices: Iterable[Any]) -> Any:
        return self._choose(sorted(choices, key=str))

    def mostly(self) -> bool:
        return self._choose(range(10)) > 0

    def perhaps(self) -> bool:
        return self._choose((False, True))  # type: ignore[no-any-return]

    def custody(self, kind: str = "custody") -> UUID:
        """One of that kind, or anything."""
        fitting = [row.id for row in self.ledger.rows[Custody].values() if row.kind == kind]
        if fitting and self.mostly():
            return self.pick(fitting)  # type: ignore[no-any-return]
        return self.pick(self.ledger.rows[Custody].keys() | {named("nothing")})  # type: ignore[no-any-return]

    def at(self, keys: list[UUID]) -> UUID:
        """Where the first of them is, or anywhere."""
        row = self.ledger.rows[Custody].get(keys[0])
        return row.site_id if row is not None and row.site_id is not None and self.mostly() else self.site()

    def custodies(self) -> list[UUID]:
        """One, or two that may be at one site."""
        first = self.custody()
        row = self.ledger.rows[Custody].get(first)
        beside = [c.id for c in self.ledger.rows[Custody].values() if row and c.site_id == row.site_id]
        return [*dict.fromkeys([first, self.pick(beside)])] if beside and self.perhaps() else [first]

    def amount(self, key: UUID | None = None) -> Entered:
        row = self.ledger.rows[Custody].get(key)
        unit = "pcs" if row is not None and row.measure == "count" and self.mostly() else "kg"
        return Entered(str(self._choose(range(1, 31))), unit)

    def site(self) -> UUID:
        return named(self.pick(SITES))

    def outputs(self) -> tuple[Output, ...]:
        number = self._choose((None, "1", "2"))
        product = self.pick(PRODUCTS)
        measure = "pcs" if product == "pig" else "kg"
        return (
            Output(
                product_id=named(product), quantity=Entered(str(self._choose(range(1, 31))), measure),
                produced_on=date(2026, 2, 28), lot_number=number,
            ),
        )  # fmt: skip

    def event(self) -> tuple[str, AnyEvent]:
        """Who says what."""
        if self._choose(range(4)) == 0 and self.ledger.rows[Event]:
            return self.correction()
        event = self.original()
        where = getattr(event, "site_id", None)
        owner = [name for name in SITES if named(name) == where]
        return self.pick(["admin", *owner] if self.mostly() else WHO), event

    def original(self, kind: str | None = None) -> Original:
        if kind is None:
            kind = self.pick(KINDS)
            kind = "hold" if kind == "release" and not self.ledger.rows[HoldRow] else kind
        common: dict[str, Any] = {"kind": kind, "event_time": NOW, "ref": f"ref {next(self._numbers)}"}
        keys = self.custodies()
        items = tuple(Item(custody_id=key, quantity=self.amount(key)) for key in keys)
        match kind:
            case "produce":
                return Produce(**common, site_id=self.site(), outputs=self.outputs())
            case "transform":
                return Transform(**common, site_id=self.at(keys), process="mix", inputs=items, outputs=self.outputs())
            case "ship":
                return Ship(**common, site_id=self.at(keys), items=items, slip=self.perhaps())
            case "receive" if self.ledger.rows[Slip] and self.perhaps():
                code = self.pick(self.ledger.rows[Slip])
                parts = tuple(
                    SlipPart(custody_id=i.custody_id, quantity=self.amount()) for i in self.ledger.items[code]
                )
                some = parts or None if self.perhaps() else None
                return Receive(**common, site_id=self.site(), slip_code=code, items=some)
            case "receive":
                item = OutsideItem(product_id=named("cabbage"), quantity=Entered("3", "kg"))
                return Receive(**common, site_id=self.site(), from_=Outside(name="outside"), items=(item,))
            case "identify":
                return Identify(**common, gap_custody_id=self.custody("gap"), parent_custody_id=keys[0])
            case "admit":
                return Admit(**common, site_id=self.at(keys), custody_ids=tuple(keys))
            case "test":
                said = self._choose(("pass", "fail"))
                return Test(**common, custody_id=keys[0], stage="rapid", item="x", verdict=said)
            case "certify":
                paper = named(f"paper {self.pick(PARTIES)}")
                return Certify(**common, document_id=paper, custody_id=keys[0])
            case "sell":
                lines = tuple(SaleLine(custody_id=item.custody_id, quantity=item.quantity) for item in items)
                return Sell(**common, site_id=self.at(keys), lines=lines)
            case "return":
                back = self._choose((None, self.site()))
                return Return(**common, site_id=self.at(keys), items=items, reason="x", to_site_id=back)
            case "destroy":
                return Destroy(**common, site_id=self.at(keys), items=items, reason="x")
            case "observe":
                reading = Reading(type="temperature", value="-18.2", unit="℃", time=NOW)
                return Observe(**common, custody_id=keys[0], readings=(reading,))
            case "hold":
                scope = self._choose(("custody", "downstream", "lot"))
                return Hold(**common, custody_id=keys[0], scope=scope, reason="x")
            case "release":
                placed = [row.id for row in self.ledger.rows[HoldRow].values()] if self.mostly() else []
                return Release(**common, hold_event_id=self.pick(placed or [named("nothing")]), reason="x")
        counted = tuple(
            CountItem(custody_id=i.custody_id, quantity=Counted(value="2", unit=i.quantity.unit)) for i in items
        )
        return Count(**common, site_id=self.at(keys), items=counted)

    def correction(self) -> tuple[str, AnyEvent]:
        target = self.ledger.rows[Event][self.pick(self.ledger.rows[Event])]
        who = {principal(name).recorder_id: name for name in WHO}[target.recorder_id]
        who = self._choose((who, who, "admin", "stall"))
        replacement = None if target.kind == "correct" or self.perhaps() else self.original(target.kind)
        reason = "did_not_occur" if replacement is None else "incorrect_data"
        return who, Correct(
            kind="correct", event_time=NOW, ref=f"ref {next(self._numbers)}", event_id=target.id, reason=reason,
            replacement=replacement,
        )  # fmt: skip


KINDS = (
    "produce", "produce", "transform", "ship", "ship", "receive", "receive", "receive", "identify", "admit", "test",
    "certify", "observe", "sell", "return", "destroy", "hold", "release", "count",
)  # fmt: skip


def body_of(value: Any) -> Any:
    """The event as JSON would have it."""
    if isinstance(value, UUID | datetime | date):
        return str(value)
    if isinstance(value, tuple):
        return [body_of(each) for each in value]
    if is_dataclass(value):
        return {field.name.rstrip("_"): body_of(getattr(value, field.name)) for field in fields(value)}
    return value


def faults(of: Ledger) -> Iterator[str]:
    """What `onecode db check` would find, of what can be seen here."""
    booked: dict[tuple[UUID, str], int] = {}
    for event in of.rows[Event].values():
        for hexed, entry, amount in event.entries:
            key = (UUID(hex=hexed), entry)
            booked[key] = booked.get(key, 0) + amount
    for custody in of.rows[Custody].values():
        for entry, column in ENTRIES.items():
            kept, said = getattr(custody, column), booked.get((custody.id, entry), 0)
            if kept != said:
                yield f"{custody.id}: {column} is {kept}, events say {said}"
        left = custody.amount_in - custody.on_hand
        if left != sum(getattr(custody, column) for entry, column in ENTRIES.items() if entry != "in"):
            yield f"{custody.id}: does not balance"
        if custody.voided_by is not None and custody.amount_in:
            yield f"{custody.id}: voided, and {custody.amount_in} came in"
    for custody_id in of.rows[Custody]:
        above = {link.parent_id for each in of.ancestors(custody_id) for link in of.links_up[each.id]}
        if custody_id in above:
            yield f"{custody_id}: comes from itself"
    for code, items in of.items.items():
        for item in items:
            taken = [
                link for link in of.links_down[item.custody_id]
                if link.kind == "move" and _standing(of, of.rows[Event][link.event_id].outcome["slip_code"]) == code
            ]  # fmt: skip
            if item.received != sum(link.grams if link.pieces is None else link.pieces for link in taken):  # type: ignore[misc]
                yield f"slip {code}: received {item.received}, links say otherwise"
    for kind, changed in of.changed.items():
        for key, row in changed.items():
            if of.rows[kind].get(key) is not row or key in of.removed[kind]:
                yield f"{kind.__name__} {key}: marked as changed, and not there"


def _standing(of: Ledger, text: str | None) -> str | None:
    while text is not None and of.rows[Code][text].replacement is not None:
        text = of.rows[Code][text].replacement
    return text
