"""Documents by the media types that they are posted in."""

from typing import Final

from app.domain.errors import UnsupportedType
from app.exchanging.sources import Source, read_source
from app.exchanging.xml import read_xml_source

XML: Final = ("application/xml", "text/xml")
MEDIA: Final = ("application/json", "application/ld+json", *XML)


def require_media(media_type: str) -> None:
    """Raises UnsupportedType for what documents are not written in."""
    if media_type not in MEDIA:
        listed = ", ".join(MEDIA)
        raise UnsupportedType("unsupported-type", f"请以 Content-Type: {listed} 之一发送 · Send it as one of {listed}")


def read_media(raw: bytes | bytearray, media_type: str) -> Source:
    """The document in a body of one of the MEDIA. Raises Malformed, TooLarge."""
    require_media(media_type)
    return read_xml_source(bytes(raw)) if media_type in XML else read_source(raw)
