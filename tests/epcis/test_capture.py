"""/epcis/capture: what a document becomes, what a job tells, and who may know of it."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from app.enrolling.keys import OPERATOR
from app.exchanging import capturing
from app.settings import Settings
from app.store import capture_jobs, tables
from app.store.engine import writing
from app.web.epcis import capture
from app.web.service import Service
from tests.epcis.capturing import PROCEED, captured, counts, ended, handed_over, pointers
from tests.exchanging.world import FARM, STALL, declared, document, lot, made, packed, rows, seen, some
from tests.support.cast import Cast

WRONG = {**made(2, FARM, some("B", 5)), "bizStep": "eating"}
OWN = "urn:uuid:8f1b7e8e-3f5c-4d3e-9f6e-0d5a3f3b6c01"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"capture_events": 2_000, "capture_bytes": 3_000_000})


@contextmanager
def stopped(service: Service) -> Iterator[None]:
    """Nobody works at jobs meanwhile."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(capture_jobs, "due", lambda *_: None)
        yield
    service.capturer.wake()


def changed(service: Service, **values: Any) -> None:
    with writing(service.engine) as connection:
        connection.execute(update(tables.capture_job).values(values))


def job_of(service: Service) -> UUID:
    """The one that waits."""
    (found,) = [row["id"] for row in rows(service.engine, tables.capture_job) if row["state"] != "done"]
    return UUID(str(found))


def expire(service: Service) -> None:
    changed(service, lease_until=datetime.now(UTC) - timedelta(seconds=1))


def age(service: Service, by: timedelta) -> None:
    """All jobs are so much older."""
    for row in rows(service.engine, tables.capture_job):
        times = {name: row[name] - by for name in ("created_at", "finished_at") if row[name] is not None}
        with writing(service.engine) as connection:
            connection.execute(update(tables.capture_job).where(tables.capture_job.c.id == row["id"]).values(times))


