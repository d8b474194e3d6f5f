"""Complaints: filed by anybody, followed by a reference, worked on by who answers for the place."""

import io
from typing import Any

import pytest
from httpx2 import Client, Response
from PIL import Image

from app.domain import codes
from app.store.errors import StoreUnavailable
from app.web import complaint_pages
from app.web.quota import A_CLIENT
from app.web.service import Service
from tests.scanning.chains import Market, open_market
from tests.support.cast import Actor, first_key
from tests.support.story import Story, line, plain

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SAID = {"text": "买回来就有异味", "contact": "13800000000"}


@pytest.fixture
def town(client: Client, service: Service) -> Market:
    return open_market(Story(client, first_key(service)))


@pytest.fixture
def batch(town: Market) -> dict[str, Any]:
    return town.move(town.farm, town.stall, town.harvest(lot_number="YS-1"))


@pytest.fixture
def regulator(town: Market) -> Actor:
    return town.story.key("regulator", region="3301")


def photo(colour: int = 128) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (colour, 10, 10)).save(buffer, "JPEG")
    return buffer.getvalue()


def file(town: Market, code: str, **options: Any) -> Response:
    return town.story.client.post(f"/c/{code}/reports", follow_redirects=False, **options)


def filed(town: Market, code: str, **said: Any) -> str:
    answer = file(town, code, json=SAID | said)
    assert answer.status_code == 201, answer.text
    reference: str = answer.json()["ref"]
    assert answer.headers["location"] == f"/reports/{reference}"
    return reference


def followed(town: Market, reference: str, **headers: str) -> Response:
    return town.story.client.get(f"/reports/{reference}", headers={"Accept": "application/json", **headers})


