"""The GS1-Conformant resolver through HTTP: a test for each criterion of its three conformance lists (1.0, 1.1, 1.2);
see docs/conformance.md."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.domain.application_identifiers import KEYS
from app.domain.identifiers import check_digit_gs1
from app.web.service import Service
from tests.support.cast import Cast
from tests.support.freshness import settled
from tests.web.resolving import GTIN, LOT, PRODUCT, ROOT, VOC, Shelf, faults, link, shelf_of


@pytest.fixture
def shelf(cast: Cast, service: Service) -> Shelf:
    return shelf_of(cast, service)


def test_supports_get_head_and_options(shelf: Shelf) -> None:
    got, head = shelf.ask(LOT), shelf.ask(LOT, "HEAD")
    assert (got.status_code, head.status_code) == (307, 307)
    assert {**head.headers, "x-request-id": ""} == {**got.headers, "x-request-id": ""}
    listed, headed = shelf.ask(f"{LOT}?linkType=all"), shelf.ask(f"{LOT}?linkType=all", "HEAD")
    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["content-length"] == listed.headers["content-length"] == str(len(listed.content))
    assert shelf.ask(LOT, "OPTIONS").status_code == 204
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = shelf.ask(LOT, method)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_supports_https(shelf: Shelf) -> None:
    answer = shelf.ask(LOT)
    assert urlsplit(answer.headers["location"]).scheme == "https"
    assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_supports_cors(shelf: Shelf) -> None:
    for path in (LOT, f"{LOT}?linkType=all", "/01/1", f"{PRODUCT}?linkType=gs1:recipeInfo", "/.well-known/gs1resolver"):
        answer = shelf.ask(path, origin="https://elsewhere.example")
        assert answer.headers["access-control-allow-origin"] == "*", path
    asked = {"origin": "https://elsewhere.example", "access-control-request-method": "GET"}
    preflight = shelf.ask(LOT, "OPTIONS", **asked, access_control_request_headers="X-Mine, Accept")
    methods = {method.strip() for method in preflight.headers["access-control-allow-methods"].split(",")}
    assert methods == {"GET", "HEAD", "OPTIONS"}
    assert preflight.headers["access-control-allow-headers"] == "X-Mine, Accept"
    assert shelf.ask("/01/1", "OPTIONS", **asked).status_code == 204  # for the 400 to be read
    assert "Link" in shelf.ask(LOT).headers["access-control-expose-headers"]
    garbage = shelf.ask(LOT, "OPTIONS", access_control_request_headers="a\tb\x7f")
    assert "Accept" in garbage.headers["access-control-allow-headers"]


def test_decompresses_uris(shelf: Shelf) -> None:
    # 0B: a GTIN with its lot, "A1" in capital hexadecimal digits.
    bits = f"{0x0B:08b}{int(GTIN):047b}{2:03b}{2:05b}{0xA1:08b}"
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    bits += "0" * (-len(bits) % 6)
    compressed = "/" + "".join(alphabet[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))
    shelf.cast.farm.record(
        "produce", outputs=[shelf.cast.output(shelf.product, "10", "pcs", lot_number="A1")]
    )  # fmt: skip
    settled(shelf.service)
    assert shelf.leads(compressed) == shelf.leads(f"{PRODUCT}/10/A1")
    assert shelf.leads(f"{compressed}/?11=250101") == shelf.leads(f"{PRODUCT}/10/A1?11=250101")


def test_exposes_the_uncompressed_uri_and_does_not_redirect_to_it(shelf: Shelf) -> None:
    bits = f"{0x01:08b}{int(GTIN):047b}00000"
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    path = "/" + "".join(alphabet[int(bits[at : at + 6], 2)] for at in range(0, 60, 6))
    answer = shelf.ask(path)
    assert f'<{ROOT}{PRODUCT}>; rel="owl:sameAs"' in answer.headers["link"]
    assert f'<{ROOT}{PRODUCT}?linkType=linkset>; rel="linkset"' in answer.headers["link"]
    assert answer.headers["location"] != f"{ROOT}{PRODUCT}"
    listed = shelf.ask(f"{path}?linkType=linkset")
    assert listed.json()["linkset"][0]["anchor"] == f"{ROOT}{PRODUCT}"
    assert f'<{ROOT}{PRODUCT}?linkType=linkset>; rel="owl:sameAs"' not in listed.headers["link"]
    assert 'rel="owl:sameAs"' not in shelf.ask(PRODUCT).headers["link"]


@pytest.mark.parametrize(
    "path",
    [
        "/01/06901234567893", "/01/6901234567892", "/01/0690123456789X", "/01/", "/01", "/1/2", "/99/1",
        f"{PRODUCT}/10/", f"{PRODUCT}/10", f"{PRODUCT}/21/x/10/y", f"{PRODUCT}/10/x/10/y", f"{PRODUCT}/235/x/21/y",
        f"{PRODUCT}/10/{'x' * 21}", f"{PRODUCT}/10/%00", f"{PRODUCT}/10/%E4%B8%80", f"{PRODUCT}/10/a%20b",
        f"{PRODUCT}/254/x", f"/01/{GTIN}/01/{GTIN}", f"/414/6901234000007{PRODUCT}", "/10/x/21/y", "/21/x",
        f"{PRODUCT}?10=x", f"{PRODUCT}?17=259999", f"{PRODUCT}?01={GTIN}", f"{PRODUCT}?999=1", f"{PRODUCT}?89=1",
        f"{PRODUCT}?99=", f"{PRODUCT}?99=a&99=a", "/00/123456789012345678", "/414/6901234000006", "/8011/1",
        f"{PRODUCT}/" + "10/x/" * 1000, f"{PRODUCT}/10/{'x' * 9000}", f"{PRODUCT}?{'x' * 9000}", "/01/０6901234567892",
        f"{PRODUCT}/22/x/", "/8017/690123400000000017", "/01/06901234567892/AQQQQQQ",
    ],
)  # fmt: skip
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_reports_errors_of_syntax_by_400(shelf: Shelf, path: str) -> None:
    if path == f"{PRODUCT}/22/x/":
        assert shelf.ask(path).status_code == 307  # a slash at the end is no error
        return
    answer = shelf.ask(path)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/bad-digital-link"
    page = shelf.ask(path, accept="text/html")
    assert (page.status_code, page.headers["content-type"]) == (400, "text/html; charset=utf-8")


def test_never_answers_200_for_an_error(shelf: Shelf) -> None:
    for path, status in {
        "/01/06901234567893": 400,
        "/01/09520123456788": 404,
        "/01/09520123456788/10/A?linkType=all": 404,
        f"{PRODUCT}?linkType=gs1:recipeInfo": 404,
        f"{PRODUCT}?linkType=nobody:knows": 404,
    }.items():
        for accept in (None, "*/*", "text/html", "application/json"):
            assert shelf.ask(path, accept=accept).status_code == status, (path, accept)
            assert shelf.ask(path, "HEAD", accept=accept).status_code == status, (path, accept)


@pytest.mark.parametrize("asked", ["linkset", "all"])
def test_lists_all_links(shelf: Shelf, asked: str, vectors: Path) -> None:
    shelf.publish(hreflang=["zh"], type="text/html", context=["CN"], fwqs=False)
    answer = shelf.ask(f"{LOT}?linkType={asked}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/linkset+json")
    assert faults(answer.json(), vectors) == []
    assert list(answer.json()) == ["linkset"]
    lot, product = answer.json()["linkset"]
    assert lot["anchor"] == ROOT + LOT
    assert product[f"{VOC}pip"][0] == {
        "href": "https://farm.example.cn/eggs", "title": "土鸡蛋 · Eggs", "hreflang": ["zh"], "type": "text/html",
        "context": ["CN"], "fwqs": False,
    }  # fmt: skip
    assert f"{VOC}traceability" in lot


def test_lists_links_where_a_linkset_is_accepted(shelf: Shelf, vectors: Path) -> None:
    whole = shelf.ask(f"{LOT}?linkType=linkset").json()
    for accept in ("application/linkset+json", "application/json", "application/json, text/plain, */*"):
        answer = shelf.ask(LOT, accept=accept)
        assert (answer.status_code, answer.json()) == (200, whole), accept
        assert answer.headers["content-type"] == accept.partition(",")[0]
        assert faults(answer.json(), vectors) == []
    text = shelf.ask(LOT, accept="application/linkset")
    assert (text.status_code, text.headers["content-type"]) == (200, "application/linkset")
    first = text.text.split(",\n")[0]
    assert first.startswith(f'<{ROOT}/c/{shelf.lot["lot_code"]}>; rel="{VOC}traceability"; title*=UTF-8')
    assert first.endswith(f'; anchor="{ROOT}{LOT}"')
    linked = shelf.ask(LOT, accept="application/ld+json").json()
    assert linked["@context"] == "https://ref.gs1.org/standards/resolver/linkset-context"
    assert linked["linkset"] == whole["linkset"]
    for accept in ("text/html", "*/*", "text/html, application/json;q=0.5", "application/json;q=0", "image/png"):
        assert shelf.ask(LOT, accept=accept).status_code == 307, accept
    assert shelf.ask(f"{LOT}?linkType=gs1:traceability", accept="application/json").status_code == 307


def test_a_linkset_includes_every_level_up_to_the_key(shelf: Shelf) -> None:
    levels = [f"{PRODUCT}/22/V/10/L/21/S", f"{PRODUCT}/22/V/10/L", f"{PRODUCT}/22/V", PRODUCT]
    for n, level in enumerate(levels):
        shelf.publish(anchor=level, link_type="gs1:instructions", href=f"https://farm.example.cn/{n}")
    for n, level in enumerate(levels):
        assert [item["anchor"] for item in shelf.linkset(level)] == [ROOT + each for each in levels[n:]]
        assert shelf.leads(f"{level}?linkType=gs1:instructions").startswith(f"https://farm.example.cn/{n}?")


def test_every_link_has_target_type_and_title(shelf: Shelf) -> None:
    shelf.publish(hreflang=["en"])
    for item in shelf.linkset(LOT):
        for link_type, links in item.items():
            if link_type not in ("anchor", "itemDescription"):
                assert link_type.startswith(VOC)
                assert all(each["href"].startswith("https://") and each["title"] for each in links)
                if link_type != f"{VOC}defaultLink":
                    assert all(each["hreflang"] for each in links)


def test_media_types_are_those_of_iana(shelf: Shelf) -> None:
    for wrong in ("html", "text/", "pages/html", "text/html; charset=utf-8", "text/h tml"):
        answer = shelf.cast.farm.post("/links", link(type=wrong))
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/bad-media-type"), wrong


def test_the_default_is_also_described_by_a_type(shelf: Shelf) -> None:
    shelf.publish(anchor=LOT, link_type="gs1:recipeInfo", default=True)
    for path in (LOT, PRODUCT, f"{LOT}/21/x"):
        items = shelf.linkset(path)
        (default,) = [each for item in items for each in item.get(f"{VOC}defaultLink", [])]
        assert default.keys() == {"href", "title"}
        described = [
            each["href"] for item in items for key, listed in item.items()
            if isinstance(listed, list) and key != f"{VOC}defaultLink" for each in listed
        ]  # fmt: skip
        assert default["href"] in described


def test_a_linkset_names_its_context(shelf: Shelf) -> None:
    for accept in (None, "application/json"):
        header = shelf.ask(f"{LOT}?linkType=linkset", accept=accept).headers["link"]
        assert (
            '<https://ref.gs1.org/standards/resolver/linkset-context>; rel="http://www.w3.org/ns/json-ld#context"; '
            'type="application/ld+json"'
        ) in header


def test_there_is_one_default_however_granular_the_uri(shelf: Shelf) -> None:
    page = f"{ROOT}/c/{shelf.lot['lot_code']}"
    assert shelf.leads(LOT) == shelf.leads(f"{LOT}/21/whatever") == shelf.leads(f"{PRODUCT}/22/v/10/L%2F1") == page
    assert shelf.leads(PRODUCT) == shelf.leads(f"{PRODUCT}/21/whatever") == f"{ROOT}{PRODUCT}?linkType=all"
    shelf.publish(default=True)
    assert shelf.leads(PRODUCT) == "https://farm.example.cn/eggs"
    assert shelf.leads(LOT) == page
    shelf.publish(anchor=LOT, href="https://farm.example.cn/lot", default=True)
    assert shelf.leads(LOT) == "https://farm.example.cn/lot"
    shelf.publish(anchor=LOT, href="https://farm.example.cn/other", default=True)
    assert shelf.leads(LOT) == shelf.leads(f"{LOT}?linkType=gs1:defaultLink").partition("?")[0]
    assert shelf.leads(LOT) == "https://farm.example.cn/other"


def test_redirects_to_the_default_link_without_anything_else_to_go_by(shelf: Shelf) -> None:
    for accept in (None, "*/*", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"):
        answer = shelf.ask(LOT, accept=accept)
        assert (answer.status_code, answer.content) == (307, b"")
        assert answer.headers["location"] == f"{ROOT}/c/{shelf.lot['lot_code']}"


def test_a_better_match_than_the_default_is_taken(shelf: Shelf) -> None:
    shelf.publish(hreflang=["zh"], default=True)
    shelf.publish(href="https://farm.example.cn/fr", hreflang=["fr"])
    assert shelf.leads(PRODUCT) == "https://farm.example.cn/eggs"
    assert shelf.leads(PRODUCT, accept_language="fr-CH, en;q=0.5") == "https://farm.example.cn/fr"
    assert shelf.leads(PRODUCT, accept_language="de") == "https://farm.example.cn/eggs"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_published_default_is_where_every_client_goes(shelf: Shelf) -> None:
    shelf.publish(default=True)
    for accept, languages in (
        ("*/*", "*"), ("*/*", "zh"), ("text/html,application/xhtml+xml,*/*;q=0.8", "zh-CN,zh;q=0.9,en;q=0.8"),
        ("text/html", "en"), ("image/png", "fr"),
    ):  # fmt: skip
        found = shelf.leads(PRODUCT, accept=accept, accept_language=languages)
        assert found == "https://farm.example.cn/eggs", (accept, languages)


def test_redirects_to_the_requested_type(shelf: Shelf) -> None:
    shelf.publish(link_type="gs1:recipeInfo", href="https://farm.example.cn/recipes")
    for spelled in (
        "gs1:recipeInfo", "gs1%3ArecipeInfo", "https://ref.gs1.org/voc/recipeInfo", "https://gs1.org/voc/recipeInfo",
        "http://gs1.org/voc/recipeInfo", "https://www.gs1.org/voc/recipeInfo",
    ):  # fmt: skip
        for path in (PRODUCT, LOT, f"{LOT}/21/x"):
            assert shelf.leads(f"{path}?linkType={spelled}").startswith("https://farm.example.cn/recipes?"), spelled


def test_recognises_the_vocabularies_of_gs1_and_schema(shelf: Shelf) -> None:
    shelf.publish(link_type="https://gs1.org/voc/epil")
    shelf.publish(link_type="schema:url", href="https://farm.example.cn/url")
    shelf.publish(link_type="https://voc.example/type", href="https://farm.example.cn/own")
    (item,) = shelf.linkset(PRODUCT)
    assert {f"{VOC}epil", "https://schema.org/url", "https://voc.example/type"} <= item.keys()
    assert shelf.leads(f"{PRODUCT}?linkType=http://schema.org/url").startswith("https://farm.example.cn/url?")
    assert shelf.leads(f"{PRODUCT}?linkType=https://voc.example/type").startswith("https://farm.example.cn/own?")
    described = shelf.ask("/.well-known/gs1resolver").json()["supportedLinkType"]
    assert {"namespace": VOC, "prefix": "gs1:"} in described


def test_answers_404_for_a_type_that_is_not_there(shelf: Shelf) -> None:
    for asked in ("gs1:recipeInfo", "recipeInfo", "foo:bar", "https://x.example/y", "gs1:", "%00", "gs1:pip%20"):
        answer = shelf.ask(f"{PRODUCT}?linkType={asked}")
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/no-such-link"), asked
    assert (
        shelf.ask(f"{PRODUCT}?linkType=gs1:recipeInfo", accept="text/html")
        .headers["content-type"]
        .startswith("text/html")
    )


def test_passes_the_query_on(shelf: Shelf) -> None:
    page = f"{ROOT}/c/{shelf.lot['lot_code']}"
    assert shelf.leads(f"{LOT}?11=250101&17=990131&x=%E4%B8%80+b") == f"{page}?11=250101&17=990131&x=%E4%B8%80+b"
    assert shelf.leads(f"{LOT}?") == page
    assert shelf.leads(f"{LOT}??11=250101") == f"{page}?11=250101"
    assert shelf.leads(f"{LOT}?a=1?b=2") == f"{page}?a=1%3Fb=2"
    shelf.publish(anchor=LOT, href="https://farm.example.cn/lot?from=code#top", default=True)
    assert shelf.leads(f"{LOT}?x=1") == "https://farm.example.cn/lot?from=code&x=1#top"
    shelf.publish(anchor=LOT, href="https://farm.example.cn/bare", default=True, fwqs=False)
    assert shelf.leads(f"{LOT}?x=1") == "https://farm.example.cn/bare"


def test_exposes_the_linkset_even_when_redirecting(shelf: Shelf) -> None:
    for path in (LOT, f"{LOT}?linkType=gs1:traceability", f"{LOT}?linkType=linkset"):
        header = shelf.ask(path).headers["link"]
        assert header.startswith(f'<{ROOT}{LOT}?linkType=linkset>; rel="linkset"; type="application/linkset+json"')


def test_exposes_the_links_when_redirecting_as_far_as_they_are_few(shelf: Shelf) -> None:
    assert f'<{ROOT}/c/{shelf.lot["lot_code"]}>; rel="{VOC}traceability"' in shelf.ask(LOT).headers["link"]
    for n in range(30):
        shelf.cast.farm.made("/links", link(href=f"https://farm.example.cn/{n}", hreflang=["zh"]))
    settled(shelf.service)
    header = shelf.ask(PRODUCT).headers["link"]
    assert len(header) < 200
    assert 'rel="linkset"' in header


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_link_of_the_header_has_a_title_that_all_clients_read(shelf: Shelf) -> None:
    shelf.publish(title='Eggs, "fresh"')
    for path in (LOT, PRODUCT):
        links = shelf.ask(path).headers["link"].split('", <')
        assert len(links) > 1
        assert all('; rel="' in each and '; title="' in each for each in links), links


def test_describes_itself(shelf: Shelf) -> None:
    answer = shelf.ask("/.well-known/gs1resolver")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    said = answer.json()
    assert said["resolverRoot"] == ROOT
    assert said["jsonLdContextLocation"].startswith("https://ref.gs1.org/")
    assert isinstance(said["linkTypeDefaultCanBeLinkset"], bool)
    assert shelf.ask("/.well-known/gs1resolver", "HEAD").status_code == 200
    asked = shelf.ask("/.well-known/gs1resolver", "OPTIONS", access_control_request_headers="x-trace")
    assert (asked.status_code, asked.headers["access-control-allow-headers"]) == (204, "x-trace")
    assert asked.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"


def test_lists_the_keys_that_it_supports(shelf: Shelf) -> None:
    # Those that the schema of the description file knows.
    known = {
        "01", "8006", "8013", "8010", "410", "411", "412", "413", "414", "415", "417", "8017", "8018", "255", "00",
        "253", "401", "402", "8003", "8004",
    }  # fmt: skip
    listed = shelf.ask("/.well-known/gs1resolver").json()["supportedPrimaryKeys"]
    assert set(listed) == KEYS.keys()
    assert set(listed) <= known


KEYED = {
    "00": ["/00/" + "69012340000000001" + check_digit_gs1("69012340000000001")],
    "253": ["/253/6901234000009ABC"],
    "255": ["/255/6901234000009123"],
    "401": ["/401/6901234ABC"],
    "402": ["/402/" + "6901234000000001" + check_digit_gs1("6901234000000001")],
    "414": ["/414/6901234000009", "/414/6901234000009/254/A", "/414/6901234000009/7040/1ABC"],
    "415": ["/415/6901234000009/8020/R1"],
    "417": ["/417/6901234000009", "/417/6901234000009/7040/1ABC"],
    "8003": ["/8003/06901234000009ABC"],
    "8004": ["/8004/6901234ABC", "/8004/6901234ABC/7040/1ABC"],
    "8006": [
        f"/8006/{GTIN}0102{rest}" for rest in ("", "/22/a", "/10/b", "/21/c", "/22/a/10/b/21/c", "/10/b/21/c")
    ],
    "8010": ["/8010/6901234AB", "/8010/6901234AB/8011/1"],
    "8013": ["/8013/1987654Ad4X4bL5ttr2310c2K"],
    "8017": ["/8017/690123400000000018", "/8017/690123400000000018/8019/1"],
    "8018": ["/8018/690123400000000018", "/8018/690123400000000018/8019/1"],
    "01": [f"{PRODUCT}{rest}" for rest in ("", "/22/a", "/10/b", "/21/c", "/235/d", "/22/a/10/b/21/c", "/22/a/21/c")],
}  # fmt: skip


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_supports_every_key_with_all_of_its_qualifiers(shelf: Shelf) -> None:
    assert KEYED.keys() == KEYS.keys()
    for ai, paths in KEYED.items():
        for n, path in enumerate(paths):
            body = link(anchor=path, link_type="gs1:masterData", href=f"https://data.example/{ai}/{n}")
            made = shelf.cast.admin.made("/links", body)
            assert made["anchor"] == path
            settled(shelf.service)
            assert shelf.leads(f"{path}?linkType=gs1:masterData").startswith(f"https://data.example/{ai}/{n}?")
            assert shelf.ask(f"{path}/").status_code == 307


def test_annotates_no_redirection_by_company_prefix(shelf: Shelf) -> None:
    """No redirect of ours goes by a company prefix alone, so none is annotated as handled by somebody else."""
    answer = shelf.ask("/01/09520123456788")
    assert answer.status_code == 404
    assert "handledBy" not in str(answer.headers)
    shelf.publish(link_type="gs1:handledBy", href="https://id.farm.example.cn/", default=True)
    assert f"{VOC}handledBy" in shelf.linkset(PRODUCT)[0]


def test_tolerates_a_slash_at_the_end(shelf: Shelf) -> None:
    for path in (LOT, PRODUCT, f"{LOT}/21/x"):
        assert shelf.leads(f"{path}/") == shelf.leads(path)
        assert shelf.linkset(f"{path}/") == shelf.linkset(path)


def test_an_unknown_lot_or_serial_leads_up_to_the_key(shelf: Shelf) -> None:
    for path in (f"{PRODUCT}/10/none", f"{PRODUCT}/21/none", f"{PRODUCT}/22/none/10/none/21/none", f"{PRODUCT}/235/x"):
        assert shelf.leads(path) == shelf.leads(PRODUCT)
        assert shelf.linkset(path) == shelf.linkset(PRODUCT)
    assert shelf.leads(f"{LOT}/21/none") == shelf.leads(LOT)


def test_no_accept_header_at_all_is_a_normal_request(shelf: Shelf) -> None:
    for path in (LOT, PRODUCT, f"{LOT}?linkType=all", f"{LOT}?linkType=gs1:pip"):
        bare, any_kind = shelf.ask(path), shelf.ask(path, accept="*/*")
        assert (bare.status_code, bare.content) == (any_kind.status_code, any_kind.content)
