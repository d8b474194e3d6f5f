"""What each parameter adds to a query (EPCIS 2.0 §8.2.7.1): those of fixed names, and those whose names have parts."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from itertools import islice

from app.domain.epcis import query_criteria as criteria
from app.domain.epcis import vocabulary as v
from app.domain.epcis.event_names import written
from app.domain.epcis.faults import shown
from app.domain.epcis.identifiers import canonical_uri
from app.domain.epcis.named import ANY_CLASS, ANY_EPC, Role, type_name
from app.domain.epcis.patterns import pattern_of
from app.domain.epcis.query import EpcFilter, PlaceFilter, Query, epc_filter
from app.domain.epcis.query_fields import FieldName, attribute_name, field_name, normal
from app.domain.epcis.query_given import Given, refused

_META = "SENSORMETADATA"
_REPORT = "SENSORREPORT"


@dataclass(slots=True)
class Draft:
    """A query in the making."""

    tests: list[criteria.Test] = field(default_factory=list)
    epc_filters: list[EpcFilter] = field(default_factory=list)
    place_filters: list[PlaceFilter] = field(default_factory=list)
    columns: dict[str, frozenset[str]] = field(default_factory=dict)
    times: dict[str, datetime] = field(default_factory=dict)
    order_by: str | None = None
    order_field: FieldName | None = None
    descending: bool = True
    limits: dict[str, int] = field(default_factory=dict)

    def add(self, given: Given) -> None:
        rule = _FIXED.get(given.name)
        if rule is not None:
            rule(self, given)
            return
        for pattern, family in _FAMILIES:
            match = pattern.fullmatch(given.name)
            if match is not None:
                family(self, given, match)
                return
        raise refused(given.name, "标准中没有此查询参数", "is not a query parameter of the standard")

    def query(self) -> Query:
        """The whole. Raises QueryParameterException for parameters that exclude or need one another."""
        limit, most = self.limits.get("eventCountLimit"), self.limits.get("maxEventCount")
        if limit is not None and most is not None:
            raise refused("eventCountLimit", "不能与 maxEventCount 同用", "cannot be used with maxEventCount")
        if limit is not None and self.order_by is None:
            raise refused("eventCountLimit", "须与 orderBy 同用", "needs orderBy")
        times = self.times.get
        return Query(
            tests=tuple(self.tests),
            epc_filters=tuple(self.epc_filters),
            place_filters=tuple(self.place_filters),
            columns=self.columns,
            event_time=(times("GE_eventTime"), times("LT_eventTime")),
            record_time=(times("GE_recordTime"), times("LT_recordTime")),
            order_by=self.order_by,
            order_field=self.order_field,
            descending=self.descending,
            event_count_limit=limit,
            max_event_count=most,
        )


_Rule = Callable[[Draft, Given], None]


def _test(make: Callable[[Given], criteria.Test]) -> _Rule:
    return lambda draft, given: draft.tests.append(make(given))


def _time(draft: Draft, given: Given) -> None:
    draft.times[given.name] = given.time()


def _instant(draft: Draft, given: Given) -> None:
    draft.times[given.name] = given.instant()


def _column(column: str, read: Callable[[Given], frozenset[str]]) -> _Rule:
    def rule(draft: Draft, given: Given) -> None:
        draft.columns[column] = read(given)

    return rule


def _event_types(given: Given) -> frozenset[str]:
    names = {type_name(text, given.context) for text in given.texts()}
    for name in names:
        if name not in v.EVENT_TYPES and ":" not in name:
            raise given.refused(f"没有这种事件类型：{shown(name)}", f"there is no event type {shown(name)}")
    return frozenset(names)


def _actions(given: Given) -> frozenset[str]:
    actions = frozenset(given.texts())
    if not actions <= {"ADD", "OBSERVE", "DELETE"}:
        raise given.refused("应为 ADD、OBSERVE、DELETE", "should be of ADD, OBSERVE, DELETE")
    return actions


def _words(kind: str, words: frozenset[str]) -> Callable[[Given], frozenset[str]]:
    def read(given: Given) -> frozenset[str]:
        found = frozenset(criteria.bare(kind, given.context.expand(text)) for text in given.texts())
        for word in found:
            if word not in words and ":" not in word:
                raise given.refused(
                    f"词表中没有“{shown(word)}”；自定义取值须为URI",
                    f"{shown(word)} is not in the standard vocabulary; a value of one's own has to be a URI",
                )
        return found

    return read


def _canonical(given: Given) -> frozenset[str]:
    return frozenset(canonical_uri(uri) for uri in given.uris())


def _below(column: str) -> _Rule:
    return lambda draft, given: draft.place_filters.append(PlaceFilter(column, _canonical(given)))


def match(roles: Role) -> _Rule:
    """MATCH_ in these roles."""

    def rule(draft: Draft, given: Given) -> None:
        patterns = []
        for uri in given.uris():
            try:
                patterns.append(pattern_of(uri, instances=bool(roles & ANY_EPC)))
            except ValueError as error:
                raise given.refused(f"模式有误（{error}）：{shown(uri)}", f"{shown(uri)}: {error}") from error
        draft.epc_filters.append(epc_filter(roles, patterns))

    return rule


def _void(make: Callable[[Given], criteria.Test]) -> _Rule:
    def rule(draft: Draft, given: Given) -> None:
        if given.flag():
            draft.tests.append(make(given))

    return rule


def _order(draft: Draft, given: Given) -> None:
    draft.order_by = given.text()
    if draft.order_by not in ("eventTime", "recordTime", "quantity"):
        draft.order_field = _extension(given, draft.order_by)


def _direction(draft: Draft, given: Given) -> None:
    word = given.text()
    if word not in ("ASC", "DESC"):
        raise given.refused("应为 ASC 或 DESC", "should be ASC or DESC")
    draft.descending = word == "DESC"


def _limit(least: int) -> _Rule:
    def rule(draft: Draft, given: Given) -> None:
        draft.limits[given.name] = given.count(least)

    return rule


_CORRECTIVE = criteria.sensed("correctiveEventIDs", "ERROR_DECLARATION")


def _names(given: Iterable[str]) -> frozenset[str]:
    """Of events, as they may be written."""
    return frozenset(one for name in given for one in written(name))


def _attribute(attribute: str, *scopes: str) -> _Rule:
    return _test(lambda given: criteria.equal(criteria.sensed(attribute, *scopes), given.normals()))


def _sensed_time(attribute: str, how: str, *scopes: str) -> _Rule:
    return _test(lambda given: criteria.compared(criteria.sensed(attribute, *scopes), how, given.time()))


_FIXED: dict[str, _Rule] = {
    **dict.fromkeys(("GE_eventTime", "LT_eventTime"), _time),
    **dict.fromkeys(("GE_recordTime", "LT_recordTime"), _instant),
    "eventType": _column("type", _event_types),
    "EQ_action": _column("action", _actions),
    "EQ_bizStep": _column("biz_step", _words("BizStep", v.BIZ_STEPS)),
    "EQ_disposition": _column("disposition", _words("Disp", v.DISPOSITIONS)),
    "EQ_readPoint": _column("read_point", _canonical),
    "EQ_bizLocation": _column("biz_location", _canonical),
    "EQ_transformationID": _column("transformation_id", _canonical),
    "EQ_eventID": _column("event_id", lambda given: _names(given.texts())),
    "WD_readPoint": _below("read_point"),
    "WD_bizLocation": _below("biz_location"),
    **{
        f"EQ_persistentDisposition_{which}": _test(
            lambda given, which=which: criteria.persistent(which, _words("Disp", v.DISPOSITIONS)(given))  # type: ignore[misc]
        )
        for which in ("set", "unset")
    },
    "MATCH_epc": match(Role.EPC),
    "MATCH_parentID": match(Role.PARENT),
    "MATCH_inputEPC": match(Role.INPUT_EPC),
    "MATCH_outputEPC": match(Role.OUTPUT_EPC),
    "MATCH_anyEPC": match(ANY_EPC),
    "MATCH_epcClass": match(Role.CLASS),
    "MATCH_inputEPCClass": match(Role.INPUT_CLASS),
    "MATCH_outputEPCClass": match(Role.OUTPUT_CLASS),
    "MATCH_anyEPCClass": match(ANY_CLASS),
    "EXISTS_errorDeclaration": _void(lambda _: criteria.present("errorDeclaration")),
    "EXISTS_sensorElementList": _void(lambda _: criteria.present("sensorElementList")),
    "EXISTS_sensorElement": _void(lambda _: criteria.present("sensorElementList")),
    # The JSON schema of queries writes the name with an underscore.
    **{
        f"{how}_errorDeclaration{name}": _sensed_time("declarationTime", how, "ERROR_DECLARATION")
        for how in ("GE", "LT")
        for name in ("Time", "_Time")
    },
    "EQ_errorReason": _test(lambda given: criteria.error_reason(_words("ER", v.ERROR_REASONS)(given))),
    "EQ_correctiveEventID": _test(lambda given: criteria.equal(_CORRECTIVE, _names(given.normals()))),
    "orderBy": _order,
    "orderDirection": _direction,
    "eventCountLimit": _limit(1),
    "maxEventCount": _limit(0),
    **{f"{how}_time": _sensed_time("time", how, _META, _REPORT) for how in ("GE", "LT")},
    **{
        f"{how}_{attribute}": _sensed_time(attribute, how, _META)
        for how in ("GE", "LT")
        for attribute in ("startTime", "endTime")
    },
    "EQ_type": _test(lambda given: criteria.sensor_type(_words("", v.MEASUREMENTS)(given))),
    **{f"EQ_{name}": _attribute(name, _META, _REPORT) for name in ("deviceID", "dataProcessingMethod", "bizRules")},
    **{f"EQ_{name}": _attribute(name, _REPORT) for name in ("microorganism", "chemicalSubstance", "uriValue")},
    "EQ_booleanValue": _test(
        lambda given: criteria.equal(
            criteria.sensed("booleanValue", _REPORT), frozenset(["true" if given.boolean() else "false"])
        )
    ),
    "EQ_stringValue": _test(
        lambda given: criteria.exactly(criteria.sensed("stringValue", _REPORT), frozenset(given.texts()))
    ),
    "EQ_hexBinaryValue": _test(lambda given: criteria.hexadecimal(frozenset(text.upper() for text in given.texts()))),
}
"""The parameters of fixed names."""

_HOW = "(?P<how>EQ|GT|GE|LT|LE)"
_UOM = "(?:_(?P<uom>[A-Z0-9]{2,4}))"
_PARTS = "ILMD|ERROR_DECLARATION|SENSORELEMENT|SENSORMETADATA|SENSORREPORT|readPoint|bizLocation"
_SCOPES = f"(?P<inner>INNER_)?(?:(?P<scope>{_PARTS})_)?(?P<name>.+)"
_ENTRIES = {
    "bizTransaction": ("bizTransactionList", "BTT", v.BIZ_TRANSACTION_TYPES),
    "source": ("sourceList", "SDT", v.SOURCE_DESTINATION_TYPES),
    "destination": ("destinationList", "SDT", v.SOURCE_DESTINATION_TYPES),
}


def _entry(draft: Draft, given: Given, match: re.Match[str]) -> None:
    listed, kind, words = _ENTRIES[match["member"]]
    [type_] = _words(kind, words)(Given(given.name, (match["type"],), given.context))
    wanted = frozenset(normal(uri, given.context) for uri in given.uris())
    draft.tests.append(criteria.typed(listed, match["member"], kind, type_, wanted))


def _amounts(given: Given, how: str) -> list[Fraction]:
    return given.numbers() if how == "EQ" else [given.number()]


def _quantity(draft: Draft, given: Given, match: re.Match[str]) -> None:
    draft.tests.append(criteria.quantity(match["how"], _amounts(given, match["how"]), match["uom"]))


def _reading(draft: Draft, given: Given, match: re.Match[str]) -> None:
    draft.tests.append(criteria.reading(match["name"], match["how"], _amounts(given, match["how"]), match["uom"]))


def _extension(given: Given, name: str, scope: str = "", *, inner: bool = False) -> FieldName:
    if not (":" in name or given.context.declares(name)):
        raise given.refused(
            "标准中没有此查询参数；扩展字段须带命名空间，如 https://ns.example/x#field",
            "is not a query parameter of the standard; an extension field needs its namespace, as in "
            "https://ns.example/x#field",
        )
    return field_name(name, given.context, scope, inner)


def _named_field(given: Given, match: re.Match[str]) -> FieldName:
    return _extension(given, match["name"], match["scope"] or "", inner=match["inner"] is not None)


def _exists(draft: Draft, given: Given, match: re.Match[str]) -> None:
    name = _named_field(given, match)
    if given.flag():
        draft.tests.append(criteria.exists(name))


def _has_attribute(draft: Draft, given: Given, match: re.Match[str]) -> None:
    of = _vocabulary_field(given, match["name"])
    draft.tests.append(criteria.Known(tuple((of, attribute_name(name, given.context)) for name in given.texts())))


def _attribute_equals(draft: Draft, given: Given, match: re.Match[str]) -> None:
    """EQATTR_fieldname_attrname: both may have underscores, so that every way to part them is meant."""
    text = match["name"]
    choices: list[tuple[str | FieldName, str]] = []
    for part in islice(re.finditer("(?<=[^_])_(?=.)", text), _MAX_CHOICES):
        of, name = text[: part.start()], attribute_name(text[part.end() :], given.context)
        if of in criteria.VOCABULARY_FIELDS:
            choices.append((of, name))
        elif ":" in of:
            choices.append((field_name(of, given.context), name))
    if not choices:
        raise given.refused("应为 EQATTR_字段_属性", "should be EQATTR_field_attribute")
    draft.tests.append(criteria.Known(tuple(choices), given.normals()))


_MAX_CHOICES = 16


def _vocabulary_field(given: Given, name: str) -> str | FieldName:
    return name if name in criteria.VOCABULARY_FIELDS else _extension(given, name)


def _field(draft: Draft, given: Given, match: re.Match[str]) -> None:
    leaves = criteria.field(_named_field(given, match))
    how = match["how"]
    draft.tests.append(
        criteria.equal(leaves, given.normals()) if how == "EQ" else criteria.compared(leaves, how, given.bound())
    )


_Family = Callable[[Draft, Given, re.Match[str]], None]
_FAMILIES: tuple[tuple[re.Pattern[str], _Family], ...] = tuple(
    (re.compile(pattern, re.DOTALL | re.ASCII), family)
    for pattern, family in (
        ("EQ_(?P<member>bizTransaction|source|destination)_(?P<type>.+)", _entry),
        (f"{_HOW}_quantity{_UOM}?", _quantity),
        (f"{_HOW}_(?P<name>value|minValue|maxValue|meanValue){_UOM}", _reading),
        (f"{_HOW}_(?P<name>sDev|percValue|percRank){_UOM}?", _reading),
        ("HASATTR_(?P<name>.+)", _has_attribute),
        ("EQ_?ATTR_(?P<name>.+)", _attribute_equals),
        (f"EXISTS_{_SCOPES}", _exists),
        (f"{_HOW}_{_SCOPES}", _field),
    )
)
"""The parameters whose names have parts; the first that fits is meant."""
