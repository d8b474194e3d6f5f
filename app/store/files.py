"""Uploaded files on disk, by the SHA-256 of their content."""

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from app.store.errors import StoreUnavailable


class FileStore:
    """`directory/ab/cd/abcd…`: written beside, synced, then renamed, so that a name never shows half a file.

    An OSError of the disk becomes StoreUnavailable.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self.directory / name[:2] / name[2:4] / name

    def put(self, content: bytes) -> bytes:
        """Keeps the content; returns its SHA-256. The same content twice is one file."""
        digest = hashlib.sha256(content).digest()
        place = self.path(digest)
        try:
            with suppress(FileNotFoundError):
                os.utime(place)  # whoever is about to discard it sees that it is wanted again
                return digest
            place.parent.mkdir(parents=True, exist_ok=True)
            descriptor, draft = tempfile.mkstemp(dir=place.parent, prefix=".draft-")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(draft, place)
            except BaseException:
                Path(draft).unlink(missing_ok=True)
                raise
            for directory in (place.parent, place.parent.parent, self.directory):
                _sync(directory)
        except OSError as error:
            raise StoreUnavailable(str(error)) from error
        return digest

    def there(self, digest: bytes) -> bool:
        return self.path(digest).is_file()

    def discard(self, digest: bytes, since: float) -> bool:
        """Takes the file away, unless somebody has put the same since then (seconds of the epoch). Raises OSError."""
        place = self.path(digest)
        aside = place.with_name(f".gone-{place.name}")
        try:
            os.replace(place, aside)
        except FileNotFoundError:
            aside.unlink(missing_ok=True)  # cut off the last time
            return False
        if aside.stat().st_mtime >= since:
            os.replace(aside, place)
            return False
        aside.unlink()
        return True

    def get(self, digest: bytes) -> bytes:
        """The content; raises StoreUnavailable where the file cannot be read."""
        try:
            return self.path(digest).read_bytes()
        except OSError as error:
            raise StoreUnavailable(str(error)) from error


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
