"""Places of captured events that are sites of ours, by GLN: one place, whose rights and names stay its own."""

from typing import Any

import pytest
from sqlalchemy import Engine, update

from app import exchanging
from app.exchanging import recording
from app.store import tables
from app.store.check import verify
from app.store.engine import writing
from app.store.rebuild import rebuild
from tests.exchanging.world import FARM, MARKET, STALL, document, made, rows, seen, some
from tests.support.cast import Actor, Cast, ago

GLN = STALL.rpartition("/")[2]
URN = "urn:epc:id:sgln:4012345.00004.0"
HEADER = {
    "epcisMasterData": {
        "vocabularyList": [
            {
                "type": "urn:epcglobal:epcis:vtype:Location",
                "vocabularyElementList": [
                    {
                        "id": STALL,
                        "attributes": [
                            {"id": "urn:epcglobal:cbv:mda#name", "attribute": "Another name"},
                            {"id": "urn:epcglobal:cbv:mda#owning_party", "attribute": "urn:epc:id:pgln:4012345.00009"},
                        ],
                    }
                ],
            }
        ]
    }
}


@pytest.fixture
def stall(cast: Cast) -> Actor:
    """The first stall, whose GLN the operator has written."""
    gives(cast.admin, cast.stall)
    return cast.stall


