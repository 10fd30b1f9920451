"""Access tokens: named, limited, with an end; shown once and stored as a hash."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from cerberus.errors import Forbidden, Invalid, NotFound
from cerberus.policy import Scope, SubjectKind, Verb
from cerberus.service import parse, secrets
from cerberus.service.access import project_resource
from cerberus.service.actors import Actor
from cerberus.service.change import Change, View
from cerberus.service.context import Context
from cerberus.service.secrets import AccessToken
from cerberus.store import credentials, projects, subjects
from cerberus.store.records import Token, moment_and_name
from cerberus.store.tables import SubjectRow, TokenRow

DAYS, MOST_DAYS = 90, 365
MOST_ALIVE = 100


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made. `secret` is what its owner uses; it can never be shown again."""

    token: Token
    secret: str = field(repr=False)


class Tokens:
    """Makes, lists and revokes access tokens."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def create(
        self,
        actor: Actor,
        name: object,
        *,
        scopes: Iterable[Scope] = (Scope.READ, Scope.WRITE),
        project: str | None = None,
        days: int = DAYS,
        owner: object = None,
    ) -> NewToken:
        """
        A token for oneself, or for a service account of a project that one manages; it can do no more than the
        credential it is made with. `days` is 1 to 365. With `project`, it works in that project only.
        """
        shown = parse.line(name, "name", longest=100, shortest=1)
        wanted, lasts = parse.scopes(scopes), _life(days)
        with self._context.change(actor) as change:
            row = self._owner(change, owner)
            if owner is None or row.id == actor.principal.id:
                change.require_own_account()
            _require_within(change, project)
            project_id = None if project is None else _project_of(change, row, project)
            _require_room(change, row)
            token, made = _made(change, row, project_id, name=shown, scopes=wanted, lasts=lasts)
            after = {"owner": row.name, "name": shown, "scopes": sorted(wanted), "days": days}
            change.note("token.create", f"token:{token.id}", project=project, after=after)
            return NewToken(credentials.token(made, row.name, project), token.text)

    def revoke(self, actor: Actor, token_id: str) -> None:
        """
        Ends a token of one's own, or of a service account that one manages; refused from the next request on.

        An admin can end anybody's. NotFound otherwise.
        """
        with self._context.change(actor) as change:
            found = credentials.token_row(change.session, token_id)
            if found is None:
                raise NotFound("There is no such token.")
            row, owner = found
            if not _may_revoke(change, owner) or not _within(change, row):
                raise NotFound("There is no such token.")
            change.require_own_account()
            if row.revoked_at is None:
                row.revoked_at = change.now
                change.record("token.revoke", f"token:{token_id}", before={"owner": owner.name, "name": row.name})

    def list(
        self, actor: Actor, *, owner: object = None, limit: int | None = None, after: str | None = None
    ) -> list[Token]:
        """
        One's own tokens, or those of a service account that one manages, newest first; `after` is the `position` of
        the last one seen. With a token that is bound to a project, those that are bound to it too.
        """
        parse.position(after, moment_and_name)
        with self._context.view(actor) as view:
            row, bound = self._owner(view, owner), view.access.principal.project
            return credentials.tokens_of(view.session, row.id, project=bound, limit=limit, after=after)

    @staticmethod
    def _owner(view: View, owner: object) -> SubjectRow:
        name = view.actor.principal.name if owner is None else parse.user_name(owner, "owner")
        row = subjects.by_name(view.session, name)
        if row is None or row.kind == SubjectKind.GROUP or not _answers_for(view, row):
            raise NotFound(f"There is no service account {name} that you manage.")
        return row


def _made(
    change: Change, owner: SubjectRow, project_id: int | None, *, name: str, scopes: frozenset[Scope], lasts: timedelta
) -> tuple[AccessToken, TokenRow]:
    token = secrets.new_token()
    row = credentials.insert_token(
        change.session,
        token.id,
        secret_hash=token.hash,
        subject_id=owner.id,
        name=name,
        scopes=scopes,
        at=change.now,
        expires_at=change.now + lasts,
        project_id=project_id,
    )
    return token, row


def _answers_for(view: View, owner: SubjectRow) -> bool:
    # An admin does not: a token made for somebody else would be a way to act as them.
    if view.by_system or owner.id == view.actor.principal.id:
        return True
    slug = projects.slug_of(view.session, owner.project_id)
    return slug is not None and view.access.can(Verb.MANAGE, project_resource(slug))


def _may_revoke(view: View, owner: SubjectRow) -> bool:
    principal = view.access.principal
    return _answers_for(view, owner) or (principal.is_admin and principal.project is None)


def _require_within(change: Change, project: str | None) -> None:
    # Scope `admin`, which making a token needs, holds every verb: only the project can be wider.
    bound = change.access.principal.project
    if bound is not None and bound != project:
        raise Forbidden("A token cannot be wider than the one it is made with.", hint="Sign in to make it.")


def _project_of(change: Change, owner: SubjectRow, slug: str) -> int:
    found = projects.project_row(change.session, slug)
    if not change.by_system:
        change.access.project(slug)
    if found is None:
        raise NotFound(f"There is no project {slug}, or you are not in it.")
    if owner.kind == SubjectKind.SERVICE_ACCOUNT and owner.project_id != found.id:
        raise Invalid("A service account's token is bound to its own project, or to none.", field="project")
    return found.id


def _life(days: object) -> timedelta:
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MOST_DAYS:
        raise Invalid(f"A token lasts 1 to {MOST_DAYS} days.", field="days")
    return timedelta(days=days)


def _require_room(change: Change, owner: SubjectRow) -> None:
    if credentials.living_tokens(change.session, owner.id, change.now) >= MOST_ALIVE:
        raise Invalid(f"There are {MOST_ALIVE} living tokens already: revoke one first.", field="name")


def _within(change: Change, token: TokenRow) -> bool:
    """
    Whether the token works nowhere that the caller's own does not.
    """
    bound = change.access.principal.project
    if bound is None:
        return True
    project = projects.project_row(change.session, bound)
    return project is not None and token.project_id == project.id
