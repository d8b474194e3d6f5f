"""Statements are compiled once a run for each kind of database, not once for each of thousands of engines."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.util import LRUCache

from app.store import engine
from tests.support import kept

STATEMENTS = 4000


class _Compiled(LRUCache[Any, Any]):
    """What one engine has compiled is there for all of its kind: `open_engine` makes their dialects alike."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), value)


@contextmanager
def compiled_once() -> Iterator[None]:
    """Engines that are opened from here on share what they compile, and connections to PostgreSQL one after another."""
    options = {"compiled_cache": _Compiled(STATEMENTS)}

    def create(url: Any, **named: Any) -> Engine:
        made = create_engine(url, execution_options=options, **named)
        if made.dialect.name == "postgresql":
            event.listen(made, "do_connect", kept.connect)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "create_engine", create)
        yield
    kept.close_all()