class TestJobs:
    def test_a_document_is_captured_and_its_job_says_so(self, cast: Cast) -> None:
        job = captured(cast.farm, document(made(1, FARM, some("A", 5)), seen(2, STALL, "receiving", some("A", 5))))
        assert (job["running"], job["success"], job["captureErrorBehaviour"], job["errors"]) == (
            False, True, "rollback", []
        )  # fmt: skip
        assert datetime.fromisoformat(job["createdAt"]) <= datetime.fromisoformat(job["finishedAt"])
        assert counts(job) == (2, 0, 0)
        outcome = job["onecode:outcome"]
        assert (outcome["events"], outcome["handled"], outcome["faults"]) == (2, 2, 0)
        assert [one["pointer"] for one in outcome["outcomes"]] == [f"/epcisBody/eventList/{i}" for i in range(2)]
        assert cast.farm.get(outcome["document"]).json()["epcisBody"]["eventList"][0]["action"] == "ADD"
        steps = cast.admin.trace("back", epc=lot("A"))["nodes"]
        assert len(steps) == 2

    def test_the_same_again_changes_nothing(self, cast: Cast, service: Service) -> None:
        first = captured(cast.farm, document(made(1, FARM, some("A", 5))))
        second = captured(cast.farm, document(made(1, FARM, some("A", 5))))
        assert first["captureID"] != second["captureID"]
        assert counts(second) == (0, 1, 0)
        assert second["success"]
        assert first["onecode:outcome"]["document"] == second["onecode:outcome"]["document"]
        assert rows(service.engine, tables.capture_piece) == [], "the bytes of a job go when it is done"

    def test_rollback_takes_nothing(self, cast: Cast, service: Service) -> None:
        job = captured(cast.farm, document(made(1, FARM, some("A", 5)), WRONG))
        assert (job["running"], job["success"]) == (False, False)
        assert counts(job) == (0, 0, 2)
        (error,) = job["errors"]
        assert error["type"] == "epcisException:ValidationException"
        assert error["status"] == 400
        assert error["instance"].endswith(f"/epcis/capture/{job['captureID']}#/epcisBody/eventList/1/bizStep")
        assert pointers(job) == ["/epcisBody/eventList/1/bizStep"]
        assert job["onecode:outcome"]["document"] is None
        assert rows(service.engine, tables.event) == []

    def test_proceed_takes_what_is_good(self, cast: Cast) -> None:
        job = captured(cast.farm, document(made(1, FARM, some("A", 5)), WRONG), **PROCEED)
        assert (job["running"], job["success"], job["captureErrorBehaviour"]) == (False, False, "proceed")
        assert counts(job) == (1, 0, 1)
        assert pointers(job) == ["/epcisBody/eventList/1/bizStep"]
        assert cast.farm.get(job["onecode:outcome"]["document"]).json()["epcisBody"]["eventList"][1] == WRONG

    def test_the_first_hundred_faults_are_listed(self, cast: Cast) -> None:
        job = captured(cast.farm, document(*({**WRONG, "ref:x": i} for i in range(150))), **PROCEED)
        assert len(job["errors"]) == 100
        assert job["onecode:outcome"]["faults"] == 300
        assert counts(job) == (0, 0, 150)

    def test_a_fault_beyond_the_listed_events_is_told(self, cast: Cast) -> None:
        job = captured(cast.farm, document(*(made(i % 500, FARM, some(f"L{i}", 1)) for i in range(1_200)), WRONG))
        assert pointers(job) == ["/epcisBody/eventList/1200/bizStep"]
        assert len(job["onecode:outcome"]["outcomes"]) == 1_000
        assert counts(job) == (0, 0, 1_201)

    def test_jobs_as_xml(self, cast: Cast) -> None:
        location = handed_over(cast.farm, document(made(1, FARM, some("A", 5)), WRONG))
        job = ended(cast.farm, location)
        xml = cast.farm.get(location, headers={"Accept": "application/xml"})
        assert xml.headers["content-type"].startswith("application/xml")
        assert f'captureID="{job["captureID"]}" running="false" success="false"' in xml.text
        assert "<type>epcisException:ValidationException</type>" in xml.text
        assert job["captureID"] in cast.farm.get("/epcis/capture", headers={"Accept": "text/xml"}).text

    def test_own_jobs_in_pages(self, cast: Cast) -> None:
        made_here = [handed_over(cast.farm, document(made(i, FARM, some("A", 5)))) for i in range(5)]
        theirs = handed_over(cast.stall, document())
        seen_here: list[str] = []
        path: str | None = "/epcis/capture?perPage=2"
        while path is not None:
            answer = cast.farm.get(path)
            assert len(answer.json()) <= 2
            seen_here += [f"/epcis/capture/{job['captureID']}" for job in answer.json()]
            link = answer.headers.get("link")
            path = link.split(";")[0].strip("<>") if link else None
        assert seen_here == made_here[::-1]
        assert cast.farm.get(theirs).status_code == cast.stall.get(made_here[0]).status_code == 404
        everyone = [job["captureID"] for job in cast.admin.get("/epcis/capture").json()]
        assert len(everyone) == 6
        assert theirs.endswith(everyone[0])
        for location in (*made_here, theirs):
            ended(cast.admin, location)
        assert cast.farm.get("/epcis/capture?nextPageToken=nonsense").status_code == 400
        assert cast.farm.get("/epcis/capture?perPage=0").status_code == 400
        assert cast.farm.get("/epcis/capture/nonsense").status_code == 404


