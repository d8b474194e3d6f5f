"""Event kinds and their forms: what each carries, and what it must not."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from app.domain import events
from app.domain.deciding import content_hash
from app.domain.forms import (
    ITEMS,
    Counted,
    CountItem,
    Entered,
    InputUsed,
    Item,
    Output,
    Outside,
    OutsideItem,
    Reading,
    SaleLine,
    SlipPart,
)

A, B = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 3, 1, 6, 30, tzinfo=timezone(timedelta(hours=8)))
ONE = Entered("1", "kg")
MADE = Output(product_id=A, quantity=ONE, produced_on=date(2026, 3, 1))
ITEM = Item(custody_id=A, quantity=ONE)
COMMON: dict[str, Any] = {"event_time": NOW, "ref": "r"}


def reading(**changes: Any) -> Reading:
    return replace(Reading(type="temperature", value="-18.2", unit="℃", time=NOW), **changes)


def produce(**changes: Any) -> events.Produce:
    return replace(events.Produce(kind="produce", **COMMON, site_id=A, outputs=(MADE,)), **changes)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Entered("x", "kg"),
        lambda: Entered("0", "kg"),
        lambda: Counted(value="-1", unit="kg"),
        lambda: replace(MADE, produced_on=date(1999, 12, 31)),
        lambda: replace(MADE, expires_on=date(2101, 1, 1)),
        lambda: replace(MADE, expires_on=date(2026, 2, 28)),
        lambda: replace(MADE, lot_number="x" * 201),
        lambda: OutsideItem(product_id=A, quantity=ONE, lot_number="x" * 201),
        lambda: OutsideItem(product_id=A, quantity=ONE, produced_on=date(2026, 1, 2), expires_on=date(2026, 1, 1)),
        lambda: InputUsed(kind="feed", name="x", used_on=date(2026, 1, 2), withdrawal_until=date(2026, 1, 1)),
        lambda: InputUsed(kind="feed", name="x", used_on=date(1999, 1, 1)),
        lambda: Outside(name="  "),
        lambda: reading(type=" "),
        lambda: reading(type="x" * 41),
        lambda: reading(unit="x" * 41),
        lambda: reading(value="1e3"),
        lambda: reading(value="١"),
        lambda: reading(time=NOW.replace(tzinfo=None)),
        lambda: reading(time=NOW.replace(year=1999)),
        lambda: events.Observe(kind="observe", **COMMON, custody_id=A, readings=()),
        lambda: events.Observe(kind="observe", **COMMON, readings=(reading(),)),
        lambda: SaleLine(quantity=ONE),
        lambda: SaleLine(quantity=ONE, custody_id=A, amount_fen=-(10**11) - 1),
        lambda: produce(event_time=NOW.replace(tzinfo=None)),
        lambda: produce(event_time=NOW.replace(year=1999)),
        lambda: produce(event_time=NOW.replace(year=2101)),
        lambda: produce(ref=""),
        lambda: produce(ref="x" * 201),
        lambda: produce(outputs=()),
        lambda: produce(outputs=(MADE,) * (ITEMS + 1)),
        lambda: produce(outputs=(replace(MADE, lot_number="A"), replace(MADE, lot_number=" A"))),
        lambda: events.Transform(kind="transform", **COMMON, site_id=A, process="mix", inputs=(), outputs=(MADE,)),
        lambda: events.Transform(kind="transform", **COMMON, site_id=A, process="mix", inputs=(ITEM,), outputs=()),
        lambda: events.Transform(
            kind="transform", **COMMON, site_id=A, process="mix", inputs=(ITEM, ITEM), outputs=(MADE,)
        ),
        lambda: events.Ship(kind="ship", **COMMON, site_id=A, items=()),
        lambda: events.Ship(kind="ship", **COMMON, site_id=A, items=(ITEM, ITEM)),
        lambda: events.Ship(kind="ship", **COMMON, site_id=A, items=(ITEM,), to_site_id=B, to=Outside(name="x")),
        lambda: events.Receive(kind="receive", **COMMON, site_id=A),
        lambda: events.Receive(kind="receive", **COMMON, site_id=A, slip_code="T", from_=Outside(name="x")),
        lambda: events.Receive(kind="receive", **COMMON, site_id=A, from_=Outside(name="x")),
        lambda: events.Receive(kind="receive", **COMMON, site_id=A, slip_code="T", items=()),
        lambda: events.Receive(
            kind="receive", **COMMON, site_id=A, slip_code="T", items=(SlipPart(custody_id=A, quantity=ONE),) * 2
        ),
        lambda: events.Receive(
            kind="receive", **COMMON, site_id=A, from_=Outside(name="x"),
            items=(SlipPart(custody_id=A, quantity=ONE),),
        ),
        lambda: events.Receive(
            kind="receive", **COMMON, site_id=A, slip_code="T", items=(OutsideItem(product_id=A, quantity=ONE),)
        ),
        lambda: events.Admit(kind="admit", **COMMON, site_id=A),
        lambda: events.Admit(kind="admit", **COMMON, site_id=A, slip_code="T", custody_ids=(A,)),
        lambda: events.Admit(kind="admit", **COMMON, site_id=A, custody_ids=()),
        lambda: events.Certify(kind="certify", **COMMON, document_id=A),
        lambda: events.Sell(kind="sell", **COMMON, site_id=A, lines=()),
        lambda: events.Return(kind="return", **COMMON, site_id=A, items=(), reason="x"),
        lambda: events.Return(kind="return", **COMMON, site_id=A, items=(ITEM, ITEM), reason="x"),
        lambda: events.Return(
            kind="return", **COMMON, site_id=A, items=(ITEM,), reason="x", to_custody_id=B, to_site_id=B
        ),
        lambda: events.Destroy(kind="destroy", **COMMON, site_id=A, items=(), reason="x"),
        lambda: events.Destroy(kind="destroy", **COMMON, site_id=A, items=(ITEM, ITEM), reason="x"),
        lambda: events.Count(kind="count", **COMMON, site_id=A, items=()),
        lambda: events.Count(
            kind="count", **COMMON, site_id=A,
            items=(CountItem(custody_id=A, quantity=Counted(value="0", unit="kg")),) * 2,
        ),
        lambda: events.Correct(kind="correct", **COMMON, event_id=A, reason="did_not_occur", replacement=produce()),
        lambda: events.Correct(kind="correct", **COMMON, event_id=A, reason="incorrect_data", replacement=produce()),
    ],
)  # fmt: skip
def test_forms_that_contradict_themselves(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=" · "):
        make()


def test_zero_is_a_count_and_no_quantity() -> None:
    assert Counted(value="0", unit="kg").quantity().grams == 0


def test_what_is_taken_off_a_slip() -> None:
    part = SlipPart(custody_id=A, quantity=ONE)
    all_of_it = events.Receive(kind="receive", **COMMON, site_id=A, slip_code="T")
    assert (all_of_it.parts(), all_of_it.outside_items()) == (None, ())
    assert replace(all_of_it, items=(part,)).parts() == (part,)
    goods = OutsideItem(product_id=A, quantity=ONE)
    bought = events.Receive(kind="receive", **COMMON, site_id=A, from_=Outside(name="x"), items=(goods,))
    assert (bought.parts(), bought.outside_items()) == ((), (goods,))


def test_the_list_of_kinds_is_closed_and_each_names_itself() -> None:
    for kind, model in events.KINDS.items():
        said = {field.name: field for field in fields(model)}["kind"]
        assert kind in str(said.type)
    assert len(events.KINDS) == 16


def test_the_hash_of_a_body_knows_no_order_of_its_fields() -> None:
    assert content_hash({"a": 1, "b": [1, 2]}) == content_hash({"b": [1, 2], "a": 1})
    assert content_hash({"a": [1, 2]}) != content_hash({"a": [2, 1]})
    assert len(content_hash({"名": "白菜"})) == 32


def test_times_of_every_offset_are_taken() -> None:
    for hours in (-12, 0, 14):
        assert produce(event_time=NOW.astimezone(timezone(timedelta(hours=hours)))).event_time == NOW
    assert produce(event_time=datetime(2000, 1, 1, tzinfo=UTC)).event_time.year == 2000
