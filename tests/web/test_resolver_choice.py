"""Which of several links of one type a request is led to: by language, media type and context (docs/conformance.md)."""

import json
from pathlib import Path

import pytest

from app.web.service import Service
from tests.support.cast import Cast
from tests.web.resolving import LOT, PRODUCT, ROOT, VOC, Shelf, faults, shelf_of


@pytest.fixture
def shelf(cast: Cast, service: Service) -> Shelf:
    return shelf_of(cast, service)


def test_accept_language_chooses_by_its_q_values(shelf: Shelf) -> None:
    for tag in ("zh", "en", "en-GB", "fr"):
        shelf.publish(href=f"https://farm.example.cn/{tag}", hreflang=[tag])
    asked = f"{PRODUCT}?linkType=gs1:pip"

    def chosen(languages: str) -> str:
        return shelf.leads(asked, accept_language=languages).removeprefix("https://farm.example.cn/").partition("?")[0]

    assert chosen("fr") == "fr"
    assert chosen("fr;q=0.3, en;q=0.9") == "en"
    assert chosen("en;q=0.2, zh-TW;q=0.4") == "zh"
    assert chosen("en-GB") == "en-GB"
    assert chosen("en-US, fr;q=0.9") == "en"
    assert chosen("fr;q=0.5, *;q=0.1") == "fr"
    assert shelf.ask(asked).status_code == 300
    assert shelf.ask(asked, accept_language="de").status_code == 300


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_refused_is_not_led_to(shelf: Shelf) -> None:
    for tag, kind in (("zh", "text/html"), ("en", "application/pdf")):
        shelf.publish(href=f"https://farm.example.cn/{tag}", hreflang=[tag], type=kind)
    asked = f"{PRODUCT}?linkType=gs1:pip"
    for languages in ("zh;q=0", "zh;q=0.000, *", "zh;q=-1, *;q=nan, en;q=7", "*;q=0.2, zh-Hans-CN;q=0.9, zh;q=0"):
        assert shelf.leads(asked, accept_language=languages).startswith("https://farm.example.cn/en"), languages
    assert shelf.leads(asked, accept="text/html;q=0").startswith("https://farm.example.cn/en")
    assert shelf.leads(asked, accept="application/*;q=0, */*").startswith("https://farm.example.cn/zh")
    assert shelf.ask(asked, accept_language="*;q=0").status_code == 300


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_lines_of_one_header_are_one_list(shelf: Shelf) -> None:
    for tag in ("zh", "en"):
        shelf.publish(href=f"https://farm.example.cn/{tag}", hreflang=[tag])
    request = shelf.cast.client.build_request(
        "GET", f"{ROOT}{PRODUCT}?linkType=gs1:pip", headers=[("accept-language", "en"), ("accept-language", "fr;q=0.5")]
    )
    answer = shelf.cast.client.send(request, follow_redirects=False)
    assert answer.headers["location"].startswith("https://farm.example.cn/en")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_type_may_be_asked_for_in_small_letters(shelf: Shelf) -> None:
    shelf.publish(link_type="gs1:recipeInfo", href="https://farm.example.cn/r")
    assert shelf.leads(f"{PRODUCT}?linktype=gs1:recipeInfo") == "https://farm.example.cn/r?linktype=gs1:recipeInfo"
    assert shelf.ask(f"{PRODUCT}?linktype=linkset").headers["content-type"] == "application/linkset+json"
    assert shelf.ask(f"{PRODUCT}?linktype=gs1:faqs").status_code == 404
    assert shelf.leads(f"{PRODUCT}?linkType=") == shelf.leads(PRODUCT) + "?linkType="


def test_accept_chooses_by_media_type(shelf: Shelf) -> None:
    for kind in ("application/pdf", "text/html"):
        shelf.publish(href=f"https://farm.example.cn/{kind[-3:]}", type=kind)
    asked = f"{PRODUCT}?linkType=gs1:pip"
    assert shelf.leads(asked, accept="application/pdf").startswith("https://farm.example.cn/pdf")
    assert shelf.leads(asked, accept="text/*;q=0.5, application/pdf;q=0.2").startswith("https://farm.example.cn/tml")
    assert shelf.ask(asked, accept="*/*").status_code == 300


def test_a_context_chooses(shelf: Shelf) -> None:
    shelf.publish(href="https://farm.example.cn/cn", context=["CN", "HK"])
    shelf.publish(href="https://farm.example.cn/eu", context=["EU"])
    shelf.publish(href="https://farm.example.cn/all")
    asked = f"{PRODUCT}?linkType=gs1:pip"
    assert shelf.leads(f"{asked}&context=EU").startswith("https://farm.example.cn/eu")
    assert shelf.leads(f"{asked}&context=HK&context=x").startswith("https://farm.example.cn/cn")
    assert shelf.leads(f"{asked}&context=US").startswith("https://farm.example.cn/all")
    assert shelf.leads(asked).startswith("https://farm.example.cn/all")


def test_each_link_of_the_model_linkset_is_found_by_its_own_attributes(shelf: Shelf, vectors: Path) -> None:
    """And those that have the same ones are listed; a request without any means what is for everybody."""
    model = json.loads((vectors / "digital-link" / "resolver" / "modelLinkset.json").read_text("utf-8"))
    asked = f"{PRODUCT}?linkType=gs1:certificationInfo"
    published = {each["href"]: each for each in model["linkset"][0][f"{VOC}certificationInfo"]}
    for each in published.values():
        shelf.publish(link_type="gs1:certificationInfo", **each)
    attributes = [(each.get("type"), each.get("hreflang"), each.get("context")) for each in published.values()]
    for each, said in zip(published.values(), attributes, strict=True):
        wishes = {"accept_language": each["hreflang"][0]} if "hreflang" in each else {}
        context = f"&context={each['context'][0]}" if "context" in each else ""
        answer = shelf.ask(asked + context, accept=each["type"], **wishes)
        if attributes.count(said) > 1:
            assert answer.status_code == 300
        else:
            assert answer.headers["location"].startswith(each["href"] + "?")
    assert len(published) == 6


def test_answers_300_with_a_list_where_nothing_tells_links_apart(shelf: Shelf, vectors: Path) -> None:
    for n in range(3):
        shelf.publish(href=f"https://farm.example.cn/{n}", title=f"证 {n}", link_type="gs1:certificationInfo")
    answer = shelf.ask(f"{LOT}?linkType=gs1:certificationInfo")
    assert (answer.status_code, answer.headers["content-type"]) == (300, "application/linkset+json")
    assert "location" not in answer.headers
    assert faults(answer.json(), vectors) == []
    (item,) = answer.json()["linkset"]
    assert [each["title"] for each in item[f"{VOC}certificationInfo"]] == ["证 0", "证 1", "证 2"]
    for language, told in (("zh", "有多个链接符合请求"), ("en", "Several links fit")):
        page = shelf.ask(f"{LOT}?linkType=gs1:certificationInfo", accept="text/html", accept_language=language)
        assert (page.status_code, page.headers["content-type"]) == (300, "text/html; charset=utf-8")
        assert told in page.text
        assert 'href="https://farm.example.cn/1?linkType=gs1:certificationInfo"' in page.text
