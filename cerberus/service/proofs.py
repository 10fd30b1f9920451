"""Whether a password is right. Failures are counted before it is looked at, and survive restarts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from cerberus.errors import Invalid, NotSignedIn, Throttled
from cerberus.policy import PlatformRole, SubjectKind
from cerberus.service import parse, secrets
from cerberus.service.actors import Origin, line_of_failed_sign_in
from cerberus.service.context import Context
from cerberus.sso.options import LocalSignIn
from cerberus.store import audit, credentials, subjects
from cerberus.store.database import Transaction
from cerberus.store.tables import SubjectRow

WINDOW = timedelta(minutes=15)
MOST_FAILURES_OF_AN_ACCOUNT = 10
MOST_FAILURES_OF_AN_ADDRESS = 100
WRONG = "The name or the password is wrong."
ADMINS_ONLY = "Only admins sign in with a password here, and the right one."

May = Callable[[Transaction, SubjectRow], bool]


def _anybody(session: Transaction, row: SubjectRow) -> bool:
    del session, row
    return True


def _admins(session: Transaction, row: SubjectRow) -> bool:
    return PlatformRole.ADMIN in subjects.person(session, row).platform_roles


_ACCEPTED: Mapping[LocalSignIn, May] = {LocalSignIn.EVERYBODY: _anybody, LocalSignIn.ADMINS: _admins}


@dataclass(frozen=True, slots=True)
class Proof:
    """Whose password it was, and the hash that it was right for."""

    subject_id: int
    password_hash: str = field(repr=False)


class Proofs:
    """Compares passwords with what is stored of them."""

    def __init__(self, context: Context, local: LocalSignIn = LocalSignIn.EVERYBODY) -> None:
        self._context = context
        self._local = local

    def to_sign_in(self, name: object, password: object, origin: Origin) -> Proof:
        """
        The proof of somebody who may sign in with a password here. NotSignedIn for a wrong name or password, in the
        same words and time; Throttled after 10 failures of an account or 100 of an address within 15 minutes.
        """
        try:
            return self._compare(name, password, origin, may=_ACCEPTED[self._local])
        except NotSignedIn:
            if self._local == LocalSignIn.ADMINS:  # the same words for everybody, admins and unknown names too
                raise NotSignedIn(ADMINS_ONLY, hint="Use single sign-on.") from None
            raise

    def of_oneself(self, name: str, password: object, origin: Origin) -> Proof:
        """
        The proof of somebody who is signed in already, in whatever way. Raises as `to_sign_in` does.
        """
        return self._compare(name, password, origin, may=_anybody)

    def still_holds(self, name: object, proof: Proof) -> bool:
        """
        Whether a former proof to sign in is one now: the same account has the same password, and may use it.
        """
        with self._context.database.reading() as session:
            row = subjects.by_name(session, account_of(name))
            if row is None or (row.id, row.password_hash) != (proof.subject_id, proof.password_hash):
                return False
            return row.kind == SubjectKind.USER and _ACCEPTED[self._local](session, row)

    def _compare(self, name: object, password: object, origin: Origin, *, may: May) -> Proof:
        # For whom `may` says no, every password is wrong.
        account = account_of(name)
        typed = password if isinstance(password, str) else ""
        with self._context.database.writing() as session:
            audit.lock(session)  # two first failures at once would both insert the count
            self._count_attempt(session, account, origin)
            row = subjects.by_name(session, account)
            usable = row is not None and row.kind == SubjectKind.USER and may(session, row)
            stored = row.password_hash if row is not None and usable else None
            subject_id = row.id if row is not None else 0
            who = row.name if row is not None else "?"  # what nobody is called may be a password in the wrong field
        right = secrets.password_matches(typed, stored, rounds=self._context.password_rounds)
        if stored is None or not right:
            self._context.note_later(line_of_failed_sign_in(who, origin), what="the audit line of a failed sign-in")
            raise NotSignedIn(WRONG, hint="An admin can reset a forgotten password.")
        with self._context.database.writing() as session:
            credentials.forget_failures(session, f"account:{account}")
            credentials.forgive_failure(session, _counted_address(origin))
        return Proof(subject_id, stored)

    def _count_attempt(self, session: Transaction, account: str, origin: Origin) -> None:
        # Counted before the password is looked at: many guesses at once count as many.
        now = self._context.now()
        since = now - WINDOW
        limits = {f"account:{account}": MOST_FAILURES_OF_AN_ACCOUNT}
        if origin.address:
            limits[_counted_address(origin)] = MOST_FAILURES_OF_AN_ADDRESS
        for who, most in limits.items():
            found = credentials.failures(session, who, since=since)
            if found is not None and found.count >= most:
                wait = max(1, round((found.since + WINDOW - now).total_seconds()))
                raise Throttled(
                    "Too many failed sign-ins.", retry_after=wait, hint=f"Try again in {-(-wait // 60)} minutes."
                )
        for who in limits:
            credentials.count_failure(session, who, now, since=since)
        credentials.sweep_failures(session, since=since - WINDOW)


def account_of(name: object) -> str:
    """
    The name as accounts are kept under; empty for what can be nobody's.
    """
    try:
        return parse.user_name(name)
    except Invalid:
        return ""


def _counted_address(origin: Origin) -> str:
    return f"address:{origin.address}"[:80]  # as long as the column of failures
