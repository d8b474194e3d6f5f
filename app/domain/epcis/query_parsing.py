"""Queries from URL parameters and from JSON (EPCIS 2.0 §8.2.7.1 and its REST binding; query-schema.json).

A criterion is given once; a list of values is written with `|` in a URL, or by repeating the parameter. What the
standard does not know, and values of a wrong type, raise QueryParameterException; more than is worked on for one query
QueryTooComplexException.

Decided where the standard leaves it open: words of the vocabularies in any of their forms (bare word, CURIE, web URI,
URN) mean the same, as do EPC URNs and Digital Links; criteria on what an event has several of (sensor reports, quantity
elements) are met each by any of them; a prefix that the query does not declare stands for itself.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from app.domain.epcis.context import Context, context_of
from app.domain.epcis.exceptions import QueryTooComplexException, QueryValidationException
from app.domain.epcis.named import ANY_CLASS, ANY_EPC
from app.domain.epcis.query import Query
from app.domain.epcis.query_given import Given, readable, refused
from app.domain.epcis.query_parameters import Draft, match

MAX_PARAMETERS = 100
MAX_VALUES = 1_000
"""In one query, over all of its parameters."""
MAX_SPANS = 200
"""Ranges of EPCs in one query; a pattern is up to ten of them."""

_MAX_BITS = 1_023


def parse_parameters(items: Iterable[tuple[str, str]], context: Context | None = None) -> Query:
    """A query from the decoded (name, value) pairs of a URL, without those of paging. Raises EpcisException."""
    values: dict[str, list[object]] = {}
    for name, value in items:
        values.setdefault(name, []).extend(part for part in value.split("|") if part.strip())
    return _parse(values, context or Context())


def of_epc(epc: str) -> Query:
    """The events that name an EPC or a class, in any role but as a transformation: those below /epcs/{epc}. It may be
    a pattern, as a value of a MATCH_ parameter may. Raises EpcisException."""
    draft = Draft()
    match(ANY_EPC | ANY_CLASS)(draft, Given("epc", (epc,), Context()))
    return draft.query()


def declared(header: str) -> Context:
    """The prefixes that a GS1-Extensions header declares for the names in a URL: `ex=https://ns.example/x/, ex2=…`."""
    pairs = (part.partition("=") for part in header.split(","))
    return context_of({"@context": {name.strip(): iri.strip() for name, _, iri in pairs if ":" in iri}})


def parse_body(query: Mapping[str, Any]) -> Query:
    """A query from its JSON object, whose `@context` declares prefixes of extension fields. Raises EpcisException."""
    if not isinstance(query, Mapping):
        raise QueryValidationException("查询应为 JSON 对象 · A query is a JSON object", pointer="/query")
    values = {name: _listed(name, value) for name, value in query.items() if name != "@context"}
    return _parse(values, context_of(query))


def _listed(name: str, value: object) -> list[object]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    if any(isinstance(item, dict | list) or item is None for item in values):
        raise refused(name, "应为文本、数字或其列表", "should be a text, a number, or a list of them")
    if any(isinstance(item, int) and item.bit_length() > _MAX_BITS for item in values):
        raise refused(name, "整数过大", "is an integer of absurd size")
    return values


def _parse(values: Mapping[str, list[object]], context: Context) -> Query:
    if len(values) > MAX_PARAMETERS:
        raise _too_complex(f"超过{MAX_PARAMETERS}个参数", f"more than {MAX_PARAMETERS} parameters")
    if sum(map(len, values.values())) > MAX_VALUES:
        raise _too_complex(f"取值超过{MAX_VALUES}个", f"more than {MAX_VALUES} values")
    draft = Draft()
    for name, items in values.items():
        draft.add(Given(readable(name, name), tuple(items), context))
    if sum(len(each.spans) for each in draft.epc_filters) > MAX_SPANS:
        raise _too_complex("MATCH_ 的模式过多", "too many patterns in MATCH_ parameters")
    return draft.query()


def _too_complex(zh: str, en: str) -> QueryTooComplexException:
    return QueryTooComplexException(
        f"查询过于复杂（{zh}），请分成几次查询 · The query is too complex ({en}): ask in several"
    )
