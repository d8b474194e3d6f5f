import random
from collections.abc import Callable
from typing import Any

import pytest

from app.domain.epcis.context import context_of
from app.domain.epcis.documents import events_of
from app.domain.epcis.event_hash import event_hash
from app.domain.epcis.formats import (
    CompanyPrefixes,
    EpcFormat,
    company_prefixes,
    translated,
    translated_document,
    translated_uri,
)
from app.domain.epcis.identifiers import canonical_uri

from .vectors import EXAMPLES, HASHES, TUNA, load, pairs

LINK, URN = EpcFormat.DIGITAL_LINK, EpcFormat.URN
KNOWN = CompanyPrefixes(
    {"4012345": 7, "0614141": 7, "1234567": 7, "999999999999": 12, "978034": 7, "0011223": 0, "42": 7, "03870": 0}
)
# What an EPC URN may hold in a serial: AI 82, escaped where TDS says so.
SERIAL = [*"!'()*+,-.:;=_0123456789ABCXYZabcxyz", *(f"%{ord(char):02X}" for char in '"%&/<>?')]


@pytest.mark.usefixtures("vectors")
def test_all_published_pairs_are_there() -> None:
    assert len(pairs()) == 36


@pytest.mark.parametrize("pair", pairs(), ids=lambda pair: pair["in"])
def test_published_pairs_both_ways(pair: dict[str, Any]) -> None:
    written, link = pair["in"], pair["expect"]
    if written.startswith("urn:epc:"):
        assert translated_uri(written, LINK) == link
        back = translated_uri(link, URN, CompanyPrefixes().learned([written]))
        assert canonical_uri(back) == link
        # A pattern of all UPUIs of a GTIN and one of all its SGTINs are the same Digital Link, the GTIN.
        assert back.split(":")[:4] == written.replace(":idpat:upui:", ":idpat:sgtin:").split(":")[:4]
        assert "idpat:upui" in written or back == written
    else:
        assert translated_uri(written, LINK) == written
        assert link is not None or translated_uri(written, URN, KNOWN) == written


@pytest.mark.parametrize(
    ("link", "urn"),
    [
        ("https://shop.example/01/04012345111118/21/9", "urn:epc:id:sgtin:4012345.011111.9"),
        ("https://shop.example/01/4012345111118/22/2A/10/L/21/9?11=220101", "urn:epc:id:sgtin:4012345.011111.9"),
        ("https://id.gs1.org/01/04012345111118/10/L%2F1", "urn:epc:class:lgtin:4012345.011111.L%2F1"),
        ("https://id.gs1.org/01/04012345111118/235/T", "urn:epc:id:upui:4012345.011111.T"),
        ("https://id.gs1.org/01/04012345111118", "urn:epc:idpat:sgtin:4012345.011111.*"),
        ("https://id.gs1.org/gtin/04012345111118/ser/A", "urn:epc:id:sgtin:4012345.011111.A"),
        ("https://id.gs1.org/00/140123451122233341", "urn:epc:id:sscc:4012345.1112223334"),
        ("https://id.gs1.org/414/4012345000054", "urn:epc:id:sgln:4012345.00005.0"),
        ("https://id.gs1.org/414/4012345000054/254/1%2F2", "urn:epc:id:sgln:4012345.00005.1%2F2"),
        ("https://id.gs1.org/417/4012345000009", "urn:epc:id:pgln:4012345.00000"),
        ("https://id.gs1.org/8003/04012345000221", "urn:epc:idpat:grai:4012345.00022.*"),
        ("https://id.gs1.org/8003/04012345000221A%2FB", "urn:epc:id:grai:4012345.00022.A%2FB"),
        ("https://id.gs1.org/8004/4012345A%2F1", "urn:epc:id:giai:4012345.A%2F1"),
        ("https://id.gs1.org/8010/4012345AB12", "urn:epc:idpat:cpi:4012345.AB12.*"),
        ("https://id.gs1.org/8010/4012345AB12/8011/7", "urn:epc:id:cpi:4012345.AB12.7"),
        ("https://id.gs1.org/8006/040123451234560102", "urn:epc:idpat:itip:4012345.012345.01.02.*"),
        ("https://id.gs1.org/8006/040123451234560102/10/L/21/9", "urn:epc:id:itip:4012345.012345.01.02.9"),
        ("https://id.gs1.org/8017/401234500000067657", "urn:epc:id:gsrnp:4012345.0000006765"),
        ("https://id.gs1.org/8018/401234500000067657", "urn:epc:id:gsrn:4012345.0000006765"),
        ("https://id.gs1.org/253/4012345000092", "urn:epc:idpat:gdti:4012345.00009.*"),
        ("https://id.gs1.org/255/401234567890104711", "urn:epc:id:sgcn:4012345.67890.04711"),
        ("https://id.gs1.org/401/4012345xyz47", "urn:epc:id:ginc:4012345.xyz47"),
        ("https://id.gs1.org/402/40123452223334442", "urn:epc:id:gsin:4012345.222333444"),
    ],
)
def test_a_digital_link_becomes_the_urn_of_its_key(link: str, urn: str) -> None:
    assert translated_uri(link, URN, KNOWN) == urn
    assert canonical_uri(urn) == canonical_uri(link)
    assert translated_uri(link, URN) == link, "nothing is guessed where the length of the prefix is not known"


