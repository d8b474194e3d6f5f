"""What holds of every document: it is taken, survives XML, and each event has one hash however it is written."""

from collections.abc import Callable
from datetime import timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from app.domain.epcis.context import Context, context_of
from app.domain.epcis.documents import events_of
from app.domain.epcis.event_hash import event_hash, prehash
from app.domain.epcis.formats import EpcFormat, translated
from app.domain.epcis.validate import validate_document
from app.domain.epcis.values import canonical_number, parse_time
from app.domain.epcis.xml_writing import document_xml
from app.exchanging.xml import read_xml

from .generated import NAMES, Generator, Json, document

CONTEXT = context_of(document())


def told(value: Any) -> Any:
    """A value for comparing: numbers of every type by what they are, and never as booleans."""
    if isinstance(value, dict):
        return {name: told(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [told(inner) for inner in value]
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return (type(value), value)
    return canonical_number(value)


@pytest.mark.parametrize("seed", range(60))
def test_a_document_is_taken_and_comes_back_from_xml(seed: int) -> None:
    event = Generator(Random(seed)).event()
    whole = document(event)
    assert [(fault.pointer, fault.slug) for fault in validate_document(whole) if fault.severity == "refusal"] == []
    for version in ("2.0", "1.2"):
        written = document_xml(whole, version=version)
        again = read_xml(written)
        ((_, found),) = events_of(again)
        held = {name: value for name, value in found.items() if event.get(name, value) or name in event}
        assert told(held) == told({**{name: [] for name in found if name not in event}, **event})
        assert read_xml(written.replace(b"><", b">\n\t <")) == again


Respell = Callable[[Json, Random], Json]


def reordered(value: Any, rng: Random) -> Any:
    if isinstance(value, dict):
        items = [(name, reordered(inner, rng)) for name, inner in value.items()]
        return dict(rng.sample(items, len(items)))
    return rng.sample([reordered(item, rng) for item in value], len(value)) if isinstance(value, list) else value


def in_other_zones(value: Any, rng: Random) -> Any:
    """The same moments by other clocks."""
    if isinstance(value, dict):
        return {name: in_other_zones(inner, rng) for name, inner in value.items()}
    if isinstance(value, list):
        return [in_other_zones(item, rng) for item in value]
    moment = parse_time(value) if isinstance(value, str) else None
    zone = timezone(timedelta(minutes=rng.randrange(-720, 720)))
    return value if moment is None else moment.astimezone(zone).isoformat(timespec="milliseconds")


_LISTS = {"bizStep": "BizStep", "disposition": "Disp"}


def in_other_words(event: Json, rng: Random) -> Json:
    def word(name: str, text: str) -> str:
        kind = _LISTS[name]
        forms = (f"cbv:{kind}-{text}", f"https://ref.gs1.org/cbv/{kind}-{text}", f" {text} ",
                 f"urn:epcglobal:cbv:{kind.lower()}:{text}")  # fmt: skip
        return text if ":" in text else rng.choice(forms)

    return {name: word(name, value) if name in _LISTS else value for name, value in event.items()}


def without_what_does_not_identify(event: Json, rng: Random) -> Json:
    kept = {name: value for name, value in event.items() if name not in ("eventID", "errorDeclaration")}
    return {**kept, "recordTime": "2026-03-02T01:00:00Z", "rdfs:comment": str(rng.random())}


SAME: dict[str, Respell] = {
    "reordered": reordered,
    "in other time zones": in_other_zones,
    "in other words": in_other_words,
    "by Digital Links": lambda event, _: translated(event, EpcFormat.DIGITAL_LINK),
    "by URNs": lambda event, _: translated(translated(event, EpcFormat.DIGITAL_LINK), EpcFormat.URN),
    "bare": without_what_does_not_identify,
}


def renamed(value: Any) -> Any:
    """Extension fields by other prefixes."""
    if isinstance(value, dict):
        own = {name: name.partition(":") for name in value}
        return {
            f"{start}s:{rest}" if start in NAMES else name: renamed(value[name])
            for name, (start, _, rest) in own.items()
        }
    return [renamed(item) for item in value] if isinstance(value, list) else value


RENAMED = Context({**CONTEXT.names, **{f"{name}s": space for name, space in NAMES.items()}})


@pytest.mark.parametrize("seed", range(60))
def test_an_event_has_one_hash_however_it_is_written(seed: int) -> None:
    rng = Random(seed)
    event = Generator(rng).event()
    expected = prehash(event, CONTEXT)
    written = event
    for how, change in SAME.items():
        assert prehash(change(event, rng), CONTEXT) == expected, how
        written = change(written, rng)
    assert prehash(written, CONTEXT) == expected
    assert prehash(renamed(event), RENAMED) == expected
    for version in ("2.0", "1.2"):
        again = read_xml(document_xml(document(event), version=version))
        assert event_hash(events_of(again)[0][1], context_of(again)) == event_hash(event, CONTEXT)