@pytest.fixture
def _ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the process always ended when a GLN was written."""
    monkeypatch.setattr(exchanging, "rejoin", lambda *_: None)


def gives(writer: Actor, to: Actor, gln: str | None = GLN) -> None:
    answer = writer.patch(f"/sites/{to.site['id']}", {"gln": gln})
    assert answer.status_code == 200, answer.text


def bring(actor: Actor, *events: dict[str, Any], issue: bool = False, **fields: Any) -> dict[str, Any]:
    answer = actor.post(f"/captures?issue={str(issue).lower()}", document(*events, **fields))
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def at(engine: Engine, site: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in rows(engine, tables.custody) if str(row["site_id"]) == site["id"]]


def captured_sites(engine: Engine) -> set[str]:
    return {row["uri"] for row in rows(engine, tables.site)} - {None}


def found(cast: Cast, text: str) -> list[dict[str, Any]]:
    answer = cast.public.get("https://food.example.cn/lookup", params={"q": text})
    matches: list[dict[str, Any]] = answer.json()["matches"]
    return matches


def slugs(report: dict[str, Any]) -> list[list[str]]:
    return [[flag["slug"] for flag in event["flags"]] for event in report["events"]]


def test_what_others_say_of_a_stall_is_seen_there_and_changes_nothing_of_it(
    cast: Cast, stall: Actor, engine: Engine
) -> None:
    report = bring(
        cast.farm,
        made(1, FARM, some("A", 50)),
        seen(5, STALL, "receiving", some("A", 20)) | {"eventTime": ago(hours=2)},
        issue=True,
        epcisHeader=HEADER,
    )
    assert slugs(report) == [[], ["reported_by_others"]]
    (custody,) = at(engine, stall.site)
    assert (str(custody["party_id"]), str(custody["reported_by"])) == (stall.party["id"], cast.farm.party["id"])
    assert captured_sites(engine) == {FARM}
    now = cast.admin.get(f"/sites/{stall.site['id']}").json()
    assert (now["name"], now["party_id"], now["version"]) == (stall.site["name"], stall.party["id"], 2)
    # Whoever scans the goods is told who says so; the stall's own page does not offer them.
    [code] = [one["code"] for one in report["codes"] if one["site"] == stall.site["name"]]
    steps = cast.public.scan(code)["steps"]
    assert [(step["kind"], (step["reported_by"] or {}).get("name")) for step in steps] == [
        ("commissioning", None),
        ("receiving", cast.farm.party["name"]),
    ]
    page = cast.public.get(f"/c/{code}", headers={"Accept": "text/html", "Accept-Language": "zh"}).text
    assert f"由 {cast.farm.party['name']} 报告" in " ".join(page.split())
    assert cast.public.scan(stall.site["code"])["stock"] == []
    # The stall reads it, others do not; its sender gains nothing over the stall.
    assert [e["kind"] for e in stall.get("/events?kind=epcis.receiving").json()["items"]] == ["epcis.receiving"]
    assert cast.other_stall.get("/events?kind=epcis.receiving").json()["items"] == []
    assert cast.farm.get(f"/sites/{stall.site['id']}").status_code == 404
    # And its scale does not sell what only others say has come.
    assert cast.scale(stall).get("/devices/me/stock").json()["items"] == []
    assert verify(engine) == []
    assert rebuild(engine) == []


def test_a_stalls_own_documents_are_of_its_own_site(cast: Cast, stall: Actor, engine: Engine) -> None:
    came = seen(5, URN, "receiving", some("A", 20)) | {"eventTime": ago(hours=2)}
    report = bring(stall, made(1, FARM, some("A", 50)), came, issue=True)
    assert slugs(report) == [[], []]
    (custody,) = at(engine, stall.site)
    assert (str(custody["party_id"]), custody["reported_by"]) == (stall.party["id"], None)
    (item,) = cast.scale(stall).get("/devices/me/stock").json()["items"]
    assert item["custody_id"] == str(custody["id"])
    # A market speaks for its stalls.
    assert slugs(bring(cast.market, seen(6, STALL, "stocking", some("A")))) == [[]]


def test_who_claims_a_place_itself_does_not_get_it(cast: Cast, engine: Engine) -> None:
    gives(cast.other_stall, cast.other_stall)
    bring(cast.farm, made(1, STALL, some("A", 50)))
    assert at(engine, cast.other_stall.site) == []
    assert captured_sites(engine) == {STALL}
    # Its market, or the operator, may write it.
    gives(cast.market, cast.other_stall, None)
    gives(cast.market, cast.other_stall)
    bring(cast.farm, seen(2, STALL, "storing", some("A")))
    assert len(at(engine, cast.other_stall.site)) == 1


def test_two_sites_of_one_gln_are_neither(cast: Cast, stall: Actor, engine: Engine) -> None:
    gives(cast.admin, cast.other_stall)
    bring(cast.farm, made(1, STALL, some("A", 50)))
    assert captured_sites(engine) == {STALL}
    assert at(engine, stall.site) == at(engine, cast.other_stall.site) == []


@pytest.mark.parametrize("place", [f"{STALL}/254/7", STALL[:-1] + "8", "https://id.gs1.org/417/" + GLN])
def test_other_keys_are_other_places(cast: Cast, stall: Actor, engine: Engine, place: str) -> None:
    bring(cast.farm, made(1, place, some("A", 50)))
    assert captured_sites(engine) == {place}
    assert at(engine, stall.site) == []


def test_an_extension_is_part_of_the_name(cast: Cast, stall: Actor, engine: Engine) -> None:
    """Stalls of a market share its GLN."""
    named = {"gln": GLN, "external_codes": [{"scheme": "254", "value": "7"}]}
    assert cast.market.patch(f"/sites/{cast.other_stall.site['id']}", named).status_code == 200
    bring(cast.farm, made(1, STALL, some("A", 50)), made(2, f"{STALL}/254/7", some("B", 5)))
    assert [row["epc"].rpartition("/")[2] for row in at(engine, stall.site)] == ["A"]
    assert [row["epc"].rpartition("/")[2] for row in at(engine, cast.other_stall.site)] == ["B"]
    # Another extension, which the stall has given itself, does not count.
    assert cast.stall.patch(f"/sites/{stall.site['id']}", {"external_codes": [{"scheme": "254", "value": "8"}]})
    bring(cast.farm, made(3, f"{STALL}/254/8", some("C", 5)))
    assert captured_sites(engine) == {f"{STALL}/254/8"}


def test_a_site_that_is_enrolled_later_takes_over_what_was_captured(cast: Cast, engine: Engine) -> None:
    first = bring(cast.farm, made(1, FARM, some("A", 50)), seen(5, STALL, "receiving", some("A", 20)))
    assert first["recorded"] == 2
    early = bring(cast.farm, seen(6, STALL, "storing", some("A")), seen(7, MARKET, "receiving", some("B", 3)))
    assert early["recorded"] == 2
    gives(cast.admin, cast.stall)
    assert {row["epc"].rpartition("/")[2] for row in at(engine, cast.stall.site)} == {"A"}
    bring(cast.farm, seen(9, STALL, "stocking", some("C", 1)))
    assert {row["epc"].rpartition("/")[2] for row in at(engine, cast.stall.site)} == {"A", "C"}
    (old,) = (row for row in rows(engine, tables.site) if row["uri"] == STALL)
    for table in (tables.event, tables.epcis_event, tables.custody):
        assert old["id"] not in {row["site_id"] for row in rows(engine, table)}
    assert [match["code"] for match in found(cast, STALL)] == [cast.stall.site["code"]]
    (alias,) = rows(engine, tables.site_alias)
    assert (alias["uri"], str(alias["site_id"]), alias["settled"]) == (STALL, cast.stall.site["id"], True)
    assert verify(engine) == []
    assert rebuild(engine) == []


@pytest.mark.usefixtures("_ended")
def test_one_event_by_itself_joins_as_well(cast: Cast, engine: Engine) -> None:
    bring(cast.farm, made(1, STALL, some("A", 50)))
    gives(cast.admin, cast.stall)
    single = {**made(2, STALL, some("B", 5)), "@context": document()["@context"]}
    answer = cast.farm.post("/epcis/events", single)
    assert answer.status_code == 201, answer.text
    assert {row["epc"].rpartition("/")[2] for row in at(engine, cast.stall.site)} == {"A", "B"}
    assert verify(engine) == []


@pytest.mark.usefixtures("_ended")
def test_a_rebuild_joins_without_another_event(cast: Cast, engine: Engine) -> None:
    bring(cast.farm, made(1, STALL, some("A", 50)))
    gives(cast.admin, cast.stall)
    assert rebuild(engine)[0] == f"place {STALL}: is a site of ours"
    assert [row["epc"].rpartition("/")[2] for row in at(engine, cast.stall.site)] == ["A"]
    assert verify(engine) == []
    assert rebuild(engine) == []


@pytest.mark.usefixtures("_ended")
def test_a_joining_that_was_cut_off_is_gone_on_with(
    cast: Cast, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(cast.farm, made(1, STALL, some("A", 50)))
    gives(cast.admin, cast.stall)
    # As if the process had ended when the place was joined and nothing was computed yet.
    with monkeypatch.context() as patched:
        for name in ("told_of", "goods_at"):
            patched.setattr(recording.captures, name, lambda *_: [])
        bring(cast.farm, made(2, STALL, some("B", 5)))
    with writing(engine) as connection:
        connection.execute(update(tables.site_alias).values(settled=False))
    assert verify(engine) != []
    bring(cast.farm, seen(3, STALL, "storing", some("B")))
    assert {row["epc"].rpartition("/")[2] for row in at(engine, cast.stall.site)} == {"A", "B"}
    assert verify(engine) == []


def test_a_wrong_gln_taken_back_undoes_the_join(cast: Cast, stall: Actor, engine: Engine) -> None:
    bring(
        cast.farm,
        made(1, FARM, some("A", 50)),
        {**seen(4, FARM, "shipping", some("A", 20)), "destinationList": [{"type": "location", "destination": URN}]},
        seen(5, STALL, "receiving", some("A", 20)),
        issue=True,
    )
    [custody] = at(engine, stall.site)
    assert len(rows(engine, tables.slip)) == 1
    cast.market.record("hold", custody_id=str(custody["id"]), scope="custody", reason="?")
    # The stall itself does not shake off what others report of it.
    gives(stall, stall, None)
    assert len(at(engine, stall.site)) == 1
    gives(cast.admin, stall, "6901234500028")
    assert at(engine, stall.site) == []
    assert captured_sites(engine) == {FARM, STALL}
    assert stall.get("/events?kind=epcis.receiving").json()["items"] == []
    [slip] = rows(engine, tables.slip)
    assert slip["status"] == "voided"
    assert verify(engine) == []
    assert rebuild(engine) == []
    # It is another's GLN: the goods, the event and the slip are there from now on, the codes as they were printed.
    gives(cast.admin, cast.other_stall)
    [moved] = at(engine, cast.other_stall.site)
    assert {name: moved[name] for name in ("id", "code", "amount_in")} == {
        name: custody[name] for name in ("id", "code", "amount_in")
    }
    assert str(moved["party_id"]) == cast.other_stall.party["id"]
    assert len(cast.other_stall.get("/events?kind=epcis.receiving").json()["items"]) == 1
    [slip] = rows(engine, tables.slip)
    assert (str(slip["to_site_id"]), slip["status"]) == (cast.other_stall.site["id"], "open")
    assert verify(engine) == []
    # From one to the other at once: whoever has it alone when it is taken from the first.
    gives(cast.admin, stall)
    assert len(at(engine, cast.other_stall.site)) == 1
    gives(cast.admin, cast.other_stall, None)
    assert len(at(engine, stall.site)) == 1
    # Who wrote what, and when, stays in the history of the site.
    assert verify(engine) == []
    assert rebuild(engine) == []


def test_a_stall_that_changes_hands_keeps_what_came_before(cast: Cast, stall: Actor, engine: Engine) -> None:
    bring(cast.farm, made(1, FARM, some("A", 50)), seen(5, STALL, "receiving", some("A", 20)))
    change = {"party_id": cast.other_stall.party["id"], "valid_from": "2026-01-01T00:00:00Z"}
    assert cast.admin.patch(f"/sites/{stall.site['id']}", change).status_code == 200
    assert verify(engine) == []
    bring(cast.farm, seen(6, STALL, "storing", some("A")), seen(7, STALL, "receiving", some("B", 2)))
    held = {row["epc"].rpartition("/")[2]: str(row["party_id"]) for row in at(engine, stall.site)}
    assert held == {"A": stall.party["id"], "B": cast.other_stall.party["id"]}
    assert verify(engine) == []


def test_ours_and_theirs_meet_at_one_site(cast: Cast, stall: Actor, engine: Engine) -> None:
    """We grew it and shipped it without a slip; the stall's own system captured what came: one gap, closed."""
    product = cast.product("番茄", gtin="04012345123456")
    [grown] = cast.farm.record("produce", outputs=[cast.output(product, "30", lot_number="A")])["outputs"]
    cast.farm.record("ship", items=[cast.item(grown, "20")], to_site_id=stall.site["id"], slip=False)
    bring(stall, seen(5, STALL, "receiving", some("A", 20)), issue=True)
    (custody,) = at(engine, stall.site)
    [gap] = stall.trace("back", code=custody["code"])["gaps"]
    named = {"gap_custody_id": gap["node_id"], "parent_custody_id": grown["custody_id"]}
    claimed = stall.record("identify", **named)
    assert (claimed["decision"], claimed["flags"]) == ("claimed", [])
    assert cast.farm.record("identify", **named)["decision"] == "confirmed"
    page = stall.scan(custody["code"])
    assert (page["gaps"], page["product"]["name"]) == ([], "番茄")
    assert verify(engine) == []


