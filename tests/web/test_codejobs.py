"""Numbered unit codes in bulk: ordered as one row, computed as they are handed out, in use by ranges."""

import asyncio
import csv
import io
import resource
import threading
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Client, Response
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from app import issuing
from app.domain import codes
from app.issuing.units import uncovered
from app.store import tables
from app.store.engine import reading
from app.store.errors import StoreUnavailable
from app.store.units import CodeJob
from app.web import codejobs
from app.web.auth import authenticate
from app.web.codejobs import Sheet, byte_range
from app.web.service import Service
from tests.scanning.chains import Market, open_market
from tests.support.story import Story

JSON = {"Accept": "application/json"}


@pytest.fixture
def town(story: Story) -> Market:
    return open_market(story)


@pytest.fixture
def lot(town: Market) -> dict[str, Any]:
    return town.harvest(lot_number="YS-1")


def order(town: Market, lot: dict[str, Any], count: int = 10, ref: str = "1") -> dict[str, Any]:
    return town.farm.made("/code-jobs", {"ref": ref, "lot_id": lot["lot_id"], "count": count})


def change(town: Market, job: dict[str, Any], verb: str, first: int, last: int, **fields: Any) -> Response:
    return town.farm.post(f"/code-jobs/{job['id']}/{verb}", {"from": first, "to": last, **fields})


def download(town: Market, job: dict[str, Any], query: str = "", **headers: str) -> Response:
    return town.farm.request("GET", f"/code-jobs/{job['id']}/download{query}", headers=headers)


def unit(service: Service, job: dict[str, Any], number: int) -> str:
    return codes.unit_code(codes.unit_secret(service.master, job["number"]), job["number"], number)


def test_twenty_million_codes_are_one_row(town: Market, lot: dict[str, Any], service: Service) -> None:
    job = order(town, lot, 20_000_000)
    assert (job["count"], job["status"], job["downloaded"], job["active"]) == (20_000_000, "ready", 0, 0)
    assert town.farm.get(f"/code-jobs/{job['id']}").json() == job
    again = town.farm.post("/code-jobs", {"ref": "1", "lot_id": lot["lot_id"], "count": 20_000_000})
    assert (again.status_code, again.json()) == (200, job)
    other = town.farm.post("/code-jobs", {"ref": "1", "lot_id": lot["lot_id"], "count": 5})
    assert (other.status_code, other.json()["type"]) == (409, "/problems/ref-reused")
    assert order(town, lot, 5, "2")["number"] == job["number"] + 1
    active = change(town, job, "activate", 1, 20_000_000).json()
    assert active["active"] == 20_000_000
    with reading(service.engine) as snapshot:
        assert len(snapshot.execute(tables.code_range.select()).all()) == 1
        assert snapshot.execute(tables.code.select().where(tables.code.c.kind == "unit")).all() == []
    page = town.story.public.scan(unit(service, job, 20_000_000))
    assert (page["kind"], page["status"], page["lot"]["unit_number"]) == ("unit", "ok", 20_000_000)


def test_who_may_order_what(town: Market, lot: dict[str, Any]) -> None:
    form = {"ref": "x", "lot_id": lot["lot_id"], "count": 5}
    assert town.stall.post("/code-jobs", form).json()["type"] == "/problems/not-yours"
    town.move(town.farm, town.stall, lot)
    assert town.stall.post("/code-jobs", form).status_code == 201
    assert town.market.post("/code-jobs", form).status_code == 201
    assert town.other.post("/code-jobs", form).status_code == 403
    assert town.story.admin.post("/code-jobs", form).status_code == 201
    assert town.farm.post("/code-jobs", {**form, "lot_id": town.farm.site["id"]}).json()["type"] == (
        "/problems/unknown-lot"
    )
    for count in (0, 20_000_001):
        assert town.farm.post("/code-jobs", {**form, "count": count}).status_code == 422
    lab = town.story.enrol("lab", "市检测中心", "laboratory", None, region="330100")
    assert lab.post("/code-jobs", form).json()["type"] == "/problems/forbidden"


def test_a_job_is_its_orderers_alone(town: Market, lot: dict[str, Any]) -> None:
    job = order(town, lot)
    assert town.stall.get(f"/code-jobs/{job['id']}").json()["type"] == "/problems/unknown-code-job"
    assert town.stall.get(f"/code-jobs/{job['id']}/download").status_code == 404
    assert town.stall.post(f"/code-jobs/{job['id']}/activate", {"from": 1, "to": 1}).status_code == 404
    assert town.stall.post(f"/code-jobs/{job['id']}/cancel").status_code == 404
    assert town.story.admin.get(f"/code-jobs/{job['id']}").status_code == 200


