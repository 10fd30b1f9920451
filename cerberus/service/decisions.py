"""Who is asking, and what they may do: the one place where answers are made."""

from datetime import timedelta

from cerberus.credential_forms import looks_like_jwt
from cerberus.errors import NotFound, NotSignedIn
from cerberus.policy import ALL_SCOPES, Scope
from cerberus.service import parse
from cerberus.service.access import Access
from cerberus.service.bearers import Bearers
from cerberus.service.context import Context, Kept
from cerberus.service.secrets import AccessToken, read_token
from cerberus.store import credentials, subjects
from cerberus.store.records import Credential

NOTE_USE_EVERY = timedelta(minutes=1)
HOW_TO_GET_ONE = "Make a token on your account page in Studio."


class Decisions:
    """Turns credentials into `Access`."""

    def __init__(self, context: Context, bearers: Bearers) -> None:
        self._context = context
        self._bearers = bearers

    def access_of_token(self, raw: object) -> Access:
        """
        The access of the token's owner within the token's limits. One statement when warm.

        Where JWTs are accepted, also of such a one. NotSignedIn for a token that is malformed, unknown, expired,
        revoked, or whose owner is disabled; Unavailable when it cannot be told.
        """
        if isinstance(raw, str) and self._bearers.taken and looks_like_jwt(raw):
            return self._bearers.access(raw)
        token = read_token(raw)
        if token is None:
            raise NotSignedIn("That is not an access token.", hint=HOW_TO_GET_ONE)
        kept = self._context.kept()
        found = self._credential(kept, token)
        if found is None or not token.matches(found.secret_hash):
            raise NotSignedIn("The access token is unknown.", hint=HOW_TO_GET_ONE)
        now = self._context.now()
        if found.ended or found.expires_at <= now:
            raise NotSignedIn("The access token has expired or was revoked.", hint=HOW_TO_GET_ONE)
        access = kept.accesses.get(found.id) or self._access(kept, found)
        if found.last_used_at is None or now - found.last_used_at >= NOTE_USE_EVERY:
            self._note_use(kept, found)
        return access

    def _credential(self, kept: Kept, token: AccessToken) -> Credential | None:
        found = kept.credentials.get(token.id)
        if found is None:
            with self._context.database.reading() as session:
                found = credentials.credential(session, token.id)
            if found is not None:
                kept.credentials[token.id] = found
        return found

    def _access(self, kept: Kept, found: Credential) -> Access:
        loaded = self._context.loaded(kept, found.subject_id)
        access = Access.of(loaded, kept.version, scopes=found.scopes, project=found.project)
        kept.accesses[found.id] = access
        return access

    def _note_use(self, kept: Kept, found: Credential) -> None:
        now = self._context.now()
        kept.credentials[found.id] = found.used(now)
        self._context.later(lambda session: credentials.used(session, found.id, now), what="a token's last use")

    def access_of(
        self, subject_id: int, *, scopes: frozenset[Scope] = ALL_SCOPES, project: str | None = None
    ) -> Access:
        """
        The access of a user or service account; NotSignedIn when it is gone or disabled.
        """
        kept = self._context.kept()
        return Access.of(self._context.loaded(kept, subject_id), kept.version, scopes=scopes, project=project)

    def access_of_name(self, name: str) -> Access:
        """
        The access of the user or service account of that name; NotFound when there is none.
        """
        with self._context.database.reading() as session:
            row = subjects.by_name(session, parse.user_name(name))
            if row is None:
                raise NotFound(f"There is nobody called {name}.")
            subject_id = row.id
        return self.access_of(subject_id)
