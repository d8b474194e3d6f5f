"""What a query looks at in an event: extension fields by their full names, sensor values, quantities, master data."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from app.domain.epcis.context import Context
from app.domain.epcis.identifiers import canonical_uri
from app.domain.epcis.named import QUANTITY_LISTS, SCALARS, Role
from app.domain.epcis.values import canonical_number, canonical_text, parse_time
from app.domain.epcis.vocabulary import STANDARD_PREFIXES

Masters = Mapping[str, Mapping[str, Iterable[object]]]
"""Master data: canonical URI of a vocabulary element → full name (`attribute_name`) of an attribute → its values."""

_NUMBER = re.compile(r"[+-]?\d{1,400}(?:\.\d{1,400})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MAX_URI = 2_048


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event to be matched. body: as shown; record_time: aware; event_id: the eventID shown; context: of the document
    that the body comes from; masters: what is known of the vocabulary elements that it names, where a query asks for it
    (`Query.uses_masters`); named: all that it names, where that is known already (`named_epcs`, the index)."""

    body: Mapping[str, Any]
    record_time: datetime
    event_id: str
    context: Context = field(default_factory=Context)
    masters: Masters = field(default_factory=dict)
    named: Mapping[str, Role] | None = None


@dataclass(frozen=True, slots=True)
class FieldName:
    """The name of an extension field, and where it stands: scope is "" for the event itself, ILMD, ERROR_DECLARATION,
    SENSORELEMENT, SENSORMETADATA, SENSORREPORT, readPoint or bizLocation; inner: at any level below the extension
    fields of the scope instead of among them. namespace: None where the query's context does not declare the prefix,
    then fields that are written like `local` are meant."""

    namespace: str | None
    local: str
    scope: str = ""
    inner: bool = False

    def names(self, name: str, context: Context) -> bool:
        """Whether a field of an event with this context is meant."""
        if self.namespace is None:
            return name == self.local
        namespace, local = context.split(name)
        return local == self.local and _bare(namespace) == self.namespace


def field_name(text: str, context: Context, scope: str = "", inner: bool = False) -> FieldName:
    """A name written `NAMESPACE#LOCAL` (EPCIS 2.0 §8.2.7.1), as any other IRI, `PREFIX:LOCAL` or a declared term."""
    if not context.declares(text):
        return FieldName(None, text, scope, inner)
    namespace, local = context.split(text)
    return FieldName(_bare(namespace), local, scope, inner)


def attribute_name(text: str, context: Context) -> str:
    """A name of a master data attribute under which it is compared: its IRI; CBV's as EPCIS 2.0 spells them."""
    full = context.expand(text.strip())
    return full.replace(f"{_MDA}#", f"{_MDA}:", 1) if full.startswith(f"{_MDA}#") else full


_MDA = STANDARD_PREFIXES["cbvmda"].removesuffix(":")


def _bare(namespace: str) -> str:
    # XML and JSON-LD differ in what ends a namespace.
    return namespace.rstrip("/#:")


class View:
    """An event as the tests of a query see it."""

    __slots__ = ("body", "candidate", "context")

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.body = candidate.body
        self.context = candidate.context.with_event(candidate.body)

    def scalar(self, column: str) -> str | None:
        """A value of `SCALARS`; the eventID is the one shown."""
        return self.candidate.event_id if column == "event_id" else SCALARS[column](self.body, self.context)

    def objects(self, scope: str) -> list[Mapping[str, Any]]:
        """The objects whose fields belong to a scope (see `FieldName`)."""
        match scope:
            case "":
                return [self.body]
            case "ILMD":
                return _objects([self.body.get("ilmd")])
            case "ERROR_DECLARATION":
                return _objects([self.body.get("errorDeclaration")])
            case "SENSORELEMENT":
                return _objects(self.body.get("sensorElementList"))
            case "SENSORMETADATA":
                return _objects([element.get("sensorMetadata") for element in self.objects("SENSORELEMENT")])
            case "SENSORREPORT":
                return [
                    report
                    for element in self.objects("SENSORELEMENT")
                    for report in _objects(element.get("sensorReport"))
                ]
            case _:
                return _objects([self.body.get(scope)])

    def values(self, name: FieldName) -> Iterator[Any]:
        """The values of the fields of this name, of whatever form."""
        for holder in self.objects(name.scope):
            for field_of, value in holder.items():
                if name.inner:
                    # Below the fields of the standard nothing is an extension of this scope.
                    if self.context.declares(field_of):
                        yield from self._inner(name, value)
                elif name.names(field_of, self.context):
                    yield value

    def _inner(self, name: FieldName, value: Any) -> Iterator[Any]:
        waiting = [value]
        while waiting:
            item = waiting.pop()
            if isinstance(item, list):
                waiting += item
            elif isinstance(item, dict):
                for field_of, inner in item.items():
                    if name.names(field_of, self.context):
                        yield inner
                    waiting.append(inner)

    def leaves(self, name: FieldName) -> Iterator[object]:
        """The texts, numbers and booleans that the fields of this name have for values."""
        for value in self.values(name):
            yield from leaves(value)

    def sensed(self, attribute: str, *scopes: str) -> Iterator[object]:
        """The values of an attribute of sensor reports or their metadata."""
        for scope in scopes:
            for holder in self.objects(scope):
                yield from leaves(holder.get(attribute))

    def normal(self, leaf: object) -> str:
        """As the function `normal`, with the event's own prefixes."""
        return normal(leaf, self.context)


def _objects(values: object) -> list[Mapping[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def leaves(value: object) -> Iterator[object]:
    """The texts, numbers and booleans that a value is, or has for values."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            item = next((item[key] for key in ("@value", "@id", "id") if key in item), None)
        if isinstance(item, str | int | float | Decimal):
            yield item


def quantities(view: View) -> Iterator[tuple[Fraction, str | None]]:
    """Number and unit (None: pieces) of every quantity element of an event that has a number."""
    for name in QUANTITY_LISTS:
        for element in _objects(view.body.get(name)):
            number, uom = number_of(element.get("quantity")), element.get("uom")
            if number is not None:
                yield number, uom if isinstance(uom, str) else None


def normal(leaf: object, context: Context) -> str:
    """The one form in which values are compared for equality, whether they were written as text or as JSON: numbers in
    plain decimals, times in UTC, CURIEs in full, GS1 keys canonical."""
    if isinstance(leaf, bool):
        return "true" if leaf else "false"
    if isinstance(leaf, int | float | Decimal):
        return canonical_number(leaf)
    text = context.expand(str(leaf).strip())
    if len(text) <= _MAX_URI and text.startswith(("urn:", "http:", "https:")):
        return canonical_uri(text)
    return canonical_text(text)


def number_of(value: object) -> Fraction | None:
    """A JSON number, or a text that is one, exactly; None for anything else and for absurd ones."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    if isinstance(value, int):
        return Fraction(value)
    text = value.strip() if isinstance(value, str) else str(value)
    return Fraction(text) if _NUMBER.fullmatch(text) else None


def time_of(value: object) -> datetime | None:
    """A text that is a time with its offset; None for anything else."""
    return parse_time(value.strip()) if isinstance(value, str) else None


def date_of(value: object) -> date | None:
    """A text that is a day of the calendar, without an offset; None for anything else."""
    if not isinstance(value, str) or not _DATE.fullmatch(value.strip()):
        return None
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        return None
