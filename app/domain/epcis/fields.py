"""Checks of the values that EPCIS 2.0 fields take. Each reports into `Faults` and goes no deeper than its own shape."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from app.domain.epcis.context import Context
from app.domain.epcis.faults import Faults, at, shown
from app.domain.epcis.identifiers import canonical_uri, class_parts, malformation
from app.domain.epcis.values import parse_time
from app.domain.epcis.vocabulary import WEB_VOCABULARY, bare_word, is_standard, web_form
from app.domain.quantities import QuantityError, from_uom

Check = Callable[[Any, str, Faults, Context], None]

MAX_ITEMS = 100_000
"""Items in one list inside an event."""
MAX_URI = 2_048
"""Characters in an identifier."""
YEARS = (1900, 2199)
"""Of events."""
MAX_KEY = 1_024
"""Bytes in the canonical form of an identifier that things are found by: two of them fit an index of PostgreSQL."""

# RFC 3986 §3. Possessive: no text makes it go back.
_ESCAPED = "%[0-9A-Fa-f]{2}"
_HOST = rf"(?:[A-Za-z0-9._~!$&'()*+,;=-]++|{_ESCAPED})"
_USER = rf"(?:[A-Za-z0-9._~!$&'()*+,;=:-]++|{_ESCAPED})"
_PATH = rf"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]++|{_ESCAPED})"
_QUERY = rf"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]++|{_ESCAPED})"
_URI = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*+:(?!$)"
    rf"(?://(?:{_USER}*+@)?(?:\[[0-9A-Fa-f:.]++\]|{_HOST}*+)(?::[0-9]*+)?(?:/{_PATH}*+)*+|/?{_PATH}++(?:/{_PATH}*+)*+|/?)"
    rf"(?:\?{_QUERY}*+)?(?:#{_QUERY}*+)?"
)

_OFFSET = re.compile(r"[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00)", re.ASCII)
_UOM = re.compile(r"[A-Z0-9]{2,3}")
_HEX = re.compile(r"[0-9A-Fa-f]+")
_VERSION = re.compile(r"\d+(?:\.\d+)*", re.ASCII)

_Kind = tuple[type | tuple[type, ...], str, str]
TEXT: _Kind = (str, "文本", "a text")
OBJECT: _Kind = (dict, "对象", "an object")
LIST: _Kind = (list, "列表", "a list")
NUMBER: _Kind = ((int, float, Decimal), "数字", "a number")
BOOLEAN: _Kind = (bool, "布尔值", "true or false")


def is_a(kind: _Kind, value: object, pointer: str, faults: Faults) -> bool:
    """Whether `value` is of a JSON type, else a refusal. A boolean is no number."""
    types, zh, en = kind
    if isinstance(value, types) and (kind is BOOLEAN or not isinstance(value, bool)):
        return True
    faults.refuse(pointer, "wrong-type", f"应为{zh}，现为 {shown(value)}", f"should be {en}, is {shown(value)}")
    return False


def text(value: Any, pointer: str, faults: Faults, _: Context) -> None:
    is_a(TEXT, value, pointer, faults)


def an_object(value: Any, pointer: str, faults: Faults, _: Context) -> None:
    is_a(OBJECT, value, pointer, faults)


def number(value: Any, pointer: str, faults: Faults, _: Context) -> None:
    is_a(NUMBER, value, pointer, faults)


def described(value: Any, pointer: str, faults: Faults, _: Context) -> None:
    """The value of a master data attribute: a text, a number or an object."""
    if not isinstance(value, str | int | float | Decimal | dict) or isinstance(value, bool):
        faults.refuse(
            pointer,
            "wrong-type",
            f"应为文本、数字或对象，现为 {shown(value)}",
            f"should be a text, a number or an object, is {shown(value)}",
        )


def boolean(value: Any, pointer: str, faults: Faults, _: Context) -> None:
    is_a(BOOLEAN, value, pointer, faults)


def anything(value: Any, pointer: str, faults: Faults, context: Context) -> None:
    """The value of an extension: free in form, but a prefix in a name of it has to be declared."""
    waiting: list[tuple[str, Any]] = [(pointer, value)]
    while waiting:
        where, item = waiting.pop()
        if isinstance(item, dict):
            for name, inner in item.items():
                if ":" in name:
                    declared(name, where, faults, context)
                waiting.append((at(where, name), inner))
        elif isinstance(item, list):
            waiting += ((at(where, i), inner) for i, inner in enumerate(item))


def own_field(name: str, pointer: str, faults: Faults, context: Context) -> None:
    """A field that the standard does not know is a URI or CURIE."""
    if ":" in name and not _URI.fullmatch(name):
        _no_uri(name, at(pointer, name), faults)
    else:
        declared(name, pointer, faults, context)


def declared(name: str, pointer: str, faults: Faults, context: Context) -> None:
    """A field that the standard does not know needs a namespace."""
    if context.declares(name):
        return
    if ":" in name:
        faults.refuse(
            at(pointer, name),
            "undeclared-prefix",
            f"字段“{shown(name)}”的前缀未在文档的 @context 中声明（不读取网络上的其他 context）",
            f"the prefix of {shown(name)} is not declared in the document's own @context; no other is fetched",
        )
    else:
        faults.refuse(
            at(pointer, name),
            "field-without-namespace",
            f"标准中没有字段“{shown(name)}”；扩展字段须带命名空间前缀",
            f"the standard has no field {shown(name)}; extension fields need a namespace prefix",
        )


def uri(value: Any, pointer: str, faults: Faults, _: Context) -> None:
    """A URI (or CURIE). One that names a GS1 key or UUID in a wrong way is only flagged."""
    if not is_a(TEXT, value, pointer, faults):
        return
    if len(value) > MAX_URI or (wrong := _wrong(value)) is None:
        _no_uri(value, pointer, faults)
    elif wrong:
        faults.flag(pointer, "malformed_identifier", f"标识符有误：{shown(value)}", f"{shown(value)}: {wrong}")


@lru_cache(maxsize=8_192)
def _wrong(value: str) -> str | None:
    """What is wrong with a URI as a GS1 key or UUID, "" where nothing is; None where it is no URI."""
    return (malformation(value) or "") if is_uri(value) else None


def is_uri(text: str) -> bool:
    """RFC 3986: ASCII, other characters percent-encoded. CURIEs look the same."""
    return _URI.fullmatch(text) is not None


def _no_uri(value: str, pointer: str, faults: Faults) -> None:
    faults.refuse(
        pointer,
        "malformed-uri",
        f"应为URI（不超过{MAX_URI}个字符，非ASCII字符须用%编码）：{shown(value)}",
        f"should be a URI of at most {MAX_URI} characters, all but ASCII percent-encoded: {shown(value)}",
    )


def key(value: Any, pointer: str, faults: Faults, context: Context) -> None:
    """A URI that things are found by."""
    uri(value, pointer, faults, context)
    # No canonical form is longer than the percent-encoding of every byte.
    if isinstance(value, str) and MAX_KEY // 12 < len(value) <= MAX_URI and _long(value):
        faults.refuse(
            pointer,
            "too-long",
            f"标识符超过{MAX_KEY}字节：{shown(value)}",
            f"an identifier of more than {MAX_KEY} bytes: {shown(value)}",
        )


def name_of_event(check: Check) -> Check:
    """An eventID: a URI, as `check` says. The schemas of XML have any text there, and bare UUIDs are common: from XML
    a text that is none is only flagged (docs/decisions/0062)."""

    def checked(value: Any, pointer: str, faults: Faults, context: Context) -> None:
        bare = context.of_xml and isinstance(value, str) and ":" not in value and not value.isspace()
        if bare and value.isprintable() and 0 < len(value.encode()) <= MAX_KEY:
            faults.flag(
                pointer, "event_id_no_uri", f"eventID 不是 URI，按原样保留：{shown(value)}",
                f"an eventID that is no URI, kept as it is: {shown(value)}",
            )  # fmt: skip
        else:
            check(value, pointer, faults, context)

    return checked


def _long(value: str) -> bool:
    return len(canonical_uri(value).encode()) > MAX_KEY


def uris(value: Any, pointer: str, faults: Faults, context: Context) -> None:
    """One URI or a list of them."""
    if isinstance(value, list):
        listed(uri)(value, pointer, faults, context)
    else:
        uri(value, pointer, faults, context)


def time(value: Any, pointer: str, faults: Faults, _: Context) -> None:
    if is_a(TEXT, value, pointer, faults) and parse_time(value) is None:
        faults.refuse(
            pointer,
            "malformed-time",
            f"应为带时区的时间，如 2024-05-01T08:30:00+08:00：{shown(value)}",
            f"should be a time with its UTC offset such as 2024-05-01T08:30:00+08:00: {shown(value)}",
        )


def event_time(value: Any, pointer: str, faults: Faults, context: Context) -> None:
    """When it happened: a time that every clock and calendar can show."""
    time(value, pointer, faults, context)
    when = parse_time(value) if isinstance(value, str) else None
    if when is not None and not YEARS[0] <= when.year <= YEARS[1]:
        faults.refuse(
            pointer,
            "malformed-time",
            f"年份应在{YEARS[0]}至{YEARS[1]}之间：{shown(value)}",
            f"the year lies between {YEARS[0]} and {YEARS[1]}: {shown(value)}",
        )


def matching(pattern: re.Pattern[str], slug: str, zh: str, en: str) -> Check:
    """A text of a certain form."""

    def check(value: Any, pointer: str, faults: Faults, _: Context) -> None:
        if is_a(TEXT, value, pointer, faults) and not pattern.fullmatch(value):
            faults.refuse(pointer, slug, f"应为{zh}：{shown(value)}", f"should be {en}: {shown(value)}")

    return check


offset = matching(_OFFSET, "malformed-offset", "时区偏移，如 +08:00", "a UTC offset such as +08:00")
uom = matching(_UOM, "malformed-uom", "计量单位代码，如 KGM", "a unit code such as KGM (UN/ECE Recommendation 20)")
hexadecimal = matching(_HEX, "malformed-hex", "十六进制数", "hexadecimal digits")
version = matching(_VERSION, "malformed-version", "版本号，如 2.0", "a version such as 2.0")


def one_of(*words: str, slug: str) -> Check:
    """One of a few words that nothing can be added to."""

    def check(value: Any, pointer: str, faults: Faults, _: Context) -> None:
        if is_a(TEXT, value, pointer, faults) and value not in words:
            among = " ".join(words)
            faults.refuse(
                pointer, slug, f"应为 {among} 之一：{shown(value)}", f"should be one of {among}: {shown(value)}"
            )

    return check


# What the JSON Schema of EPCIS 2.0 keeps out: XML forms of the CBV, the GS1 web vocabulary written in full.
_OLD_FORMS = (
    ("urn:epcglobal:cbv", "https://ns.gs1.org/cbv/", "http://ns.gs1.org/cbv/"),
    ("https://gs1.org/voc/", "http://gs1.org/voc/", "https://www.gs1.org/voc/", "http://www.gs1.org/voc/"),
)


def word(kind: str, words: frozenset[str]) -> Check:
    """A word of a CBV list, bare, as a CURIE or web URI, or a URI of somebody's own. `kind` as in `bare_word`; "" is
    the GS1 web vocabulary."""

    def check(value: Any, pointer: str, faults: Faults, context: Context) -> None:
        if not is_a(TEXT, value, pointer, faults) or value in words:
            return
        full = web_form(context.expand(value))
        bare = bare_word(kind, full) if kind else full.removeprefix(WEB_VOCABULARY)
        if value.startswith(_OLD_FORMS[not kind]):
            faults.refuse(
                pointer,
                "unknown-word",
                f"JSON-LD 中标准词直接写词本身（{shown(bare)}）：{shown(value)}",
                f"in JSON-LD a standard word stands bare, as {shown(bare)}: {shown(value)}",
            )
            return
        if bare in words and value == value.strip():
            return
        grows = not kind and value.startswith("gs1:")  # the web vocabulary has new words every quarter
        if not grows and (":" not in bare or is_standard(full)):
            faults.refuse(
                pointer,
                "unknown-word",
                f"词表中没有“{shown(value)}”；自定义取值须为URI",
                f"{shown(value)} is not in the standard vocabulary; a value of one's own has to be a URI",
            )
        else:
            uri(value, pointer, faults, context)

    return check


def quantity_element(value: Any, pointer: str, faults: Faults, context: Context) -> None:
    """epcClass with a quantity that is not negative, absurd, or a fraction of a piece; a unit only with a quantity, and
    an instance is one piece."""
    _QUANTITY_ELEMENT(value, pointer, faults, context)
    if not isinstance(value, dict):
        return
    amount, unit = value.get("quantity"), value.get("uom")
    if "uom" in value and "quantity" not in value:
        faults.refuse(at(pointer, "uom"), "unexpected-field", "没有 quantity 时不能有 uom", "a uom without a quantity")
    if isinstance(amount, int | float | Decimal) and not isinstance(amount, bool):
        try:
            from_uom(amount, unit if isinstance(unit, str) else None)
        except QuantityError as error:
            faults.refuse(at(pointer, "quantity"), error.slug, error.detail_zh, error.detail)
            return
        epc = value.get("epcClass")
        parts = class_parts(epc) if isinstance(epc, str) else None
        if parts is not None and parts.serial is not None and ("uom" in value or amount != 1):
            faults.refuse(
                at(pointer, "uom" if "uom" in value else "quantity"),
                "invalid-quantity",
                f"单个实例只有一件，不带计量单位：{shown(epc)}",
                f"an instance is one piece, without a unit: {shown(epc)}",
            )


def listed(item: Check, *, least: int = 0, unique: Callable[[str], str] | None = None) -> Check:
    """A list of items. `unique`: of texts that do not repeat when brought into this form."""

    def check(value: Any, pointer: str, faults: Faults, context: Context) -> None:
        if not is_a(LIST, value, pointer, faults):
            return
        if len(value) < least:
            faults.refuse(pointer, "empty-list", f"至少应有{least}项", f"at least {least} item is needed")
        if len(value) > MAX_ITEMS:
            faults.refuse(pointer, "too-many", f"超过{MAX_ITEMS}项", f"more than {MAX_ITEMS} items")
            return
        seen: set[str] = set()
        for i, one in enumerate(value):
            item(one, at(pointer, i), faults, context)
            if unique is not None and isinstance(one, str):
                if unique(one) in seen:
                    repeated(one, at(pointer, i), faults)
                seen.add(unique(one))

    return check


def object_of(
    fields: Mapping[str, Check], required: tuple[str, ...] = (), *, extensible: bool = False, open_ended: bool = False
) -> Check:
    """An object. Other fields than `fields`: none, those with a namespace (`extensible`), or any (`open_ended`)."""

    def check(value: Any, pointer: str, faults: Faults, context: Context) -> None:
        if not is_a(OBJECT, value, pointer, faults):
            return
        for name in required:
            if name not in value:
                missing(pointer, name, faults)
        for name, inner in value.items():
            if name in fields:
                fields[name](inner, at(pointer, name), faults, context)
            elif extensible:
                own_field(name, pointer, faults, context)
                anything(inner, at(pointer, name), faults, context)
            elif not open_ended:
                unexpected(pointer, name, faults)

    return check


def repeated(value: object, pointer: str, faults: Faults) -> None:
    faults.refuse(pointer, "repeated-item", f"重复：{shown(value)}", f"listed twice: {shown(value)}")


def missing(pointer: str, name: str, faults: Faults) -> None:
    faults.refuse(at(pointer, name), "missing-field", f"缺少字段 {name}", f"the field {name} is missing")


def unexpected(pointer: str, name: str, faults: Faults) -> None:
    faults.refuse(
        at(pointer, name),
        "unexpected-field",
        f"此处不能有字段“{shown(name)}”",
        f"the field {shown(name)} does not belong here",
    )


_QUANTITY_ELEMENT = object_of({"epcClass": key, "quantity": number, "uom": uom}, ("epcClass",))
