"""Forms and their ids, warnings, and how history grows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import ids, masters
from app.domain.errors import Invalid
from app.domain.rights import Principal, Role, judges, owns_party, region_prefix
from app.domain.rows import Party, Product

DAY = datetime(2026, 3, 1, tzinfo=UTC)
OFFICE = uuid4()


def product(version: int = 1, day: int = 0, **fields: object) -> Product:
    row = Product(
        id=UUID(int=1), name="小青菜", category="vegetables", gtin=None, measure="weight", grams_per_piece=None,
        shelf_life_days=3, external_codes=[], enrolled_by=OFFICE, version=version,
        valid_from=DAY + timedelta(days=day), record_time=DAY,
    )  # fmt: skip
    return replace(row, **fields)  # type: ignore[arg-type]


def at(history: list[Product], day: float) -> Product:
    """What the store's rule gives: the last written of the versions valid from then or earlier."""
    valid = [row for row in history if row.valid_from <= DAY + timedelta(days=day)]
    return (valid or history[:1])[-1]


class TestNames:
    def test_the_same_form_from_the_same_office_is_the_same_row(self) -> None:
        form = {"name": "甲", "credit_code": None, "contact": {"phone": "1"}}
        again = {"contact": {"phone": "1"}, "credit_code": None, "name": "甲"}
        assert masters.form_id("party", OFFICE, form) == masters.form_id("party", OFFICE, again)

    def test_another_form_office_or_kind_is_another_row(self) -> None:
        form = {"name": "甲", "credit_code": None}
        names = {
            masters.form_id("party", OFFICE, form),
            masters.form_id("party", uuid4(), form),
            masters.form_id("site", OFFICE, form),
            masters.form_id("party", OFFICE, {**form, "name": "乙"}),
        }
        assert len(names) == 4

    def test_a_firm_is_one_party_whoever_enrols_it(self) -> None:
        form = {"name": "甲", "credit_code": "91330106MA27XXXX1A"}
        assert masters.form_id("party", uuid4(), form) == ids.firm_id("91330106MA27XXXX1A")


class TestChecks:
    def test_a_failed_check_digit_is_a_warning(self) -> None:
        licences = [{"scheme": "SC", "number": "SC10633019702613"}, {"scheme": "JY", "number": "JY11101050363440"}]
        (warning,) = masters.check_party({"licences": licences}, strict=False)
        assert (warning["slug"], warning["pointer"]) == ("jy-check", "/licences/1/number")
        assert " · " in warning["detail"]

    def test_and_an_error_where_the_operator_wants_it(self) -> None:
        with pytest.raises(Invalid) as caught:
            masters.check_party({"licences": [{"scheme": "JY", "number": "JY11101050363440"}]}, strict=True)
        assert caught.value.errors[0][0] == "/licences/0/number"

    def test_every_fault_is_named_at_once(self) -> None:
        with pytest.raises(Invalid) as caught:
            masters.check_party({"region": "990000", "credit_code": "123"}, strict=False)
        assert [pointer for pointer, _ in caught.value.errors] == ["/region", "/credit_code"]

    @pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Asia", "a\0b"])
    def test_a_time_zone_that_is_none(self, zone: str) -> None:
        with pytest.raises(Invalid) as caught:
            masters.check_site({"time_zone": zone})
        assert caught.value.slug == "time-zone"

    def test_a_site(self) -> None:
        masters.check_site({"time_zone": "Asia/Urumqi", "region": "330106", "gln": "6901234567892"})
        with pytest.raises(Invalid) as caught:
            masters.check_site({"region": "3301", "gln": "6901234567890"})
        assert [pointer for pointer, _ in caught.value.errors] == ["/region", "/gln"]

    def test_a_product(self) -> None:
        masters.check_product({"gtin": None})
        masters.check_product({"gtin": "2012345678903"})  # in-store: a warning, and products have none to show
        with pytest.raises(Invalid):
            masters.check_product({"gtin": "6901234567890"})


