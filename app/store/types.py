"""Column types with one meaning on both databases."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, LargeBinary, String, TypeDecorator, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import TypeEngine, UserDefinedType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(instant: datetime) -> int:
    """Microseconds since 1970 UTC; exact, unlike a float timestamp."""
    return (instant - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


class Id(TypeDecorator[uuid.UUID]):
    """uuid.UUID: `uuid` on PostgreSQL, 16 bytes on SQLite (a third of the index size of its text form)."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Uuid(as_uuid=True))
        return dialect.type_descriptor(LargeBinary(16))

    def process_bind_param(self, value: uuid.UUID | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else value.bytes

    def process_result_value(self, value: Any, dialect: Dialect) -> uuid.UUID | None:
        return value if value is None or dialect.name == "postgresql" else uuid.UUID(bytes=value)


class Instant(TypeDecorator[datetime]):
    """An aware datetime: `timestamptz` on PostgreSQL, microseconds since 1970 UTC on SQLite; read back in UTC."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(Integer())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if dialect.name == "postgresql" else from_micros(value)


class _Xid8(UserDefinedType[int]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


ischema_names["xid8"] = _Xid8  # so that reading the schema of a database knows it

# The writing transaction on PostgreSQL (the migration sets its default); always null on SQLite, which has one writer.
Xid = Integer().with_variant(_Xid8(), "postgresql")
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
# A rowid alias on SQLite must be spelled INTEGER; PostgreSQL needs eight bytes.
BigId = BigInteger().with_variant(Integer(), "sqlite")
# Compared by its bytes on both databases, so that a prefix is a range of the index.
Ascii = String().with_variant(String(collation="C"), "postgresql")
