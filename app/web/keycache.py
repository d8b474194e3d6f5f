"""The keys of one process: what each may do, kept while the change feed says that nothing of it has changed."""

import hmac
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import TypeVar
from uuid import UUID

from app.domain.errors import Forbidden, Refusal, Unauthenticated
from app.domain.rights import Principal
from app.enrolling.keys import Credential, find_credential, note_use
from app.recording import RefusedUse, note_refused
from app.store.engine import Database, reading
from app.store.errors import StoreUnavailable
from app.store.writer import Job, Writer

log = logging.getLogger(__name__)

C = TypeVar("C")

CAPACITY = 20_000
USE_PERIOD = 60.0  # seconds between two notes of a key's last use
ALARM_PERIOD = 3_600.0  # seconds between two alarms about one device
STALE = 1.0  # seconds: nothing older is believed where the feed cannot be read

_SHAPE = re.compile(r"ock_([0-9a-f]{32})_([0-9a-f]{32,64})")


class KeyCache:
    """Credentials by key id, at most CAPACITY of them.

    Thread-safe. A load that was under way when the feed named something it depends on is used once and not kept: its
    snapshot may be older than the change.
    """

    def __init__(
        self,
        engine: Database,
        writer: Writer,
        feed_age: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._writer = writer
        self._feed_age = feed_age
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[UUID, Credential] = {}
        self._index: dict[str, set[UUID]] = {}
        self._used: dict[UUID, float] = {}
        self._alarmed: dict[UUID, float] = {}
        self._loading: list[set[str]] = []
        self._lost = 0

    def cached(self, key_id: UUID) -> Credential | None:
        return self._entries.get(key_id) if self._feed_age() < STALE else None

    def load(self, key_id: UUID) -> Credential | None:
        """Reads the credential from the database; None for an unknown key. Blocks: call it in a thread."""
        missed: set[str] = set()
        with self._lock:
            self._loading.append(missed)
            lost = self._lost
        found: Credential | None = None
        try:
            with reading(self._engine) as snapshot:
                found = find_credential(snapshot, key_id)
        finally:
            with self._lock:
                # In one piece: what the feed names in between would be neither missed nor dropped.
                self._loading = [other for other in self._loading if other is not missed]
                if found is not None and lost == self._lost and not missed & found.depends_on:
                    self._drop(key_id)
                    while len(self._entries) >= CAPACITY:
                        self._drop(next(iter(self._entries)))
                    self._entries[key_id] = found
                    for name in found.depends_on:
                        self._index.setdefault(name, set()).add(key_id)
        return found

    def forget(self, touched: Iterable[str]) -> None:
        """What the feed calls for every change."""
        names = set(touched)
        with self._lock:
            for missed in self._loading:
                missed |= names
            for key_id in {key_id for name in names for key_id in self._index.get(name, ())}:
                self._drop(key_id)

    def forget_all(self) -> None:
        """What the feed calls where it was lost."""
        with self._lock:
            self._lost += 1
            self._entries.clear()
            self._index.clear()

    def _drop(self, key_id: UUID) -> None:
        entry = self._entries.pop(key_id, None)
        for name in entry.depends_on if entry is not None else ():
            keys = self._index[name]
            keys.discard(key_id)
            if not keys:
                del self._index[name]

    def used(self, key_id: UUID) -> None:
        """Notes the use of a key, at most once a minute and without waiting for it."""
        if self._due(self._used, key_id, USE_PERIOD):
            self._offer(note_use, key_id)

    def refused(self, credential: Credential, refusal: Refusal) -> None:
        """Gives alarm that a device goes on calling with a key that is not taken; waits for nothing. The alert is one a
        device and day: what is kept here only spares the writer."""
        device_id = credential.principal.device_id
        if device_id is not None and self._due(self._alarmed, device_id, ALARM_PERIOD):
            self._offer(note_refused, RefusedUse(device_id, refusal.slug))

    def _due(self, times: dict[UUID, float], key: UUID, period: float) -> bool:
        """True at most once a period for a key; of at most CAPACITY keys."""
        now = self._clock()
        if now - times.get(key, -period) < period:
            return False
        while len(times) >= CAPACITY:
            times.pop(next(iter(times)), None)
        times[key] = now
        return True

    def _offer(self, job: Job[C, None], command: C) -> None:
        try:
            self._writer.offer(job, command, _noted)
        except StoreUnavailable as error:
            log.info("the use of a key is not noted: %s", error)

    def check(self, header: str) -> tuple[UUID, bytes]:
        """The key id and the hash of the secret in an Authorization header. Raises Unauthenticated."""
        scheme, _, token = header.partition(" ")
        match = _SHAPE.fullmatch(token.strip()) if scheme.lower() == "bearer" else None
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