@pytest.mark.parametrize(
    "uri",
    [
        "https://id.gs1.org/01/04012345111119/21/9",  # check digit
        "https://id.gs1.org/01/04012345111118/21/*",  # * opens a pattern
        "https://id.gs1.org/414/4012345000054/254/0",  # 0 says "no extension" in an SGLN
        "https://id.gs1.org/01/00001122334455",  # a prefix that nobody has
        "https://id.gs1.org/01/09999999999994/21/1",  # prefix not known
        "https://id.gs1.org/01/99999999999997/21/1",  # a company prefix of 12 digits, but not this GTIN's
        "https://example.org/products/7",
        "urn:epc:id:sgtin:4012345.011111.9",
        "urn:gdst:example.org:party:1",
        "geo:47.5,11.1",
    ],
)
def test_what_has_no_urn_stays(uri: str) -> None:
    assert translated_uri(uri, URN, CompanyPrefixes({"4012345": 7, "00011": 0, "0011": 0})) == uri


def test_what_has_no_digital_link_stays() -> None:
    for uri in (
        "urn:epc:idpat:sgtin:*.*.*",
        "urn:epc:id:sscc:08600031303.0004",
        "urn:epc:id:usdod:2S194.12345678901",
        "urn:gdst:example.org:party:1",
        "urn:uuid:39ac7499-fecd-4f65-b582-1c45ff4e6356",
        "https://shop.example/gtin/04012345111118?x=1",
    ):
        assert translated_uri(uri, LINK) == uri


def test_urns_with_a_known_prefix_come_back_as_they_were() -> None:
    rng = random.Random(20)

    def digits(n: int) -> str:
        return "".join(rng.choices("0123456789", k=n))

    def serial(most: int) -> str:
        text = "".join(rng.choices(SERIAL, k=rng.randint(1, most)))
        return "7" if text in ("*", "0") else text

    rest: dict[str, Callable[[int], str]] = {
        "id:sgtin": lambda n: f"{digits(13 - n)}.{serial(20)}",
        "id:upui": lambda n: f"{digits(13 - n)}.{serial(20)}",
        "class:lgtin": lambda n: f"{digits(13 - n)}.{serial(20)}",
        "idpat:sgtin": lambda n: f"{digits(13 - n)}.*",
        "id:sscc": lambda n: digits(17 - n),
        "id:sgln": lambda n: f"{digits(12 - n)}.{rng.choice(('0', serial(20)))}",
        "id:pgln": lambda n: digits(12 - n),
        "id:grai": lambda n: f"{digits(12 - n)}.{serial(16)}",
        "id:giai": lambda n: serial(18),
        "id:gsrn": lambda n: digits(17 - n),
        "id:gsrnp": lambda n: digits(17 - n),
        "id:gdti": lambda n: f"{digits(12 - n)}.{serial(17)}",
        "idpat:gdti": lambda n: f"{digits(12 - n)}.*",
        "id:sgcn": lambda n: f"{digits(12 - n)}.{digits(12)}",
        "id:ginc": lambda n: serial(18),
        "id:gsin": lambda n: digits(16 - n),
        "id:cpi": lambda n: f"{digits(1)}A-%23%2F{digits(3)}.{rng.randint(1, 10**12)}",
        "id:itip": lambda n: f"{digits(13 - n)}.01.02.{serial(20)}",
    }
    for _ in range(3_000):
        scheme, length = rng.choice(list(rest)), rng.randint(6, 12)
        company = digits(length)
        urn = f"urn:epc:{scheme}:{company}.{rest[scheme](length)}"
        link = translated_uri(urn, LINK)
        assert link.startswith("https://id.gs1.org/"), urn
        assert translated_uri(link, URN, CompanyPrefixes({company: length})) == urn


