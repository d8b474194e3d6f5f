"""Whether an EPCIS 2.0 JSON-LD document may be captured, and what in it to flag.

Faults of schema and vocabulary are refusals. Identifiers that are malformed and eventIDs that are reused are flags: the
event has happened all the same. Beyond the standard's JSON Schema this looks at vocabulary words and namespaces.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.domain.epcis import fields as f
from app.domain.epcis import vocabulary as v
from app.domain.epcis.captured import INPUTS, OUTPUTS, papers_of
from app.domain.epcis.context import Context, context_of
from app.domain.epcis.context_checking import check_context
from app.domain.epcis.documents import events_of
from app.domain.epcis.event_hash import event_hash
from app.domain.epcis.faults import Fault, Faults, at, readable, shown
from app.domain.epcis.named import destination, ships
from app.domain.epcis.projection import MAX_TRANSFORMATION_LINKS
from app.domain.epcis.sensing import SENSOR_ELEMENT
from app.domain.epcis.values import canonical_time

DOCUMENT_TYPES = ("EPCISDocument", "EPCISQueryDocument")


def validate_document(document: Any, *, of_xml: bool = False) -> list[Fault]:
    """All faults of an EPCISDocument, an EPCISQueryDocument or a bare event, as parsed from JSON, whatever it is;
    `of_xml`: read from XML."""
    faults = Faults()
    if not f.is_a(f.OBJECT, document, "", faults) or not readable(document, "", faults):
        return faults.found
    context = context_of(document, of_xml=of_xml)
    if "@context" not in document:
        f.missing("", "@context", faults)
    kind = document.get("type")
    if kind not in DOCUMENT_TYPES:
        if _is_event_type(kind, context.with_event(document)):
            _event(document, "", faults, context)
        else:
            _unknown_type(kind, "/type", "unknown-document", (*DOCUMENT_TYPES, *_EVENTS), faults)
        return faults.found
    (_DOCUMENT if kind == "EPCISDocument" else _QUERY_DOCUMENT)(document, "", faults, context)
    version = document.get("schemaVersion")
    if isinstance(version, str) and version.split(".")[0] != "2" and version[:1].isdigit():
        faults.refuse(
            "/schemaVersion",
            "unsupported-version",
            f"只接受 EPCIS 2.x，现为 {shown(version)}",
            f"EPCIS 2.x is taken, this is {shown(version)}",
        )
    events = events_of(document)
    for place, event in events:
        _event(event, place, faults, context)
    _reused_ids(events, context, faults)
    return faults.found


def validate_event(event: Any, context: Context, pointer: str = "") -> list[Fault]:
    """All faults of one event under the names that `context` declares."""
    faults = Faults()
    if f.is_a(f.OBJECT, event, "", faults) and readable(event, "", faults):
        _event(event, "", faults, context)
    return [replace(fault, pointer=pointer + fault.pointer) for fault in faults.found]


def _event(event: dict[str, Any], pointer: str, faults: Faults, context: Context) -> None:
    if "type" not in event:
        f.missing(pointer, "type", faults)
        return
    kind = event["type"]
    context = context.with_event(event)
    if not _is_event_type(kind, context):
        _unknown_type(kind, at(pointer, "type"), "unknown-event-type", tuple(_EVENTS), faults)
        return
    own, required = _EVENTS.get(kind, _EXTENDED)
    for name in (*_REQUIRED, *required):
        if name not in event:
            f.missing(pointer, name, faults)
    for name, value in event.items():
        check = own.get(name) or _COMMON.get(name)
        if check is not None:
            check(value, at(pointer, name), faults, context)
        elif name in _EVENT_FIELDS:
            f.unexpected(pointer, name, faults)
        else:
            f.own_field(name, pointer, faults, context)
            f.anything(value, at(pointer, name), faults, context)
    if kind in _COMPLETE:
        _COMPLETE[kind](event, pointer, faults)
    _corrected_by_itself(event, pointer, faults)
    _received_by_nobody(event, pointer, faults)


def _is_event_type(kind: object, context: Context) -> bool:
    """One of the five, or a URI of somebody's own (an extended event, EPCIS 2.0 §7.1.1). The five in other words
    (`epcis:ObjectEvent`) are neither."""
    if not isinstance(kind, str) or kind in _EVENTS:
        return isinstance(kind, str)
    own = ":" in kind and len(kind) <= f.MAX_KEY and f.is_uri(kind) and context.declares(kind)
    return own and context.split(kind)[1].rpartition(":")[2] not in _EVENTS


def _corrected_by_itself(event: Mapping[str, Any], pointer: str, faults: Faults) -> None:
    declaration = event.get("errorDeclaration")
    corrective = _list(declaration.get("correctiveEventIDs")) if isinstance(declaration, dict) else []
    for i, own_id in enumerate(corrective):
        if isinstance(own_id, str) and own_id == event.get("eventID"):
            faults.refuse(
                f"{pointer}/errorDeclaration/correctiveEventIDs/{i}",
                "contradiction",
                "被声明有误的事件不能更正自己",
                "the event that is declared wrong cannot be its own correction",
            )


def _received_by_nobody(event: Mapping[str, Any], pointer: str, faults: Faults) -> None:
    """Goods that are sent with a despatch advice, or to somebody, and to or from no place: nobody is shown them."""
    to, kind = destination(event), event.get("type")
    if not ships(event) or "errorDeclaration" in event:
        return
    if kind != "ObjectEvent":
        if to is not None and kind in ("TransactionEvent", "AggregationEvent") and event.get("bizStep") == "shipping":
            faults.flag(
                pointer, "no_slip", "收货方只看到 ObjectEvent 的发货，请另发一个",
                "receivers are shown ObjectEvents of shipping alone: send one as well",
            )  # fmt: skip
    elif to is None and any(kind == "desadv" for kind, _ in papers_of(event)):
        faults.flag(
            pointer, "no_receiver", "有发货通知单而无收货方，收货方看不到；请在 destinationList 写 location 的 GLN",
            "a despatch advice and no receiver: nobody is shown it; name the GLN of a location in destinationList",
        )  # fmt: skip
    elif to is not None and not isinstance(event.get("readPoint") or event.get("bizLocation"), dict):
        faults.flag(
            pointer, "no_departure", "未写明发货地点，收货方看不到；请写 readPoint",
            "no place of departure: its receiver is not shown it; name the readPoint",
        )  # fmt: skip


def _unknown_type(kind: object, pointer: str, slug: str, known: tuple[str, ...], faults: Faults) -> None:
    among = " ".join(known)
    faults.refuse(
        pointer,
        slug,
        f"未知类型 {shown(kind)}，可用：{among}",
        f"unknown type {shown(kind)}; known are {among}",
    )


def _incomplete(pointer: str, faults: Faults, zh: str, en: str) -> None:
    faults.refuse(pointer, "incomplete-event", zh, en)


def _complete_object(event: Mapping[str, Any], pointer: str, faults: Faults) -> None:
    sensed = event.get("sensorElementList") and "readPoint" in event
    if not event.get("epcList") and not event.get("quantityList") and not sensed:
        _incomplete(
            pointer,
            faults,
            "缺少对象：epcList、quantityList，或 sensorElementList 与 readPoint",
            "no object: needs an epcList, a quantityList, or a sensorElementList with a readPoint",
        )
    if "ilmd" in event and event.get("action") in ("OBSERVE", "DELETE"):
        faults.refuse(
            at(pointer, "ilmd"),
            "unexpected-field",
            "只有 action 为 ADD 时才能有 ilmd",
            "ilmd is for action ADD only",
        )


def _complete_aggregation(event: Mapping[str, Any], pointer: str, faults: Faults) -> None:
    if "parentID" not in event and event.get("action") != "OBSERVE":
        f.missing(pointer, "parentID", faults)
    _complete_children(event, pointer, faults)


def _complete_children(event: Mapping[str, Any], pointer: str, faults: Faults) -> None:
    if event.get("action") != "DELETE" and not event.get("childEPCs") and not event.get("childQuantityList"):
        _incomplete(
            pointer,
            faults,
            "缺少 childEPCs 或 childQuantityList（仅 DELETE 可省略）",
            "needs childEPCs or a childQuantityList; only DELETE can do without",
        )


def _complete_transaction(event: Mapping[str, Any], pointer: str, faults: Faults) -> None:
    if event.get("action") != "DELETE" and "epcList" not in event and not event.get("quantityList"):
        _incomplete(
            pointer,
            faults,
            "缺少 epcList（可为空）或 quantityList（仅 DELETE 可省略）",
            "needs an epcList, which may be empty, or a quantityList; only DELETE can do without",
        )


def _complete_transformation(event: Mapping[str, Any], pointer: str, faults: Faults) -> None:
    counts = [sum(len(_list(event.get(name))) for name in lists) for lists in (INPUTS, OUTPUTS)]
    if not all(counts) and not (any(counts) and "transformationID" in event):
        _incomplete(
            pointer,
            faults,
            "转换事件须有投入和产出；由 transformationID 关联的几条事件可各有其一",
            "a transformation needs inputs and outputs; events joined by a transformationID may have one of them each",
        )
    if counts[0] * counts[1] > MAX_TRANSFORMATION_LINKS:
        faults.refuse(
            pointer,
            "too-many",
            f"投入与产出的组合超过{MAX_TRANSFORMATION_LINKS}个",
            f"inputs times outputs are more than {MAX_TRANSFORMATION_LINKS}",
        )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _context(value: Any, pointer: str, faults: Faults, _: Context) -> None:
    check_context(value, pointer, faults, _STANDARD_TERMS)


def _reused_ids(events: list[tuple[str, dict[str, Any]]], context: Context, faults: Faults) -> None:
    """Flags events that share their eventID with one of other content, but not the earliest of them, whatever order the
    document has them in. An error declaration repeats eventID and content of what it declares wrong."""
    bearers: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for pointer, event in events:
        own_id = event.get("eventID")
        if isinstance(own_id, str):
            bearers[own_id].append((pointer, event))
    for own_id, group in bearers.items():
        if len(group) == 1:
            continue
        contents = [
            (canonical_time(str(event.get("eventTime", ""))), event_hash(event, context), pointer)
            for pointer, event in group
        ]
        _, first, _ = min(contents)
        for _, content, pointer in contents:
            if content != first:
                faults.flag(
                    at(pointer, "eventID"),
                    "reused_event_id",
                    f"eventID 已用于内容不同的事件：{shown(own_id)}",
                    f"another event of other content has this eventID: {shown(own_id)}",
                )


def _disposition(value: str) -> str:
    return v.bare_word("Disp", value)


_PLACE = f.object_of({"id": f.key}, ("id",), extensible=True)
_QUANTITIES = f.listed(f.quantity_element)
# One in two writings (URN and Digital Link) is one: what is counted goes by the canonical form.
_EPCS = f.listed(f.key, unique=str)
_DISPOSITION = f.word("Disp", v.DISPOSITIONS)
_DISPOSITIONS = f.listed(_DISPOSITION, least=1, unique=_disposition)
_SDT = f.word("SDT", v.SOURCE_DESTINATION_TYPES)
_EXTENSIONS_ONLY = f.object_of({}, extensible=True)


def _persistent(value: Any, pointer: str, faults: Faults, context: Context) -> None:
    f.object_of({"set": _DISPOSITIONS, "unset": _DISPOSITIONS})(value, pointer, faults, context)
    if not isinstance(value, dict):
        return
    if not value:
        _incomplete(pointer, faults, "persistentDisposition 须有 set 或 unset", "needs set or unset")
    here = {_disposition(word) for word in _list(value.get("set")) if isinstance(word, str)}
    for i, word in enumerate(_list(value.get("unset"))):
        if isinstance(word, str) and _disposition(word) in here:
            faults.refuse(
                at(at(pointer, "unset"), i),
                "contradiction",
                f"不能同时 set 和 unset：{shown(word)}",
                f"both set and unset: {shown(word)}",
            )


_ERROR_DECLARATION = f.object_of(
    {
        "declarationTime": f.time,
        "reason": f.word("ER", v.ERROR_REASONS),
        "correctiveEventIDs": f.listed(f.name_of_event(f.uri)),
    },
    ("declarationTime",),
    extensible=True,
)

_BIZ_TRANSACTION = f.object_of(
    {"type": f.word("BTT", v.BIZ_TRANSACTION_TYPES), "bizTransaction": f.uri}, ("bizTransaction",)
)

_REQUIRED = ("eventTime", "eventTimeZoneOffset")
# Fields of every event; the place fields are the same for all five types.
_COMMON: dict[str, f.Check] = {
    "@context": _context,
    "type": f.text,
    "eventTime": f.event_time,
    "recordTime": f.time,
    "eventTimeZoneOffset": f.offset,
    "eventID": f.name_of_event(f.key),
    "certificationInfo": f.uris,
    "errorDeclaration": _ERROR_DECLARATION,
    "bizStep": f.word("BizStep", v.BIZ_STEPS),
    "disposition": _DISPOSITION,
    "readPoint": _PLACE,
    "bizLocation": _PLACE,
    "bizTransactionList": f.listed(_BIZ_TRANSACTION),
    "sourceList": f.listed(f.object_of({"type": _SDT, "source": f.uri}, ("type", "source"))),
    "destinationList": f.listed(f.object_of({"type": _SDT, "destination": f.uri}, ("type", "destination"))),
    "sensorElementList": f.listed(SENSOR_ELEMENT),
}
_ACTION = {"action": f.one_of("ADD", "OBSERVE", "DELETE", slug="wrong-action")}
_CHILDREN: dict[str, f.Check] = {**_ACTION, "parentID": f.key, "childEPCs": _EPCS, "childQuantityList": _QUANTITIES}
_OBJECTS: dict[str, f.Check] = {**_ACTION, "epcList": _EPCS, "quantityList": _QUANTITIES}
_MAKING: dict[str, f.Check] = {"persistentDisposition": _persistent, "ilmd": _EXTENSIONS_ONLY}
# Event type → its own fields, and which of them it needs besides _REQUIRED.
_EVENTS: dict[str, tuple[dict[str, f.Check], tuple[str, ...]]] = {
    "ObjectEvent": ({**_OBJECTS, **_MAKING}, ("action",)),
    "AggregationEvent": (_CHILDREN, ("action",)),
    "AssociationEvent": (_CHILDREN, ("action", "parentID")),
    "TransactionEvent": (
        {**_OBJECTS, "parentID": f.key, "bizTransactionList": f.listed(_BIZ_TRANSACTION, least=1)},
        ("action", "bizTransactionList"),
    ),
    "TransformationEvent": (
        {
            "inputEPCList": _EPCS,
            "inputQuantityList": _QUANTITIES,
            "outputEPCList": _EPCS,
            "outputQuantityList": _QUANTITIES,
            "transformationID": f.key,
            **_MAKING,
        },
        (),
    ),
}
_EXTENDED: tuple[dict[str, f.Check], tuple[str, ...]] = (
    {name: check for own, _ in _EVENTS.values() for name, check in own.items() if name not in _COMMON},
    (),
)
_EVENT_FIELDS = frozenset(name for own, _ in _EVENTS.values() for name in own)
_STANDARD_TERMS = (_EVENT_FIELDS | _COMMON.keys() | _EVENTS.keys()) - {"@context"}
_COMPLETE = {
    "ObjectEvent": _complete_object,
    "AggregationEvent": _complete_aggregation,
    "AssociationEvent": _complete_children,
    "TransactionEvent": _complete_transaction,
    "TransformationEvent": _complete_transformation,
}

_ATTRIBUTE = f.object_of({"id": f.uri, "attribute": f.described}, ("id",), open_ended=True)
_ELEMENT = f.object_of(
    {"id": f.key, "attributes": f.listed(_ATTRIBUTE), "children": f.listed(f.uri)}, ("id",), open_ended=True
)
_VOCABULARIES = f.listed(
    f.object_of({"type": f.uri, "vocabularyElementList": f.listed(_ELEMENT)}, ("type",), open_ended=True)
)
_HEADER = f.object_of(
    {"epcisMasterData": f.object_of({"vocabularyList": _VOCABULARIES}, open_ended=True)}, extensible=True
)
_DOCUMENT_FIELDS: dict[str, f.Check] = {
    "@context": _context,
    "id": f.uri,
    "type": f.text,
    "schemaVersion": f.version,
    "creationDate": f.time,
    "instanceIdentifier": f.text,
    "sender": f.text,
    "receiver": f.text,
    "epcisHeader": _HEADER,
}
_EVENT_LIST = f.listed(f.an_object)
_DOCUMENT = f.object_of(
    {
        **_DOCUMENT_FIELDS,
        "epcisBody": f.object_of({"eventList": _EVENT_LIST}, ("eventList",), extensible=True),
    },
    ("schemaVersion", "creationDate", "epcisBody"),
    extensible=True,
)
_RESULTS = f.object_of({"eventList": _EVENT_LIST, "vocabularyList": _VOCABULARIES}, ("eventList",), extensible=True)
_QUERY_RESULTS = f.object_of(
    {"queryName": f.text, "subscriptionID": f.text, "resultsBody": _RESULTS},
    ("queryName", "resultsBody"),
    extensible=True,
)
_QUERY_DOCUMENT = f.object_of(
    {
        **_DOCUMENT_FIELDS,
        "epcisBody": f.object_of({"queryResults": _QUERY_RESULTS}, ("queryResults",), extensible=True),
    },
    ("epcisBody",),
    extensible=True,
)