class TestHistory:
    def test_a_change_now_is_one_more_version(self) -> None:
        history = [product()]
        (added,) = masters.amended(history, {"name": "大青菜"}, DAY + timedelta(days=5))
        assert (added.version, added.name) == (2, "大青菜")
        history.append(added)
        assert [at(history, day).name for day in (-1, 0, 4, 5, 9)] == ["小青菜"] * 3 + ["大青菜"] * 2

    def test_a_back_dated_change_is_written_through_to_later_versions(self) -> None:
        history = [product(), product(2, 10, name="大青菜")]
        history += masters.amended(history, {"shelf_life_days": 5}, DAY + timedelta(days=4))
        assert [row.version for row in history] == [1, 2, 3, 4]
        assert [(at(history, d).name, at(history, d).shelf_life_days) for d in (3, 4, 9, 10, 20)] == [
            ("小青菜", 3), ("小青菜", 5), ("小青菜", 5), ("大青菜", 5), ("大青菜", 5),
        ]  # fmt: skip

    def test_up_to_the_version_that_changed_the_same_field(self) -> None:
        history = [product(), product(2, 10, name="大青菜"), product(3, 20, name="大青菜", shelf_life_days=9)]
        history += masters.amended(history, {"name": "上海青", "shelf_life_days": 5}, DAY + timedelta(days=4))
        assert [(at(history, d).name, at(history, d).shelf_life_days) for d in (0, 4, 10, 20)] == [
            ("小青菜", 3), ("上海青", 5), ("大青菜", 5), ("大青菜", 9),
        ]  # fmt: skip

    def test_before_the_enrolment_it_was_what_it_was_enrolled_as(self) -> None:
        history = [product()]
        history += masters.amended(history, {"name": "上海青"}, DAY - timedelta(days=30))
        assert [row.version for row in history] == [1, 2, 3]
        assert [at(history, d).name for d in (-40, -30, 0, 1)] == ["小青菜", "上海青", "上海青", "上海青"]

    @given(st.lists(st.tuples(st.integers(-5, 5), st.sampled_from(["name", "category"]), st.text("ab", max_size=2))))
    def test_versions_are_numbered_and_the_last_written_is_the_present(
        self, changes: list[tuple[int, str, str]]
    ) -> None:
        history = [product()]
        for day, field, value in changes:
            before = {d: at(history, d) for d in range(-6, 7)}
            history += masters.amended(history, {field: value}, DAY + timedelta(days=day))
            assert getattr(at(history, day), field) == value
            # What was before the change, and every other field, is as it was.
            other = "category" if field == "name" else "name"
            for d, row in before.items():
                assert getattr(at(history, d), other) == getattr(row, other)
                if -5 <= d < day and d >= 0:
                    assert getattr(at(history, d), field) == getattr(row, field)
        assert [row.version for row in history] == list(range(1, len(history) + 1))
        assert at(history, 100) is history[-1]


class TestRights:
    party = Party(
        UUID(int=1), "P", "甲", "vendor", "330106", None, [], None, [], "active", None, [], UUID(int=2), 1, DAY, DAY
    )

    def who(self, role: Role, party: int | None = None, region: str | None = None) -> Principal:
        return Principal(uuid4(), role, UUID(int=party) if party else None, region, None, None)

    @pytest.mark.parametrize(
        ("role", "party", "region", "markets", "owned"),
        [
            (Role.ADMIN, None, None, (), True),
            (Role.REGULATOR, None, "3301", (), True),
            (Role.REGULATOR, None, "3302", (), False),
            (Role.REGULATOR, None, None, (), False),
            (Role.MARKET, 1, None, (), True),
            (Role.MARKET, 2, None, (), True),
            (Role.MARKET, 3, None, (3,), True),
            (Role.MARKET, 3, None, (4,), False),
            (Role.VENDOR, 1, None, (), True),
            (Role.PRODUCER, 2, None, (), False),
            (Role.LAB, 3, None, (3,), False),
            (Role.DEVICE, None, None, (), False),
        ],
    )
    def test_whose_a_party_is(
        self, role: Role, party: int | None, region: str | None, markets: tuple[int, ...], owned: bool
    ) -> None:
        assert owns_party(self.who(role, party, region), self.party, {UUID(int=m) for m in markets}) is owned

    def test_nobody_judges_itself(self) -> None:
        assert judges(self.who(Role.MARKET, 3), UUID(int=1))
        assert not judges(self.who(Role.MARKET, 1), UUID(int=1))
        assert not judges(self.who(Role.VENDOR, 1), UUID(int=1))
        assert judges(self.who(Role.REGULATOR, None, "33"), UUID(int=1))

    @pytest.mark.parametrize(
        ("given", "prefix"), [("330100", "3301"), ("330000", "33"), ("330106", "330106"), ("33", "33"), ("00", "00")]
    )
    def test_a_region_and_its_prefix(self, given: str, prefix: str) -> None:
        assert region_prefix(given) == prefix


def test_a_gtin_is_one_product_whoever_enrolled_it() -> None:
    def product(gtin: str | None) -> Product:
        now = datetime(2026, 3, 1, tzinfo=UTC)
        return Product(uuid4(), "x", "other", gtin, "weight", None, None, [], None, 1, now, now)

    milk = product("6901234567892")
    assert masters.same_product(milk, milk)
    assert masters.same_product(milk, product("06901234567892"))
    assert not masters.same_product(milk, product("6901234567885"))
    assert not masters.same_product(milk, product(None))
    assert not masters.same_product(product(None), product(None))
    # 20 to 29 are numbers that a shop gives for itself.
    assert not masters.same_product(product("2012345678900"), product("2012345678900"))
