"""The criteria that a query's parameters stand for, each a test of an event."""

import operator
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from app.domain.epcis.attributes import element_uri
from app.domain.epcis.named import ANY_CLASS, mentions
from app.domain.epcis.query_fields import FieldName, View, date_of, number_of, quantities, time_of
from app.domain.epcis.units import in_base
from app.domain.epcis.vocabulary import CBV, WEB_VOCABULARY, bare_word, web_form

Test = Callable[[View], bool]
Bound = Fraction | date
Leaves = Callable[[View], Iterator[object]]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": operator.eq,
    "GT": operator.gt,
    "GE": operator.ge,
    "LT": operator.lt,
    "LE": operator.le,
}
# Numbers that are the difference of two values have no zero to convert.
_DIFFERENCES = ("sDev",)


def equal(leaves: Leaves, wanted: frozenset[str]) -> Test:
    """One of the values, in normal form, is wanted."""
    return lambda view: any(view.normal(leaf) in wanted for leaf in leaves(view))


def compared(leaves: Leaves, how: str, bound: Bound) -> Test:
    """One of the values is a number (or a time or a day, as the bound is) that compares so; how: EQ, GT, GE, LT, LE."""
    compare = _COMPARE[how]
    read: Callable[[object], Bound | None] = (
        number_of if isinstance(bound, Fraction) else time_of if isinstance(bound, datetime) else date_of
    )
    return lambda view: any((value := read(leaf)) is not None and compare(value, bound) for leaf in leaves(view))


def field(name: FieldName) -> Leaves:
    return lambda view: view.leaves(name)


def exactly(leaves: Leaves, wanted: frozenset[str]) -> Test:
    """One of the values is a wanted text, to the letter."""
    return lambda view: any(leaf in wanted for leaf in leaves(view))


def sensed(attribute: str, *scopes: str) -> Leaves:
    return lambda view: view.sensed(attribute, *scopes)


def exists(name: FieldName) -> Test:
    """A field of this name that is not empty; 0 and false are values."""
    return lambda view: any(value not in (None, "", [], {}) for value in view.values(name))


def present(field_of_event: str) -> Test:
    """A field of the standard that is not empty."""
    return lambda view: bool(view.body.get(field_of_event))


def quantity(how: str, bounds: Collection[Fraction], uom: str | None) -> Test:
    """A quantity element whose number compares so with one of the bounds; with a unit, after conversion to it."""
    return _measured(quantities, how, bounds, uom, difference=False)


def reading(attribute: str, how: str, bounds: Collection[Fraction], uom: str | None) -> Test:
    """A sensor report whose number compares so with one of the bounds; with a unit, after conversion to it."""

    def readings(view: View) -> Iterator[tuple[Fraction, str | None]]:
        for report in view.objects("SENSORREPORT"):
            number, unit = number_of(report.get(attribute)), report.get("uom")
            if number is not None:
                yield number, unit if isinstance(unit, str) else None

    return _measured(readings, how, bounds, uom, difference=attribute in _DIFFERENCES)


def _measured(
    numbers: Callable[[View], Iterator[tuple[Fraction, str | None]]],
    how: str,
    bounds: Collection[Fraction],
    uom: str | None,
    *,
    difference: bool,
) -> Test:
    compare = _COMPARE[how]
    if uom is None:
        return lambda view: any(compare(number, bound) for number, _ in numbers(view) for bound in bounds)
    wanted = [in_base(bound, uom, difference=difference) for bound in bounds]

    def test(view: View) -> bool:
        for number, unit in numbers(view):
            if unit is not None:
                measure, amount = in_base(number, unit, difference=difference)
                if any(measure == wanted_measure and compare(amount, bound) for wanted_measure, bound in wanted):
                    return True
        return False

    return test


def persistent(which: str, wanted: frozenset[str]) -> Test:
    """persistentDisposition sets (or unsets) one of these dispositions."""

    def test(view: View) -> bool:
        lasting = view.body.get("persistentDisposition")
        words = lasting.get(which) if isinstance(lasting, dict) else None
        return isinstance(words, list) and any(word_of("Disp", word, view) in wanted for word in words)

    return test


