"""The master secret: what receipts and unit codes are signed with. It is part of the backup."""

import os
from pathlib import Path


class SecretMissing(Exception):
    """The file is not there although the database was used with one: restore it from the backup."""


def load_master(path: Path, *, may_create: bool) -> bytes:
    """The 32 bytes of the file (64 hexadecimal digits), made with mode 0600 where it is missing and may be made.

    Raises SecretMissing where it may not, ValueError where the file holds something else.
    """
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        if not may_create:
            raise SecretMissing(
                f"{path} is missing, and receipts of this database were signed with it: restore it from the backup, "
                "or name its place with ONECODE_SECRET_FILE"
            ) from None
        return _create(path)
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise ValueError(f"{path} does not hold a master secret of 64 hexadecimal digits")
    return secret


def _create(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    secret = os.urandom(32)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # of several processes that start at once, one wins
    except FileExistsError:
        return load_master(path, may_create=False)
    finally:
        draft.unlink()
    return secret
