"""What is printed of a recall: a party's notice, the office's report as PDF and as a workbook."""

import gc
import io
import mmap
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import openpyxl
import pypdfium2
import pytest
import zxingcpp

from app import recalling
from app.enrolling.keys import OPERATOR
from app.store.engine import reading
from app.web.i18n import Words
from app.web.recall_workbook import workbook
from app.web.service import Service
from tests.recalling.conftest import Goods, goods, recalled
from tests.recording.conftest import paper
from tests.support.cast import Actor, Cast

__all__ = ["goods"]

PERSON = {"name": "王五", "position": "厂长", "phone": "13800000000"}


def get(actor: Actor, path: str, status: int = 200, **query: str) -> Any:
    answer = actor.get(path, params=query)
    assert answer.status_code == status, answer.text
    return answer


def read(pdf: bytes) -> tuple[str, list[Any]]:
    """Its text, and its pages as pictures."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        text = "\n".join(page.get_textpage().get_text_bounded() for page in document)
        pictures = [page.render(scale=2).to_pil() for page in document]
    finally:
        document.close()
    return "".join(text.split()), pictures


def sheets(body: bytes) -> dict[str, list[tuple[Any, ...]]]:
    book = openpyxl.load_workbook(io.BytesIO(body))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def answered(cast: Cast, goods: Goods, recall: dict[str, Any]) -> None:
    evidence = paper(cast.other_stall, "other")
    line = {"custody_id": goods.at_other["custody_id"], "destroyed": {"value": "30", "unit": "公斤"}}
    cast.other_stall.made(
        f"/recalls/{recall['id']}/acknowledgements",
        {"ref": "gone", "lines": [line], "evidence": [evidence], "note": "已销毁"},
    )


def test_a_partys_notice_says_what_it_needs_and_nothing_of_others(cast: Cast, goods: Goods) -> None:
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]}, persons=[PERSON])
    path = f"/recalls/{recall['id']}/notices/{cast.stall.party['id']}/paper"
    for reader in (cast.stall, cast.market, cast.regulator, cast.admin):
        answer = get(reader, path)
        assert answer.headers["content-type"] == "application/pdf"
        text, pictures = read(answer.content)
        for said in (
            "召回通知书",
            recall["number"],
            "一级召回",
            "检出瘦肉精",
            "一号摊经营户",
            "40公斤",
            goods.at_stall["code"],
        ):
            assert said in text, said
        assert goods.dish["code"] in text
        for secret in ("王五", "二号摊", goods.at_other["code"], goods.lot["code"]):
            assert secret not in text
    [symbol] = zxingcpp.read_barcodes(pictures[0])
    assert symbol.text.lower() == f"https://food.example.cn/recalls/{recall['number']}".lower()

    english, _ = read(get(cast.stall, path, lang="en").content)
    assert "Noticeofrecall" in english
    page = get(cast.stall, path, format="html")
    assert all(said in page.text for said in (recall["number"], goods.at_stall["code"], "立即停止销售"))
    assert page.headers["cache-control"] == "private, no-store"
    for stranger in (cast.other_stall, cast.other_regulator, cast.lab):
        get(stranger, path, 404)
    get(cast.stall, f"/recalls/{recall['id']}/notices/{cast.other_stall.party['id']}/paper", 404)
    get(cast.regulator, f"/recalls/{recall['id']}/notices/{uuid4()}/paper", 404)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_withdrawn_notice_says_so(cast: Cast, goods: Goods) -> None:
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    spared = {
        "lots": [goods.lot["lot_id"]],
        "exclusions": [{"site_id": cast.other_stall.site["id"], "reason": "未到货"}],
    }
    cast.regulator.patch(f"/recalls/{recall['id']}", {"why": "复检", "scope": spared})
    path = f"/recalls/{recall['id']}/notices/{cast.other_stall.party['id']}/paper"
    text, _ = read(get(cast.regulator, path).content)
    assert "本通知已撤回" in text
    assert "立即停止销售和使用" not in text
    assert "本通知已撤回" in get(cast.regulator, path, format="html").text


def test_the_report_is_whole(cast: Cast, goods: Goods) -> None:
    scope = {
        "lots": [goods.lot["lot_id"]], "custodies": [goods.dish["custody_id"]],
        "sites": [{"site_id": cast.stall.site["id"], "since": "2026-01-01T00:00:00+08:00", "categories": ["pork"]}],
        "exclusions": [
            {"site_id": cast.plant.site["id"], "reason": "没有到货"},
            {"custody_id": goods.at_other["custody_id"], "reason": "未开封"},
        ],
    }  # fmt: skip
    recall = recalled(cast.regulator, {**scope, "exclusions": scope["exclusions"][:1]}, persons=[PERSON])
    answered(cast, goods, recall)
    path = f"/recalls/{recall['id']}/report"
    interim, pictures = read(get(cast.regulator, path).content)
    for said in (
        "阶段报告", recall["number"], "王五", "13800000000", goods.lot["lot_number"], "没有到货", "北郊屠宰厂",
        "一号摊经营户", "二号摊经营户", "河东蔬菜合作社", "已答复", "启动", "30公斤", "paper.pdf",
    ):  # fmt: skip
        assert said in interim, said
    assert len(pictures) >= 2
    looks = get(cast.admin, "/audit").json()["items"]
    assert ("recall", recall["id"]) in [(look["subject_kind"], look["subject_id"]) for look in looks]
    scope["codes"] = [cast.other_stall.party["code"]]
    changed = cast.regulator.patch(f"/recalls/{recall['id']}", {"why": "收窄", "scope": scope})
    assert changed.status_code == 200, changed.text
    closed = {"outcome": "completed", "conclusion": "全部收回"}
    assert cast.regulator.post(f"/recalls/{recall['id']}/close", closed).status_code == 200
    final, _ = read(get(cast.admin, path, lang="zh").content)
    assert all(said in final for said in ("结案报告", "全部收回", "收窄", "未开封"))
    assert "Closingreport" in read(get(cast.admin, path, lang="en").content)[0]
    for other in (cast.stall, cast.market):
        get(other, path, 403)
    for other in (cast.other_regulator, cast.lab):
        get(other, path, 404)


def test_the_workbook_is_whole(cast: Cast, goods: Goods) -> None:
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]}, persons=[PERSON])
    answered(cast, goods, recall)
    answer = get(cast.regulator, f"/recalls/{recall['id']}/report", format="xlsx")
    assert recall["number"] in answer.headers["content-disposition"]
    found = sheets(answer.content)
    assert list(found) == ["概要", "主体", "批次", "答复", "过程", "凭证"]
    assert {row[0] for row in found["主体"][1:]} == {"河东蔬菜合作社", "一号摊经营户", "二号摊经营户"}
    batches = {row[2]: row for row in found["批次"][1:]}
    assert set(batches) == {each["code"] for each in (goods.lot, goods.at_stall, goods.at_other, goods.dish)}
    heads = dict(zip(found["批次"][0], batches[goods.at_stall["code"]], strict=True))
    assert (heads["进货"], heads["单位"], heads["场所"]) == (40, "公斤", "一号摊经营户")
    [said] = found["答复"][1:]
    assert (said[0], dict(zip(found["答复"][0], said, strict=True))["销毁"]) == ("二号摊经营户", 30)
    assert [row[1] for row in found["过程"][1:]] == ["建立", "启动"]
    assert found["凭证"][1][2] == "paper.pdf"
    english = sheets(get(cast.regulator, f"/recalls/{recall['id']}/report", format="xlsx", lang="en").content)
    assert list(english) == ["Summary", "Parties", "Batches", "Answers", "History", "Evidence"]
    get(cast.stall, f"/recalls/{recall['id']}/report", 403, format="xlsx")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_mock_has_a_report_too(cast: Cast, goods: Goods) -> None:
    mock = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]}, "mock")
    text, _ = read(get(cast.regulator, f"/recalls/{mock['id']}/report").content)
    assert "演练报告" in text
    found = sheets(get(cast.regulator, f"/recalls/{mock['id']}/report", format="xlsx").content)
    assert len(found["批次"]) == 5
    assert len(found["主体"]) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("number", [10_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_however_many_batches_take_no_more_memory(cast: Cast, goods: Goods, service: Service, number: int) -> None:
    """A row at a time goes to the file: what the process has grown by after a tenth of them is all that it grows by."""
    recall = recalled(cast.regulator, {"lots": [goods.lot["lot_id"]]})
    with reading(service.engine) as snapshot:
        made = recalling.report(snapshot, OPERATOR, UUID(recall["id"]), NOW)
        [batch, *_] = recalling.custodies(snapshot, OPERATOR, made.recall)
    grown: list[int] = []

    def batches() -> Iterator[dict[str, Any]]:
        for i in range(number):
            if i % (number // 10) == 0:
                gc.collect()
                grown.append(int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE)
            yield batch | {"lot_number": f"lot {i}", "code": f"B{i}"}

    assert sum(map(len, workbook(made, (), batches(), (), Words("zh"), "杭州"))) > number * 10
    assert max(grown[2:]) < grown[1] + 10_000_000, grown


NOW = datetime(2026, 11, 22, tzinfo=UTC)
