"""What every endpoint works with."""

from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from app.domain import retention
from app.domain.balance import Rules
from app.domain.epcis.formats import CompanyPrefixes
from app.domain.webhooks import Reach
from app.exchanging import Capturer, Publisher, Pusher
from app.notifying import Sender
from app.overseeing import Sweeper
from app.recalling import Keeper
from app.settings import Settings
from app.store.engine import Database
from app.store.feed import Tail
from app.store.files import FileStore
from app.store.writer import Writer
from app.web.counts import ScanCounts
from app.web.delays import Delays
from app.web.kept import Kept
from app.web.keycache import KeyCache
from app.web.memo import Memo
from app.web.metrics import Metrics
from app.web.places import Places
from app.web.quota import Complaining
from app.web.receiptdoor import ReceiptScans
from app.web.reports import Reports
from app.web.representations import Key
from app.web.resolver_known import Resolver
from app.web.screens import Boards, Packed
from app.web.sessioncache import SessionCache
from app.web.shelves import Shelves
from app.web.sockets import Sockets
from app.web.tries import Tries


@dataclass(frozen=True, slots=True)
class Service:
    """One process's doors to everything: the settings, the database, the writer, the keys and the sessions of persons,
    what scales may sell, what they report, the files, the answers to scans and how many there were, the feed, its
    counters, `master`, the secret that receipts are signed with, the boards, where webhooks may lead and who sends to
    them, who keeps recalls up to date, who publishes our events as EPCIS and tells subscribers, the WebSockets, who has
    tried activation codes, scanned wrong codes, complained or logged in how often, where networks are, what goods may
    lose and processes yield, the lengths of company prefixes, and who takes in what was posted to be captured."""

    settings: Settings
    engine: Database
    writer: Writer
    keys: KeyCache
    sessions: SessionCache
    shelves: Shelves
    reports: Reports
    files: FileStore
    scans: Memo[Key, Kept | None]
    receipts: ReceiptScans
    resolver: Resolver
    counts: ScanCounts
    tail: Tail
    metrics: Metrics
    master: bytes
    boards: Boards
    reach: Reach
    sender: Sender
    keeper: Keeper
    publisher: Publisher
    pusher: Pusher
    sockets: Sockets
    announcements: Memo[tuple[str, str, str], Packed]
    sweeper: Sweeper
    capturer: Capturer
    tries: Tries = field(default_factory=Tries)
    wrong_codes: Tries = field(default_factory=Tries)
    places: Places = field(default_factory=Places)
    complaining: Complaining = field(default_factory=Complaining)
    rules: Rules = field(default_factory=Rules)
    keeping: tuple[retention.Rule, ...] = retention.RULES
    prefixes: CompanyPrefixes = field(default_factory=CompanyPrefixes)
    logins: Delays = field(default_factory=Delays)


def of(request: Request) -> Service:
    return cast(Service, request.app.state.service)


ServiceDep = Annotated[Service, Depends(of)]
