"""What EPCIS XML looks like: namespaces, where each field of an event stands, and names.

Sources: the XML schemas of EPCIS 1.2 and 2.0 (EPCglobal-epcis, -epcis-query, -epcis-masterdata), whose elements have no
namespace but the roots and `QueryResults`.
"""

import re
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import quote, unquote


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


Version = Literal["2.0", "1.2"]
Shape = tuple["str | tuple[str, Shape]", ...]
"""Fields in the order of the schema; a pair is a wrapper element and what stands in it."""

CAPTURE: Final = "urn:epcglobal:epcis:xsd:"
QUERY: Final = "urn:epcglobal:epcis-query:xsd:"
MASTER_DATA: Final = "urn:epcglobal:epcis-masterdata:xsd:"
OWN: Final = frozenset(f"{start}{major}" for start in (CAPTURE, QUERY, MASTER_DATA) for major in (1, 2))
SBDH: Final = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
XSD: Final = "http://www.w3.org/2001/XMLSchema"
XML: Final = "http://www.w3.org/XML/1998/namespace"
XMLNS: Final = "http://www.w3.org/2000/xmlns/"
NIL: Final = f"{{{XSI}}}nil"
TEXT: Final = "#text"
"""The member that holds the text of an extension element which has attributes or parts as well."""

WRAPPERS: Final = frozenset(("extension", "baseExtension"))
MASTER_ATTRIBUTES: Final = "urn:epcglobal:cbv:mda"
"""The namespace of `cbvmda:` in XML; in JSON-LD it ends with a colon, so that prefix and name make a URN."""

SCHEMES: Final = frozenset(_words("urn http https ni ftp data tag tel mailto info did geo doi file ws wss xml xmlns"))
"""Words before a colon that begin a URI, and so can be no prefix of names in JSON-LD."""

LISTS: Final = {
    **dict.fromkeys(("epcList", "childEPCs", "inputEPCList", "outputEPCList"), "epc"),
    **dict.fromkeys(
        ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList"), "quantityElement"
    ),
    "bizTransactionList": "bizTransaction",
    "sourceList": "source",
    "destinationList": "destination",
    "sensorElementList": "sensorElement",
    "correctiveEventIDs": "correctiveEventID",
}
"""The element of each item of a list."""
TYPED: Final = {"bizTransaction": "BTT", "source": "SDT", "destination": "SDT"}
"""Items with a `type` attribute, a word of this list of CBV."""
WORDS: Final = {"bizStep": "BizStep", "disposition": "Disp", "reason": "ER"}
NUMBERS: Final = frozenset(_words("value minValue maxValue meanValue sDev percRank percValue quantity"))
METADATA: Final = _words("time deviceID deviceMetadata rawData startTime endTime bizRules dataProcessingMethod")
REPORT: Final = _words(
    """type value component stringValue booleanValue hexBinaryValue uriValue uom minValue maxValue sDev
    chemicalSubstance microorganism deviceID deviceMetadata rawData time meanValue percRank percValue
    dataProcessingMethod bizRules coordinateReferenceSystem exception"""
)

_WHERE = ("bizStep", "disposition", "readPoint", "bizLocation")
_WHO = ("sourceList", "destinationList")
_LATER = ("sensorElementList", "persistentDisposition")
_WHEN = ("eventTime", "recordTime", "eventTimeZoneOffset")
_BASE_2 = (*_WHEN, "eventID", "errorDeclaration", "certificationInfo")
_BASE_1: Shape = (*_WHEN, ("baseExtension", ("eventID", "errorDeclaration", ("extension", ("certificationInfo",)))))
_TRANSFORMED = ("inputEPCList", "inputQuantityList", "outputEPCList", "outputQuantityList", "transformationID", *_WHERE)
_ASSOCIATED = ("parentID", "childEPCs", "childQuantityList", "action", *_WHERE, "bizTransactionList", *_WHO, *_LATER)
_MOVED = ("bizTransactionList", "parentID", "epcList", "action", *_WHERE)
_PACKED = ("parentID", "childEPCs", "action", *_WHERE, "bizTransactionList")
_SEEN = ("epcList", "action", *_WHERE, "bizTransactionList")

