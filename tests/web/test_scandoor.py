"""Hot scans: answered from memory, compressed, counted, and never longer than they are right."""

import asyncio
import gzip
import json
import re
import time
import zlib
from typing import Any

import pytest
from httpx2 import Client
from starlette.types import Message

from app import web
from app.domain import codes
from app.web.service import Service
from tests.scanning.chains import Market, open_market
from tests.support.asking import ask
from tests.support.cast import ago, quantity
from tests.support.freshness import settled
from tests.support.statements import Statements
from tests.support.story import Handheld, Story, line

HTML = {"Accept": "text/html,application/xhtml+xml;q=0.9", "Accept-Language": "zh-CN"}
JSON = {"Accept": "application/json"}


@pytest.fixture
def town(story: Story) -> Market:
    return open_market(story)


@pytest.fixture
def batch(town: Market, service: Service) -> dict[str, Any]:
    moved = town.move(town.farm, town.stall, town.harvest(lot_number="YS-1"))
    settled(service)
    return moved


def test_a_hot_scan_asks_the_database_nothing(
    town: Market, batch: dict[str, Any], client: Client, service_statements: Statements
) -> None:
    paths = [
        f"/c/{code}" for code in (batch["code"], batch["lot_code"], town.stall.site["code"], town.farm.party["code"])
    ]
    first = [client.get(path, headers=headers).content for path in paths for headers in (HTML, JSON)]
    assert len(service_statements) > 0
    service_statements.clear()
    assert [client.get(path, headers=headers).content for path in paths for headers in (HTML, JSON)] == first
    # Typed in small letters, in groups, by HEAD: the same answer.
    assert client.get(f"/C/{batch['code'].lower()}", headers=JSON).status_code == 200
    assert client.head(paths[0], headers=HTML).content == b""
    assert [text for text in service_statements.texts if "feed" not in text] == []


def test_it_is_compressed_once_and_told_apart(batch: dict[str, Any], client: Client) -> None:
    path = f"/c/{batch['code']}"
    plain = client.get(path, headers={**HTML, "Accept-Encoding": "identity"})
    packed = client.get(path, headers={**HTML, "Accept-Encoding": "br, gzip;q=0.5"})
    assert (plain.headers.get("content-encoding"), packed.headers["content-encoding"]) == (None, "gzip")
    assert plain.content == packed.content
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert gzip.compress(plain.content, 6, mtime=0)[10:] != b""
    tags = plain.headers["etag"], packed.headers["etag"]
    assert tags[0] != tags[1], "a strong tag names one sequence of bytes"
    for encoding in ("identity", "gzip", "gzip;q=0"):
        for tag in (*tags, "*"):
            same = client.get(path, headers={**HTML, "Accept-Encoding": encoding, "If-None-Match": tag})
            assert (same.status_code, same.content) == (304, b"")
            assert same.headers["vary"] == plain.headers["vary"]
    assert client.get(path, headers={**HTML, "If-None-Match": '"other"'}).status_code == 200


