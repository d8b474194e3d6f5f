"""The cast: named actors with keys, who speak HTTP only, so that a test reads as a story.

cast.farm.record("produce", outputs=[cast.output(cabbage, "100", "斤")])
cast.stall.post("/events", {...})
cast.public.scan(code)
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from httpx2 import Client, Response

from app.domain.rights import Role
from app.enrolling.keys import OPERATOR, MakeKey, make_keys
from app.store.writer import Writer
from app.web.service import Service

API = "/api/v1"
CHINA = timezone(timedelta(hours=8))
_numbers = itertools.count(1)


def operator_key(writer: Writer) -> str:
    """The operator's own key, as `onecode key create --role admin` makes it."""
    return writer.submit(make_keys, MakeKey(OPERATOR, Role.ADMIN, None, None, None, "operator")).secret


def first_key(service: Service) -> str:
    """The operator's own key for a service of this process."""
    return operator_key(service.writer)


@dataclass(slots=True)
class Actor:
    """Somebody with a key: `party` and `site` are the bodies that enrolling them returned (none for offices)."""

    client: Client
    key: str | None
    party: dict[str, Any] = field(default_factory=dict)
    site: dict[str, Any] = field(default_factory=dict)

    def request(self, method: str, path: str, **options: Any) -> Response:
        """`path` below /api/v1, or as it is where it names another place."""
        headers = dict(options.pop("headers", {}))
        if self.key is not None:
            headers.setdefault("Authorization", f"Bearer {self.key}")
        elsewhere = path.startswith(("/api/", "/c/", "/qr/", "/labels/", "/01/", "/epcis", "http"))
        whole = path if elsewhere else f"{API}{path}"
        return self.client.request(method, whole, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Response:
        return self.request("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> Response:
        return self.request("POST", path, json=json, **options)

    def patch(self, path: str, json: Any = None, **options: Any) -> Response:
        return self.request("PATCH", path, json=json, **options)

    def made(self, path: str, json: Mapping[str, Any]) -> dict[str, Any]:
        """The body of what was made (201)."""
        answer = self.post(path, json)
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def event(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The body of an event here, an hour ago, under a reference of its own, unless the fields say otherwise."""
        body = {"kind": kind, "event_time": ago(hours=1), "ref": f"{kind}-{next(_numbers)}", **fields}
        if self.site and kind not in _SITELESS:
            body.setdefault("site_id", self.site["id"])
        return body

    def record(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Posts one event and returns its outcome; it must be recorded."""
        answer = self.post("/events", self.event(kind, **fields))
        assert answer.status_code == 201, answer.text
        outcome: dict[str, Any] = answer.json()
        assert outcome["status"] == "recorded", outcome
        return outcome

    def refused(self, kind: str, status: int, **fields: Any) -> dict[str, Any]:
        """Posts one event that must be refused with this status; returns the problem."""
        answer = self.post("/events", self.event(kind, **fields))
        assert answer.status_code == status, answer.text
        problem: dict[str, Any] = answer.json()
        assert problem["status"] == status
        return problem

    def scan(self, code: str, language: str | None = None) -> dict[str, Any]:
        """What /c/{code} answers this reader as JSON (200)."""
        query = f"?lang={language}" if language else ""
        answer = self.get(f"/c/{code}{query}", headers={"Accept": "application/json"})
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    def trace(self, direction: str, **start: str) -> dict[str, Any]:
        """/trace from code=, custody=, lot= or epc=, back or forward (200)."""
        answer = self.get("/trace", params={**start, "direction": direction})
        assert answer.status_code == 200, answer.text
        chain: dict[str, Any] = answer.json()
        return chain


@dataclass(slots=True)
class Scale(Actor):
    """A scale: it numbers its sales by itself. `activation` is what it was told when it was activated."""

    activation: dict[str, Any] = field(default_factory=dict)

    def sale(self, counter: int, *lines: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a sale an hour ago; a line is `cast.item(output, "1.5", "斤")`, perhaps with `amount_fen`."""
        return {"counter": counter, "event_time": ago(hours=1), "lines": list(lines)}

    def sell(self, counter: int, *lines: Mapping[str, Any]) -> dict[str, Any]:
        """Posts one sale and returns its outcome."""
        answer = self.post("/sales", {"sales": [self.sale(counter, *lines)]})
        assert answer.status_code == 200, answer.text
        outcome: dict[str, Any] = answer.json()["results"][0]
        return outcome


_SITELESS = frozenset({"hold", "release", "correct", "identify"})


def ago(**spans: float) -> str:
    """A moment before now as RFC 3339 with China's offset."""
    return (datetime.now(CHINA) - timedelta(**spans)).isoformat()


def quantity(value: str, unit: str = "公斤") -> dict[str, str]:
    return {"value": value, "unit": unit}


class Cast:
    """Who is on stage; further actors come on with `enrol`, goods with `product`."""

    def __init__(self, client: Client, admin_key: str) -> None:
        self.client = client
        self.public = Actor(client, None)
        self.admin = Actor(client, admin_key)
        self.regulator = Actor(client, self._key("regulator", region="3301"))
        self.other_regulator = Actor(client, self._key("regulator", region="3302"))
        self.market = self.enrol("market", "城西农贸市场", "market", "market", region="330106")
        self.stall = self.enrol("vendor", "一号摊经营户", "vendor", "stall", parent=self.market, region="330106")
        self.other_stall = self.enrol("vendor", "二号摊经营户", "vendor", "stall", parent=self.market, region="330106")
        self.farm = self.enrol("producer", "河东蔬菜合作社", "producer", "farm", region="330122")
        self.plant = self.enrol("producer", "北郊屠宰厂", "slaughterhouse", "plant", region="330109")
        self.lab = self.enrol("lab", "市检测中心", "laboratory", None, region="330100")

    def enrol(
        self,
        role: str,
        name: str,
        kind: str,
        site_kind: str | None,
        *,
        parent: Actor | None = None,
        region: str = "330106",
        **fields: Any,
    ) -> Actor:
        """A party, its site (named after it) and a key, enrolled by the operator and active."""
        party = self.admin.made("/parties", {"name": name, "kind": kind, "region": region, **fields})
        if party["status"] == "pending":
            answer = self.admin.patch(f"/parties/{party['id']}", {"status": "active"})
            assert answer.status_code == 200, answer.text
            party = answer.json()
        actor = Actor(self.client, self._key(role, party_id=party["id"]), party)
        if site_kind is not None:
            actor.site = self.site(actor, name, site_kind, parent=parent, region=region)
        return actor

    def site(
        self, actor: Actor, name: str, kind: str, *, parent: Actor | None = None, region: str = "330106"
    ) -> dict[str, Any]:
        """A site of the actor's party."""
        body: dict[str, Any] = {"party_id": actor.party["id"], "name": name, "kind": kind, "region": region}
        if parent is not None:
            body["parent_site_id"] = parent.site["id"]
        return self.admin.made("/sites", body)

    def product(
        self, name: str, category: str = "vegetables", measure: str = "weight", **fields: Any
    ) -> dict[str, Any]:
        return self.admin.made("/products", {"name": name, "category": category, "measure": measure, **fields})

    def output(self, product: Mapping[str, Any], value: str, unit: str = "公斤", **fields: Any) -> dict[str, Any]:
        """One output of produce or transform, made yesterday."""
        made_on = (datetime.now(CHINA) - timedelta(days=1)).date().isoformat()
        return {"product_id": product["id"], "quantity": quantity(value, unit), "produced_on": made_on, **fields}

    def item(self, output: Mapping[str, Any], value: str, unit: str = "公斤") -> dict[str, Any]:
        """Some of what an outcome's output names."""
        return {"custody_id": output["custody_id"], "quantity": quantity(value, unit)}

    def scale(self, actor: Actor, name: str = "scale") -> "Scale":
        """A scale at the actor's site, activated."""
        device = self.admin.made("/devices", {"site_id": actor.site["id"], "name": name, "kind": "scale"})
        answer = self.public.post("/devices/activate", {"activation_code": device["activation_code"]})
        assert answer.status_code == 200, answer.text
        return Scale(self.client, answer.json()["key"], actor.party, actor.site, activation=answer.json())

    def key(self, role: str, **fields: Any) -> Actor:
        """Another key: role=device with device_id, a second regulator with region…"""
        return Actor(self.client, self._key(role, **fields))

    def _key(self, role: str, **fields: Any) -> str:
        body = self.admin.made("/keys", {"role": role, "name": role, **fields})
        return str(body["key"])
