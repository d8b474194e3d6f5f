"""What the values of MATCH_ parameters stand for."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain.epcis.identifiers import canonical_uri
from app.domain.epcis.patterns import pattern_of

# A pattern, what it means (+) and what it does not (-).
TABLE = """
urn:epc:idpat:sgtin:4012345.012345.*
  + urn:epc:id:sgtin:4012345.012345.1
  + https://a.example/x/01/04012345123456/21/a%2Fb
  + https://id.gs1.org/01/04012345123456
  - urn:epc:id:sgtin:4012345.012346.1
  - urn:epc:id:sgtin:4012345.112345.1
  - urn:epc:class:lgtin:4012345.012345.L
  - urn:epc:id:upui:4012345.012345.1
urn:epc:idpat:sgtin:4012345.*.*
  + urn:epc:id:sgtin:4012345.012345.1
  + urn:epc:id:sgtin:4012345.998765.A.B
  + urn:epc:idpat:sgtin:4012345.012345.*
  - urn:epc:id:sgtin:4012346.012345.1
  - urn:epc:class:lgtin:4012345.012345.L
  - urn:epc:id:sscc:4012345.1112223334
urn:epc:idpat:sgtin:401234567890.*.*
  + urn:epc:id:sgtin:401234567890.1.x
  - urn:epc:id:sgtin:401234567891.1.x
urn:epc:idpat:sgtin:*.*.*
  + urn:epc:id:sgtin:4012345.012345.1
  + https://id.gs1.org/01/04012345123456/21/1
  - urn:epc:class:lgtin:4012345.012345.L
  - urn:epc:id:sscc:4012345.1112223334
  - https://id.gs1.org/01/x/21/1
  - urn:x:a
urn:epc:idpat:lgtin:4012345.012345.*
  + urn:epc:class:lgtin:4012345.012345.L-1
  + https://id.gs1.org/01/04012345123456/10/L-1
  - urn:epc:id:sgtin:4012345.012345.1
  - https://id.gs1.org/01/04012345123456
  - urn:epc:class:lgtin:4012345.012346.L
urn:epc:idpat:lgtin:4012345.*.*
  + urn:epc:class:lgtin:4012345.912345.L
  - urn:epc:class:lgtin:4012346.912345.L
urn:epc:idpat:upui:4012345.*.*
  + urn:epc:id:upui:4012345.012345.1
  - urn:epc:id:sgtin:4012345.012345.1
urn:epc:idpat:sscc:4012345.*
  + urn:epc:id:sscc:4012345.1112223334
  + https://id.gs1.org/00/140123451122233341
  - urn:epc:id:sscc:4012346.1112223334
  - urn:epc:id:sgtin:4012345.012345.1
urn:epc:idpat:sscc:*.*
  + urn:epc:id:sscc:4012345.1112223334
  - urn:epc:id:gsrn:4012345.1112223334
urn:epc:idpat:sgln:4012345.12345.*
  + urn:epc:id:sgln:4012345.12345.0
  + urn:epc:id:sgln:4012345.12345.a%2Fb
  + https://id.gs1.org/414/4012345123456
  - urn:epc:id:sgln:4012345.12346.0
  - urn:epc:id:pgln:4012345.12345
urn:epc:idpat:sgln:4012345.*.*
  + urn:epc:id:sgln:4012345.12345.7
  - urn:epc:id:sgln:4012346.12345.7
urn:epc:idpat:sgln:*.*.*
  + urn:epc:id:sgln:4012345.12345.7
  - urn:epc:id:pgln:4012345.12345
urn:epc:idpat:pgln:4012345.*
  + urn:epc:id:pgln:4012345.12345
  - urn:epc:id:pgln:4012346.12345
urn:epc:idpat:grai:4012345.00022.*
  + urn:epc:id:grai:4012345.00022.7
  + https://id.gs1.org/8003/04012345000221
  + https://id.gs1.org/8003/04012345000221x%2F
  - urn:epc:id:grai:4012345.00023.7
urn:epc:idpat:grai:4012345.*.*
  + urn:epc:id:grai:4012345.00022.7
  - urn:epc:id:grai:4012346.00022.7
urn:epc:idpat:giai:4012345.*
  + urn:epc:id:giai:4012345.a%2Fb
  - urn:epc:id:giai:4012346.ab
urn:epc:idpat:giai:*.*
  + urn:epc:id:giai:4012345.ab
  - urn:epc:id:grai:4012345.00022.7
urn:epc:idpat:gdti:4012345.12345.*
  + urn:epc:id:gdti:4012345.12345.1
  - urn:epc:id:gdti:4012345.12346.1
urn:epc:idpat:sgcn:4012345.*.*
  + urn:epc:id:sgcn:4012345.12345.1
  - urn:epc:id:gdti:4012345.12345.1
