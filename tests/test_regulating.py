"""docs/regulating.md: every command in it, in its order, against a real service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.store.engine import open_engine
from app.store.writer import Writer
from tests.recording.conftest import deliver, harvest
from tests.support.cast import Cast, operator_key
from tests.support.epcis import captured, document, event
from tests.support.guides import ROOT, walked
from tests.support.server import serving

FARM = "urn:epc:id:sgln:6901234.00000.1"
PAGE = (ROOT / "docs" / "regulating.md").read_text()


@pytest.fixture
def given(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A service of its own, a batch at a stall, and what the page takes for given."""
    url = f"sqlite:///{tmp_path}/onecode.db"
    with serving(tmp_path, url) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        engine = open_engine(url)
        writer = Writer(engine)
        cast = Cast(client, operator_key(writer))
        pallet = "urn:epc:id:sscc:6901234.0000000001"
        grown = {"epcClass": "urn:epc:class:lgtin:6901234.056789.A1", "quantity": 9, "uom": "KGM"}
        captured(cast.admin, document(
            event("Object", 9, "commissioning", at=FARM, action="ADD", quantityList=[grown]),
            event("Aggregation", 8, "packing", at=FARM, action="ADD", parentID=pallet, childQuantityList=[grown]),
        ))  # fmt: skip
        writer.close()
        engine.dispose()
        batch = deliver(cast, harvest(cast), "10", cast.stall)
        yield {
            "ONECODE": server.url, "KEY": cast.regulator.key, "STALL_KEY": cast.stall.key, "CODE": batch["code"],
            "UNIT": pallet,
        }  # fmt: skip


def test_one_night_of_a_regulator(given: dict[str, Any], tmp_path: Path) -> None:
    answers, kept = walked(PAGE, given, tmp_path)
    assert all(answer.content for _, answer in answers)
    assert kept["INSIDE"] == "1"
    assert kept["REACHED"] == "2"  # the farm and the stall
    assert kept["COUNTED"] == "1"  # the batch alone: what came from it, nothing
    assert (kept["SHOWN"], kept["HEARD"], kept["STATE"]) == ("recalled", "acknowledged", "closed")