EVENTS: Final[dict[Version, dict[str, Shape]]] = {
    "2.0": {
        "ObjectEvent": (*_BASE_2, *_SEEN, "quantityList", *_WHO, *_LATER, "ilmd"),
        "AggregationEvent": (*_BASE_2, *_PACKED, "childQuantityList", *_WHO, *_LATER),
        "TransactionEvent": (*_BASE_2, *_MOVED, "quantityList", *_WHO, *_LATER),
        "TransformationEvent": (*_BASE_2, *_TRANSFORMED, "bizTransactionList", *_WHO, *_LATER, "ilmd"),
        "AssociationEvent": (*_BASE_2, *_ASSOCIATED),
    },
    # What came with 2.0 stands in the innermost extension, as in GS1's own conversion of 2.0 to 1.2.
    "1.2": {
        "ObjectEvent": (
            *_BASE_1, *_SEEN, ("extension", ("quantityList", *_WHO, "ilmd", ("extension", _LATER)))
        ),
        "AggregationEvent": (*_BASE_1, *_PACKED, ("extension", ("childQuantityList", *_WHO, ("extension", _LATER)))),
        "TransactionEvent": (*_BASE_1, *_MOVED, ("extension", ("quantityList", *_WHO, ("extension", _LATER)))),
        "TransformationEvent": (
            *_BASE_1, *_TRANSFORMED, "bizTransactionList", *_WHO, "ilmd", ("extension", _LATER)
        ),
        "AssociationEvent": (*_BASE_1, *_ASSOCIATED),
    },
}  # fmt: skip
WRAPPED: Final = {"TransformationEvent": 1, "AssociationEvent": 2}
"""In how many `extension` elements an event of EPCIS 1.2 stands in its EventList."""
NEEDED: Final = {"ObjectEvent": "epcList", "TransactionEvent": "epcList", "AggregationEvent": "childEPCs"}
"""The list that EPCIS 1.2 wants even where it is empty."""

FIELDS: Final = frozenset(
    _words(
        """id type member baseURL action eventTime recordTime eventTimeZoneOffset eventID errorDeclaration
        declarationTime certificationInfo transformationID parentID readPoint bizLocation ilmd persistentDisposition
        set unset epcClass sensorMetadata sensorReport startTime endTime schemaVersion creationDate sender receiver
        instanceIdentifier epcisHeader epcisBody epcisMasterData eventList vocabularyList queryResults resultsBody
        queryName subscriptionID vocabularyElementList attributes attribute children ObjectEvent AggregationEvent
        TransactionEvent TransformationEvent AssociationEvent"""
    )
).union(LISTS, LISTS.values(), WORDS, NUMBERS, METADATA, REPORT)
"""Names that mean something in EPCIS, and so can be no prefix."""

# The letters that every parser takes, also those of the first editions of XML 1.0.
_FIRST = "A-Za-z_À-ÖØ-öø-ÿΑ-ΡΣ-Ωα-ωА-яぁ-ゔァ-ヺ一-龥가-힣"
_WRONG = re.compile(rf"^[^{_FIRST}]|[^{_FIRST}0-9.\-]|_(?=x[0-9A-F]{{4,6}}_)")
_PERCENT = re.compile("(?:%[89A-F][0-9A-F])+")
_IN_URIS = "%!$&'()*+,;=:@/?#[]"
_ESCAPED = re.compile(r"_x([0-9A-F]{4}|[0-9A-F]{6})_")


def xml_name(local: str) -> str:
    """A local name as XML can write it: what it cannot is `_xHHHH_` (SQL/XML, ISO/IEC 9075-14 §9.1)."""
    name = _WRONG.sub(lambda match: "".join(_escape(ord(char)) for char in match[0]), local)
    return name or "_"


def _escape(code: int) -> str:
    return f"_x{code:04X}_" if code < 0x10000 else f"_x{code:06X}_"


def json_name(local: str) -> str:
    """The name that was written as `xml_name`."""
    return _ESCAPED.sub(_unescape, local)


def as_uri(text: str) -> str:
    """The URI, or part of one, that an xsd:anyURI stands for (XML Schema 1.0 part 2 §3.2.17): what has no place in a
    URI is percent-encoded, 批次 is `%E6%89%B9%E6%AC%A1`."""
    return quote(text, safe=_IN_URIS)


def as_iri(text: str) -> str:
    """`text` with letters again for what `as_uri` encoded, those of ASCII apart."""
    return _PERCENT.sub(_unquoted, text)


def _unquoted(match: re.Match[str]) -> str:
    text = unquote(match[0], errors="replace")
    return text if as_uri(text) == match[0] else match[0]


def _unescape(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    # NUL and half surrogate pairs are no text that anybody can keep.
    return match[0] if code == 0 or 0xD800 <= code < 0xE000 or code > 0x10FFFF else chr(code)


@lru_cache(maxsize=4_096)
def split(tag: str) -> tuple[str, str]:
    """Namespace and local name of an ElementTree tag; no namespace for EPCIS's own elements, qualified or not."""
    namespace, _, local = tag.rpartition("}")
    namespace = namespace.removeprefix("{")
    return ("" if namespace in OWN else namespace), local
