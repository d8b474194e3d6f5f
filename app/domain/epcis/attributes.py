"""What documents say of vocabulary elements, as queries ask for it (HASATTR_, EQATTR_; EPCIS 2.0 §8.2.7.1)."""

from collections.abc import Iterator, Mapping
from typing import Final

from app.domain.epcis.context import Context
from app.domain.epcis.documents import MasterData, MasterRecord
from app.domain.epcis.identifiers import canonical_uri
from app.domain.epcis.query_fields import attribute_name, leaves
from app.domain.epcis.query_given import MAX_TEXT
from app.domain.epcis.vocabulary import web_form

Attributes = Mapping[str, list[object]]
"""Full name of an attribute → its texts, numbers and booleans."""

NAMES: Final = 500
"""Attributes of one element that are kept, of one who says them."""
ROOM: Final = 100_000
"""Characters of them together, names and values: a query reads what is said of all that a hundred events name."""
_VALUES: Final = 20  # of one of them
_UNASKED = ""  # no query asks for it, but the attribute is there


def attributes_of(data: MasterData, context: Context) -> dict[str, Attributes]:
    """By canonical URI, all attributes of the elements that a document describes. A value that is longer than a query
    may have is told by the attribute's being there."""
    found: dict[str, dict[str, list[object]]] = {}
    for record in _records(data):
        said = found.setdefault(element_uri(record.raw_id, context), {})
        for name, value in record.attributes:
            full = attribute_name(name, context)
            if len(full) <= MAX_TEXT and (full in said or len(said) < NAMES):
                values = said.setdefault(full, [])
                values += [one if len(str(one)) <= MAX_TEXT else _UNASKED for one in leaves(value)] or [_UNASKED]
                del values[_VALUES:]
    return {uri: joined({}, said) for uri, said in found.items() if said}


def joined(before: Attributes, said: Attributes) -> dict[str, list[object]]:
    """What somebody says of an element now, beside what it said of other attributes before, as far as there is room."""
    kept: dict[str, list[object]] = {}
    room = ROOM
    for name, values in (dict(said) | {name: values for name, values in before.items() if name not in said}).items():
        room -= len(name) + sum(len(str(value)) for value in values)
        if len(kept) == NAMES or room < 0:
            break
        kept[name] = values
    return kept


def element_uri(uri: str, context: Context) -> str:
    """A vocabulary element as it is compared."""
    return canonical_uri(web_form(context.expand(uri.strip())))


def _records(data: MasterData) -> Iterator[MasterRecord]:
    yield from (*data.parties, *data.sites, *data.products)
    yield from (record for _, record in data.others)
