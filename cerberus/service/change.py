"""One transaction of a use case: who asks, what they may do, and the audit line at the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cerberus.errors import Forbidden, NotFound
from cerberus.policy import Level, Resource, Scope, Verb
from cerberus.service.access import SYSTEM_PRINCIPAL, Access, project_resource
from cerberus.service.actors import Actor, line_of_origin
from cerberus.store import audit
from cerberus.store.database import Transaction
from cerberus.store.projects import project_row
from cerberus.store.tables import PolicyStateRow, ProjectRow


@dataclass(slots=True)
class View:
    """An open transaction, who asks, and what they may do."""

    session: Transaction
    actor: Actor
    access: Access
    now: datetime

    @property
    def by_system(self) -> bool:
        """
        Whether the command line on the server asks.
        """
        return self.actor.principal == SYSTEM_PRINCIPAL

    def knows(self, slug: str) -> bool:
        """
        Whether the actor may know of the project, if there is one.
        """
        return self.by_system or self.access.can(Verb.READ, project_resource(slug))

    def require_project(self, slug: str, verb: Verb = Verb.MANAGE) -> ProjectRow:
        """
        The project's row, once the actor may `verb` the project itself.
        """
        row = project_row(self.session, slug)
        if not self.by_system:
            self.access.require(verb, project_resource(slug))
        if row is None:
            raise NotFound(f"There is no project {slug}, or you are not in it.")
        return row

    def require(self, verb: Verb, resource: Resource) -> ProjectRow:
        """
        The project's row, once the actor may `verb` the resource in it.
        """
        row = self.require_project(resource.project, Verb.READ)
        if not self.by_system:
            self.access.require(verb, resource)
        return row

    def sees_policy_on(self, resource: Resource) -> bool:
        """
        Whether the actor may see who has what on the resource: those who manage it, whatever their credential may
        change and even when the project is archived, and those who oversee everything.
        """
        if self.oversees:
            return True
        decision = self.access.check(Verb.READ, resource)
        return decision.allowed and (decision.level is Level.MANAGE or self.access.principal.is_admin)

    def require_sight(self, resource: Resource) -> ProjectRow:
        """
        The project's row, once the actor may see who has what on the resource.
        """
        row = project_row(self.session, resource.project)
        if row is not None and self.sees_policy_on(resource):
            return row
        self.require(Verb.READ, resource)
        raise Forbidden("Only those who manage this may see who has what on it.", hint="Ask a maintainer.")

    @property
    def oversees(self) -> bool:
        """
        Whether the actor may see people and audit everywhere.
        """
        return self.access.oversees

    def require_oversight(self) -> None:
        """
        Forbidden unless the actor may see people and audit everywhere.
        """
        if not self.oversees:
            raise Forbidden("Only admins and auditors may see this.", hint="Ask an admin of the platform.")

    def require_admin(self) -> None:
        """
        Forbidden unless the actor is an admin with a credential that may administer everything.
        """
        principal = self.access.principal
        if not principal.is_admin:
            raise Forbidden("Only an admin may do this.", hint="Ask an admin of the platform.")
        if Scope.ADMIN not in principal.scopes or principal.project is not None:
            raise Forbidden("This token may not be used to administer.", hint="Sign in, or use one with scope admin.")

    def require_own_account(self) -> None:
        """
        Forbidden unless the credential may change the account that it belongs to.
        """
        if Scope.ADMIN not in self.access.principal.scopes:
            raise Forbidden("This token may not change the account.", hint="Sign in, or use one with scope admin.")

    def require_whole_account(self) -> None:
        """
        The same for what concerns the account beyond one project: Forbidden for a credential that is bound to one.
        """
        self.require_own_account()
        if self.access.principal.project is not None:
            raise Forbidden("This token works in one project only.", hint="Sign in to change the account.")


@dataclass(slots=True)
class Change(View):
    """One change under way; `state` is locked until the transaction ends."""

    state: PolicyStateRow

    def record(
        self,
        action: str,
        target: str,
        *,
        project: str | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """
        The use case's audit line, and the step of the policy version that makes every process forget what it kept.
        """
        self.note(action, target, project=project, before=before, after=after)
        self.state.version += 1

    def note(
        self,
        action: str,
        target: str,
        *,
        project: str | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """
        An audit line for what changes no policy and no identity.
        """
        line = {
            **line_of_origin(self.actor),
            "action": action,
            "target": target,
            "project": project,
            "before": before,
            "after": after,
        }
        audit.append(self.session, self.state, line, self.now)
