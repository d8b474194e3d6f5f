"""/api/v1/codes and /lookup."""

import time
from datetime import UTC, datetime
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.domain import codes
from app.enrolling.keys import OPERATOR
from app.issuing import Revoke, revoke_codes
from app.store import tables
from app.store.engine import reading, writing
from app.store.writer import Transaction
from app.web.service import Service
from tests.support.cast import Actor, Cast, quantity


def revoke(actor: Actor, code: str, **body: Any) -> Any:
    return actor.post(f"/codes/{code}/revoke", {"reason": "标牌遗失", **body})


def look(cast: Cast, text: str) -> list[dict[str, Any]]:
    answer = cast.client.get("/lookup", params={"q": text})
    assert answer.status_code == 200, answer.text
    assert answer.json()["query"] == text
    matches: list[dict[str, Any]] = answer.json()["matches"]
    return matches


def harvest(cast: Cast) -> tuple[dict[str, Any], dict[str, Any]]:
    """A lot of the farm's, and its product, which has a barcode."""
    product = cast.farm.made(
        "/products",
        {"name": "小青菜", "category": "vegetables", "measure": "weight", "gtin": "6901234567892"},
    )
    made = cast.farm.record("produce", outputs=[cast.output(product, "100", lot_number="L-7", external_codes=[OTHER])])
    return made["outputs"][0], product


OTHER = {"scheme": "浙农码", "value": "ZN0007"}


def test_what_a_code_names(cast: Cast) -> None:
    output, _ = harvest(cast)
    for code, kind, subject in (
        (cast.stall.site["code"], "site", cast.stall.site["id"]),
        (cast.stall.party["code"], "party", cast.stall.party["id"]),
        (output["code"], "custody", output["custody_id"]),
        (output["lot_code"], "lot", output["lot_id"]),
    ):
        told = cast.lab.get(f"/codes/{codes.grouped(code).lower()}").json()
        assert told.items() >= {
            "code": code, "kind": kind, "subject_id": subject, "status": "active", "reason": None,
            "replacement": None, "revoked_at": None, "url": f"https://food.example.cn/c/{code}",
        }.items()  # fmt: skip
    assert cast.public.get(f"/codes/{cast.stall.site['code']}").status_code == 401


def test_mistyped_and_unknown_are_two_things(cast: Cast) -> None:
    code = cast.stall.site["code"]
    swapped = next(code[:i] + code[i + 1] + code[i] + code[i + 2 :] for i in range(2, 16) if code[i] != code[i + 1])
    mistyped = cast.stall.get(f"/codes/{swapped}")
    assert (mistyped.status_code, mistyped.json()["type"]) == (400, "/problems/mistyped-code")
    assert code in mistyped.json()["detail"]
    unknown = cast.stall.get(f"/codes/{codes.mint(codes.CodeKind.LOT)}")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/unknown-code")
    unit = codes.unit_code(b"x" * 32, 1, 1)
    assert cast.stall.get(f"/codes/{unit}").status_code == 404
    forged = codes.receipt_code(b"x" * 32, codes.receipt_id(7, 1, 1))
    assert cast.stall.get(f"/codes/{forged}").json()["type"] == "/problems/not-authentic"
    assert revoke(cast.admin, unit).status_code == 404
    assert revoke(cast.admin, "S1").status_code == 400


def test_a_revoked_code_leads_to_its_replacement(cast: Cast) -> None:
    old = cast.stall.site["code"]
    done = revoke(cast.stall, old, replace=True).json()
    new = done["replacement"]
    assert (done["status"], done["reason"]) == ("revoked", "标牌遗失")
    assert cast.stall.get(f"/codes/{old}").json() == done
    assert cast.stall.get(f"/codes/{new}").json().items() >= {"status": "active", "replacement": None}.items()
    assert cast.stall.get(f"/sites/{cast.stall.site['id']}").json()["code"] == new
    # Again changes nothing, and never mints a third.
    assert revoke(cast.stall, old, replace=True).json() == done
    assert revoke(cast.stall, old).json() == done
    # The history of the site goes on over the change.
    assert cast.market.patch(f"/sites/{cast.stall.site['id']}", {"name": "新名"}).json()["version"] == 3


def test_a_code_revoked_for_good_may_get_its_replacement_later(cast: Cast) -> None:
    code = cast.stall.party["code"]
    assert revoke(cast.market, code).json()["replacement"] is None
    done = revoke(cast.market, code, replace=True).json()
    assert cast.stall.get(f"/parties/{cast.stall.party['id']}").json()["code"] == done["replacement"]


