"""Reading EPCIS XML from bytes: bounded in memory and time, nothing fetched or expanded, every fault a refusal."""

import codecs
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn
from xml.etree.ElementTree import Element, ParseError
from xml.parsers.expat import ErrorString

import msgspec
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from app.domain.epcis.faults import MAX_TEXT, MAX_VALUES
from app.domain.epcis.xml_reading import Reader
from app.domain.epcis.xml_shape import WRAPPERS, split
from app.domain.errors import Malformed
from app.exchanging.documents import path_of, to_json, without_events
from app.exchanging.sources import Parsed, Source, Spooled

MAX_DEPTH: Final = 80
"""Levels of elements: those of an event and around it."""
MAX_ATTRIBUTES: Final = 200
"""Of one element."""
MAX_TAG: Final = 1_000_000
"""Bytes of one tag or comment, which a parser has to hold as a whole."""

_PIECE = 1 << 18  # bytes given to the parser at a time
_SPACES = b" \t\r\n"
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})[\"']")
# The parser knows UTF-8, UTF-16 and one-byte encodings; these come from offices in Asia.
_WIDE = {
    **dict.fromkeys(("gb2312", "gbk", "gb18030", "cp936", "x-gbk"), "gb18030"),
    **dict.fromkeys(("big5", "big5-hkscs", "cp950"), "big5hkscs"),
    **dict.fromkeys(("shift_jis", "shift-jis", "windows-31j"), "cp932"),
    "euc-jp": "euc_jp",
    "euc-kr": "cp949",
}


def looks_like_xml(raw: bytes) -> bool:
    """Whether a file begins as XML does, in any encoding that `read_xml` takes."""
    start = raw[:100].removeprefix(b"\xef\xbb\xbf").lstrip(_SPACES)
    return start.startswith((b"<", b"\xff\xfe<\0", b"\xfe\xff\0<"))


def read_xml_source(raw: bytes) -> Source:
    """The document of `read_xml` with its events as pieces of JSON, so that a large one is never all objects."""
    document = _read(raw, lambda event: msgspec.Raw(to_json(event)))
    if path_of(document) is None:
        return Parsed(document, of_xml=True)
    shell, events = without_events(document)
    return Spooled(shell, events, of_xml=True)


def read_xml(raw: bytes) -> dict[str, Any]:
    """The document in `raw` (EPCISDocument, EPCISQueryDocument, EPCISMasterDataDocument or one event; EPCIS 1.x or 2.0)
    as JSON-LD of EPCIS 2.0, for the checks that every document goes through; see `xml_reading` for the differences.

    Events are read one by one: the tree of a large document is never there as a whole. Raises Malformed: `bad-xml`
    (with line and column), `xml-with-dtd`, `xml-oversized`, `too-deep`, `not-epcis`.
    """
    return _read(raw, lambda event: event)


