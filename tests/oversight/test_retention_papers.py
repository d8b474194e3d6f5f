"""Papers and their files, and receipts of sales, that are past their retention."""

import json
import os
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from app.domain import codes
from app.domain.retention import RULES, keep_until, of_goods, of_papers
from app.retaining import Report, papers
from app.store import deposits, tables
from app.store.check import verify
from app.store.files import FileStore
from app.web.service import Service
from tests.oversight.test_retention import FAR, LATER, everything, restored, thin
from tests.recording.conftest import deliver, harvest, paper
from tests.support.cast import Actor, Cast, quantity


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def there(actor: Actor, *documents: str) -> list[bool]:
    return [actor.get(f"/documents/{key}").status_code == 200 for key in documents]


def files(service: Service) -> dict[str, bytes]:
    """Every file by its name; made old, as if nobody had sent one for long."""
    found = {path.name: path for path in service.files.directory.rglob("*") if path.is_file()}
    for path in found.values():
        os.utime(path, (1, 1))
    return {name: path.read_bytes() for name, path in found.items()}


def manifest(report: Report) -> dict[str, Any]:
    assert report.archive is not None
    name = report.archive.name.replace(".ndjson.gz", ".manifest.json")
    told: dict[str, Any] = json.loads(report.archive.with_name(name).read_text())
    return told


def sent(actor: Actor, content: bytes, **fields: str) -> str:
    file = ("x.pdf", b"%PDF-1.4\n%" + content + b"\n%%EOF\n", "application/pdf")
    form = {"type": "conformity_certificate", **fields}
    answer = actor.request("POST", "/documents", data=form, files={"file": file})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def certify(actor: Actor, goods: dict[str, Any], document: str) -> None:
    """Lets a paper speak for goods alone, and not for the place as well."""
    event = actor.event("certify", custody_id=goods["custody_id"], document_id=document)
    del event["site_id"]
    assert actor.post("/events", event).status_code == 201


def sauced(cast: Cast) -> dict[str, Any]:
    """Prepared food without a shelf life, which is kept for two years."""
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    outputs = [cast.output(cast.product("酱", "prepared"), "1")]
    made = cast.stall.record("transform", process="process", inputs=[cast.item(batch, "1")], outputs=outputs)
    output: dict[str, Any] = made["outputs"][0]
    return output


def test_a_paper_stays_as_long_as_what_names_it(cast: Cast, service: Service, archives: Path) -> None:
    sauce, other = sauced(cast), deliver(cast, harvest(cast), "10", cast.stall)
    loose, of_kept, of_gone, evidence, outside = (paper(cast.stall) for _ in range(5))
    licence, report = paper(cast.stall, "business_licence"), paper(cast.stall, "test_report")
    valid = paper(cast.stall, expires_on=(LATER - timedelta(days=90)).date().isoformat())
    certify(cast.stall, sauce, of_kept)
    certify(cast.stall, other, of_gone)
    cast.stall.record("destroy", items=[cast.item(sauce, "0.1")], reason="damaged", evidence=[evidence])
    item = {"product_id": sauce["product_id"], "quantity": quantity("5")}
    cast.stall.record("receive", **{"from": {"name": "x", "document_ids": [outside]}}, items=[item])
    before, kept = everything(service), files(service)
    content = cast.stall.get(f"/documents/{loose}/file").content
    every = (loose, of_kept, of_gone, evidence, licence, report, outside, valid)

    assert thin(service, archives, dry=True).rows["document"] == 1  # the other is named by what will go
    first = thin(service, archives)
    assert there(cast.stall, *every) == [False, True, False, True, True, True, True, True]
    assert len(files(service)) == len(kept) - 2
    assert verify(service.engine) == []
    assert cast.stall.get(f"/documents/{loose}/file").status_code == 404
    second = thin(service, archives / "2", FAR)
    # A licence that names no end is kept for ever.
    assert there(cast.stall, *every) == [False, False, False, False, True, False, False, False]
    assert len(files(service)) == 1
    told = cast.admin.get("/retention").json()
    assert (told["rows"]["document"], told["files"]) == (5, 5)
    assert manifest(first)["files"] == 2

    for done in (second, first):
        assert done.archive is not None
        restored(service, done.archive)
    assert everything(service) == before
    assert files(service) == kept
    assert cast.stall.get(f"/documents/{loose}/file").content == content


