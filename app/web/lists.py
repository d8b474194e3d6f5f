"""Lists in pages: `?limit=&cursor=` in, `{"items","next"}` out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, Protocol, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel

from app.web.paging import Cursor, decode_cursor, encode_cursor

LARGEST = 500

T = TypeVar("T", bound=BaseModel)


class Listed(Protocol):
    """A row of a list: its place is when it was enrolled, and its id."""

    @property
    def id(self) -> UUID: ...
    @property
    def record_time(self) -> datetime: ...


class Page(BaseModel, Generic[T]):
    """`next` is the cursor of the following page, null on the last."""

    items: list[T]
    next: str | None


@dataclass(frozen=True, slots=True)
class Paging:
    """What a client asked for: at most `limit` items after a place."""

    limit: int
    after: tuple[datetime, UUID] | None


def paging(
    limit: Annotated[int, Query(ge=1, le=LARGEST, description="items in one answer")] = 100,
    cursor: Annotated[str | None, Query(max_length=100, description="`next` of the answer before")] = None,
) -> Paging:
    if cursor is None:
        return Paging(limit, None)
    place = decode_cursor(cursor)
    return Paging(limit, (place.time, place.id))


PagingDep = Annotated[Paging, Depends(paging)]


def answer(rows: Sequence[Listed], asked: Paging, shape: type[T]) -> Page[T]:
    """One page of `limit` items made from up to `limit` + 1 rows."""
    kept = rows[: asked.limit]
    more = len(rows) > asked.limit
    items: list[Any] = [shape.model_validate(row) for row in kept]
    return Page(items=items, next=encode_cursor(Cursor(kept[-1].record_time, kept[-1].id)) if more else None)
