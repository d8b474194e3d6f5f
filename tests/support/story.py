"""What a scenario needs on stage: people of one place, their papers, handhelds that print offline, and pages as read.

A story speaks HTTP alone. What a handheld does without a network, printing the code of a receipt, it does here with
the secret that its activation gave it.
"""

import html
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from httpx2 import Client

from app.domain import codes
from tests.support.cast import CHINA, Actor, Cast, Scale, ago


def day(days: int) -> str:
    """The date so many days from today, in China."""
    return (datetime.now(CHINA) + timedelta(days=days)).date().isoformat()


PDF = b"%PDF-1.4\n% a certificate\n%%EOF\n"


class Story(Cast):
    """A stage that is empty but for the operator of the service and the public."""

    def __init__(self, client: Client, admin_key: str) -> None:
        self.client = client
        self.public = Actor(client, None)
        self.admin = Actor(client, admin_key)

    def document(self, owner: Actor, type: str, **fields: Any) -> dict[str, Any]:
        """A paper with its scan, uploaded by its owner; `class_` is the grade of a certificate, `covers` a quantity."""
        form = {name.rstrip("_"): value for name, value in fields.items()}
        if "covers" in form:
            form["covers"] = json.dumps(form["covers"])
        # The file differs by the number, as two scans do.
        content = PDF.replace(b"a certificate", f"{type} {form.get('number', '')}".encode())
        file = (f"{type}.pdf", content, "application/pdf")
        answer = owner.request("POST", "/documents", data={"type": type, **form}, files={"file": file})
        assert answer.status_code in (200, 201), answer.text
        body: dict[str, Any] = answer.json()
        return body

    def certify(
        self, owner: Actor, custody: Mapping[str, Any], type: str, *, hours: float = 1, **fields: Any
    ) -> dict[str, Any]:
        """Uploads a paper and lets it speak for a batch in the owner's hands, so many hours ago."""
        paper = self.document(owner, type, **fields)
        owner.record("certify", custody_id=custody["custody_id"], document_id=paper["id"], event_time=ago(hours=hours))
        return paper

    def handheld(self, owner: Actor, name: str, kind: str = "handheld") -> "Handheld":
        """A device at the owner's site, enrolled by the operator of the service and activated with its code."""
        device = self.admin.made("/devices", {"site_id": owner.site["id"], "name": name, "kind": kind})
        answer = self.public.post("/devices/activate", {"activation_code": device["activation_code"]})
        assert answer.status_code == 200, answer.text
        return Handheld(self.client, answer.json()["key"], owner.party, owner.site, answer.json(), device)

    def read(self, code: str, language: str = "zh", reader: Actor | None = None) -> str:
        """What a person reads on the page of a code, without markup, blanks drawn together."""
        return plain(self.markup(code, language, reader))

    def markup(self, code: str, language: str = "zh", reader: Actor | None = None) -> str:
        answer = (reader or self.public).get(f"/c/{code}?lang={language}", headers={"Accept": "text/html"})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/html")
        return answer.text

    def colour(self, code: str) -> str:
        """The colour of the band across the top of the page: green, amber, red, blue or grey."""
        classes = re.findall(r'<body class="([^" ]*)', self.markup(code))
        return COLOURS[classes[0]]

    def text(self, code: str, language: str = "zh") -> str:
        """The short text for SMS and hotline."""
        answer = self.public.get(f"/c/{code}?lang={language}", headers={"Accept": "text/plain"})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/plain")
        return answer.text

    def board(self, code: str, reader: Actor | None = None) -> dict[str, Any]:
        """The board of a market, stall or canteen as its JSON feed, as the public sees it or somebody with a key."""
        answer = (reader or self.public).get(f"{self.client.base_url}/boards/{code}.json")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def screen(self, path: str, reader: Actor | None = None, status: int = 200) -> str:
        """What is read on a screen, of a board or a kiosk, at its path."""
        answer = (reader or self.public).get(
            f"{self.client.base_url}{path}", headers={"Accept": "text/html", "Accept-Language": "zh-CN"}
        )
        assert answer.status_code == status, answer.text
        return plain(answer.text)

    def kiosk(self, typed: str) -> str:
        """What is read on the kiosk when this is held before its scanner, and it is one thing that is found."""
        found = self.client.get("/kiosk", params={"q": typed})
        assert found.status_code == 303, plain(found.text)
        return self.screen(found.headers["location"])

    def epcis(self, reader: Actor, count: int, **parameters: str) -> list[dict[str, Any]]:
        """The events that a query of EPCIS answers the reader, once there are so many: what is recorded here is there
        within seconds."""
        deadline = time.monotonic() + 30
        while True:
            answer = reader.get("/epcis/events", params={"perPage": "1000", **parameters})
            assert answer.status_code == 200, answer.text
            found: list[dict[str, Any]] = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
            if len(found) >= count or time.monotonic() > deadline:
                assert len(found) == count, found
                return found
            time.sleep(0.1)

    def hides(self, code: str, secrets: Iterable[str] = ()) -> None:
        """No representation of the page, in no language, tells the public any of these, and no field for the
        business's eyes is filled. Name quantities with their decimals: a bare number stands in many a lot's."""
        page = self.public.scan(code)
        assert set(private_fields(page)) == set()
        told = list(said(page))
        for language in ("zh", "en"):
            told += [self.read(code, language), self.text(code, language)]
        assert tells(told, secrets) == set()