def names(engine: Engine) -> dict[str, tuple[str, str]]:
    """GTIN → name and category of the captured product."""
    captured = [row for row in rows(engine, tables.product) if row["external_codes"]]
    return {row["gtin"]: (row["name"], row["category"]) for row in captured}


def test_a_captured_product_is_called_what_ours_is(cast: Cast, engine: Engine) -> None:
    tomato, egg, own = "04012345123456", "04012345111118", "02012345000001"
    bring(cast.farm, made(1, FARM, some("A", 50)))
    assert names(engine) == {tomato: (tomato, "other")}
    cast.product("番茄", gtin=tomato[1:])
    cast.product("西红柿", gtin=tomato)
    cast.product("鸡蛋", "eggs", gtin=egg)
    cast.product("散装", gtin=own)
    said = {"id": "urn:epc:idpat:sgtin:4012345.011111.*", "attributes": []}
    said["attributes"] = [{"id": "urn:epcglobal:cbv:mda#descriptionShort", "attribute": "Brown eggs"}]
    vocabulary = {"type": "urn:epcglobal:epcis:vtype:EPCClass", "vocabularyElementList": [said]}
    header = {"epcisMasterData": {"vocabularyList": [vocabulary]}}
    shop = {"epcClass": "https://id.gs1.org/01/02012345000001/10/X", "quantity": 1, "uom": "KGM"}
    eggs = {"epcClass": "urn:epc:class:lgtin:4012345.011111.E", "quantity": 1, "uom": "KGM"}
    bring(cast.farm, made(2, FARM, some("B", 5), eggs, shop), epcisHeader=header)
    assert names(engine) == {tomato: ("番茄", "vegetables"), egg: ("Brown eggs", "eggs"), own: (own, "other")}
    # What is called something keeps its name.
    bring(cast.farm, seen(3, FARM, "storing", some("A"), eggs))
    assert names(engine)[egg] == ("Brown eggs", "eggs")
    assert verify(engine) == []