class TestAtTheDoor:
    @pytest.mark.parametrize(
        ("body", "media_type", "status"),
        [
            (b"", "application/json", 400),
            (b"{", "application/json", 400),
            (b"[]", "application/ld+json", 400),
            (b"null", "application/json", 400),
            (b'{"type": "EPCISDocument"}', "application/json", 400),
            (b'{"type": "Nothing"}', "application/json", 400),
            (json.dumps(made(1, FARM, some("A", 5))).encode(), "application/json", 400),
            (b"[" * 100_000, "application/json", 400),
            (b"<a", "application/xml", 400),
            (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "text/xml", 400),
            (b"{}", "text/plain", 415),
            (b"{}", "", 415),
            (b"{}", "application/x-www-form-urlencoded", 415),
        ],
        ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else str(value),
    )
    def test_what_is_no_document(self, cast: Cast, service: Service, body: bytes, media_type: str, status: int) -> None:
        answer = cast.farm.post("/epcis/capture", content=body, headers={"Content-Type": media_type})
        assert answer.status_code == status, answer.text
        expected = "ValidationException" if status == 400 else "UnsupportedMediaTypeException"
        assert answer.json()["type"] == f"epcisException:{expected}"
        assert rows(service.engine, tables.capture_job) == []

    def test_the_faults_of_a_documents_head_are_told_at_once(self, cast: Cast) -> None:
        answer = cast.farm.post("/epcis/capture", document(made(1, FARM, some("A", 5)), schemaVersion="1.1"))
        assert answer.status_code == 400
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/schemaVersion"]

    def test_unknown_behaviour_and_answers(self, cast: Cast) -> None:
        for headers, status in (({"GS1-Capture-Error-Behaviour": "all"}, 400), ({"Accept": "image/png"}, 406)):
            answer = cast.farm.post("/epcis/capture", document(), headers=headers)
            assert answer.status_code == status

    def test_limits(self, cast: Cast, service: Service) -> None:
        told = cast.farm.request("OPTIONS", "/epcis/capture")
        assert told.headers["gs1-epcis-capture-limit"] == "2000"
        assert told.headers["gs1-epcis-capture-file-size-limit"] == "3000000"
        assert told.headers["gs1-capture-error-behaviour"] == "all"
        assert told.headers["allow"] == "GET, HEAD, OPTIONS, POST"
        many = json.dumps(document(*({"type": "x"} for _ in range(2_001)))).encode()
        big = json.dumps(document(made(1, FARM, some("A", 5)), sender="x" * 3_000_000)).encode()
        for body in (many, big, gzip.compress(big)):
            encoding = {"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
            headers = {"Content-Type": "application/json", **encoding}
            answer = cast.farm.post("/epcis/capture", content=body, headers=headers)
            assert answer.status_code == 413, answer.text
            assert answer.json()["type"] == "epcisException:CaptureLimitExceededException"
        assert rows(service.engine, tables.capture_job) == rows(service.engine, tables.capture_piece) == []

    def test_the_events_of_a_long_body_are_counted_by_its_job(self, cast: Cast) -> None:
        events = ({"type": "x", "x": "y" * 500} for _ in range(2_001))
        job = captured(cast.farm, json.dumps(document(*events)).encode(), Content_Type="application/json")
        (error,) = job["errors"]
        assert (error["type"], error["status"]) == ("epcisException:CaptureLimitExceededException", 413)
        assert not job["success"]

    def test_a_long_body_comes_in_pieces(self, cast: Cast, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(capture, "PIECE", 1_000)
        events = [made(i, FARM, some(f"L{i}", 1)) for i in range(40)]
        body = gzip.compress(json.dumps(document(*events)).encode())
        job = captured(cast.farm, body, Content_Type="application/ld+json", Content_Encoding="gzip")
        assert counts(job) == (40, 0, 0)
        whole = json.dumps(document(*events)).encode()[:-10]
        cut = captured(cast.farm, whole, Content_Type="application/ld+json")
        assert (cut["success"], cut["errors"][0]["type"]) == (False, "epcisException:ValidationException")

    def test_who_may_not(self, cast: Cast) -> None:
        for actor in (cast.lab, cast.regulator):
            answer = actor.post("/epcis/capture", document())
            assert (answer.status_code, answer.json()["type"]) == (403, "epcisException:SecurityException")
        assert cast.public.post("/epcis/capture", document()).status_code == 401
        cast.admin.patch(f"/parties/{cast.farm.party['id']}", {"status": "locked"})
        assert cast.farm.post("/epcis/capture", document()).status_code == 403


class TestWhateverIsSent:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("ex:n", b"1e99999"),
            ("ex:n", b"9" * 4_000),
            ("ex:text", b'"a\\u0000b"'),
            ("ex:text", b'"\\ud800"'),
            ("ex:deep", b"[" * 300 + b"]" * 300),
            ("ex:long", b'"' + b"x" * 100_001 + b'"'),
            ("action", b'"EAT"'),
            ("eventTime", b'"yesterday"'),
            ("unknown:x", b"1"),
        ],
        ids=lambda value: str(value[:12]),
    )
    @pytest.mark.parametrize("behaviour", ["rollback", "proceed"])
    def test_a_fault_has_its_place(self, cast: Cast, name: str, value: bytes, behaviour: str) -> None:
        mark = json.dumps("MARK").encode()
        event = {key: item for key, item in made(1, FARM, some("A", 5)).items() if key != name}
        body = json.dumps(document(event | {name: "MARK"}, made(2, FARM, some("B", 5)))).encode().replace(mark, value)
        job = captured(cast.farm, body, Content_Type="application/json", GS1_Capture_Error_Behaviour=behaviour)
        assert not job["success"]
        assert all(place.startswith("/epcisBody/eventList/0") for place in pointers(job)), job
        assert all(error["status"] == 400 for error in job["errors"])
        assert cast.farm.get("/epcis/capture").status_code == 200

    def test_event_ids_that_are_used_twice(self, cast: Cast) -> None:
        job = captured(
            cast.farm, document(made(1, FARM, some("A", 5), eventID=OWN), made(2, FARM, some("B", 5), eventID=OWN))
        )
        assert counts(job) == (2, 0, 0)
        flags = [[flag["slug"] for flag in one["flags"]] for one in job["onecode:outcome"]["outcomes"]]
        assert flags == [[], ["reused_event_id"]]
        assert job["onecode:outcome"]["flagged"] == 1

    def test_goods_that_are_packed_in_one_another(self, cast: Cast) -> None:
        boxes = [f"urn:epc:id:sscc:4012345.{n:010}" for n in (1, 2)]
        events = [
            made(1, FARM, some("A", 5)),
            packed(2, FARM, boxes[0], some("A", 5)),
            *({**packed(3 + i, FARM, boxes[i]), "childEPCs": [boxes[1 - i]]} for i in (0, 1)),
            {**seen(6, STALL, "receiving"), "epcList": boxes},
        ]
        assert counts(captured(cast.farm, document(*events))) == (5, 0, 0)

    def test_time_zones_of_everybody(self, cast: Cast) -> None:
        times = ["2026-02-01T06:00:00+08:00", "2026-02-01T00:30:00+02:00", "2026-01-31T13:00:00-10:00"]
        events = [
            {**seen(1, FARM, "storing", some("A")), "eventTime": time, "eventTimeZoneOffset": time[-6:]}
            for time in times
        ]
        job = captured(cast.farm, document(made(0, FARM, some("A", 5)), *events))
        assert counts(job) == (4, 0, 0)
        same = {**events[0], "eventTime": "2026-01-31T22:00:00Z"}
        assert counts(captured(cast.farm, document(same))) == (0, 1, 0), "a moment is the same however it is written"

    def test_xml(self, cast: Cast) -> None:
        first = captured(cast.farm, document(made(1, FARM, some("A", 5))))
        xml = cast.farm.get(first["onecode:outcome"]["document"], headers={"Accept": "application/xml"})
        job = captured(cast.farm, xml.content, Content_Type="application/xml")
        assert counts(job) == (0, 1, 0), job

    def test_a_declaration_moves_the_goods_back(self, cast: Cast) -> None:
        arrival = seen(3, STALL, "receiving", some("A", 5), eventID=OWN)
        captured(cast.farm, document(made(1, FARM, some("A", 5)), arrival))
        assert len(cast.admin.trace("back", epc=lot("A"))["nodes"]) == 2
        wrong = {**declared(arrival), "eventID": OWN}
        wrong["errorDeclaration"]["correctiveEventIDs"] = ["urn:uuid:8f1b7e8e-3f5c-4d3e-9f6e-0d5a3f3b6c02"]
        job = captured(cast.farm, document(wrong))
        assert counts(job) == (1, 0, 0)
        assert job["onecode:outcome"]["flagged"] == 0, "it repeats the eventID by the standard"
        assert len(cast.admin.trace("back", epc=lot("A"))["nodes"]) == 1

    def test_every_published_example(self, cast: Cast, vectors: Path) -> None:
        paths = sorted((vectors / "gs1-epcis" / "examples").rglob("*.jsonld"))
        assert len(paths) == 47
        for path in paths:
            job = captured(cast.admin, path.read_bytes(), Content_Type="application/ld+json")
            assert job["success"], (path, job["errors"])
            assert job["onecode:outcome"]["refused"] == 0