def _read(raw: bytes, keep: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    match = _DECLARED.match(raw.removeprefix(b"\xef\xbb\xbf")[:300])
    wide = _WIDE.get(match[1].decode().lower()) if match else None
    builder = _Builder(Reader(keep))
    # What has been decoded here is UTF-8, whatever it says of itself.
    parser = _Parser(target=builder, encoding=None if wide is None else "utf-8", forbid_dtd=True)
    builder.parser = parser
    fed = 0
    try:
        for piece in _pieces(raw) if wide is None else _decoded(raw, wide):
            parser.feed(piece)
            fed += len(piece)
            if fed - parser.parser.CurrentByteIndex > MAX_TAG:
                builder.oversized(
                    f"一个标签或注释超过 {MAX_TAG} 字节", f"a tag or comment of more than {MAX_TAG} bytes"
                )
        parser.close()
    except ParseError as error:
        _broken(ErrorString(error.code), *error.position)
    except UnicodeDecodeError as error:
        _broken(f"not {error.encoding}", parser.parser.CurrentLineNumber, parser.parser.CurrentColumnNumber)
    except DefusedXmlException:
        raise Malformed(
            "xml-with-dtd",
            "XML 不能带实体、外部引用或 DTD 声明，请去掉 <!DOCTYPE …> · "
            "XML is taken without entities, external references and DTDs: remove the <!DOCTYPE …>",
        ) from None
    except (LookupError, ValueError):
        named = match[1].decode() if match else ""
        raise Malformed(
            "bad-xml",
            f"不支持 XML 声明的编码 {named}，请用 UTF-8 · the encoding {named} is not known here: send UTF-8",
        ) from None
    return builder.reader.document(builder.root)


def _broken(reason: str, line: int, column: int) -> NoReturn:
    raise Malformed(
        "bad-xml",
        f"XML 第 {line} 行第 {column + 1} 列有误（{reason}），请检查语法，以及编码是否与声明一致 · "
        f"broken XML in line {line}, column {column + 1} ({reason}): check the syntax, and whether the encoding is the "
        "declared one",
    ) from None


def _pieces(raw: bytes) -> Iterator[bytes]:
    for start in range(0, len(raw), _PIECE):
        yield raw[start : start + _PIECE]


def _decoded(raw: bytes, encoding: str) -> Iterator[bytes]:
    decode = codecs.getincrementaldecoder(encoding)().decode
    for piece in _pieces(raw):
        yield decode(piece).encode()
    yield decode(b"", True).encode()


class _Parser(XMLParser):
    """A bare `<!DOCTYPE name>`, as in published examples, declares nothing; any other is refused."""

    def defused_start_doctype_decl(self, name: str, sysid: str | None, pubid: str | None, has_internal: bool) -> None:
        if sysid or pubid or has_internal:
            super().defused_start_doctype_decl(name, sysid, pubid, has_internal)


class _Builder:
    """Builds elements and hands each complete piece of the document to the reader."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.parser: _Parser
        self.root: Element
        self._open: list[Element] = []
        self._path: list[str] = []  # local names, less wrappers
        self._text: list[str] = []
        self._length = 0
        self._values = 0

    # What the parser calls.

    def start_ns(self, prefix: str, namespace: str) -> None:
        self.reader.names.declare(prefix, namespace)

    def end_ns(self, prefix: str) -> None:
        self.reader.names.release(prefix)

    def data(self, text: str) -> None:
        if not text.isspace():
            self._length += len(text)
            if self._length > MAX_TEXT:
                self.oversized(f"文本超过 {MAX_TEXT} 个字符", f"a text of more than {MAX_TEXT} characters")
        self._text.append(text)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._open:
            self.reader.begin(tag)
        self._flush()
        self._values += 1 + len(attributes)
        if self._values > MAX_VALUES:
            self.oversized(f"元素和属性超过 {MAX_VALUES} 个", f"more than {MAX_VALUES} elements and attributes")
        if len(self._open) >= MAX_DEPTH:
            raise Malformed(
                "too-deep",
                f"XML 嵌套超过 {MAX_DEPTH} 层（第 {self._line} 行） · "
                f"XML nested deeper than {MAX_DEPTH} levels (line {self._line})",
                pointer=self._pointer,
            )
        if len(attributes) > MAX_ATTRIBUTES:
            self.oversized(
                f"一个元素的属性超过 {MAX_ATTRIBUTES} 个", f"an element with more than {MAX_ATTRIBUTES} attributes"
            )
        if attributes and max(map(len, attributes.values())) > MAX_TEXT:
            self.oversized(f"属性值超过 {MAX_TEXT} 个字符", f"an attribute of more than {MAX_TEXT} characters")
        self._open.append(Element(tag, attributes))
        name = split(tag)[1]
        if name not in WRAPPERS:
            self._path.append(name)

    def end(self, tag: str) -> None:
        self._flush()
        element = self._open.pop()
        if split(tag)[1] not in WRAPPERS:
            self._path.pop()
        if not self._open:
            self.root = element
        elif not self.reader.piece(element, self._path):
            self._open[-1].append(element)

    def close(self) -> None:
        """The parser's end; the tree is in `root`."""

    # The rest is ours.

    def _flush(self) -> None:
        if not self._text:
            return
        text = "".join(self._text)
        self._text.clear()
        self._length = 0
        if text.isspace():
            return
        parent = self._open[-1]
        if len(parent):
            parent[-1].tail = text
        else:
            parent.text = text

    @property
    def _line(self) -> int:
        line: int = self.parser.parser.CurrentLineNumber
        return line

    @property
    def _pointer(self) -> str:
        return "/" + "/".join(self._path[:8])

    def oversized(self, zh: str, en: str) -> NoReturn:
        raise Malformed(
            "xml-oversized",
            f"{zh}（第 {self._line} 行），请拆分 · {en} (line {self._line}): split it",
            pointer=self._pointer if self._open else None,
        )
