"""Nothing that the standard's JSON Schema refuses is taken, and what it takes is refused for listed reasons only: every
published document is changed in one place after the other and shown to both."""

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from app.domain.epcis.validate import validate_document

from .cases import VALID
from .generated import Generator, document
from .invalid import INVALID
from .vectors import EXAMPLES, HASHES, ROOT, TUNA, load

SCHEMA = ROOT / "gs1-epcis" / "EPCIS-JSON-Schema.json"
# What is refused beyond the schema.
BEYOND = {
    "absurd-quantity", "contradiction", "incomplete-event", "invalid-quantity", "malformed-context", "malformed-uri",
    "missing-field", "negative-quantity", "repeated-item", "undeclared-prefix", "unexpected-field",
    "unknown-context", "unknown-event-type", "unknown-word", "wrong-unit", "malformed-time",
    "field-without-namespace", "wrong-type",
}  # fmt: skip
SAMPLE = 200  # changes of one document

Step = str | int


@pytest.fixture(scope="module")
def schema(vectors: Path) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")))


def refusals(document: Any) -> set[str]:
    return {fault.slug for fault in validate_document(document) if fault.severity == "refusal"}


def places(value: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    members: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in members:
        yield (*path, step)
        yield from places(inner, (*path, step))


VALUES: tuple[Any, ...] = (None, 7, -1.5, 1e30, "x", "", True, [], {}, "2020-13-45T99:00:00Z", "urn:x:y", "ADD")


def changed(document: dict[str, Any], path: tuple[Step, ...], rng: random.Random) -> dict[str, Any]:
    """A copy with the member or item at `path` taken out, renamed, doubled, wrapped or made another value."""
    copy = deepcopy(document)
    parent: Any = copy
    for step in path[:-1]:
        parent = parent[step]
    last = path[-1]
    value = parent[last]
    ways = ["delete", "value", "value", "wrap", "rename" if isinstance(parent, dict) else "double"]
    match rng.choice([*ways, "text", "text", "text"] if isinstance(value, str) else ways):
        case "delete":
            del parent[last]
        case "rename":
            parent[f"{last}{rng.choice(('X', ' x', '菜', ':y'))}"] = parent.pop(last)
        case "double":
            parent.append(deepcopy(value))
        case "wrap":
            parent[last] = [value]
        case "text":
            forms = (f" {value}", f"{value} ", f"{value}例", f"{value}%zz", value[:-1], value.upper(), value.lower())
            parent[last] = rng.choice(forms)
        case "value":
            parent[last] = deepcopy(rng.choice(VALUES))
    return copy


def compared(schema: jsonschema_rs.Validator, document: dict[str, Any], what: object) -> bool:
    """Whether the document is refused."""
    valid, slugs = schema.is_valid(document), refusals(document)
    assert valid or slugs, f"{what}: the schema refuses it, we do not"
    assert not valid or slugs <= BEYOND, f"{what}: {slugs - BEYOND}"
    return bool(slugs)


@pytest.mark.parametrize("path", [*EXAMPLES, *HASHES, *([TUNA] if TUNA.exists() else [])], ids=lambda path: path.stem)
def test_changed_in_any_place(path: Path, schema: jsonschema_rs.Validator) -> None:
    document = load(path)
    assert not compared(schema, document, path.stem)
    rng = random.Random(path.stem)
    found = list(places(document))
    refused = 0
    for place in rng.choices(found, k=SAMPLE):
        changing = random.Random(seed := rng.random())
        refused += compared(schema, changed(document, place, changing), (path.stem, place, seed))
    assert SAMPLE / 4 < refused < SAMPLE


@pytest.mark.parametrize("name", VALID)
def test_own_documents_are_valid(name: str, schema: jsonschema_rs.Validator) -> None:
    assert not compared(schema, VALID[name], name)


@pytest.mark.parametrize("name", [name for name in VALID if isinstance(VALID[name], dict)])
def test_own_documents_changed(name: str, schema: jsonschema_rs.Validator) -> None:
    rng = random.Random(name)
    found = list(places(VALID[name]))
    for place in rng.choices(found, k=SAMPLE):
        changing = random.Random(seed := rng.random())
        compared(schema, changed(VALID[name], place, changing), (name, place, seed))


def test_the_schema_alone_would_take_many_of_the_invalid_documents(schema: jsonschema_rs.Validator) -> None:
    taken = [name for name, (document, _) in INVALID.items() if isinstance(document, dict) and _small(document)]
    assert sum(schema.is_valid(INVALID[name][0]) for name in taken) >= 25


def _small(document: dict[str, Any]) -> bool:
    """Whether the document can be written as JSON at all."""
    try:
        return len(json.dumps(document, allow_nan=False, ensure_ascii=False).encode()) < 1_000_000
    except (TypeError, ValueError):
        return False


def test_what_is_generated_fits(schema: jsonschema_rs.Validator) -> None:
    for seed in range(200):
        assert [str(error) for error in schema.iter_errors(document(Generator(random.Random(seed)).event()))] == []