def queue(reader: Actor, **query: Any) -> list[dict[str, Any]]:
    answer = reader.get("/reports", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


# --- the reporter ---


def test_a_complaint_is_filed_followed_and_answered(town: Market, batch: dict[str, Any], regulator: Actor) -> None:
    reference = filed(town, batch["code"])
    first = followed(town, reference)
    assert first.headers["cache-control"] == "no-store"
    assert {name: first.json()[name] for name in ("ref", "code", "kind", "state", "answer")} == {
        "ref": reference, "code": batch["code"], "kind": "custody", "state": "open", "answer": None,
    }  # fmt: skip
    [item] = queue(regulator)
    assert (item["text"], item["contact"], item["photos"]) == ("买回来就有异味", "13800000000", [])
    taken = regulator.patch(f"/reports/{item['id']}", {"state": "in_progress"})
    assert (taken.status_code, taken.json()["state"]) == (200, "in_progress")
    answered = regulator.patch(f"/reports/{item['id']}", {"answer": "已责令下架，谢谢。"}).json()
    assert [change["state"] for change in answered["history"]] == ["in_progress", "answered"]
    seen = followed(town, reference.lower()).json()
    assert (seen["state"], seen["answer"]) == ("answered", "已责令下架，谢谢。")
    assert set(seen) == {"ref", "code", "kind", "state", "answer", "record_time", "changed_at"}
    page = plain(town.story.client.get(f"/reports/{reference}?lang=zh", headers=HTML).text)
    assert "已责令下架，谢谢。" in page
    assert "异味" not in page
    assert "13800000000" not in page


def test_every_kind_of_code_leads_to_place_and_goods(town: Market, batch: dict[str, Any], regulator: Actor) -> None:
    scale = town.story.scale(town.stall)
    slip = town.ship(town.farm, town.harvest(lot_number="YS-2"), to_site_id=town.stall.site["id"])
    lot = town.harvest(lot_number="YS-3")
    sold = scale.sell(0, line(batch, "0.5"))["receipt_code"]
    stall, farm = town.stall.site["id"], town.farm.site["id"]
    stallkeeper, farmer = town.stall.party["id"], town.farm.party["id"]
    expected = {
        batch["code"]: ("custody", stall, stallkeeper, [batch["custody_id"]]),
        lot["lot_code"]: ("lot", farm, farmer, []),
        slip: ("slip", farm, farmer, ...),
        sold: ("receipt", stall, stallkeeper, [batch["custody_id"]]),
        town.stall.site["code"]: ("site", stall, stallkeeper, []),
        town.stall.party["code"]: ("party", None, stallkeeper, []),
    }
    for code, (kind, site, party, custodies) in expected.items():
        filed(town, code)
        [item] = queue(regulator, code=code)
        assert (item["kind"], item["site_id"], item["party_id"]) == (kind, site, party)
        assert item["custody_ids"] == custodies or (custodies is ... and len(item["custody_ids"]) == 1)
        assert (item["site"] is None) == (site is None)
        assert item["region"].startswith("3301")
        traced = regulator.get(item["trace"])
        assert traced.status_code == 200, traced.text
        if custodies:
            places = {node["site"]["name"] for node in traced.json()["nodes"] if node["site"]}
            assert town.farm.site["name"] in places
    assert [item["lot_ids"] for item in queue(regulator, code=lot["lot_code"])] == [[lot["lot_id"]]]


def test_a_receipt_whose_sale_has_not_come_in_leads_to_its_stall(
    town: Market, batch: dict[str, Any], regulator: Actor
) -> None:
    scale = town.story.handheld(town.stall, "3号秤")
    code = scale.prints(line(batch, "0.5"))
    filed(town, code)
    [item] = queue(regulator)
    assert (item["kind"], item["site_id"], item["custody_ids"]) == ("receipt", town.stall.site["id"], [])


def test_a_code_that_is_not_there_takes_no_complaint(town: Market) -> None:
    for code, status in ((codes.mint(codes.CodeKind.SITE), 404), ("B123", 400)):
        assert file(town, code, json=SAID).status_code == status
        assert town.story.client.get(f"/c/{code}/reports").status_code == status


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/text"),
        ({"text": "  "}, "/text"),
        ({"text": "字" * 2_001}, "/text"),
        ({"text": "a\x07b"}, "/text"),
        ({"text": "x", "contact": "1" * 101}, "/contact"),
        ({"text": "x", "photo": "x"}, "/photo"),
        ({"text": 3}, "/text"),
        ({"text": "x", "extra": "http://buy.example"}, "/extra"),
    ],
)
def test_what_is_wrong_is_named(town: Market, body: dict[str, Any], pointer: str) -> None:
    answer = file(town, town.stall.site["code"], json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_bodies_of_other_kinds_and_sizes(town: Market) -> None:
    code = town.stall.site["code"]
    assert file(town, code, json=[1]).status_code == 422
    assert file(town, code, content=b"text=x", headers={"Content-Type": "text/plain"}).status_code == 415
    assert file(town, code, content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    assert file(town, code, json={"text": "x" * 200_000}).status_code == 413
    broken = file(town, code, content=b"--x\r\nnonsense", headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert broken.status_code in (400, 422)
    said = b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nx\r\n--x--\r\n'
    charset = "multipart/form-data; charset=undefined; boundary=x"
    assert file(town, code, content=said, headers={"Content-Type": charset}).status_code == 400
    assert file(town, code, data={"text": "x" * 200_000}).status_code == 413


# --- photos ---


def test_photos_are_for_those_who_work_on_it(
    town: Market, batch: dict[str, Any], regulator: Actor, service: Service
) -> None:
    files = [("photos", (f"{n}.jpg", photo(n * 60), "image/jpeg")) for n in range(3)]
    answer = file(town, batch["code"], data=SAID, files=files)
    assert answer.status_code == 201, answer.text
    [item] = queue(town.market)
    assert len(item["photos"]) == 3
    for reader in (town.market, regulator):
        seen = reader.get(item["photos"][1])
        assert (seen.headers["content-type"], seen.headers["cache-control"]) == ("image/jpeg", "private, no-store")
        assert "attachment" in seen.headers["content-disposition"]
        assert "sandbox" in seen.headers["content-security-policy"]
        assert Image.open(io.BytesIO(seen.content)).size == (64, 48)
    assert town.stall.get(item["photos"][1]).status_code == 403
    assert town.story.client.get(item["photos"][1]).status_code == 401
    assert regulator.get(item["photos"][0].replace("photos/1", "photos/4")).status_code == 404
    [kept] = queue(regulator)
    assert regulator.get(f"{kept['photos'][0][:-1]}9").status_code == 404


def test_a_photo_number_that_is_not_there(town: Market, batch: dict[str, Any], regulator: Actor) -> None:
    filed(town, batch["code"])
    [item] = queue(regulator)
    assert regulator.get(f"/reports/{item['id']}/photos/1").status_code == 404


def test_photos_that_are_none_or_too_many_or_too_large(town: Market, batch: dict[str, Any], service: Service) -> None:
    def with_files(*contents: bytes) -> Response:
        files = [("photos", (f"{n}.jpg", content, "image/jpeg")) for n, content in enumerate(contents)]
        return file(town, batch["code"], data=SAID, files=files)

    assert with_files(*[photo()] * 4).json()["errors"][0]["pointer"] == "/photos"
    assert with_files(b"GIF89a" + bytes(50)).status_code == 415
    assert with_files(photo()[:200]).status_code == 422
    assert with_files(photo() + bytes(service.settings.max_file_bytes)).status_code == 413
    assert with_files(bytes(3 * service.settings.max_file_bytes + 200_000)).status_code == 413
    assert with_files(b"").status_code == 201, "a form without a photo sends an empty one"


# --- the form of a browser ---


def test_the_form_needs_no_script_and_leads_to_the_page_of_the_complaint(town: Market, batch: dict[str, Any]) -> None:
    page = town.story.client.get(f"/c/{batch['code']}/reports?lang=zh", headers=HTML)
    assert page.headers["content-security-policy"] == complaint_pages.POLICY
    assert "<script" not in page.text
    for word in ("上海青", "一号摊", 'maxlength="2000"', "multipart/form-data", codes.grouped(batch["code"])):
        assert word in page.text
    assert f"/c/{batch['code']}/reports" in town.story.markup(batch["code"]), "the scan page leads here"
    # A browser ends the lines of a text with CR LF.
    answer = file(
        town,
        f"{batch['code']}",
        data=SAID | {"text": "一\r\n二", "extra": ""},
        files={"photos": ("", b"")},
        headers=HTML,
    )
    assert answer.status_code == 303, answer.text
    state = town.story.client.get(answer.headers["location"], headers=HTML)
    assert "已收到" in plain(state.text)
    reference = answer.headers["location"].split("/")[-1].split("?")[0]
    assert reference[:1] + "-" + reference[1:5] in state.text
    assert "Received" in town.story.client.get(f"/reports/{reference}?lang=en", headers=HTML).text


def test_what_was_written_is_not_lost(
    town: Market, batch: dict[str, Any], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"data": SAID, "headers": HTML, "params": {"lang": "zh"}}
    wrong = file(town, batch["code"], **options, files={"photos": ("a.jpg", b"no photo", "image/jpeg")})
    assert wrong.status_code == 415
    for word in ("买回来就有异味", "13800000000", "照片需要重新选择", "JPEG"):
        assert word in wrong.text
    empty = file(town, batch["code"], data={"contact": "x"}, headers=HTML)
    assert empty.status_code == 422

    def down(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(type(service.files), "put", down)
    answer = file(town, batch["code"], **options, files={"photos": ("a.jpg", photo(), "image/jpeg")})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "买回来就有异味" in answer.text
    assert file(town, batch["code"], data=SAID, files={"photos": ("a.jpg", photo(), "image/jpeg")}).status_code == 503


def test_a_reference_is_typed_as_it_comes(town: Market, batch: dict[str, Any]) -> None:
    reference = filed(town, batch["code"])
    client = town.story.client
    for typed in (reference, f" {reference[0]}-{reference[1:].lower()} "):
        answer = client.get("/reports", params={"ref": typed, "lang": "en"}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/reports/{reference}?lang=en")
    lost = client.get("/reports", params={"ref": "??"}, headers=HTML, follow_redirects=True)
    assert (lost.status_code, lost.url.path) == (400, "/reports/-")
    assert "受理编号有误" in lost.text
    unknown = "C" + "0" * 16
    unknown += codes.check_character(unknown)
    assert "查不到这个受理编号" in client.get(f"/reports/{unknown}", headers=HTML).text
    assert followed(town, unknown).json()["type"] == "/problems/unknown-complaint"
    assert followed(town, reference[:-2]).json()["type"] == "/problems/mistyped-reference"


# --- those who work on it ---


def test_each_sees_what_is_theirs_to_work_on(town: Market, batch: dict[str, Any], regulator: Actor) -> None:
    elsewhere = town.story.enrol("market", "宁波市场", "market", "market", region="330203")
    ningbo = town.story.key("regulator", region="3302")
    filed(town, batch["code"], text="摊位")
    filed(town, town.market.site["code"], text="市场")
    filed(town, town.farm.site["code"], text="农场")
    told = {
        reader: {item["text"] for item in queue(actor)}
        for reader, actor in {
            "admin": town.story.admin, "regulator": regulator, "market": town.market, "elsewhere": elsewhere,
            "ningbo": ningbo,
        }.items()
    }  # fmt: skip
    assert told == {
        "admin": {"摊位", "市场", "农场"}, "regulator": {"摊位", "市场", "农场"},
        "market": {"摊位"}, "elsewhere": set(), "ningbo": set(),
    }  # fmt: skip
    [item] = queue(town.market)
    assert elsewhere.get(f"/reports/{item['id']}").status_code == 404
    assert elsewhere.patch(f"/reports/{item['id']}", {"state": "closed"}).status_code == 404
    for actor in (town.stall, town.farm, town.story.scale(town.stall)):
        assert actor.get("/reports").status_code == 403
        assert actor.get(f"/reports/{item['id']}").status_code == 403
        assert actor.patch(f"/reports/{item['id']}", {"state": "closed"}).status_code == 403
    assert town.market.get(f"/reports/{item['id']}").json().items() >= item.items()


def test_the_queue_is_filtered_and_comes_in_pages(town: Market, batch: dict[str, Any], regulator: Actor) -> None:
    for n in range(5):
        filed(town, batch["code"], text=f"第 {n} 件")
    filed(town, town.farm.site["code"], text="农场")
    everything = queue(regulator)
    assert [item["text"] for item in everything] == ["农场", *(f"第 {n} 件" for n in reversed(range(5)))]
    first = regulator.get("/reports", params={"limit": 4}).json()
    rest = regulator.get("/reports", params={"limit": 4, "cursor": first["next"]}).json()
    assert first["items"] + rest["items"] == everything
    assert rest["next"] is None
    regulator.patch(f"/reports/{everything[0]['id']}", {"state": "closed"})
    assert [item["text"] for item in queue(regulator, state="closed")] == ["农场"]
    assert len(queue(regulator, site=town.market.site["id"])) == 5, "a market's stalls"
    assert len(queue(regulator, code=batch["code"].lower())) == 5
    assert len(queue(regulator, since=everything[1]["record_time"])) == 2
    assert regulator.get("/reports", params={"code": "B1"}).status_code == 400
    assert regulator.get("/reports", params={"state": "lost"}).status_code == 400


def test_a_change_that_makes_no_sense_is_refused(town: Market, batch: dict[str, Any], regulator: Actor) -> None:
    filed(town, batch["code"])
    [item] = queue(regulator)
    for body, slug in (
        ({}, "invalid"),
        ({"state": "answered"}, "no-answer"),
        ({"state": "lost"}, "invalid"),
        ({"answer": " "}, "invalid"),
        ({"text": "x"}, "invalid"),
    ):
        answer = regulator.patch(f"/reports/{item['id']}", body)
        assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{slug}"), body
    assert queue(regulator) == [item]


# --- spam ---


def test_a_flood_is_turned_away(town: Market, batch: dict[str, Any]) -> None:
    for _ in range(A_CLIENT):
        filed(town, batch["code"])
    answer = file(town, batch["code"], json=SAID)
    assert (answer.status_code, answer.json()["type"]) == (429, "/problems/too-many-complaints")
    assert int(answer.headers["retry-after"]) > 3_500
    page = file(town, batch["code"], data=SAID, headers=HTML)
    assert (page.status_code, "retry-after" in page.headers) == (429, True)
