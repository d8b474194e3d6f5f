"""What an uploaded file is, by its content and not by its name."""

import io

from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from app.domain.errors import Invalid, UnsupportedType

PDF, JPEG, PNG = "application/pdf", "image/jpeg", "image/png"
MAX_PIXELS = 50_000_000  # a photo of a certificate has 12 to 48 million

_SIGNATURES = {b"%PDF-": PDF, b"\xff\xd8\xff": JPEG, b"\x89PNG\r\n\x1a\n": PNG}
_SAYS_NOTHING = ("", "application/octet-stream")
_ALSO = {"image/jpg": JPEG, "image/pjpeg": JPEG, "application/x-pdf": PDF}


def sniff(content: bytes, declared: str) -> str:
    """The media type of a whole PDF, JPEG or PNG.

    Raises UnsupportedType for anything else and where `declared` says another type, Invalid for a broken or empty file
    and for an image of more than MAX_PIXELS.
    """
    if not content:
        raise Invalid("broken-file", "文件为空，请重新选择文件 · The file is empty: choose it again", pointer="/file")
    found = next((media_type for start, media_type in _SIGNATURES.items() if content.startswith(start)), None)
    if found is None:
        raise UnsupportedType(
            "unsupported-file",
            "只接受 PDF、JPEG、PNG 文件，请转换后上传 · Only PDF, JPEG and PNG are taken: convert it first",
            pointer="/file",
        )
    said = declared.partition(";")[0].strip().lower()
    if said not in _SAYS_NOTHING and _ALSO.get(said, said) != found:
        raise UnsupportedType(
            "mislabelled-file",
            f"文件内容为 {found}，却标为 {said[:60]}，请按实际类型上传 · "
            f"The content is {found} but called {said[:60]}: upload it as what it is",
            pointer="/file",
        )
    if found == PDF:
        if b"%%EOF" not in content[-2048:]:
            raise _broken(found)
    else:
        _look_at(content, found)
    return found


def _look_at(content: bytes, media_type: str) -> None:
    try:
        # The classes themselves: Image.open warns of large images instead of leaving the decision to us.
        image = (JpegImageFile if media_type == JPEG else PngImageFile)(io.BytesIO(content))
        width, height = image.size
        if width * height <= MAX_PIXELS:
            if isinstance(image, JpegImageFile):
                # Reads all of it at an eighth of its size, so in a sixty-fourth of the memory.
                image.draft("RGB", (1, 1))
                image.load()
            else:
                image.verify()
    except Exception as error:  # whatever a decoder says of hostile bytes, they are no picture
        raise _broken(media_type) from error
    if width * height > MAX_PIXELS:
        raise Invalid(
            "too-many-pixels",
            f"图片有 {width}×{height} 像素，超过 {MAX_PIXELS // 1_000_000} 百万，请缩小后上传 · "
            f"The picture has {width}×{height} pixels, more than {MAX_PIXELS // 1_000_000} million: make it smaller",
            pointer="/file",
        )


def _broken(media_type: str) -> Invalid:
    return Invalid(
        "broken-file",
        f"文件损坏或不完整（{media_type}），请重新拍摄或导出 · Broken or cut off ({media_type}): make it again",
        pointer="/file",
    )
