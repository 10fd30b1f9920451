"""Read-only engines on MLflow's database, SQLite and PostgreSQL."""

import re
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Engine, Float, QueuePool, Row, Select, create_engine, make_url
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

Ask = Callable[[Select[Any]], Sequence[Row[Any]]]
"""How modules that only make statements get them answered."""

STATEMENT_TIMEOUT_MS = 20_000
NUMBER = r"^[-+]?([0-9]{1,40}([.][0-9]*)?|[.][0-9]{1,40})([eE][-+]?[0-9]{1,2})?$"


def open_database(url: str | URL) -> Engine:
    """
    An engine that cannot write: SQLite opens the file read-only, PostgreSQL makes every transaction read-only.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return create_engine("sqlite://", creator=_sqlite_opener(parsed), poolclass=QueuePool, pool_size=8)
    options = f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_TIMEOUT_MS}"
    return create_engine(parsed, pool_pre_ping=True, pool_size=8, connect_args={"options": options})


def _sqlite_opener(url: URL) -> Callable[[], sqlite3.Connection]:
    uri = f"file:{quote(str(Path(url.database or '').resolve()))}?mode=ro"

    def opened() -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True, timeout=STATEMENT_TIMEOUT_MS / 1000, check_same_thread=False)
        connection.execute("PRAGMA case_sensitive_like = true")  # as MLflow's own searches
        connection.create_function("mlstudio_number", 1, _number, deterministic=True)
        return connection

    return opened


def _number(text: Any) -> float | None:
    return float(text) if isinstance(text, str) and re.match(NUMBER, text) else None


class number(GenericFunction[float]):
    """
    A text as a number, NULL where it is none: so that 9 sorts before 10.
    """

    type = Float(53)
    inherit_cache = True
    name = "mlstudio_number"


@compiles(number, "postgresql")
def _number_in_postgresql(element: number, compiler: SQLCompiler, **options: Any) -> str:
    text = compiler.process(element.clauses, **options)
    return f"CASE WHEN {text} ~ '{NUMBER}' THEN CAST({text} AS double precision) END"