@pytest.mark.parametrize("thing", ["site", "party", "custody", "lot"])
def test_two_who_replace_a_code_at_once_agree(cast: Cast, service: Service, thing: str) -> None:
    """Two processes on PostgreSQL: the second waits for the first. SQLite has one writer at a time."""
    output, _ = harvest(cast)
    old = {
        "site": cast.farm.site["code"], "party": cast.farm.party["code"], "custody": output["code"],
        "lot": output["lot_code"],
    }[thing]  # fmt: skip
    command = Revoke(OPERATOR, old, "标牌遗失", True)
    told: list[Any] = []

    def replace_it(name: str) -> None:
        with writing(service.engine) as connection:
            told.extend(revoke_codes(Transaction(connection, datetime.now(UTC)), [command]))
            if name == "first":
                other.start()
                time.sleep(0.2)  # the other is under way now

    other = Thread(target=replace_it, args=("second",))
    replace_it("first")
    other.join()
    assert len(told) == 2
    assert len({issued.replacement for issued in told}) == 1, told
    new = told[0].replacement
    kind = codes.parse(old).kind
    with reading(service.engine) as snapshot:
        statement = select(tables.code.c.code).where(
            tables.code.c.subject_id == UUID(cast.admin.get(f"/codes/{old}").json()["subject_id"]),
            tables.code.c.kind == kind, tables.code.c.status == "active",
        )  # fmt: skip
        assert list(snapshot.scalars(statement)) == [new]


def test_the_code_of_a_voided_batch_has_no_successor(cast: Cast) -> None:
    output, _ = harvest(cast)
    [event] = cast.farm.get("/events").json()["items"]
    cast.farm.record("correct", event_id=event["id"], reason="did_not_occur")
    refused = revoke(cast.farm, output["code"], replace=True)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/voided-custody")
    assert revoke(cast.farm, output["code"]).json()["replacement"] is None


def test_codes_of_goods(cast: Cast) -> None:
    output, _ = harvest(cast)
    batch = revoke(cast.farm, output["code"], replace=True).json()["replacement"]
    lot = revoke(cast.farm, output["lot_code"], replace=True).json()["replacement"]
    assert cast.farm.get(f"/codes/{batch}").json()["subject_id"] == output["custody_id"]
    assert {match["code"] for match in look(cast, "ZN0007")} <= {batch, lot}
    shipped = cast.farm.record("ship", items=[cast.item(output, "10")], to_site_id=cast.stall.site["id"])
    refused = revoke(cast.farm, shipped["slip_code"], replace=True)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/no-replacement")
    assert revoke(cast.farm, shipped["slip_code"]).json()["kind"] == "slip"


def test_whose_codes_one_revokes(cast: Cast) -> None:
    output, _ = harvest(cast)
    shipped = cast.farm.record("ship", items=[cast.item(output, "10")], to_site_id=cast.stall.site["id"])
    for code in (output["code"], output["lot_code"], shipped["slip_code"], cast.farm.party["code"]):
        for actor in (cast.stall, cast.market, cast.lab, cast.other_regulator):
            assert revoke(actor, code).status_code == 403
    for actor in (cast.other_stall, cast.lab, cast.farm):
        assert revoke(actor, cast.stall.site["code"]).status_code == 403
    device = cast.market.made("/devices", {"site_id": cast.stall.site["id"], "name": "秤", "kind": "scale"})
    assert revoke(cast.key("device", device_id=device["id"]), cast.stall.site["code"]).status_code == 403
    assert revoke(cast.public, cast.stall.site["code"]).status_code == 401
    assert revoke(cast.regulator, cast.farm.party["code"]).status_code == 200
    assert revoke(cast.admin, output["lot_code"]).status_code == 200
    assert cast.admin.post(f"/codes/{output['code']}/revoke", {"reason": " "}).status_code == 422


def test_a_unit_is_revoked_by_who_ordered_it_and_never_replaced(cast: Cast, service: Service) -> None:
    output = cast.farm.record("produce", outputs=[cast.output(cast.product("白菜"), "1")])["outputs"][0]
    job = cast.farm.made("/code-jobs", {"ref": "1", "lot_id": output["lot_id"], "count": 5})
    unit = codes.unit_code(codes.unit_secret(service.master, job["number"]), job["number"], 5)
    told = cast.stall.get(f"/codes/{unit}").json()
    assert (told["kind"], told["subject_id"], told["status"]) == ("unit", output["lot_id"], "inactive")
    assert revoke(cast.stall, unit).json()["type"] == "/problems/unknown-code-job"
    assert revoke(cast.farm, unit, replace=True).json()["type"] == "/problems/no-replacement"
    done = revoke(cast.farm, unit).json()
    assert (done["kind"], done["status"], done["reason"]) == ("unit", "revoked", "标牌遗失")
    assert revoke(cast.admin, unit).json()["revoked_at"] == done["revoked_at"]
    assert look(cast, unit)[0]["kind"] == "unit"
    never = codes.unit_code(codes.unit_secret(service.master, job["number"]), job["number"], 6)
    assert cast.farm.get(f"/codes/{never}").json()["type"] == "/problems/unknown-code"
    cast.farm.post(f"/code-jobs/{job['id']}/activate", {"from": 1, "to": 4})
    assert cast.farm.get(f"/codes/{unit}").json()["status"] == "revoked"


def test_two_lots_of_one_harvest_are_their_maker_s(cast: Cast) -> None:
    product = cast.product("番茄")
    outputs = [cast.output(product, "1", lot_number=number) for number in ("A", "B")]
    for output in cast.farm.record("produce", outputs=outputs)["outputs"]:
        assert revoke(cast.farm, output["lot_code"]).status_code == 200