urn:epc:idpat:gsrn:4012345.*
  + urn:epc:id:gsrn:4012345.1234567890
  - urn:epc:id:gsrnp:4012345.1234567890
urn:epc:idpat:gsrnp:4012345.*
  + urn:epc:id:gsrnp:4012345.1234567890
  - urn:epc:id:gsrn:4012345.1234567890
urn:epc:idpat:gsin:4012345.*
  + urn:epc:id:gsin:4012345.123456789
  - urn:epc:id:gsin:4012346.123456789
urn:epc:idpat:ginc:4012345.*
  + urn:epc:id:ginc:4012345.xyz
  - urn:epc:id:ginc:4012346.xyz
urn:epc:idpat:cpi:4012345.5PQ7.*
  + urn:epc:id:cpi:4012345.5PQ7.12
  - urn:epc:id:cpi:4012345.5PQ8.12
urn:epc:idpat:cpi:4012345.*.*
  + urn:epc:id:cpi:4012345.5PQ7.12
  - urn:epc:id:cpi:4012346.5PQ7.12
urn:epc:idpat:itip:4012345.012345.01.*.*
  + urn:epc:id:itip:4012345.012345.01.02.9
  + urn:epc:idpat:itip:4012345.012345.01.03.*
  - urn:epc:id:itip:4012345.012345.02.02.9
urn:epc:idpat:itip:4012345.012345.*.*.*
  + urn:epc:id:itip:4012345.012345.01.02.9
  - urn:epc:id:sgtin:4012345.012345.9
urn:epc:idpat:itip:4012345.012345.01.02.*
  + urn:epc:id:itip:4012345.012345.01.02.9
  - urn:epc:id:itip:4012345.012345.01.03.9
urn:epc:idpat:itip:4012345.*.*.*.*
  + urn:epc:id:itip:4012345.012345.01.02.9
  - urn:epc:id:itip:4012346.012345.01.02.9
urn:epc:idpat:gid:95100000.12345.*
  + urn:epc:id:gid:95100000.12345.400
  - urn:epc:id:gid:95100000.123456.400
urn:epc:idpat:gid:*.*.*
  + urn:epc:id:gid:95100000.12345.400
  - urn:epc:id:usdod:2S194.12345678901
urn:epc:idpat:sgtin:4012345.012345.1
  + urn:epc:id:sgtin:4012345.012345.1
  - urn:epc:id:sgtin:4012345.012345.11
https://shop.example/01/04012345123456/21/1?17=991231
  + urn:epc:id:sgtin:4012345.012345.1
  - urn:epc:id:sgtin:4012345.012345.2
urn:epc:id:sgtin:4012345.012345.a.*
  + urn:epc:id:sgtin:4012345.012345.a.*
  - urn:epc:id:sgtin:4012345.012345.a.b
urn:uuid:1
  + urn:uuid:1
  - urn:uuid:11
https://shop.example/gtin/4012345123456
  + urn:epc:idpat:sgtin:4012345.012345.*
  + urn:epc:id:sgtin:4012345.012345.1
  + urn:epc:id:upui:4012345.012345.1
  - urn:epc:class:lgtin:4012345.012345.L
https://id.gs1.org/8003/04012345000221
  + urn:epc:id:grai:4012345.00022.7
  - urn:epc:id:grai:4012345.00023.7
https://id.gs1.org/8003/040123450002217
  + urn:epc:id:grai:4012345.00022.7
  - urn:epc:id:grai:4012345.00022.77
https://id.gs1.org/8006/040123451234560102
  + urn:epc:id:itip:4012345.012345.01.02.9
  - urn:epc:id:itip:4012345.012345.02.02.9
https://id.gs1.org/8010/40123455PQ7
  + urn:epc:id:cpi:4012345.5PQ7.12
  - urn:epc:id:cpi:4012345.5PQ77.12
https://id.gs1.org/414/4012345123456
  + urn:epc:id:sgln:4012345.12345.0
  - urn:epc:id:sgln:4012345.12345.7
urn:epc:id:sgtin:4012345.012345.*
  + urn:epc:id:sgtin:4012345.012345.1
  + https://id.gs1.org/01/04012345123456/21/%2A
  - urn:epc:id:sgtin:4012345.012346.1
urn:epc:class:lgtin:4012345.012345.*
  + urn:epc:class:lgtin:4012345.012345.L
  - urn:epc:class:lgtin:4012345.012346.L
https://shop.example/gtin/4012345123456/lot/*?17=991231
  + urn:epc:class:lgtin:4012345.012345.L
  - urn:epc:id:sgtin:4012345.012345.1
  - https://id.gs1.org/01/04012345123456
https://id.gs1.org/01/04012345123456/10/*/21/*
  + urn:epc:id:sgtin:4012345.012345.1
  - urn:epc:class:lgtin:4012345.012345.L
