"""Statements are compiled once a run for each kind of database, not once for each of thousands of engines."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.util import LRUCache

from app.store import engine

STATEMENTS = 4000


class _Compiled(LRUCache[Any, Any]):
    """What one engine has compiled is there for all of its kind: `open_engine` makes their dialects alike."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), value)


@contextmanager
def compiled_once() -> Iterator[None]:
    """Engines that are opened from here on share what they compile."""
    options = {"compiled_cache": _Compiled(STATEMENTS)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "create_engine", partial(create_engine, execution_options=options))
        yield
