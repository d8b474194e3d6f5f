"""XML from anybody: attacks and broken documents are refused by name, within bounds of memory and time."""

import json
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.epcis.documents import events_of
from app.domain.epcis.validate import validate_document
from app.domain.errors import Malformed
from app.exchanging import xml
from app.exchanging.documents import without_events
from app.exchanging.sources import pointer_of
from app.exchanging.xml import looks_like_xml, read_xml, read_xml_source
from tests.domain.epcis import xml_documents as d

MB = 1_000_000
LAUGHS = "<!DOCTYPE x [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {chr(98 + i)} '{f'&{chr(97 + i)};' * 10}'>" for i in range(12)
)


def declared(encoding: str, text: str = d.OBJECT_1_2) -> str:
    return text.replace('encoding="UTF-8"', f'encoding="{encoding}"')


def with_extension(inside: str) -> bytes:
    return d.OBJECT_1_2.replace("</ObjectEvent>", f"{inside}</ObjectEvent>").encode()


def attributes(count: int) -> bytes:
    return with_extension("<a " + " ".join(f"a{i}='x'" for i in range(count)) + "/>")


ATTACKS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "billion laughs": ("xml-with-dtd", lambda: f"{LAUGHS}]><x>&m;</x>".encode()),
    "quadratic blow-up": (
        "xml-with-dtd", lambda: f"<!DOCTYPE x [<!ENTITY a '{'a' * 90_000}'>]><x>{'&a;' * 90_000}</x>".encode()
    ),
    "external entity": ("xml-with-dtd", lambda: b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>"),
    "external DTD": ("xml-with-dtd", lambda: b"<!DOCTYPE x SYSTEM 'http://evil.example.com/x.dtd'><x/>"),
    "public DTD": ("xml-with-dtd", lambda: b"<!DOCTYPE x PUBLIC '-//x' 'http://evil.example.com/x.dtd'><x/>"),
    "parameter entity": (
        "xml-with-dtd", lambda: b"<!DOCTYPE x [<!ENTITY % a SYSTEM 'http://evil.example.com/x'> %a;]><x/>"
    ),
    "default attributes": ("xml-with-dtd", lambda: b"<!DOCTYPE x [<!ATTLIST x y CDATA 'z'>]><x/>"),
    "undefined entity": ("bad-xml", lambda: b"<!DOCTYPE x>" + with_extension("&secret;").partition(b"\n")[2]),
    "deep nesting": ("too-deep", lambda: with_extension("<a>" * 100_000)),
    "deep at the root": ("too-deep", lambda: d.xml("<a>" * 100_000).encode()),
    "many attributes": ("xml-oversized", lambda: attributes(300)),
    "attributes without end": (
        "xml-oversized", lambda: attributes(500_000)
    ),
    "a long text": ("xml-oversized", lambda: with_extension(f"<a>{'x' * 50 * MB}</a>")),
    "a long attribute": ("xml-oversized", lambda: with_extension(f"<a x='{'x' * 200_000}'/>")),
    "an attribute without end": ("xml-oversized", lambda: with_extension(f"<a x='{'x' * 50 * MB}'/>")),
    "a comment without end": ("xml-oversized", lambda: with_extension(f"<!--{'x' * 50 * MB}-->")),
    "a name without end": ("xml-oversized", lambda: with_extension(f"<{'x' * 50 * MB}/>")),
    "NUL": ("bad-xml", lambda: with_extension("\0")),
    "NUL as reference": ("bad-xml", lambda: with_extension("&#0;")),
    "half a surrogate pair": ("bad-xml", lambda: with_extension("&#xD800;")),
    "half UTF-8": ("bad-xml", lambda: with_extension("") [:-40] + b"\xe4\xb8"),
    "half of a character inside": ("bad-xml", lambda: with_extension("@").replace(b"@", b"\xe4\xb8")),
    "cut off": ("bad-xml", lambda: with_extension("")[:-40]),
    "nothing": ("bad-xml", lambda: b""),
    "two roots": ("bad-xml", lambda: d.OBJECT_1_2.encode() + b"<x/>"),
    "an undeclared prefix": ("bad-xml", lambda: with_extension("<none:x/>")),
    "an attribute twice": ("bad-xml", lambda: with_extension("<a x='1' x='2'/>")),
    "UTF-8 that says UTF-16": ("bad-xml", lambda: declared("UTF-16").encode()),
    "GBK that says UTF-8": ("bad-xml", lambda: with_extension("<a>白菜</a>").decode().encode("gbk")),
    "UTF-8 that says Big5": ("bad-xml", lambda: declared("big5", with_extension("<a>白菜。</a>").decode()).encode()),
    "an unknown encoding": ("bad-xml", lambda: declared("klingon").encode()),
    "an encoding that is none": ("bad-xml", lambda: declared("rot13").encode()),
    "an encoding of many bytes": ("bad-xml", lambda: declared("utf-32").encode("utf-32")),
    "an encoding of other bytes": ("bad-xml", lambda: declared("utf-7").encode()),
    "JSON": ("bad-xml", lambda: b'{"type": "EPCISDocument"}'),
    "HTML": ("not-epcis", lambda: b"<html/>"),
    "SOAP": ("not-epcis", lambda: b"<Envelope xmlns='http://schemas.xmlsoap.org/soap/envelope/'><Body/></Envelope>"),
    "no namespace": ("not-epcis", lambda: b"<EPCISDocument/>"),
    "a namespace of its own": ("not-epcis", lambda: b"<EPCISDocument xmlns='urn:epcglobal:epcis:xsd:3'/>"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_each_attack_is_refused_by_name(name: str) -> None:
    slug, make = ATTACKS[name]
    raw = make()
    tracemalloc.start()
    try:
        with pytest.raises(Malformed) as refusal:
            read_xml(raw)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refusal.value.slug == slug
    assert " · " in refusal.value.detail
    assert len(refusal.value.detail) < 600
    assert most < 20 * MB


def test_where_it_is_broken_is_said() -> None:
    with pytest.raises(Malformed, match=r"第 3 行第 3 列.*line 3, column 3 "):
        read_xml(b"<ObjectEvent\n>\n <\n")
    with pytest.raises(Malformed) as refusal:
        read_xml(with_extension("<a>" * 200))
    assert refusal.value.pointer == "/EPCISDocument/EPCISBody/EventList/ObjectEvent/a/a/a/a"
    assert "(line " in refusal.value.detail


def test_as_many_values_as_a_document_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "MAX_VALUES", 100)
    assert read_xml(d.OBJECT_1_2.encode()) == d.OBJECT_1_2_JSON
    with pytest.raises(Malformed, match="xml-oversized"):
        read_xml(with_extension("<shop:x/>" * 100))


def test_blanks_between_elements_are_no_text() -> None:
    assert read_xml(d.OBJECT_1_2.replace("<action>", f"{' ' * MB}\n<action>").encode()) == d.OBJECT_1_2_JSON


@pytest.mark.parametrize("encoding", ["GBK", "gb2312", "GB18030", "UTF-16", "utf-8", "UTF-8-SIG", "iso-8859-1"])
def test_encodings_that_are_declared(encoding: str) -> None:
    word = "Gemüse" if encoding == "iso-8859-1" else "白菜"
    text = d.OBJECT_1_2.replace("<shop:greenhouse>3", f"<shop:greenhouse>{word * 1000}")
    said = "UTF-8" if encoding == "UTF-8-SIG" else encoding
    raw = declared(said, text).encode(encoding)
    assert looks_like_xml(raw)
    ((_, event),) = events_of(read_xml(raw))
    assert event["shop:greenhouse"] == word * 1000


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"<a/>", True),
        (b"\xef\xbb\xbf \r\n\t<?xml", True),
        ("<a/>".encode("utf-16"), True),
        ("<a/>".encode("utf-16-be"), False),
        (b"\xfe\xff" + "<a/>".encode("utf-16-be"), True),
        (b'{"a": "<"}', False),
        (b"", False),
    ],
)
def test_files_that_begin_as_xml(raw: bytes, expected: bool) -> None:
    assert looks_like_xml(raw) is expected


