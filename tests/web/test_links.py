"""/api/v1/links: who publishes what for which key, and that it shows."""

import json
from itertools import pairwise
from typing import Any

import pytest

from app.domain.digital_link_requests import STEPS
from app.domain.links import MOST
from app.web.service import Service
from tests.support.cast import Actor, Cast
from tests.support.freshness import settled
from tests.web.resolving import GTIN, LOT, PRODUCT, ROOT, VOC, Shelf, link, shelf_of


@pytest.fixture
def shelf(cast: Cast, service: Service) -> Shelf:
    return shelf_of(cast, service)


def test_published_changed_and_taken_away(shelf: Shelf) -> None:
    farm = shelf.cast.farm
    form = link(hreflang=["zh", "en-GB"], type="text/html", context=["CN"], fwqs=False)
    made = farm.post("/links", form)
    assert made.status_code == 201
    body = made.json()
    assert body.items() >= {
        "anchor": PRODUCT, "link_type": f"{VOC}pip", "href": form["href"], "title": form["title"],
        "hreflang": ["zh", "en-GB"], "type": "text/html", "context": ["CN"], "fwqs": False, "public": True,
        "default": False,
    }.items()  # fmt: skip
    again = farm.post(
        "/links",
        {
            **form, "anchor": f"https://id.gs1.org{PRODUCT}/", "link_type": f"{VOC}pip", "context": ["CN", "CN"],
            "hreflang": ["zh", "en-gb", "zh"],
        },
    )  # fmt: skip
    assert (again.status_code, again.json()) == (200, body)
    assert farm.post("/links", {**form, "title": "other"}).json()["type"] == "/problems/link-exists"
    path = made.headers["location"]
    assert farm.get(path).json() == body
    assert farm.get("/links").json()["items"] == [body]
    assert shelf.cast.admin.get("/links", params={"anchor": PRODUCT}).json()["items"] == [body]
    assert farm.get("/links", params={"anchor": LOT}).json()["items"] == []
    changed = farm.patch(path, {"title": "蛋", "href": "https://farm.example.cn/2", "type": None, "hreflang": []})
    assert changed.json() == {
        **body, "title": "蛋", "href": "https://farm.example.cn/2", "type": None, "hreflang": [],
    }  # fmt: skip
    assert farm.request("DELETE", path).status_code == 204
    assert farm.get(path).status_code == farm.request("DELETE", path).status_code == 404
    assert farm.patch(path, {"title": "x"}).status_code == 404
    assert farm.post("/links", form).status_code == 201


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_changed_link_is_no_more_what_it_was(shelf: Shelf) -> None:
    farm, first, second = shelf.cast.farm, link(), link(href="https://farm.example.cn/2")
    path = farm.post("/links", first).headers["location"]
    changed = farm.patch(path, {"href": second["href"]}).json()
    assert (farm.post("/links", second).status_code, farm.post("/links", second).json()) == (200, changed)
    again = farm.post("/links", first)
    assert (again.status_code, again.headers["location"] != path) == (201, True)
    assert farm.post("/links", first).json() == again.json()
    for change in ({"href": first["href"]}, {"href": first["href"], "title": "other"}):
        refused = farm.patch(path, change)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/link-exists")
    assert farm.get(path).json() == changed
    assert [each["href"] for each in farm.get("/links").json()["items"]] == [second["href"], first["href"]]


