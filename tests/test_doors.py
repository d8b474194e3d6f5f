"""Every role at every door: who is let in, who must show a key, whose it is not, and to whom there is nothing there."""

import base64
import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import pytest

from app.domain.epcis.context import context_of
from app.domain.epcis.event_hash import event_hash
from app.settings import Settings
from tests.recalling.conftest import form
from tests.recording.conftest import EPCIS, deliver, harvest, paper
from tests.support.cast import Actor, Cast

# Columns: nobody, a stall's scale, the stall, a stall of another market, the market, a laboratory, the regulator of the
# region, the operator. What is asked for belongs to the stall.
# What the door answers: + the thing itself, 1 show a key (401), 3 not yours to do (403), 4 nothing there for you (404),
# ? let in, and told what is wrong with the request (422), - not offered (501). A line of NDJSON counts as a request.
_numbers = itertools.count()
GTIN = "06901234567892"
EVENT = EPCIS["epcisBody"]["eventList"][0]
LETTERS = {401: "1", 403: "3", 404: "4", 422: "?", 501: "-"}

DOORS: dict[str, str] = {
    "GET /healthz": "++++++++",
    "GET /readyz": "++++++++",
    "GET /epcis": "1+++++++",
    "OPTIONS /epcis": "1+++++++",
    "DELETE /epcis/nextPageToken/{token}": "1-------",
    "POST /epcis/capture": "13+++33+",
    "GET /epcis/capture": "1+++++++",
    "OPTIONS /epcis/capture": "1+++++++",
    "GET /epcis/capture/{captureID}": "14+4444+",
    "OPTIONS /epcis/capture/{captureID}": "1+++++++",
    "POST /epcis/events": "13+++33+",
    "GET /epcis/queries": "1+++++++",
    "POST /epcis/queries": "1+++++++",
    "OPTIONS /epcis/queries": "1+++++++",
    "GET /epcis/queries/{query}/events": "14+44444",
    "GET /epcis/queries/{query}": "14+44444",
    "OPTIONS /epcis/queries/{query}": "1+++++++",
    "GET /epcis/queries/{query}/subscriptions": "14+44444",
    "POST /epcis/queries/{query}/subscriptions": "14+44444",
    "OPTIONS /epcis/queries/{query}/subscriptions": "1+++++++",
    "GET /epcis/queries/{query}/subscriptions/{subscription_id}": "14+44444",
    "PATCH /epcis/queries/{query}/subscriptions/{subscription_id}": "14+44444",
    "OPTIONS /epcis/queries/{query}/subscriptions/{subscription_id}": "1+++++++",
    "DELETE /epcis/queries/{query}/subscriptions/{subscription_id}": "14+44444",
    "DELETE /epcis/queries/{query}": "14+44444",
    "GET /epcis/events": "1+++++++",
    "OPTIONS /epcis/events": "1+++++++",
    "GET /epcis/events/{eventID}": "14+4444+",
    "OPTIONS /epcis/events/{eventID}": "1+++++++",
    "OPTIONS /epcis/queries/{query}/events": "1+++++++",
    "GET /epcis/{resource}": "1+++++++",
    "OPTIONS /epcis/{resource}": "1+++++++",
    "GET /epcis/{resource}/{member}/events": "14+4444+",
    "OPTIONS /epcis/{resource}/{member}/events": "1+++++++",
    "GET /epcis/{resource}/{member}": "14+4444+",
    "OPTIONS /epcis/{resource}/{member}": "1+++++++",
    "GET /metrics": "++++++++",
    "GET /problems/{slug}": "++++++++",
    "GET /c/{code}": "++++++++",
    "GET /qr/{code}.svg": "++++++++",
    "GET /qr/{code}.png": "++++++++",
    "GET /labels/{code}": "++++++++",
    "GET /{ai}/{value}": "++++++++",
    "GET /.well-known/gs1resolver": "++++++++",
    "POST /api/v1/links": "13+3333+",
    "POST /api/v1/links/batch": "13+3333+",
    "GET /api/v1/links": "1+++++++",
    "GET /api/v1/links/{link_id}": "14+4444+",
    "PATCH /api/v1/links/{link_id}": "14+4444+",
    "DELETE /api/v1/links/{link_id}": "14+4444+",
    "GET /lookup": "++++++++",
    "GET /c/{code}/reports": "++++++++",
    "POST /c/{code}/reports": "++++++++",
    "GET /reports/{ref}": "++++++++",
    "GET /api/v1/reports": "1333+3++",
    "GET /api/v1/reports/{complaint_id}": "1333+3++",
    "PATCH /api/v1/reports/{complaint_id}": "1333+3++",
    "GET /api/v1/reports/{complaint_id}/photos/{number}": "1333+3++",
    "POST /api/v1/inspections": "133333++",
    "GET /api/v1/inspections": "13+++3++",
    "GET /api/v1/inspections/{inspection_id}": "13+4+3++",
    "GET /boards/{code}.json": "++++++++",
    "GET /boards/{code}": "++++++++",
    "GET /boards/{code}/events": "++++++++",
    "GET /kiosk": "++++++++",
    "GET /kiosk/{code}": "++++++++",
    "GET /static/{name}": "++++++++",
    "POST /api/v1/labels": "1+++++++",
    "GET /api/v1/codes/{code}": "1+++++++",
    "POST /api/v1/codes/{code}/revoke": "13+3+3++",
    "POST /api/v1/code-jobs": "13+3+33+",
    "GET /api/v1/code-jobs/{job_id}": "14+4444+",
    "GET /api/v1/code-jobs/{job_id}/download": "14+4444+",
    "POST /api/v1/code-jobs/{job_id}/activate": "14+4444+",
    "POST /api/v1/code-jobs/{job_id}/revoke": "14+4444+",
    "POST /api/v1/code-jobs/{job_id}/cancel": "14+4444+",
    "POST /api/v1/parties": "1333+3++",
    "GET /api/v1/parties": "1+++++++",
    "POST /api/v1/parties/batch": "1333+3++",
    "GET /api/v1/parties/{party_id}": "14+4+4++",
    "PATCH /api/v1/parties/{party_id}": "14+4+43+",
    "POST /api/v1/sites": "13+3+33+",
    "GET /api/v1/sites": "1+++++++",
    "POST /api/v1/sites/batch": "13+3+33+",
    "GET /api/v1/sites/{site_id}": "1++4+4++",
    "PATCH /api/v1/sites/{site_id}": "13+4+43+",
    "GET /api/v1/sites/{site_id}/admission-rules": "1++4+4++",
    "PUT /api/v1/sites/{site_id}/admission-rules": "1334+43+",
    "GET /api/v1/sites/{site_id}/prices": "1++4+4++",
    "PUT /api/v1/sites/{site_id}/prices": "13+4+43+",
    "POST /api/v1/products": "13+++33+",
    "GET /api/v1/products": "1+++++++",
    "POST /api/v1/products/batch": "13+++33+",
    "GET /api/v1/products/{product_id}": "1+++++++",
    "PATCH /api/v1/products/{product_id}": "1333333+",
    "POST /api/v1/devices": "13+?+33+",
    "GET /api/v1/devices": "1+++++++",
    "GET /api/v1/devices/me": "1+333333",
    "GET /api/v1/devices/me/stock": "1+333333",
    "POST /api/v1/devices/activate": "33333333",
    "GET /api/v1/devices/{device_id}": "1++4+4++",
    "PATCH /api/v1/devices/{device_id}": "13+4+43+",
    "POST /api/v1/devices/{device_id}/activation": "13+4+43+",
    "POST /api/v1/keys": "1333+33+",
    "GET /api/v1/keys": "1+++++++",
    "GET /api/v1/keys/{key_id}": "14+4+44+",
    "PATCH /api/v1/keys/{key_id}": "14+4+44+",
    "POST /api/v1/keys/{key_id}/revoke": "14+4+44+",
    "POST /api/v1/documents": "13++++++",
    "GET /api/v1/documents/{document_id}": "1++4+4++",
    "GET /api/v1/documents/{document_id}/file": "1++4+4++",
    "POST /api/v1/events": "1++3+33+",
    "GET /api/v1/events": "1+++++++",
    "GET /api/v1/events/{event_id}": "14+4+4++",
    "POST /api/v1/sales": "1+333333",
    "GET /api/v1/receipts/{receipt_code}": "1++3+3++",
    "GET /api/v1/sales": "1+++++++",
    "POST /api/v1/recalls": "133333++",
    "GET /api/v1/recalls": "1+++++++",
    "GET /api/v1/recalls/{recall_id}": "14+4+4++",
    "PATCH /api/v1/recalls/{recall_id}": "143434++",
    "POST /api/v1/recalls/{recall_id}/start": "143434++",
    "GET /api/v1/recalls/{recall_id}/affected": "14+4+4++",
    "GET /api/v1/colleagues": "1333+3++",
    "GET /api/v1/recalls/{recall_id}/receipts": "14+4+4++",
    "GET /api/v1/recalls/{recall_id}/notices": "14+4+4++",
    "GET /api/v1/recalls/{recall_id}/notices/{party_id}/paper": "14+4+4++",
    "GET /api/v1/recalls/{recall_id}/report": "143434++",
    "GET /recalls": "++++++++",
    "GET /recalls/{number}": "++++++++",
    "POST /api/v1/recalls/{recall_id}/acknowledgements": "14+4+43+",
    "POST /api/v1/recalls/{recall_id}/close": "143434++",
    "GET /api/v1/trace": "1+++++++",
    "GET /api/v1/exports/fsma204": "1+++++++",
    "POST /api/v1/cases": "133333++",
    "GET /api/v1/cases": "133333++",
    "GET /api/v1/cases/{case_id}": "144444++",
    "GET /api/v1/cases/{case_id}/file": "144444++",
    "POST /api/v1/cases/{case_id}/close": "144444++",
    "GET /api/v1/alerts": "1+++++++",
    "POST /api/v1/persons": "1333333+",
    "GET /api/v1/persons": "1333333+",
    "GET /api/v1/persons/{person_id}": "1333333+",
    "PATCH /api/v1/persons/{person_id}": "1333333+",
    "GET /api/v1/audit": "1333333+",
    "GET /api/v1/alerts/counts": "1+++++++",
    "GET /api/v1/alerts/{alert_id}": "14+4+4++",
    "PATCH /api/v1/alerts/{alert_id}": "1333+3++",
    "GET /api/v1/balance": "1++3+3++",
    "GET /api/v1/findings": "1333+3++",
    "GET /api/v1/deliveries": "1++++3??",
    "GET /api/v1/coverage": "1333+3++",
    "GET /api/v1/coverage/rows": "1333+3++",
    "GET /api/v1/retention": "1333333+",
    "GET /api/v1/statistics/admissions": "1333+3++",
    "GET /api/v1/statistics/tests": "1333+3++",
    "POST /api/v1/captures": "13+++33+",
    "POST /api/v1/webhooks": "13+++3++",
    "GET /api/v1/webhooks": "1+++++++",
    "GET /api/v1/webhooks/{webhook_id}": "14+4444+",
    "PATCH /api/v1/webhooks/{webhook_id}": "14+4444+",
    "POST /api/v1/webhooks/{webhook_id}/secret": "14+4444+",
    "POST /api/v1/webhooks/{webhook_id}/test": "14+4444+",
    "GET /api/v1/webhooks/{webhook_id}/deliveries": "14+4444+",
    "POST /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/retry": "14+4444+",
    "DELETE /api/v1/webhooks/{webhook_id}": "14+4444+",
    "GET /api/v1/captures/{capture_id}": "14+4444+",
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhook_hosts": ("hooks.invalid",)})


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_role_at_every_door(cast: Cast) -> None:
    document = cast.public.get("https://food.example.cn/openapi.json").json()
    doors = [f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods]
    assert sorted(doors) == sorted(DOORS), "a door is missing in the table, or is no more"

    scale = cast.scale(cast.stall)
    market = cast.enrol("market", "城东市场", "market", "market")
    other = cast.enrol("vendor", "城东一号摊", "vendor", "stall", parent=market)
    actors = (cast.public, scale, cast.stall, other, cast.market, cast.lab, cast.regulator, cast.admin)
    batch = deliver(cast, harvest(cast), "10", cast.stall)
    certificate = paper(cast.stall)
    cast.stall.record("certify", document_id=certificate, custody_id=batch["custody_id"])
    captured = cast.stall.post("/captures", EPCIS)
    assert captured.status_code == 200, captured.text
    capturing = cast.stall.post("/epcis/capture", EPCIS).headers["location"].rpartition("/")[2]
    spare = cast.admin.made("/keys", key(cast))
    receipt = scale.sell(0, cast.item(batch, "0.001"))["receipt_code"]
    filed = cast.public.post(f"/c/{batch['code']}/reports", data={"text": "x"}, files={"photos": ("a.png", PICTURE)})
    complaint = cast.admin.get("/reports").json()["items"][0]
    cast.stall.record("sell", lines=[cast.item(batch, "99")])
    alert = cast.admin.get("/alerts", params={"slug": "more_than_there"}).json()["items"][0]
    record = cast.regulator.made("/inspections", inspection(cast))["id"]
    job = cast.stall.made("/code-jobs", units(cast, batch))["id"]
    cast.stall.made("/products", {"name": "青菜", "category": "vegetables", "measure": "weight", "gtin": GTIN})
    link = standing(cast)
    webhook = registered(cast)
    delivery = cast.stall.post(f"/webhooks/{webhook}/test").json()["id"]
    own = {
        "slug": "mistyped-code", "alert_id": alert["id"], "code": batch["code"], "party_id": cast.stall.party["id"],
        "site_id": cast.stall.site["id"], "product_id": batch["product_id"], "document_id": certificate,
        "device_id": scale.activation["device_id"], "key_id": spare["id"], "event_id": batch["event_id"],
        "capture_id": captured.json()["id"], "captureID": capturing, "receipt_code": receipt, "job_id": job,
        "name": "board.js", "webhook_id": webhook, "delivery_id": delivery, "ai": "01", "value": GTIN, "link_id": link,
        "resource": "epcs", "member": "urn:epc:id:sgtin:6901234.056789.1",
        "eventID": quote(event_hash(EVENT, context_of(EPCIS))),
        "ref": filed.json()["ref"], "complaint_id": complaint["id"], "inspection_id": record, "number": "1",
        "case_id": cast.regulator.made("/cases", case(batch))["id"],
        "person_id": cast.admin.made("/persons", person(cast))["id"],
        "recall_id": cast.regulator.made("/recalls", form({"codes": [batch["code"]]}))["id"],
        "token": "any",
        "query": cast.stall.made("/epcis/queries", {"name": "mine", "query": {}})["name"],
        "subscription_id": cast.stall.made("/epcis/queries/mine/subscriptions", STREAM)["subscriptionID"],
    }  # fmt: skip
    found = {door: "".join(letter(actor, door, own, cast, batch) for actor in actors) for door in DOORS}
    assert found == DOORS


def letter(actor: Actor, door: str, own: Mapping[str, str], cast: Cast, batch: dict[str, Any]) -> str:
    """What the door answers the actor."""
    method, template = door.split(" ")
    request = REQUESTS[door](cast, batch) if door in REQUESTS else {}
    if template.startswith("/boards/"):
        own = {**own, "code": cast.stall.site["code"]}
    if template == "/recalls/{number}":
        own = {**own, "number": cast.admin.get(f"/recalls/{own['recall_id']}").json()["number"]}
    answer = actor.request(method, f"https://food.example.cn{template.format_map(own)}", **request)
    status = answer.status_code
    if answer.headers.get("content-type") == "application/x-ndjson":
        problem = json.loads(answer.text.splitlines()[0]).get("problem")
        status = problem["status"] if problem else status
    return "+" if status < 300 or status == 307 else LETTERS[status]


def party(cast: Cast) -> dict[str, Any]:
    return {"name": "张三", "kind": "vendor", "region": "330106"}


def site(cast: Cast) -> dict[str, Any]:
    own = {"party_id": cast.stall.party["id"], "parent_site_id": cast.stall.site["id"]}
    return {"name": "角落", "kind": "stall"} | own


def product(cast: Cast) -> dict[str, Any]:
    return {"name": "大白菜", "category": "vegetables", "measure": "weight"}


def device(cast: Cast) -> dict[str, Any]:
    return {"name": "秤", "kind": "scale", "site_id": cast.stall.site["id"]}


def case(batch: dict[str, Any]) -> dict[str, Any]:
    starts = [{"kind": "code", "value": batch["code"]}]
    return {"ref": "case", "starts": starts, "reason": "协查", "to_region": "3302"}


def key(cast: Cast) -> dict[str, Any]:
    return {"name": "spare", "role": "vendor", "party_id": cast.stall.party["id"]}


HOOK = {"url": "https://hooks.invalid/recalls", "events": ["recall"]}


STREAM = {"dest": "https://hooks.invalid/epcis", "stream": True}


def registered(cast: Cast) -> str:
    """The id of a webhook of the stall's, which is there from now on, whatever became of it."""
    return str(cast.stall.post("/webhooks", HOOK).json()["id"])


def inspection(cast: Cast) -> dict[str, Any]:
    own = {"site_id": cast.stall.site["id"], "inspected_on": "2026-03-01", "authority": "西湖区市场监督管理局"}
    return {"ref": "1", "kind": "inspection", "result": "pass", "text": "x"} | own


def person(cast: Cast) -> dict[str, Any]:
    return {"login": f"insp.{next(_numbers)}", "name": "值班员", "role": "regulator", "region": "3301"}


def units(cast: Cast, batch: dict[str, Any]) -> dict[str, Any]:
    return {"ref": "u1", "lot_id": batch["lot_id"], "count": 10}


def sent(body: Mapping[str, Any] | Callable[[Cast], Mapping[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The options of a request with this JSON."""
    return lambda cast, _: {"json": body(cast) if callable(body) else body}


def line(body: Callable[[Cast], Mapping[str, Any]]) -> Callable[..., dict[str, Any]]:
    return lambda cast, _: {
        "content": json.dumps(body(cast)).encode(), "headers": {"Content-Type": "application/x-ndjson"}
    }  # fmt: skip


PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
FILE = {"data": {"type": "other"}, "files": {"file": ("a.pdf", b"%PDF-1.4\n%%EOF\n", "application/pdf")}}


def standing(cast: Cast) -> str:
    """The id of a link of the stall's, which is there from now on, whatever became of it."""
    form = {"anchor": f"/01/{GTIN}", "link_type": "gs1:pip", "href": "https://stall.example.cn", "title": "x"}
    made = cast.stall.post("/links", form)
    return str(made.json()["id"]) if made.status_code < 300 else ""


def published(_: Cast) -> dict[str, Any]:
    """A link of the stall's own product; each another one."""
    href = f"https://stall.example.cn/{next(_numbers)}"
    return {"anchor": f"/01/{GTIN}", "link_type": "gs1:pip", "href": href, "title": "x"}


REQUESTS: dict[str, Callable[..., dict[str, Any]]] = {
    "POST /api/v1/links": sent(published),
    "POST /api/v1/links/batch": line(published),
    "PATCH /api/v1/links/{link_id}": sent({"fwqs": True}),
    "DELETE /api/v1/links/{link_id}": lambda cast, batch: {"headers": {"X-Link": standing(cast)}},
    "GET /lookup": lambda cast, batch: {"params": {"q": "x"}},
    "GET /boards/{code}/events": lambda cast, batch: {"params": {"once": "true"}},
    "POST /c/{code}/reports": sent({"text": "x"}),
    "PATCH /api/v1/reports/{complaint_id}": sent({"state": "in_progress"}),
    "POST /api/v1/inspections": sent(inspection),
    "POST /api/v1/labels": lambda cast, batch: {"json": {"codes": [batch["code"]], "format": "html"}},
    "POST /api/v1/codes/{code}/revoke": sent({"reason": "x"}),
    "POST /api/v1/code-jobs": lambda cast, batch: {"json": units(cast, batch)},
    "POST /api/v1/code-jobs/{job_id}/activate": sent({"from": 1, "to": 2}),
    "POST /api/v1/code-jobs/{job_id}/revoke": sent({"from": 1, "to": 1, "reason": "x"}),
    "POST /api/v1/parties": sent(party),
    "POST /api/v1/parties/batch": line(party),
    "PATCH /api/v1/parties/{party_id}": sent({"name": "一号摊"}),
    "POST /api/v1/sites": sent(site),
    "POST /api/v1/sites/batch": line(site),
    "PATCH /api/v1/sites/{site_id}": sent({"name": "一号摊"}),
    "PUT /api/v1/sites/{site_id}/admission-rules": lambda cast, batch: {"json": []},
    "PUT /api/v1/sites/{site_id}/prices": sent({"items": []}),
    "POST /api/v1/products": sent(product),
    "POST /api/v1/products/batch": line(product),
    "PATCH /api/v1/products/{product_id}": sent({"name": "白菜"}),
    "POST /api/v1/devices": sent(device),
    "POST /api/v1/devices/activate": sent({"activation_code": "1-WRONG"}),
    "PATCH /api/v1/devices/{device_id}": sent({"name": "大秤"}),
    "POST /api/v1/keys": sent(key),
    "PATCH /api/v1/keys/{key_id}": sent({"name": "spare"}),
    "POST /api/v1/persons": sent(person),
    "PATCH /api/v1/persons/{person_id}": sent({"name": "值班员"}),
    "POST /api/v1/documents": lambda cast, batch: FILE,
    "POST /api/v1/events": lambda cast, batch: {"json": cast.stall.event("sell", lines=[cast.item(batch, "0.001")])},
    "POST /api/v1/sales": sent({"sales": []}),
    "POST /api/v1/cases": lambda cast, batch: {"json": case(batch)},
    "GET /api/v1/exports/fsma204": lambda cast, batch: {"params": {"custody": batch["custody_id"]}},
    "GET /api/v1/trace": lambda cast, batch: {"params": {"custody": batch["custody_id"], "direction": "back"}},
    "PATCH /api/v1/alerts/{alert_id}": sent({"note": "x"}),
    "GET /api/v1/coverage/rows": lambda cast, batch: {"params": {"measure": "chains_complete"}},
    "GET /api/v1/balance": lambda cast, batch: {"params": {"site": cast.stall.site["id"]}},
    "POST /api/v1/captures": sent(EPCIS),
    "POST /epcis/capture": sent(EPCIS),
    "POST /epcis/events": sent(EPCIS["epcisBody"]["eventList"][0]),
    "POST /epcis/queries": lambda cast, batch: {"json": {"name": f"query {next(_numbers)}", "query": {}}},
    "POST /epcis/queries/{query}/subscriptions": sent(STREAM),
    "PATCH /epcis/queries/{query}/subscriptions/{subscription_id}": sent({"status": "paused"}),
    "POST /api/v1/recalls": lambda cast, batch: {"json": form({"codes": [batch["code"]]}, "mock")},
    "PATCH /api/v1/recalls/{recall_id}": sent({"why": "x", "grade": "II"}),
    "POST /api/v1/recalls/{recall_id}/start": sent({}),
    "POST /api/v1/recalls/{recall_id}/close": sent({"outcome": "lifted", "conclusion": "x"}),
    "POST /api/v1/recalls/{recall_id}/acknowledgements": lambda cast, batch: {
        "json": {"ref": "x", "party_id": cast.stall.party["id"]}
    },
    "POST /api/v1/webhooks": sent(HOOK),
    "PATCH /api/v1/webhooks/{webhook_id}": sent({"events": ["recall"]}),
    "DELETE /api/v1/webhooks/{webhook_id}": lambda cast, batch: {"headers": {"X-Hook": registered(cast)}},
}
