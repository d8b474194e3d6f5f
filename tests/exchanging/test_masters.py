"""Parties, sites and products that documents describe: rows with codes and history, whoever may change them."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import pytest
from sqlalchemy import Engine

from app.domain import codes
from app.domain.rights import Principal, Role
from app.enrolling.keys import OPERATOR
from app.exchanging import importing
from app.store import master, tables
from app.store.check import verify
from app.store.engine import reading
from app.store.writer import Writer
from tests.exchanging.world import FARM, MARKET, PLANT, bring, document, made, rows, seen, some
from tests.support.cast import Actor, Cast

OWNER, BUYER = "https://id.gs1.org/417/4012345000009", "urn:x:party:buyer"
MDA = "urn:epcglobal:cbv:mda#"
TUNA = "urn:epc:idpat:sgtin:4012345.012345.*"


def vocabulary(kind: str, *elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": f"urn:epcglobal:epcis:vtype:{kind}", "vocabularyElementList": list(elements)}


def element(uri: str, **said: str) -> dict[str, Any]:
    names = {"owner": "urn:epcglobal:cbv:owning_party"}
    return {
        "id": uri,
        "attributes": [{"id": names.get(name, f"{MDA}{name}"), "attribute": value} for name, value in said.items()],
    }


def described(*vocabularies: dict[str, Any], **fields: Any) -> dict[str, Any]:
    events = fields.pop("events", [made(1, FARM, some("A", 5))])
    head = {"epcisHeader": {"epcisMasterData": {"vocabularyList": list(vocabularies)}}}
    return document(*events, **head, **fields)


def by_name(engine: Engine, table: Any) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in rows(engine, table)}


def captured(engine: Engine) -> set[str]:
    return {row["name"] for row in rows(engine, tables.site) if row["uri"] is not None}


def test_what_a_document_says_of_places_people_and_goods(engine: Engine, writer: Writer) -> None:
    bring(
        writer,
        engine,
        described(
            vocabulary("Party", element(OWNER, name="Farmer"), element(BUYER, name="Buyer")),
            vocabulary(
                "Location",
                element(
                    FARM, name="Farm  No. 1", streetAddressOne="Lane 1", city="Hangzhou", countryCode="CN", owner=OWNER
                ),
            ),
            vocabulary(
                "EPCClass",
                element(TUNA, descriptionShort="Tuna", speciesForFisheryStatisticsPurposesName="Thunnus albacares"),
            ),
        ),
    )
    parties, sites, products = (by_name(engine, t) for t in (tables.party, tables.site, tables.product))
    assert parties.keys() == {"Farmer", "Buyer"}
    farm = sites["Farm No. 1"]
    assert (farm["address"], farm["gln"], farm["uri"]) == ("Lane 1, Hangzhou, CN", "4012345000016", FARM)
    assert (farm["party_id"], farm["status"], farm["kind"]) == (parties["Farmer"]["id"], "pending", "other")
    assert codes.parse(farm["code"]).kind == "S"
    assert codes.parse(parties["Farmer"]["code"]).kind == "P"
    tuna = products["Tuna"]
    assert (tuna["gtin"], tuna["category"], tuna["measure"]) == ("04012345123456", "aquatic", "weight")
    (custody,) = rows(engine, tables.custody)
    assert (custody["party_id"], custody["product_id"]) == (farm["party_id"], tuna["id"])
    (lot,) = rows(engine, tables.lot)
    assert (lot["maker_id"], lot["lot_number"]) == (farm["party_id"], "A")
    assert {row["value"] for row in rows(engine, tables.external_code)} == {
        FARM, OWNER, BUYER, "https://id.gs1.org/01/04012345123456"
    }  # fmt: skip
    versions = rows(engine, tables.master_version)
    assert {row["valid_from"] for row in versions} == {datetime(2026, 3, 1, 2, tzinfo=UTC)}
    with reading(engine) as snapshot:
        now = {farm["id"]: master.versions(snapshot, [farm["id"]])[farm["id"]][-1]}
    assert now[farm["id"]].code == farm["code"]


def test_what_nobody_describes_is_named_by_its_uri(engine: Engine, writer: Writer) -> None:
    bring(
        writer, engine, document(made(1, "urn:x:site:farm.7", some("A", 5)), seen(2, None, None, epcList=["urn:x:1"]))
    )
    assert by_name(engine, tables.site).keys() == by_name(engine, tables.party).keys() == {"farm.7"}
    assert by_name(engine, tables.product).keys() == {"04012345123456", "1"}
    assert by_name(engine, tables.site)["farm.7"]["gln"] is None


def test_a_description_that_comes_later_names_what_was_there_and_whose_goods_those_are(
    engine: Engine, writer: Writer
) -> None:
    bring(writer, engine, document(made(1, FARM, some("A", 5)), seen(9, MARKET, "receiving", some("A", 5))))
    (old,) = (row for row in rows(engine, tables.site) if row["uri"] == FARM)
    bring(
        writer,
        engine,
        described(
            vocabulary("Location", element(FARM, name="Farm", owner=OWNER)),
            vocabulary("Party", element(OWNER, name="Farmer")),
            events=[made(2, FARM, some("B", 5))],
            creationDate="2026-03-02T00:00:00Z",
        ),
    )
    (new,) = (row for row in rows(engine, tables.site) if row["uri"] == FARM)
    assert (new["name"], new["code"], new["version"]) == ("Farm", old["code"], 2)
    owner = by_name(engine, tables.party)["Farmer"]
    assert new["party_id"] == owner["id"]
    # Goods that came while nobody knew whose the farm was are still of then; later ones are the farmer's.
    assert verify(engine) == []
    with reading(engine) as snapshot:
        history = master.versions(snapshot, [new["id"]])[new["id"]]
    assert [row.name for row in history] == [old["name"], "Farm"]


def test_a_description_that_was_cut_off_is_gone_on_with(
    engine: Engine, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(writer, engine, document(made(1, FARM, some("A", 5)), seen(9, MARKET, "receiving", some("A", 5))))
    record = vocabulary("Location", element(FARM, name="Farm", owner=OWNER))
    back_dated = described(record, events=[], creationDate="2026-01-01T00:00:00Z")
    monkeypatch.setattr(importing, "follow", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bring(writer, engine, back_dated)
    monkeypatch.undo()
    bring(writer, engine, back_dated)
    assert verify(engine) == []


def test_a_back_dated_description_reaches_the_goods_that_are_there(engine: Engine, writer: Writer) -> None:
    bring(writer, engine, document(made(1, FARM, some("A", 5)), seen(9, MARKET, "receiving", some("A", 5))))
    record = vocabulary("Location", element(FARM, name="Farm", owner=OWNER))
    bring(writer, engine, described(record, events=[], creationDate="2026-01-01T00:00:00Z"), issue=True)
    farm = next(row for row in rows(engine, tables.site) if row["uri"] == FARM)
    custodies = {row["site_id"]: row for row in rows(engine, tables.custody)}
    assert (
        custodies[farm["id"]]["party_id"]
        == farm["party_id"]
        != custodies[next(i for i in custodies if i != farm["id"])]["party_id"]
    )
    assert rows(engine, tables.lot)[0]["maker_id"] == farm["party_id"]


def test_a_changed_record_is_a_version_valid_from_its_documents_date(engine: Engine, writer: Writer) -> None:
    def named(name: str, date: str) -> dict[str, Any]:
        return described(vocabulary("Location", element(FARM, name=name)), creationDate=date)

    new, old = named("Second name", "2026-03-02T00:00:00Z"), named("First name", "2026-02-01T00:00:00Z")
    bring(writer, engine, new)
    bring(writer, engine, old)
    (site,) = rows(engine, tables.site)
    # The older document comes later and does not rename what a newer one has named.
    assert site["name"] == "Second name"
    with reading(engine) as snapshot:
        key = site["id"]
        instants = [datetime(2026, 2, 10, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC)]
        was = master.versions_at(snapshot, [(key, instant) for instant in instants])
    assert [was[key, instant].name for instant in instants] == ["First name", "Second name"]
    versions = rows(engine, tables.master_version)
    bring(writer, engine, old)
    bring(writer, engine, new)
    assert rows(engine, tables.master_version) == versions


def test_a_stranger_does_not_rename_what_somebody_else_has_named(engine: Engine, writer: Writer, cast: Cast) -> None:
    def who(actor: Actor) -> Principal:
        return Principal(OPERATOR.key_id, Role.PRODUCER, UUID(actor.party["id"]), None, None, None)

    one, stranger = who(cast.farm), who(cast.plant)

    def named(name: str, day: int) -> dict[str, Any]:
        return described(
            vocabulary("Location", element(FARM, name=name), element(PLANT, name=f"{name} plant")),
            vocabulary("EPCClass", element(TUNA, descriptionShort=f"{name} fish")),
            creationDate=f"2026-03-{day:02}T00:00:00Z",
        )

    bring(writer, engine, document(made(1, PLANT, some("A", 5))), principal=one)
    bring(writer, engine, named("Farm", 1), principal=one)
    bring(writer, engine, named("Mine", 2), principal=stranger)
    assert captured(engine) == {"Farm", "Farm plant"}
    assert by_name(engine, tables.product).keys() == {"Farm fish"}
    bring(writer, engine, named("Better", 3), principal=one)
    bring(writer, engine, named("Official", 4))
    assert captured(engine) == {"Official", "Official plant"}


def test_a_credit_code_is_no_owner(engine: Engine, writer: Writer, cast: Cast) -> None:
    """Or goods of a stranger could be put under the name of a firm that is enrolled here."""
    firm = cast.admin.made("/parties", {"name": "老字号", "kind": "processor", "credit_code": "91330106MA2B1CDE8R"})
    bring(writer, engine, described(vocabulary("Location", element(FARM, name="Farm", owner="91330106MA2B1CDE8R"))))
    assert {row["party_id"] for row in rows(engine, tables.site) if row["uri"]} & {UUID(firm["id"])} == set()


def test_names_are_text_that_a_page_and_a_terminal_can_show(engine: Engine, writer: Writer) -> None:
    odd = element(FARM, name="Fa\x1b[31mrm \u202egnp.exe", streetAddressOne="Lane\n1")
    bring(writer, engine, described(vocabulary("Location", odd), events=[made(1, FARM, some("A%E2%80%AE1", 5))]))
    (site,) = rows(engine, tables.site)
    assert (site["name"], site["address"]) == ("Fa\ufffd[31mrm \ufffdgnp.exe", "Lane 1")
    assert [row["lot_number"] for row in rows(engine, tables.lot)] == ["A\ufffd1"]


def test_a_description_of_the_future_holds_from_now(engine: Engine, writer: Writer) -> None:
    bring(
        writer,
        engine,
        described(vocabulary("Location", element(FARM, name="Farm")), creationDate="2190-01-01T00:00:00Z"),
    )
    (version,) = [row for row in rows(engine, tables.master_version) if row["kind"] == "site"]
    assert version["valid_from"] == version["record_time"]


def test_many_descriptions_and_long_ones(engine: Engine, writer: Writer) -> None:
    many = [element(f"urn:x:site:{i}", name="N" * 3000, owner="urn:x:" + "o" * 3000) for i in range(1100)]
    bring(writer, engine, described(vocabulary("Location", *many), events=[]))
    sites = rows(engine, tables.site)
    assert len(sites) == 1100
    assert {len(row["name"]) for row in sites} == {200}
    assert len(rows(engine, tables.party)) == 1100
