"""Redirects with holes: what the lots of a GTIN have in common is written once, as of receipts (`app.web.forms`); a
lot's own are its number and its code.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from secrets import token_hex
from typing import NamedTuple
from uuid import UUID

from app import resolving
from app.domain.digital_link import DigitalLink
from app.domain.linksets import Resolution, Wishes
from app.resolving.finding import Family, Named
from app.web.resolver_answers import LINKSET_TEXT, Answered, Header, Question, answer

# A GTIN and a lot number, which needs no escape, nothing behind it: as printed. Any such number is one of AI 10.
_PRINTED = re.compile(rb"/01/([0-9]{14})/10/([A-Za-z0-9._-]{1,20})")
# What stands in a form for a lot's own, as long as it can be, and in no link that anybody has published.
_NUMBER, _CODE = token_hex(10), f"G{token_hex(9)[1:]}"


class LotForm(NamedTuple):
    """`shared`: the headers of all lots; `link` and `location` are patterns of what is a lot's own."""

    shared: Sequence[Header]
    link: bytes
    location: bytes

    def filled(self, number: bytes, code: str) -> Answered:
        own = {b"number": number, b"code": code.encode()}
        return Answered(307, [*self.shared, (b"link", self.link % own), (b"location", self.location % own)], b"")


def printed(raw_path: bytes, query: bytes, accept: bytes) -> tuple[str, bytes] | None:
    """GTIN and lot number of a question that every lot is asked: where does it lead? None for all others. The check
    digit is not looked at."""
    if query:
        return None
    match = _PRINTED.fullmatch(raw_path)
    if match is None:
        return None
    liked = accept.lower()
    return None if b"json" in liked or LINKSET_TEXT.encode() in liked else (match[1].decode(), match[2])


def form_of(family: Family, root: str, complete: Callable[[Iterable[Header]], list[Header]]) -> LotForm | None:
    """The form of lots that one maker has numbered so and nobody has published links for; None where their links take
    more room than a header has."""
    link = DigitalLink("01", family.gtin, (("10", _NUMBER),))
    level = resolving.level_of_lot(link, Named(_CODE, _NUMBER, UUID(int=0)), family.name, root)
    found = Resolution(link, (level,) if family.level is None else (level, family.level))
    told = dict(answer(Question(link, "", None, Wishes(), "", "", False), found, root, "GET").headers)
    if _CODE.encode() not in told[b"link"]:
        return None
    own, location = told.pop(b"link"), told.pop(b"location")
    return LotForm(complete(told.items()), _pattern(own), _pattern(location))


def _pattern(value: bytes) -> bytes:
    value = value.replace(b"%", b"%%").replace(_NUMBER.encode(), b"%(number)b")
    return value.replace(_CODE.encode(), b"%(code)b")
