"""Four questions, one resolver: may she (`Access.check`), why or why not, who may, and what may she see."""

from dataclasses import dataclass, replace
from typing import Final

from cerberus.errors import Invalid, NotFound
from cerberus.policy import (
    BUILT_IN_ROLES,
    NOTHING,
    Decision,
    Kind,
    Needed,
    Reason,
    Resource,
    Role,
    Verb,
    Visible,
    decide,
    needed,
)
from cerberus.service import parse, reach
from cerberus.service.access import Access
from cerberus.service.actors import Actor
from cerberus.service.change import View
from cerberus.service.context import Context
from cerberus.service.reach import Reaching
from cerberus.store import principals, projects, roles, subjects
from cerberus.store.database import Transaction

MOST_REACHING: Final = 1_000
ABOUT_THE_CREDENTIAL: Final = frozenset({Reason.DISABLED, Reason.SCOPE, Reason.OTHER_PROJECT})
"""What a refusal may say even of what its subject may not see: it tells of the credential, not of the thing."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    Why somebody may or may not, and what would be needed. `hidden`: to the one who asks it looks like absence.
    """

    subject: str
    decision: Decision
    needed: Needed
    version: int
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """Which things of a kind somebody may see."""

    subject: str
    visible: Visible
    version: int


@dataclass(frozen=True, slots=True)
class WhoCan:
    """A page of those who may do something, by name; `next` is the `after` of the following page."""

    items: tuple[Reaching, ...]
    next: str | None
    version: int


class Questions:
    """Says of anybody what they may and why, to those who may know."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def explain(self, actor: Actor, verb: Verb, resource: Resource, *, subject: str | None = None) -> Explanation:
        """
        Why the actor, or the subject of that name, may or may not do something, and what would be needed.

        About others: for those who manage the resource, admins and auditors. NotFound and Forbidden as ever.
        """
        with self._context.view(actor) as view:
            access = self._access_for(view, resource, subject)
            name, version = access.principal.name, access.version
            project = projects.project_row(view.session, resource.project)
            if project is None:
                return _absent(name, verb, resource, version)
            rules, archived = access.book.about(resource), project.archived_at is not None
            decision = decide(access.principal, verb, resource, rules, now=view.now, archived=archived)
            if access is view.access and not decision.allowed and not decision.visible:
                return _unseen(name, decision, version)
            given = _roles_of(view.session, resource.project)
            return Explanation(name, decision, needed(access.principal, decision, rules, given, now=view.now), version)

    def who_can(
        self, actor: Actor, verb: Verb, resource: Resource, *, after: str | None = None, limit: int = 50
    ) -> WhoCan:
        """
        Everybody enabled who may do it, each with the decision that says why: groups within groups and admins, too.

        For those who manage the resource, admins and auditors.
        """
        if not 1 <= limit <= MOST_REACHING:
            raise Invalid(f"Between 1 and {MOST_REACHING} people at once.", field="limit")
        with self._context.view(actor) as view:
            project = view.require_sight(resource)
            found = reach.those_who_can(
                view.session, project, verb, resource, now=view.now, after=after or "", limit=limit + 1
            )
            self._looked(actor, "decisions.who_can", resource, verb=verb)
        items = tuple(found[:limit])
        return WhoCan(items, items[-1].name if len(found) > limit else None, view.access.version)

    def visible(self, actor: Actor, kind: Kind, project: str, *, subject: str | None = None) -> Seen:
        """
        Which things of the kind the actor, or the subject of that name, may see in the project.

        About others: for those who manage the kind or the project, admins and auditors.
        """
        with self._context.view(actor) as view:
            access = self._access_for(view, Resource(project, kind), subject)
            if access is view.access:
                access.project(project)
            return Seen(access.principal.name, access.visible(kind, project), access.version)

    def _access_for(self, view: View, resource: Resource, subject: str | None) -> Access:
        own = view.access.principal
        if subject is None and view.by_system:
            raise Invalid("Say about whom.", field="subject")
        if subject is None or subject == own.name:
            return view.access
        view.require_sight(resource)
        name = parse.user_name(subject, "subject")
        row = subjects.by_name(view.session, name)
        loaded = None if row is None else principals.load(view.session, row.id)
        if loaded is None:
            raise NotFound(f"There is no user or service account called {name}.")
        self._looked(view.actor, "decisions.explain", resource, subject=name)
        return Access.of(loaded, view.access.version)

    def _looked(self, actor: Actor, action: str, resource: Resource, **about: str) -> None:
        self._context.looked(actor, action, f"{resource.kind}:{resource.id}", resource.project, about=about)


def _roles_of(session: Transaction, project: str) -> list[Role]:
    return [*BUILT_IN_ROLES.values(), *(roles.role(row) for row in roles.in_project(session, project))]


def _absent(name: str, verb: Verb, resource: Resource, version: int) -> Explanation:
    decision = Decision(False, verb, resource, Reason.NO_RULE, visible=False)
    return Explanation(name, decision, NOTHING, version, hidden=True)


def _unseen(name: str, decision: Decision, version: int) -> Explanation:
    # A rule that speaks of the thing would say that it is there. What the credential lacks may be known.
    if decision.reason not in ABOUT_THE_CREDENTIAL:
        return _absent(name, decision.verb, decision.resource, version)
    about = tuple(reason for reason in decision.limits if reason in ABOUT_THE_CREDENTIAL)
    return Explanation(name, replace(decision, judged=(), level=None, limits=about), Needed(limits=about), version)
