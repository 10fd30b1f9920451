"""Connections and transactions. Faults of the database leave here as `Unavailable`, never as an answer."""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, NullPool, event, exc
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm.exc import StaleDataError

from cerberus.errors import Conflict, Unavailable
from cerberus.store.engines import SECONDS_AT_LENGTH, Straight, asking, pool, transacting
from cerberus.store.together import AWAY, AWAY_HINT, Together, Watch

log = logging.getLogger(__name__)

Transaction = OrmSession
"""An open transaction, as the use cases hand it on to the queries of this package."""

UNSURE_HINT = "It went away while the change was being kept: look whether it was made before you try again."
BUSY = "Other changes stood in the way."
BUSY_HINT = "Nothing was changed; try again in a moment."
FAULTS = (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError)

COLLISIONS: Final = frozenset({1205, 1213})
"""MySQL's numbers for a lock that did not come, and for a deadlock."""

SQLITE_BUSY: Final = 5
SECONDS_OF_SILENCE: Final = 0.5
Answer = TypeVar("Answer")


class Deadlocked(Unavailable):
    """
    Another transaction stood in the way. This one was undone whole, so that it can run again.
    """


class Database:
    """
    One Cerberus database. Thread-safe; open one a process.

    Statements have little more than a second, so that a fault is known in two; those of the transactions `at_length`,
    which are for exports and plans, have a minute.
    """

    def __init__(self, url: str) -> None:
        """
        Args:
            url: `sqlite:///...` or `mysql+pymysql://...`, password included.

        Connects at the first use. Invalid for a URL of another kind.
        """
        self.url = url
        self.engine = transacting(url, **pool(10, 30))
        self._asking = asking(url)
        self._patient = transacting(url, seconds=SECONDS_AT_LENGTH, pool_pre_ping=True, **pool(2, 8))
        self._on_server = self.engine.dialect.name != "sqlite"
        self._watch = Watch()
        self._straight = Straight(self._asking, _ASK_VERSION)
        self._version = Together(self._ask_version)
        self._here = threading.local()
        for engine in (self.engine, self._asking, self._patient):
            event.listen(engine, "invalidate", self._note_silence)

    def __repr__(self) -> str:
        return f"Database({self.engine.url.render_as_string(hide_password=True)})"

    def close(self) -> None:
        """
        Closes every pooled connection.
        """
        self._straight.close()
        for engine in (self.engine, self._asking, self._patient):
            engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[OrmSession]:
        """
        A transaction that only reads. A connection that the server has closed meanwhile is replaced once.
        """
        with self._read(self.engine) as session:
            yield session

    @contextmanager
    def reading_at_length(self) -> Iterator[OrmSession]:
        """
        A transaction that reads much: one view of everything from beginning to end, whatever changes meanwhile.
        """
        one_view = {"isolation_level": "REPEATABLE READ"} if self._on_server else {}
        with self._read(self._patient.execution_options(**one_view)) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[OrmSession]:
        """
        A transaction that ends with a commit, or with nothing changed when the block raises.

        `Conflict` when a constraint refuses the change: two calls raced, and the other one won. `Deadlocked` when it
        may run again.
        """
        with self._write(self.engine) as session:
            yield session

    @contextmanager
    def writing_at_length(self) -> Iterator[OrmSession]:
        """
        The same for statements that take long. Others wait for their turn meanwhile.
        """
        with self._write(self._patient) as session:
            yield session

    @property
    def rehearsed(self) -> OrmSession | None:
        """
        The transaction of the rehearsal that this thread is in; None outside one.
        """
        session: OrmSession | None = getattr(self._here, "session", None)
        return session

    @contextmanager
    def rehearsing(self) -> Iterator[OrmSession]:
        """
        A transaction in which this thread reads and writes everything until the block ends. Nothing of it is kept.
        """
        with self.faults_translated():
            self._wake()
            with OrmSession(self._patient.execution_options(writes=True), expire_on_commit=False) as session:
                self._here.session = session
                try:
                    yield session
                finally:
                    self._here.session = None
                    session.rollback()

    @contextmanager
    def upgrading(self) -> Iterator[Connection]:
        """
        A transaction on a connection of its own, whose statements may take as long as they need.
        """
        engine = transacting(self.url, seconds=None, poolclass=NullPool)
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()

    @contextmanager
    def _read(self, engine: Engine) -> Iterator[OrmSession]:
        with self.faults_translated():
            if (rehearsed := self.rehearsed) is not None:
                yield rehearsed
                return
            self._wake()
            with OrmSession(engine, expire_on_commit=False) as session:
                yield session

    @contextmanager
    def _write(self, engine: Engine) -> Iterator[OrmSession]:
        with self.faults_translated(), _races_translated():
            if (rehearsed := self.rehearsed) is not None:
                yield rehearsed
                rehearsed.flush()
                return
            self._wake()
            with OrmSession(engine.execution_options(writes=True), expire_on_commit=False) as session:
                yield session
                session.flush()
                with _unsure():
                    session.commit()

    def version(self) -> int:
        """
        The policy version now. One statement, outside any transaction, for all threads that ask at the same time.
        """
        return self._version.ask()

    def _ask_version(self) -> int:
        try:
            version = self._watch.ask(self._read_version)
        except exc.SQLAlchemyError:
            with self.faults_translated():
                raise
        if version is None:
            raise Unavailable("Cerberus' database is empty.", hint="Run `cerberus migrate`.")
        return int(version)

    def _read_version(self) -> Any:
        try:
            return self._straight.ask()
        except self._asking.dialect.loaded_dbapi.Error as error:
            if _timed_out(error):
                raise exc.OperationalError(_ASK_VERSION, None, error) from error
            return _twice(self._read_version_anew)

    def _read_version_anew(self) -> Any:
        with self._asking.connect() as connection:
            return connection.exec_driver_sql(_ASK_VERSION).scalar()

    def _note_silence(self, connection: object, record: object, error: BaseException | None) -> None:  # noqa: ARG002
        if _timed_out(error):
            self._here.silent_at = time.monotonic()

    def _wake(self) -> None:
        # A ROLLBACK that nobody answered is no error to the pool: this thread has waited already, and does not again.
        if time.monotonic() < getattr(self._here, "silent_at", 0.0) + SECONDS_OF_SILENCE:
            raise Unavailable(AWAY, hint=AWAY_HINT)
        if self._on_server:
            self._watch.ask(lambda: _twice(self._knock))

    def _knock(self) -> None:
        with self.engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")

    @contextmanager
    def faults_translated(self) -> Iterator[None]:
        """
        Faults of the database leave the block as `Unavailable`.
        """
        try:
            yield
        except StaleDataError as error:  # what was read was removed before it was written
            log.warning("collision: %s", _first_line(error))
            raise Deadlocked(BUSY, hint=BUSY_HINT) from error
        except (*FAULTS, exc.ProgrammingError) as error:
            if _collided(error):
                log.warning("collision: %s", _first_line(error))
                raise Deadlocked(BUSY, hint=BUSY_HINT) from error
            if isinstance(error, exc.ProgrammingError) or "no such table" in str(error):  # MySQL, SQLite
                log.error("database without the expected schema: %s", _first_line(error))
                raise Unavailable(
                    "Cerberus' database lacks the expected tables.", hint="Run `cerberus migrate`."
                ) from error
            log.error("database fault: %s", _first_line(error))
            raise Unavailable(AWAY, hint=AWAY_HINT) from error


