"""A chain that others wrote, with the faults of real data: from hatchery and feed mill to a can at an importer's."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from app.__main__ import cli
from app.enrolling.keys import OPERATOR
from app.exchanging import export_capture
from app.settings import Settings
from app.store import tables
from app.store.engine import reading
from app.store.writer import Writer
from tests.exchanging.world import bring, codes, ledger, load, plain, rows
from tests.support.cast import Cast

CANS = "urn:gdst:example.org:product:lot:class:processor.2u.v1-0122-2022"
PALLET = "urn:epc:id:sscc:08600031303.0005"
HANDS = {
    "Hatchery", "Feedmill", "Fish Farm", "Vessel #1", "Transshipment #1", "Port of San Diago", "Processing Plant",
    "Importer Warehouse",
}  # fmt: skip


@pytest.fixture
def path(vectors: Path) -> Path:
    return vectors / "tuna-chain" / "tuna.jsonld"


@pytest.fixture
def tuna(path: Path) -> dict[str, Any]:
    return load(path)


def with_events(tuna: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, Any]:
    return {**tuna, "epcisBody": {**tuna["epcisBody"], "eventList": events}}


def test_every_event_is_recorded_and_what_is_odd_is_flagged(
    engine: Engine, writer: Writer, tuna: dict[str, Any]
) -> None:
    report = bring(writer, engine, tuna)
    assert report.counts == {"recorded": 21, "duplicate": 0, "refused": 0, "flagged": 21}
    assert len({outcome.id for outcome in report.events}) == 21
    assert len({outcome.epcis_event_id for outcome in report.events}) == 16
    slugs = Counter(slug for outcome in report.events for slug, _ in outcome.flags)
    assert slugs == {"malformed_identifier": 28, "reused_event_id": 5}
    assert sum("sscc" in detail for outcome in report.events for _, detail in outcome.flags) == 7
    flags = rows(engine, tables.flag)
    assert Counter(flag["slug"] for flag in flags) == slugs
    assert report.codes == ()


def test_no_field_is_lost(engine: Engine, writer: Writer, tuna: dict[str, Any], path: Path) -> None:
    report = bring(writer, engine, tuna)
    assert report.capture_id is not None
    with reading(engine) as snapshot:
        came_back = export_capture(snapshot, report.capture_id, OPERATOR)
    assert came_back == tuna == plain(path)


def test_lots_custodies_packings_and_links(engine: Engine, writer: Writer, tuna: dict[str, Any]) -> None:
    bring(writer, engine, tuna)
    found = ledger(engine)
    assert {site["name"] for site in found["site"]} == HANDS
    assert {party["name"] for party in found["party"]} == {
        "Hatchery", "Feedmill", "Fish Farm", "Fisherman", "Processor", "Importer"
    }  # fmt: skip
    sites = {site["id"]: site["name"] for site in found["site"]}
    products = {product["id"]: product["name"] for product in found["product"]}
    lots = {row["id"]: (products[row["product_id"]], row["lot_number"]) for row in found["lot"]}
    there = {(*lots[row["lot_id"]], sites[row["site_id"]]) for row in found["custody"]}
    assert there == {
        ("Tuna Fryling", "TF12012021", "Hatchery"),
        ("Tuna Fryling", "TF12012021", "Fish Farm"),
        ("Fish Feed", "FF11252021", "Feedmill"),
        ("Fish Feed", "FF11252021", "Fish Farm"),
        ("Farmed Tuna", "FARMED-TUNA-01192022", "Fish Farm"),
        ("Farmed Tuna", "FARMED-TUNA-01192022", "Processing Plant"),
        ("Whole Yellowfin Tuna", "V1-0122-2022", "Vessel #1"),
        ("Whole Yellowfin Tuna", "V1-0122-2022", "Transshipment #1"),
        ("Whole Yellowfin Tuna", "V1-0122-2022", "Port of San Diago"),
        ("Whole Yellowfin Tuna", "V1-0122-2022", "Processing Plant"),
        ("Tuna", "COMMINGLE-01232022", "Processing Plant"),
        ("Can of Tuna", "V1-0122-2022", "Processing Plant"),
        ("Can of Tuna", "V1-0122-2022", "Importer Warehouse"),
    }
    assert Counter(link["kind"] for link in found["custody_link"]) == {"move": 7, "transform": 5}
    outer, inner = sorted(found["packing"], key=lambda row: row["from_time"], reverse=True)
    assert (outer["unit_epc"], outer["content_epc"]) == (PALLET, inner["unit_epc"])
    assert inner["content_epc"] == CANS
    assert outer["to_event_id"] is not None
    assert outer["to_time"] == inner["to_time"]


def test_balances(engine: Engine, writer: Writer, tuna: dict[str, Any]) -> None:
    """What moved on without a word of shipping has left all the same; what was eaten by more than was caught shows."""
    bring(writer, engine, tuna)
    found = ledger(engine)
    sites = {site["id"]: site["name"] for site in found["site"]}
    fish = next(row["id"] for row in found["lot"] if row["epc"].endswith("fisherman01.tunau.v1-0122-2022"))
    ways = {sites[row["site_id"]]: row for row in found["custody"] if row["lot_id"] == fish}
    kilograms = {
        site: (row["amount_in"] / 1000, row["shipped"] / 1000, row["processed"] / 1000) for site, row in ways.items()
    }
    assert kilograms == {
        "Vessel #1": (9876, 9876, 0),
        "Transshipment #1": (9876, 9876, 0),
        "Port of San Diago": (9876, 9876, 0),
        "Processing Plant": (9876, 0, 10_000),
    }


def test_codes_are_minted_once(engine: Engine, writer: Writer, tuna: dict[str, Any]) -> None:
    report = bring(writer, engine, tuna, issue=True)
    assert Counter(code.kind for code in report.codes) == {"lot": 6, "custody": 13}
    assert all(code.minted for code in report.codes)
    minted = codes(engine)
    assert {code.code for code in report.codes} == minted.keys()
    again = bring(writer, engine, tuna, issue=True)
    assert again.counts["duplicate"] == 21
    assert [code.code for code in again.codes] == [code.code for code in report.codes]
    assert not any(code.minted for code in again.codes)
    assert codes(engine) == minted


def test_importing_again_changes_nothing(engine: Engine, writer: Writer, tuna: dict[str, Any]) -> None:
    first = bring(writer, engine, tuna)
    every = {table.name: rows(engine, table) for table in tables.metadata.sorted_tables if table is not tables.feed}
    again = bring(writer, engine, tuna)
    assert again.capture_id == first.capture_id
    assert again.counts == {"recorded": 0, "duplicate": 21, "refused": 0, "flagged": 21}
    assert {name: rows(engine, tables.metadata.tables[name]) for name in every} == every


@pytest.mark.parametrize("seed", range(3))
def test_no_order_and_no_division_of_the_events_changes_anything(
    engine: Engine, writer: Writer, other: Engine, other_writer: Writer, tuna: dict[str, Any], seed: int
) -> None:
    bring(other_writer, other, tuna)
    rng = random.Random(seed)
    events = tuna["epcisBody"]["eventList"][:]
    rng.shuffle(events)
    cut = rng.randint(1, 20)
    bring(writer, engine, with_events(tuna, events[:cut]), issue=True)
    early = codes(engine)
    bring(writer, engine, with_events(tuna, events[cut:]), issue=True)
    assert early.items() <= codes(engine).items()
    assert ledger(engine) == ledger(other)
    # The whole in its own order adds nothing.
    report = bring(writer, engine, tuna, issue=True)
    assert report.counts["recorded"] == 0
    assert not any(code.minted for code in report.codes)
    assert ledger(engine) == ledger(other)


def test_the_published_traceback(cast: Cast, path: Path) -> None:
    answer = cast.admin.post("/captures?issue=true", content=path.read_bytes(), headers=JSON_LD)
    assert answer.status_code == 200, answer.text
    found = cast.regulator.trace("back", epc=CANS)
    assert len(found["events"]) == 21
    assert len({event["epcis_event_id"] for event in found["events"]}) == 16
    assert {node["site"]["name"] for node in found["nodes"]} == HANDS
    assert (len(found["nodes"]), len(found["links"]), found["gaps"]) == (13, 12, [])
    # The pallet that the cans travelled in leads to the same.
    pallet = cast.regulator.trace("back", epc=PALLET)
    assert {event["id"] for event in pallet["events"]} == {event["id"] for event in found["events"]}
    forward = cast.regulator.trace("forward", epc="urn:gdst:example.org:product:lot:class:feedmill.1u.ff11252021")
    assert "Importer Warehouse" in {node["site"]["name"] for node in forward["nodes"]}


JSON_LD = {"Content-Type": "application/ld+json"}


def test_the_page_of_the_can(cast: Cast, path: Path) -> None:
    report = cast.admin.post("/captures?issue=true", content=path.read_bytes(), headers=JSON_LD).json()
    lot = next(code for code in report["codes"] if code["kind"] == "lot" and code["epc"] == CANS)
    can = next(code for code in report["codes"] if code["site"] == "Importer Warehouse")
    page = cast.public.scan(can["code"])
    steps = [step["site"]["name"] for step in page["steps"]]
    # By generation, the farthest first, then by time; feed is "shipped" after it was eaten and stands before it.
    assert list(dict.fromkeys(steps)) == [
        "Feedmill", "Hatchery", "Vessel #1", "Fish Farm", "Transshipment #1", "Port of San Diago", "Processing Plant",
        "Importer Warehouse",
    ]  # fmt: skip
    kinds = [step["kind"] for step in page["steps"]]
    assert kinds.index("farmHarvest") > max(i for i, site in enumerate(steps) if site == "Feedmill")
    assert (page["product"]["name"], page["lot"]["lot_number"]) == ("Can of Tuna", "V1-0122-2022")
    assert page["status"] == "expired"
    # The code of the lot as made tells the same way: the lot went on as a whole.
    made = cast.public.scan(lot["code"])
    assert [step["site"]["name"] for step in made["steps"]] == steps
    html = cast.public.get(f"/c/{can['code']}").text
    assert "Hatchery" in html
    assert "· 监管部门" not in html


def test_on_the_command_line(settings: Settings, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONECODE_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("ONECODE_SECRET_FILE", str(settings.secret_file))
    monkeypatch.setenv("ONECODE_PUBLIC_URL", settings.public_url)
    settings.secret_file.write_text("ab" * 32)
    taken = CliRunner().invoke(cli, ["import", str(path), "--issue"])
    assert taken.exit_code == 0, taken.output
    assert "recorded 21, there already 0, refused 0, flagged 21" in taken.stdout
    assert "reused_event_id" in taken.stdout
    assert taken.stdout.count("https://food.example.cn/c/") == 19
    traced = CliRunner().invoke(cli, ["trace", CANS, "--back", "--json"])
    assert traced.exit_code == 0, traced.output
    assert traced.stdout.count('"epcis_event_id":"urn:uuid:') == 21