https://id.gs1.org/01/04012345123456/21/%2A
  + https://id.gs1.org/01/04012345123456/21/%2A
  - urn:epc:id:sgtin:4012345.012345.1
https://id.gs1.org/01/04012345123456/21/7/10/*
  + urn:epc:id:sgtin:4012345.012345.7
  - urn:epc:class:lgtin:4012345.012345.L
https://id.gs1.org/00/*
  + urn:epc:id:sscc:4012345.1112223334
  - urn:epc:id:sgtin:4012345.012345.1
https://id.gs1.org/01/*
  + urn:epc:idpat:sgtin:4012345.012345.*
  + urn:epc:id:sgtin:4012345.012345.1
  - urn:epc:class:lgtin:4012345.012345.L
https://id.gs1.org/01/*/10/*
  + urn:epc:class:lgtin:4012345.012345.L
  - urn:epc:id:sgtin:4012345.012345.1
https://shop.example/things/*
  + https://shop.example/things/*
  - https://shop.example/things/1
"""


def _rows() -> list[tuple[str, list[str], list[str]]]:
    rows: list[tuple[str, list[str], list[str]]] = []
    for line in TABLE.strip().splitlines():
        if not line.startswith(" "):
            rows.append((line, [], []))
        else:
            rows[-1][1 if line[2] == "+" else 2].append(line[4:])
    return rows


MATCHES = _rows()


@pytest.mark.parametrize(("value", "inside", "outside"), MATCHES, ids=[value for value, _, _ in MATCHES])
def test_a_pattern_holds_what_it_says_and_nothing_else(value: str, inside: list[str], outside: list[str]) -> None:
    pattern = pattern_of(f" {value} ")
    for uri in inside:
        assert canonical_uri(uri) in pattern, uri
    for uri in outside:
        assert canonical_uri(uri) not in pattern, uri
    assert len(pattern.spans) <= 10


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("urn:epc:idpat:sgtin:4012345.*.400", "only the last"),
        ("urn:epc:idpat:sgtin:*.012345.*", "only the last"),
        ("urn:epc:idpat:sgtin:4012345.*", "3 parts"),
        ("urn:epc:idpat:sgtin:40123.*.*", "6 to 12"),
        ("urn:epc:idpat:sgtin:4012345678901.*.*", "6 to 12"),
        ("urn:epc:idpat:sgtin:40123x5.*.*", "6 to 12"),
        ("urn:epc:idpat:sgtin:4012345.01234.*", "length or form"),
        ("urn:epc:idpat:sgtin:4012345.01234x.*", "length or form"),
        ("urn:epc:idpat:itip:4012345.012345.1.*.*", "a piece"),
        ("urn:epc:idpat:itip:4012345.01234.*.*.*", "a piece"),
        ("urn:epc:idpat:gid:*.1.*", "only the last"),
        ("urn:epc:idpat:sgtin:4012345.[000001-012345].*", "length or form"),
        ("urn:epc:idpat:sgtin:4012345.012345.[1-5]", "no ranges"),
    ],
)
def test_what_is_no_pattern_says_why(value: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        pattern_of(value)


COMPANY = st.text("0123456789", min_size=6, max_size=12)
SERIAL = st.text("09Aaz-.%*/ ", min_size=1, max_size=4)
EPCS = [uri for _, inside, outside in MATCHES for uri in (*inside, *outside)]


@given(st.sampled_from([value for value, _, _ in MATCHES]), st.sampled_from(EPCS), SERIAL)
def test_what_a_pattern_holds_lies_in_its_spans(value: str, uri: str, more: str) -> None:
    pattern = pattern_of(value)
    for each in (canonical_uri(uri), canonical_uri(uri) + more, canonical_uri(uri + more)):
        if each in pattern:
            assert each in pattern.exact or any(each in span for span in pattern.spans)


@given(COMPANY, st.data(), SERIAL)
def test_an_epc_is_in_the_patterns_of_its_company_and_its_item(company: str, data: st.DataObject, serial: str) -> None:
    digits = 13 - len(company)
    item = data.draw(st.text("0123456789", min_size=digits, max_size=digits))
    assume(serial != "*")
    escaped = re.sub(r"[%/ ]", lambda found: f"%{ord(found[0]):02X}", serial)
    for scheme, word in (("sgtin", "id"), ("lgtin", "class"), ("upui", "id")):
        epc = canonical_uri(f"urn:epc:{word}:{scheme}:{company}.{item}.{escaped}")
        for open_part in (f"{company}.{item}.*", f"{company}.*.*", "*.*.*"):
            pattern = pattern_of(f"urn:epc:idpat:{scheme}:{open_part}")
            assert epc in pattern
            assert epc in pattern.exact or any(epc in span for span in pattern.spans)
