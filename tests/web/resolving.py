"""What the tests of the resolver share: goods with GS1 keys, requests as they come, and the linkset's schema."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
from httpx2 import Client, Response

from app.web.service import Service
from tests.support.cast import Cast
from tests.support.freshness import settled

ROOT = "https://food.example.cn"
GTIN = "06901234567892"
PRODUCT = f"/01/{GTIN}"
LOT = f"{PRODUCT}/10/L%2F1"
VOC = "https://ref.gs1.org/voc/"
SCHEMA = Path("digital-link") / "linkset" / "gs1-linkset-schema.json"


@dataclass(slots=True)
class Shelf:
    """Eggs with a GTIN, a lot of them, and who asks for them."""

    cast: Cast
    service: Service
    product: dict[str, Any]
    lot: dict[str, Any]

    def ask(self, path: str, method: str = "GET", *, accept: str | None = None, **headers: str) -> Response:
        """As it comes, without an Accept header where none is given; redirects are not followed."""
        return ask(self.cast.client, path, method, accept=accept, **headers)

    def leads(self, path: str, **headers: str) -> str:
        """Where a request is redirected."""
        answer = self.ask(path, **headers)
        assert answer.status_code == 307, (answer.status_code, answer.text)
        return str(answer.headers["location"])

    def linkset(self, path: str, **headers: str) -> list[dict[str, Any]]:
        """The items of a linkset."""
        answer = self.ask(f"{path}?linkType=linkset", **headers)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["linkset"]
        return items

    def publish(self, **form: Any) -> dict[str, Any]:
        """A link of the farm's, for its eggs where nothing else is said."""
        made = self.cast.farm.made("/links", link(**form))
        settled(self.service)
        return made


def link(**form: Any) -> dict[str, Any]:
    return {
        "anchor": PRODUCT,
        "link_type": "gs1:pip",
        "href": "https://farm.example.cn/eggs",
        "title": "土鸡蛋 · Eggs",
        **form,
    }


def ask(client: Client, path: str, method: str = "GET", *, accept: str | None = None, **headers: str) -> Response:
    request = client.build_request(method, ROOT + path)
    del request.headers["accept"]
    request.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    if accept is not None:
        request.headers["accept"] = accept
    return client.send(request, follow_redirects=False)


def shelf_of(cast: Cast, service: Service) -> Shelf:
    product = cast.farm.made(
        "/products",
        {"name": "土鸡蛋", "category": "eggs", "measure": "count", "grams_per_piece": 50, "gtin": GTIN[1:]},
    )
    outputs = [cast.output(product, "100", "pcs", lot_number="L/1", expires_on="2099-01-31")]
    lot = cast.farm.record("produce", outputs=outputs)["outputs"][0]
    settled(service)
    return Shelf(cast, service, product, lot)


def faults(linkset: Mapping[str, Any], vectors: Path) -> list[str]:
    """What the published schema finds wrong with a linkset."""
    schema = json.loads((vectors / SCHEMA).read_text("utf-8"))
    return [str(error) for error in jsonschema_rs.validator_for(schema).iter_errors(linkset)]
