"""What every use case needs: the database, the caches, the clock, and one way to change something.

One use case is one transaction, one audit line and, when policy or identity changed, one step of the policy version.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cerberus.bounded import Bounded
from cerberus.errors import CerberusError, Forbidden, NotSignedIn
from cerberus.service.access import SYSTEM_PRINCIPAL, Access, Refused, utc_now
from cerberus.service.actors import SYSTEM, Actor, line_of_denial, line_of_origin
from cerberus.service.again import again
from cerberus.service.change import Change, View
from cerberus.store import audit, principals
from cerberus.store.database import Database, Transaction
from cerberus.store.principals import Loaded
from cerberus.store.records import Credential

log = logging.getLogger(__name__)

MOST_KEPT = 20_000
MOST_PENDING = 1_000

Transactions = Callable[[], AbstractContextManager[Transaction]]


def _some() -> Bounded[Any, Any]:
    return Bounded(MOST_KEPT)


@dataclass(slots=True)
class Kept:
    """Identity and rules under one policy version. Thrown away whole when the version moves."""

    version: int
    principals: dict[int, Loaded] = field(default_factory=_some)
    credentials: dict[str, Credential] = field(default_factory=_some)
    accesses: dict[str, Access] = field(default_factory=_some)
    """By the id of the token that opens them."""

    jwts: dict[str, tuple[int, float]] = field(default_factory=_some)
    """By the hash of a JWT that was good: whose it is, and until when that is known, in seconds since 1970."""
    passwords: dict[bytes, int] = field(default_factory=_some)
    """By what this process knows a right name and password by: whose they are."""


class Context:
    """
    Shared by all use cases of a process. Thread-safe.
    """

    def __init__(self, database: Database, *, password_rounds: int) -> None:
        self.database = database
        self.password_rounds = password_rounds
        self._kept = Kept(version=-1)
        self._later = ThreadPoolExecutor(max_workers=1, thread_name_prefix="cerberus-later")
        self._pending = threading.BoundedSemaphore(MOST_PENDING)
        self.when_dropped: Callable[[], None] = lambda: None
        """Called when something that was put off is lost."""

    def now(self) -> datetime:
        """
        The moment, in UTC.
        """
        return utc_now()

    def close(self) -> None:
        """
        Finishes what was put off, and closes the database.
        """
        self._later.shutdown(wait=True)
        self.database.close()

    def settle(self) -> None:
        """
        Waits until everything that was put off is written.
        """
        self._later.submit(lambda: None).result()

    def kept(self) -> Kept:
        """
        What is kept in memory under the version that the database has now. One statement.

        In a rehearsal nothing is: what is read there will not have been.
        """
        version = self.database.version()
        if self.database.rehearsed is not None:
            return Kept(version)
        kept = self._kept
        if kept.version != version:
            # A thread may still fill the old one: it then keeps what is newer than its version says, never older.
            kept = self._kept = Kept(version)
        return kept

    def loaded(self, kept: Kept, subject_id: int) -> Loaded:
        """
        The principal of that id; NotSignedIn when it is gone or disabled.
        """
        found = kept.principals.get(subject_id)
        if found is None:
            with self.database.reading() as session:
                found = principals.load(session, subject_id, opening=self.database.reading)
            if found is None:
                raise NotSignedIn("The account is gone.")
            kept.principals[subject_id] = found
        if found.principal.disabled:
            raise NotSignedIn("The account is disabled.", hint="Ask an admin.")
        return found

    def later(self, task: Callable[[Transaction], None], *, what: str) -> None:
        """
        Runs a small write soon, in another thread; dropped with a line in the log when too many wait or it fails.
        """
        if not self._pending.acquire(blocking=False):
            log.warning("dropped: %s", what)
            self.when_dropped()
            return

        @again
        def write() -> None:
            with self.database.writing() as session:
                task(session)

        def run() -> None:
            try:
                write()
            except CerberusError as error:
                log.warning("not written: %s: %s", what, error)
                self.when_dropped()
            except Exception as error:  # nobody waits for this: what is not said here is said nowhere
                log.error("not written: %s: %s", what, type(error).__name__)  # its words could hold what is secret
                self.when_dropped()
            finally:
                self._pending.release()

        try:
            self._later.submit(run)
        except RuntimeError:  # shutting down
            self._pending.release()

    def looked(
        self,
        actor: Actor,
        action: str,
        target: str,
        project: str | None = None,
        *,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        """
        Notes that `actor` looked at what is about others; returns at once. What the service reads leaves no line.
        """
        if actor == SYSTEM:
            return
        asked = {name: value for name, value in (about or {}).items() if value is not None}
        line = {**line_of_origin(actor), "action": action, "target": target, "project": project}
        self.note_later({**line, "after": asked or None}, what="the audit line of a look")

    def note_later(self, line: Mapping[str, Any], *, what: str, at: datetime | None = None) -> None:
        """
        Writes an audit line outside the chain soon; it says when it was asked for (or the moment given), not when it
        was written.
        """
        moment = at or self.now()
        self.later(lambda session: audit.append_loose(session, line, moment), what=what)

    @contextmanager
    def view(self, actor: Actor) -> Iterator[View]:
        """
        A transaction in which `actor`, as the database knows them now, only looks. A refusal inside it is audited.
        """
        with self._viewing(actor, self.database.reading) as view:
            yield view

    @contextmanager
    def view_at_length(self, actor: Actor) -> Iterator[View]:
        """
        The same for what reads much: one view of everything to its end, and a minute for each statement.
        """
        with self._viewing(actor, self.database.reading_at_length) as view:
            yield view

    @contextmanager
    def change(self, actor: Actor) -> Iterator[Change]:
        """
        One transaction in which `actor`, as the database knows them now, changes something.

        A refusal inside it is audited; nothing of the change stays then.
        """
        with self._changing(actor, self.database.writing) as change:
            yield change

    @contextmanager
    def change_at_length(self, actor: Actor) -> Iterator[Change]:
        """
        The same for a change of much: a minute for each statement. Other changes wait, or are refused, meanwhile.
        """
        with self._changing(actor, self.database.writing_at_length) as change:
            yield change

    @contextmanager
    def _viewing(self, actor: Actor, reading: Transactions) -> Iterator[View]:
        with self._refusals_audited(actor):
            access = self._current(actor)
            with reading() as session:
                yield View(session, actor, access, self.now())

    @contextmanager
    def _changing(self, actor: Actor, writing: Transactions) -> Iterator[Change]:
        with self._refusals_audited(actor), writing() as session:
            state = audit.lock(session)
            yield Change(session, actor, self._fresh(session, actor, state.version), self.now(), state)
            if actor.before_commit is not None:
                session.flush()
                actor.before_commit(session)

    @contextmanager
    def aftermath(self, actor: Actor) -> Iterator[Change]:
        """
        One transaction that notes what follows from a deed of `actor` that was allowed already: nobody is asked again.
        """
        with self.change(SYSTEM) as change:
            change.actor = actor
            yield change

    @contextmanager
    def _refusals_audited(self, actor: Actor) -> Iterator[None]:
        try:
            yield
        except (Refused, Forbidden) as error:
            self._record_refusal(actor, error)
            raise

    def _current(self, actor: Actor) -> Access:
        principal = actor.principal
        if principal == SYSTEM_PRINCIPAL:
            return Access.of(Loaded(principal, {}, {}), 0)
        kept = self.kept()
        loaded = self.loaded(kept, principal.id)
        return Access.of(loaded, kept.version, scopes=principal.scopes, project=principal.project)

    def _fresh(self, session: Transaction, actor: Actor, version: int) -> Access:
        principal = actor.principal
        if actor.principal == SYSTEM_PRINCIPAL:
            return Access.of(Loaded(principal, {}, {}), version)
        loaded = principals.load(session, principal.id)
        if loaded is None or loaded.principal.disabled:
            raise NotSignedIn("The account is gone or disabled.", hint="Sign in again.")
        return Access.of(loaded, version, scopes=principal.scopes, project=principal.project)

    def _record_refusal(self, actor: Actor, error: Refused | Forbidden) -> None:
        if isinstance(error, Refused):
            line = line_of_denial(actor, error.decision)
        else:  # no resource was asked about: what only admins may do, or what a token may not do to its owner
            about = {"action": "platform.manage", "target": "platform", "after": {"reason": error.message}}
            line = {**line_of_origin(actor), **about, "outcome": "denied"}
        self.note_later(line, what="the audit line of a denial")
