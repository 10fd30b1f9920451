"""Signing in with a password, and the server-side sessions that follow."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cerberus.bounded import Bounded
from cerberus.errors import Conflict, NotFound, NotSignedIn
from cerberus.policy import ALL_SCOPES, Principal, Scope
from cerberus.service import secrets
from cerberus.service.access import Access
from cerberus.service.actors import Actor, Origin, line_of_origin
from cerberus.service.context import Context
from cerberus.service.proofs import Proofs
from cerberus.store import audit, credentials, principals
from cerberus.store.database import Transaction
from cerberus.store.records import Session
from cerberus.store.tables import SessionRow

LONGEST = timedelta(days=7)
IDLE = timedelta(hours=12)
NOTE_USE_EVERY = timedelta(minutes=1)
MOST_CREDENTIALS = 10_000


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just begun. `cookie` is known to nobody else: hand it to the browser and forget it."""

    session: Session
    cookie: str


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A session begun by a script, and the access token that lives as long as it does, at most until `expires_at`."""

    session: Session
    secret: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Resumed:
    """A living session and what its person may do now."""

    session: Session
    access: Access


class Sessions:
    """Begins, resumes and ends sessions."""

    def __init__(self, context: Context, proofs: Proofs) -> None:
        self._context = context
        self._proofs = proofs
        self._credentials: dict[str, tuple[str, datetime]] = Bounded(MOST_CREDENTIALS)
        """By the cookie's hash: the token, and how long to reuse it."""

    def sign_in(self, name: object, password: object, origin: Origin) -> NewSession:
        """
        A new session. Raises as `Proofs.to_sign_in` does.
        """
        subject_id = self._proofs.to_sign_in(name, password, origin).subject_id
        with self._context.database.writing() as session:
            state = audit.lock(session)
            now = self._context.now()
            loaded = principals.load(session, subject_id)
            if loaded is None or loaded.principal.disabled:
                raise NotSignedIn("This account is disabled.", hint="Ask an admin.")
            new = begun_session(session, loaded.principal, origin, at=now)
            line = {**line_of_origin(Actor(loaded.principal, origin)), "action": "session.begin"}
            audit.append(session, state, {**line, "target": f"session:{new.session.id}"}, now)
            return new

    def sign_in_for_token(self, name: object, password: object, origin: Origin) -> NewCredential:
        """
        A session for a script, and an access token that may do what its person may. Raises as `sign_in` does.
        """
        begun = self.sign_in(name, password, origin).session
        expires_at = begun.created_at + IDLE
        secret = self._token_of(begun, name="sign-in", scopes=ALL_SCOPES, expires_at=expires_at)
        return NewCredential(begun, secret, expires_at)

    def end_with_token(self, actor: Actor, raw: object) -> None:
        """
        Ends the session that this token of the actor belongs to. Conflict for a token that was not made by signing in.
        """
        token = secrets.read_token(raw)
        with self._context.change(actor) as change:
            session_id = None if token is None else credentials.session_of_token(change.session, token.id)
            if session_id is None:
                raise Conflict("This token does not come from signing in.", hint="Revoke it instead.")
            credentials.end_sessions(change.session, change.now, subject_id=actor.principal.id, session_id=session_id)
            change.record("session.end", f"session:{session_id}")

    def resume(self, cookie: object) -> Resumed:
        """
        The session of that cookie and what its person may do now; NotSignedIn when it is over.
        """
        if not isinstance(cookie, str) or not 20 <= len(cookie) <= 100:
            raise NotSignedIn("There is no session.", hint="Sign in.")
        with self._context.database.reading() as session:
            found = credentials.signed_in(session, secrets.cookie_hash(cookie))
        now = self._context.now()
        if found is None or not alive(found, now):
            raise NotSignedIn("The session is over.", hint="Sign in again.")
        kept = self._context.kept()
        access = Access.of(self._context.loaded(kept, found.subject_id), kept.version)
        if now - found.last_seen_at >= NOTE_USE_EVERY:
            self._context.later(lambda session: credentials.seen(session, found.id, now), what="a session's last use")
        return Resumed(found, access)

    def end(self, cookie: str, origin: Origin) -> None:
        """
        Ends the session, and the credential that Studio used on its behalf. Does nothing when it is over.
        """
        try:
            resumed = self.resume(cookie)
        except NotSignedIn:
            return
        actor = Actor(resumed.access.principal, origin)
        with self._context.change(actor) as change:
            credentials.end_sessions(
                change.session, change.now, subject_id=actor.principal.id, session_id=resumed.session.id
            )
            change.record("session.end", f"session:{resumed.session.id}")
        self._credentials.pop(secrets.cookie_hash(cookie), None)

    def list(self, actor: Actor) -> list[Session]:
        """
        The actor's own living sessions, last seen first.
        """
        now = self._context.now()
        with self._context.database.reading() as session:
            return credentials.sessions_of(session, actor.principal.id, now, seen_after=now - IDLE)

    def end_other(self, actor: Actor, session_id: int) -> None:
        """
        Ends one of the actor's own sessions; NotFound when it is not theirs or over.
        """
        with self._context.change(actor) as change:
            change.require_whole_account()
            ended = credentials.end_sessions(
                change.session, change.now, subject_id=actor.principal.id, session_id=session_id
            )
            if not ended:
                raise NotFound("There is no such session, or it is over.")
            change.record("session.end", f"session:{session_id}")

    def credential(self, cookie: str) -> str:
        """
        An access token for what Studio asks MLflow on this person's behalf. It dies with the session, idle ones too.
        """
        resumed = self.resume(cookie)
        key, now = secrets.cookie_hash(cookie), self._context.now()
        known, fresh_until = self._credentials.get(key, ("", now))
        if now < fresh_until:
            return known
        # No longer than an idle session would live: nobody may be there to end it.
        expires_at = min(resumed.session.expires_at, now + IDLE)
        scopes = frozenset({Scope.READ, Scope.WRITE})
        secret = self._token_of(resumed.session, name="Studio", scopes=scopes, expires_at=expires_at)
        self._credentials[key] = (secret, now + (expires_at - now) / 2)
        return secret

    def _token_of(self, begun: Session, *, name: str, scopes: frozenset[Scope], expires_at: datetime) -> str:
        token = secrets.new_token()
        with self._context.database.writing() as session:
            credentials.insert_token(
                session,
                token.id,
                secret_hash=token.hash,
                subject_id=begun.subject_id,
                name=name,
                scopes=scopes,
                at=self._context.now(),
                expires_at=expires_at,
                session_id=begun.id,
            )
        return token.text


def begun_session(session: Transaction, principal: Principal, origin: Origin, *, at: datetime) -> NewSession:
    """
    A session of this person from now on, in a transaction that has made sure who they are; sweeps old ones of theirs.
    """
    cookie = secrets.new_cookie()
    credentials.sweep(session, principal.id, before=at - timedelta(days=1))
    row = SessionRow(
        cookie_hash=secrets.cookie_hash(cookie),
        subject_id=principal.id,
        created_at=at,
        last_seen_at=at,
        expires_at=at + LONGEST,
        ended_at=None,
        address=origin.address[:64],
        client=origin.client[:200],
    )
    session.add(row)
    session.flush()
    return NewSession(credentials.session_value(row, principal.name), cookie)


def alive(session: Session, now: datetime) -> bool:
    """
    Whether the session has not ended, expired, or lain idle too long.
    """
    return session.ended_at is None and now < session.expires_at and now - session.last_seen_at < IDLE
