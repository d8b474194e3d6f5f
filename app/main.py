"""All wiring: settings → engine → schema → secret → writer → key cache and feed → HTTP."""

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
from starlette.types import ASGIApp

from app import logs, web
from app.domain.balance import Rules, own_rules
from app.domain.epcis.formats import CompanyPrefixes, company_prefixes
from app.domain.errors import Refusal
from app.domain.opening import read_opening
from app.domain.retention import own_rules as retention_rules
from app.domain.webhooks import reach
from app.exchanging import CAPTURES, SUBSCRIPTIONS, Capturer, Limits, Publisher, Pusher
from app.notifying import OUTBOX, Sender
from app.overseeing import Sweeper, Watch, note_given_up
from app.recalling import Keeper, note_deliveries
from app.settings import Settings
from app.store import schema
from app.store.engine import Database, open_engine, reading
from app.store.feed import Tail
from app.store.files import FileStore
from app.store.master import any_device
from app.store.published import REPOSITORY
from app.store.secret import load_master
from app.store.standing import any_subscription
from app.store.units import any_job
from app.store.webhooks import any_webhook
from app.store.writer import Writer
from app.web.counts import ScanCounts
from app.web.kept import Kept
from app.web.keycache import KeyCache
from app.web.memo import Memo
from app.web.metrics import Metrics
from app.web.places import Places, read_places
from app.web.receiptdoor import ReceiptScans
from app.web.reports import Reports
from app.web.representations import Key
from app.web.resolver_known import Resolver
from app.web.screens import Boards, Packed
from app.web.service import Service
from app.web.sessioncache import SessionCache
from app.web.shelves import Shelves
from app.web.sockets import Sockets
from app.web.tries import Tries

log = logging.getLogger(__name__)

ANNOUNCEMENTS = 16_000_000  # bytes of pages of recalls that a process keeps


def open_database(settings: Settings) -> tuple[Database, bytes]:
    """The database at the schema of this program, and its master secret; a new embedded SQLite database is migrated.

    Raises SchemaOutdated, SecretMissing, StoreUnavailable, ValueError; each names the remedy.
    """
    engine = open_engine(settings.database_url)
    try:
        if engine.dialect.name == "sqlite" and schema.revision(engine) is None:
            schema.upgrade(engine)
        schema.require_head(engine)
        with reading(engine) as snapshot:
            used = any(each(snapshot) for each in (any_device, any_job, any_webhook, any_subscription))
        return engine, load_master(settings.secret_file, may_create=not used)
    except BaseException:
        engine.dispose()
        raise


def read_rules(settings: Settings) -> tuple[Rules, dict[str, Any]]:
    """The rules that hold here, and the operator's file as it is, {} without one. Raises ValueError, OSError."""
    if settings.rules_file is None:
        return Rules(), {}
    try:
        data = msgspec.json.decode(settings.rules_file.read_bytes(), type=dict[str, Any])
        retention_rules(data)
        return own_rules(data), data
    except msgspec.DecodeError as error:
        raise ValueError(f"{settings.rules_file}: {error}") from None
    except Refusal as refusal:
        raise ValueError(f"{settings.rules_file}{refusal.pointer}: {refusal.detail}") from None


