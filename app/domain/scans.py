"""What barcode scanners send: GS1 element strings without brackets, and the identifier of the symbology in front.

Source: GS1 General Specifications §5.1.2 (symbology identifiers, ISO/IEC 15424) and §7.8 (element strings, FNC1 as GS).
"""

import re

from app.domain.application_identifiers import IDENTIFIERS, LENGTHS
from app.domain.digital_link import NotDigitalLink, Options, Pair, checked

# GS as it is sent, as it is made visible, and as tools write it.
_SEPARATORS = re.compile(r"\x1d|\u241d|\^|\{GS\}|<GS>")
_IDENTIFIED = re.compile(r"\]([A-Za-z][0-9A-Za-z])(.*)", re.ASCII | re.DOTALL)
_GS1 = frozenset({"C1", "e0", "e1", "e2", "d2", "Q3", "J1"})  # GS1-128, DataBar, composite, DataMatrix, QR, DotCode
_NUMBERS = {"E0": 13, "E4": 8, "I1": 14}  # EAN-13, EAN-8, ITF-14: how many digits of a GTIN
# What one needs beside it may be on another carrier.
_ONE_OF_SEVERAL = Options(requisite_ais=False)


def scanned(text: str) -> list[Pair] | str:
    """The element strings that a scanner sent, with the symbology's identifier or beginning with a GTIN or an SSCC;
    of anything else the text, without that identifier. Raises NotDigitalLink."""
    match = _IDENTIFIED.fullmatch(text)
    if match is None:
        return _split(text) if _keyed(text) else text
    symbology, sent = match.groups()
    if len(sent) == _NUMBERS.get(symbology) and sent.isdigit():
        return checked([("01", sent.zfill(14))])
    return _split(sent) if symbology in _GS1 and not sent.lower().startswith(("http:", "https:", "(")) else sent


def _keyed(text: str) -> bool:
    """Whether it begins as element strings do: 01 or 00 with a right number."""
    row = IDENTIFIERS.get(text[:2])
    end = {"00": 20, "01": 16}.get(text[:2], 0)
    return row is not None and end > 0 and row.fault(text[2:end]) is None


def _split(text: str) -> list[Pair]:
    found: list[Pair] = []
    for field in _SEPARATORS.split(text):
        rest = field
        while rest:
            ai = rest[: LENGTHS.get(rest[:2], 2)]
            row = IDENTIFIERS.get(ai)
            if row is None:
                raise NotDigitalLink(f"({ai}) 不是应用标识符", f"({ai}) is no application identifier")
            end = len(ai) + sum(part.most for part in row.parts) if row.fixed else len(rest)
            found.append((ai, rest[len(ai) : end]))
            rest = rest[end:]
    return checked(found, _ONE_OF_SEVERAL)
