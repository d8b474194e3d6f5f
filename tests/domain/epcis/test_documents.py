import pytest

from app.domain.epcis.context import Context, context_of
from app.domain.epcis.documents import events_of, master_data_of
from app.domain.epcis.vocabulary import bare_word

from .vectors import ROOT, TUNA, load


@pytest.mark.usefixtures("vectors")
def test_events_of_a_document_a_query_result_and_a_bare_event() -> None:
    assert [pointer for pointer, _ in events_of(load(TUNA))][:2] == [
        "/epcisBody/eventList/0",
        "/epcisBody/eventList/1",
    ]
    query = load(ROOT / "event-hash" / "epcisQueryDocument.jsonld")
    assert events_of(query)[1][0] == "/epcisBody/queryResults/resultsBody/eventList/1"
    event = {"type": "ObjectEvent", "action": "ADD"}
    assert events_of(event) == [("", event)]
    assert events_of({"type": 5}) == []
    assert events_of({"type": "EPCISDocument", "epcisBody": {"eventList": {}}}) == []
    assert events_of({"type": "EPCISDocument", "epcisBody": {"eventList": [1, event]}}) == [
        ("/epcisBody/eventList/1", event)
    ]


@pytest.mark.usefixtures("vectors")
def test_master_data_of_the_tuna_chain() -> None:
    data = master_data_of(load(TUNA))
    assert (len(data.parties), len(data.sites), len(data.products), data.others) == (6, 8, 6, ())
    plant = next(site for site in data.sites if site.raw_id.endswith("processor.plant1u"))
    assert plant.uri == "urn:gdst:example.org:location:loc:processor.plant1u"
    assert (plant.name, plant.street, plant.city, plant.state, plant.country) == (
        "Processing Plant",
        "123 Main St.",
        "Houston",
        "TX",
        "US",
    )
    assert plant.owning_party == "urn:gdst:example.org:party:processor.1u"
    vessel = data.sites[0]
    assert vessel.raw_id == "urn:epc:id:sgln:08600031303.1.1"
    assert vessel.uri == "https://id.gs1.org/414/0860003130315/254/1"
    assert ("urn:gdst:kde#imoNumber", "IMO12345678") in vessel.attributes
    tuna = data.products[0]
    assert tuna.name == "Whole Yellowfin Tuna"
    # Two owners are named; the first is the one, both are kept.
    assert tuna.owning_party == "urn:gdst:example.org:party:fisherman01.1u"
    assert [value for name, value in tuna.attributes if name.endswith("owning_party")] == [
        "urn:gdst:example.org:party:fisherman01.1u",
        "urn:gdst:example.org:party:processor.1u",
    ]
    assert tuna.information_provider == "urn:gdst:example.org:party:fisherman01.1u"
    assert (tuna.city, tuna.country) == (None, None)


def test_master_data_in_query_results_and_of_other_types() -> None:
    document = {
        "type": "EPCISQueryDocument",
        "epcisBody": {
            "queryResults": {
                "resultsBody": {
                    "eventList": [],
                    "vocabularyList": [
                        {"type": "urn:example:fleet", "vocabularyElementList": [{"id": "urn:x:1"}, {"no": 1}, 2]},
                        {
                            "type": "urn:epcglobal:epcis:vtype:BusinessLocation",
                            "vocabularyElementList": [
                                {"id": "urn:x:2", "attributes": [{"id": "cbvmda:name", "attribute": " "}, {"id": 4}]}
                            ],
                        },
                        "x",
                    ],
                }
            }
        },
    }
    data = master_data_of(document)
    assert [(kind, record.uri) for kind, record in data.others] == [("urn:example:fleet", "urn:x:1")]
    assert [(site.uri, site.name, site.attributes) for site in data.sites] == [
        ("urn:x:2", None, (("cbvmda:name", " "),))
    ]
    assert master_data_of({}).parties == ()


def test_names_of_a_context() -> None:
    context = context_of(
        {
            "@context": [
                "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
                {
                    "ex": "https://ns.example.com/epcis/",
                    "colour": "ex:colour",
                    "weight": {"@id": "https://ns.example.com/v#weight", "@type": "xsd:decimal"},
                    "urnish": "urn:example:voc:",
                    "@vocab": "https://nowhere.example/",
                    "bad": 7,
                    "empty": "",
                },
                5,
            ]
        }
    )
    assert context.split("ex:a") == ("https://ns.example.com/epcis/", "a")
    assert context.split("colour") == ("https://ns.example.com/epcis/", "colour")
    assert context.split("weight") == ("https://ns.example.com/v#", "weight")
    assert context.split("urnish:a") == ("urn:example:voc:", "a")
    assert context.split("urn:x:y") == ("urn:x:", "y")
    assert context.split("https://a.example/b") == ("https://a.example/", "b")
    assert context.split("bad") == ("", "bad")
    assert context.full_name("bad") == "bad"
    assert context.expand("ex:a") == "https://ns.example.com/epcis/a"
    assert context.expand("https://a.example/b") == "https://a.example/b"
    assert [context.declares(n) for n in ("ex:a", "colour", "bad", "none:a", "urn:x:y", "https://a.example/b")] == [
        True,
        True,
        False,
        False,
        True,
        True,
    ]
    assert context_of({"@context": {"ex": "urn:e:"}}).split("ex:a") == ("urn:e:", "a")
    assert context_of({}) == Context()
    assert Context().with_event({}) == Context()


def test_bare_words_of_every_form() -> None:
    forms = (
        "receiving",
        "cbv:BizStep-receiving",
        "https://ref.gs1.org/cbv/BizStep-receiving",
        "http://ref.gs1.org/cbv/BizStep-receiving",
        "urn:epcglobal:cbv:bizstep:receiving",
    )
    assert {bare_word("BizStep", form) for form in forms} == {"receiving"}
    assert bare_word("BizStep", "urn:gdst:bizStep:landing") == "urn:gdst:bizStep:landing"
    assert bare_word("BizStep", "urn:epcglobal:cbv:none:x") == "urn:epcglobal:cbv:none:x"
