"""The prefixes of an XML document, and the `@context` that a JSON-LD document with the same names needs."""

import re
from typing import Any, Final

from app.domain.epcis.vocabulary import STANDARD_PREFIXES
from app.domain.epcis.writing import CONTEXT
from app.domain.epcis.xml_shape import FIELDS, MASTER_ATTRIBUTES, SCHEMES, as_uri, json_name, split
from app.domain.errors import Malformed

MAX_NAMESPACES: Final = 1_000
"""Of one document, among those that its names use."""

# Names with a prefix have to be URIs in JSON (the published schema says so), whose schemes are poorer than XML's names.
_SCHEME = re.compile(r"[^A-Za-z0-9.-]")
_STANDARD = {namespace: prefix for prefix, namespace in STANDARD_PREFIXES.items()}
_STANDARD[MASTER_ATTRIBUTES] = "cbvmda"


class Names:
    """What XML names and CURIEs of one document are called in JSON-LD. Prefixes stay as the document has them, unless
    they stand for two namespaces or for something else in the standard's own context, which nobody may redefine."""

    def __init__(self) -> None:
        self._in_scope: dict[str, list[str]] = {}
        self._last: dict[str, str] = {}
        self._wanted: dict[str, str] = {}
        self._prefixes: dict[str, str] = {}  # namespace → prefix in JSON-LD
        self._members: dict[str, str] = {}
        self._taken = {*STANDARD_PREFIXES, *SCHEMES, *FIELDS}

    def declare(self, prefix: str, namespace: str) -> None:
        """`xmlns:prefix="namespace"` comes into scope."""
        self._in_scope.setdefault(prefix, []).append(namespace)
        self._last[prefix] = namespace
        if prefix:
            self._wanted.setdefault(namespace, prefix)

    def release(self, prefix: str) -> None:
        """The innermost declaration of a prefix ends."""
        self._in_scope[prefix].pop()

    def member(self, tag: str) -> str:
        """The name of a JSON member for an element or attribute: `prefix:local`, or `local` without a namespace."""
        known = self._members.get(tag)
        if known is None:
            namespace, local = split(tag)
            known = f"{self._prefix(namespace)}:{as_uri(json_name(local))}" if namespace else json_name(local)
            self._members[tag] = known
        return known

    def uri(self, text: str) -> str:
        """A URI or CURIE, the latter with the prefix that its namespace has in JSON-LD."""
        prefix, colon, local = text.partition(":")
        scope = self._in_scope.get(prefix) if colon and prefix not in SCHEMES and not local.startswith("//") else None
        if scope is None or not prefix:
            return as_uri(text)
        # Out of scope, a prefix stands for what it last stood for: within the event that is being read.
        return f"{self._prefix(scope[-1] if scope else self._last[prefix])}:{as_uri(local)}"

    def qualified(self, text: str) -> tuple[str, str]:
        """Namespace and local name of an xsd:QName; no namespace where its prefix stands for none."""
        prefix, colon, local = text.partition(":")
        scope = self._in_scope.get(prefix) if colon else None
        return ("", text) if scope is None else (scope[-1] if scope else self._last[prefix], local)

    def context(self) -> list[Any]:
        """For the document's `@context`: the standard's, and the prefixes in use."""
        own = {prefix: namespace for namespace, prefix in self._prefixes.items()}
        return [CONTEXT, own] if own else [CONTEXT]

    def _prefix(self, namespace: str) -> str:
        standard = _STANDARD.get(namespace)
        if standard is not None:
            return standard
        if namespace not in self._prefixes:
            if len(self._prefixes) >= MAX_NAMESPACES:
                raise Malformed(
                    "xml-oversized",
                    f"文档使用的命名空间超过 {MAX_NAMESPACES} 个，请拆分 · "
                    f"the document uses more than {MAX_NAMESPACES} namespaces: split it",
                )
            wanted = _SCHEME.sub("-", self._wanted.get(namespace, "ns")).lstrip("-.0123456789") or "ns"
            prefix, number = wanted, 1
            while prefix in self._taken:
                number += 1
                prefix = f"{wanted}-{number}"
            self._taken.add(prefix)
            self._prefixes[namespace] = prefix
        return self._prefixes[namespace]