def _twice(ask: Callable[[], Answer]) -> Answer:
    # A connection that the server has closed fails once and empties the pool: the second time connects anew. One that
    # did not answer in time is no such case: waiting again would take too long.
    try:
        return ask()
    except exc.DBAPIError as error:
        if not error.connection_invalidated or _timed_out(error.orig):
            raise
        return ask()


def _timed_out(error: BaseException | None) -> bool:
    return isinstance(getattr(error, "__context__", None), TimeoutError)


@contextmanager
def _unsure() -> Iterator[None]:
    try:
        yield
    except exc.DBAPIError as error:
        if not error.connection_invalidated:
            raise
        log.error("database fault at a commit: %s", _first_line(error))
        raise Unavailable(AWAY, hint=UNSURE_HINT) from error


def _collided(error: exc.SQLAlchemyError) -> bool:
    origin = getattr(error, "orig", None)
    if getattr(origin, "sqlite_errorcode", 0) & 0xFF == SQLITE_BUSY:
        return True
    return bool(origin is not None and origin.args and origin.args[0] in COLLISIONS)


@contextmanager
def _races_translated() -> Iterator[None]:
    try:
        yield
    except exc.IntegrityError as error:
        raise Conflict("That is there already, or was changed at the same moment.", hint="Look again.") from error


_ASK_VERSION = "SELECT version FROM policy_state WHERE id = 1"


def _first_line(error: exc.SQLAlchemyError) -> str:
    origin = getattr(error, "orig", None) or error
    return re.sub(r"\s+", " ", str(origin))[:200]
