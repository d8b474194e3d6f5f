"""Captured events and what they name: EPCs, amounts, places."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from app.domain import ids
from app.domain.epcis.context import Context
from app.domain.epcis.event_hash import event_hash
from app.domain.epcis.identifiers import canonical_uri, class_parts, gs1_key
from app.domain.epcis.named import Role, destination, named_epcs
from app.domain.epcis.values import canonical_time, parse_time
from app.domain.epcis.vocabulary import bare_word

Measure = Callable[[float | Decimal, str | None], tuple[int | None, int | None]]
"""(quantity, unit of measure) → (grams, pieces); `app.domain.quantities.from_uom` is one."""

UNKNOWN_SITE = ""
"""The site of goods whose events never say where they are."""


T = TypeVar("T")


class _kept(Generic[T]):
    """functools.cached_property without a lock, which is half of what it costs in Python 3.11."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, holder: Any, _: type) -> T:
        value = holder.__dict__[self._name] = self._compute(holder)
        return value


@dataclass(frozen=True)
class CapturedEvent:
    """An EPCIS event as it was captured. Two are equal when their `event_id` is: it is derived from content.

    `epcis_event_id` is the document's own eventID, which identifies nothing here; `body` is the event as written.
    """

    event_id: UUID
    epcis_event_id: str | None = field(compare=False)
    kind: str = field(compare=False)
    event_time: datetime = field(compare=False)
    content_hash: str = field(compare=False)
    body: Mapping[str, Any] = field(compare=False, repr=False)

    @_kept
    def order(self) -> tuple[datetime, int]:
        """By event time, then by id: the same for every order of arrival."""
        return self.event_time, self.event_id.int

    @property
    def is_error_declaration(self) -> bool:
        return "errorDeclaration" in self.body

    @property
    def action(self) -> str:
        return str(self.body.get("action", ""))

    @_kept
    def biz_step(self) -> str:
        """The bare CBV word, or the URI of a step of somebody's own; "" where none is said."""
        return bare_word("BizStep", str(self.body.get("bizStep", "")))

    @_kept
    def site(self) -> str | None:
        """Canonical URI of where the goods are after the event: bizLocation, else readPoint. None where not said.

        A position (`geo:`) as readPoint is no site: goods on the road stay in the custody they left.
        """
        location = _place(self.body.get("bizLocation"))
        if location is not None:
            return location
        point = _place(self.body.get("readPoint"))
        return None if point is None or point.startswith("geo:") else point

    @_kept
    def destination(self) -> str | None:
        """Canonical URI of the place that the goods are sent to, where the event ships them."""
        return destination(self.body)

    @_kept
    def parent(self) -> str | None:
        """Canonical parentID."""
        return _canonical(self.body.get("parentID"))

    @property
    def transformation(self) -> str | None:
        """Canonical transformationID of a TransformationEvent."""
        return _canonical(self.body.get("transformationID")) if self.kind == "TransformationEvent" else None

    @_kept
    def amounts(self) -> "dict[tuple[Lists, Measure], dict[str, Amount]]":
        """What `mentioned` has found."""
        return {}

    @_kept
    def roles(self) -> dict[str, Role]:
        """What the event names, and in which roles."""
        return named_epcs(self.body)

    @_kept
    def named(self) -> frozenset[str]:
        """As `related_epcs`, which is asked for again and again."""
        return frozenset(self.roles)


def capture(event: Mapping[str, Any], context: Context) -> CapturedEvent:
    """A validated event with its identity: content hash and declaration time. ValueError without a legal eventTime."""
    time = parse_time(str(event.get("eventTime", "")))
    if time is None:
        raise ValueError("an event without a legal eventTime cannot be captured")
    declaration = event.get("errorDeclaration")
    declared = str(declaration.get("declarationTime", "")) if isinstance(declaration, dict) else None
    content = event_hash(event, context)
    own_id = event.get("eventID")
    return CapturedEvent(
        event_id=ids.captured_event_id(content, None if declared is None else canonical_time(declared)),
        epcis_event_id=own_id if isinstance(own_id, str) else None,
        kind=str(event.get("type", "")),
        event_time=time,
        content_hash=content,
        body=event,
    )


class Amount(NamedTuple):
    """Grams and pieces, None where not known."""

    grams: int | None = None
    pieces: int | None = None

    def plus(self, other: "Amount") -> "Amount":
        return Amount(_plus(self.grams, other.grams), _plus(self.pieces, other.pieces))


def _plus(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else a + b


class Lists(NamedTuple):
    """The two fields in which an event lists EPCs and quantities of classes."""

    epcs: str
    quantities: str


OBJECTS = Lists("epcList", "quantityList")
CHILDREN = Lists("childEPCs", "childQuantityList")
INPUTS = Lists("inputEPCList", "inputQuantityList")
OUTPUTS = Lists("outputEPCList", "outputQuantityList")


def mentioned(event: CapturedEvent, lists: Lists, measure: Measure) -> dict[str, Amount]:
    """Canonical EPCs and EPC classes in `lists` with their amounts; classes listed twice are added up. Nobody changes
    what it returns: it is kept with the event."""
    known = event.amounts.get((lists, measure))
    if known is not None:
        return known
    found = event.amounts[lists, measure] = {}
    for epc in _strings(event.body.get(lists.epcs)):
        found[epc] = _single(epc)
    for element in _quantities(event.body.get(lists.quantities)):
        epc = canonical_uri(element["epcClass"])
        quantity, uom = element.get("quantity"), element.get("uom")
        amount = Amount() if quantity is None else Amount(*measure(quantity, uom))
        found[epc] = found[epc].plus(amount) if epc in found else amount
    return found


def epcs_of(event: CapturedEvent, *which: Lists) -> set[str]:
    """Canonical EPCs and EPC classes in the given lists."""
    found: set[str] = set()
    for lists in which:
        found.update(_strings(event.body.get(lists.epcs)))
        found.update(canonical_uri(element["epcClass"]) for element in _quantities(event.body.get(lists.quantities)))
    return found


def related_epcs(event: CapturedEvent) -> frozenset[str]:
    """Every EPC, EPC class, unit and transformationID that the event names, canonical: the keys to find it by."""
    return event.named


def is_sscc(epc: str) -> bool:
    """Whether a canonical EPC is an SSCC, one of the wrong length included."""
    link = gs1_key(epc)
    return epc.startswith("urn:epc:id:sscc:") if link is None else link.key == "00"


def is_product(epc: str) -> bool:
    """Whether an EPC names goods by product: a class, a lot or an instance of one."""
    return class_parts(epc) is not None


def papers_of(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(type, identifier) of the transactions that an event names, such as its despatch advice (desadv)."""
    listed = body.get("bizTransactionList")
    return [
        (bare_word("BTT", str(entry.get("type") or "")), entry["bizTransaction"])
        for entry in (listed if isinstance(listed, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("bizTransaction"), str)
    ]


def _single(epc: str) -> Amount:
    parts = class_parts(epc)
    return Amount() if parts is not None and parts.serial is None else Amount(pieces=1)


def _place(value: object) -> str | None:
    return _canonical(value.get("id")) if isinstance(value, dict) else None


def _canonical(value: object) -> str | None:
    return canonical_uri(value) if isinstance(value, str) and value.strip() else None


def _strings(value: object) -> Iterator[str]:
    return (canonical_uri(item) for item in value if isinstance(item, str)) if isinstance(value, list) else iter(())


def _quantities(value: object) -> Iterator[dict[str, Any]]:
    items = value if isinstance(value, list) else []
    return (item for item in items if isinstance(item, dict) and isinstance(item.get("epcClass"), str))
