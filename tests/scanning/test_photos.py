"""Photos of strangers: nothing but pixels comes through, and nothing fills the memory."""

import io
import struct
import tracemalloc
import zlib

import pytest
from PIL import Image

from app.domain.errors import Invalid, Refusal, UnsupportedType
from app.scanning.photos import PNG_PIXELS, SIDE, redrawn

SECRET = b"30.27N 120.15E, and the name of whoever took it"


def jpeg(size: tuple[int, int] = (800, 600), turn: int = 1) -> bytes:
    picture = Image.new("RGB", size, (200, 30, 30))
    picture.paste((30, 30, 200), (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    exif[0x0112] = turn
    exif[0x010F] = SECRET.decode()
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif, comment=SECRET, icc_profile=SECRET)
    return buffer.getvalue()


def png(mode: str, size: tuple[int, int] = (40, 30)) -> bytes:
    picture = Image.new(mode, size)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **({"transparency": 0} if mode == "P" else {}))
    return buffer.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_nothing_comes_along_but_the_picture() -> None:
    given = jpeg() + SECRET
    assert given.count(SECRET) >= 3
    kept = redrawn(given, "image/jpeg")
    assert SECRET not in kept
    picture = opened(kept)
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (800, 600))
    assert not picture.getexif()
    assert {"exif", "comment", "icc_profile", "xmp"} & picture.info.keys() == set()


def test_a_photo_taken_upright_is_upright() -> None:
    kept = opened(redrawn(jpeg((800, 600), turn=6), ""))
    assert kept.size == (600, 800)
    red, _green, blue = kept.getpixel((300, 40))[:3]  # type: ignore[index]
    assert blue > red


def test_large_photos_become_smaller() -> None:
    kept = opened(redrawn(jpeg((6_000, 4_000)), "image/jpeg"))
    assert max(kept.size) == SIDE
    assert abs(kept.width / kept.height - 1.5) < 0.01


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "L", "P", "1"])
def test_what_is_transparent_is_white(mode: str) -> None:
    kept = opened(redrawn(png(mode), "image/png"))
    assert (kept.mode, kept.size) == ("RGB", (40, 30))
    if mode in ("RGBA", "LA", "P"):
        assert min(kept.getpixel((5, 5))) > 250  # type: ignore[type-var]


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    """A PNG of a few kilobytes that says it is 30,000 pixels wide and high."""
    side = 30_000
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    tracemalloc.start()
    with pytest.raises(Invalid, match="too-many-pixels"):
        redrawn(bomb, "image/png")
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    wide = png("1", (5_000, PNG_PIXELS // 5_000 + 1))
    with pytest.raises(Invalid, match="too-many-pixels"):
        redrawn(wide, "image/png")


@pytest.mark.parametrize(
    ("content", "declared", "refusal"),
    [
        (b"%PDF-1.4\n%%EOF\n", "application/pdf", UnsupportedType),
        (b"GIF89a" + bytes(100), "image/gif", UnsupportedType),
        (b"<svg/>", "image/svg+xml", UnsupportedType),
        (jpeg(), "image/png", UnsupportedType),
        (jpeg()[:400], "image/jpeg", Invalid),
        (b"", "image/jpeg", UnsupportedType),
    ],
)
def test_what_is_no_photo_is_refused(content: bytes, declared: str, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        redrawn(content, declared)


def test_what_breaks_as_it_is_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PNG whose checksums are right and whose pixels are not there."""
    header = struct.pack(">IIBBBBB", 100, 100, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    hollow = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"no zlib") + chunk(b"IEND", b"")
    with pytest.raises(Invalid, match="broken-file"):
        redrawn(hollow, "image/png")