@pytest.mark.parametrize(
    ("fields", "slug"),
    [
        ({"href": "http://farm.example.cn/"}, "bad-href"), ({"href": "javascript:alert(1)"}, "bad-href"),
        ({"href": "https://"}, "bad-href"), ({"href": "https://a b"}, "bad-href"),
        ({"href": "//x.example"}, "bad-href"),
        ({"href": "https://user:pass@x.example/"}, "bad-href"), ({"href": "https://x.example:0x/"}, "bad-href"),
        ({"href": 'https://x.example/">'}, "bad-href"), ({"href": "https://x.example/\r\nSet-Cookie: a=b"}, "bad-href"),
        ({"href": "HTTPS://x.example/"}, "bad-href"), ({"href": "https://[::1"}, "bad-href"),
        ({"href": "https://user%40x.example/"}, "bad-href"), ({"href": "https://x.example,y.example/"}, "bad-href"),
        ({"href": "https://x..example/"}, "bad-href"), ({"href": "https://-x.example/"}, "bad-href"),
        ({"href": "https://*.example/"}, "bad-href"), ({"href": "https://农.example/"}, "bad-href"),
        ({"href": "https://x.example/100%"}, "bad-href"), ({"href": "https://x.example/%0d%0g"}, "bad-href"),
        ({"link_type": "pip"}, "bad-link-type"), ({"link_type": "gs1:"}, "bad-link-type"),
        ({"link_type": "gs1:defaultLink"}, "bad-link-type"), ({"link_type": "foo:bar"}, "bad-link-type"),
        ({"link_type": "https://x.example/#y"}, "bad-link-type"), ({"link_type": f"{VOC}a/b"}, "bad-link-type"),
        ({"anchor": "/01/06901234567893"}, "bad-anchor"), ({"anchor": "x"}, "bad-anchor"),
        ({"anchor": f"{PRODUCT}/21/a/10/b"}, "bad-anchor"), ({"anchor": "/01/\x01"}, "bad-anchor"),
        ({"hreflang": ["zho"]}, "bad-language"),
        ({"hreflang": ["z1"]}, "bad-language"), ({"type": "html"}, "bad-media-type"),
        ({"type": "foo/bar"}, "bad-media-type"), ({"context": [" "]}, "bad-context"),
        ({"title": ""}, "invalid"), ({"colour": "red"}, "invalid"), ({"fwqs": "yes"}, "invalid"),
        ({"default": 1}, "invalid"), ({"context": ["x"] * 21}, "invalid"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_wrong_is_named(shelf: Shelf, fields: dict[str, Any], slug: str) -> None:
    answer = shelf.cast.farm.post("/links", link(**fields))
    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{slug}")
    assert answer.json()["errors"][0]["pointer"].startswith(f"/{next(iter(fields))}")
    if slug not in ("bad-anchor",) and "anchor" not in fields:
        path = shelf.cast.farm.post("/links", link()).headers["location"]
        assert shelf.cast.farm.patch(path, fields).status_code == 422


def test_a_key_is_its_owners(shelf: Shelf) -> None:
    cast = shelf.cast
    cast.admin.patch(f"/sites/{cast.stall.site['id']}", {"gln": "6901234000009"})
    cast.admin.patch(
        f"/parties/{cast.plant.party['id']}", {"external_codes": [{"scheme": "gln", "value": "6901234000016"}]}
    )
    piece = f"/8006/{GTIN}0102"
    owners: dict[str, tuple[Actor, ...]] = {
        PRODUCT: (cast.farm,), LOT: (cast.farm,), f"{LOT}/21/1": (cast.farm,), piece: (cast.farm,),
        "/414/6901234000009/254/A": (cast.stall, cast.market), "/417/6901234000016": (cast.plant,),
        "/01/09520123456788": (), "/8004/6901234X": (), "/00/069012340000000016": (), "/414/6901234000016": (),
    }  # fmt: skip
    everybody = (cast.farm, cast.plant, cast.stall, cast.other_stall, cast.market, cast.lab, cast.regulator)
    for n, (anchor, allowed) in enumerate(owners.items()):
        for actor in everybody:
            answer = actor.post("/links", link(anchor=anchor, href=f"https://x.example/{n}"))
            mine = any(actor is each for each in allowed)
            assert answer.status_code in ((200, 201) if mine else (403,)), (anchor, actor.party)
            if not mine:
                assert answer.json()["type"] == "/problems/not-your-key"
        assert cast.admin.post("/links", link(anchor=anchor, href=f"https://y.example/{n}")).status_code == 201
    assert cast.public.post("/links", link()).status_code == 401


def test_whoever_enrolled_a_gtin_first_owns_it(shelf: Shelf) -> None:
    cast = shelf.cast
    cast.stall.made("/products", {**{k: shelf.product[k] for k in ("name", "category", "measure")}, "gtin": GTIN})
    assert cast.stall.post("/links", link()).status_code == 403
    made = cast.admin.made("/links", link())
    path = f"/links/{made['id']}"
    assert cast.stall.patch(path, {"title": "x"}).status_code == 404
    assert cast.farm.patch(path, {"title": "x"}).status_code == 200  # of its own key, whoever published it
    assert cast.farm.get("/links").json()["items"] == []


def test_an_anchor_has_one_default_and_so_many_links(shelf: Shelf) -> None:
    farm = shelf.cast.farm
    first, second = (
        farm.made("/links", link(href=f"https://x.example/{name}", default=True)) for name in ("a", "b")
    )  # fmt: skip
    assert not farm.get(f"/links/{first['id']}").json()["default"]
    assert farm.patch(f"/links/{first['id']}", {"default": True}).json()["default"]
    assert not farm.get(f"/links/{second['id']}").json()["default"]
    lines = [link(href=f"https://x.example/{n}") for n in range(MOST)]
    answer = farm.request(
        "POST", "/links/batch",
        content="\n".join(json.dumps(each) for each in [*lines, link(href="http://x.example"), lines[0]]),
        headers={"Content-Type": "application/x-ndjson"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    *outcomes, summary = map(json.loads, answer.text.splitlines())
    assert summary["summary"] == {"recorded": MOST - 2, "duplicate": 1, "conflict": 2, "rejected": 1}
    assert outcomes[MOST - 2]["problem"]["type"] == "/problems/too-many-links"
    assert outcomes[MOST]["problem"]["type"] == "/problems/bad-href"
    assert (outcomes[-1]["status"], outcomes[-1]["id"]) == ("duplicate", outcomes[0]["id"])
    page = farm.get("/links", params={"limit": 60}).json()
    rest = farm.get("/links", params={"limit": 60, "cursor": page["next"]}).json()
    assert (len(page["items"]), len(rest["items"]), rest["next"]) == (60, MOST - 60, None)


def test_a_change_shows_on_what_is_kept(shelf: Shelf) -> None:
    """Asked for before and after: what is kept is dropped as the feed tells of it."""
    farm = shelf.cast.farm
    made = shelf.publish(default=True)
    for n in range(3):
        assert shelf.leads(PRODUCT) == shelf.leads(f"{PRODUCT}/10/none")
        farm.patch(f"/links/{made['id']}", {"href": f"https://farm.example.cn/{n}"})
        settled(shelf.service)
        assert shelf.leads(PRODUCT) == f"https://farm.example.cn/{n}"
    farm.patch(f"/links/{made['id']}", {"public": False})
    settled(shelf.service)
    assert shelf.leads(PRODUCT) == f"{ROOT}{PRODUCT}?linkType=all"
    assert shelf.leads(LOT) == f"{ROOT}/c/{shelf.lot['lot_code']}"
    shelf.publish(anchor=LOT, default=True)
    assert shelf.leads(LOT) == "https://farm.example.cn/eggs"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_link_is_published_that_leads_in_a_circle(shelf: Shelf) -> None:
    farm, here, unknown = shelf.cast.farm, f"{ROOT}{PRODUCT}", f"{PRODUCT}/10/none"
    other = f"/01/{GTIN[:-2]}09"
    farm.made("/products", {"name": "鸭蛋", "category": "eggs", "measure": "weight", "gtin": other[4:]})

    def refused(form: dict[str, Any], path: str = "/links", method: str = "POST") -> bool:
        answer = farm.request(method, path, json=form)
        if answer.status_code in (200, 201):
            return False
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/circular-link"), form
        return bool(answer.json()["errors"][0]["pointer"] == "/href")

    for href in (
        here, f"{here}/", f"{here}?a=b", f"{here}#x", f"{here}?17=300101", f"{ROOT}.:443{PRODUCT}",
        f"{ROOT}/AQyNo0UVqA", f"{ROOT}/01/%30{GTIN[1:]}", f"{here}?linkType=gs1:defaultLink",
        f"{here}?linktype=gs1:pip", f"{ROOT}{unknown}",
        f"{here}?linkType={VOC}pip", f"https://elsewhere.example{PRODUCT}",
    ):  # fmt: skip
        alias = {"Host": "elsewhere.example"} if "elsewhere" in href else {}
        answer = farm.request("POST", "/links", json=link(href=href), headers=alias)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/circular-link"), href
        assert answer.json()["errors"][0]["pointer"] == "/href"
    # Up to the key, which leads to a page: there is an end.
    assert not refused(link(anchor=unknown, href=here))
    assert not refused(link(anchor=other, href=here))
    assert refused(link(href=f"{ROOT}{unknown}"))
    assert refused(link(href=f"{ROOT}{other}"))
    assert not refused(link(href=f"{ROOT}{other}?linkType=linkset"))
    assert not refused(link(href=f"{ROOT}:8443{PRODUCT}", link_type="gs1:recipeInfo"))
    # What leads nowhere comes to an end as well.
    for n, nowhere in enumerate(("/01/123", "/8004/6901234X", f"{other}?linkType=x")):
        assert not refused(link(href=ROOT + nowhere, link_type=f"https://x.example/{n}"))
    # Of a type that nobody asks for without naming it, and whose request is not passed on.
    once = link(href=here, link_type="gs1:hasRetailers", fwqs=False)
    assert not refused(once)
    path = farm.post("/links", once).headers["location"]
    assert refused({"fwqs": True}, path, "PATCH")
    assert refused({"default": True}, path, "PATCH")
    assert not refused({"public": False, "fwqs": True}, path, "PATCH")
    assert refused({"public": True}, path, "PATCH")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_so_many_links_lead_on_and_no_more(shelf: Shelf) -> None:
    farm = shelf.cast.farm
    anchors = [f"{PRODUCT}/10/{n}" for n in range(STEPS + 1)]
    shelf.publish(anchor=anchors[0])
    for before, anchor in pairwise(anchors[:STEPS]):
        farm.made("/links", link(anchor=anchor, href=ROOT + before))
    answer = farm.post("/links", link(anchor=anchors[STEPS], href=ROOT + anchors[STEPS - 1]))
    assert answer.json()["type"] == "/problems/circular-link"
    settled(shelf.service)
    at, steps = anchors[STEPS - 1], 0
    while at.startswith("/"):
        at, steps = shelf.leads(at).removeprefix(ROOT), steps + 1
    assert (at, steps) == (link()["href"], STEPS)
    shelf.publish(anchor=anchors[STEPS], href=f"{ROOT}/8004/6901234X")
    assert shelf.leads(anchors[STEPS]) == f"{ROOT}/8004/6901234X"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_circle_that_comes_about_is_not_entered(shelf: Shelf) -> None:
    """By what is taken away, or a name of the service that it does not know."""
    farm, unknown = shelf.cast.farm, f"{PRODUCT}/10/none"
    page = shelf.publish(anchor=unknown)
    shelf.publish(href=f"{ROOT}{unknown}", default=True)
    for _ in range(3):
        assert shelf.leads(PRODUCT) == f"{ROOT}{unknown}"
    farm.request("DELETE", f"/links/{page['id']}")
    settled(shelf.service)
    for path in (PRODUCT, unknown, f"{PRODUCT}?linkType=gs1:pip", f"{unknown}?a=b"):
        for method in ("GET", "HEAD"):
            answer = shelf.ask(path, method)
            assert answer.status_code == 404, path
        assert shelf.ask(path).json()["type"] == "/problems/circular-link"
    assert shelf.linkset(unknown)[0]["anchor"] == ROOT + PRODUCT
    shelf.publish(href=f"https://elsewhere.example{PRODUCT}", default=True)
    for _ in range(3):
        assert shelf.leads(PRODUCT) == f"https://elsewhere.example{PRODUCT}"
        assert shelf.ask(PRODUCT, host="elsewhere.example").json()["type"] == "/problems/circular-link"
