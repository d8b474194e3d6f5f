"""/api/v1/parties."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from app.store import master
from app.store.engine import reading
from app.store.errors import StoreUnavailable
from app.web.service import Service
from tests.support.cast import Cast, ago

FIRM = "91330106MA2KC5DA0Q"


def form(**fields: Any) -> dict[str, Any]:
    return {"name": "三号摊经营户", "kind": "vendor", "region": "330106", **fields}


def test_enrolled_and_read_back_with_every_field(cast: Cast) -> None:
    given = form(
        contact={"phone": "0571-1"},
        licences=[{"scheme": "SC", "number": "SC10633019702613", "expires_on": "2027-01-31"}],
        external_codes=[{"scheme": "浙农码", "value": "ZN-1"}],
    )
    made = cast.market.post("/parties", given)
    assert made.status_code == 201
    body = made.json()
    assert body.items() >= {
        "name": "三号摊经营户", "credit_code": None, "status": "pending", "status_reason": None, "warnings": [],
        "contact": {"name": None, "phone": "0571-1"}, "version": 1,
    }.items()  # fmt: skip
    assert body["code"].startswith("P")
    assert made.headers["location"] == f"/api/v1/parties/{body['id']}"
    assert cast.market.get(f"/parties/{body['id']}").json() == body
    assert cast.market.get(f"/codes/{body['code']}").json()["subject_id"] == body["id"]


def test_the_same_form_again_is_the_same_party(cast: Cast) -> None:
    first = cast.market.made("/parties", form())
    again = cast.market.post("/parties", form(licences=[], contact=None))
    assert (again.status_code, again.json()) == (200, first)
    other_office = cast.admin.made("/parties", form())
    assert other_office["id"] != first["id"]
    # Also after it was changed: the form is what was enrolled, not what became of it.
    cast.market.patch(f"/parties/{first['id']}", {"name": "四号摊经营户"})
    assert cast.market.post("/parties", form()).json()["name"] == "四号摊经营户"


def test_a_firm_is_one_party_whoever_enrols_it(cast: Cast) -> None:
    first = cast.market.made("/parties", form(credit_code=f" {FIRM.lower()} "))
    assert first["credit_code"] == FIRM
    assert cast.admin.post("/parties", form(credit_code=FIRM)).status_code == 200
    other = cast.admin.post("/parties", form(credit_code=FIRM, name="别的名字"))
    assert other.status_code == 409
    assert other.json()["type"] == "/problems/party-exists"
    assert first["id"] in other.json()["detail"]
    holder = cast.admin.made("/parties", form(name="后来有证"))
    taken = cast.admin.patch(f"/parties/{holder['id']}", {"credit_code": FIRM})
    assert taken.status_code == 409
    assert cast.admin.patch(f"/parties/{first['id']}", {"credit_code": FIRM}).status_code == 200


def test_numbers_with_a_failed_check_digit_are_warned_of(cast: Cast) -> None:
    body = cast.admin.made("/parties", form(licences=[{"scheme": "JY", "number": "JY11101050363440"}]))
    assert [warning["slug"] for warning in body["warnings"]] == ["jy-check"]
    mended = cast.admin.patch(f"/parties/{body['id']}", {"licences": []}).json()
    assert (mended["warnings"], mended["licences"]) == ([], [])
    wrong = cast.admin.patch(f"/parties/{body['id']}", {"region": "12"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/region")


def test_strict_identifiers_are_refused(cast: Cast, service: Service) -> None:
    strict = service.settings.model_copy(update={"strict_identifiers": True})
    object.__setattr__(service, "settings", strict)
    answer = cast.admin.post("/parties", form(licences=[{"scheme": "JY", "number": "JY11101050363440"}]))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/jy-check")


class TestRights:
    def test_who_does_not_enrol_parties(self, cast: Cast) -> None:
        for actor in (cast.stall, cast.farm, cast.lab):
            assert actor.post("/parties", form()).status_code == 403
        for answer in (
            cast.public.post("/parties", form()),
            cast.public.get("/parties"),
            cast.public.get(f"/parties/{cast.market.party['id']}"),
            cast.public.patch(f"/parties/{cast.market.party['id']}", {}),
        ):
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")

    def test_who_reads_whom(self, cast: Cast) -> None:
        def seen(actor: Any) -> set[str]:
            items = actor.get("/parties").json()["items"]
            for item in items:
                assert actor.get(f"/parties/{item['id']}").status_code == 200
            return {item["name"] for item in items}

        assert seen(cast.admin) >= {"城西农贸市场", "河东蔬菜合作社", "市检测中心"}
        assert seen(cast.market) == {"城西农贸市场", "一号摊经营户", "二号摊经营户"}
        assert seen(cast.stall) == {"一号摊经营户"}
        assert seen(cast.lab) == {"市检测中心"}
        assert "河东蔬菜合作社" in seen(cast.regulator)
        assert seen(cast.other_regulator) == set()
        assert cast.stall.get(f"/parties/{cast.other_stall.party['id']}").status_code == 404
        assert cast.stall.patch(f"/parties/{cast.market.party['id']}", {"name": "我的"}).status_code == 404

    def test_a_market_reads_what_it_enrolled_before_a_stall_is_given(self, cast: Cast) -> None:
        party = cast.market.made("/parties", form())
        assert party["id"] in {item["id"] for item in cast.market.get("/parties").json()["items"]}

    def test_a_regulator_enrols_in_its_region(self, cast: Cast) -> None:
        assert cast.regulator.made("/parties", form(status="active"))["status"] == "active"
        assert cast.regulator.post("/parties", form(region="330203")).status_code == 403
        assert cast.regulator.post("/parties", form(region=None)).status_code == 403

    def test_status_is_set_by_those_above(self, cast: Cast) -> None:
        path = f"/parties/{cast.stall.party['id']}"
        assert cast.stall.patch(path, {"status": "active"}).status_code == 403
        assert cast.market.patch(f"/parties/{cast.market.party['id']}", {"status": "active"}).status_code == 403
        locked = cast.market.patch(path, {"status": "locked", "status_reason": "证照过期"}).json()
        assert (locked["status"], locked["status_reason"]) == ("locked", "证照过期")
        freed = cast.regulator.patch(path, {"status": "active"}).json()
        assert (freed["status"], freed["status_reason"]) == ("active", None)
        assert cast.regulator.patch(path, {"name": "别名"}).status_code == 403
        assert cast.other_regulator.patch(path, {"status": "locked"}).status_code == 404

    def test_a_party_keeps_its_own_contact(self, cast: Cast) -> None:
        path = f"/parties/{cast.stall.party['id']}"
        changed = cast.stall.patch(path, {"contact": {"name": "店主", "phone": "1"}})
        assert changed.json()["contact"] == {"name": "店主", "phone": "1"}
        assert cast.stall.patch(path, {"contact": None}).json()["contact"] is None


class TestChanges:
    def test_only_given_fields_change_and_each_change_is_a_version(self, cast: Cast) -> None:
        before = cast.stall.party
        path = f"/parties/{before['id']}"
        after = cast.stall.patch(path, {"name": "新招牌"}).json()
        assert after == {
            **before,
            "name": "新招牌",
            "version": before["version"] + 1,
            "valid_from": after["valid_from"],
        }
        same = cast.stall.patch(path, {"name": "新招牌"})
        assert (same.status_code, same.json()) == (200, after)
        assert cast.stall.patch(path, {}).json() == after

    def test_what_it_was(self, cast: Cast) -> None:
        path = f"/parties/{cast.stall.party['id']}"
        enrolled = cast.stall.party["name"]
        cast.stall.patch(path, {"name": "新招牌", "valid_from": ago(days=10)})
        assert cast.stall.get(path).json()["name"] == "新招牌"
        assert cast.stall.get(path, params={"at": ago(days=9)}).json()["name"] == "新招牌"
        assert cast.stall.get(path, params={"at": ago(days=11)}).json()["name"] == enrolled
        assert cast.stall.get(f"{path}?at={quote(ago(days=11))}").json()["name"] == enrolled
        assert cast.stall.get(path, params={"at": "yesterday"}).status_code == 400
        assert cast.stall.get(path, params={"at": "2026-01-01T00:00:00"}).status_code == 400
        assert cast.stall.get(path, params={"at": "1700000000"}).status_code == 400

    def test_a_change_lies_not_ahead(self, cast: Cast) -> None:
        path = f"/parties/{cast.stall.party['id']}"
        ahead = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        assert (
            cast.stall.patch(path, {"name": "x", "valid_from": ahead}).json()["type"] == "/problems/valid-from-future"
        )
        skewed = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
        assert cast.stall.patch(path, {"name": "x", "valid_from": skewed}).status_code == 200

    def test_the_kind_is_for_ever(self, cast: Cast) -> None:
        path = f"/parties/{cast.stall.party['id']}"
        assert cast.stall.patch(path, {"kind": "vendor"}).status_code == 200
        answer = cast.stall.patch(path, {"kind": "caterer"})
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/enrol-anew")

    @pytest.mark.parametrize(
        "body", [{"name": None}, {"licences": None}, {"code": "P1"}, {"id": "x"}, {"status": "dead"}]
    )
    def test_what_cannot_be_given(self, cast: Cast, body: dict[str, Any]) -> None:
        assert cast.admin.patch(f"/parties/{cast.stall.party['id']}", body).status_code == 422

    def test_other_names_follow(self, cast: Cast) -> None:
        party = cast.admin.made("/parties", form(external_codes=[{"scheme": "旧", "value": "OLD-1"}]))
        answer = cast.public.client.get("/lookup", params={"q": "OLD-1"})
        assert [match["code"] for match in answer.json()["matches"]] == [party["code"]]
        cast.admin.patch(f"/parties/{party['id']}", {"external_codes": [{"scheme": "新", "value": "NEW-1"}]})
        assert cast.public.client.get("/lookup", params={"q": "OLD-1"}).json()["matches"] == []
        assert len(cast.public.client.get("/lookup", params={"q": "NEW-1"}).json()["matches"]) == 1


class TestLists:
    def test_pages(self, cast: Cast) -> None:
        whole = cast.admin.get("/parties").json()
        assert whole["next"] is None
        collected, cursor = [], None
        while True:
            query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
            page = cast.admin.get("/parties", params=query).json()
            assert len(page["items"]) <= 2
            collected += page["items"]
            cursor = page["next"]
            if cursor is None:
                break
        assert collected == whole["items"]

        for query in ("limit=0", "limit=501", "limit=x", "cursor=!", "cursor=AAAA", "cursor=%00"):
            assert cast.admin.get(f"/parties?{query}").status_code == 400


class TestBatch:
    def lines(self, *forms: Any) -> bytes:
        return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in forms)

    def post(self, cast: Cast, content: bytes) -> list[dict[str, Any]]:
        answer = cast.market.request(
            "POST", "/parties/batch", content=content, headers={"Content-Type": "application/x-ndjson"}
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        return [json.loads(line) for line in answer.text.splitlines()]

    def test_one_outcome_a_line(self, cast: Cast) -> None:
        there = cast.market.made("/parties", form(credit_code=FIRM))
        *outcomes, summary = self.post(
            cast,
            self.lines(form(name="甲"), form(name="甲"), form(credit_code=FIRM, name="乙"), form(kind="thief"))
            + b"{broken\n\n"
            + b"x" * 1_000_001
            + b"\n"
            + self.lines(form(name="丙", region="99")),
        )
        assert [(one["line"], one["status"]) for one in outcomes] == [
            (1, "recorded"), (2, "duplicate"), (3, "conflict"), (4, "rejected"),
            (5, "rejected"), (7, "rejected"), (8, "rejected"),
        ]  # fmt: skip
        assert outcomes[0]["id"] == outcomes[1]["id"]
        assert outcomes[0]["code"].startswith("P")
        assert outcomes[2]["id"] == there["id"]
        assert [one["problem"] and one["problem"]["status"] for one in outcomes] == [
            None, None, 409, 422, 400, 413, 422,
        ]  # fmt: skip
        assert outcomes[3]["problem"]["errors"][0]["pointer"] == "/kind"
        assert summary == {"summary": {"recorded": 1, "duplicate": 1, "conflict": 1, "rejected": 4}}

    def test_thousands_in_one_request(self, cast: Cast) -> None:
        *outcomes, summary = self.post(cast, self.lines(*(form(name=f"摊贩 {i}") for i in range(2_000))))
        assert summary["summary"]["recorded"] == 2_000
        assert len({one["code"] for one in outcomes}) == 2_000
        *_, again = self.post(cast, self.lines(*(form(name=f"摊贩 {i}") for i in range(2_000))))
        assert again["summary"] == {"recorded": 0, "duplicate": 2_000, "conflict": 0, "rejected": 0}

    def test_a_lost_database_answers_as_a_whole(
        self, cast: Cast, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def lost(*_: object) -> list[Exception]:
            return [StoreUnavailable("gone")]

        monkeypatch.setattr(type(service.writer), "settle", lost)
        answer = cast.market.request(
            "POST", "/parties/batch", content=self.lines(form()), headers={"Content-Type": "application/x-ndjson"}
        )
        assert answer.status_code == 503

    def test_who_may_not_gets_a_refusal_a_line(self, cast: Cast) -> None:
        answer = cast.stall.request(
            "POST", "/parties/batch", content=self.lines(form()), headers={"Content-Type": "application/x-ndjson"}
        )
        assert json.loads(answer.text.splitlines()[0])["problem"]["status"] == 403

        assert self.post(cast, b"\n") == [{"summary": {"recorded": 0, "duplicate": 0, "conflict": 0, "rejected": 0}}]

        assert cast.market.post("/parties/batch", [form()]).status_code == 415


def test_versions_for_many_at_once(cast: Cast, service: Service) -> None:
    party = UUID(cast.stall.party["id"])
    cast.stall.patch(f"/parties/{party}", {"name": "新招牌"})
    now, old = datetime.now(UTC), datetime(2020, 1, 1, tzinfo=UTC)
    with reading(service.engine) as snapshot:
        found = master.versions_at(snapshot, [(party, now), (party, old), (uuid4(), now)])
    assert {instant: row.name for (_, instant), row in found.items()} == {now: "新招牌", old: "一号摊经营户"}
