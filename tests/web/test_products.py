"""/api/v1/products."""

import json
from typing import Any

from tests.support.cast import Cast, ago


def form(**fields: Any) -> dict[str, Any]:
    return {"name": "土鸡蛋", "category": "eggs", "measure": "count", "grams_per_piece": 50, **fields}


def test_enrolled_read_by_all_and_changed_by_whose_it_is(cast: Cast) -> None:
    made = cast.farm.post("/products", form(gtin="6901234567892"))
    assert made.status_code == 201
    body = made.json()
    assert body.items() >= {"shelf_life_days": None, "grams_per_piece": 50, "gtin": "6901234567892"}.items()
    assert cast.farm.post("/products", form(gtin="6901234567892")).status_code == 200
    path = made.headers["location"]
    for reader in (cast.stall, cast.lab, cast.regulator, cast.admin):
        assert reader.get(path).json() == body
        assert body in reader.get("/products").json()["items"]
    assert cast.public.get(path).status_code == 401
    assert cast.stall.patch(path, {"name": "x"}).status_code == 403
    changed = cast.farm.patch(path, {"name": "散养土鸡蛋", "valid_from": ago(days=3)}).json()
    assert (changed["name"], changed["version"]) == ("散养土鸡蛋", 3)
    assert cast.lab.get(path, params={"at": ago(days=4)}).json()["name"] == "土鸡蛋"
    assert cast.lab.get(path, params={"at": ago(days=2)}).json()["name"] == "散养土鸡蛋"
    assert cast.admin.patch(path, {"shelf_life_days": 30}).json()["shelf_life_days"] == 30
    assert cast.admin.patch(path, {"shelf_life_days": None}).json()["shelf_life_days"] is None


def test_how_it_is_measured_is_for_ever(cast: Cast) -> None:
    body = cast.farm.made("/products", form())
    answer = cast.farm.patch(f"/products/{body['id']}", {"measure": "weight"})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/enrol-anew")


def test_what_is_wrong_is_named(cast: Cast) -> None:
    for fields, pointer in (
        ({"gtin": "6901234567890"}, "/gtin"),
        ({"measure": "taste"}, "/measure"),
        ({"grams_per_piece": 0}, "/grams_per_piece"),
        ({"grams_per_piece": "50"}, "/grams_per_piece"),
        ({"grams_per_piece": True}, "/grams_per_piece"),
        ({"shelf_life_days": 10**30}, "/shelf_life_days"),
        ({"name": "a\u0007b"}, "/name"),
        ({"name": "x" * 201}, "/name"),
    ):
        answer = cast.farm.post("/products", form(**fields))
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), fields
    nowhere = "/products/7d9f0c3e-0000-4000-8000-000000000000"
    assert cast.farm.get(nowhere).status_code == 404
    assert cast.farm.patch(nowhere, {"name": "x"}).status_code == 404
    for actor in (cast.lab, cast.regulator):
        assert actor.post("/products", form()).status_code == 403


def test_names_are_written_in_every_script(cast: Cast) -> None:
    for name in ("𰻝𰻝面", "\U0002ebf0记", "Crème fraîche", "قهوة", "第一行\n第二行", "👩‍🌾"):
        assert cast.farm.post("/products", form(name=name)).json()["name"] == name
    for name in ("a\x1bb", "a\x85b", "a\u202eb", "\u2066a"):
        assert cast.farm.post("/products", form(name=name)).status_code == 422


def test_products_in_bulk(cast: Cast) -> None:
    lines = "\n".join(json.dumps(form(name=f"{i}")) for i in range(3)).encode()
    answer = cast.farm.request(
        "POST", "/products/batch", content=lines, headers={"Content-Type": "application/x-ndjson"}
    )
    first, *_, summary = [json.loads(line) for line in answer.text.splitlines()]
    assert first.keys() == {"line", "status", "id", "code", "warnings", "problem"}
    assert summary["summary"]["recorded"] == 3
