from typing import Any

import pytest

from app.domain.epcis.identifiers import (
    ClassParts,
    canonical_uri,
    class_parts,
    constrained,
    gs1_key,
    malformation,
    parse_digital_link,
)

from .vectors import pairs


@pytest.mark.parametrize("pair", pairs(), ids=lambda pair: pair["in"])
def test_published_pairs(pair: dict[str, Any]) -> None:
    link = gs1_key(pair["in"])
    assert (None if link is None else constrained(link)) == pair["expect"]
    assert canonical_uri(pair["in"]) == (pair["expect"] or pair["in"])


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("urn:epc:id:sscc:4012345.1112223334", "https://id.gs1.org/00/140123451122233341"),
        ("urn:epc:class:lgtin:4054739.099914.20160711", "https://id.gs1.org/01/04054739999148/10/20160711"),
        ("urn:epc:id:giai:4000001.111", "https://id.gs1.org/8004/4000001111"),
        ("HTTPS://ID.GS1.ORG/01/04012345111118/21/A1", "https://id.gs1.org/01/04012345111118/21/A1"),
        ("urn:epc:id:gsrnp:4012345.0000006765", "https://id.gs1.org/8017/401234500000067657"),
        ("urn:epc:id:sgcn:4012345.67890.04711", "https://id.gs1.org/255/401234567890104711"),
        ("urn:epc:id:ginc:4012345.xyz47", "https://id.gs1.org/401/4012345xyz47"),
        ("urn:epc:id:itip:4012345.012345.01.02.987", "https://id.gs1.org/8006/040123451234560102/21/987"),
        ("urn:epc:idpat:itip:4012345.012345.01.02.*", "https://id.gs1.org/8006/040123451234560102"),
        ("urn:epc:idpat:grai:4012345.00022.*", "https://id.gs1.org/8003/04012345000221"),
        ("urn:epc:idpat:sgln:4012345.00005.*", "https://id.gs1.org/414/4012345000054"),
        (" urn:epc:id:pgln:4012345.00000 ", "https://id.gs1.org/417/4012345000009"),
        ("https://x.example/a/b/01/04012345999990/10/L%2F1/21/S1?11=1#f", "https://id.gs1.org/01/04012345999990/21/S1"),
        ("https://x.example/00/01/04012345999990/", "https://id.gs1.org/01/04012345999990"),
        ("urn:epc:id:usdod:2S194.12345678901", "urn:epc:id:usdod:2S194.12345678901"),
        ("urn:epc:idpat:sgtin:*.*.*", "urn:epc:idpat:sgtin:*.*.*"),
        ("geo:47.5,11.1", "geo:47.5,11.1"),
        ("https://x.example/01/04012345999990/10", "https://x.example/01/04012345999990/10"),
        ("https://x.example/01/04012345999990/10//21/1", "https://x.example/01/04012345999990/10//21/1"),
        ("https://x.example/01/04012345999990/10/a/10/b", "https://x.example/01/04012345999990/10/a/10/b"),
    ],
)
def test_one_canonical_form(uri: str, expected: str) -> None:
    assert canonical_uri(uri) == expected
    assert canonical_uri(expected) == expected


@pytest.mark.parametrize(
    ("uri", "part"),
    [
        ("urn:epc:id:sscc:08600031303.0004", "17 digits together, not 15"),
        ("urn:epc:id:sscc:40123.451112223334", "6 to 12 digits, not 5"),
        ("urn:epc:id:giai:40123.A", "6 to 12 digits, not 5"),
        ("urn:epc:id:sscc:4012345.11122233x4", "are digits"),
        ("urn:epc:id:sscc:4012345.111222333４", "are digits"),
        ("urn:epc:id:sscc:4012345", "2 parts"),
        ("urn:epc:id:sgtin:4012345.011111.", "last part is empty"),
        ("urn:epc:id:sgtin:4012345678901..1", "6 to 12"),
        ("urn:epc:id:sgtin:4012345.*.1", "only the last part"),
        ("urn:epc:id:giai:x.1", "company prefix of digits"),
        ("urn:epc:id:giai:4012345.", "company prefix of digits"),
        ("urn:epc:id:gdti:4012345.55555.Ä", "cannot be a key"),
        ("urn:epc:id:itip:401234567890.1.01.02.9", None),
        ("urn:epc:id:itip:4012345.012345.1.02.9", "cannot be a key"),
        ("https://id.gs1.org/414/4012345000115", None),
        ("https://id.gs1.org/414/4012345000116", "check digit of 4012345000116"),
        ("https://id.gs1.org/01/04012345999991/10/x", "check digit"),
        ("https://id.gs1.org/00/340123453111111116", "check digit"),
        ("https://id.gs1.org/8003/04012345000222", "check digit"),
        ("https://id.gs1.org/8004/4000001111", None),
        ("urn:uuid:39ac7499-fecd-4f65-b582-1c45ff4e6356", None),
        ("urn:uuid:39ac7499-fecd-4f65-b582-1c45ff4e6356U", "not a UUID"),
        ("urn:epc:idpat:sgtin:*.*.*", None),
        ("urn:epc:idpat:sgtin:4012345.01111.*", None),
        ("urn:gdst:example.org:party:1", None),
        ("https://example.org/party/x", None),
    ],
)
def test_what_is_wrong_with_an_identifier(uri: str, part: str | None) -> None:
    fault = malformation(uri)
    if part is None:
        assert fault is None
    else:
        assert fault is not None
        assert part in fault
        assert "id.gs1.org" in uri or canonical_uri(uri) == uri


