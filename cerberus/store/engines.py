"""How the database is connected to: how long each step may take, and what each connection is set to."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from pymysql.connections import Connection as Driver
from sqlalchemy import URL, Connection, Engine, PoolProxiedConnection, create_engine, event, exc, make_url

from cerberus.errors import Invalid
from cerberus.store.replies import Replies, has_parts

SECONDS_TO_CONNECT: Final = 1.0
SECONDS_TO_ANSWER: Final = 1.25
"""Of one statement. A host that swallows packets is to be noticed within two seconds."""

SECONDS_AT_LENGTH: Final = 60.0
SECONDS_FOR_A_LOCK: Final = 1
"""Less than a statement may take: who waits for a lock is told so, instead of losing the connection."""

SECONDS_KEPT: Final = 1800
"""After so long a connection is replaced, before the server or something on the way gives it up."""

SECONDS_FOR_A_FILE: Final = 5.0


SETTING: Final = "CERBERUS_DATABASE_URL"
SQLITE: Final = frozenset({"sqlite", "sqlite+pysqlite"})
MYSQL: Final = frozenset({"mysql+pymysql", "mariadb+pymysql"})


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        known = parsed.drivername in SQLITE | MYSQL
    except (exc.ArgumentError, ValueError):
        known = False
    if not known:  # it is not repeated: it may hold a password
        raise Invalid(f"{SETTING} must start with sqlite:// or mysql+pymysql://.", field=SETTING)
    return parsed


def _engine(url: str, *, seconds: float | None = SECONDS_TO_ANSWER, **options: Any) -> Engine:
    parsed = _parsed(url)
    if parsed.drivername in SQLITE:
        connecting: dict[str, Any] = {"timeout": SECONDS_FOR_A_FILE, "check_same_thread": False}
        engine = create_engine(parsed, connect_args=connecting, **options)
        event.listen(engine, "connect", _set_up_sqlite)
        return engine
    connecting = {
        "charset": "utf8mb4",
        "connect_timeout": SECONDS_TO_CONNECT,
        "read_timeout": seconds,
        "write_timeout": seconds,
        "init_command": f"SET SESSION innodb_lock_wait_timeout = {SECONDS_FOR_A_LOCK}",
    }
    return create_engine(parsed, pool_recycle=SECONDS_KEPT, connect_args=connecting, **options)


def pool(size: int, overflow: int) -> dict[str, Any]:
    """
    So many connections, and so many more at a rush; who waits longer for one than a connection takes is told.
    """
    return {"pool_size": size, "max_overflow": overflow, "pool_timeout": SECONDS_TO_CONNECT}


def transacting(url: str, **options: Any) -> Engine:
    """
    For transactions. READ COMMITTED: under MySQL's default a long one would not see a newer policy version.
    """
    if _parsed(url).drivername not in SQLITE:
        return _engine(url, isolation_level="READ COMMITTED", **options)
    engine = _engine(url, **options)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def asking(url: str) -> Engine:
    """
    For single statements, in one round trip: neither BEGIN before it nor ROLLBACK after it.
    """
    quiet = {"pool_reset_on_return": None, "skip_autocommit_rollback": True}
    return _engine(url, isolation_level="AUTOCOMMIT", **quiet, **pool(1, 1))


class Straight:
    """
    One statement that is asked again and again, by one thread at a time: a connection that is kept, the driver, and
    nothing in between.
    """

    def __init__(self, engine: Engine, statement: str) -> None:
        self._engine, self._statement = engine, statement
        self._connection: PoolProxiedConnection | None = None
        self._asked: Callable[[], Any] = lambda: None
        self._until = 0.0

    def ask(self) -> Any:
        """
        The first column of the first row, None without one. Faults are the driver's own.
        """
        connection = self._kept()
        try:
            return self._asked()
        except BaseException as error:
            self._connection = None
            connection.invalidate(error)
            raise

    def close(self) -> None:
        """
        Gives the connection back.
        """
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _kept(self) -> PoolProxiedConnection:
        if time.monotonic() > self._until:
            self.close()
        if self._connection is None:
            self._connection = self._engine.raw_connection()
            self._until = time.monotonic() + SECONDS_KEPT
            driver: Any = self._connection.driver_connection
            short = isinstance(driver, Driver) and has_parts(driver)
            self._asked = Replies(driver, self._statement).ask if short else partial(self._by_cursor, driver)
        return self._connection

    def _by_cursor(self, connection: Any) -> Any:
        cursor = connection.cursor()
        cursor.execute(self._statement)
        row = cursor.fetchone()
        cursor.close()
        return None if row is None else row[0]


def _set_up_sqlite(connection: Any, record: Any) -> None:  # noqa: ARG001
    connection.isolation_level = None  # transactions are begun below, not by the driver
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: taking it half-way could fail where waiting would have helped.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
