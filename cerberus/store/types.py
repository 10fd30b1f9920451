"""Column types that behave alike on SQLite and MySQL."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator, TypeEngine


class UtcDateTime(TypeDecorator[datetime]):
    """
    A moment in UTC, microseconds kept; goes in and comes out timezone-aware.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """MySQL drops fractions of a second unless told how many digits to keep."""
        return dialect.type_descriptor(mysql.DATETIME(fsp=6) if dialect.name in ("mysql", "mariadb") else DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Naive moments are refused: they would silently be local time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """What was stored is UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


def key(length: int) -> String:
    """
    Text that identifies something: compared byte by byte (MySQL would take `Alice` for `alice`).
    """
    text = String(length)
    for dialect in ("mysql", "mariadb"):
        text = text.with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), dialect)
    return text


def long_text() -> Text:
    """
    Text for people or JSON, up to 16 MB on MySQL.
    """
    text = Text()
    for dialect in ("mysql", "mariadb"):
        text = text.with_variant(mysql.MEDIUMTEXT(collation="utf8mb4_bin"), dialect)
    return text