def test_a_large_document_is_read_piece_by_piece() -> None:
    """Beside its bytes there are the events as JSON, and hardly anything on the way there."""
    event = d.OBJECT_1_2.partition("<EventList>")[2].partition("</EventList>")[0]
    raw = d.events(*[event] * 1_500).encode()
    read_xml_source(raw)  # what is made once stays out of the account, and what coverage does with code that is worn
    tracemalloc.start()
    try:
        source = read_xml_source(raw)
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(source) == 1_500
    assert most - kept < 2 * MB
    assert kept < 2 * len(raw)


def test_the_example_in_xml_is_the_example_in_json() -> None:
    examples = Path(__file__).parents[2] / "docs" / "examples"
    assert read_xml((examples / "harvest.xml").read_bytes()) == json.loads((examples / "harvest.jsonld").read_text())


@pytest.mark.parametrize("name", d.DOCUMENTS)
def test_a_document_to_be_recorded_is_the_same(name: str) -> None:
    text, expected = d.DOCUMENTS[name]
    source = read_xml_source(text.encode())
    found = [(pointer_of(source, i), source.event(i)) for i in range(len(source))]
    assert found == events_of(expected)
    assert source.shell == without_events(expected)[0]


def test_numbers_of_any_length_are_recorded_or_refused() -> None:
    for amount in ("7" * 25, "7" * 300, "7" * 500, "1e5", "1e300", "1e99999", "0." + "7" * 30):
        raw = d.OBJECT_1_2.replace("120.50", amount).encode()
        ((_, event),) = events_of(read_xml(raw))
        assert read_xml_source(raw).event(0) == event