@pytest.mark.parametrize(
    ("uri", "key", "said"),
    [
        ("urn:epc:id:sgtin:4012345.011111.123456789012345678901", "01/04012345111118/21/123456789012345678901", "(21)"),
        ("urn:epc:id:sgtin:4012345.011111.a%7Eb", "01/04012345111118/21/a~b", "(21)"),
        ("urn:epc:class:lgtin:4012345.011111.%E6%89%B9", "01/04012345111118/10/%E6%89%B9", "(10)"),
        ("urn:epc:id:cpi:4012345.A.111A", "8010/4012345A/8011/111A", "(8011)"),
        ("https://goods.example/414/4012345000054/254/%23", "414/4012345000054/254/%23", "(254)"),
    ],
)
def test_a_wrong_serial_or_lot_number_still_belongs_to_its_key(uri: str, key: str, said: str) -> None:
    fault = malformation(uri)
    assert fault is not None
    assert f"cannot be a value of {said}" in fault
    assert canonical_uri(uri) == f"https://id.gs1.org/{key}"


def test_indicator_digit_is_part_of_the_reference() -> None:
    assert malformation("urn:epc:id:sscc:401234567890.") is not None
    assert malformation("urn:epc:id:gsin:401234567890.1234") is None
    # Twelve digits of company prefix leave one for the indicator.
    assert canonical_uri("urn:epc:id:sgtin:401234567890.1.7") == "https://id.gs1.org/01/14012345678908/21/7"


def test_link_parts_are_kept() -> None:
    link = parse_digital_link("https://shop.example/01/04012345999990/22/2A/10/L1/21/S1")
    assert link is not None
    assert (link.qualifier("22"), link.qualifier("10"), link.qualifier("21"), link.qualifier("235")) == (
        "2A",
        "L1",
        "S1",
        None,
    )
    assert parse_digital_link("urn:epc:id:sscc:4012345.1112223334") is None


@pytest.mark.parametrize(
    ("epc", "expected"),
    [
        (
            "urn:epc:class:lgtin:4054739.099914.20160711",
            ClassParts("https://id.gs1.org/01/04054739999148", "20160711", None, "04054739999148"),
        ),
        (
            "https://shop.example/01/04054739999148/10/20160711",
            ClassParts("https://id.gs1.org/01/04054739999148", "20160711", None, "04054739999148"),
        ),
        (
            "urn:epc:id:sgtin:4012345.011111.9876",
            ClassParts("https://id.gs1.org/01/04012345111118", None, "9876", "04012345111118"),
        ),
        (
            "urn:epc:id:upui:1234567.098765.ab",
            ClassParts("https://id.gs1.org/01/01234567987651", None, "ab", "01234567987651"),
        ),
        (
            "urn:gdst:example.org:product:lot:class:fisherman01.tunau.v1-0122-2022",
            ClassParts("urn:gdst:example.org:product:class:fisherman01.tunau", "v1-0122-2022", None, None),
        ),
        (
            "urn:gdst:example.org:product:lot:class:processor.2u.a.b",
            ClassParts("urn:gdst:example.org:product:class:processor.2u", "a.b", None, None),
        ),
        (
            "urn:gdst:example.org:product:serial:obj:processor.2u.77",
            ClassParts("urn:gdst:example.org:product:class:processor.2u", None, "77", None),
        ),
        ("urn:epc:id:sscc:4012345.1112223334", None),
        ("urn:example:thing", None),
    ],
)
def test_class_parts(epc: str, expected: ClassParts | None) -> None:
    assert class_parts(epc) == expected
