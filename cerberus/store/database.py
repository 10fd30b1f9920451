"""Connections and transactions. Faults of the database leave here as `Unavailable`, never as an answer."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc, make_url, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.errors import Conflict, Unavailable
from cerberus.store.tables import PolicyStateRow

log = logging.getLogger(__name__)

Transaction = OrmSession
"""An open transaction, as the use cases hand it on to the queries of this package."""

AWAY = "Cerberus' database cannot be reached."
AWAY_HINT = "Nothing was changed and nothing is allowed until it is back; try again in a moment."
SECONDS_TO_CONNECT = 2
SECONDS_TO_ANSWER = 20
FAULTS = (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError)


def _engine(url: str, **options: Any) -> Engine:
    parsed = make_url(url)
    pool = {"pool_size": 10, "max_overflow": 30, "pool_timeout": SECONDS_TO_CONNECT}
    if parsed.get_backend_name() == "sqlite":
        connecting: dict[str, Any] = {"timeout": SECONDS_TO_ANSWER, "check_same_thread": False}
        engine = create_engine(parsed, connect_args=connecting, **pool, **options)
        event.listen(engine, "connect", _set_up_sqlite)
        return engine
    if parsed.get_backend_name() in ("mysql", "mariadb"):
        connecting = {
            "charset": "utf8mb4",
            "connect_timeout": SECONDS_TO_CONNECT,
            "read_timeout": SECONDS_TO_ANSWER,
            "write_timeout": SECONDS_TO_ANSWER,
        }
        return create_engine(parsed, pool_recycle=1800, connect_args=connecting, **pool, **options)
    raise ValueError("CERBERUS_DATABASE_URL must start with sqlite:// or mysql+pymysql://")


def _transacting(url: str) -> Engine:
    # READ COMMITTED: under MySQL's default a long transaction would not see a newer policy version.
    if make_url(url).get_backend_name() != "sqlite":
        return _engine(url, isolation_level="READ COMMITTED")
    engine = _engine(url)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _asking(url: str) -> Engine:
    # One statement, one round trip: neither BEGIN before it nor ROLLBACK after it.
    return _engine(url, isolation_level="AUTOCOMMIT", pool_reset_on_return=None)


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


class Database:
    """
    One Cerberus database. Thread-safe; open one a process.
    """

    def __init__(self, url: str) -> None:
        """
        Args:
            url: `sqlite:///...` or `mysql+pymysql://...`, password included.

        Connects at the first use. ValueError for a URL of another kind.
        """
        self.url = url
        self.engine = _transacting(url)
        self._asking = _asking(url)
        self._writing = self.engine.execution_options(writes=True)

    def __repr__(self) -> str:
        return f"Database({self.engine.url.render_as_string(hide_password=True)})"

    def close(self) -> None:
        """
        Closes every pooled connection.
        """
        self.engine.dispose()
        self._asking.dispose()

    @contextmanager
    def reading(self) -> Iterator[OrmSession]:
        """
        A transaction that only reads. A connection that the server has closed meanwhile is replaced once.
        """
        with self.faults_translated():
            self._wake()
            with OrmSession(self.engine, expire_on_commit=False) as session:
                yield session

    @contextmanager
    def writing(self) -> Iterator[OrmSession]:
        """
        A transaction that ends with a commit, or with nothing changed when the block raises.

        `Conflict` when a constraint refuses the change: two calls raced, and the other one won.
        """
        with self.faults_translated(), _races_translated():
            self._wake()
            with OrmSession(self._writing, expire_on_commit=False) as session, session.begin():
                yield session

    def version(self) -> int:
        """
        The policy version now. One statement, outside any transaction.
        """
        with self.faults_translated():
            try:
                return self._read_version()
            except exc.DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                return self._read_version()  # the pool was emptied by the fault: this connects anew

    def _read_version(self) -> int:
        with self._asking.connect() as connection:
            version = connection.execute(_VERSION).scalar()
        if version is None:
            raise Unavailable("Cerberus' database is empty.", hint="Run `cerberus migrate`.")
        return int(version)

    def _wake(self) -> None:
        # One failed statement empties the pool, so that what follows connects anew.
        if self.engine.dialect.name == "sqlite":
            return
        try:
            with self.engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except exc.DBAPIError as error:
            if not error.connection_invalidated:
                raise

    @contextmanager
    def faults_translated(self) -> Iterator[None]:
        """
        Faults of the database leave the block as `Unavailable`.
        """
        try:
            yield
        except (*FAULTS, exc.ProgrammingError) as error:
            if isinstance(error, exc.ProgrammingError) or "no such table" in str(error):  # MySQL, SQLite
                log.error("database without the expected schema: %s", _first_line(error))
                raise Unavailable(
                    "Cerberus' database lacks the expected tables.", hint="Run `cerberus migrate`."
                ) from error
            log.error("database fault: %s", _first_line(error))
            raise Unavailable(AWAY, hint=AWAY_HINT) from error


@contextmanager
def _races_translated() -> Iterator[None]:
    try:
        yield
    except exc.IntegrityError as error:
        raise Conflict("That is there already, or was changed at the same moment.", hint="Look again.") from error


_VERSION = select(PolicyStateRow.version).where(PolicyStateRow.id == 1)


def _first_line(error: exc.SQLAlchemyError) -> str:
    origin = getattr(error, "orig", None) or error
    return re.sub(r"\s+", " ", str(origin))[:200]