def read_prefixes(settings: Settings) -> CompanyPrefixes:
    """The operator's table of company prefixes, an empty one without. Raises ValueError, OSError."""
    path = settings.company_prefixes_file
    if path is None:
        return CompanyPrefixes()
    try:
        return company_prefixes(msgspec.json.decode(path.read_bytes()))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def open_service(settings: Settings) -> Service:
    """Everything that one process needs; close it with `close_service`. Raises as `open_database`."""
    rules, own = read_rules(settings)
    prefixes = read_prefixes(settings)
    engine, master = open_database(settings)
    scans: Memo[Key, Kept | None] = Memo(lambda: tail.age, settings.cache_bytes)

    skew = timedelta(seconds=settings.clock_skew_seconds)
    writer = Writer(engine, limit=settings.queue_limit, skew=skew, on_commit=lambda touched: committed(touched))
    keys = KeyCache(engine, writer, lambda: tail.age)
    sessions = SessionCache(engine, writer, lambda: tail.age)
    shelves = Shelves(engine, lambda: tail.age)
    boards = Boards(engine, lambda: tail.age, settings.board_screens)
    keeper = Keeper(engine, writer)
    publisher = Publisher(engine, writer, settings.public_url)
    sockets = Sockets(engine, keys, prefixes, settings.public_url, settings.epcis_sockets)
    announcements: Memo[tuple[str, str, str], Packed] = Memo(lambda: tail.age, ANNOUNCEMENTS)

    def forget(touched: Iterable[str]) -> None:
        names = frozenset(touched)
        keys.forget(names)
        sessions.forget(names)
        shelves.forget(names)
        scans.forget(names)
        boards.forget(names)
        announcements.forget(names)
        receipts.forget(names)
        resolver.forget(names)
        if OUTBOX in names:
            sender.wake()
        if CAPTURES in names:
            capturer.wake()
        if not names.isdisjoint((REPOSITORY, SUBSCRIPTIONS)):
            pusher.wake()
        sockets.hear(names)
        keeper.hear(names)

    def committed(touched: Iterable[str]) -> None:
        names = frozenset(touched)
        forget(names)
        publisher.hear(names)

    def forget_all() -> None:
        keys.forget_all()
        sessions.forget_all()
        shelves.forget_all()
        scans.forget_all()
        boards.forget_all()
        announcements.forget_all()
        receipts.forget_all()
        resolver.forget_all()
        sender.wake()
        capturer.wake()
        pusher.wake()
        sockets.hear_all()
        keeper.hear_all()

    tail = Tail(engine, forget, forget_all)
    reports = Reports(writer, skew)
    places = Places()
    if settings.places_file is not None and settings.trusted_proxies:
        places = read_places(settings.places_file)
    elif settings.places_file is not None:
        log.warning("ONECODE_PLACES_FILE is not used: name the reverse proxy in ONECODE_TRUSTED_PROXIES")
    counts = ScanCounts(engine, writer, lambda lost: metrics.count("scans_not_counted", lost))
    receipts = ReceiptScans(engine, master, settings.public_url, counts, lambda: tail.age)
    resolver = Resolver(engine, settings.public_url, lambda: tail.age)
    metrics = Metrics(
        {
            "writes_waiting": ("Writes that wait for the next transaction.", lambda: writer.waiting),
            "screens_open": ("Screens that are kept up to date.", lambda: boards.screens),
            "sweep_age_seconds": ("Since this process last ended a sweep, or began.", lambda: sweeper.age),
            "deliveries_waiting": ("Deliveries to webhooks that are yet to be made.", lambda: sender.waiting),
            "subscriptions_active": ("EPCIS subscriptions that are served.", lambda: pusher.active),
            "subscriptions_paused": ("EPCIS subscriptions that are paused.", lambda: pusher.paused),
            "subscriptions_lag": ("Events that the last of the active ones has yet to look at.", lambda: pusher.lag),
            "sockets_open": ("WebSockets that are told of events.", lambda: len(sockets)),
        },
        {
            "pages": (scans.usage,),
            "receipts": (receipts.usage,),
            "lines": (receipts.lines_usage,),
            "links": (resolver.usage,),
            "boards": boards.usage,
            "stock": (shelves.usage,),
        },
    )
    reachable = reach(settings.webhook_hosts, settings.webhook_networks)
    sender = Sender(engine, writer, master, reachable, told=[note_deliveries, note_given_up], count=metrics.count)
    pusher = Pusher(engine, writer, master, reachable, prefixes, settings.public_url, count=metrics.count)
    watch = Watch(read_opening(settings.market_hours), timedelta(hours=settings.silent_hours))
    sweeper = Sweeper(engine, writer, timedelta(minutes=settings.sweep_minutes), rules, watch, metrics.count)
    limits = Limits(settings.capture_events, settings.capture_bytes)
    capturer = Capturer(engine, writer, limits, metrics.count)
    sweeper.start()
    tail.start()
    capturer.start()
    if settings.webhook_hosts:
        sender.start()
        pusher.start()
    keeper.start()
    publisher.start()
    files = FileStore(settings.files_dir)
    return Service(
        settings, engine, writer, keys, sessions, shelves, reports, files, scans, receipts, resolver, counts,
        tail, metrics, master, boards, reachable, sender, keeper, publisher, pusher, sockets, announcements, sweeper,
        capturer,
        wrong_codes=Tries(allowed=settings.wrong_codes_per_minute), places=places, rules=rules, prefixes=prefixes,
        keeping=retention_rules(own),
    )  # fmt: skip


def close_service(service: Service) -> None:
    """Drains the writer, then lets go of the rest."""
    service.sweeper.close()
    service.sender.close()
    service.capturer.close()
    service.pusher.close()
    service.sockets.shut()
    service.keeper.close()
    service.publisher.close()
    service.counts.close()
    service.boards.close()
    service.writer.close()
    service.tail.close()
    service.receipts.close()
    service.resolver.close()
    service.engine.dispose()


def create_app(settings: Settings | None = None) -> ASGIApp:
    """The ASGI factory: `uvicorn --factory app.main:create_app`; settings from the environment where none are given."""
    settings = settings or Settings()
    logs.configure(settings.log_level)
    service = open_service(settings)
    return web.create_app(service, lambda: close_service(service))
