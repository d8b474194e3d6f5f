"""/api/v1/documents."""

import io
import zlib
from typing import Any

import pytest
from PIL import Image

from app.enrolling.files import MAX_PIXELS
from app.web.service import Service
from tests.support.cast import Actor, Cast

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def picture(kind: str, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind)
    return buffer.getvalue()


JPEG, PNG = picture("JPEG"), picture("PNG")


def deposit(
    actor: Actor, content: bytes = PDF, declared: str = "application/pdf", name: str = "合格证.pdf", **fields: str
) -> Any:
    fields.setdefault("type", "conformity_certificate")
    return actor.request("POST", "/documents", data=fields, files={"file": (name, content, declared)})


def test_deposited_and_read_back(cast: Cast) -> None:
    fields = {
        "number": "HZ-1", "issuer": "河东蔬菜合作社", "issued_on": "2026-03-01", "expires_on": "2026-09-01",
        "class": "A", "covers": '{"value":"300","unit":"公斤"}',
    }  # fmt: skip
    made = deposit(cast.farm, **fields)
    assert made.status_code == 201, made.text
    body = made.json()
    assert body.items() >= {
        "type": "conformity_certificate", "number": "HZ-1", "issued_on": "2026-03-01", "class": "A",
        "owner_party_id": cast.farm.party["id"], "file_name": "合格证.pdf", "media_type": "application/pdf",
        "size": len(PDF), "covers": {"value": "300", "unit": "公斤", "grams": 300_000, "pieces": None},
    }.items()  # fmt: skip
    assert made.headers["location"] == f"/api/v1/documents/{body['id']}"
    again = deposit(cast.farm, **fields)
    assert (again.status_code, again.json()) == (200, body)
    assert deposit(cast.farm, **{**fields, "number": "HZ-2"}).json()["id"] != body["id"]
    assert deposit(cast.stall, **fields).json()["id"] != body["id"]
    assert cast.farm.get(f"/documents/{body['id']}").json() == body
    file = cast.farm.get(f"/documents/{body['id']}/file")
    assert file.content == PDF
    assert file.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E5")
    assert file.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert file.headers["x-content-type-options"] == "nosniff"
    assert "no-store" in file.headers["cache-control"]


def test_what_it_is_is_seen_in_the_content(cast: Cast) -> None:
    for content, declared, media_type in (
        (JPEG, "image/jpeg", "image/jpeg"),
        (JPEG, "image/jpg", "image/jpeg"),
        (PNG, "application/octet-stream", "image/png"),
        (picture("JPEG", (4000, 3000), "L"), "image/jpeg", "image/jpeg"),
    ):
        made = deposit(cast.farm, content, declared, number=declared)
        assert (made.status_code, made.json()["media_type"]) == (201, media_type)


