"""The keys of one process: what each may do, kept while the change feed says that nothing of it has changed."""

import hmac
import logging
import re
import time
from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar
from uuid import UUID

from app.domain.errors import Forbidden, Refusal, Unauthenticated
from app.domain.rights import Principal
from app.enrolling.keys import Credential, find_credential, note_use
from app.recording import RefusedUse, note_refused
from app.store.engine import Database, Snapshot
from app.store.errors import StoreUnavailable
from app.store.writer import Job, Writer
from app.web.believed import Believed

log = logging.getLogger(__name__)

C = TypeVar("C")

USE_PERIOD = 60.0  # seconds between two notes of a key's last use
ALARM_PERIOD = 3_600.0  # seconds between two alarms about one device

_SHAPE = re.compile(r"ock_([0-9a-f]{32})_([0-9a-f]{32,64})")


class KeyCache(Believed[UUID, Credential]):
    """Credentials by key id."""

    def __init__(
        self,
        engine: Database,
        writer: Writer,
        feed_age: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(engine, feed_age, clock)
        self._writer = writer
        self._used: dict[UUID, float] = {}
        self._alarmed: dict[UUID, float] = {}

    def find(self, snapshot: Snapshot, key: UUID) -> Credential | None:
        return find_credential(snapshot, key)

    def used(self, key_id: UUID) -> None:
        """Notes the use of a key, at most once a minute and without waiting for it."""
        if self.due(self._used, key_id, USE_PERIOD):
            self._offer(note_use, key_id)

    def refused(self, credential: Credential, refusal: Refusal) -> None:
        """Gives alarm that a device goes on calling with a key that is not taken; waits for nothing. The alert is one a
        device and day: what is kept here only spares the writer."""
        device_id = credential.principal.device_id
        if device_id is not None and self.due(self._alarmed, device_id, ALARM_PERIOD):
            self._offer(note_refused, RefusedUse(device_id, refusal.slug))

    def _offer(self, job: Job[C, None], command: C) -> None:
        try:
            self._writer.offer(job, command, _noted)
        except StoreUnavailable as error:
            log.info("the use of a key is not noted: %s", error)

    def check(self, header: str) -> tuple[UUID, bytes]:
        """The key id and the hash of the secret in an Authorization header: Bearer (RFC 6750), or Basic (RFC 7617) with
        the key for a password and any name, which is all that many an ERP can send. Raises Unauthenticated."""
        scheme, _, token = header.partition(" ")
        token = _password(token) if scheme.lower() == "basic" else token if scheme.lower() == "bearer" else ""
        match = _SHAPE.fullmatch(token.strip())
        if match is None:
            raise unknown_key()
        return UUID(match[1]), sha256(match[2].encode()).digest()

    def admit(self, credential: Credential | None, digest: bytes) -> Principal:
        """The principal of a key whose secret is right and that is not locked. Raises Unauthenticated, Forbidden."""
        if credential is None or not hmac.compare_digest(credential.secret_hash, digest):
            raise unknown_key()
        refusal = refusal_of(credential)
        if refusal is not None:
            self.refused(credential, refusal)
            raise refusal
        self.used(credential.principal.key_id)
        return credential.principal


def _password(credentials: str) -> str:
    try:
        return b64decode(credentials.strip(), validate=True).decode("ascii").partition(":")[2]
    except ValueError:
        return ""  # which is no key


def _noted(result: Exception | None) -> None:
    if isinstance(result, Exception):
        log.info("the last use of a key is not noted: %s", result)


def unknown_key() -> Unauthenticated:
    return Unauthenticated(
        "unauthenticated",
        "密钥缺失或不正确，请以 Authorization: Bearer ock_… 出示有效密钥 · "
        "No key, or not a right one: send Authorization: Bearer ock_…",
    )


def refusal_of(credential: Credential) -> Refusal | None:
    """Why this key is not taken now, or None."""
    if credential.status != "active":
        return Unauthenticated("key-revoked", "此密钥已作废，请申请新密钥 · This key is revoked: ask for a new one")
    if credential.party_status == "locked":
        zh, en = (
            ("：" + credential.party_reason, ": " + credential.party_reason) if credential.party_reason else ("", "")
        )
        return Forbidden(
            "party-locked",
            f"主体已被锁定{zh}，请联系市场或监管部门 · The party is locked{en}; ask its market or the regulator",
        )
    if credential.device_status == "locked":
        return Forbidden(
            "device-locked",
            "设备已被锁定，请联系市场或管理员 · The device is locked: ask the market or the operator of the service",
        )
    return None
