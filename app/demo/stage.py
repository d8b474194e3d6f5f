"""Actors of the demonstration: each speaks HTTP with a key of its own.

Everything is posted with names and references that follow from the day, so that posting it again makes nothing new.
"""

import io
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

import httpx
from PIL import Image, ImageDraw, ImageFont

CHINA = timezone(timedelta(hours=8))
Json = dict[str, Any]


class DemoFailed(Exception):
    """The service answered otherwise than a market day expects."""


@dataclass(slots=True)
class Actor:
    """`party` and `site` as enrolling them answered; neither for an office."""

    stage: "Stage"
    name: str
    role: str
    key: str
    party: Json = field(default_factory=dict)
    site: Json = field(default_factory=dict)

    def record(self, kind: str, at: str, **fields: Any) -> Json:
        """Records an event at `at` ("05:30") of the day; returns its outcome."""
        stage = self.stage
        body = {"kind": kind, "event_time": stage.time(at), "ref": stage.ref(self.name, kind), **fields}
        if self.site and kind not in ("test", "certify", "hold", "release", "correct", "identify"):
            body.setdefault("site_id", self.site["id"])
        return stage.post(self.key, "/events", body)

    def certify(self, goods: Json, at: str, type_: str, number: str, issuer: str) -> None:
        """Uploads a paper and lets it speak for the goods."""
        paper = self.stage.paper(self.key, type_, number, issuer)
        self.record("certify", at, custody_id=goods["custody_id"], document_id=paper["id"])

    def receive(self, slip: str, at: str, *items: Json) -> list[Json]:
        """Takes the items off the slip, or all that remains on it; returns what arrived."""
        parts = {"items": list(items)} if items else {}
        outputs: list[Json] = self.record("receive", at, slip_code=slip, **parts)["outputs"]
        return outputs


class Stage:
    """The service at `url`, the day that is played, and the operator's key."""

    def __init__(self, url: str, operator_key: str, day: date) -> None:
        self.day = day
        self._client = httpx.Client(base_url=url, timeout=30, trust_env=False)
        self._refs: dict[str, int] = {}
        self.operator = Actor(self, "平台运营方 · operator", "admin", operator_key)

    def close(self) -> None:
        self._client.close()

    def await_ready(self, seconds: float = 60) -> None:
        """Returns when the service answers /readyz; DemoFailed after so many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if self._client.get("/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise DemoFailed(f"{self._client.base_url} was not ready in {seconds} seconds")

    def post(self, key: str | None, path: str, body: Mapping[str, Any]) -> Json:
        return self._answer(self._client.post(f"/api/v1{path}", json=body, headers=_bearer(key)))

    def patch(self, key: str, path: str, body: Mapping[str, Any]) -> Json:
        return self._answer(self._client.patch(f"/api/v1{path}", json=body, headers=_bearer(key)))

    def complain(self, code: str, text: str, contact: str | None) -> None:
        """As the public does."""
        body = {"text": text, **({"contact": contact} if contact else {})}
        self._answer(self._client.post(f"/c/{code}/reports", json=body, headers={"Accept": "application/json"}))

    def get(self, key: str | None, path: str) -> Json:
        return self._answer(self._client.get(f"/api/v1{path}", headers=_bearer(key)))

    def paper(self, key: str, type_: str, number: str, issuer: str) -> Json:
        """Uploads a scanned sheet."""
        content = _scanned(f"{type_.replace('_', ' ')}\n{number}")
        form = {"type": type_, "number": number, "issuer": issuer, "issued_on": self.date(0)}
        files = {"file": (f"{type_}.png", content, "image/png")}
        return self._answer(self._client.post("/api/v1/documents", data=form, files=files, headers=_bearer(key)))

    def _answer(self, answer: httpx.Response) -> Json:
        if not answer.is_success:
            raise DemoFailed(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
        body: Json = json.loads(answer.content)
        return body

    def time(self, at: str) -> str:
        hour, minute = at.split(":")
        return datetime(self.day.year, self.day.month, self.day.day, int(hour), int(minute), tzinfo=CHINA).isoformat()

    def date(self, days: int) -> str:
        """The date so many days from the market day."""
        return (self.day + timedelta(days=days)).isoformat()

    def ref(self, *parts: str) -> str:
        name = "-".join((self.day.isoformat(), *parts))
        self._refs[name] = self._refs.get(name, 0) + 1
        return f"{name}-{self._refs[name]}"

    def enrol(
        self, role: str, name: str, kind: str, site_kind: str | None, region: str, parent: Actor | None = None
    ) -> Actor:
        """A party with its site and a key."""
        operator = self.operator.key
        party = self.post(operator, "/parties", {"name": name, "kind": kind, "region": region, "status": "active"})
        key = self.post(operator, "/keys", {"role": role, "party_id": party["id"], "name": f"demo {self.day}"})["key"]
        actor = Actor(self, name, role, key, party)
        if site_kind is not None:
            site = {"party_id": party["id"], "name": name, "kind": site_kind, "region": region}
            if parent is not None:
                site["parent_site_id"] = parent.site["id"]
            actor.site = self.post(operator, "/sites", site)
        return actor

    def office(self, name: str, role: str, region: str) -> Actor:
        """A regulator."""
        key = self.post(self.operator.key, "/keys", {"role": role, "region": region, "name": f"demo {self.day}"})["key"]
        return Actor(self, name, role, key)

    def product(self, name: str, category: str, measure: str = "weight", **fields: Any) -> Json:
        body = {"name": name, "category": category, "measure": measure, **fields}
        return self.post(self.operator.key, "/products", body)

    def lot(self, product: Json, value: str, unit: str = "公斤", **fields: Any) -> Json:
        """An output of produce or transform, made on the day."""
        return {
            "product_id": product["id"],
            "quantity": quantity(value, unit),
            "produced_on": self.date(0),
            "expires_on": self.date(product["shelf_life_days"]) if product["shelf_life_days"] else None,
            **fields,
        }


def quantity(value: str, unit: str = "公斤") -> Json:
    return {"value": value, "unit": unit}


def some(goods: Json, value: str, unit: str = "公斤") -> Json:
    """Some of a batch in somebody's hands."""
    return {"custody_id": goods["custody_id"], "quantity": quantity(value, unit)}


def _bearer(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def _scanned(text: str) -> bytes:
    """A sheet that says `text` (Latin letters), as a PNG."""
    sheet = Image.new("L", (595, 842), 255)
    ImageDraw.Draw(sheet).text((60, 80), text, fill=0, font=ImageFont.load_default(22))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()
