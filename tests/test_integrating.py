"""docs/integrating-a-scale.md: every command in it, in its order, against a real service."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.store.engine import open_engine
from app.store.writer import Writer
from tests.recording.conftest import deliver, harvest
from tests.support.cast import Cast, operator_key
from tests.support.guides import KEPT, ROOT, commands, walked
from tests.support.server import serving

PAGE = (ROOT / "docs" / "integrating-a-scale.md").read_text()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A service of its own, and what the page takes for given."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    url = f"sqlite:///{tmp_path}/onecode.db"
    with serving(tmp_path, url) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        engine = open_engine(url)
        writer = Writer(engine)
        cast = Cast(client, operator_key(writer))
        writer.close()
        engine.dispose()
        batch = deliver(cast, harvest(cast), "10", cast.stall)
        assert cast.market.key is not None
        yield {
            "cast": cast,
            "place": tmp_path,
            "given": {
                "ONECODE": server.url, "MARKET_KEY": cast.market.key, "STALL": cast.stall.site["id"],
                "PRODUCT": batch["product_id"],
            },
        }  # fmt: skip


def test_from_enrolment_to_the_first_receipt(page: dict[str, Any]) -> None:
    cast = page["cast"]
    answers, variables = walked(PAGE, page["given"], page["place"])
    [day] = [answer for command, answer in answers if "ndjson.gz" in command]
    assert json.loads(day.text.splitlines()[-1])["summary"]["recorded"] == 1
    # Enrol, activate, who, prices, stock, 304, sale, day, scan, who, a new code, lock.
    assert [answer.status_code for _, answer in answers] == [201, 200, 200, 200, 200, 304, 200, 200, 200, 200, 200, 200]
    # What the scale printed offline is what the service calls it, and a shopper's scan tells of it.
    assert variables["RECEIPT"] == variables["SAME"]
    assert variables["STATUS"] in ("ok", "incomplete")
    [scale] = cast.market.get("/devices").json()["items"]
    assert (scale["firmware"], scale["status"], scale["id"]) == ("ACS-30 2.4.1", "locked", variables["DEVICE"])
    alert_free = [alert["slug"] for alert in cast.market.get("/alerts").json()["items"]]
    assert "clock_ahead" not in alert_free
    assert "clock_behind" not in alert_free


def test_the_page_is_one_page() -> None:
    assert len(PAGE.splitlines()) < 160
    for command, _ in commands(PAGE):
        assert shlex.split(KEPT.sub("", command), comments=True)