def typed(field_of_event: str, member: str, kind: str, wanted_type: str, wanted: frozenset[str]) -> Test:
    """bizTransactionList, sourceList or destinationList has an entry of this type with one of these identifiers."""

    def test(view: View) -> bool:
        entries = view.body.get(field_of_event)
        return isinstance(entries, list) and any(
            isinstance(entry, dict)
            and word_of(kind, entry.get("type"), view) == wanted_type
            and isinstance(uri := entry.get(member), str)
            and view.normal(uri) in wanted
            for entry in entries
        )

    return test


def error_reason(wanted: frozenset[str]) -> Test:
    return lambda view: any(
        word_of("ER", declaration.get("reason"), view) in wanted for declaration in view.objects("ERROR_DECLARATION")
    )


def sensor_type(wanted: frozenset[str]) -> Test:
    return lambda view: any(word_of("", report.get("type"), view) in wanted for report in view.objects("SENSORREPORT"))


def hexadecimal(wanted: frozenset[str]) -> Test:
    """A sensor report has one of these values (upper case); case does not matter."""
    return lambda view: any(str(leaf).upper() in wanted for leaf in view.sensed("hexBinaryValue", "SENSORREPORT"))


def word_of(kind: str, value: object, view: View) -> str | None:
    """The bare word of a vocabulary (as in `bare_word`; "" is the GS1 web vocabulary) that an event has, or None."""
    return bare(kind, view.context.expand(value.strip())) if isinstance(value, str) else None


def bare(kind: str, full: str) -> str:
    return bare_word(kind, full) if kind else web_form(full).removeprefix(WEB_VOCABULARY)


@dataclass(frozen=True, slots=True)
class Known:
    """HASATTR_ and EQATTR_: master data of what a field names has an attribute; with one of the wanted values (in
    normal form) where there are any. choices: (field, full name of the attribute), any of which does; a field of the
    standard is given by its name."""

    choices: tuple[tuple[str | FieldName, str], ...]
    wanted: frozenset[str] | None = None

    def __call__(self, view: View) -> bool:
        masters = view.candidate.masters
        for field_of, attribute in self.choices:
            for element in self._named(field_of, view):
                values = masters.get(element, {}).get(attribute, ())
                if any(self.wanted is None or view.normal(value) in self.wanted for value in values):
                    return True
        return False

    def elements(self, view: View) -> Iterator[str]:
        """The vocabulary elements (canonical URIs) whose master data decide."""
        for field_of, _ in self.choices:
            yield from self._named(field_of, view)

    def _named(self, field_of: str | FieldName, view: View) -> Iterator[str]:
        leaves = view.leaves(field_of) if isinstance(field_of, FieldName) else VOCABULARY_FIELDS[field_of](view)
        return (element_uri(leaf, view.context) for leaf in leaves if isinstance(leaf, str))


def _place(view: View, field_of_event: str) -> Iterator[object]:
    return view.sensed("id", field_of_event)


def _word(view: View, field_of_event: str, kind: str) -> Iterator[object]:
    word = word_of(kind, view.body.get(field_of_event), view)
    if word is not None:
        yield word if ":" in word else f"{CBV}{kind}-{word}"


def _entries(view: View, field_of_event: str, member: str) -> Iterator[object]:
    entries = view.body.get(field_of_event)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict):
            yield entry.get(member)


VOCABULARY_FIELDS: dict[str, Leaves] = {
    "readPoint": lambda view: _place(view, "readPoint"),
    "bizLocation": lambda view: _place(view, "bizLocation"),
    "bizStep": lambda view: _word(view, "bizStep", "BizStep"),
    "disposition": lambda view: _word(view, "disposition", "Disp"),
    "bizTransaction": lambda view: _entries(view, "bizTransactionList", "bizTransaction"),
    "source": lambda view: _entries(view, "sourceList", "source"),
    "destination": lambda view: _entries(view, "destinationList", "destination"),
    "epcClass": lambda view: (uri for uri, role in mentions(view.body) if role & ANY_CLASS),
    "transformationID": lambda view: view.sensed("transformationID", ""),
}
"""The fields of the standard that hold vocabulary elements, by the names that queries have for them."""
