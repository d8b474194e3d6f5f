"""A database with the whole cast enrolled in it, made once a run and copied for every test that begins with them."""

import copy
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import make_url
from starlette.testclient import TestClient

from app import web
from app.main import close_service, open_service
from app.settings import Settings
from app.web.service import Service
from tests.support.cast import Actor, Cast, first_key
from tests.support.databases import Database
from tests.support.straight import StraightClient

# To look for each of them in the environment takes longer than to open what they are for.
_SETTINGS = Settings(public_url="https://food.example.cn")


def settings_of(database: Database, directory: Path) -> Settings:
    """What every test's service is opened with, its secret and files in this directory."""
    own = {
        "database_url": database.url, "secret_file": directory / "onecode.secret", "files_dir": directory / "files",
    }  # fmt: skip
    return _SETTINGS.model_copy(update=own)


@contextmanager
def unfrozen() -> Iterator[None]:
    """Hundreds of applications start in this process: what they leave behind must stay collectable."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web, "gc", SimpleNamespace(collect=int, freeze=int, set_threshold=lambda *_: None))
        yield


@contextmanager
def speaking(service: Service) -> Iterator[TestClient]:
    """The whole application behind a synchronous client; an error that is not answered is raised here."""
    url = service.settings.public_url
    with unfrozen(), StraightClient(web.create_app(service), url) as client:
        yield client


@dataclass(frozen=True, slots=True)
class Enrolled:
    """`template` is the database to copy; its keys are good beside the secret in `secret_file` alone."""

    template: str
    secret_file: Path
    cast: Cast

    def give_secret(self, settings: Settings) -> None:
        shutil.copyfile(self.secret_file, settings.secret_file)

    def speaking(self, client: TestClient) -> Cast:
        """The cast as it was enrolled, speaking through this client."""
        cast = copy.copy(self.cast)
        cast.client = client
        for name, actor in vars(self.cast).items():
            if isinstance(actor, Actor):
                own = replace(actor, client=client, party=copy.deepcopy(actor.party), site=copy.deepcopy(actor.site))
                setattr(cast, name, own)
        return cast


def enrol(database: Database, directory: Path) -> Enrolled:
    """Enrols the cast in an empty database over HTTP and lets go of it."""
    service = open_service(settings_of(database, directory))
    with speaking(service) as client:
        cast = Cast(client, first_key(service))
    close_service(service)
    return Enrolled(str(make_url(database.url).database), service.settings.secret_file, cast)
