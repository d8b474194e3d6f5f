"""EPCs as people and scanners write them: what is typed, pasted or scanned, and is no code of ours."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from app.domain.application_identifiers import KEYS
from app.domain.digital_link import DigitalLink, NotDigitalLink, Pair, build, elements
from app.domain.epcis.identifiers import canonical_uri, gs1_key, parse_digital_link
from app.domain.errors import Malformed
from app.domain.scans import scanned

_SCHEME = re.compile(r"(?:https?|urn):", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Epc:
    """`text`: as it was given, its scheme in small letters; `uri`: its canonical form."""

    text: str
    uri: str

    @property
    def question(self) -> str:
        """The same for every spelling that means the same here: a lot beside a serial number does mean something."""
        lot = self.link.qualifier("10") if self.link is not None else None
        return f"{self.uri} {lot or ''}"

    @property
    def link(self) -> DigitalLink | None:
        """Its GS1 key with all that was said, a lot beside a serial number included."""
        return gs1_key(self.text)


def read(text: str) -> Epc | None:
    """An EPC URN, an EPC class URN, a GS1 Digital Link on any host (its scheme may be left out), element strings
    (01)…(10)… or as a scanner sends them, or any other URI; None where the text is no such thing, but may be a code of
    ours. Raises Malformed."""
    text = text.strip()
    if "/c/" in text.lower() or "\0" in text:  # PostgreSQL takes no NUL, and no identifier has one
        return None
    try:
        said = scanned(text)
        if isinstance(said, str) and said.startswith("("):
            said = elements(said)
        if not isinstance(said, str):
            return _epc(_key(said).uri())
    except NotDigitalLink as wrong:
        raise malformed(text, wrong.zh, wrong.en) from None
    text = said
    if ":" in text:
        return _epc(_SCHEME.sub(lambda match: match[0].lower(), text, count=1))
    host = "" if not text.startswith("/") else "id.gs1.org"
    return _epc(f"https://{host}{text}") if "/" in text and parse_digital_link(f"https://{host}{text}") else None


def _key(pairs: Iterable[Pair]) -> DigitalLink:
    """What is named, without what is said of it."""
    said = list(pairs)
    key = next((ai for ai, _ in said if ai in KEYS), None)
    named = () if key is None else (key, *KEYS[key].qualifiers)
    return build((ai, value) for ai, value in said if ai in named)


def _epc(text: str) -> Epc:
    return Epc(text, canonical_uri(text))


def malformed(text: str, zh: str, en: str) -> Malformed:
    """The refusal of what can be no EPC."""
    return Malformed(
        "malformed-epc", f"不是有效的 EPC：{zh} · not a valid EPC: {en}", pointer="?epc", identity=text[:200]
    )
