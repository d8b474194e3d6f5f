"""Which link a request means, and linksets as they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.digital_link import DigitalLink, parse
from app.domain.links import GS1, link_type_of, short_type
from app.domain.linksets import Level, Link, Resolution, Wishes, link_header, linkset, linkset_text

KEY = DigitalLink("01", "09520123456788")


def link(name: str, **fields: object) -> Link:
    return Link(f"{GS1}pip", f"https://x.example/{name}", name, **fields)  # type: ignore[arg-type]


def names(links: tuple[Link, ...]) -> str:
    return " ".join(each.title for each in links)


ANY = (("*/*", 1.0),)


@pytest.mark.parametrize(
    ("wishes", "best"),
    [
        (Wishes(), "any"),
        (Wishes(contexts=("CN",)), "cn"),
        (Wishes(contexts=("US",)), "any"),
        (Wishes((("en", 1.0),)), "en-gb"),
        (Wishes((("en-us", 1.0), ("zh", 0.5))), "zh"),
        (Wishes((("zh-tw", 0.5), ("en", 0.4))), "zh"),
        (Wishes((("fr", 1.0),)), "any"),
        (Wishes((("fr", 1.0), ("*", 0.1)), (("text/html", 1.0),)), "any zh en-gb"),
        (Wishes((("*", 1.0),), (("*/*", 1.0),), ("US",)), "any zh en-gb pdf"),
        (Wishes((), (("application/pdf", 1.0), ("*/*", 0.1))), "pdf"),
        (Wishes((), (("application/*", 1.0),)), "pdf"),
        (Wishes((), (("image/png", 1.0),)), "any"),
        (Wishes((("zh", 0.0),), ANY), "any pdf"),
        (Wishes((("zh", 0.0), ("*", 0.5)), ANY), "any en-gb pdf"),
        (Wishes((("en", 0.0), ("*", 0.5)), ANY), "any zh pdf"),  # what is more exact counts
        (Wishes((("en", 0.1), ("*", 0.9)), ANY), "any zh pdf"),
        (Wishes((("en-gb", 0.1), ("en", 0.9), ("zh", 0.2))), "zh"),
        (Wishes((("zh-tw", 0.0), ("*", 0.5), ("en", 0.1)), ANY), "any zh pdf"),  # that of Taiwan is refused, not all
        (Wishes((("*", 1.0),), (("application/pdf", 0.0),)), "any zh en-gb"),
    ],
)
def test_what_a_request_likes_best(wishes: Wishes, best: str) -> None:
    links = (
        link("any"), link("zh", hreflang=("zh",)), link("en-gb", hreflang=("fr-CA", "en-GB")[1:]),
        link("pdf", media_type="application/pdf"), link("cn", context=("CN",)),
    )  # fmt: skip
    assert names(wishes.best(links)) == best


def test_the_same_target_twice_is_one() -> None:
    links = (link("a"), link("a", hreflang=("zh",)), link("b"))
    assert [each.href[-1] for each in Wishes().best(links)] == ["a", "b"]
    assert Wishes().best(()) == ()


@pytest.mark.parametrize(
    ("href", "query", "target"),
    [
        ("https://x.example", "a=1", "https://x.example?a=1"),
        ("https://x.example/?b=2", "a=1", "https://x.example/?b=2&a=1"),
        ("https://x.example/?", "a=1", "https://x.example/?a=1"),
        ("https://x.example/#f", "a=1&b", "https://x.example/?a=1&b#f"),
        ("https://x.example/", "??a=1?2#3", "https://x.example/?a=1%3F2%233"),
        ("https://x.example/", "a=\r\n\xff", "https://x.example/?a=%0D%0A%C3%BF"),
        ("https://x.example/", "", "https://x.example/"),
        ("https://x.example/", "?", "https://x.example/"),
    ],
)
def test_a_query_is_passed_on_with_one_question_mark(href: str, query: str, target: str) -> None:
    assert Link("t", href, "t").target(query) == target
    assert Link("t", href, "t", fwqs=False).target(query) == href


def test_levels_without_links_are_not_told() -> None:
    lot = parse("https://x.example/01/09520123456788/10/A").levels[0]
    known = Resolution(lot, (Level(lot, "lot", ()), Level(KEY, "product", (link("a"), link("b", default=True)))))
    assert known.default.title == "b"
    assert known.description == "lot"
    assert known.of_type(f"{GS1}none") == ()
    (item,) = linkset(known, "https://r.example")["linkset"]
    assert item["anchor"] == "https://r.example/01/09520123456788"
    assert item[f"{GS1}defaultLink"] == [{"href": "https://x.example/b", "title": "b"}]
    assert [each.title for each in known.alternatives()] == ["b", "a"]
    assert linkset_text(known, "https://r.example").count(",\n") == 2
    assert link_header(known, "https://r.example", room=10).endswith('; title="Linkset"')


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("Eggs, fresh; 10", 'title="Eggs, fresh; 10"'),
        ("土鸡蛋 · Eggs", "title*=UTF-8''%E5%9C%9F%E9%B8%A1%E8%9B%8B%20%C2%B7%20Eggs; title=\"Eggs\""),
        ("土鸡蛋", "title*=UTF-8''%E5%9C%9F%E9%B8%A1%E8%9B%8B; title=\"gs1:pip\""),
        ('a"; rel="x', "title*=UTF-8''a%22%3B%20rel%3D%22x; title=\"a; rel=x\""),
        ("a\\\n\x7f<", "title*=UTF-8''a%5C%0A%7F%3C; title=\"a<\""),
    ],
)
def test_a_title_breaks_out_of_no_header(title: str, told: str) -> None:
    known = Resolution(KEY, (Level(KEY, "product", (Link(f"{GS1}pip", "https://x.example/", title),)),))
    assert linkset_text(known, "https://r.example").split(",\n")[0] == (
        f'<https://x.example/>; rel="{GS1}pip"; {told}; anchor="https://r.example/01/09520123456788"'
    )


@given(
    st.lists(st.builds(link, st.sampled_from("abcdef"), hreflang=st.lists(st.sampled_from(["zh", "en"])).map(tuple)),
             min_size=1, max_size=6),
    st.lists(st.tuples(st.sampled_from(["zh", "en", "fr", "*", "", "en-gb"]), st.floats(0, 1)), max_size=4),
)  # fmt: skip
def test_the_best_are_among_what_there_is(links: list[Link], liked: list[tuple[str, float]]) -> None:
    best = Wishes(liked, (("*/*", 1.0),)).best(links)
    assert best
    assert set(best) <= set(links)
    assert Wishes(liked).better(links) in links


def test_link_types_in_every_spelling() -> None:
    for text in ("gs1:pip", "https://gs1.org/voc/pip", "http://ref.gs1.org/voc/pip", "https://www.gs1.org/voc/pip"):
        assert link_type_of(text) == f"{GS1}pip"
    assert link_type_of("schema:url") == link_type_of("http://schema.org/url") == "https://schema.org/url"
    assert link_type_of("gs1:a-b") is link_type_of("x:y") is link_type_of("") is None
    assert short_type(f"{GS1}pip") == "gs1:pip"
    assert short_type("https://schema.org/url") == "schema:url"
    assert short_type("https://v.example/t") == "https://v.example/t"
