"""Numbers and booleans in the extensions of EPCIS XML: `xsi:type`, as in the examples that GS1 publishes."""

import re
from decimal import Decimal
from typing import Any, Final
from xml.etree.ElementTree import Element

from app.domain.epcis.values import exact_number
from app.domain.epcis.xml_names import Names
from app.domain.epcis.xml_shape import XSD, XSI

TYPE: Final = f"{{{XSI}}}type"

_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)
_LONG_INTEGER = 400  # digits; more are refused by the checks, and cost time to read
_FRACTIONS = ("decimal", "double", "float")
_INTEGERS = (
    *("integer", "long", "int", "short", "byte", "unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte"),
    *("nonNegativeInteger", "positiveInteger", "nonPositiveInteger", "negativeInteger"),
)


def number(text: str) -> Any:
    """The number with every digit; text that is none stays for the checks to refuse."""
    if not _DECIMAL.fullmatch(text):
        return text
    if text.lstrip("+-").isdigit():
        return int(text) if len(text) <= _LONG_INTEGER else Decimal(text)
    return exact_number(text)


def boolean(text: str) -> Any:
    """True or False; text that is neither stays."""
    return {"true": True, "1": True, "false": False, "0": False}.get(text, text)


def typed(element: Element, text: str, names: Names) -> Any:
    """The text of an extension element as what its `xsi:type` says; as text where it says nothing, or the text does not
    fit, or the type is another than numbers and booleans."""
    namespace, kind = names.qualified(element.get(TYPE, "").strip())
    if namespace != XSD:
        return text
    if kind == "boolean":
        return boolean(text)
    if kind in _FRACTIONS and _DECIMAL.fullmatch(text):
        return exact_number(text)
    return number(text) if kind in _INTEGERS and text.lstrip("+-").isdigit() else text


def type_of(value: object) -> str | None:
    """The type in XSD of a value of JSON that is no text."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return {float: "double", Decimal: "decimal"}.get(type(value))