def test_the_sheet_has_every_code_once_and_each_is_genuine(town: Market, lot: dict[str, Any], service: Service) -> None:
    job = order(town, lot, 4_321)
    answer = download(town, job)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(answer.content) == int(answer.headers["content-length"])
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [int(row["number"]) for row in rows] == list(range(1, 4_322))
    assert len({row["code"] for row in rows}) == 4_321
    for row in rows[::500]:
        assert row["code"] == unit(service, job, int(row["number"]))
        assert row["url"] == codes.qr_url("https://food.example.cn", row["code"])
    assert town.farm.get(f"/code-jobs/{job['id']}").json()["downloaded"] == 4_321
    assert download(town, job, "?from=4321").text.splitlines()[1:] == answer.text.splitlines()[-1:]
    assert download(town, job, "?from=4322").status_code == 422
    assert download(town, job, "?from=0").status_code == 400


def test_a_download_goes_on_where_it_was_cut(town: Market, lot: dict[str, Any]) -> None:
    job = order(town, lot, 5_000)
    whole = download(town, job)
    size, tag = len(whole.content), whole.headers["etag"]
    for begin, end in ((0, 10), (5, 6), (17, 99), (100, 250_000), (size - 1, size), (0, size)):
        part = download(town, job, Range=f"bytes={begin}-{end - 1}")
        assert part.status_code == 206, (begin, end)
        assert part.headers["content-range"] == f"bytes {begin}-{end - 1}/{size}"
        assert part.content == whole.content[begin:end]
    assert download(town, job, Range="bytes=-7").content == whole.content[-7:]
    assert download(town, job, Range=f"bytes={size - 3}-", **{"If-Range": tag}).content == whole.content[-3:]
    assert download(town, job, Range="bytes=3-", **{"If-Range": '"other"'}).status_code == 200
    for ignored in ("bytes=-", "bytes=1-2,4-5", "lines=1-2", "bytes=9-3"):
        assert download(town, job, Range=ignored).status_code == 200
    beyond = download(town, job, Range=f"bytes={size}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    later = download(town, job, "?from=2500", Range="bytes=17-120")
    assert later.content == download(town, job, "?from=2500").content[17:121]


@given(st.integers(1, 10**9), st.integers(0, 2 * 10**9), st.integers(0, 2 * 10**9))
def test_a_range_lies_within_the_file(size: int, first: int, last: int) -> None:
    found = byte_range(f"bytes={first}-{last}", size)
    if first > last:
        assert found is None
    else:
        assert found == (first, min(last + 1, size))


def test_a_cancelled_job_hands_out_nothing_more(
    town: Market, lot: dict[str, Any], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = order(town, lot, 10)
    change(town, job, "activate", 1, 3)
    done = town.farm.post(f"/code-jobs/{job['id']}/cancel").json()
    assert (done["status"], done["active"]) == ("cancelled", 3)
    again = town.farm.post(f"/code-jobs/{job['id']}/cancel").json()
    assert again["cancelled_at"] == done["cancelled_at"]
    assert download(town, job).json()["type"] == "/problems/code-job-cancelled"
    assert change(town, job, "activate", 4, 5).json()["type"] == "/problems/code-job-cancelled"
    assert change(town, job, "revoke", 2, 2, reason="标签被盗").json()["revoked"] == 1
    scanned = [town.story.public.scan(unit(service, job, number))["status"] for number in (1, 2, 4)]
    assert scanned == ["ok", "revoked", "pending"]


def test_a_download_ends_in_the_middle_where_its_job_is_cancelled(
    town: Market, lot: dict[str, Any], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codejobs, "NOTED", 0.0)
    monkeypatch.setattr(codejobs, "SLICE", 100)
    job = order(town, lot, 1_000)
    principal = asyncio.run(authenticate(service.keys, f"Bearer {town.farm.key}"))
    row = issuing.codes_to_hand_out(service.engine, principal, UUID(job["id"]))
    sheet = Sheet(row, 1, service)

    async def taken() -> int:
        parts = 0
        async for _ in sheet.stream(0, sheet.size):
            parts += 1
            if parts == 4:
                await asyncio.to_thread(town.farm.post, f"/code-jobs/{job['id']}/cancel")
        return parts

    with pytest.raises(ClientDisconnect):
        asyncio.run(taken())
    assert 0 < town.farm.get(f"/code-jobs/{job['id']}").json()["downloaded"] < 1_000


def test_how_far_it_is_need_not_be_noted(
    town: Market, lot: dict[str, Any], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = order(town, lot, 10)

    async def full(*_: Any) -> Any:
        raise StoreUnavailable("full")

    monkeypatch.setattr(Sheet, "_written", full)
    assert len(download(town, job).text.splitlines()) == 11
    assert town.farm.get(f"/code-jobs/{job['id']}").json()["downloaded"] == 0


# --- in use ---


def test_ranges_are_put_in_use_once(town: Market, lot: dict[str, Any], service: Service) -> None:
    job = order(town, lot, 100)
    active = []
    for first, last in ((10, 20), (15, 30), (1, 100), (40, 50), (10, 20)):
        told = change(town, job, "activate", first, last, site_id=town.stall.site["id"])
        assert told.status_code == 200
        active.append(told.json()["active"])
    assert active == [11, 21, 100, 100, 100]
    with reading(service.engine) as snapshot:
        rows = snapshot.execute(tables.code_range.select().order_by(tables.code_range.c.first)).all()
    assert [(row.first, row.last) for row in rows] == [(1, 9), (10, 20), (21, 30), (31, 100)]
    for first, last in ((0, 5), (90, 101), (7, 6)):
        assert change(town, job, "activate", first, last).status_code == 422
    unknown = change(town, job, "activate", 1, 2, site_id=job["id"])
    assert unknown.json()["type"] == "/problems/unknown-site"


@given(st.integers(1, 60), st.integers(0, 60), st.sets(st.integers(1, 60)))
def test_what_is_not_covered(first: int, more: int, numbers: set[int]) -> None:
    ranges: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = ranges[-1][0], number
        else:
            ranges.append((number, number))
    asked = set(range(first, first + more + 1))
    found = uncovered(first, first + more, [each for each in ranges if each[1] >= first and each[0] <= first + more])
    assert [n for begin, end in found for n in range(begin, end + 1)] == sorted(asked - numbers)


def test_two_who_put_the_same_in_use_at_once(town: Market, lot: dict[str, Any], client: Client) -> None:
    job = order(town, lot, 1_000)
    threads = [
        threading.Thread(target=change, args=(town, job, "activate", 1 + 50 * n, 300 + 50 * n)) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert town.farm.get(f"/code-jobs/{job['id']}").json()["active"] == 650


# --- scanned ---


def test_a_unit_tells_its_lot_its_number_and_its_scans(town: Market, lot: dict[str, Any], service: Service) -> None:
    job = order(town, lot)
    change(town, job, "activate", 1, 10)
    code = unit(service, job, 7)
    page = town.story.public.scan(code)
    of_lot = town.story.public.scan(lot["lot_code"])
    assert (page["code"], page["kind"], page["status"]) == (code, "unit", "ok")
    for name in ("product", "site", "party", "steps", "gaps", "documents", "tests"):
        assert page[name] == of_lot[name], name
    assert page["lot"] == {**of_lot["lot"], "unit_number": 7}
    assert (page["scans"]["count"], of_lot["lot"]["unit_number"]) == (1, None)
    text = town.story.read(code)
    assert "单品编号 7 扫码 第 2 次扫码，首次 " in text
    assert "从源头到这里" in text
    assert "Unit no. 7 Scans Scanned 3 times, first on " in town.story.read(code, "en")
    assert "单品" in town.story.text(code) or lot["lot_number"] in town.story.text(code)
    assert town.story.public.get(f"https://food.example.cn/qr/{code}.svg").status_code == 200


def test_a_unit_that_is_not_in_use_or_withdrawn_says_so(town: Market, lot: dict[str, Any], service: Service) -> None:
    job = order(town, lot)
    code = unit(service, job, 3)
    page = town.story.public.scan(code)
    assert (page["status"], page["product"]["name"]) == ("pending", "上海青")
    assert "还没有启用" in page["status_reason"]
    assert "请当心" in town.story.read(code)
    change(town, job, "revoke", 2, 4, reason="标签被盗")
    page = town.story.public.scan(code)
    assert (page["status"], page["statuses"]) == ("revoked", ["revoked"])
    assert "标签被盗" in page["status_reason"]
    change(town, job, "activate", 1, 10)
    assert town.story.public.scan(code)["status"] == "revoked", "what is withdrawn stays so"
    assert town.story.public.scan(unit(service, job, 5))["status"] == "ok"


def test_a_unit_that_nobody_ordered_is_unknown_and_a_forged_one_is_not_authentic(
    town: Market, lot: dict[str, Any], service: Service, client: Client
) -> None:
    job = order(town, lot)
    for number in (0, 11):
        assert client.get(f"/c/{unit(service, job, number)}", headers=JSON).json()["type"] == "/problems/unknown-code"
    assert client.get(f"/qr/{unit(service, job, 11)}.svg").status_code == 404
    forged = codes.unit_code(b"x" * 32, job["number"], 1)
    answer = client.get(f"/c/{forged}", headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-authentic")


def test_a_held_lot_holds_its_units(town: Market, lot: dict[str, Any], service: Service) -> None:
    job = order(town, lot)
    change(town, job, "activate", 1, 10)
    town.story.admin.record("hold", custody_id=lot["custody_id"], scope="lot", reason="抽检")
    assert town.story.public.scan(unit(service, job, 3))["status"] == "held"


def test_memory_stays_flat(service: Service) -> None:
    key = uuid4()
    job = CodeJob(key, 5, key, key, None, key, "r", 20_000_000, "ready", 0, datetime.now(UTC))
    sheet = Sheet(job, 1, service)

    async def some() -> int:
        total = 0
        async for part in sheet.stream(0, 15_000_000):
            total += len(part)
        return total

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert asyncio.run(_without_notes(sheet, some)) == 15_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


async def _without_notes(sheet: Sheet, some: Any) -> int:
    async def ready(last: int) -> str:
        return "ready"

    sheet._note = ready  # type: ignore[method-assign]
    return int(await some())
