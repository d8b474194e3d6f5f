"""Random events and random queries over them, and the plain answer: everything that there is, looked at."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, select

from app.domain import codes
from app.domain.codes import CodeKind
from app.domain.epcis.query import Query
from app.domain.rights import Principal
from app.domain.rights import Role as Rights
from app.domain.rows import Code, Party
from app.exchanging.querying import Found, Page, search
from app.store import bulk, captures, tables
from app.store.engine import reading, writing
from app.store.master import values
from app.store.repository import Line
from app.store.types import micros
from tests.exchanging.world import FARM, MARKET, PLANT, STALL, happened, lot

PLACES = (FARM, PLANT, MARKET, STALL, f"{STALL}/254/7")
STEPS = ("commissioning", "shipping", "receiving", "storing", "https://ns.example.com/epcis/chilling")
DISPOSITIONS = ("active", "in_transit", "in_progress", None)
LOTS = [lot(str(n), item) for n in range(6) for item in ("012345", "012346")]
SERIALS = [f"urn:epc:id:sgtin:4012345.011111.{n}" for n in range(8)]
UNITS = [f"urn:epc:id:sscc:4012345.000000000{n}" for n in range(4)]


def vendor(number: int) -> Principal:
    return Principal(UUID(int=number), Rights.VENDOR, UUID(int=1000 + number), None, None, None)


def enrol(engine: Engine) -> None:
    """The parties of the vendors."""
    now = datetime.now(UTC)
    with writing(engine) as connection:
        for number in range(2):
            party, code = vendor(number).party_id, codes.mint(CodeKind.PARTY)
            assert party is not None
            row = Party(
                party,
                code,
                f"vendor {number}",
                "vendor",
                None,
                None,
                [],
                None,
                [],
                "active",
                None,
                [],
                None,
                1,
                now,
                now,
            )
            bulk.insert(connection, tables.party, [values(row)])
            bulk.insert(connection, tables.code, [values(Code(code, CodeKind.PARTY, party, "active", None, None, now))])


def event(random: Random, number: int) -> dict[str, Any]:
    hour, place = random.randrange(60), random.choice((*PLACES, None))
    fields: dict[str, Any] = {"eventID": f"urn:uuid:00000000-0000-4000-8000-{number % 70:012}"}
    if random.random() < 0.2:
        fields["ex:grade"] = random.choice(("A", "B", 7, "2026-03-01T00:00:00Z"))
    if (point := random.choice((*PLACES, None))) is not None:
        fields["readPoint"] = {"id": point}
    if (disposition := random.choice(DISPOSITIONS)) is not None:
        fields["disposition"] = disposition
    if random.random() < 0.05:
        declared = f"2026-02-20T00:00:{number % 60:02}Z"
        fields["errorDeclaration"] = {"declarationTime": declared, "reason": "did_not_occur"}
    kind = random.choice(("ObjectEvent", "ObjectEvent", "AggregationEvent", "TransformationEvent"))

    def some(names: list[str]) -> list[dict[str, Any]]:
        return [
            {"epcClass": name, "quantity": random.choice((1, 2.5, 30)), "uom": "KGM"}
            for name in random.sample(names, random.randint(1, 3))
        ]

    if kind == "TransformationEvent":
        fields |= {"inputQuantityList": some(LOTS[:6]), "outputQuantityList": some(LOTS[6:])}
        if random.random() < 0.5:
            fields["transformationID"] = f"urn:example:process:{number % 5}"
    else:
        fields["action"] = random.choice(("ADD", "OBSERVE", "DELETE"))
        if kind == "AggregationEvent":
            fields |= {"parentID": random.choice(UNITS), "childEPCs": random.sample(SERIALS, 2)}
        elif random.random() < 0.5:
            fields["epcList"] = random.sample(SERIALS + UNITS, random.randint(1, 4))
        else:
            fields["quantityList"] = some(LOTS)
    return happened(hour, kind, place, random.choice(STEPS), **fields)


def query(random: Random) -> list[tuple[str, str]]:
    """Parameters of one to three criteria."""
    classes = random.sample(LOTS, 2)
    choices = [
        ("MATCH_anyEPC", random.choice(SERIALS)),
        ("MATCH_anyEPC", "|".join(random.sample(SERIALS + UNITS, 4))),
        ("MATCH_anyEPC", "urn:epc:idpat:sgtin:4012345.011111.*"),
        ("MATCH_anyEPC", "urn:epc:idpat:sgtin:4012345.*.*|urn:epc:id:sscc:4012345.0000000001"),
        ("MATCH_epc", random.choice(SERIALS)),
        ("MATCH_parentID", "urn:epc:idpat:sscc:4012345.*"),
        ("MATCH_anyEPCClass", "|".join(classes)),
        ("MATCH_anyEPCClass", "urn:epc:idpat:lgtin:4012345.012345.*"),
        ("MATCH_inputEPCClass", classes[0]),
        ("MATCH_outputEPCClass", "urn:epc:idpat:lgtin:4012345.*.*"),
        ("EQ_bizStep", random.choice(("shipping", "receiving|storing", "https://ns.example.com/epcis/chilling"))),
        ("EQ_disposition", "in_transit"),
        ("EQ_bizLocation", "|".join(random.sample(PLACES, 2))),
        ("EQ_readPoint", random.choice(PLACES)),
        ("WD_bizLocation", STALL),
        ("WD_readPoint", "|".join(random.sample(PLACES, 2))),
        ("eventType", random.choice(("ObjectEvent", "AggregationEvent|TransformationEvent"))),
        ("EQ_action", random.choice(("ADD|DELETE", "DELETE"))),
        ("EQ_transformationID", "urn:example:process:1|urn:example:process:3"),
        ("EQ_eventID", f"urn:uuid:00000000-0000-4000-8000-{random.randrange(70):012}"),
        ("GE_eventTime", f"2026-02-0{random.randint(1, 3)}T06:00:00+08:00"),
        ("LT_eventTime", f"2026-02-0{random.randint(1, 3)}T09:00:00+08:00"),
        ("GE_recordTime", "2020-01-01T00:00:00Z"),
        ("EXISTS_errorDeclaration", "true"),
        ("GT_quantity_KGM", "2"),
        ("EQ_https://ns.example.com/epcis/grade", "A"),
    ]
    picked = dict(random.sample(choices, random.randint(0, 3)))
    if random.random() < 0.5:
        picked["orderBy"] = random.choice(("eventTime", "recordTime", "quantity", "https://ns.example.com/epcis/grade"))
        if random.random() < 0.5:
            picked["orderDirection"] = random.choice(("ASC", "DESC"))
    return list(picked.items())


def everything(engine: Engine) -> list[tuple[Found, UUID | None]]:
    """Every event that is shown, with the party whose it is."""
    c = tables.epcis_event.c
    columns = (c.event_id, c.position, c.event_time, c.record_time, c.epcis_event_id, c.context, c.body, c.party_id)
    with reading(engine) as snapshot:
        rows = snapshot.execute(select(*columns)).all()
        bodies = captures.bodies(snapshot, [row.event_id for row in rows])
    found = []
    for row in rows:
        declared = None if row.context is None else json.dumps(row.context)
        times = micros(row.event_time), micros(row.record_time)
        line = Line(row.position, *times, row.epcis_event_id, declared, row.event_id.bytes, None)
        found.append((Found(line, row.body if row.body is not None else bodies[row.event_id]), row.party_id))
    return found


def pages(engine: Engine, principal: Principal, asked: Query, limit: int) -> Iterator[Page]:
    page = search(engine, principal, asked, limit=limit)
    yield page
    while page.next is not None:
        page = search(engine, principal, asked, after=page.next, limit=limit)
        yield page