def test_a_gln_of_party_shows_whose_it_is_and_gives_no_right(cast: Cast, engine: Engine) -> None:
    number, owner = "4012345000092", "urn:epc:id:pgln:4012345.00009"
    sides = {
        "sourceList": [{"type": "owning_party", "source": "urn:epc:id:pgln:4012345.00008"}],
        "destinationList": [{"type": "possessing_party", "destination": owner}],
    }
    sent = {**seen(2, STALL, "shipping", some("A", 9)), **sides}
    bring(cast.farm, made(1, STALL, some("A", 50)), sent, epcisHeader=HEADER)

    def told() -> tuple[Any, ...]:
        [key] = [str(row["id"]) for row in rows(engine, tables.custody) if row["epc"] and row["kind"] == "custody"]
        found = cast.admin.trace("back", custody=key)
        [node] = [node for node in found["nodes"] if node["kind"] == "custody"]
        named = {one["side"]: (one["role"], one["party"]["name"], one["party"]["code"]) for one in found["parties"]}
        seen_by = cast.other_stall.trace("back", custody=key)
        assert (seen_by["parties"], [node["in"] for node in seen_by["nodes"]]) == ([], [None] * len(seen_by["nodes"]))
        return node["party"]["name"], named

    stranger = ("owning_party", "4012345000085", None)
    assert told()[1] == {"source": stranger, "destination": ("possessing_party", number, None)}
    # By its own word alone nobody is it.
    party = cast.other_stall.party
    called = {"external_codes": [{"scheme": "gln", "value": number}]}
    assert cast.admin.patch(f"/parties/{party['id']}", called).status_code == 200
    assert told() == (
        party["name"],
        {"source": stranger, "destination": ("possessing_party", party["name"], party["code"])},
    )
    # Two of one number: none.
    assert cast.admin.patch(f"/parties/{cast.farm.party['id']}", called).status_code == 200
    assert told()[1]["destination"][1] == number
    assert verify(engine) == []
