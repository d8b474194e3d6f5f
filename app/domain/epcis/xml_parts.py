"""What of an EPCIS document in XML no JSON pointer could name, since its events are counted through."""

from typing import Final
from xml.etree.ElementTree import Element

from app.domain.epcis.faults import shown
from app.domain.epcis.xml_shape import split
from app.domain.errors import Malformed

_PARTS: Final = ("EPCISHeader", "EPCISBody", "EventList", "QueryResults", "resultsBody")


def own_text(element: Element) -> str:
    """Its text, and what stands between its parts."""
    if not len(element):
        return (element.text or "").strip()
    return "".join((element.text or "", *(child.tail or "" for child in element))).strip()


def require_once(root: Element) -> None:
    """Raises Malformed, with the path of the fault, where a part of a document is there twice or has a text."""
    waiting = [(root, f"/{split(root.tag)[1]}")]
    while waiting:
        element, path = waiting.pop()
        if text := own_text(element):
            raise Malformed(
                "not-epcis",
                f"元素之间不能有文字：{shown(text)} · text between elements does not belong there: {shown(text)}",
                pointer=path,
            )
        for name in _PARTS:
            found = [child for child in element if split(child.tag) == ("", name)]
            if len(found) > 1:
                raise Malformed(
                    "not-epcis",
                    f"{name} 只能有一个，请合并 · there is one {name} at most, and here are {len(found)}: join them",
                    pointer=f"{path}/{name}",
                )
            waiting += [(child, f"{path}/{name}") for child in found]
