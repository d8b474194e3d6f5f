"""Random events over the whole of EPCIS 2.0: every type of event and action, every field, sensors, ilmd, extensions
nested and listed. All of them are valid, and say nothing that XML cannot (no lists of one in extensions)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from app.domain.epcis import vocabulary as v
from app.domain.epcis.writing import CONTEXT

Json = dict[str, Any]
NAMES = {"shop": "https://ns.shop.example/epcis/", "lab": "urn:example:lab:", "x": "http://x.example/voc#"}
START = datetime(2001, 1, 1, tzinfo=UTC)

INSTANCES = (
    "urn:epc:id:sgtin:4012345.01{d}.{s}", "urn:epc:id:sscc:4012345.000000{d}", "urn:epc:id:grai:4012345.0{d}.{s}",
    "urn:epc:id:giai:4012345.A{d}", "urn:epc:id:gdti:4012345.0{d}.{d}", "urn:epc:id:itip:4012345.01{d}.01.02.{s}",
    "urn:epc:id:cpi:4012345.AB{d}.{d}", "urn:epc:id:gsrn:4012345.000000{d}", "urn:epc:id:upui:4012345.01{d}.{s}",
    "https://goods.example/x/8004/4012345{d}?17=260101", "https://id.gs1.org/01/04012345111118/10/L/21/{s}",
    "urn:example:item:{d}",
)  # fmt: skip
CLASSES = (
    "urn:epc:class:lgtin:4012345.01{d}.{s}", "urn:epc:idpat:sgtin:4012345.01{d}.*", "urn:example:kind:{d}",
    "https://id.gs1.org/01/04012345111118/22/2A/10/{s}",
)  # fmt: skip
PLACES = ("urn:epc:id:sgln:4012345.0{d}.0", "urn:epc:id:sgln:4012345.0{d}.{s}", "geo:31.23,121.47")
PARTIES = ("urn:epc:id:pgln:4012345.0{d}", *PLACES)
SERIALS = ("1", "0010", "a-b._C", "98%22", "%2F%26", "a!(b)*+,:", "7;8=9")
URIS = ("https://example.org/a/b?c=1#d", "urn:x:y", "ni:///sha-256;abc?ver=CBV2.0")
TEXTS = (
    "A",
    "0010",
    "1.50",
    "true",
    "批次 7",
    'a <b> & "c"',
    "üß 🥬",
    "urn:epc:id:giai:4012345.ABC",
    "-",
    "2026-10-21",
)
NUMBERS = (0, 7, -3, 10**30, 20.0, 1e22, -1.5, 0.1, 1e-7, 123456.789)
ACTIONS = ("ADD", "OBSERVE", "DELETE")


class Generator:
    def __init__(self, random: Random) -> None:
        self.random = random

    def event(self) -> Json:
        kind = self.random.choice(sorted(v.EVENT_TYPES))
        named: dict[str, Callable[[], Any]] = {
            "eventID": lambda: f"urn:uuid:00000000-0000-4000-8000-{self.random.randrange(10**12):012}",
            "errorDeclaration": self.declaration,
            "certificationInfo": lambda: self.random.choice((URIS[0], list(URIS[:2]))),
            "bizStep": lambda: self.word(v.BIZ_STEPS),
            "disposition": lambda: self.word(v.DISPOSITIONS),
            "readPoint": lambda: {"id": self.uri(PLACES), **self.extensions()},
            "bizLocation": lambda: {"id": self.uri(PLACES), **self.extensions()},
            "bizTransactionList": self.transactions,
            "sourceList": lambda: self.typed("source", v.SOURCE_DESTINATION_TYPES, PARTIES),
            "destinationList": lambda: self.typed("destination", v.SOURCE_DESTINATION_TYPES, PARTIES),
            "sensorElementList": lambda: self.some(self.sensors),
        }
        if kind != "TransformationEvent":
            named["action"] = lambda: self.random.choice(ACTIONS)
        named |= {
            "ObjectEvent": {"epcList": self.epcs, "quantityList": self.quantities},
            "TransactionEvent": {"parentID": self.epc, "epcList": self.epcs, "quantityList": self.quantities},
            "AggregationEvent": {"parentID": self.epc, "childEPCs": self.epcs, "childQuantityList": self.quantities},
            "AssociationEvent": {"parentID": self.epc, "childEPCs": self.epcs, "childQuantityList": self.quantities},
            "TransformationEvent": {
                "inputEPCList": self.epcs, "inputQuantityList": self.quantities, "outputEPCList": self.epcs,
                "outputQuantityList": self.quantities, "transformationID": lambda: self.uri(URIS),
            },
        }[kind]  # fmt: skip
        needed = {"action", "parentID", "childEPCs", "epcList", "inputEPCList", "outputEPCList"}
        needed |= {"bizTransactionList"} if kind == "TransactionEvent" else set()
        made: Json = {
            "type": kind,
            "eventTime": self.time(),
            "eventTimeZoneOffset": self.random.choice(("+08:00", "-03:30")),
        }
        made |= {name: make() for name, make in named.items() if name in needed or self.random.random() < 0.4}
        if kind in ("ObjectEvent", "TransformationEvent"):
            if self.random.random() < 0.4:
                made["persistentDisposition"] = self.persistent()
            if made.get("action", "ADD") == "ADD" and self.random.random() < 0.5:
                made["ilmd"] = {"cbvmda:lotNumber": self.random.choice(TEXTS), **self.extensions()}
        names = self.random.sample(sorted(made), len(made))
        return {**{name: made[name] for name in names}, **self.extensions()}

    def some(self, make: Callable[[], Any], least: int = 1) -> list[Any]:
        """Up to three, none like another."""
        return list({str(one): one for one in (make() for _ in range(self.random.randint(least, 3)))}.values())

    def uri(self, forms: tuple[str, ...]) -> str:
        return self.random.choice(forms).format(d=f"{self.random.randrange(10**4):04}", s=self.random.choice(SERIALS))

    def epc(self) -> str:
        return self.uri(INSTANCES)

    def epcs(self) -> list[str]:
        return self.some(self.epc)

    def quantities(self) -> list[Json]:
        def one() -> Json:
            amount: Json = self.random.choice(
                ({}, {"quantity": 3}, {"quantity": 12.5, "uom": "KGM"}, {"quantity": 200.0})
            )
            return {"epcClass": self.uri(CLASSES), **amount}

        return self.some(one)

    def word(self, words: frozenset[str]) -> str:
        return self.random.choice((*sorted(words), "https://words.example/own/word", "urn:example:word:own"))

    def typed(self, name: str, kinds: frozenset[str], forms: tuple[str, ...]) -> list[Json]:
        return self.some(lambda: {"type": self.word(kinds), name: self.uri(forms)})

    def transactions(self) -> list[Json]:
        forms = ("urn:epcglobal:cbv:bt:4012345000009:{d}", *URIS)
        untyped = {"bizTransaction": "urn:example:deal:1"}
        return [*self.typed("bizTransaction", v.BIZ_TRANSACTION_TYPES, forms), *self.random.choice(([], [untyped]))]

    def time(self) -> str:
        """An xsd:dateTimeStamp; fractions of up to seven digits, any offset."""
        fraction = self.random.choice(("", ".5", ".000", ".123", ".1234", ".9995", ".1234567"))
        zone = self.random.choice(("Z", "+00:00", "+08:00", "-03:30", "+05:45", "-11:00"))
        return f"{START + timedelta(seconds=self.random.randrange(10**9)):%Y-%m-%dT%H:%M:%S}{fraction}{zone}"

    def declaration(self) -> Json:
        made: Json = {"declarationTime": self.time(), "correctiveEventIDs": list(URIS[1:]), **self.extensions()}
        return made if self.random.random() < 0.5 else {**made, "reason": self.word(v.ERROR_REASONS)}

    def persistent(self) -> Json:
        words = self.random.sample(sorted(v.DISPOSITIONS), 3)
        return self.random.choice(({"set": words[:2]}, {"unset": words[:1]}, {"unset": words[:1], "set": words[1:]}))

    def sensors(self) -> Json:
        made: Json = {"sensorReport": self.some(self.report), **self.extensions()}
        return made if self.random.random() < 0.3 else {**made, "sensorMetadata": self.metadata()}

    def metadata(self) -> Json:
        times = {name: self.time() for name in ("time", "startTime", "endTime")}
        uris = dict.fromkeys(("deviceMetadata", "rawData", "dataProcessingMethod", "bizRules"), URIS[0])
        return self.part({**times, **uris, "deviceID": "urn:epc:id:giai:4012345.A1"})

    def report(self) -> Json:
        numbers = ["value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue"]
        uris = ["deviceID", "uriValue", "microorganism", "chemicalSubstance", "coordinateReferenceSystem", "bizRules"]
        made: Json = {name: self.random.choice((3, 26.0, -1.5, 0.41)) for name in numbers}
        made |= {name: self.uri(URIS) for name in uris}
        made |= {
            "time": self.time(), "component": self.random.choice("xyz"), "booleanValue": self.random.random() < 0.5,
            "exception": self.random.choice(sorted(v.EXCEPTIONS)), "stringValue": self.random.choice(TEXTS),
            "hexBinaryValue": "00fF",
        }  # fmt: skip
        kind = self.random.choice(("Temperature", "Illuminance", "gs1:EffectiveDoseRate", "urn:example:kind"))
        return {"type": kind, **self.part(made)}

    def part(self, made: Json) -> Json:
        """Some of the fields, and extensions as XML has them in sensor data: attributes."""
        kept = {name: made[name] for name in made if self.random.random() < 0.4}
        return {**kept, **{name: self.random.choice(TEXTS) for name in self.names(2)}}

    def names(self, most: int) -> list[str]:
        known = [f"{prefix}:{local}" for prefix in NAMES for local in ("a", "grade", "b.c", "d-e", "F_g")]
        return self.random.sample(known, self.random.randint(0, most))

    def extensions(self) -> Json:
        return {name: self.value() for name in self.names(3)}

    def value(self, depth: int = 0) -> Any:
        if depth < 3 and self.random.random() < 0.3:
            names = [*self.names(2), self.random.choice(("plain", "id", "type"))]
            return {name: self.value(depth + 1) for name in names}
        if depth < 3 and self.random.random() < 0.2:
            items = [self.value(depth + 1) for _ in range(self.random.randint(2, 3))]
            return [item for one in items for item in (one if isinstance(one, list) else [one])]
        return self.random.choice((*TEXTS, *NUMBERS, True, False, None, self.time()))


def document(*events: Json) -> Json:
    return {
        "@context": [CONTEXT, NAMES],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-03-02T01:00:00Z",
        "epcisBody": {"eventList": list(events)},
    }