class TestWorking:
    """Leases, restarts and what is forgotten, on the jobs themselves."""

    def test_one_that_somebody_was_at_is_begun_again(self, cast: Cast, service: Service) -> None:
        """As after a kill: leased, in part recorded, and the lease has ended."""
        body = document(made(1, FARM, some("A", 5)), made(2, FARM, some("B", 5)))
        with stopped(service):
            location = handed_over(cast.farm, body)
            taken = service.writer.submit(capturing.take, job_of(service))
            assert taken is not None
            assert service.writer.submit(capturing.take, taken.id) is None, "nobody else has it meanwhile"
            assert cast.farm.post("/captures", document(body["epcisBody"]["eventList"][0])).status_code == 200
            running = cast.farm.get(location).json()
            assert (running["running"], running["success"], "finishedAt" in running) == (True, True, False)
            expire(service)
        job = ended(cast.farm, location)
        assert counts(job) == (2, 0, 0), "what an earlier try recorded is no duplicate"
        assert service.writer.submit(capturing.finish, taken) is False, "who lost the lease has no say any more"
        assert service.writer.submit(capturing.note, taken) is False

    def test_a_document_at_which_processes_die(self, cast: Cast, service: Service) -> None:
        with stopped(service):
            location = handed_over(cast.farm, document(made(1, FARM, some("A", 5))))
            for _ in range(5):
                assert service.writer.submit(capturing.take, job_of(service)) is not None
                expire(service)
        job = ended(cast.farm, location)
        assert (job["success"], job["errors"][0]["status"]) == (False, 500)
        assert job["errors"][0]["type"] == "epcisException:ImplementationException"

    def test_who_is_locked_meanwhile_brings_nothing_in(self, cast: Cast, service: Service) -> None:
        with stopped(service):
            location = handed_over(cast.farm, document(made(1, FARM, some("A", 5))))
            cast.admin.patch(f"/parties/{cast.farm.party['id']}", {"status": "locked"})
        job = ended(cast.admin, location)
        assert (job["success"], job["errors"][0]["type"]) == (False, "epcisException:SecurityException")

    def test_what_nobody_asks_for_is_forgotten(self, cast: Cast, service: Service) -> None:
        captured(cast.farm, document())
        with stopped(service):
            handed_over(cast.farm, document())
            now = datetime.now(UTC)
            stranded = capturing.new_job(uuid4(), OPERATOR, "application/json", "rollback", now, 0)
            service.writer.submit(capturing.receive, capturing.Piece(stranded.id, 0, b"x", stranded))
            assert service.writer.submit(capturing.prune, None) == 0
            age(service, capturing.COMING + timedelta(hours=1))
            assert service.writer.submit(capturing.prune, None) == 1
            age(service, capturing.KEPT)
            assert service.writer.submit(capturing.prune, None) == 1
            (left,) = rows(service.engine, tables.capture_job)
            assert left["state"] == "waiting", "what waits is never forgotten"
            assert len(rows(service.engine, tables.capture_piece)) == 1
