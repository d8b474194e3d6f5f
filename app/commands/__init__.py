"""The command line by noun: databases, who has access, what is kept. Here what the commands share."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError

from app import retaining
from app.domain.errors import Refusal
from app.enrolling.keys import MakeKey, make_keys
from app.main import open_database
from app.settings import Settings
from app.store import backup as backups
from app.store.engine import Database, open_engine
from app.store.errors import SchemaOutdated, StoreUnavailable
from app.store.secret import SecretMissing
from app.store.writer import C, Job, R, Writer


@contextmanager
def refusals() -> Iterator[None]:
    """What an operator can mend is said in a line and ends with exit code 1; everything else is a bug and shows."""
    try:
        yield
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            name = "ONECODE_" + "_".join(map(str, fault["loc"])).upper()
            typer.echo(f"{name}: {fault['msg']}", err=True)
    except Refusal as refusal:
        typer.echo(refusal.detail, err=True)
    except (
        SchemaOutdated,
        SecretMissing,
        StoreUnavailable,
        backups.BackupUnusable,
        retaining.ArchiveUnusable,
        ValueError,
        OSError,
    ) as error:
        typer.echo(str(error), err=True)
    else:
        return
    raise typer.Exit(1)


@contextmanager
def opened() -> Iterator[tuple[Settings, Database, bytes]]:
    """The settings, their database as `serve` finds it (a new SQLite file is migrated) and the master secret."""
    with refusals():
        settings = Settings()
        engine, master = open_database(settings)
        try:
            yield settings, engine, master
        finally:
            engine.dispose()


@contextmanager
def database() -> Iterator[tuple[Settings, Database]]:
    """The settings and their database, for a command that does its work and ends."""
    with refusals():
        settings = Settings()
        engine = open_engine(settings.database_url)
        try:
            yield settings, engine
        finally:
            engine.dispose()


def written(engine: Database, job: Job[C, R], command: C) -> R:
    """What came of one command, by a writer of its own."""
    writer = Writer(engine)
    try:
        return writer.submit(job, command)
    finally:
        writer.close()


def made_key(engine: Database, command: MakeKey) -> str:
    """The secret of a new key."""
    return written(engine, make_keys, command).secret
