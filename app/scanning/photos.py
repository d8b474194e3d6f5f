"""Photos of strangers: taken apart to pixels and put together anew, so that nothing else comes along.

What a telephone writes beside the picture (where it was taken, by which device) is gone, and so is whatever hides in a
file that only looks like a picture.
"""

import io
from typing import Final

from PIL import ImageOps
from PIL.Image import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from app.domain.errors import Invalid, UnsupportedType
from app.enrolling.files import JPEG, sniff

SIDE: Final = 2_048  # pixels: enough to read a label in a photo
QUALITY: Final = 82
# A PNG is taken apart at its full size, a JPEG at a half, a quarter or an eighth of it.
PNG_PIXELS: Final = 16_000_000
_PHOTOS: Final = (b"\xff\xd8\xff", b"\x89PNG")


def redrawn(content: bytes, declared: str) -> bytes:
    """The same picture as JPEG of at most SIDE pixels a side, upright, without metadata.

    Raises UnsupportedType, and Invalid for what is broken or has too many pixels."""
    if not content.startswith(_PHOTOS):
        raise UnsupportedType(
            "unsupported-file", "照片只接受 JPEG 或 PNG · Photos are taken as JPEG or PNG", pointer="/photos"
        )
    media_type = sniff(content, declared)
    opened = (JpegImageFile if media_type == JPEG else PngImageFile)(io.BytesIO(content))
    if media_type != JPEG and opened.width * opened.height > PNG_PIXELS:
        raise Invalid(
            "too-many-pixels",
            f"PNG 图片超过 {PNG_PIXELS // 1_000_000} 百万像素，请用 JPEG 或缩小后上传 · "
            f"A PNG of more than {PNG_PIXELS // 1_000_000} million pixels: send a JPEG, or make it smaller",
            pointer="/photos",
        )
    opened.draft("RGB", (SIDE, SIDE))
    try:
        picture = _flat(ImageOps.exif_transpose(opened))
    except Exception as error:  # whatever a decoder says of hostile bytes, they are no picture
        raise Invalid(
            "broken-file", "照片损坏，请重新拍摄 · The photo is broken: take it again", pointer="/photos"
        ) from error
    picture.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _flat(picture: Image) -> Image:
    """RGB, what is transparent on white; `save` writes none of what it carried besides."""
    if picture.mode in ("RGBA", "LA", "PA", "P"):
        picture = picture.convert("RGBA")
        ground = picture.copy()
        ground.paste((255, 255, 255, 255), (0, 0, *picture.size))
        ground.alpha_composite(picture)
        picture = ground
    flat = picture.convert("RGB")
    flat.info.clear()
    return flat