@pytest.mark.parametrize("path", [*EXAMPLES, *HASHES, *([TUNA] if TUNA.exists() else [])], ids=lambda path: path.stem)
def test_translation_leaves_the_event_hash_alone(path: Any) -> None:
    document = load(path)
    context = context_of(document)
    for to in EpcFormat:
        changed = translated_document(document, to, KNOWN)
        for (place, event), (_, other) in zip(events_of(document), events_of(changed), strict=True):
            assert event_hash(other, context) == event_hash(event, context)
            assert list(other) == list(event), place
            if to in (EpcFormat.NEVER, EpcFormat.ANY):
                assert other == event == translated(event, to, KNOWN)
            elif to is LINK:
                assert other == translated(event, to, KNOWN)


EVENT: dict[str, Any] = {
    "type": "TransformationEvent",
    "eventID": "urn:epc:id:gdti:4012345.00009.1",
    "epcList": ["urn:epc:id:sgtin:4012345.011111.1", "urn:x:1"],
    "childEPCs": ["urn:epc:id:sgtin:4012345.011111.2"],
    "parentID": "urn:epc:id:sscc:4012345.1112223334",
    "inputEPCList": ["urn:epc:id:sgtin:4012345.011111.3"],
    "outputEPCList": ["urn:epc:id:sgtin:4012345.011111.4"],
    "quantityList": [{"epcClass": "urn:epc:class:lgtin:4012345.011111.L", "quantity": 2}],
    "inputQuantityList": [{"epcClass": "urn:epc:idpat:sgtin:4012345.011111.*"}],
    "transformationID": "urn:epc:id:gdti:4012345.00009.2",
    "readPoint": {"id": "urn:epc:id:sgln:4012345.00005.0", "ex:door": "urn:epc:id:sgln:4012345.00005.1"},
    "bizLocation": {"id": "urn:epc:id:sgln:4012345.00005.2"},
    "bizTransactionList": [{"type": "po", "bizTransaction": "urn:epc:id:gdti:4012345.00009.3"}],
    "sourceList": [{"type": "location", "source": "urn:epc:id:sgln:4012345.00005.3"}],
    "destinationList": [{"type": "owning_party", "destination": "urn:epc:id:pgln:4012345.00000"}],
    "sensorElementList": [
        {
            "sensorMetadata": {"deviceID": "urn:epc:id:giai:4012345.111"},
            "sensorReport": [{"type": "Temperature", "value": 4, "uriValue": "urn:epc:id:giai:4012345.112"}],
        }
    ],
    "ilmd": {"ex:farm": "urn:epc:id:sgln:4012345.00005.4"},
    "ex:seal": ["urn:epc:id:sgtin:4012345.011111.9"],
    "errorDeclaration": {"correctiveEventIDs": ["urn:epc:id:gdti:4012345.00009.4"]},
}


def test_every_standard_field_is_translated_and_nothing_else() -> None:
    link = translated(EVENT, LINK)
    kept = {"type", "eventID", "ilmd", "ex:seal", "errorDeclaration"}
    assert {name for name in EVENT if link[name] == EVENT[name]} == kept
    assert link["epcList"] == ["https://id.gs1.org/01/04012345111118/21/1", "urn:x:1"]
    assert link["readPoint"] == {"id": "https://id.gs1.org/414/4012345000054", "ex:door": EVENT["readPoint"]["ex:door"]}
    assert link["quantityList"] == [{"epcClass": "https://id.gs1.org/01/04012345111118/10/L", "quantity": 2}]
    assert "urn:" not in str([link[name] for name in link if name not in kept]).replace("urn:x:1", "").replace(
        EVENT["readPoint"]["ex:door"], ""
    )
    assert translated(link, URN, KNOWN) == EVENT
    assert translated(EVENT, URN) == EVENT