class TestLookup:
    def test_by_code_and_pasted_url(self, cast: Cast) -> None:
        code = cast.stall.site["code"]
        match = {
            "code": code,
            "url": f"https://food.example.cn/c/{code}",
            "kind": "site",
            "title": "一号摊经营户",
        }
        for text in (code, code.lower(), codes.grouped(code), f"https://old.example.cn/c/{code}?lang=en",
                     f"HTTPS://FOOD.EXAMPLE.CN/C/{code}", f" {code} "):  # fmt: skip
            assert look(cast, text) == [match]
        assert look(cast, cast.stall.party["code"])[0]["kind"] == "party"

    def test_by_barcode(self, cast: Cast) -> None:
        output, _ = harvest(cast)
        wanted = [{"kind": "lot", "code": output["lot_code"], "title": "小青菜 L-7"}]
        scanned = "]C1010690123456789210L-7", "]E06901234567892", "0106901234567892", "]d210L-7\u241d0106901234567892"
        for text in ("6901234567892", "06901234567892", "https://id.example.cn/01/06901234567892/10/L-7", *scanned):
            assert [{key: match[key] for key in ("kind", "code", "title")} for match in look(cast, text)] == wanted
        sent = cast.client.get("/lookup", params={"q": scanned[3].replace("\u241d", "\x1d")}).json()
        assert (sent["query"], sent["matches"]) == (scanned[3], look(cast, scanned[3]))
        assert look(cast, "6901234567890") == []
        assert look(cast, "6920152400777") == []

    def test_by_a_message_that_has_our_address_in_it(self, cast: Cast) -> None:
        output, _ = harvest(cast)
        code = output["code"]
        text = cast.client.get(f"/c/{code}?lang=zh", headers={"Accept": "text/plain"}).text
        address = f"https://food.example.cn/c/{code}"
        for around in ("快看看 {} 哪来的", "{}，这家的", "{}\n一码", "{}/reports", text.replace(address, "{}")):
            message = around.format(address)
            assert [match["code"] for match in look(cast, message)] == [code], message
        grouped = f"https://food.example.cn/c/{codes.grouped(code).lower()}?lang=en#way"
        assert [match["code"] for match in look(cast, grouped)] == [code]

    def test_by_another_system_s_code(self, cast: Cast) -> None:
        harvest(cast)
        assert {match["title"] for match in look(cast, "ZN0007")} == {"小青菜 L-7"}
        party = cast.admin.made(
            "/parties", {"name": "老字号", "kind": "processor", "external_codes": [{"scheme": "旧", "value": "A-1"}]}
        )
        site = cast.admin.made(
            "/sites",
            {
                "party_id": party["id"],
                "name": "老店",
                "kind": "shop",
                "external_codes": [{"scheme": "旧", "value": "A-1"}],
            },
        )
        assert {match["code"] for match in look(cast, "A-1")} == {party["code"], site["code"]}

    def test_goods_slips_and_receipts(self, cast: Cast) -> None:
        output, _ = harvest(cast)
        assert look(cast, output["code"])[0].items() >= {"kind": "custody", "title": "小青菜 L-7"}.items()
        assert look(cast, output["lot_code"])[0].items() >= {"kind": "lot", "title": "小青菜 L-7"}.items()
        shipped = cast.farm.record("ship", items=[{"custody_id": output["custody_id"], "quantity": quantity("1")}])
        assert look(cast, shipped["slip_code"])[0]["kind"] == "slip"
        device = cast.stall.made("/devices", {"site_id": cast.stall.site["id"], "name": "秤", "kind": "scale"})
        scale = cast.public.post("/devices/activate", {"activation_code": device["activation_code"]}).json()
        secret = bytes.fromhex(scale["receipt_secret"])
        receipt = codes.receipt_code(secret, codes.receipt_id(scale["device_number"], 1, 5))
        assert look(cast, codes.grouped(receipt))[0].items() >= {"kind": "receipt", "code": receipt}.items()
        assert look(cast, codes.receipt_code(b"x" * 32, codes.receipt_id(scale["device_number"], 1, 5))) == []

    def test_what_is_nothing(self, cast: Cast) -> None:
        for text in ("青菜", "123", "S", "https://example.cn/", codes.mint(codes.CodeKind.SITE)):
            assert look(cast, text) == []

    def test_what_was_mistyped(self, cast: Cast) -> None:
        code = cast.stall.site["code"]
        wrong = code[:-1] + ("0" if code[-1] != "0" else "2")
        for text in (wrong, codes.grouped(code)[:-1] + wrong[-1], f"https://food.example.cn/c/{wrong}", "x.cn/c/short"):
            answer = cast.client.get("/lookup", params={"q": text})
            assert (answer.status_code, answer.json()["type"]) == (400, "/problems/mistyped-code"), text
        for query in ("", "q=", "q=%00", f"q={'x' * 501}"):
            assert cast.client.get(f"/lookup?{query}").status_code == 400