def test_a_file_that_is_something_else_as_well_stays(cast: Cast, service: Service, archives: Path) -> None:
    gone = sent(cast.stall, b"one")
    twin = sent(cast.farm, b"one", expires_on=(LATER + timedelta(days=1)).date().isoformat())
    again, lost = sent(cast.stall, b"two"), sent(cast.stall, b"three")
    kept = files(service)
    [first] = service.files.directory.rglob(name_of(cast, again))
    os.utime(first)  # somebody is sending the same once more
    [missing] = service.files.directory.rglob(name_of(cast, lost))
    missing.unlink()
    report = thin(service, archives)
    assert (there(cast.stall, gone, again, lost), there(cast.farm, twin)) == ([False, False, True], [True])
    assert report.rows == {"document": 2}
    assert set(files(service)) == set(kept) - {missing.name}
    assert cast.farm.get(f"/documents/{twin}/file").status_code == 200


def name_of(cast: Cast, document: str) -> str:
    return sha256(cast.stall.get(f"/documents/{document}/file").content).hexdigest()


def test_a_paper_that_is_named_meanwhile_stays(
    cast: Cast, service: Service, archives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sauce, certified, destroyed = sauced(cast), paper(cast.stall), paper(cast.stall)
    going = papers.going

    def and_named(*arguments: Any) -> Any:
        found = going(*arguments)
        certify(cast.stall, sauce, certified)
        cast.stall.record("destroy", items=[cast.item(sauce, "0.1")], reason="damaged", evidence=[destroyed])
        return found

    monkeypatch.setattr(papers, "going", and_named)
    report = thin(service, archives)
    assert there(cast.stall, certified, destroyed) == [True, True]
    assert "document" not in report.rows


def test_evidence_of_an_answer_to_a_recall_stays(cast: Cast, service: Service, archives: Path) -> None:
    batch, evidence = deliver(cast, harvest(cast), "10", cast.stall), paper(cast.stall)
    recall = cast.regulator.made("/recalls", live(batch))
    answer = {
        "ref": "1", "evidence": [evidence],
        "lines": [{"custody_id": batch["custody_id"], "destroyed": quantity("10")}],
    }  # fmt: skip
    assert cast.stall.post(f"/recalls/{recall['id']}/acknowledgements", answer).status_code == 201
    thin(service, archives)
    assert there(cast.stall, evidence) == [True]


def live(goods: dict[str, Any], **scope: Any) -> dict[str, Any]:
    """A recall of the lot of some goods."""
    return {
        "ref": goods["code"], "mode": "live", "grade": "II", "title": "x", "reason": "x", "hazard": "x",
        "scope": {"lots": [goods["lot_id"]], **scope},
    }  # fmt: skip


def test_many_papers_go_by_parts(cast: Cast, service: Service, archives: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = harvest(cast)
    listed = [paper(cast.farm) for _ in range(7)]
    for _ in range(4):
        cast.farm.record("destroy", items=[cast.item(batch, "1")], reason="damaged", evidence=[])
    for name, number in (("PAGE", 3), ("READ", 2), ("ALIVE", 2)):
        monkeypatch.setattr(deposits, name, number)
    monkeypatch.setattr(papers, "BATCH", 2)
    kept, looks = files(service), 0

    def stop() -> bool:
        nonlocal looks
        looks += 1
        return looks == 6

    # The harvest stays: somebody looks into it.
    cast.regulator.record("hold", custody_id=batch["custody_id"], scope="custody", reason="x")
    before = everything(service)
    first = thin(service, archives, stop=stop)
    assert not first.whole
    assert first.rows == {"document": 3}
    assert verify(service.engine) == []
    last = thin(service, archives)
    assert last.whole
    assert there(cast.farm, *listed) == [False] * 7
    assert files(service) == {}
    assert last.archive is not None
    restored(service, last.archive)
    assert (everything(service), files(service)) == (before, kept)


def test_a_run_that_ends_before_the_files_are_gone_goes_on(
    cast: Cast, service: Service, archives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper(cast.stall)
    assert files(service)
    with monkeypatch.context() as patch:
        patch.setattr(FileStore, "discard", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            thin(service, archives)
    assert files(service)
    assert thin(service, archives).whole
    assert files(service) == {}


@pytest.mark.parametrize("look", range(1, 6))
def test_the_turn_is_lost_at_papers(cast: Cast, service: Service, archives: Path, look: int) -> None:
    paper(cast.stall)
    files(service)
    looks = 0

    def steal(*_: Any) -> bool:
        nonlocal looks
        looks += 1
        if looks == look:
            with service.engine.begin() as connection:
                connection.execute(update(tables.task).values(holder=UUID(int=1), lease_until=FAR))
        return False

    done = thin(service, archives, stop=steal)
    assert done.whole is (looks < look)
    assert verify(service.engine) == []


def test_a_file_that_was_set_aside_when_a_run_was_killed(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    digest = store.put(b"x")
    place = store.path(digest)
    place.rename(place.with_name(f".gone-{place.name}"))
    assert not store.discard(digest, 0)
    assert list(place.parent.iterdir()) == []
    store.put(b"x")
    assert not store.discard(digest, 0)  # wanted since
    assert store.there(digest)
    os.utime(place, (1, 1))
    assert store.discard(digest, 2)
    assert not store.there(digest)


@pytest.mark.parametrize(
    ("category", "expires", "until"),
    [
        ("document.conformity_certificate", None, date(2026, 7, 31)),
        ("document.conformity_certificate", date(2026, 3, 1), date(2026, 9, 1)),
        ("document.test_report", None, date(2028, 1, 31)),
        ("document.business_licence", None, None),
        ("document.business_licence", date(2026, 3, 1), date(2028, 3, 1)),
    ],
)
def test_the_periods_of_papers(category: str, expires: date | None, until: date | None) -> None:
    assert keep_until(category, date(2026, 1, 31), expires, of_papers(RULES)) == until
    assert set(of_papers(RULES)).isdisjoint(of_goods(RULES))


def test_a_receipt_past_its_retention_says_so(cast: Cast, service: Service, archives: Path) -> None:
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    scale = cast.scale(cast.stall)
    sold = [scale.sell(number, cast.item(batch, "1"))["receipt_code"] for number in (1, 3)]
    lost, later = (_receipt(scale.activation, number) for number in (2, 4))
    assert [cast.public.scan(code)["status"] for code in (*sold, lost, later)] == ["ok", "ok", "pending", "pending"]
    report = thin(service, archives)
    assert report.rows["receipt"] == 2
    for code in (*sold, lost):
        page = cast.public.scan(code)
        assert (page["status"], [gap["reason"] for gap in page["gaps"]]) == ("incomplete", ["archived"])
        assert "已归档" in page["status_reason"]
        assert page["site"]["name"] == cast.stall.site["name"]
    assert cast.public.scan(later)["status"] == "pending"
    for language, words in (("zh", ("已过保存期", "销售记录已归档")), ("en", ("Archived", "past its retention"))):
        html = cast.public.get(f"/c/{sold[0]}?lang={language}", headers={"Accept": "text/html"}).text
        assert [word in html for word in words] == [True, True]
        assert "还没有上传" not in html
    for answer in (
        scale.get(f"/receipts/{sold[0]}"),
        cast.regulator.get("/trace", params={"code": sold[0], "direction": "back"}),
    ):
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/sale-archived")
    assert report.archive is not None
    restored(service, report.archive)
    assert [cast.public.scan(code)["status"] for code in sold] == ["ok", "ok"]


def _receipt(activation: dict[str, Any], counter: int) -> str:
    name = activation["device_number"], activation["epoch"]
    return codes.receipt_code(bytes.fromhex(activation["receipt_secret"]), codes.receipt_id(*name, counter))