def tells(texts: Iterable[str], secrets: Iterable[str]) -> set[str]:
    """Which of them the texts say. The seconds of a time are no quantity."""
    told = "\n".join(texts)
    return {secret for secret in secrets if re.search(r"(?<!\d:)" + re.escape(secret), told)}


PRIVATE = {
    "quantity", "amount_fen", "balance", "actions", "suppliers", "contact", "address", "covers", "sample_number",
    "tester",
}  # fmt: skip


def private_fields(shown: Any) -> Iterator[str]:
    """Names of filled fields, anywhere in an answer, that are none of the public's business."""
    if isinstance(shown, dict):
        yield from (name for name, value in shown.items() if name in PRIVATE and value is not None)
        for value in shown.values():
            yield from private_fields(value)
    elif isinstance(shown, list):
        for value in shown:
            yield from private_fields(value)


def said(shown: Any, name: str = "") -> Iterator[str]:
    """Every text in an answer that says something to a person: no codes, ids and times."""
    if isinstance(shown, dict):
        for key, value in shown.items():
            yield from said(value, key)
    elif isinstance(shown, list):
        for value in shown:
            yield from said(value, name)
    elif isinstance(shown, str) and name not in ("code", "since") and not name.endswith(("_id", "_time")):
        yield shown


COLOURS = {
    "ok": "green",
    "incomplete": "amber",
    "pending": "blue",
    "revoked": "grey",
    "expired": "red",
    "refused": "red",
    "held": "red",
    "recalled": "red",
}


def plain(markup: str) -> str:
    """A page as a person reads it: `<style>` and `<head>` apart from the title left out, blanks drawn together."""
    body = re.sub(r"<(style|svg)\b.*?</\1>", " ", markup, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def ndjson(lines: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The options of a request that posts these, a line each."""
    content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return {"content": content.encode(), "headers": {"Content-Type": "application/x-ndjson"}}


def outcomes(text: str) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The outcomes of an NDJSON answer, and its summary."""
    *lines, last = [json.loads(line) for line in text.splitlines()]
    return lines, last["summary"]


@dataclass(slots=True)
class Handheld(Scale):
    """A scale or handheld printer that prints first and uploads when there is a network."""

    device: dict[str, Any] = field(default_factory=dict)
    printed: int = 0
    unsent: list[dict[str, Any]] = field(default_factory=list)

    def prints(self, *lines: Mapping[str, Any], **fields: Any) -> str:
        """Weighs, prints the receipt and returns its code; nothing has been uploaded yet."""
        told = self.activation
        counter = told["next_counter"] + self.printed
        self.printed += 1
        self.unsent.append({"counter": counter, "event_time": ago(minutes=5), "lines": list(lines), **fields})
        number = codes.receipt_id(told["device_number"], told["epoch"], counter)
        return codes.receipt_code(bytes.fromhex(told["receipt_secret"]), number)

    def upload(self) -> list[dict[str, Any]]:
        """Posts what has not been sent; every sale must be recorded. Returns the outcomes."""
        answer = self.post("/sales", {"sales": self.unsent})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["recorded"] == len(self.unsent), body
        assert [outcome["counter"] for outcome in body["results"]] == [sale["counter"] for sale in self.unsent]
        self.unsent.clear()
        results: list[dict[str, Any]] = body["results"]
        return results


def line(custody: Mapping[str, Any], value: str, unit: str = "公斤", amount_fen: int | None = None) -> dict[str, Any]:
    """One line of a sale."""
    quantity = {"value": value, "unit": unit}
    return {"custody_id": custody["custody_id"], "quantity": quantity, "amount_fen": amount_fen}


def licence(serial: int, scheme: str = "JY", region: str = "410108") -> dict[str, str]:
    """A permit whose last digit is right (GB/T 17710, ISO 7064 MOD 11,10)."""
    digits = f"1{region}{serial:06d}"
    remainder = 10
    for digit in digits:
        total = (remainder + int(digit)) % 10 or 10
        remainder = total * 2 % 11
    return {"scheme": scheme, "number": f"{scheme}{digits}{(11 - remainder) % 10}"}


def soon(happened: Callable[[], bool], seconds: float = 1.0) -> bool:
    """Whether it happens within that time: a lock or a stop works within a second, wherever something is cached."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
    return True


def slugs(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Slugs of flags or reasons, in order."""
    return [str(each["slug"]) for each in found]
