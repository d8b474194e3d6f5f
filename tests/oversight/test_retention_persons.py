"""Personal data that nothing needs any more become hashes: nobody reads them, and no archive has them."""

import gzip
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.store import captures, erasable, tables
from app.store.check import verify
from app.store.engine import writing
from app.web.service import Service
from tests.oversight.test_retention import FAR, LATER, everything, thin
from tests.oversight.test_retention_papers import live
from tests.oversight.test_retention_recalls import closed
from tests.recording.conftest import deliver, harvest
from tests.support.cast import Actor, Cast

PHONE = "13912345678"


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def seller(cast: Cast, name: str, **fields: Any) -> Actor:
    return cast.enrol(
        "vendor", name, "vendor", "stall", parent=cast.market, contact={"name": name, "phone": PHONE}, **fields
    )


def gone(cast: Cast, actor: Actor) -> None:
    """Out of business: locked, and the key revoked."""
    [key] = [one for one in cast.admin.get("/keys?limit=200").json()["items"] if one["party_id"] == actor.party["id"]]
    assert cast.admin.post(f"/keys/{key['id']}/revoke").status_code == 200
    lock(cast, actor)


def lock(cast: Cast, actor: Actor) -> None:
    answer = cast.admin.patch(f"/parties/{actor.party['id']}", {"status": "locked", "status_reason": "歇业"})
    assert answer.status_code == 200, answer.text


def told(cast: Cast, actor: Actor) -> dict[str, Any]:
    party: dict[str, Any] = cast.admin.get(f"/parties/{actor.party['id']}").json()
    return party


def test_a_person_who_stopped_trading_long_ago_is_a_hash(
    cast: Cast, service: Service, archives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasable, "PAGE", 1)
    codes = [{"scheme": "market", "value": "M-17"}]
    person, firm, trading, keyed = (
        seller(cast, "张三", external_codes=codes, licences=[{"scheme": "JY", "number": "JY13301020000000"}]),
        seller(cast, "某公司", credit_code="91330100799655058B"),
        seller(cast, "李四"),
        seller(cast, "王五"),
    )
    sold = deliver(cast, harvest(cast), "5", person)
    person.record("sell", lines=[cast.item(sold, "1")])
    for actor in (person, firm):
        gone(cast, actor)
    lock(cast, keyed)
    with writing(service.engine) as connection:
        captures.say(connection, UUID(person.party["id"]), {"urn:x:place": {"urn:x:keeper": ["张三"]}})
    assert thin(service, archives, LATER).erased == 0
    assert told(cast, person)["name"] == "张三"
    assert thin(service, archives / "2", FAR).erased == 2

    erased = told(cast, person)
    assert erased["name"].startswith("已抹去 · erased hmac:")
    assert (erased["contact"], erased["licences"], erased["external_codes"]) == (None, [], [])
    assert (told(cast, firm)["name"], told(cast, firm)["contact"]) == ("某公司", None)
    assert [told(cast, actor)["name"] for actor in (trading, keyed)] == ["李四", "王五"]
    rows = everything(service)
    left = (
        rows["party"]
        | rows["external_code"]
        | rows["vocabulary_attribute"]
        | {row for row in rows["master_version"] if "'party'" in row}
    )
    assert ("张三" in repr(left), "M-17" in repr(left)) == (False, False)
    for file in (archives / "2").glob("*.gz"):
        assert PHONE.encode() not in gzip.decompress(file.read_bytes())
    assert cast.public.scan(person.party["code"])["party"]["name"] == erased["name"]
    assert verify(service.engine) == []
    assert thin(service, archives / "3", FAR).erased == 0


def test_a_person_whom_something_is_still_about_is_kept(cast: Cast, service: Service, archives: Path) -> None:
    recalled, complained, selling = seller(cast, "甲"), seller(cast, "乙"), seller(cast, "丙")
    batch = deliver(cast, harvest(cast), "5", recalled)
    recall = cast.regulator.made(
        "/recalls", live(batch) | {"persons": [{"name": "陈七", "position": "质量负责人", "phone": PHONE}]}
    )
    filed = cast.public.post(f"/c/{complained.site['code']}/reports", {"text": "x"})
    assert filed.status_code == 201
    cast.scale(selling).sell(1, {"product_id": batch["product_id"], "quantity": {"value": "1", "unit": "kg"}})
    hold = cast.regulator.record("hold", custody_id=batch["custody_id"], scope="custody", reason="x")
    for actor in (recalled, complained, selling):
        gone(cast, actor)
    with service.engine.connect() as connection:
        assert len(connection.execute(select(tables.receipt)).all()) == 1
    assert thin(service, archives, FAR.replace(year=FAR.year - 1)).erased == 0
    names = [told(cast, actor)["name"] for actor in (recalled, complained, selling)]
    assert names == ["甲", "乙", "丙"]

    cast.regulator.record("release", hold_event_id=hold["id"], reason="x")
    closed(cast, recall, "completed")
    [complaint] = cast.regulator.get("/reports").json()["items"]
    assert cast.regulator.patch(f"/reports/{complaint['id']}", {"state": "closed"}).status_code == 200
    for alert in cast.admin.get("/alerts").json()["items"]:
        cast.admin.patch(f"/alerts/{alert['id']}", {"state": "resolved"})
    # Who was responsible for the goods of the recall as well.
    assert thin(service, archives / "2", FAR).erased == 4
    [person] = cast.regulator.get(f"/recalls/{recall['id']}").json()["persons"]
    assert person["name"].startswith("hmac:")
    assert (person["phone"], person["position"]) == (None, "质量负责人")
    assert thin(service, archives / "3", FAR).erased == 0
