"""Goods that several hands have, and an office that recalls them."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.recording.conftest import books, deliver, harvest
from tests.support.cast import Actor, Cast, ago

__all__ = ["books"]

_numbers = itertools.count(1)


def form(scope: Mapping[str, Any], mode: str = "live", **fields: Any) -> dict[str, Any]:
    """A recall of a scope, everything else said somehow."""
    return {
        "ref": f"recall {next(_numbers)}", "mode": mode, "grade": "I", "title": "问题批次",
        "reason": "检出瘦肉精 · clenbuterol found", "hazard": "心悸 · palpitations", "scope": scope, **fields,
    }  # fmt: skip


def recalled(by: Actor, scope: Mapping[str, Any], mode: str = "live", **fields: Any) -> dict[str, Any]:
    return by.made("/recalls", form(scope, mode, **fields))


def affected(by: Actor, recall: Mapping[str, Any]) -> set[str]:
    answer = by.get(f"/recalls/{recall['id']}/affected")
    assert answer.status_code == 200, answer.text
    return {item["custody_id"] for item in answer.json()["items"]}


def notices(by: Actor, recall: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By the name of the party."""
    answer = by.get(f"/recalls/{recall['id']}/notices")
    assert answer.status_code == 200, answer.text
    return {notice["party"]["name"]: notice for notice in answer.json()["items"]}


@dataclass(slots=True)
class Goods:
    """A lot at its farm, some of it at two stalls, a dish that the first has made of its own."""

    cast: Cast
    lot: dict[str, Any]
    at_stall: dict[str, Any]
    at_other: dict[str, Any]
    dish: dict[str, Any]

    @property
    def keys(self) -> set[str]:
        return {each["custody_id"] for each in (self.lot, self.at_stall, self.at_other, self.dish)}


@pytest.fixture
def goods(cast: Cast) -> Goods:
    lot = harvest(cast, "100")
    at_stall = deliver(cast, lot, "40", cast.stall)
    at_other = deliver(cast, lot, "30", cast.other_stall)
    made = cast.stall.record(
        "transform", process="process", event_time=ago(minutes=30), inputs=[cast.item(at_stall, "10")],
        outputs=[cast.output(cast.product("腌菜", "cooked"), "8")],
    )  # fmt: skip
    return Goods(cast, lot, at_stall, at_other, made["outputs"][0])
