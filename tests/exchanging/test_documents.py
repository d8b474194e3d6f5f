"""Documents: what cannot be read, what is refused and how it is said, and that what is taken comes out equal."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
from sqlalchemy import Engine

from app.domain.epcis.faults import Fault, Faults, readable
from app.domain.errors import Forbidden, Malformed, NotFound
from app.domain.rights import Principal, Role
from app.enrolling.keys import OPERATOR
from app.exchanging import ImportReport, export_capture, files, import_file, lines, read_document, to_json
from app.store import tables
from app.store.engine import reading
from app.store.writer import Writer
from tests.domain.epcis import xml_documents
from tests.exchanging.world import (
    FARM,
    MARKET,
    bring,
    codes,
    declared,
    document,
    happened,
    made,
    rows,
    seen,
    some,
)
from tests.support.cast import Cast


def out(engine: Engine, report: ImportReport) -> dict[str, Any]:
    assert report.capture_id is not None, report.refusals
    with reading(engine) as snapshot:
        return export_capture(snapshot, report.capture_id, OPERATOR)


def _faults(value: Any) -> list[Fault]:
    faults = Faults()
    readable(value, "", faults)
    return faults.found


class TestReading:
    @pytest.mark.parametrize(
        ("raw", "slug"),
        [
            (b"", "bad-json"),
            (b"\x00\xff\xfe", "bad-json"),
            (b'{"type":', "bad-json"),
            (b'{"a": NaN}', "bad-json"),
            (b'{"a": -Infinity}', "bad-json"),
            (b'{"a": ' + b"7" * 5000 + b"}", "bad-json"),
            (b'"\xe9"', "bad-json"),
            (b"[" * 200_000, "too-deep"),
            (b'{"a":' * 200_000, "too-deep"),
        ],
        ids=lambda value: repr(value[:20]),
    )
    def test_what_is_no_json(self, raw: bytes, slug: str) -> None:
        with pytest.raises(Malformed) as refusal:
            read_document(raw)
        assert refusal.value.slug == slug
        assert " · " in refusal.value.detail

    def test_of_a_name_that_stands_twice_the_last_counts_and_is_flagged(self) -> None:
        found = read_document(b'{"a": [{"b": 1, "c": 2, "b": 3}]}')
        assert found == {"a": [{"b": 3, "c": 2}]}
        assert to_json(found) == b'{"a":[{"b":3,"c":2}]}'
        faults = Faults()
        assert readable(found, "", faults)
        assert [(fault.pointer, fault.slug, fault.severity) for fault in faults.found] == [
            ("/a/0", "repeated-name", "flag")
        ]

    def test_a_name_that_stands_twice_is_seen_however_it_is_written(self) -> None:
        for raw in (b'{"a" : 1, "\\u0061":2}', b'{"a":"\\":", "b": {"c": "\\":"}, "a"\n:1}'):
            assert any(fault.slug == "repeated-name" for fault in _faults(read_document(raw)))
        assert read_document(b'{"a": "is \\"it\\": that", "b": "\\ud800"}') == {"a": 'is "it": that', "b": "\ud800"}

    def test_every_encoding_of_json(self) -> None:
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
            assert read_document('{"名": 1.50}'.encode(encoding)) == {"名": 1.5}


class TestRefusals:
    @pytest.mark.parametrize("brought", [None, 5, "text", [], True, {}, {"type": 7}, {"type": "EPCISDocument"}])
    def test_what_is_no_document(self, engine: Engine, writer: Writer, brought: Any) -> None:
        report = bring(writer, engine, brought, proceed=True)
        assert report.capture_id is None
        assert report.refused
        assert all(" · " in fault.detail for fault in report.refusals)
        assert rows(engine, tables.event) == []

    def test_one_fault_keeps_the_whole_document_out(self, engine: Engine, writer: Writer) -> None:
        good, bad = made(1, FARM, some("A", 5)), {**made(2, FARM, some("B", 5)), "bizStep": "eating", "ex2:x": 1}
        report = bring(writer, engine, document(good, bad))
        assert report.capture_id is None
        assert report.counts == {"recorded": 0, "duplicate": 0, "refused": 2, "flagged": 0}
        assert {(fault.pointer, fault.slug) for fault in report.refusals} == {
            ("/epcisBody/eventList/1/bizStep", "unknown-word"),
            ("/epcisBody/eventList/1/ex2:x", "undeclared-prefix"),
        }
        assert [rows(engine, table) for table in (tables.event, tables.capture, tables.site)] == [[], [], []]

    def test_unless_one_proceeds_with_the_good_ones(self, engine: Engine, writer: Writer) -> None:
        good, bad = made(1, FARM, some("A", 5)), {**made(2, FARM, some("B", 5)), "bizStep": "eating"}
        brought = document(bad, good, **{"ex:note": {"ex:deep": [1.50, None]}})
        report = bring(writer, engine, brought, proceed=True)
        assert report.counts == {"recorded": 1, "duplicate": 0, "refused": 1, "flagged": 0}
        assert report.refused
        assert [outcome.status for outcome in report.events] == ["refused", "recorded"]
        assert len(rows(engine, tables.lot)) == 1
        # What was refused is kept with the document all the same.
        assert out(engine, report) == brought

    def test_with_no_good_event_there_is_nothing_to_proceed_with(self, engine: Engine, writer: Writer) -> None:
        bad = {**made(2, FARM, some("B", 5)), "bizStep": "eating"}
        assert bring(writer, engine, document(bad), proceed=True).capture_id is None
        broken_head = document(made(1, FARM, some("A", 5)), schemaVersion="1.2")
        report = bring(writer, engine, broken_head, proceed=True)
        assert report.capture_id is None
        assert [fault.pointer for fault in report.faults] == ["/schemaVersion"]
        assert report.events[0].reasons == []

    def test_of_many_faults_every_bad_event_is_known(self, engine: Engine, writer: Writer) -> None:
        bad = [{**made(i, FARM, some(f"L{i}", 5)), "bizStep": "eating"} for i in range(150)]
        report = bring(writer, engine, document(*bad, made(1, FARM, some("A", 5))), proceed=True)
        assert report.counts["recorded"] == 1
        assert report.counts["refused"] == 150
        assert all(outcome.reasons for outcome in report.events[:150])

    def test_who_brings_nothing_in(self, engine: Engine, writer: Writer) -> None:
        lab = Principal(OPERATOR.key_id, Role.LAB, None, None, None, None)
        with pytest.raises(Forbidden):
            bring(writer, engine, document(), principal=lab)


class TestOutAgain:
    ODD: ClassVar[dict[str, Any]] = {
        "ex:numbers": [1000.0, 0.1, 1e22, -0.0, 5e-324, 12345678901234567890, 10**300, True, False, None],
        "ex:nested": {"ex:empty": {}, "ex:list": [[], [{}], ""], "ex:中文": "一码 · \u2028 😀"},
        "rdfs:comment": "kept, though no part of the event's identity",
    }

    def test_nothing_is_lost(self, engine: Engine, writer: Writer) -> None:
        brought = document(
            {**made(1, FARM, some("A", 5.25)), **self.ODD, "ilmd": {"ex:x": self.ODD["ex:numbers"]}},
            sender="urn:x:1",
            **{"ex:header": self.ODD},
        )
        read = read_document(json.dumps(brought).encode())
        report = bring(writer, engine, read)
        assert out(engine, report) == read == brought
        assert read_document(to_json(out(engine, report))) == brought

    def test_digits_that_no_float_has(self, engine: Engine, writer: Writer) -> None:
        raw = json.dumps(document(made(1, FARM, some("A", 5))))
        raw = raw.replace('"quantity": 5', '"quantity": 5.000000000000000000001')
        raw = raw.replace('"bizStep"', '"ex:pi": 3.14159265358979323846264338327950288, "ex:far": 1E-300, "bizStep"')
        report = bring(writer, engine, read_document(raw.encode()))
        event = out(engine, report)["epcisBody"]["eventList"][0]
        assert event["quantityList"][0]["quantity"] == Decimal("5.000000000000000000001")
        assert event["ex:pi"] == Decimal("3.14159265358979323846264338327950288")
        assert event["ex:far"] == 1e-300
        assert b"3.14159265358979323846264338327950288" in to_json(event)
        assert bring(writer, engine, read_document(raw.encode())).counts["duplicate"] == 1

    def test_large_numbers_are_the_same_doubles(self, engine: Engine, writer: Writer) -> None:
        brought = document(made(1, FARM, some("A", 5), **{"ex:numbers": [1e23, 1.7e308, 123456789012345680000.0]}))
        came_back = to_json(out(engine, bring(writer, engine, read_document(json.dumps(brought).encode()))))
        assert json.loads(came_back, parse_int=float) == json.loads(json.dumps(brought), parse_int=float)

    def test_an_event_alone(self, engine: Engine, writer: Writer) -> None:
        event = {"@context": document()["@context"], **made(1, FARM, some("A", 5))}
        report = bring(writer, engine, event)
        assert report.events[0].pointer == ""
        assert out(engine, report) == event
        faulty = bring(writer, engine, {**event, "bizStep": "eating"})
        assert [fault.pointer for fault in faulty.refusals] == ["/bizStep"]

    def test_query_results(self, engine: Engine, writer: Writer) -> None:
        brought = {name: value for name, value in document().items() if name != "epcisBody"} | {
            "type": "EPCISQueryDocument",
            "epcisBody": {
                "queryResults": {
                    "queryName": "SimpleEventQuery",
                    "resultsBody": {"eventList": [made(1, FARM, some("A", 5))], "ex:more": 1},
                    "ex:beside": [1],
                }
            },
        }
        report = bring(writer, engine, brought)
        assert report.events[0].pointer == "/epcisBody/queryResults/resultsBody/eventList/0"
        assert out(engine, report) == brought

    def test_a_document_without_events(self, engine: Engine, writer: Writer) -> None:
        report = bring(writer, engine, document())
        assert report.counts == {"recorded": 0, "duplicate": 0, "refused": 0, "flagged": 0}
        assert out(engine, report) == document()

    def test_one_event_written_in_two_ways_is_one_and_each_document_keeps_its_own(
        self, engine: Engine, writer: Writer
    ) -> None:
        event = made(1, FARM, some("A", 5), eventID="urn:uuid:0b9ddd13-b4b1-4d3b-8a3f-2a2a2a2a2a2b")
        same = {
            **event,
            "eventTime": "2026-01-31T17:00:00.000Z",
            "eventID": "urn:uuid:1b9ddd13-b4b1-4d3b-8a3f-2a2a2a2a2a2b",
            "bizStep": "https://ref.gs1.org/cbv/BizStep-commissioning",
        }
        first, second = document(event), document(same, event)
        one, two = bring(writer, engine, first), bring(writer, engine, second)
        assert len({outcome.id for outcome in (*one.events, *two.events)}) == 1
        assert [outcome.status for outcome in two.events] == ["duplicate", "duplicate"]
        assert (out(engine, one), out(engine, two)) == (first, second)
        twice = bring(writer, engine, document(seen(2, FARM, None, some("A")), seen(2, FARM, None, some("A"))))
        assert [outcome.status for outcome in twice.events] == ["recorded", "duplicate"]

    def test_a_capture_is_for_whoever_brought_it(self, engine: Engine, writer: Writer, cast: Cast) -> None:
        party = Principal(OPERATOR.key_id, Role.PRODUCER, _id(cast.farm.party), None, None, None)
        other = Principal(OPERATOR.key_id, Role.MARKET, _id(cast.market.party), None, None, None)
        brought = document(made(1, FARM, some("A", 5)))
        mine, theirs = (bring(writer, engine, brought, principal=who).capture_id for who in (party, other))
        assert mine is not None
        assert mine != theirs
        with reading(engine) as snapshot:
            assert export_capture(snapshot, mine, party) == export_capture(snapshot, mine, OPERATOR) == brought
            with pytest.raises(NotFound):
                export_capture(snapshot, mine, other)
        # The event is asserted by who told of it first.
        assert [row["party_id"] for row in rows(engine, tables.event) if row["role"] == "capture"] == [party.party_id]


def _id(party: dict[str, Any]) -> UUID:
    return UUID(party["id"])


class TestFlags:
    def test_an_event_after_its_receipt(self, engine: Engine, writer: Writer) -> None:
        report = bring(writer, engine, document({**made(1, FARM, some("A", 5)), "eventTime": "2190-01-01T00:00:00Z"}))
        assert [slug for slug, _ in report.events[0].flags] == ["clock_ahead"]

    def test_what_is_odd_outside_of_events(self, engine: Engine, writer: Writer) -> None:
        place = {"id": "urn:epc:id:sgln:4012345.1.0"}
        vocabulary = {"type": "urn:epcglobal:epcis:vtype:Location", "vocabularyElementList": [place]}
        head = {"epcisHeader": {"epcisMasterData": {"vocabularyList": [vocabulary]}}}
        report = bring(writer, engine, document(made(1, FARM, some("A", 5)), **head))
        assert [(fault.slug, fault.severity) for fault in report.faults] == [("malformed_identifier", "flag")]
        assert any("/vocabularyElementList/0/id)" in line for line in lines("x", report, ""))

    def test_no_event_has_more_flags_than_a_person_reads(self, engine: Engine, writer: Writer) -> None:
        wrong = [f"urn:epc:id:sscc:4012345.{i}" for i in range(300)]
        report = bring(writer, engine, document(seen(1, FARM, None, epcList=wrong)))
        assert len(report.events[0].flags) == 100

    def test_an_event_that_names_nothing(self, engine: Engine, writer: Writer) -> None:
        sensed = happened(
            1, "ObjectEvent", None, "sensor_reporting", action="OBSERVE", readPoint={"id": FARM},
            sensorElementList=[{"sensorReport": [{"type": "Temperature", "value": 3.5, "uom": "CEL"}]}],
            eventID="urn:uuid:0b9ddd13-b4b1-4d3b-8a3f-2a2a2a2a2a2b",
        )  # fmt: skip
        later = {**sensed, "eventTime": "2026-02-02T00:00:00Z"}
        report = bring(writer, engine, document(sensed, later, declared(later)), issue=True)
        assert [bool(outcome.flags) for outcome in report.events] == [False, True, True]
        assert codes(engine) == {}
        assert [row["uri"] for row in rows(engine, tables.site)] == [FARM]


class TestFiles:
    def test_what_is_said_of_files(
        self, engine: Engine, writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "MAX_FILE", 100_000)
        bad = {**made(2, FARM, some("B", 5)), "bizStep": "eating"}
        brought = {
            "good": document(made(1, FARM, some("A", 5)), seen(2, MARKET, None, epcList=["urn:epc:id:sscc:4012345.1"])),
            "bad": document(*[bad] * 60, **{"ex:x": 1}),
        }
        for name, content in brought.items():
            (tmp_path / name).write_text(json.dumps(content))
        (tmp_path / "supplier.xml").write_bytes(xml_documents.OBJECT_1_2.replace("UTF-8", "UTF-16").encode("utf-16"))
        (tmp_path / "broken.xml").write_text("<EPCISDocument")
        (tmp_path / "large").write_bytes(b" " * 100_001)
        (tmp_path / "binary").write_bytes(b"\x89PNG\r\n\x1a\n")

        def told(name: str, **options: Any) -> tuple[str, bool]:
            lines, whole = import_file(
                writer, engine, tmp_path / name, principal=OPERATOR, public_url="https://x.cn", **options
            )
            return "\n".join(lines), whole

        text, whole = told("good", issue=True)
        assert whole
        assert "recorded 2, there already 0, refused 0, flagged 1" in text
        assert "malformed_identifier" in text
        assert "(#1)" in text
        assert text.count("https://x.cn/c/") == 2
        text, whole = told("supplier.xml")
        assert whole
        assert "recorded 1, there already 0, refused 0" in text
        text, whole = told("bad")
        assert not whole
        assert "60 faults" in text
        assert "and 10 more" in text
        for name, reason in (
            ("large", "split it"),
            ("binary", "Not JSON"),
            ("broken.xml", "broken XML in line 1"),
            ("nothing", "No such file"),
            ("", "Is a dir"),
        ):
            text, whole = told(name)
            assert not whole
            assert reason in text
