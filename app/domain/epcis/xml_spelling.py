"""How names, words and URIs of a JSON-LD document are spelled in XML, and the namespaces that takes."""

import re
from decimal import Decimal
from typing import Any, Final, Literal, get_args

from app.domain.epcis.context import Context
from app.domain.epcis.values import canonical_number
from app.domain.epcis.vocabulary import CBV, STANDARD_PREFIXES, WEB_VOCABULARY, bare_word, urn_form
from app.domain.epcis.xml_shape import MASTER_ATTRIBUTES, SBDH, SCHEMES, XML, XMLNS, XSD, XSI, as_iri, xml_name

CbvFormat = Literal["Always_Web_URI", "Always_URN", "Never_Translates", "No_Preference"]
"""How words of CBV are written: the header GS1-CBV-XML-Format of EPCIS 2.0 §12. Without preference they are URNs, which
readers of every version know; `Never_Translates` leaves words that are URIs as they are."""

CBV_FORMATS: Final[tuple[CbvFormat, ...]] = get_args(CbvFormat)


def cbv_format(text: str) -> CbvFormat:
    """Raises ValueError."""
    return CBV_FORMATS[CBV_FORMATS.index(text)]


_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MASTER_CURIE: Final = "cbvmda:"
_SENSOR_TEXTS: Final = ("time", "startTime", "endTime", "stringValue", "hexBinaryValue", "uom")
_RESERVED: Final = {
    SBDH: "sbdh",
    XSI: "xsi",
    XSD: "xsd",
    WEB_VOCABULARY: "gs1",
    CBV: "cbv",
}


class Spelling:
    """Of one document; `own` are prefix and namespace of its root."""

    def __init__(self, context: Context, cbv: CbvFormat, own: tuple[str, str]) -> None:
        self.context = context  # the document's, or that of the event at hand
        self._cbv = cbv
        self._declared = {own[1]: own[0]}  # namespace → prefix
        self._taken = {own[0], *_RESERVED.values(), *SCHEMES}

    def declarations(self) -> dict[str, str]:
        """The `xmlns:` attributes of the root for what has been spelled."""
        return {f"xmlns:{prefix}": clean(namespace) for namespace, prefix in self._declared.items()}

    # Names.

    def name(self, name: str) -> str:
        """The qualified XML name of a JSON member."""
        namespace, local = self.context.split(name)
        if not namespace or namespace == XMLNS:
            return xml_name(local)
        prefix, colon, _ = name.partition(":")
        return f"{self.declare(prefix if colon else 'ns', namespace)}:{xml_name(as_iri(local))}"

    def declare(self, wanted: str, namespace: str) -> str:
        """The prefix of a namespace, which the root declares from then on."""
        if namespace == STANDARD_PREFIXES["cbvmda"]:
            namespace = MASTER_ATTRIBUTES
        if namespace == XML:
            return "xml"
        known = self._declared.get(namespace)
        if known is None:
            known = _RESERVED.get(namespace)
            if known is None:
                wanted = xml_name(wanted)
                wanted = "ns" if wanted.lower().startswith("xml") else wanted
                known, number = wanted, 1
                while known in self._taken:
                    number += 1
                    known = f"{wanted}-{number}"
            self._taken.add(known)
            self._declared[namespace] = known
        return known

    # Values.

    def word(self, kind: str, value: str) -> str:
        """A word of a CBV list (see `bare_word`) in the wanted form, or a URI of somebody's own."""
        full = self.context.expand(value.strip())
        word = bare_word(kind, full)
        if ":" in word or (self._cbv == "Never_Translates" and ":" in full):
            return clean(full)
        return clean(f"{CBV}{kind}-{word}" if self._cbv == "Always_Web_URI" else urn_form(kind, word))

    def uri(self, value: Any) -> str:
        """A URI; a CURIE is written out."""
        return clean(self.context.expand(scalar(value)))

    def curie(self, text: str) -> str:
        """A CURIE with a prefix that the root declares; every other value unchanged."""
        prefix, colon, local = text.partition(":")
        namespace = self.context.names.get(prefix)
        if not colon or namespace is None or local.startswith("//"):
            return text
        return f"{self.declare(prefix, namespace)}:{local}"

    def attribute_id(self, value: Any) -> str:
        """The name of an attribute of master data, which for those of CBV ends `mda#name` in XML."""
        text = scalar(value)
        if text.startswith(_MASTER_CURIE) and self.context.names["cbvmda"] == STANDARD_PREFIXES["cbvmda"]:
            return f"{MASTER_ATTRIBUTES}#{text.removeprefix(_MASTER_CURIE)}"
        return self.uri(text)

    def sensor_value(self, field: str, value: Any) -> str:
        """An attribute of sensor data."""
        text = scalar(value)
        if field in ("type", "exception", "component"):
            start, base = ("cbv:Comp-", CBV) if field == "component" else ("gs1:", WEB_VOCABULARY)
            full = self.context.expand(text)
            word = bare_word("Comp", full) if field == "component" else full.removeprefix(base)
            if ":" in word:
                return self.curie(text)
            self.declare(start.partition(":")[0], base)
            return start + word
        return text if field in _SENSOR_TEXTS else self.uri(text)


def scalar(value: Any) -> str:
    """A plain value as XML writes it; nothing for null."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return canonical_number(value)
    return "" if value is None else clean(str(value))


def clean(text: str) -> str:
    """`text` with U+FFFD for what XML 1.0 cannot hold."""
    return _UNWRITABLE.sub("\ufffd", text)