_DOCUMENTS = [text.encode() for text, _ in d.DOCUMENTS.values()]
_PIECES = [
    b"<",
    b">",
    b"/>",
    b"</",
    b"&",
    b"]]>",
    b"<![CDATA[",
    b"<!--",
    b"\0",
    b"\xff",
    b"xmlns=''",
    b"<extension>",
    b'"',
    b"e",
]


@given(st.binary(max_size=200))
def test_random_bytes(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read_xml(raw)


@given(st.data())
def test_mutated_documents(data: st.DataObject) -> None:
    """Whatever is cut out of a document, put into it or swapped, it is refused, or read and checked."""
    raw = data.draw(st.sampled_from(_DOCUMENTS))
    for _ in range(data.draw(st.integers(1, 4))):
        start, end = sorted((data.draw(st.integers(0, len(raw))), data.draw(st.integers(0, len(raw)))))
        middle = data.draw(st.sampled_from([*_PIECES, raw[start:end], b""]) | st.binary(max_size=8))
        raw = raw[:start] + middle + raw[data.draw(st.sampled_from([start, end])) :]
    with suppress(Malformed):
        validate_document(read_xml(raw))
        read_xml_source(raw)


_TAG = st.sampled_from(
    [*d.OBJECT_1_2_JSON["epcisBody"]["eventList"][0], "extension", "baseExtension", "id", "epc", "set", "shop:x",
     "quantityElement", "sensorElementList", "sensorElement", "sensorReport", "attribute", "persistentDisposition"]
)  # fmt: skip
_INSIDE = st.recursive(
    st.sampled_from(["", "x", "1", "urn:x:y"]),
    lambda inner: st.builds(
        lambda tag, attribute, parts: f"<{tag}{attribute}>{''.join(parts)}</{tag}>",
        _TAG,
        st.sampled_from(["", ' type="a"', ' id="b"', ' xsi:nil="true"', ' shop:a="b"', ' value="1e5"']),
        st.lists(inner, max_size=3),
    ),
    max_leaves=12,
)


@given(st.sampled_from(["ObjectEvent", "TransformationEvent", "QuantityEvent", "extension", "shop:e"]), _INSIDE)
def test_elements_in_wrong_places(kind: str, inside: str) -> None:
    document = read_xml(d.events(f"<{kind}>{inside}</{kind}>").encode())
    validate_document(document)
    with suppress(Malformed):  # text between the parts of a document, or one of them twice
        read_xml(d.xml(inside, header=f"<EPCISHeader>{inside}</EPCISHeader>").encode())
    with suppress(Malformed):
        validate_document(read_xml(d.xml(f"<QueryResults>{inside}</QueryResults>", query=True).encode()))