def bomb() -> bytes:
    """A PNG of 20,000 by 20,000 pixels in a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = (20_000).to_bytes(4, "big") * 2 + b"\x01\x00\x00\x00\x00"
    pixels = zlib.compress(b"\0" * 2501 * 20_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "declared", "status", "slug"),
    [
        (b"MZ\x90\0", "application/pdf", 415, "unsupported-file"),
        (b"<script>alert(1)</script>", "text/html", 415, "unsupported-file"),
        (b"GIF89a" + b"\0" * 20, "image/gif", 415, "unsupported-file"),
        (PNG, "image/jpeg", 415, "mislabelled-file"),
        (PDF, "image/png", 415, "mislabelled-file"),
        (b"", "application/pdf", 422, "broken-file"),
        (PDF[:20], "application/pdf", 422, "broken-file"),
        (JPEG[: len(JPEG) // 2], "image/jpeg", 422, "broken-file"),
        (PNG[:-20], "image/png", 422, "broken-file"),
        (b"\xff\xd8\xff", "image/jpeg", 422, "broken-file"),
        (b"\x89PNG\r\n\x1a\n", "image/png", 422, "broken-file"),
        (bomb(), "image/png", 422, "too-many-pixels"),
        (PDF + b" " * 10_000_000, "application/pdf", 413, "too-large"),
        (PDF + b" " * 10_200_000, "application/pdf", 413, "too-large"),
    ],
)
def test_what_is_not_taken(cast: Cast, content: bytes, declared: str, status: int, slug: str) -> None:
    assert MAX_PIXELS < 20_000 * 20_000
    answer = deposit(cast.farm, content, declared)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")


def test_what_is_wrong_in_the_form_is_named(cast: Cast) -> None:
    for fields, pointer in (
        ({"type": "diploma"}, "/type"),
        ({"colour": "red"}, "/colour"),
        ({"issued_on": "yesterday"}, "/issued_on"),
        ({"issued_on": "2026-03-02", "expires_on": "2026-03-01"}, "/expires_on"),
        ({"covers": '{"value":"-1","unit":"斤"}'}, "/covers"),
        ({"covers": '{"value":"1","unit":"车"}'}, "/covers"),
        ({"covers": '{"value":"1"}'}, "/covers/unit"),
        ({"number": "x" * 65}, "/number"),
    ):
        answer = deposit(cast.farm, **fields)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text
    assert deposit(cast.farm, covers="{").status_code == 400
    assert deposit(cast.farm, number="").json()["number"] is None
    missing = cast.farm.request("POST", "/documents", data={"type": "other"}, files={"x": ("x", PDF, "")})
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "/file")
    twice = cast.farm.request(
        "POST", "/documents", data={"type": "other"}, files=[("file", ("x", PDF, "")), ("number", ("x", PDF, ""))]
    )
    assert twice.status_code == 400


def test_what_is_no_form(cast: Cast) -> None:
    for content, media_type, status in (
        (b"{}", "application/json", 415),
        (b"xx", "multipart/form-data", 400),
        (b"xx", "multipart/form-data; boundary=b", 400),
        (b"a=b", "application/x-www-form-urlencoded", 415),
    ):
        answer = cast.farm.request("POST", "/documents", content=content, headers={"Content-Type": media_type})
        assert answer.status_code == status
    huge = b'--b\r\nContent-Disposition: form-data; name="type"\r\n\r\n' + b"x" * 50_000 + b"\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert cast.farm.request("POST", "/documents", content=huge, headers=headers).status_code == 400


def test_names_of_files_do_no_harm(cast: Cast) -> None:
    for given, kept in (("../../etc/passwd", "passwd"), ("C:\\a\\b.pdf", "b.pdf"), ("x" * 500, "x" * 120)):
        assert deposit(cast.farm, name=given, number=kept[:9]).json()["file_name"] == kept
    body = deposit(cast.farm, name="/", number="9").json()
    assert body["file_name"] is None
    file = cast.farm.get(f"/documents/{body['id']}/file")
    assert file.headers["content-disposition"] == "attachment; filename*=UTF-8''conformity_certificate.pdf"


def readers(cast: Cast, document: str) -> set[str]:
    """Who may read the document; whoever may not is told that there is none."""
    actors = {
        name: getattr(cast, name)
        for name in ("farm", "stall", "other_stall", "market", "plant", "lab", "regulator", "other_regulator", "admin")
    }
    found = set()
    for name, actor in actors.items():
        told, file = actor.get(f"/documents/{document}"), actor.get(f"/documents/{document}/file")
        assert told.status_code == file.status_code
        assert told.status_code in (200, 404)
        if told.status_code == 200:
            found.add(name)
    assert cast.public.get(f"/documents/{document}/file").status_code == 401
    return found


class TestReaders:
    def test_a_stall_s_own_licence(self, cast: Cast) -> None:
        document = deposit(cast.stall, type="business_licence").json()["id"]
        assert readers(cast, document) == {"stall", "market", "regulator", "admin"}

    def test_an_office_s_paper_is_its_own(self, cast: Cast) -> None:
        document = deposit(cast.other_regulator, type="other").json()
        assert document["owner_party_id"] is None
        assert readers(cast, document["id"]) == {"other_regulator", "admin"}

    def test_a_certificate_goes_one_step_with_the_goods(self, cast: Cast) -> None:
        document = deposit(cast.farm).json()["id"]
        product = cast.product("小青菜")
        output = cast.farm.record("produce", outputs=[cast.output(product, "100")])["outputs"][0]
        cast.farm.record("certify", custody_id=output["custody_id"], document_id=document)
        assert readers(cast, document) == {"farm", "regulator", "admin"}
        slip = cast.farm.record("ship", items=[cast.item(output, "50")], to_site_id=cast.stall.site["id"])
        cast.stall.record("receive", slip_code=slip["slip_code"])
        assert readers(cast, document) == {"farm", "stall", "market", "regulator", "admin"}

    def test_who_deposits(self, cast: Cast) -> None:
        device = cast.market.made("/devices", {"site_id": cast.stall.site["id"], "name": "秤", "kind": "scale"})
        assert deposit(cast.key("device", device_id=device["id"])).status_code == 403
        assert deposit(cast.public).status_code == 401
        assert deposit(cast.lab, type="test_report").status_code == 201
        nobody = "7d9f0c3e-0000-4000-8000-000000000000"
        assert cast.admin.get(f"/documents/{nobody}").status_code == 404
        assert cast.admin.get("/documents/x/file").status_code == 404


def test_a_file_that_is_gone_is_no_riddle(cast: Cast, service: Service) -> None:
    body = deposit(cast.farm).json()
    for path in service.files.directory.rglob("*"):
        if path.is_file():
            path.unlink()
    assert cast.farm.get(f"/documents/{body['id']}/file").status_code == 503


def test_a_full_disk_takes_nothing(cast: Cast, service: Service) -> None:
    service.files.directory.mkdir(parents=True, exist_ok=True)
    (service.files.directory / "blocker").write_bytes(b"")
    object.__setattr__(service, "files", type(service.files)(service.files.directory / "blocker"))
    assert deposit(cast.farm).status_code == 503