def test_nothing_is_compressed_for_a_request(
    town: Market, batch: dict[str, Any], client: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for an answer that is kept, and for the form of receipts; a count that is renewed is not compressed."""
    packed: list[Any] = []
    compressor = zlib.compressobj

    def noted(*settings: Any) -> Any:
        packed.append(settings)
        return compressor(*settings)

    monkeypatch.setattr(zlib, "compressobj", noted)
    first, second = sold(town.story.handheld(town.stall, "1 号秤", "scale"), batch)
    settled(service)
    for code, others in ((batch["code"], (batch["code"],) * 3), (first, (first, second, second))):
        client.get(f"/c/{code}", headers=HTML)
        assert packed
        settled(service)
        packed.clear()
        for _, made in service.scans.kept():
            made.value.counted_at = float("-inf")  # type: ignore[union-attr]
        for other in others:
            assert client.get(f"/c/{other}", headers=HTML).headers["content-encoding"] == "gzip"
        assert packed == []


def test_a_short_answer_is_not_compressed(batch: dict[str, Any], client: Client) -> None:
    told = client.get(f"/c/{batch['code']}", headers={"Accept": "text/plain", "Accept-Encoding": "gzip"})
    assert "content-encoding" not in told.headers


def test_it_has_what_every_answer_has_and_is_counted(batch: dict[str, Any], client: Client) -> None:
    path = f"/c/{batch['code']}"
    for _ in range(3):
        told = client.get(path, headers=HTML | {"X-Request-Id": "till-7"})
        assert told.headers["x-request-id"] == "till-7"
        assert told.headers["x-content-type-options"] == "nosniff"
        assert told.headers["strict-transport-security"].startswith("max-age=")
        assert told.headers["content-security-policy"].startswith("default-src 'none'")
        assert told.headers["cache-control"] == "public, no-cache"
        assert "set-cookie" not in told.headers
    first, second = (client.get(path, headers=HTML).headers["x-request-id"] for _ in range(2))
    assert first != second
    assert 'onecode_requests_total{method="GET",route="/c/{code}",status="200"} 5' in client.get("/metrics").text


def test_who_shows_a_key_gets_an_answer_of_his_own(town: Market, batch: dict[str, Any], client: Client) -> None:
    path = f"/c/{batch['code']}"
    public = client.get(path, headers=JSON)
    own = client.get(path, headers={**JSON, "Authorization": f"Bearer {town.stall.key}"})
    assert own.headers["cache-control"] == "private, no-store"
    assert own.json()["balance"] is not None
    again = client.get(path, headers=JSON)
    assert (again.content, again.headers["etag"]) == (public.content, public.headers["etag"])


def test_every_change_shows_at_once_where_it_was_written(town: Market, batch: dict[str, Any], client: Client) -> None:
    def told(code: str) -> Any:
        return client.get(f"/c/{code}", headers=JSON).json()

    stall = town.stall.site["code"]
    assert (told(batch["code"])["status"], told(batch["lot_code"])["status"]) == ("ok", "ok")
    assert told(stall)["stock"][0]["status"] == "ok"
    held = town.story.admin.record("hold", custody_id=batch["custody_id"], scope="lot", reason="抽检")
    assert (told(batch["code"])["status"], told(batch["lot_code"])["status"]) == ("held", "held")
    assert told(stall)["stock"][0]["status"] == "held"
    town.story.admin.record("release", hold_event_id=held["id"], reason="复检合格")
    assert told(batch["code"])["status"] == "ok"
    # Nothing is left: the stall's page says so, and a party that is renamed is called so everywhere.
    town.stall.record("destroy", items=[{"custody_id": batch["custody_id"], "quantity": quantity("40")}], reason="坏")
    assert told(stall)["stock"] == []
    town.story.admin.patch(f"/parties/{town.farm.party['id']}", {"name": "新名农场"})
    assert told(town.farm.party["code"])["party"]["name"] == "新名农场"


def test_a_new_stall_shows_on_the_pages_of_its_market_and_its_keeper(town: Market, client: Client) -> None:
    keeper = town.stall.party
    before = client.get(f"/c/{keeper['code']}", headers=HTML).text
    made = town.story.admin.made(
        "/sites",
        {"party_id": keeper["id"], "name": "88 号摊", "kind": "stall", "parent_site_id": town.market.site["id"]},
    )
    after = client.get(f"/c/{keeper['code']}", headers=HTML).text
    assert "88 号摊" in after
    assert before != after
    assert client.get(f"/c/{made['code']}", headers=JSON).json()["stock"] == []


def test_goods_at_a_new_stall_show_on_the_page_of_its_market(town: Market, client: Client, service: Service) -> None:
    market = f"/c/{town.market.site['code']}"
    before = client.get(market, headers=JSON).json()["stock"]
    new = town.story.enrol("vendor", "三号摊", "vendor", "stall", parent=town.market, region="330106")
    settled(service)
    assert client.get(market, headers=JSON).json()["stock"] == before
    settled(service)
    here = town.move(town.farm, new, town.harvest())
    told = client.get(market, headers=JSON).json()
    assert [item["code"] for item in told["stock"]] == [here["code"]]
    # A paper that speaks for the place.
    paper = town.story.document(town.market, "business_licence", number="JY-9")
    town.market.record("certify", site_id=town.market.site["id"], document_id=paper["id"])
    assert "JY-9" in [paper["number"] for paper in client.get(market, headers=JSON).json()["documents"]]


def test_where_the_feed_cannot_be_read_nothing_is_believed(
    batch: dict[str, Any], client: Client, service: Service, service_statements: Statements
) -> None:
    path = f"/c/{batch['code']}"
    client.get(path, headers=JSON)
    service.tail.close()
    time.sleep(1.1)
    service_statements.clear()
    for _ in range(2):
        assert client.get(path, headers=JSON).status_code == 200
        assert len(service_statements) > 0
        service_statements.clear()


def test_what_is_not_there_is_asked_for_each_time(town: Market, client: Client) -> None:
    for path, status in ((f"/c/{codes.mint(codes.CodeKind.CUSTODY)}", 404), ("/c/NOT-A-CODE", 400)):
        for _ in range(2):
            assert client.get(path, headers=JSON).status_code == status, path
    strange = client.get(f"/c/{town.stall.site['code']}?lang=klingon&x=1", headers=JSON)
    assert strange.status_code == 200


def test_many_who_wait_for_the_same_cost_one_reading(
    batch: dict[str, Any], service: Service, unfrozen: None, service_statements: Statements
) -> None:
    app = web.create_app(service)

    async def crowd(number: int) -> list[list[Message]]:
        return list(await asyncio.gather(*(ask(app, f"/c/{batch['code']}") for _ in range(number))))

    settled(service)
    service_statements.clear()
    asyncio.run(crowd(1))
    one = len([text for text in service_statements.texts if "feed" not in text])
    service.scans.forget_all()
    service_statements.clear()
    answers = asyncio.run(crowd(50))
    assert {messages[0]["status"] for messages in answers} == {200}
    assert len({messages[1]["body"] for messages in answers}) == 1
    assert len([text for text in service_statements.texts if "feed" not in text]) == one


# --- receipts ---


@pytest.fixture
def scale(town: Market) -> Handheld:
    return town.story.handheld(town.stall, "1 号秤", "scale")


def sold(scale: Handheld, *batches: dict[str, Any]) -> list[str]:
    """The codes of receipts of two sales of the same goods, uploaded."""
    printed = [scale.prints(*(line(batch, "1", "斤") for batch in batches)) for _ in range(2)]
    scale.upload()
    time.sleep(0.5)  # the feed tells what was written before, once more
    return printed


def uncounted(text: str) -> str:
    """Without how often it was scanned, and since when."""
    return re.sub(r'"scans":{[^}]*}|第 \d+ 次扫码[^<]*|Scanned \d+[^<]*', "", text)


def test_a_receipt_costs_one_statement_and_says_what_its_own_page_says(
    town: Market, batch: dict[str, Any], scale: Handheld, client: Client, service_statements: Statements
) -> None:
    other = town.from_outside(town.stall)
    first, second = sold(scale, batch, dict(other))
    plain = {"Accept-Encoding": "identity"}
    packed = {"Accept-Encoding": "gzip"}
    for headers in (HTML | plain, HTML | {"Accept-Language": "en"} | packed, JSON | plain, JSON | packed):
        client.get(f"/c/{first}", headers=headers)
        service_statements.clear()
        told = client.get(f"/c/{second}", headers=headers)
        asked = [text for text in service_statements.texts if not re.search("feed|INTO", text)]
        assert len(asked) == 1, "its row, and how often it was scanned"
        assert told.headers.get("content-encoding", "identity") == headers["Accept-Encoding"]
        # A query that the door does not know: the route makes the page anew.
        routed = client.get(f"/c/{second}?anew", headers=headers)
        assert uncounted(told.text) == uncounted(routed.text)
        for name in ("content-type", "cache-control", "vary", "content-language", "content-security-policy"):
            assert told.headers[name] == routed.headers[name]
    tags = {client.get(f"/c/{code}", headers=JSON).headers["etag"] for code in (first, second)}
    assert len(tags) == 2


def test_the_tag_of_a_receipt_is_of_its_count_as_well(batch: dict[str, Any], scale: Handheld, client: Client) -> None:
    """A count that is too high tells of a copy: nobody is told that it has not changed."""
    code, _ = sold(scale, batch)
    path = f"/c/{code}"
    first = client.get(path, headers=JSON)
    again = client.get(path, headers={**JSON, "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.json()["scans"]["count"]) == (200, first.json()["scans"]["count"] + 1)
    assert again.headers["etag"] != first.headers["etag"]


def test_what_befalls_the_goods_shows_on_their_receipts_at_once(
    town: Market, batch: dict[str, Any], scale: Handheld, client: Client
) -> None:
    first, second = sold(scale, batch)
    for code in (first, second):
        assert client.get(f"/c/{code}", headers=JSON).json()["status"] == "ok"
    town.story.admin.record("hold", custody_id=batch["custody_id"], scope="lot", reason="抽检")
    for code in (first, second):
        assert client.get(f"/c/{code}", headers=JSON).json()["status"] == "held"
        assert "抽检" in client.get(f"/c/{code}", headers=HTML).text


def test_a_receipt_names_who_ran_the_stall_when_it_was_printed(
    town: Market, batch: dict[str, Any], scale: Handheld, client: Client
) -> None:
    first, second = sold(scale, batch)
    before = client.get(f"/c/{first}", headers=JSON).json()["party"]["name"]
    town.story.admin.patch(f"/parties/{town.stall.party['id']}", {"name": "换了名字的摊主"})
    assert [client.get(f"/c/{code}", headers=JSON).json()["party"]["name"] for code in (first, second)] == [before] * 2
    third = scale.prints(line(batch, "1", "斤"), event_time=ago(seconds=0))
    scale.upload()
    assert client.get(f"/c/{third}", headers=JSON).json()["party"]["name"] == "换了名字的摊主"


def test_what_has_not_come_in_or_is_forged_is_not_answered_from_a_form(
    batch: dict[str, Any], scale: Handheld, client: Client
) -> None:
    sold(scale, batch)
    pending = scale.prints(line(batch, "1", "斤"))
    told = client.get(f"/c/{pending}", headers=JSON)
    assert (told.json()["status"], told.headers["cache-control"]) == ("pending", "no-store")
    number = codes.receipt_id_of(codes.parse(pending))
    forged = codes.receipt_code(b"1" * 32, number)
    assert client.get(f"/c/{forged}", headers=JSON).json()["type"] == "/problems/not-authentic"


def test_receipts_asked_for_together_are_read_together(
    batch: dict[str, Any], scale: Handheld, service: Service, unfrozen: None, service_statements: Statements
) -> None:
    printed = [scale.prints(line(batch, "1", "斤")) for _ in range(40)]
    scale.upload()
    settled(service)
    app = web.create_app(service)

    async def crowd() -> list[list[Message]]:
        await ask(app, f"/c/{printed[0]}")
        service_statements.clear()
        return list(await asyncio.gather(*(ask(app, f"/c/{code}") for code in printed)))

    answers = asyncio.run(crowd())
    assert {messages[0]["status"] for messages in answers} == {200}
    assert [json.loads(messages[1]["body"])["code"] for messages in answers] == printed
    # One and one more where some came later; SQLite is asked for 1, 2, 4 and so on as long as it answers quickly.
    assert len([text for text in service_statements.texts if not re.search("feed|INTO", text)]) <= 6
