"""JSON-LD contexts of EPCIS documents, as far as names and prefixes go. No context is ever fetched: one is the
standard's, or stands in the document, or is not known."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.epcis.vocabulary import STANDARD_PREFIXES

_IGNORE_FIELDS = "ignoreFields"
_STANDARD = "/epcis-context.jsonld"
_MASTER_DATA = STANDARD_PREFIXES["cbvmda"]
_MASTER_DATA_TOO = (_MASTER_DATA.removesuffix(":"), f"{_MASTER_DATA.removesuffix(':')}#")  # as XML and 1.2 spell it


@dataclass(frozen=True)
class Context:
    """What a document's `@context` declares: `names` maps prefixes and terms to namespaces and IRIs; `ignored` are full
    names of extension fields that the document says are no part of its events' identity (`…:ignoreFields`); `of_xml`:
    it was written in XML, whose schema takes any text for an eventID."""

    names: Mapping[str, str] = field(default_factory=lambda: dict(STANDARD_PREFIXES))
    ignored: frozenset[str] = frozenset()
    of_xml: bool = False

    def with_event(self, event: Mapping[str, Any]) -> "Context":
        """This context with the names that a bare event's own `@context` adds."""
        if "@context" not in event:
            return self
        return Context({**self.names, **_declared(event["@context"])}, self.ignored, self.of_xml)

    def split(self, name: str) -> tuple[str, str]:
        """Namespace and local name of a field name: CURIE, declared term or absolute IRI. No namespace: ("", name)."""
        prefix, colon, local = name.partition(":")
        if colon and prefix in self.names and not local.startswith("//"):
            return self.names[prefix], local
        iri = name if colon else self.names.get(name)
        if iri is None:
            return "", name
        cut = max(iri.rfind("/"), iri.rfind("#"))
        cut = cut if cut > 0 else iri.rfind(":")
        return iri[: cut + 1], iri[cut + 1 :]

    def full_name(self, name: str) -> str:
        """A field name as the event hash writes it: `{namespace}local`, or `local` where it has no namespace."""
        namespace, local = self.split(name)
        return f"{{{namespace}}}{local}" if namespace else local

    def expand(self, value: str) -> str:
        """A CURIE with a declared prefix as its full URI; every other value unchanged."""
        prefix, colon, local = value.partition(":")
        if colon and prefix in self.names and not local.startswith("//"):
            return self.names[prefix] + local
        return value

    @property
    def own(self) -> dict[str, str]:
        """The prefixes that it declares beside the standard's."""
        return {name: iri for name, iri in self.names.items() if STANDARD_PREFIXES.get(name) != iri}

    def shortened(self, uri: str) -> str:
        """A URI by that prefix of its own which says most of it; any other as it is."""
        fits = [(len(iri), name) for name, iri in self.own.items() if uri.startswith(iri) and uri != iri]
        return f"{max(fits)[1]}:{uri[max(fits)[0] :]}" if fits else uri

    def declares(self, name: str) -> bool:
        """Whether a field name has a namespace: a declared prefix or term, or an absolute IRI."""
        prefix, colon, local = name.partition(":")
        if not colon:
            return name in self.names
        return prefix in self.names or local.startswith("//") or prefix.lower() == "urn"


def context_of(document: Mapping[str, Any], *, of_xml: bool = False) -> Context:
    """The context of a document or bare event. What is malformed in it is left out; `validate_document` reports it."""
    names = {**STANDARD_PREFIXES, **_declared(document.get("@context"))}
    context = Context(names)
    ignored = {
        context.full_name(item)
        for holder in (document, *_query_results(document))
        for name, value in holder.items()
        if ":" in name and context.split(name)[1] == _IGNORE_FIELDS
        for item in _items(value)
        if isinstance(item, str) and ":" in item
    }
    return Context(names, frozenset(ignored), of_xml)


def _items(ignored: object) -> Iterator[object]:
    """Names of fields: in JSON a list of them, in XML empty elements with these names."""
    for part in ignored if isinstance(ignored, list) else ():
        yield from part if isinstance(part, dict) else (part,)


def is_standards(address: str) -> bool:
    """Whether it is an address of the standard's context: there are mirrors and versions, which all say the same."""
    return address.endswith(_STANDARD)


def own_context(document: Mapping[str, Any]) -> list[Any] | None:
    """What a document's `@context` declares beside the standard's own, as written; None where that is all."""
    context = document.get("@context")
    listed = context if isinstance(context, list) else [context]
    own = [part for part in listed if part and not (isinstance(part, str) and is_standards(part))]
    return own or None


def _query_results(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    body = document.get("epcisBody")
    results = body.get("queryResults") if isinstance(body, dict) else None
    if isinstance(results, dict):
        yield results


def _declared(context: object) -> dict[str, str]:
    names: dict[str, str] = {}
    for part in context if isinstance(context, list) else [context]:
        if not isinstance(part, dict):
            continue
        for name, meaning in part.items():
            iri = meaning.get("@id") if isinstance(meaning, dict) else meaning
            if isinstance(iri, str) and iri and not name.startswith("@"):
                names[name] = _MASTER_DATA if iri in _MASTER_DATA_TOO else iri
    # A term may be declared by a prefix of the same context; one step is what documents use.
    merged = {**STANDARD_PREFIXES, **names}
    for name, iri in names.items():
        prefix, colon, local = iri.partition(":")
        if colon and prefix in merged and prefix != name and not local.startswith("//"):
            names[name] = merged[prefix] + local
    return names
