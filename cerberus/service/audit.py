"""What happened, by whom: to look up, and to note what was refused."""

from cerberus.errors import Forbidden
from cerberus.policy import Decision, Principal, Verb
from cerberus.service.access import project_resource
from cerberus.service.actors import SYSTEM, Actor, Origin, line_of_denial
from cerberus.service.context import Context
from cerberus.store import audit
from cerberus.store.records import AuditLine


class Audit:
    """Reads the audit, and notes refusals."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def search(
        self,
        actor: Actor,
        *,
        project: str | None = None,
        who: str | None = None,
        action: str | None = None,
        outcome: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[AuditLine]:
        """
        Lines that have all the given values, newest first, those older than the id `before`.

        Admins and auditors see every line; who manages a project those of the project.
        """
        with self._context.view(actor) as view:
            if not view.oversees:
                if project is None:
                    raise Forbidden("You may see the audit of a project that you manage.", hint="Name the project.")
                view.access.require(Verb.MANAGE, project_resource(project))
            return audit.search(
                view.session,
                project=project,
                who=who,
                action=action,
                outcome=outcome,
                before=before,
                limit=max(1, min(limit, 1000)),
            )

    def record_denial(self, principal: Principal, decision: Decision, origin: Origin) -> None:
        """
        Notes a refusal; returns at once, and drops the line rather than wait when too many are on their way.
        """
        line = line_of_denial(Actor(principal, origin), decision)
        self._context.later(
            lambda session: audit.append_loose(session, line, self._context.now()), what="the audit line of a denial"
        )

    def verify(self) -> int | None:
        """
        None when the chain of lines holds; otherwise the id of the first line that was edited or whose predecessor is
        missing, 0 when lines are missing at the end.
        """
        with self._context.change(SYSTEM) as change:
            return audit.first_broken_link(change.session)