def test_urns_of_an_event_tell_the_prefix_of_its_links() -> None:
    links = ["https://id.gs1.org/01/04012345111118/21/1", "https://id.gs1.org/01/09780345418913/21/1"]
    assert translated({**EVENT, "epcList": links}, URN)["epcList"] == ["urn:epc:id:sgtin:4012345.011111.1", links[1]]
    assert translated({"epcList": links}, URN)["epcList"] == links


def test_what_is_misshapen_passes_through() -> None:
    odd = {"epcList": "urn:epc:id:pgln:4012345.00000", "readPoint": 3, "bizLocation": "urn:epc:id:pgln:4012345.00000"}
    assert translated(odd, LINK) == {**odd, "epcList": "https://id.gs1.org/417/4012345000009"}
    assert translated({"quantityList": [["urn:x:y"]], "epcList": [None]}, URN)["epcList"] == [None]


def test_master_data_and_query_documents_are_translated_too() -> None:
    element = {"id": "urn:epc:id:sgln:4012345.00005.0", "children": ["urn:epc:id:sgln:4012345.00005.1"], "name": "x"}
    vocabularies = [{"type": "urn:epcglobal:epcis:vtype:Location", "vocabularyElementList": [element]}]
    document = {
        "type": "EPCISDocument",
        "epcisHeader": {"epcisMasterData": {"vocabularyList": vocabularies}},
        "epcisBody": {"eventList": [EVENT]},
    }
    changed = translated_document(document, LINK)
    (vocabulary,) = changed["epcisHeader"]["epcisMasterData"]["vocabularyList"]
    assert vocabulary["type"] == "urn:epcglobal:epcis:vtype:Location"
    assert vocabulary["vocabularyElementList"] == [
        {
            "id": "https://id.gs1.org/414/4012345000054",
            "children": ["https://id.gs1.org/414/4012345000054/254/1"],
            "name": "x",
        }
    ]
    assert changed["epcisBody"]["eventList"] == [translated(EVENT, LINK)]
    results = {"queryName": "q", "resultsBody": {"eventList": [EVENT], "vocabularyList": vocabularies}}
    query = {"type": "EPCISQueryDocument", "epcisBody": {"queryResults": results}}
    body = translated_document(query, LINK)["epcisBody"]["queryResults"]["resultsBody"]
    assert body == {"eventList": [translated(EVENT, LINK)], "vocabularyList": [vocabulary]}
    assert translated_document(translated_document(query, LINK), URN, KNOWN) == query
    assert translated_document(EVENT, LINK) == translated(EVENT, LINK)


def test_the_table_of_prefix_lengths() -> None:
    entries = [
        {"prefix": "690", "gcpLength": 7},
        {"prefix": "6901", "gcpLength": 9},
        {"prefix": "6902", "gcpLength": 0},
    ]
    for table in (
        {"GCPPrefixFormatList": {"date": "2024-01-01", "entry": entries}},
        {"690": 7, "6901": 9, "6902": 0},
    ):
        known = company_prefixes(table)
        assert [known.length(digits) for digits in ("690512345678", "690123456789", "690212345678", "4012")] == [
            7, 9, None, None,
        ]  # fmt: skip
        assert known.learned(["urn:epc:id:pgln:4012345.00000", "urn:epc:id:pgln:6905123.00000"]).lengths == {
            "690": 7, "6901": 9, "6902": 0, "4012345": 7,
        }  # fmt: skip
        assert known.learned(["urn:epc:id:pgln:690512345.000", "urn:x:y", "urn:epc:id:pgln:1.2"]) is known


@pytest.mark.parametrize(
    "table",
    [[], "690", None, {"690": "7"}, {"690": 5}, {"690": 13}, {"69x": 7}, {"": 7}, {"entry": [3]}, {"entry": [{}]}],
)
def test_a_table_that_is_none_is_refused(table: object) -> None:
    with pytest.raises(ValueError, match="prefix"):
        company_prefixes(table)
